"""Release number, defined only here.

pyproject.toml, recordings and published messages take it from here, so that nothing reads the
metadata of the installation.
"""

from __future__ import annotations

VERSION = "0.2.0"

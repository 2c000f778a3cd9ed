"""Release number, defined only here.

pyproject.toml, recordings and published messages take it from here, so that nothing reads the
metadata of the installation.
"""

from __future__ import annotations

from datetime import date

VERSION = "0.2.0"

RELEASED = date(2026, 1, 1)
"""No clock that is right can be behind this: the first day of the year of this release."""

"""The release: the only place of its number.

pyproject.toml takes it from here, and so does everything that is recorded or told, so that nothing
reads the installation.
"""

from __future__ import annotations

VERSION = "0.1.0"

"""How the documentation becomes a site: `make site`.

The pages are those of the repository, read as they are; what they link to beside them is linked at
the repository.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

REPOSITORY = "https://github.com/spasmwatch/spasmwatch/blob/main/"
HERE = Path(__file__).parent

project = "spasmwatch"
author = "The spasmwatch developers"
copyright = author  # noqa: A001  (Sphinx asks for this name)
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["container", "measured", "monitoring", "open-frame", "schemas", "page-schemas"]
myst_heading_anchors = 4
nitpicky = True
suppress_warnings = ["misc.highlighting_failure"]  # Mermaid stays text
html_theme = "alabaster"
html_title = "spasmwatch"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "description": "Likely muscle spasms and clonus at night. Not a medical device.",
    "fixed_sidebar": False,
    "page_width": "1100px",
    "font_size": "17px",
    "show_powered_by": False,
}

_LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)(?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?(?=\))")


def linked_at_repository(_app: Any, page: str, source: list[str]) -> None:
    """Turn a link to a file that is no page of the site into one to the repository."""
    folder = posixpath.dirname(f"docs/{page}")

    def address(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, match["path"]))
        inside = path.removeprefix("docs/")
        is_page = path != inside and path.endswith(".md")
        is_picture = path != inside and path.endswith((".png", ".svg"))
        if is_page or is_picture:
            return match[0]
        return f"{REPOSITORY}{path}{match['anchor'] or ''}"

    source[0] = _LINK.sub(address, source[0])


def setup(app: Any) -> dict[str, bool]:
    """Register what turns links."""
    app.connect("source-read", linked_at_repository)
    return {"parallel_read_safe": True}

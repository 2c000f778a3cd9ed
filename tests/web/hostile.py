"""What every screen must bear: axe's rules, both themes and sizes, and texts that would run."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

VIEWS = [(dark, size) for size in ("phone", "narrow") for dark in (False, True)]

SCRIPTS = [
    "<script>window.ran=1</script>",
    "<img src=x onerror='window.ran=1'>",
    "<svg onload=window.ran=1>",
    '"><script>window.ran=1</script>',
    "' autofocus onfocus='window.ran=1' x='",
    "javascript:window.ran=1",
    "</title><script>window.ran=1</script>",
    "</script><script>window.ran=1</script>",
    "{{ cycler.__init__.__globals__ }}",
    "${window.ran=1}",
    "<template><script>window.ran=1</script></template>",
    "<a href='javascript:window.ran=1'>a</a>",
    "<iframe srcdoc='<script>parent.ran=1</script>'>",
    "<math><mtext><style><img src=x onerror=window.ran=1>",
    "id: 1\nevent: view\ndata: {}\n\n",
    "\u2028window.ran=1\u2029",
    "&lt;script&gt;window.ran=1&lt;/script&gt;",
]


def check(page: Page) -> None:
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()

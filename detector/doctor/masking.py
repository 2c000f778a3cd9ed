"""Take secrets and names out of text that is to be shared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial

KEPT = {"spasmwatch"}  # commands begin with it, and who is called like it is not known by that
SHORTEST = 2  # characters; a name of one letter cannot be told from the text round it
WHOLE_WORDS_BELOW = 4  # characters; a password shorter than this is looked for as a word only

_HEX = "[0-9A-Fa-f]"
_BLUETOOTH = re.compile(rf"(?<!{_HEX})(?:{_HEX}{{2}}[:_-]){{5}}{_HEX}{{2}}(?!{_HEX})")
_IPV4 = re.compile(r"(?<![\w.])(?!127\.)\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
# Two colons are a time of day, and ::1 is this computer, so an address has at least three.
_IPV6 = re.compile(rf"(?<![\w:]){_HEX}{{1,4}}(?::{_HEX}{{0,4}}){{3,7}}(?![\w:])")


class Mask:
    """Replaces secrets by placeholders such as `<host-1>`, the same one always by the same.

    Bluetooth and network addresses are found by their form; `127.0.0.1` is the same on
    every machine and stays. Everything else must be named with `hide`.
    """

    def __init__(self) -> None:
        self._placeholders: dict[str, str] = {}  # of a secret in lower case
        self._counts: dict[str, int] = {}

    def hide(self, kind: str, secrets: Iterable[str | None]) -> None:
        """Add secrets of a kind, in any case; all but passwords are masked as whole words only."""
        for secret in secrets:
            if secret is None or secret.casefold() in KEPT:
                continue
            if len(secret) >= SHORTEST:
                self._placeholder(kind, secret)

    def __call__(self, text: str) -> str:
        """Return the text without them."""
        # The longest first: the name of a host may contain that of its user.
        for secret in sorted(self._placeholders, key=len, reverse=True):
            placeholder = self._placeholders[secret]
            text = _pattern(secret, placeholder).sub(placeholder.replace("\\", r"\\"), text)
        for kind, form in (("address", _BLUETOOTH), ("ip", _IPV4), ("ip", _IPV6)):
            text = form.sub(partial(self._masked, kind), text)
        return text

    def _masked(self, kind: str, found: re.Match[str]) -> str:
        return self._placeholder(kind, found[0])

    def _placeholder(self, kind: str, secret: str) -> str:
        known = self._placeholders.get(secret.casefold())
        if known is not None:
            return known
        self._counts[kind] = self._counts.get(kind, 0) + 1
        made = f"<{kind}-{self._counts[kind]}>"
        self._placeholders[secret.casefold()] = made
        return made


def _pattern(secret: str, placeholder: str) -> re.Pattern[str]:
    inner = re.escape(secret)
    anywhere = placeholder.startswith("<password") and len(secret) >= WHOLE_WORDS_BELOW
    bounded = inner if anywhere else rf"(?<!\w){inner}(?!\w)"
    return re.compile(bounded, re.IGNORECASE)

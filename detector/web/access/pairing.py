"""One-time codes that let a device in: made by `spasmwatch pair`, typed or scanned there."""

from __future__ import annotations

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: without I, L, O and U, which are mistaken for others."""

LENGTH = 9  # 45 bits: at the limit of guesses below, one in 60,000,000,000 is found
GROUP = 3

GUESSES_PER_ADDRESS = (1 / 12, 6.0)  # per s, and at once: a person who mistypes needs three
GUESSES_IN_ALL = (1.0, 60.0)  # so that somebody who guesses keeps nobody else out for long

_MISTAKEN = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})


def new_code() -> str:
    """Return a new code as it is shown: three groups of three."""
    text = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return "-".join(text[at : at + GROUP] for at in range(0, LENGTH, GROUP))


def typed_code(text: str) -> str:
    """Return a code as it was made, from what a person typed; "" where it cannot be one."""
    kept = "".join(c for c in text.upper() if c.isascii() and c.isalnum()).translate(_MISTAKEN)
    if len(kept) != LENGTH or any(c not in ALPHABET for c in kept):
        return ""
    return "-".join(kept[at : at + GROUP] for at in range(0, LENGTH, GROUP))

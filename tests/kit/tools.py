"""Programs that a test needs: without one it is skipped, or fails where nothing may be skipped."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

NOTHING_SKIPPED = bool(os.environ.get("SPASMWATCH_NOTHING_SKIPPED"))
"""Set by `.ci/run`, whose computer has every tool: there a skipped test would prove nothing."""


def lacking(reason: str) -> NoReturn:
    """End the present test for want of something."""
    if NOTHING_SKIPPED:
        pytest.fail(reason)
    pytest.skip(reason)


def needs(found: object, reason: str) -> pytest.MarkDecorator:
    """Mark tests that need something; where nothing may be skipped they fail without it."""
    return pytest.mark.skipif(not found and not NOTHING_SKIPPED, reason=reason)

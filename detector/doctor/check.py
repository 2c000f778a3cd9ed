"""What a check came to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckStatus(StrEnum):
    """The four things a check can say."""

    OK = "ok"
    WARN = "warn"  # the night will be watched; something may spoil it
    FAIL = "FAIL"  # the night will not be watched, or nobody told
    SKIP = "skip"  # could not be looked at; the detail says why


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One thing that was looked at.

    Parameters
    ----------
    name : of the thing, two or three words; stable, programs may go by it
    detail : what was found, with the numbers
    fix : command that mends it, a remark may follow in brackets; never empty on FAIL
    """

    name: str
    status: CheckStatus
    detail: str
    fix: str | None = None

    def __post_init__(self) -> None:
        if self.status is CheckStatus.FAIL and not self.fix:
            raise ValueError(f"{self.name} fails without saying what to do")


def ok(name: str, detail: str) -> CheckResult:
    """Say that it is as it should be."""
    return CheckResult(name, CheckStatus.OK, detail)


def warn(name: str, detail: str, fix: str | None = None) -> CheckResult:
    """Say that it may spoil a night."""
    return CheckResult(name, CheckStatus.WARN, detail, fix)


def fail(name: str, detail: str, fix: str) -> CheckResult:
    """Say that nothing will come of the night as it is."""
    return CheckResult(name, CheckStatus.FAIL, detail, fix)


def skip(name: str, why: str) -> CheckResult:
    """Say that it could not be looked at."""
    return CheckResult(name, CheckStatus.SKIP, why)

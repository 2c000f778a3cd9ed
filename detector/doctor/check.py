"""The result of a check: status, finding and remedy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckStatus(StrEnum):
    """Outcome of a check."""

    OK = "ok"
    WARN = "warn"  # the night is watched; something may spoil it
    FAIL = "FAIL"  # the night is not watched, or nobody is alerted
    SKIP = "skip"  # could not be checked; the detail says why


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Result of one check.

    Parameters
    ----------
    name : two or three words; stable, programs may rely on it
    detail : finding, with its numbers
    fix : command that corrects it, with a remark in brackets if needed; never empty on FAIL
    """

    name: str
    status: CheckStatus
    detail: str
    fix: str | None = None

    def __post_init__(self) -> None:
        if self.status is CheckStatus.FAIL and not self.fix:
            raise ValueError(f"{self.name} fails without saying what to do")


def ok(name: str, detail: str) -> CheckResult:
    """Return a result that all is well."""
    return CheckResult(name, CheckStatus.OK, detail)


def warn(name: str, detail: str, fix: str | None = None) -> CheckResult:
    """Return a result that may spoil a night."""
    return CheckResult(name, CheckStatus.WARN, detail, fix)


def fail(name: str, detail: str, fix: str) -> CheckResult:
    """Return a result with which a night cannot be watched, or nobody alerted."""
    return CheckResult(name, CheckStatus.FAIL, detail, fix)


def skip(name: str, why: str) -> CheckResult:
    """Return that a check could not be made."""
    return CheckResult(name, CheckStatus.SKIP, why)

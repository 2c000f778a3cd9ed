"""Why a night cannot begin, as the page shows it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from detector.config import Problem, SettingsError
from detector.words.phrases import counted, one_line, sentence

MOST_LINES = 40  # of an error; settings have 21 problems at most


@dataclass(frozen=True, slots=True)
class Failure:
    """What keeps a night from beginning.

    summary : one sentence
    path : the settings file that is to be mended; None where that is no remedy
    problems : of the settings, by line
    words : of an error that is no list of problems, line by line
    remedy : what to do, and what happens then
    since : when it was found
    """

    summary: str
    path: Path | None
    problems: tuple[Problem, ...]
    words: tuple[str, ...]
    remedy: str
    since: datetime

    @property
    def digest(self) -> str:
        """What tells this failure from another one, whenever either was found."""
        said = (self.summary, self.path, self.problems, self.words)
        return sha256(repr(said).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def failure_of(
    error: Exception, words: str, *, path: Path, again_s: float, at: datetime
) -> Failure:
    """Return what the page says of an error.

    Parameters
    ----------
    words : what the terminal says of it
    path : the settings file, which may not exist
    again_s : after so long it is tried again without a change of the file
    """
    if isinstance(error, SettingsError):
        where = error.path or path
        return Failure(
            f"The settings have {counted(len(error.problems), 'problem')}.",
            where,
            error.problems,
            (),
            "Correct that in the file and save it: spasmwatch then begins by itself, and this page "
            "goes on.",
            at,
        )
    return Failure(
        "The night cannot begin.",
        None,
        (),
        _lines(words.splitlines()),
        f"It is tried again every {again_s:.0f} s: once this is mended, spasmwatch begins by "
        "itself, and this page goes on.",
        at,
    )


def _lines(said: Sequence[str]) -> tuple[str, ...]:
    lines = [sentence(one_line(line.strip())) for line in said if line.strip()]
    return tuple(lines[:MOST_LINES])

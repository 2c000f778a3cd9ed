"""What each question is asked of, which answer is right, and how large its model is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from examples import Examples

from detector.dsp.frames import Bools
from detector.events import Kind
from detector.recognition.bouts.bout import EARLY, Moment
from detector.recognition.rules.features import FEATURES
from detector.recognition.rules.opinions import Question

PULLS = (Kind.SPASM, Kind.TONIC)
FAMILY = (*PULLS, Kind.CLONUS)
EVERY_KIND = (*FAMILY, Kind.TWITCH)

FEATURE_GROUPS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "context": ("rest", "joins"),
        "size": ("jerk", "early_peak", "peak", "strength"),
        "onset": ("slope", "rise", "early"),
        "length": ("duration",),
        "posture": ("turned", "settled", "kept", "back", "held", "drift"),
        "course": ("pull", "away", "release"),
        "level": (
            "held_level", "pull_level", "release_level", "strongest_at", "level_first",
            "level_middle", "level_last", "level_median",
        ),
        "decay": ("decay", "decay_even", "decays_after", "active", "crest"),
        "pace": ("pace_first", "pace_middle", "pace_last", "pace_spread", "trembling"),
        "beat": (
            "line", "regular", "most_regular", "most_beats", "stride", "most_stride", "striding",
            "rate_spread",
        ),
        "rhythm": (
            "rate", "regularity", "rhythm_stride", "rhythm_line", "clearest", "lead", "growth",
            "waning", "beating", "abruptness",
        ),
    }
)  # fmt: skip
"""Features that measure the same: what they are worth is tried group by group."""

NOT_FOR_PULLS: Final = (*FEATURE_GROUPS["beat"], *FEATURE_GROUPS["decay"])
"""Left out of the question of a pull: how regular a movement is and how it dies away tells one
simulator from another, not a spasm. Without them a model that never saw a simulator finds more of
its spasms at the same number of false ones (the card, "Feature groups")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question, as it is trained.

    Parameters
    ----------
    rows : which examples ask it; like `right` and `skip` from n examples to (n,)
    right : for which the answer is yes
    skip : which are neither right nor wrong
    trees, leaves : how large the model is, and how many leaves a tree has at most
    left_out : features that it may not look at
    """

    rows: Callable[[Examples], Bools]
    right: Callable[[Examples], Bools]
    skip: Callable[[Examples], Bools]
    trees: int
    leaves: int
    left_out: tuple[str, ...] = ()

    @property
    def features(self) -> tuple[int, ...]:
        """Return the numbers of the features that it looks at."""
        return tuple(n for n, name in enumerate(FEATURES) if name not in self.left_out)


def _beats(examples: Examples) -> Bools:
    """Return rhythms as they were simulated.

    With varied ones a model that never saw our own simulator finds fewer of its clonus (81 instead
    of 85 % at 40 false in 24 h), and a loose strap's ring at 8 Hz was called one.
    """
    beating = examples.rhythm & examples.at(Moment.RHYTHM, Moment.UPDATE, Moment.OVER)
    return beating & ~examples.varied


def _over(examples: Examples) -> Bools:
    return examples.at(Moment.OVER)


ASKED: Final[Mapping[Question, Asked]] = MappingProxyType(
    {
        Question.BEGUN: Asked(
            rows=lambda seen: seen.at(*EARLY),
            right=lambda seen: seen.truly(*FAMILY),
            skip=lambda seen: np.zeros(len(seen), bool),
            trees=200,
            leaves=8,
        ),
        # A clonus alone is neither: what is likelier of the two names a bout.
        Question.PULL: Asked(
            rows=_over,
            right=lambda seen: seen.truly(*PULLS),
            skip=lambda seen: seen.truly(Kind.CLONUS) & ~seen.truly(*PULLS),
            trees=300,
            leaves=12,
            left_out=NOT_FOR_PULLS,
        ),
        # A pull with a rhythm may be the start of one.
        Question.CLONUS: Asked(
            rows=_beats,
            right=lambda seen: seen.truly(Kind.CLONUS),
            skip=lambda seen: seen.truly(*PULLS) & ~seen.truly(Kind.CLONUS),
            trees=300,
            leaves=12,
        ),
        # A short pull and a twitch are the same to a sensor.
        Question.TWITCH: Asked(
            rows=lambda seen: _over(seen) & seen.short,
            right=lambda seen: seen.truly(Kind.TWITCH),
            skip=lambda seen: seen.truly(*FAMILY) & ~seen.truly(Kind.TWITCH),
            trees=200,
            leaves=8,
        ),
        Question.TREMOR: Asked(
            rows=_beats,
            right=lambda seen: seen.truly(Kind.TREMOR) & ~seen.truly(Kind.CLONUS),
            skip=lambda seen: seen.truly(*PULLS) & ~seen.truly(Kind.CLONUS, Kind.TREMOR),
            trees=200,
            leaves=8,
        ),
    }
)

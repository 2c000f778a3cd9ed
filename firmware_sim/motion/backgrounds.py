"""Real recordings as the background of simulated movements: at regular places, or as a grid.

Sizes are given as background over movement, as in the signal note: at 0.3 a movement clearly
stands out, at 1 it is as large as the background. Nothing is put where the recording has a gap, or
where no limb makes a movement of that size; what is left out is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np

from detector.block import Samples
from firmware_sim.motion.act import PEAK_G, Act, peak_of
from firmware_sim.motion.clonus import Engine, bout
from firmware_sim.motion.inject import Fitted, UnfitError, fit, mix, spread
from firmware_sim.motion.limb import Limb, strap_on
from firmware_sim.motion.repertoire import REPERTOIRES, Occasion
from firmware_sim.motion.scene import FS_HZ, Perform, Stream, stream
from firmware_sim.motion.truth import Truth

STILL_G = 0.010
"""Below this rms over three axes there is only breathing and the noise of a poor chip."""
MOST_PEAK_G = 4.0
"""Half the range of a common sensor, and three times the largest clonus of the signal note."""
SHORTEST_SLOT_S = 20.0
"""Room for one movement of any repertoire, and rest."""
PAUSE_S = 10.0
"""Added to a bout's own length: the time to the next bout of a grid."""
JITTER = 0.1
"""Share of a slot by which places are scattered, so that they do not follow the background."""


@dataclass(frozen=True, slots=True, eq=False)
class Injected:
    """A real recording with simulated movements in it.

    Parameters
    ----------
    samples : (n, 3), g
    truth : of the movements put in, in order of onset
    left_out : places where no movement could be put
    """

    samples: Samples
    truth: tuple[Truth, ...]
    left_out: int


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One cell of a grid: bouts of one length at one size against the background."""

    background_ratio: float
    seconds: float
    injected: Injected


def inject_every(
    samples: Samples,
    fs: float,
    repertoire: str,
    *,
    every_s: float,
    background_ratio: float,
    seed: int,
    site: str = "ankle",
    engine: Engine = "both",
) -> Injected:
    """Put one movement of a repertoire into every slot of a recording.

    Where the recording is still, the ratio to its noise has no meaning: the movement keeps the size
    it was drawn with. `Truth.background_ratio` is the ratio reached.

    Parameters
    ----------
    samples : (n, 3), g; NaN in gaps
    repertoire : one of `REPERTOIRES`
    background_ratio : rms of the recording over rms of the movement

    Raises
    ------
    ValueError
        There is no such repertoire or site, or a size or time that makes no sense.
    """
    if repertoire not in REPERTOIRES:
        raise ValueError(f"movements must be one of {', '.join(REPERTOIRES)}, got {repertoire!r}")
    if not SHORTEST_SLOT_S <= every_s < np.inf:
        raise ValueError(f"every_s must be at least {SHORTEST_SLOT_S:g} s, got {every_s:g}")
    _check(fs, background_ratio)
    limb = strap_on(stream(seed, Stream.LIMB), site)
    acts = REPERTOIRES[repertoire].acts(Occasion(every_s, fs, engine))
    ground = _Ground(samples, fs, limb)
    return _placed(
        samples,
        ground.planned(acts, every_s, seed),
        lambda planned: ground.exact_or_own(planned, background_ratio),
    )


def inject_many(
    samples: Samples,
    fs: float,
    *,
    background_ratios: Sequence[float],
    seconds: Sequence[float],
    seed: int,
    site: str = "ankle",
    engine: Engine = "both",
) -> Iterator[Cell]:
    """Return a recording once for every size and length of clonus, cell by cell.

    All sizes of one length have the same bouts in the same places, unless a place is too still or
    too lively for one of them: sizes are exact here.

    Parameters
    ----------
    samples : (n, 3), g; NaN in gaps
    background_ratios : rms of the recording over rms of the clonus
    seconds : lengths of the bouts

    Raises
    ------
    ValueError
        There is no such site or engine, or a size or length that makes no sense.
    """
    for ratio in background_ratios:
        _check(fs, ratio)
    ground = _Ground(samples, fs, strap_on(stream(seed, Stream.LIMB), site))
    for lasting_s in seconds:
        if not 0 < lasting_s < np.inf:
            raise ValueError(f"a clonus of {lasting_s} s cannot be made")
        acts: list[Perform] = [partial(bout, engine=engine, seconds=lasting_s)]
        slot_s = max(lasting_s + PAUSE_S, SHORTEST_SLOT_S)
        bouts = ground.planned(acts, slot_s, seed)
        for ratio in background_ratios:
            size = partial(ground.exact, background_ratio=ratio)
            yield Cell(ratio, lasting_s, _placed(samples, bouts, size, PEAK_G[0]))


def _check(fs: float, background_ratio: float) -> None:
    if not FS_HZ[0] <= fs < np.inf:
        raise ValueError(f"a recording needs {FS_HZ[0]:g} samples a second or more, not {fs:g}")
    if not 0 < background_ratio < np.inf:
        raise ValueError(f"a ratio must be above 0, got {background_ratio:g}")


@dataclass(frozen=True, slots=True, eq=False)
class _Ground:
    """A recording, and the limb whose movements are put into it."""

    samples: Samples
    fs: float
    limb: Limb

    def planned(self, acts: Sequence[Perform], slot_s: float, seed: int) -> list[_Planned]:
        """Draw a movement and its moment for the middle of every slot."""
        slots = int(len(self.samples) / self.fs / slot_s)
        scatter = stream(seed, Stream.PLAN).uniform(-JITTER, JITTER, slots)
        return [
            _Planned(
                slot_s * (i + 0.4 + float(scatter[i])),
                acts[i % len(acts)](stream(seed, Stream.ACT, i), self.limb),
            )
            for i in range(slots)
        ]

    def exact(self, planned: _Planned, background_ratio: float) -> Fitted:
        """Size a movement by the background."""
        return self._fit(planned, ratio=1 / background_ratio)

    def exact_or_own(self, planned: _Planned, background_ratio: float) -> Fitted:
        """Size a movement by the background, or keep its own size where the background is still."""
        own_g = peak_of(planned.act.motion, self.limb)
        own = self._fit(planned, ratio=0.0, least_peak_g=own_g)
        begin, end = (round(s * self.fs) for s in (own.truth.onset_s, own.truth.end_s))
        still = spread(self.samples[begin : end + 1]) < STILL_G
        return own if still else self.exact(planned, background_ratio)

    def _fit(self, planned: _Planned, *, ratio: float, least_peak_g: float = 0.0) -> Fitted:
        return fit(
            self.samples,
            self.fs,
            planned.act,
            self.limb,
            at_s=planned.at_s,
            ratio=ratio,
            least_peak_g=least_peak_g,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Planned:
    at_s: float
    act: Act


def _placed(
    samples: Samples,
    planned: Sequence[_Planned],
    size: Callable[[_Planned], Fitted],
    least_peak_g: float = 0.0,
) -> Injected:
    fitted: list[Fitted] = []
    for each in planned:
        with suppress(UnfitError):
            candidate = size(each)
            apart = not fitted or candidate.first >= fitted[-1].stop
            if apart and least_peak_g <= candidate.truth.peak_g <= MOST_PEAK_G:
                fitted.append(candidate)
    return Injected(
        samples=mix(samples, fitted),
        truth=tuple(each.truth for each in fitted),
        left_out=len(planned) - len(fitted),
    )

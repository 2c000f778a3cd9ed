"""A review at a terminal: one question after the other, each answered by a letter and Enter."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from pathlib import Path

import numpy as np

from detector.alerts.commands import Command, CommandError, SaidKind
from detector.errors import RecordingError
from detector.events import Event
from detector.review.answers import labels_for
from detector.review.episodes import NightReview, ReviewEpisode
from detector.service.persistence.places import RECORDING
from detector.store.formats.excerpt import excerpt
from detector.terminal.output import Output, strip
from detector.words.phrases import one_line, sentence
from detector.words.review import OTHER, YES, episode_line, others_line

LONGEST_ANSWER = 200  # characters; a letter
PIECES = 24  # of a strip
AROUND = timedelta(seconds=5)  # shown before and after
LONGEST = timedelta(seconds=60)  # shown of a movement

SKIP, UNDO, REST, STOP = "", "z", "r", "q"
KEYS = {"s": SaidKind.SPASM, "c": SaidKind.CLONUS, "n": SaidKind.NOT_A_SPASM}
KEYS |= {"u": SaidKind.NOT_SURE}
WORDS = {str(kind): key for key, kind in KEYS.items()} | {"yes": "y", "no": "n", "undo": UNDO}


@dataclass
class ReviewSession:
    """Asks of a night's episodes, and says what is answered.

    Parameters
    ----------
    say : passes labels on; raises CommandError where they are refused
    undo : takes back the last label that is of one of these events; False: there is none
    shown : returns the movement around an event as a strip, "" where that is not known
    """

    out: Output
    night: NightReview
    by: str
    zone: tzinfo | None
    say: Callable[[Sequence[Command]], object]
    undo: Callable[[Sequence[str]], bool]
    shown: Callable[[Event], str] = lambda _event: ""
    answered: list[ReviewEpisode] = field(default_factory=list)

    def hold(self, asked: Sequence[ReviewEpisode]) -> bool:
        """Ask, until all is answered or skipped; return whether it came to the end."""
        place = 0
        while place < len(asked):
            self._show(asked[place], place + 1, len(asked))
            key = self._key()
            if key == STOP:
                return False
            if key == UNDO:
                place = self._took_back(asked, place)
            elif key == REST:
                if self._rest():
                    return True
            elif key == SKIP or self._said(asked[place], key):
                place += 1
        return True

    def confirm_rest(self, left: Sequence[ReviewEpisode]) -> bool:
        """Ask whether all of these are no spasms, and say so."""
        many = f"all {len(left)} that are left" if len(left) > 1 else "the one that is left"
        self._write(f"Say of {many}: not a spasm? [y/N] ")
        if self._line().casefold() not in {"y", "yes"}:
            return False
        try:
            self.say(labels_for(left, SaidKind.NOT_A_SPASM, by=self.by))
        except CommandError as error:
            self.out.error(f"Nothing was noted: {error}.")
            return False
        self.answered += left
        return True

    def _rest(self) -> bool:
        done = {each.id for each in self.answered}
        return self.confirm_rest([each for each in self.night.unreviewed if each.id not in done])

    def _show(self, each: ReviewEpisode, number: int, count: int) -> None:
        lines = [f"{number} of {count}   {episode_line(each.chief, each.kind, self.zone)}"]
        lines += [f"   {words}" for words in [others_line(len(each.events))] if words]
        seen = "" if self.out.plain else self.shown(each.chief)
        lines += [f"   {seen}"] if seen else []
        if each.chief.reason:
            lines.append(f"   {sentence(one_line(each.chief.reason))}")
        other, words = OTHER[each.as_named]
        key = next(key for key, kind in KEYS.items() if kind is other)
        yes = YES[each.as_named].lower()
        lines.append(f"   y {yes}   {key} {words.lower()}   n not a spasm   u not sure")
        lines.append("   Enter skip   z undo   r the rest are none   q stop")
        self._write("\n" + "\n".join(lines) + "\n")

    def _key(self) -> str:
        while True:
            self._write("? ")
            typed = self._line().casefold()
            key = WORDS.get(typed, typed)
            if key in {SKIP, UNDO, REST, STOP, "y", *KEYS}:
                return key
            self.out.error(f"{typed[:20]!a} is no answer: type y, s, c, n, u, z, r, q or Enter.")

    def _said(self, each: ReviewEpisode, key: str) -> bool:
        """Say an answer; False where it was refused, and is asked again."""
        verdict = KEYS.get(key, each.as_named)
        try:
            self.say(labels_for([each], verdict, by=self.by))
        except CommandError as error:
            self.out.error(f"Nothing was noted: {error}.")
            return False
        self.answered.append(each)
        return True

    def _took_back(self, asked: Sequence[ReviewEpisode], place: int) -> int:
        """Take back the latest answer; return which question is asked next."""
        if not self.answered:
            self.out.error("There is nothing to undo yet.")
            return place
        last = self.answered[-1]
        try:
            if not self.undo(last.to_label):
                self.out.error("That was taken back elsewhere.")
        except CommandError as error:
            self.out.error(f"Nothing was taken back: {error}.")
            return place
        self.answered.pop()
        return next((n for n, each in enumerate(asked) if each.id == last.id), place)

    def _line(self) -> str:
        line = sys.stdin.readline(LONGEST_ANSWER)
        if not line:
            raise EOFError
        return line.strip()

    def _write(self, text: str) -> None:
        print(text, end="", file=sys.stderr, flush=True)


def movement_strip(recordings: Path, event: Event) -> str:
    """Return the movement from 5 s before an event to 5 s after; "" where nothing has it."""
    if event.recording is None or event.onset is None:
        return ""
    path = recordings / f"{event.recording.name.removesuffix('.sqlite')}.sqlite"
    if not RECORDING.fullmatch(path.name):
        return ""
    since = event.onset - AROUND
    until = event.onset + min(timedelta(seconds=event.duration_s), LONGEST) + AROUND
    most_g = np.zeros(PIECES)
    with suppress(RecordingError):
        part = excerpt(path, since, until)
        begin = part.timebase.at_s(0.0)
        late_s = 0.0 if begin is None else (begin - since).total_seconds()
        for block in part.blocks:
            at_s = late_s + np.arange(block.start, block.stop) / block.fs
            pieces = np.floor(at_s / (until - since).total_seconds() * PIECES).astype(np.int64)
            moved_g = np.abs(np.sqrt(np.square(block.samples).sum(axis=1)) - 1.0)
            inside = (pieces >= 0) & (pieces < PIECES) & np.isfinite(moved_g)
            np.maximum.at(most_g, pieces[inside], moved_g[inside])
        return strip(most_g.tolist())
    return ""

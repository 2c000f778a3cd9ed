"""`spasmwatch tune`: let labels propose what is beneath your own minimum."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.terminal.invocation import Invocation, UsageError, program_name

if TYPE_CHECKING:
    from detector.config import Settings
    from detector.events import Origin
    from detector.recognition.personal.minimums import Personal
    from detector.review.offer import TuneOffer
    from detector.store.past import Page
    from detector.terminal.output import Output

LONGEST_ANSWER = 200  # characters; a y
NOTHING_CHANGED = 1


def tune(
    ctx: typer.Context,
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="Use what is proposed without asking.")
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Go back to what held before the last change.")
    ] = False,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Tune what a simulated sensor sent.")
    ] = False,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who says so.", show_default="your login")
    ] = None,
) -> None:
    """Propose minimums of your own from what you said in `review`, and what they would have done.

    It takes 20 labels of 3 nights. Nothing changes without your yes, and --undo goes back. What is
    beneath a minimum is still told and kept, as a movement that says what it would be without.
    """
    from detector.alerts.commands import PERSON
    from detector.events import Origin
    from detector.terminal.saying import login

    call = Invocation.of(ctx)
    if yes and undo:
        raise UsageError("--yes and --undo do not go together: give one after the other.")
    who = by or login()
    if not PERSON.fullmatch(who):
        raise UsageError(f"--by must be up to 32 of a-z, 0-9, _ and -, not {who!a:.40}")
    origin = Origin.SIMULATED if simulated else Origin.LIVE
    desk = _TuneDesk(call.out, call.configuration().settings, origin, who)
    if undo:
        desk.undo()
        return
    offer = desk.offer()
    chosen = bool(offer.proposals) and (yes or _asked(call.out, offer))
    if chosen:
        desk.use(offer)
    if call.out.json:
        from detector import plain_json
        from detector.review.offer import offer_json

        call.out.data(plain_json.line(offer_json(offer, applied=chosen)))
    elif not offer.proposals:
        _say_why_not(call.out, offer)
    elif not chosen:
        call.out.error("Nothing was changed.")
        raise typer.Exit(NOTHING_CHANGED)


class _TuneDesk:
    """A data folder, and who decides on its minimums."""

    def __init__(self, out: Output, settings: Settings, origin: Origin, by: str) -> None:
        from detector.service.persistence.places import DataFolder

        self.out, self.settings, self.origin, self.by = out, settings, origin, by
        self.place = DataFolder.of(settings.data_dir, origin)

    def offer(self) -> TuneOffer:
        """Return what the labels propose."""
        from detector.errors import RecordingNotFoundError
        from detector.recognition.rules.opinions import DEFAULT_MODEL
        from detector.review.gathering import reviewed_nights
        from detector.review.minimums_file import read_minimums
        from detector.review.offer import offer_of, scoped
        from detector.store import wearer_file
        from detector.store.log import KEPT
        from detector.store.look import looking_at
        from detector.store.questions import answered

        if not self.place.state.exists():
            raise RecordingNotFoundError(
                "No night was watched yet. Watch some with `spasmwatch run`, and `spasmwatch "
                f"review` them. There is no {self.place.state}"
            )
        wearer = wearer_file.read(self.place.folder)
        sensors = self.settings.sensors
        sensor = sensors[0].label if len(sensors) == 1 else None
        own = scoped(read_minimums(self.place.folder).personal, wearer, sensor, DEFAULT_MODEL)
        with (
            looking_at(self.place.state) as state,
            self.out.progress("Reading the last nights", KEPT.days) as advance,
        ):

            def page(asked: Page[Any]) -> list[Any]:
                advance(1)
                return state.page(asked)

            questions = reviewed_nights(self.settings.wearer.zone, datetime.now(UTC), wearer)
            return offer_of(answered(questions, page), own)

    def use(self, offer: TuneOffer) -> None:
        """Apply what was proposed."""
        from detector.review.deciding import said_yes

        self._told(said_yes(self.place.folder, offer, by=self.by, at=datetime.now(UTC)))

    def undo(self) -> None:
        """Go back to what held before the last change."""
        from detector.review.deciding import undone

        try:
            own = undone(self.place.folder, by=self.by, at=datetime.now(UTC))
        except ValueError as error:
            raise UsageError(f"Nothing was changed: {error}.") from None
        self._told(own)

    def _told(self, own: Personal) -> None:
        """Say what holds now, here and in the log."""
        from detector.alerts.commands import NOTE_MOST, AddNote, CommandError
        from detector.errors import SpasmwatchError
        from detector.terminal.saying import say_of
        from detector.words.tuning import minimums_line

        words = minimums_line(own)
        if not self.out.json:
            self.out.data(words)
        self.out.say("A night that runs goes by it within seconds, any other from its beginning.")
        try:
            say_of(self.settings, [AddNote(by=self.by, text=words[:NOTE_MOST])], self.origin)
        except (CommandError, SpasmwatchError) as error:
            self.out.say(f"It holds, but the log has no note of it: {error}")


def _asked(out: Output, offer: TuneOffer) -> bool:
    """Show what is proposed, and ask whether to use it; nobody is asked with --json."""
    from detector.words.phrases import NOTICE
    from detector.words.review import REAL_IS_REAL

    if out.json:
        return False
    _show(out, offer)
    out.say(f"{REAL_IS_REAL}\n{NOTICE}\nIt is easy to go back: {program_name()} tune --undo")
    print("Use it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline(LONGEST_ANSWER).strip().casefold() in {"y", "yes"}


def _show(out: Output, offer: TuneOffer) -> None:
    from detector.words.tuning import preview_words, proposal_sentence

    for each in offer.proposals:
        out.data(proposal_sentence(each))
    nights = offer.preview
    out.data("")
    out.data("Night        now  then")
    for night in nights:
        out.data(f"{night.evening}  {night.now:>4}  {night.then:>4}")
    out.data("")
    now, then = sum(night.now for night in nights), sum(night.then for night in nights)
    out.data(preview_words(now, then, len(nights)))


def _say_why_not(out: Output, offer: TuneOffer) -> None:
    from detector.words.tuning import elsewhere_words, minimums_line, no_offer_words

    missing = offer.missing_labels, offer.missing_nights
    out.data(no_offer_words(offer.labels, offer.nights, missing, offer.others))
    if offer.elsewhere:
        out.data(elsewhere_words(offer.elsewhere, offer.now.sensor))
    if any(missing):
        out.say(f"To label more: {program_name()} review")
    if offer.now.minimums:
        out.data(minimums_line(offer.now))

"""`spasmwatch review`: say what the movements of a night were."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from detector.terminal.invocation import Invocation, UsageError, program_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.alerts.commands import Command, SaidKind
    from detector.config import Settings
    from detector.events import Origin
    from detector.review.episodes import NightReview, ReviewEpisode
    from detector.review.gathering import KnownReview
    from detector.store.questions import Questions

T = TypeVar("T")

NO_NIGHT = "No night was watched yet. Watch one with `spasmwatch run`, then review it."


def review(
    ctx: typer.Context,
    night: Annotated[
        str | None,
        typer.Argument(
            metavar="NIGHT", help="Evening of the night, as 2026-11-20.", show_default="the last"
        ),
    ] = None,
    *,
    label: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID=KIND",
            help="Say what one was: yes, spasm, clonus, not-a-spasm, not-sure; may be repeated.",
        ),
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take back the last label of this person.")
    ] = False,
    rest: Annotated[
        bool, typer.Option("--rest", help="Say of all that nobody labelled: not a spasm.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --rest: do not ask.")] = False,
    every: Annotated[
        bool, typer.Option("--all", help="Ask of all, not of the ten that matter most.")
    ] = False,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Review what a simulated sensor sent.")
    ] = False,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who says so.", show_default="your login")
    ] = None,
) -> None:
    """Say of a night's likely spasms whether they were: ten at most, longest and least sure first.

    Each answer is a letter and Enter, and can be taken back. What you say is kept apart from what
    was found, and changes none of it; `tune` learns from it. A real spasm you did not want to be
    woken for is not a false alarm: change the alert rule instead.
    """
    from detector.events import Origin

    call = Invocation.of(ctx)
    given = (("--label", label), ("--undo", undo), ("--rest", rest))
    asked = [name for name, is_so in given if is_so]
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} do not go together: give one after the other.")
    if yes and not rest:
        raise UsageError("--yes goes with --rest.")
    evening = None if night is None else _evening(night)
    from detector.alerts.commands import CommandError
    from detector.terminal.saying import login

    desk = _ReviewDesk(
        call,
        call.configuration().settings,
        Origin.SIMULATED if simulated else Origin.LIVE,
        by or login(),
    )
    try:
        if undo:
            desk.take_back()
        elif label:
            desk.label(label, evening)
        elif rest:
            desk.rest(evening, yes=yes)
        else:
            desk.review(evening, every=every)
    except CommandError as error:
        raise UsageError(f"Nothing was noted: {error}.") from None


class _ReviewDesk:
    """A data folder, and who says something of its nights."""

    def __init__(self, call: Invocation, settings: Settings, origin: Origin, by: str) -> None:
        from detector.service.persistence.places import DataFolder
        from detector.store import wearer_file

        self.out, self.settings, self.origin, self.by = call.out, settings, origin, by
        self.zone = settings.wearer.zone
        self.place = DataFolder.of(settings.data_dir, origin)
        if not self.place.state.exists():
            from detector.errors import RecordingNotFoundError

            raise RecordingNotFoundError(f"{NO_NIGHT} There is no {self.place.state}")
        self.wearer = wearer_file.read(self.place.folder)

    def review(self, evening: date | None, *, every: bool) -> None:
        """Ask of a night, or list with --json what would be asked."""
        from detector import plain_json
        from detector.review.forms import review_json
        from detector.terminal.reviewing import ReviewSession, movement_strip
        from detector.words.phrases import NOTICE
        from detector.words.review import REAL_IS_REAL

        known = self.known(evening)
        if self.out.json:
            self.out.data(plain_json.line(review_json(known.night)))
            return
        asked = known.night.unreviewed if every else known.night.asked
        self.out.data(f"{_title(known.night)}. {_counted(known.night, asked)}")
        if not asked:
            return
        self.out.say(f"{REAL_IS_REAL}\n{NOTICE}")
        session = ReviewSession(
            self.out,
            known.night,
            self.by,
            self.zone,
            say=self.say,
            undo=self.undone,
            shown=lambda event: movement_strip(self.place.nights, event),
        )
        try:
            session.hold(asked)
        except EOFError:
            self.out.say("")
        left = self.known(known.night.evening).night
        self.out.data(f"{len(session.answered)} answered. {_counted(left, left.asked)}")
        if left.asked:
            self.out.say(
                f"Go on whenever you like: {self.command(left)}. Without questions: --json lists "
                "them, --label ID=KIND says what one was."
            )

    def rest(self, evening: date | None, *, yes: bool) -> None:
        """Say of all that nobody labelled that they were none."""
        from detector.alerts.commands import SaidKind
        from detector.review.answers import labels_for
        from detector.terminal.reviewing import ReviewSession

        night = self.known(evening).night
        left = night.unreviewed
        if not left:
            self.out.data(f"{_title(night)}. {_counted(night, ())}")
            return
        if yes:
            self.say(labels_for(left, SaidKind.NOT_A_SPASM, by=self.by))
        else:
            self.out.say(f"{_title(night)}.")
            session = ReviewSession(self.out, night, self.by, self.zone, self.say, self.undone)
            try:
                if not session.confirm_rest(left):
                    raise EOFError
            except EOFError:
                self.out.error("Nothing was noted.")
                raise typer.Exit(1) from None
        self.out.data(f"{len(left)} labelled: not a spasm. To take that back: --undo")

    def label(self, said: Sequence[str], evening: date | None) -> None:
        """Set labels by id; none where one of them cannot be."""
        from detector.review.answers import labels_for

        pairs = [_pair(each) for each in said]
        commands: list[Command] = []
        told: list[str] = []
        for name, kind in pairs:
            each = self._find(name, evening)
            verdict = kind or each.as_named
            commands += labels_for([each], verdict, by=self.by)
            told.append(f"{name} is labelled by {self.by}: {verdict}.")
        self.say(commands)
        for line in told:
            self.out.say(line)

    def take_back(self) -> None:
        """Take back the last label of this person, of whatever night."""
        if not self.undone(None):
            raise UsageError(f"Nothing was taken back: {self.by} has no label in the last 30 days.")
        self.out.say(f"The last label of {self.by} is taken back.")

    def say(self, commands: Sequence[Command]) -> None:
        """Say something to whoever has the state."""
        from detector.terminal.saying import say_of

        say_of(self.settings, commands, self.origin)

    def undone(self, about: Sequence[str] | None) -> bool:
        """Take back the last label of this person that is of one of these; False without one."""
        from detector.review.answers import last_label
        from detector.review.gathering import all_labels

        last = last_label(self.look(all_labels(datetime.now(UTC))), self.by, about)
        if last is not None:
            self.say([last])
        return last is not None

    def known(self, evening: date | None) -> KnownReview:
        """Return what there is to say of a night, of the latest one for None."""
        from detector.errors import RecordingNotFoundError
        from detector.review.gathering import latest_review, night_review

        now = datetime.now(UTC)
        chosen = evening or self.look(latest_review(self.zone, now, self.wearer))
        if chosen is None:
            raise RecordingNotFoundError(
                f"There is no likely spasm to review in {self.place.state} yet."
            )
        return self.look(night_review(chosen, self.zone, now, self.wearer))

    def command(self, night: NightReview) -> str:
        """Return how the review of a night is called."""
        more = " --simulated" if self.place.folder != self.settings.data_dir else ""
        return f"{program_name()} review {night.evening}{more}"

    def _find(self, name: str, evening: date | None) -> ReviewEpisode:
        from detector.review.gathering import event_evening

        found = evening or self.look(event_evening(name, self.zone, self.wearer))
        each = None if found is None else self.known(found).night.find(name)
        if each is None:
            where = "" if evening is None else f" on the night of {evening}"
            raise UsageError(
                f"Nothing was noted: there is no likely spasm {name!a:.70}{where} to label. "
                f"`{program_name()} review --json` lists those of a night."
            )
        return each

    def look(self, questions: Questions[T]) -> T:
        """Look at the state, which stays as it is."""
        from detector.store.look import looking_at

        with looking_at(self.place.state) as state:
            return state.answered(questions)


def _evening(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!a:.40} is no night: give the date of its evening, as 2026-11-20.",
            param_hint="NIGHT",
        ) from None


def _pair(text: str) -> tuple[str, SaidKind | None]:
    """Return an id and what it was; None: as it was named."""
    from detector.alerts.commands import SaidKind

    name, _, kind = text.partition("=")
    if kind == "yes":
        return name, None
    try:
        return name, SaidKind(kind)
    except ValueError:
        raise UsageError(
            f"{text!a:.90} is no label: write ID=KIND, with yes, {', '.join(SaidKind)}.",
            param_hint="--label",
        ) from None


def _title(night: NightReview) -> str:
    from detector.web.history.nights import title

    return f"Night of {title(night.evening)}"


def _counted(night: NightReview, asked: Sequence[ReviewEpisode]) -> str:
    from detector.words.review import asked_count

    return asked_count(len(asked), len(night.unreviewed), len(night.episodes))

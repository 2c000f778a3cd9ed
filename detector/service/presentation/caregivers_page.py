"""Show the running night on the caregivers' page, and pass on what they say there."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial

from detector.alerts.conditions import Condition
from detector.block import utc_of
from detector.channels import Entry
from detector.config import Settings
from detector.errors import ConfigError, StorageError
from detector.people.people_file import PeopleFile
from detector.push.drills import confirm_answer
from detector.push.links import links_of
from detector.push.recipients import Contact
from detector.recognition.rules.opinions import DEFAULT_MODEL
from detector.report.gather import NightPlace
from detector.service.assembly import Assembly
from detector.service.persistence.places import NIGHTS
from detector.service.presentation.followers import FollowedWearers
from detector.service.presentation.health import vitals
from detector.service.presentation.hearers import hearers_of
from detector.service.presentation.history import NightHistory
from detector.service.presentation.page_notices import page_notices
from detector.service.presentation.report_maker import ReportMaker
from detector.service.presentation.reviewing import NightReviews
from detector.service.supervisor import Supervisor
from detector.service.tasks import ended
from detector.sources.clock import Clock
from detector.store.diary import Diary
from detector.store.state import State, StateError
from detector.web.app import CaregiversPage
from detector.web.health.facts import ServiceFacts
from detector.web.household.neighbours import card_of, household_view, others_words
from detector.web.phone_answers import PhoneAnswers
from detector.web.serving.address_file import PageAddress, remove_address, write_address
from detector.web.serving.asking import host_of
from detector.web.serving.server import Where, served
from detector.web.serving.tls import digest_of, ends_at
from detector.web.tonight.view import Scene, view_of
from detector.words.alerts import learning_words
from detector.words.screens import origin_words, whose_words

PART = "caregivers' page"  # for the log and the alarm of a fault
SOON = timedelta(days=45)  # a warning at each start of so long
MOST_WAITING = 10_000  # entries, where the page makes no view: it then shows no signal
LOOKED_BACK = 4000  # entries of the log that are read at the start: more than a night's

NO_PAGE = (
    "No caregivers' page and no health page: {bind} port {port} and those above it cannot be used "
    "({why}). Choose another web.port."
)

MOVED = (
    "Phones look for the page at {url}, and do not find it: end what uses port {port}, and start "
    "spasmwatch again."
)


class NightOnPage:
    """Makes the page's view of a night whenever something has happened, and each second.

    Parameters
    ----------
    diary : of what the log said before
    others : wearers who are followed
    """

    def __init__(
        self,
        made: Assembly,
        page: CaregiversPage,
        diary: Diary,
        clock: Clock,
        others: FollowedWearers,
        *,
        label: str,
        zone: tzinfo | None,
        contacts: Sequence[Contact],
    ) -> None:
        self._others = others
        self._made, self._page, self._diary, self._clock = made, page, diary, clock
        self._label, self._zone, self._contacts = label, zone, contacts
        number, most = made.learning.number, made.learning.most
        self._remark = origin_words(made.topics.origin)
        if number is not None:
            self._remark = learning_words(number, most)
        self._facts: ServiceFacts | None = None
        self._entries: deque[Entry] = deque(maxlen=MOST_WAITING)
        self._news = asyncio.Event()

    def show(self, facts: ServiceFacts) -> None:
        """Take what the service shows of itself now."""
        self._facts = facts
        self._page.show_facts(facts)
        self._news.set()

    def hear(self, entries: Sequence[Entry]) -> None:
        """Take entries that have been committed."""
        self._entries.extend(entries)
        self._news.set()

    async def keep(self) -> None:
        """Show the night until cancelled; a fault here is an alarm, and costs the night nothing."""
        beside = self._made.beside
        supervisor = Supervisor(
            mono_s=time.monotonic,
            sleep=asyncio.sleep,
            announce=lambda _part, why: beside.note(Condition.INTERNAL_FAULT, why),
        )
        await supervisor.keep(PART, self._run)

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            entries = list(self._entries)
            self._entries.clear()
            self._diary.take(entries)
            self._show()
            if self._made.beside.troubles().get(Condition.INTERNAL_FAULT) is not None:
                self._made.beside.note(Condition.INTERNAL_FAULT, None)  # it works again

    def _show(self) -> None:
        at = utc_of(self._clock.utc_ns())
        others = [card_of(each, at, self._zone) for each in self._others.neighbours()]
        own = view_of(self._scene(at, others_words(others)), self._diary)
        self._page.stream.show(own)
        if self._page.household is not None:
            self._page.household.stream.show(household_view(own, others))

    def _scene(self, at: datetime, others: str) -> Scene:
        facts, now_s = self._facts, time.monotonic()
        hung = "spasmwatch is starting" if facts is None else None
        if facts is not None and not facts.live(now_s):
            hung = f"spasmwatch has not looked at the night for {now_s - facts.at_s:.0f} s"
        night = self._made.night
        return Scene(
            at=at,
            made_ms=round(now_s * 1000),
            snapshot=self._made.service.now,
            vitals=vitals(night, self._clock),
            label=self._label,
            sensors=tuple(watch.label for watch in night.watches),
            zone=self._zone,
            hung=hung,
            remark=self._remark,
            others=others,
            hearers=hearers_of(self._made, self._contacts, self._page.open_pages, at, self._zone),
        )


def where_of(settings: Settings) -> Where:
    """Return where the settings want the page."""
    web = settings.web
    return Where(web.bind, web.port, web.cert_file, web.key_file, web.public_url)


def _place(made: Assembly, settings: Settings) -> NightPlace:
    """Return where nights are read from for reports."""
    return NightPlace(
        state=made.state,
        recordings=made.state.parent / NIGHTS,
        origin=made.topics.origin,
        zone=settings.wearer.zone,
        label=settings.wearer.label or settings.sensor.label,
        site=settings.sensor.placement,
        model=DEFAULT_MODEL,
    )


@asynccontextmanager
async def caregivers_page(
    made: Assembly, settings: Settings, clock: Clock, *, note: Callable[[str], None]
) -> AsyncIterator[NightOnPage | None]:
    """Serve the page until the block ends; None, with a sentence, where that cannot be.

    Parameters
    ----------
    note : takes a sentence about where the page is
    """
    web, where, folder = settings.web, where_of(settings), settings.data_dir
    others = FollowedWearers(settings.follow, made.broker.endpoint, settings.mqtt.prefix)
    past = NightHistory(
        made.archive,
        made.state.parent / NIGHTS,
        zone=settings.wearer.zone,
        now=lambda: utc_of(clock.utc_ns()),
        recording=settings.recording.enabled,
        reports=ReportMaker(_place(made, settings)),
    )
    reviews = NightReviews(
        made.archive,
        made.state.parent,
        zone=settings.wearer.zone,
        now=lambda: utc_of(clock.utc_ns()),
        sensors=[worn.provenance.sensor for worn in made.night.worn],
    )
    page = CaregiversPage(
        PeopleFile(folder),
        obey=made.service.obey,
        secure=where.secure,
        phones=_phones(made, settings),
        notices=page_notices(settings),
        others=others if settings.follow else None,
        past=past,
        reviews=reviews,
        movement_g=lambda: made.movement.pieces_g,
    )
    shown = NightOnPage(
        made,
        page,
        await _diary(made),
        clock,
        others,
        label=whose_words(settings.wearer.label, made.topics.origin),
        zone=settings.wearer.zone,
        contacts=[Contact.of(contact) for contact in settings.contact],
    )
    async with AsyncExitStack() as stack:
        stack.callback(past.close)
        stack.callback(reviews.close)
        try:
            address = await stack.enter_async_context(served(page, where))
        except OSError as error:
            why = error.strerror or str(error)
            note(NO_PAGE.format(bind=web.bind, port=web.port, why=why))
            yield None
            return
        except ConfigError as error:
            note(f"No caregivers' page and no health page: {error}")
            yield None
            return
        taken = "" if address.endswith(f":{web.port}") else f" (port {web.port} is taken)"
        note(f"Caregivers' page: {address}{taken}. Let a phone or browser in: spasmwatch pair NAME")
        if taken and web.public_url is not None:
            note(MOVED.format(url=web.public_url, port=web.port))
        for warning in _ending(where):
            note(warning)
        made.hearers.append(shown.hear)
        stack.callback(made.hearers.remove, shown.hear)
        port = int(address.rpartition(":")[2])
        shows = "" if where.cert_file is None else digest_of(where.cert_file)
        place = PageAddress(address, host_of(web.bind), port, page.local_key, shows)
        await asyncio.to_thread(write_address, folder, place)
        stack.callback(remove_address, folder, place)
        stack.push_async_callback(ended, asyncio.ensure_future(shown.keep()), PART)
        await stack.enter_async_context(others.heard(made.beside))
        yield shown


def _ending(where: Where) -> list[str]:
    """Return a warning where the certificate has ended or soon will: no phone comes in then."""
    if where.cert_file is None:
        return []
    left = ends_at(where.cert_file) - datetime.now(UTC)
    if left > SOON:
        return []
    when = "has ended" if left < timedelta(0) else f"ends in {left.days} days"
    return [f"The certificate of the page {when}: make a new one, spasmwatch setup tls --page"]


def _phones(made: Assembly, settings: Settings) -> PhoneAnswers | None:
    """Return what takes answers from notifications; None where they have no button."""
    folder = settings.data_dir
    with suppress(StorageError):  # noted where the notifications are made
        links = links_of(settings.web, folder)
        if links is not None:
            return PhoneAnswers(
                links.key,
                obey=made.service.obey,
                confirm=partial(confirm_answer, folder),
                now=lambda: datetime.now(UTC),
            )
    return None


async def _diary(made: Assembly) -> Diary:
    """Return what the log says of the last hours; nothing, where it cannot be read."""
    diary = Diary()

    def fill(state: State) -> None:
        diary.take(state.replay_from(max(1, state.last - LOOKED_BACK + 1), LOOKED_BACK))

    with suppress(StateError):
        await made.archive.ask(fill)
    return diary

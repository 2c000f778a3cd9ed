"""`spasmwatch listen`: receive a wearer's alerts on this computer, and sound an alarm."""

from __future__ import annotations

import json
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from detector.terminal.invocation import Invocation, UsageError
from detector.words.phrases import NOTICE, sentence

if TYPE_CHECKING:
    from detector.config import Settings
    from detector.mqtt.contract import Topics
    from detector.mqtt.endpoint import Endpoint
    from detector.receiver import ReceivedEntry, ServiceState
    from detector.receiver.sound import Sound
    from detector.receiver.sounding import Sounding
    from detector.terminal.output import Output

ABSENT = {"stopped": "Stopped", "silent": "NOT WATCHING"}
UNKNOWN = "what was missed before now is not received."
AGAIN = "after a restart of this receiver, what it has since then is told again."
SILENT = "silent"  # reason for a sound, beside the ids of alerts
DISCOVERY_S = 5.0  # a broker sends what is retained at once


def listen(
    ctx: typer.Context,
    *,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of this receiver: a-z, 0-9, _ and -; one name, one receiver.",
            show_default="this computer's name",
        ),
    ] = None,
    broker: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="mqtt://host, or mqtts://host.",
            show_default="the settings' broker, or this computer's",
        ),
    ] = None,
    wearer: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Whose alerts: the ten characters in the topics.",
            show_default="the only one there is",
        ),
    ] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Listen to a simulated night, as a test.")
    ] = False,
    silent: Annotated[bool, typer.Option("--silent", help="Sound no alarm.")] = False,
) -> None:
    """Receive alerts and events of a night, and sound an alarm when one is raised.

    What was missed is received later. If nothing is heard for 15 s, because the other computer,
    the broker or the network is down, that is an alarm too.
    """
    import asyncio

    call = Invocation.of(ctx)
    flags = {} if broker is None else {"mqtt.broker": broker}
    settings = call.configuration(flags).settings
    chosen = name or _own_name()
    _check_name(chosen)
    asyncio.run(_listen(call.out, settings, chosen, wearer, simulated=simulated, silent=silent))


async def _listen(
    out: Output, settings: Settings, name: str, wearer: str | None, *, simulated: bool, silent: bool
) -> None:
    import asyncio

    from detector.events import Origin
    from detector.mqtt.contract import Topics
    from detector.receiver import Listener, Receiver
    from detector.receiver.sounding import Sounding

    endpoint = _endpoint(settings)
    origin = Origin.SIMULATED if simulated else Origin.LIVE
    out.say(NOTICE)
    whom = wearer or await _discover(out, endpoint, settings.mqtt.prefix, origin)
    topics = Topics(prefix=settings.mqtt.prefix, wearer=whom, origin=origin)
    memory = _Memory(_memory_file(settings, name, topics), out)
    loop = asyncio.get_running_loop()
    zone = ZoneInfo(settings.wearer.time_zone) if settings.wearer.time_zone else None
    try:
        receiver = Receiver(name, mono_s=loop.time(), saved=memory.load())
    except ValueError as error:
        out.say(f"{memory.path}: {error}: {UNKNOWN}")
        receiver = Receiver(name, mono_s=loop.time())
    with _sound(settings, silent=silent) as sound:
        sounding = Sounding(sound, mono_s=loop.time, failed=lambda why: _without_sound(out, why))
        screen = _Screen(out, zone, sounding)
        listener = Listener(
            endpoint, topics, receiver, tell=screen.show, save=memory.save, mono_s=loop.time
        )
        out.say(f"Listening as {name} to {topics.base} at {endpoint}. Ctrl-C ends.")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(listener.run())
            tasks.create_task(sounding.run())


def _without_sound(out: Output, why: str) -> None:
    out.say(f"No sound: {why}")
    out.bell()


class _Screen:
    """Write what is new, and hold the alarm while there is a reason."""

    def __init__(self, out: Output, zone: tzinfo | None, sounding: Sounding) -> None:
        self._out = out
        self._zone = zone
        self._sounding = sounding

    def show(self, news: ReceivedEntry | ServiceState) -> None:
        """Write one piece of news, and take what it means for the sound."""
        from detector.receiver import ServiceState

        if isinstance(news, ServiceState):
            self._state(news)
        else:
            self._entry(news)

    def _state(self, state: ServiceState) -> None:
        from detector.receiver.receiver import Absence
        from detector.status import WORDS, StateWord

        if state.word is Absence.SILENT:
            self._sounding.hold(SILENT)
        else:
            self._sounding.release(SILENT)
        if self._out.json:
            self._write(json.dumps({"state": state.word.value, "why": state.why}))
            return
        why = "" if state.why is None else f" {sentence(state.why)}"
        word = state.word
        said = WORDS[word] if isinstance(word, StateWord) else ABSENT[word.value]
        self._line(f"{said}.{why}")

    def _entry(self, entry: ReceivedEntry) -> None:
        from detector.alert import from_dict as alert_of
        from detector.events import Phase
        from detector.events import from_dict as event_of
        from detector.words.alerts import alert_line
        from detector.words.phrases import event_line

        late = " (received late)" if entry.late else ""
        try:
            fields = dict(entry.fields)
            if entry.leaf == "alert":
                alert = alert_of(fields)
                line = alert_line(alert, self._zone)
            else:
                event, alert = event_of(fields), None
                line = event_line(event, self._zone) if event.phase is Phase.END else ""
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            self._unreadable(entry)
            return
        if alert is not None and not entry.superseded:  # what is over must not sound again
            self._sounding.take(alert)
        if self._out.json:
            more = {"superseded": True} if entry.superseded else {}
            self._write(json.dumps({**entry.fields, **more}, ensure_ascii=False))
        elif line:
            self._write(line + late)

    def _unreadable(self, entry: ReceivedEntry) -> None:
        """Tell of a message that is forged, or of another release; an alert rings all the same."""
        if entry.leaf == "alert":
            self._out.bell()
        self._line("A message that cannot be read was received. Is one of the two programs older?")

    def _line(self, text: str) -> None:
        at = datetime.now(UTC)
        self._write(f"{at.astimezone(self._zone):%H:%M:%S}  {' '.join(text.splitlines())}")

    def _write(self, line: str) -> None:
        """Write a line at once: into a file or pipe it would wait for 8 kB, which is hours."""
        self._out.data(line)
        sys.stdout.flush()


class _Memory:
    """What this receiver has, in a file that is replaced whole."""

    def __init__(self, path: Path, out: Output) -> None:
        self.path = path
        self._out = out
        self._told = False

    def load(self) -> Any:
        """Return what was saved, or None where nothing was or, which is told, it is damaged."""
        try:
            return json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            self._out.say(f"{self.path} cannot be read ({error}): what was missed is not received.")
            return None

    def save(self, saved: dict[str, object]) -> None:
        """Replace the file; that the disk refuses is told once."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = self.path.with_suffix(".new")
            new.write_text(json.dumps(saved))
            new.replace(self.path)
        except OSError as error:
            if not self._told:
                self._out.say(f"{self.path} cannot be written ({error.strerror}): {AGAIN}")
            self._told = True


def _memory_file(settings: Settings, name: str, topics: Topics) -> Path:
    return settings.data_dir / "receivers" / f"{topics.origin}-{topics.wearer}-{name}.json"


@contextmanager
def _sound(settings: Settings, *, silent: bool) -> Iterator[Sound | None]:
    from detector.receiver.sound import Sound

    if silent or not settings.alerts.sound:
        yield None
        return
    with Sound(settings.alerts.sound_command) as sound:
        yield sound


def _own_name() -> str:
    """Return this computer's name as a receiver's."""
    return re.sub(r"[^a-z0-9_-]+", "-", socket.gethostname().lower()).strip("-_")[:32] or "receiver"


def _check_name(name: str) -> None:
    from detector.store.receivers import NAME

    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a receiver's name: up to 32 of a-z, 0-9, _ and -",
            param_hint="--name",
        )


def _endpoint(settings: Settings) -> Endpoint:
    from detector.mqtt.endpoint import Endpoint, configured

    options = settings.mqtt
    here = Endpoint(port=options.port or 1883, username=options.username, password=options.secret())
    return configured(options) or here


async def _discover(out: Output, endpoint: Endpoint, prefix: str, origin: Any) -> str:
    """Return the wearer that a broker has something of; wait until there is one.

    Raises
    ------
    UsageError
        There are several.
    """
    import asyncio

    from detector.events import Origin
    from detector.mqtt.link import Link

    apart = "" if origin is Origin.LIVE else f"{origin}/"
    found: set[str] = set()
    link = Link(endpoint, f"spasmwatch-looking-{socket.gethostname()}"[:60])
    await link.subscribe(
        f"{prefix}/{apart}+/availability", lambda got: found.update(_wearer_in(got.topic))
    )
    running = asyncio.create_task(link.run())
    said = False
    try:
        while not found:
            try:
                async with asyncio.timeout(DISCOVERY_S):
                    await link.connected()
                    while not found:
                        await asyncio.sleep(0.2)
            except TimeoutError:
                if not said:
                    why = None if link.state.connected else link.state.last_error
                    out.say(sentence(why or "No spasmwatch is at the broker yet") + " Waiting …")
                said = True
        await asyncio.sleep(0.2)  # the others, if there are any
    finally:
        running.cancel()
        await asyncio.wait({running})
    if len(found) > 1:
        raise UsageError(
            f"there are several wearers at {endpoint}: choose one of {', '.join(sorted(found))}",
            param_hint="--wearer",
        )
    return found.pop()


def _wearer_in(topic: str) -> list[str]:
    """Return the wearer whose topic this is; none where it is nobody's id."""
    return re.findall(r"/([a-z2-7]{10})/availability$", topic)

"""`spasmwatch listen`: receive a wearer's alerts on this computer, and sound an alarm."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector import plain_json
from detector.files import PRIVATE, read_start, write_whole
from detector.terminal.invocation import Invocation, UsageError
from detector.words.phrases import NOTICE, sentence

if TYPE_CHECKING:
    from asyncio import Task

    from detector.config import Settings
    from detector.mqtt.contract import Topics
    from detector.mqtt.endpoint import Endpoint
    from detector.mqtt.security.keys import CaregiverKey
    from detector.receiver import Listener, Receiver
    from detector.receiver.sound import Sound
    from detector.terminal.output import Output
    from detector.terminal.received import ReceivedScreen

UNKNOWN = "what was missed before now is not received."
AGAIN = "after a restart of this receiver, what it has since then is told again."
KEYS = (
    "Keys, each followed by Enter: a I'm on it; s snooze (s 10: for ten minutes); p pause; "
    "r resume; m mark a spasm; n TEXT a note; t test the alarm. Enter alone: I heard the test."
)
MEMORY_MOST = 1 << 20  # bytes; 2,000 entries beyond a hole and 400 others take a tenth


def listen(
    ctx: typer.Context,
    *,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of this receiver: a-z, 0-9, _ and -; one name, one receiver.",
            show_default="that of its key, or this computer's name",
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
    all_: Annotated[
        bool, typer.Option("--all", help="Also show movements that are no likely spasms.")
    ] = False,
    silent: Annotated[bool, typer.Option("--silent", help="Sound no alarm.")] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Have a test alarm sent now, then go on listening.")
    ] = False,
) -> None:
    """Receive alerts and likely spasms of a night, and sound an alarm when one is raised.

    What was missed is received later. If nothing is heard for 15 s, because the other computer,
    the broker or the network is down, that is an alarm too. Each evening a test sounds: Enter says
    that you heard it, t and Enter asks for another. a and Enter says that you are on it: then
    nobody is told of it again. s puts it off, p lets alerts wake nobody for 30 min (p 10: for
    ten, 60 at most), r ends that.
    """
    import asyncio

    call = Invocation.of(ctx)
    flags = {} if broker is None else {"mqtt.broker": broker}
    settings = call.configuration(flags).settings
    key = _key(settings, name)
    chosen = key.by if key else name or _own_name()
    _check_name(chosen)
    asyncio.run(
        _listen(
            call.out,
            settings,
            chosen,
            key,
            wearer,
            simulated=simulated,
            everything=all_,
            silent=silent,
            test=test,
        )
    )


async def _listen(
    out: Output,
    settings: Settings,
    name: str,
    key: CaregiverKey | None,
    wearer: str | None,
    *,
    simulated: bool,
    everything: bool,
    silent: bool,
    test: bool,
) -> None:
    import asyncio

    from detector.cli.caregivers.discovery import discover
    from detector.events import Origin
    from detector.mqtt.contract import Topics
    from detector.receiver import Listener
    from detector.receiver.sounding import Sounding
    from detector.terminal.received import ReceivedScreen
    from detector.terminal.typed import at_terminal

    endpoint = _endpoint(settings)
    origin = Origin.SIMULATED if simulated else Origin.LIVE
    out.say(NOTICE)
    loop = asyncio.get_running_loop()
    with _sound(settings, silent=silent) as sound:
        sounding = Sounding(sound, mono_s=loop.time, failed=lambda why: _without_sound(out, why))
        screen = ReceivedScreen(
            out, settings.wearer.zone, sounding, confirmable=at_terminal(), everything=everything
        )
        silence = partial(_show_silence, screen)
        ours = settings.mqtt.address is None
        async with _beside(sounding.run()) as sounds:
            whom = wearer or await discover(
                out, endpoint, settings.mqtt.prefix, origin, ours=ours, silent=silence
            )
            topics = Topics(prefix=settings.mqtt.prefix, wearer=whom, origin=origin)
            memory = _Memory(_memory_file(settings, name, topics), out)
            listener = Listener(
                endpoint,
                topics,
                _receiver(name, memory, out, mono_s=loop.time(), needs_proof=key is not None),
                tell=screen.show,
                key=key,
                save=memory.save,
                mono_s=loop.time,
            )
            out.say(f"Listening as {name} to {topics.base} at {endpoint}. Ctrl-C ends.")
            if at_terminal():
                out.say(KEYS)
            if test:
                listener.test()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(listener.run())
                tasks.create_task(_end_of(sounds))
                if at_terminal():
                    tasks.create_task(_answer(out, listener, screen))


def _show_silence(screen: ReceivedScreen, why: str) -> None:
    """Show that nobody watches, and sound: so it is before the first word of a service, too."""
    from detector.receiver import ServiceState
    from detector.receiver.news import Absence

    screen.show(ServiceState(Absence.SILENT, why))


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[Task[None]]:
    """Run it as a task while the block runs."""
    import asyncio

    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _end_of(task: Task[None]) -> None:
    await task


def _receiver(
    name: str, memory: _Memory, out: Output, *, mono_s: float, needs_proof: bool
) -> Receiver:
    """Return a receiver that goes on from what was saved, or, which is told, one that cannot."""
    from detector.receiver import Receiver

    try:
        return Receiver(name, mono_s=mono_s, saved=memory.load(), needs_proof=needs_proof)
    except ValueError as error:
        out.say(f"{memory.path}: {error}: {UNKNOWN}")
        return Receiver(name, mono_s=mono_s, needs_proof=needs_proof)


async def _answer(out: Output, listener: Listener, screen: ReceivedScreen) -> None:
    """Take what a person types: a test, that they heard it, or something for the night."""
    from detector.alerts.commands import CommandError
    from detector.terminal.night_keys import command_of
    from detector.terminal.typed import typed_lines

    async for line in typed_lines():
        if line.lower() in {"t", "test"}:
            listener.test()
        elif not line and screen.test is None:
            out.say("No test has sounded yet: t and Enter asks for one.")
        elif not line:
            listener.test(screen.test)
        else:
            try:
                listener.say(command_of(line, listener.receiver.name, keys=KEYS))
            except CommandError as error:
                out.say(sentence(str(error)))


def _without_sound(out: Output, why: str) -> None:
    out.say(f"No sound. {why[:1].upper()}{why[1:]}")
    out.bell()


class _Memory:
    """What this receiver has, in a file that is replaced whole."""

    def __init__(self, path: Path, out: Output) -> None:
        self.path = path
        self._out = out
        self._told = False

    def load(self) -> Any:
        """Return what was saved, or None where nothing was or, which is told, it is damaged."""
        try:
            return plain_json.parsed(read_start(self.path, MEMORY_MOST))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self._out.say(f"{self.path} cannot be read ({error}): what was missed is not received.")
            return None

    def save(self, saved: dict[str, object]) -> None:
        """Replace the file; a write error is reported once."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Not synced, since it is replaced with each entry: what a power cut takes is asked for
            # again.
            write_whole(self.path, json.dumps(saved), mode=PRIVATE, synced=False)
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
    from detector.channels import RECEIVER_NAME

    if not RECEIVER_NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a receiver's name: up to 32 of a-z, 0-9, _ and -",
            param_hint="--name",
        )


def _key(settings: Settings, name: str | None) -> CaregiverKey | None:
    """Return this receiver's key; None where the settings name no file of keys."""
    from detector.mqtt.security.keys import read_caregiver_key

    file = settings.mqtt.signing_file
    return None if file is None else read_caregiver_key(file, name)


def _endpoint(settings: Settings) -> Endpoint:
    from detector.mqtt.endpoint import Endpoint, configured

    options = settings.mqtt
    here = Endpoint(port=options.port or 1883, username=options.username, password=options.secret())
    return configured(options) or here

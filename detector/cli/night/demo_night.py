"""Play the demo: a night with a virtual sensor, then a table of what was simulated and found."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detector.alert import Alert, AlertClass, AlertState
from detector.cli.night.simulated import ENDING_S, OVER, simulated_sensor
from detector.config import Settings
from detector.errors import LinkError
from detector.events import Event, Kind, Origin
from detector.mqtt.link import Link
from detector.mqtt.properties import Received
from detector.night.outcome import Outcome
from detector.service.assembly import Assembly, assembled
from detector.service.presentation.news import News
from detector.terminal.invocation import program_name
from detector.terminal.narrator import Narrator
from detector.terminal.output import Output
from detector.words.endings import announced_line
from detector.words.phrases import COUNTED, NOTICE, TITLES, length
from firmware_sim.trace_files import make_trace, save_trace

if TYPE_CHECKING:
    from firmware_sim.motion.truth import Trace, Truth

SCENARIO = "demo"
HEARD_S = 5.0  # longest wait for the connection

INTRO = """\
This is a simulation. A virtual sensor on a virtual Bluetooth radio plays {minutes} of made-up
movement, {speed:g} times faster than real life. spasmwatch finds the sensor, watches, writes
everything down and publishes it to an MQTT broker, from which a second program receives it, as
another device at home could. Nobody is really alerted: alerts are only counted, and as nobody
listens, one that is not answered says so.
"""


async def show(out: Output, settings: Settings, folder: Path, *, speed: float, seed: int) -> int:
    """Play the demo in `folder`; return the exit code."""
    trace = make_trace(SCENARIO, seed=seed)
    path = folder / f"{SCENARIO}-{seed}.npz"
    save_trace(trace, path)
    out.say(INTRO.format(minutes=length(trace.duration_s), speed=speed))
    async with simulated_sensor(path, speed=speed) as sensor:
        later = partial(asyncio.get_running_loop().call_later, ENDING_S)
        narrator = Narrator(out, sensor.clock.utc_ns, label=settings.wearer.label, later=later)
        said: list[Event] = []
        raised: list[Alert] = []

        def tell(news: News) -> None:
            narrator.tell(news)
            if isinstance(news, Outcome):
                said.extend(news.events)
                raised.extend(each for each in news.alerts if each.state is AlertState.RAISED)

        async with assembled(
            settings,
            sources=[sensor.source],
            origin=Origin.SIMULATED,
            clock=sensor.clock,
            tell=tell,
            pace=speed,
            free_port=True,
        ) as made:
            ended = asyncio.ensure_future(sensor.air.wait())
            stopping: list[asyncio.Task[None]] = []

            def played(simulator: asyncio.Future[int]) -> None:
                if not simulator.cancelled():
                    narrator.end(OVER)
                    stopping.append(asyncio.create_task(made.service.stop()))

            ended.add_done_callback(played)
            try:
                heard = await _watch_and_listen(made, settings.mqtt.prefix)
            finally:
                ended.cancel()  # a simulator that ends with the demo has not played its trace
            by_rules = sum(alert.alert_class is AlertClass.CLINICAL for alert in raised)
            final = narrator.final_events()
            return _report(out, made, trace, heard, final, said=said, by_rules=by_rules)


async def _watch_and_listen(made: Assembly, prefix: str) -> dict[str, dict[str, Any]]:
    """Watch the night; return what a second MQTT client received, the latest form by id."""
    heard: dict[str, dict[str, Any]] = {}

    def hear(received: Received) -> None:
        if received.topic.endswith("/event"):
            event = json.loads(received.payload)
            heard[event["id"]] = event

    if made.broker.endpoint is None:
        raise LinkError("The demo needs a broker of its own, and none starts here: see above.")
    listener = Link(made.broker.endpoint, "spasmwatch-demo-listener")
    listening = asyncio.create_task(listener.run())
    try:
        await listener.subscribe(f"{prefix}/#", hear, most_bytes=65_536)
        async with asyncio.timeout(HEARD_S):
            await listener.connected()
        await made.service.run()
    finally:
        listening.cancel()
        await asyncio.wait({listening})
    return heard


def _report(
    out: Output,
    made: Assembly,
    trace: Trace,
    heard: dict[str, dict[str, Any]],
    final: Sequence[Event],
    *,
    said: Sequence[Event],
    by_rules: int,
) -> int:
    """Write what was simulated, what was found, and where it is; return 1 if anything was lost."""
    program = program_name()
    rate = made.night.watches[0].clock.rate_hz
    arrived = [event for event in final if heard.get(event.id, {}).get("phase") == "end"]
    out.data("")
    out.data(f"{'Time':<8} {'Simulated':<34} Found")
    for truth in trace.truth:
        matches = _overlapping(truth, final)
        words = ", ".join(f"{TITLES[e.kind]} {length(e.duration_s)}" for e in matches)
        simulated = f"{TITLES[truth.kind]} {length(truth.duration_s)}"
        out.data(f"{_offset(truth.onset_s):<8} {simulated:<34} {words or '-'}")
    out.data("")
    lost = round(trace.duration_s * trace.fs) - made.night.samples
    out.data(
        f"Likely spasms: {_score(COUNTED, trace.truth, final)} "
        f"Twitches: {_score((Kind.TWITCH,), trace.truth, final)}"
    )
    out.data(announced_line(said))
    out.data(
        f"Samples: {made.night.samples} at {trace.fs:g} a second, {lost} lost, "
        f"{made.night.gap_count} gaps" + (f", measured {rate:.2f} Hz." if rate else ".")
    )
    out.data(f"Events that a second program received by MQTT: {len(arrived)} of {len(final)}.")
    out.data(f"Alerts that your rules would have raised: {by_rules}. None was sent.")
    out.data("")
    out.data(f"Recording   {made.recordings[0]}")
    out.data(f"            {program} replay {shlex.quote(str(made.recordings[0]))}")
    out.data(f"Events      {made.state} (SQLite)")
    out.data(f"Next        {program} setup     finds your sensor and remembers it")
    out.say("\n" + NOTICE + " Everything above was simulated.")
    return 0 if len(arrived) == len(final) and lost == 0 else 1


def _score(kinds: Sequence[Kind], truths: Sequence[Truth], events: Sequence[Event]) -> str:
    """Return how many movements of these kinds were found, as any of the family, and false ones."""
    true = [truth for truth in truths if truth.kind in kinds]
    found = [t for t in true if any(e.kind.is_spasm_family for e in _overlapping(t, events))]
    false = [e for e in events if e.kind in kinds and not _explained(e, truths)]
    return f"{len(found)} of {len(true)} found, {len(false)} false."


def _overlapping(truth: Truth, events: Sequence[Event]) -> list[Event]:
    """Return the events that overlap a movement, half a second early to a second late."""
    return [e for e in events if e.onset_s < truth.end_s + 1.0 and e.end_s > truth.onset_s - 0.5]


def _explained(event: Event, truths: Sequence[Truth]) -> bool:
    return any(truth.kind.is_spasm_family and _overlapping(truth, [event]) for truth in truths)


def _offset(seconds: float) -> str:
    return f"+{int(seconds) // 60}:{int(seconds) % 60:02}"

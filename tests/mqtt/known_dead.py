"""How soon a receiver knows: `python -m tests.mqtt.known_dead [--times 5]`.

A receiver of a publishing service, after its service is killed, its service is frozen, its broker
is killed, and its network goes silent (a black hole between receiver and broker): seconds until it
tells that nobody watches. And how soon a frozen broker of our own is replaced, so that a new
connection is answered. Ends with 1 where either takes longer than 20 s.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from detector.errors import LinkError
from detector.mqtt.broker import Broker, provide
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.session import MqttSession
from detector.receiver import Listener, Receiver, ServiceState
from detector.receiver.news import Absence

from ..chaos.measured import record
from ..chaos.proxy import Network, Proxy, proxy_to
from .unheard import TOPICS, start_service

KNOWN_MOST_S = 20.0
DEATHS = ("service-killed", "service-frozen", "broker-killed", "network-silent")


async def known_s(death: str, at_s: float) -> float:
    """Return how long a receiver takes to know of a death `at_s` after all was well."""
    heard = asyncio.Event()
    silent: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def tell(news: object) -> None:
        if not isinstance(news, ServiceState):
            return
        if news.word is not Absence.SILENT:
            heard.set()
        elif heard.is_set() and not silent.done():
            silent.set_result(time.monotonic())

    with tempfile.TemporaryDirectory() as folder:
        async with provide("mosquitto", port=0) as broker:
            assert broker.endpoint is not None
            async with proxy_to(broker.endpoint.port, 1.0) as proxy:
                service = await start_service(Path(folder) / "state.sqlite", broker.endpoint.port)
                listener = Listener(
                    Endpoint(port=proxy.port),
                    TOPICS,
                    Receiver("anna", mono_s=time.monotonic()),
                    tell=tell,
                )
                listening = asyncio.create_task(listener.run())
                try:
                    async with asyncio.timeout(60):
                        await heard.wait()
                    await asyncio.sleep(at_s)
                    began_s = time.monotonic()
                    await _die(death, service, broker, proxy)
                    async with asyncio.timeout(60):
                        return await silent - began_s
                finally:
                    service.send_signal(signal.SIGCONT)
                    service.kill()
                    service.wait()
                    listening.cancel()
                    await asyncio.wait({listening})


async def _die(death: str, service: subprocess.Popen[bytes], broker: Broker, proxy: Proxy) -> None:
    match death:
        case "service-killed":
            service.kill()
        case "service-frozen":
            service.send_signal(signal.SIGSTOP)
        case "broker-killed":
            proxy.network = Network.RESETS  # for good: ours would be back at once
            assert broker.pid is not None
            os.kill(broker.pid, signal.SIGKILL)
        case "network-silent":
            proxy.network = Network.STALLS


async def replaced_s(at_s: float) -> float:
    """Return how long a frozen broker of ours takes to answer again."""
    async with provide("mosquitto", port=0) as broker:
        assert broker.endpoint is not None
        assert broker.pid is not None
        await asyncio.sleep(at_s)
        began_s = time.monotonic()
        os.kill(broker.pid, signal.SIGSTOP)
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(LinkError):
                    session = MqttSession(
                        broker.endpoint, "asking", will=None, deliver=lambda _: None
                    )
                    await session.open()
                    session.close()
                    return time.monotonic() - began_s
                await asyncio.sleep(0.1)


async def measure(times: int, seed: int) -> dict[str, float]:
    chance = random.Random(seed)
    found: dict[str, float] = {"times": times}
    for death in DEATHS:
        # All at once: each has a broker, a service and a receiver of its own.
        took = await asyncio.gather(
            *(known_s(death, chance.uniform(0.0, 5.0)) for _ in range(times))
        )
        found[f"{death}_max_s"] = round(max(took), 1)
    took = await asyncio.gather(*(replaced_s(chance.uniform(0.0, 5.0)) for _ in range(times)))
    found["frozen-broker-replaced_max_s"] = round(max(took), 1)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mqtt.known_dead", description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    found = asyncio.run(measure(asked.times, asked.seed))
    held = all(value <= KNOWN_MOST_S for name, value in found.items() if name.endswith("_s"))
    record(
        "known-dead",
        bar="a receiver knows <= 20 s after service, broker or network die; "
        "a frozen broker of ours is replaced <= 20 s",
        held=held,
        seed=asked.seed,
        figures=found,
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())

"""The service's facts as Prometheus metrics; names are listed in docs/service.md."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from detector.release import VERSION
from detector.status import StateWord
from detector.web.health.facts import ServiceFacts

CONTENT_TYPE = CONTENT_TYPE_LATEST
PREFIX = "spasmwatch_"

L = TypeVar("L", bound=tuple[str, ...])


class ServiceMetrics(Collector):
    """Collects metrics of the latest facts.

    Parameters
    ----------
    facts : returns them; None before the first
    """

    def __init__(
        self,
        facts: Callable[[], ServiceFacts | None],
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._facts, self._mono_s = facts, mono_s
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)  # memory, descriptors, CPU under usual names

    def text(self) -> bytes:
        """Return the metrics in Prometheus's text format."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Return no description: the metrics there are depend on what happened."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; those that are not known are absent."""
        yield _gauge("build_info", "Version of spasmwatch.", {(VERSION,): 1.0}, ["version"])
        facts, now_s = self._facts(), self._mono_s()
        if facts is None:
            return
        seeing = facts.watching(now_s)
        age_s = facts.vitals.data_age_s
        yield _gauge("watching", "1 while somebody is watched.", {(): float(seeing)})
        yield _gauge(
            "state",
            "1 for the state that is shown.",
            {(word.value,): float(facts.status.watch is word) for word in StateWord},
            ["state"],
        )
        yield _gauge(
            "facts_age_seconds", "Since the service last looked.", {(): now_s - facts.at_s}
        )
        if age_s is not None:
            aged_s = age_s + now_s - facts.taken_s
            yield _gauge("data_age_seconds", "Since samples last came.", {(): aged_s})
        if facts.vitals.battery_percent is not None:
            yield _gauge("battery_percent", "Lowest charge.", {(): facts.vitals.battery_percent})
        if facts.vitals.rate_hz is not None:
            yield _gauge("sample_rate_hertz", "Lowest measured rate.", {(): facts.vitals.rate_hz})
        if facts.outbox is not None:
            yield _gauge("outbox_depth", "Messages not delivered.", {(): float(facts.outbox)})
        yield _gauge(
            "oldest_unacknowledged_seconds",
            "How long an alert has waited for somebody; 0 when none waits.",
            {(): facts.oldest_unacknowledged_s},
        )
        yield _gauge("detector_lag_seconds", "Received, not detected.", {(): facts.detector_lag_s})
        yield _gauge(
            "restarts", "Unexpected ends within 10 min before the start.", {(): float(facts.died)}
        )
        yield from self._counts(facts)

    def _counts(self, facts: ServiceFacts) -> Iterator[Metric]:
        yield _counter("samples", "Samples of the night.", {(): facts.samples})
        yield _counter("gaps", "Gaps of the night.", {(): facts.gaps})
        packets = {(result,): count for result, count in facts.packets.items()}
        packets[("dropped",)] = facts.dropped
        yield _counter("packets", "Notifications of sensors by result.", packets, ["result"])
        yield _counter("reconnects", "Connections beyond the first.", {(): facts.reconnects})
        yield _counter("alarms", "Alarms raised.", facts.alarms, ["class", "kind"])
        parts = {(part,): count for part, count in facts.failures.items()}
        yield _counter("part_failures", "Parts started again.", parts, ["part"])


def _gauge(
    name: str, about: str, values: dict[tuple[str, ...], float], labels: list[str] | None = None
) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, about, labels=labels or [])
    for label, value in values.items():
        family.add_metric(label, value)
    return family


def _counter(
    name: str, about: str, values: Mapping[L, int], labels: list[str] | None = None
) -> Metric:
    family = CounterMetricFamily(PREFIX + name, about, labels=labels or [])
    for label, value in values.items():
        family.add_metric(label, value)
    return family

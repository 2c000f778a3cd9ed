"""The health page says what is true, to this computer alone, and costs the night nothing."""

from __future__ import annotations

import json
import re
import socket
import threading
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from detector.config.settings import WebSettings
from detector.status import StateWord, Status, Vitals
from detector.supervision.heartbeat import LATE_S
from detector.web.facts import ServiceFacts, liveness, readiness
from detector.web.metrics import ServiceMetrics
from detector.web.server import LONGEST_REQUEST, MOST_AT_ONCE, HealthPage

ROOT = Path(__file__).parents[2]
WATCHING = Status(StateWord.WATCHING)


def facts(at_s: float = 0.0, status: Status = WATCHING, **more: object) -> ServiceFacts:
    vitals = Vitals(data_age_s=0.5, battery_percent=80, rate_hz=52.0)
    return ServiceFacts(taken_s=at_s, at_s=at_s, status=status, vitals=vitals, **more)  # type: ignore[arg-type]


def ask(page: HealthPage, path: str, *, method: str = "GET", host: str | None = None):
    link = HTTPConnection("127.0.0.1", page.port, timeout=5)
    try:
        link.putrequest(method, path, skip_host=host is not None)
        if host is not None:
            link.putheader("Host", host)
        link.endheaders()
        answer = link.getresponse()
        return answer.status, answer.read().decode()
    finally:
        link.close()


statuses = st.one_of(
    st.sampled_from([StateWord.WATCHING, StateWord.SPASM]).map(Status),
    st.text(min_size=1, max_size=20).map(lambda why: Status(StateWord.NO_SIGNAL, why=why)),
)


@given(statuses, st.floats(0, 60))
def test_ready_means_that_somebody_is_watched_now_and_else_there_is_a_reason(
    status: Status, later_s: float
) -> None:
    found = facts(0.0, status)
    watching, said = readiness(found, later_s)
    live, alive = liveness(found, later_s)
    assert live == (later_s < LATE_S)
    assert watching == (live and status.watch is not StateWord.NO_SIGNAL)
    assert said["watching"] == watching
    assert bool(said["reasons"]) != watching
    assert bool(alive["reasons"]) != live
    assert readiness(None, later_s)[0] is False


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.168.1.2", "localhost", "house.lan", ""])  # noqa: S104
def test_settings_cannot_open_it_to_others(bind: str) -> None:
    with pytest.raises(ValidationError, match=r"must be 127\.0\.0\.1 or ::1"):
        WebSettings(bind=bind)
    for fine in ("127.0.0.1", "::1"):
        assert WebSettings(bind=fine).bind == fine


def test_it_answers_gets_of_this_computer_alone(tmp_path: Path) -> None:
    now_s = 0.0
    with HealthPage("127.0.0.1", 20_377, now_s=lambda: now_s) as page:
        assert ask(page, "/readyz")[0] == 503
        page.show(facts(0.0))
        assert ask(page, "/readyz")[0] == 200
        assert ask(page, "/livez?verbose")[0] == 200
        assert ask(page, "/metrics")[0] == 200
        for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS", "BREW"):
            assert ask(page, "/readyz", method=method)[0] == 405
        for host in ("evil.example", "127.0.0.1.evil.example", "", f"evil.example:{page.port}"):
            assert ask(page, "/readyz", host=host)[0] == 403
        for host in ("localhost", "LOCALHOST", f"127.0.0.1:{page.port}", "[::1]"):
            assert ask(page, "/readyz", host=host)[0] == 200
        assert ask(page, "/../etc/passwd")[0] == 404
        now_s = LATE_S  # the loop hangs, this thread does not
        status, body = ask(page, "/livez")
        assert status == 503
        assert json.loads(body)["reasons"] == ["the service has not looked at the night for 15 s"]


def test_a_taken_port_is_left_to_who_has_it() -> None:
    with (
        HealthPage("127.0.0.1", 21_377) as first,
        HealthPage("127.0.0.1", first.port) as second,
    ):
        assert second.port > first.port
        assert ask(first, "/livez")[0] == ask(second, "/livez")[0] == 503


def test_too_long_half_and_many_requests_cost_only_themselves() -> None:
    with HealthPage("127.0.0.1", 22_377) as page:
        page.show(facts(page._now_s()))
        address = ("127.0.0.1", page.port)
        long = socket.create_connection(address, timeout=5)
        with long, suppress(ConnectionResetError, BrokenPipeError):  # closed while being sent
            long.sendall(b"GET /" + b"x" * 4 * LONGEST_REQUEST + b" HTTP/1.1\r\n\r\n")
            assert long.recv(99) == b""
        trickling = [socket.create_connection(address, timeout=5) for _ in range(3 * MOST_AT_ONCE)]
        before = threading.active_count()
        for each in trickling:
            with suppress(OSError):  # refused: too many at once
                each.sendall(b"GET /liv")
        assert before <= threading.active_count() + MOST_AT_ONCE
        assert threading.active_count() <= MOST_AT_ONCE + 8
        for each in trickling:
            each.close()
        deadline = threading.Event()
        for _ in range(200):
            try:
                if ask(page, "/livez")[0] == 200:
                    break
            except OSError:
                deadline.wait(0.02)  # until their threads have noticed
        else:
            pytest.fail("it does not answer any more")


def test_a_pause_is_not_ready_and_wakes_nobody_by_prometheus() -> None:
    until = datetime(2026, 11, 29, 2, 30, tzinfo=UTC)
    paused = facts(10.0, status=Status(StateWord.PAUSED, why="by anna", until=until))
    ready, said = readiness(paused, 12.0)
    assert not ready
    assert (said["state"], said["until"]) == ("paused", "2026-11-29T02:30:00.000Z")
    rules = (ROOT / "docs" / "monitoring" / "spasmwatch.rules.yml").read_text()
    (watching,) = re.findall(r"expr: (spasmwatch_watching .*)", rules)
    assert watching.endswith('unless ignoring(state) spasmwatch_state{state="paused"} == 1')


def full() -> ServiceFacts:
    return facts(
        10.0,
        packets={"decoded": 9, "invalid": 1},
        alarms={("clinical", "clonus"): 2, ("technical", "no-signal"): 1},
        failures={"reader of left-calf": 1},
        outbox=3,
        oldest_unacknowledged_s=2.0,
        reconnects=4,
        died=1,
    )


def test_metrics_are_what_the_service_counted() -> None:
    found = {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(
            ServiceMetrics(full, lambda: 12.0).text().decode()
        )
        for sample in family.samples
    }
    assert found["spasmwatch_watching", ()] == 1
    assert found["spasmwatch_data_age_seconds", ()] == 2.5
    assert found["spasmwatch_packets_total", ("decoded",)] == 9
    assert found["spasmwatch_alarms_total", ("clinical", "clonus")] == 2
    assert found["spasmwatch_outbox_depth", ()] == 3
    assert found["spasmwatch_reconnects_total", ()] == 4
    assert found["process_resident_memory_bytes", ()] > 1e6
    assert sum(v for (name, _), v in found.items() if name == "spasmwatch_state") == 1
    assert b"spasmwatch_watching" not in ServiceMetrics(lambda: None).text(), "absent() finds it"


@given(st.text(max_size=30))
def test_no_name_breaks_the_page_of_metrics(name: str) -> None:
    text = ServiceMetrics(lambda: facts(failures={name: 1}), lambda: 0.0).text().decode()
    families = text_string_to_metric_families(text)
    assert any(family.name == "spasmwatch_part_failures" for family in families)


def test_every_metric_that_a_rule_or_the_documentation_names_is_there() -> None:
    there = {
        name
        for family in text_string_to_metric_families(
            ServiceMetrics(full, lambda: 12.0).text().decode()
        )
        for name in [family.name, *(sample.name for sample in family.samples)]
    }
    rules = (ROOT / "docs" / "monitoring" / "spasmwatch.rules.yml").read_text()
    page = (ROOT / "docs" / "service.md").read_text()
    named = set(re.findall(r"\bspasmwatch_\w+", rules))
    assert named <= there
    assert "absent(spasmwatch_watching)" in rules
    documented = set(re.findall(r"`(spasmwatch_\w+)", page))
    assert {name for name in there if name.startswith("spasmwatch_")} - {
        name.removesuffix("_total") for name in there if name.endswith("_total")
    } == documented

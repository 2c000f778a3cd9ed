"""The health page says what is true, to this computer alone, and costs the night nothing."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from detector.config.settings import WebSettings
from detector.status import StateWord, Status, Vitals
from detector.supervision.heartbeat import LATE_S
from detector.web.access import connections
from detector.web.health.facts import ServiceFacts, liveness, readiness
from detector.web.health.metrics import ServiceMetrics
from detector.web.serving.server import LONGEST_LINE, Where

from .stand import ask, standing

ROOT = Path(__file__).parents[2]
WATCHING = Status(StateWord.WATCHING)


def facts(at_s: float = 0.0, status: Status = WATCHING, **more: object) -> ServiceFacts:
    vitals = Vitals(data_age_s=0.5, battery_percent=80, rate_hz=52.0)
    return ServiceFacts(taken_s=at_s, at_s=at_s, status=status, vitals=vitals, **more)  # type: ignore[arg-type]


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


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.168.1.2"])  # noqa: S104
def test_settings_let_others_in_by_tls_alone(bind: str) -> None:
    with pytest.raises(ValidationError, match=r"set cert_file and key_file \(`spasmwatch"):
        WebSettings(bind=bind)
    with pytest.raises(ValidationError, match="cert_file and key_file, or neither"):
        WebSettings(bind=bind, cert_file="page.crt")
    assert WebSettings(bind=bind, cert_file="page.crt", key_file="page.key").bind == bind
    for fine in ("127.0.0.1", "::1"):
        assert WebSettings(bind=fine).bind == fine


@pytest.mark.parametrize("bind", ["localhost", "house.lan", "", "1.2.3"])
def test_settings_take_an_address_and_no_name(bind: str) -> None:
    with pytest.raises(ValidationError, match="must be an address of this computer"):
        WebSettings(bind=bind)


def test_it_answers_gets_of_this_computer_alone(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        for path in ("/livez", "/readyz", "/livez?verbose", "/metrics"):
            assert ask(stand.port, path).status == 200
        for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS"):
            refused = ask(stand.port, "/readyz", method=method)
            assert (refused.status, refused.headers["allow"]) == (405, "GET")
        assert ask(stand.port, "/readyz", method="BREW").status in {400, 405}
        for host in ("evil.example", "127.0.0.1.evil.example", "", f"evil.example:{stand.port}"):
            assert ask(stand.port, "/readyz", headers={"Host": host}).status == 403
        for host in ("localhost", "LOCALHOST", f"127.0.0.1:{stand.port}", "[::1]"):
            assert ask(stand.port, "/readyz", headers={"Host": host}).status == 200
        assert ask(stand.port, "/../etc/passwd").status == 404
        assert ask(stand.port, "/static/../app.py").status == 404


def test_a_service_that_hangs_is_not_live(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        stand.call(lambda: stand.page.show_facts(facts(time.monotonic() - LATE_S)))
        answer = ask(stand.port, "/livez")
        assert answer.status == 503
        assert json.loads(answer.body)["reasons"] == [
            "the service has not looked at the night for 15 s"
        ]


def test_a_taken_port_is_left_to_who_has_it(tmp_path: Path) -> None:
    with (
        standing(tmp_path, where=Where("127.0.0.1", 21_377)) as first,
        standing(tmp_path, where=Where("127.0.0.1", first.port)) as second,
    ):
        assert second.port > first.port
        assert ask(first.port, "/livez").status == ask(second.port, "/livez").status == 200


def _closed(link: socket.socket) -> bool:
    """Whether the other side has closed, or does within the socket's patience."""
    try:
        while data := link.recv(4096):
            if b"HTTP/1.1 400" in data:
                return True
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


def test_too_long_half_and_many_requests_cost_only_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "PATIENCE_S", 0.5)
    with standing(tmp_path) as stand:
        address = ("127.0.0.1", stand.port)
        long = socket.create_connection(address, timeout=5)
        with long, suppress(ConnectionResetError, BrokenPipeError):  # closed while being sent
            long.sendall(b"GET /" + b"x" * 4 * LONGEST_LINE + b" HTTP/1.1\r\n\r\n")
            assert _closed(long)
        threads = threading.active_count()
        trickling = [
            socket.create_connection(address, timeout=5) for _ in range(connections.MOST + 40)
        ]
        for each in trickling:
            with suppress(OSError):  # refused: too many at once
                each.sendall(b"GET /liv")
        assert threading.active_count() == threads
        assert all(_closed(each) for each in trickling), "each was refused, or was too slow"
        for each in trickling:
            each.close()
        assert ask(stand.port, "/livez").status == 200


def test_a_form_that_trickles_or_is_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.web.forms.PATIENCE_S", 0.3)
    with standing(tmp_path) as stand:
        head = (
            f"POST /pair HTTP/1.1\r\nHost: 127.0.0.1:{stand.port}\r\n"
            f"Origin: http://127.0.0.1:{stand.port}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 50\r\n\r\ncode"
        )
        with socket.create_connection(("127.0.0.1", stand.port), timeout=5) as slow:
            slow.sendall(head.encode())
            assert slow.recv(4096).startswith(b"HTTP/1.1 408 ")
        assert ask(stand.port, "/pair", method="POST", form={"code": "x" * 9000}).status == 413


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

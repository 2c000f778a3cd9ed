"""Every hazard has a control, a test and a figure; docs/trust.md says what was measured."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from detector.alerts.conditions import Condition

from .hazards import FILE, Hazard, exists, problems, read_hazards
from .trust import MEASURED, PAGE, made, measured

HAZARDS = read_hazards(FILE.read_text(encoding="utf-8"))


def test_every_hazard_has_a_control_a_test_that_exists_and_a_figure(
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    left = [hazard.id for hazard in HAZARDS if hazard.status == "open"]
    print(f"{len(left)} of {len(HAZARDS)} hazards are open: {', '.join(left)}")
    record_testsuite_property("open_hazards", len(left))

    assert list(problems(HAZARDS)) == []


def test_each_technical_alert_is_of_a_hazard() -> None:
    assert {each for hazard in HAZARDS for each in hazard.alert} == set(Condition)


SOUND = Hazard(
    "H01",
    "it fails",
    "nobody knows",
    "announced",
    "detector/block.py",
    ("tests/chaos/test_hazards.py::test_an_entry_that_lacks_something_is_found",),
    "1 s",
)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": "silent"}, "status 'silent' is none of"),
        ({"control": ""}, "without a control"),
        ({"test": ()}, "without a test"),
        ({"figure": ""}, "without a figure"),
        ({"failure": " "}, "no failure"),
        ({"status": "in part"}, "in part without a reason"),
        ({"status": "open"}, "open without a reason"),
        ({"status": "not applicable"}, "not applicable without a reason"),
        ({"priority": "high"}, "priority 'high' is not the highest of its alerts"),
        ({"alert": ("retention", "stuck"), "priority": "low"}, "priority 'low' is not the highest"),
        ({"alert": ("plague",), "priority": "low"}, "alerts plague: one of them does not exist"),
        ({"control": "detector/nowhere.py"}, "control detector/nowhere.py does not exist"),
        ({"test": ("tests/chaos/test_hazards.py::test_gone",)}, "test_gone does not exist"),
        ({"test": ("tests/gone.py::test_x",)}, "tests/gone.py::test_x does not exist"),
        ({"test": ("python -m tests.gone --seeds 1",)}, "python -m tests.gone --seeds 1 does not"),
    ],
)
def test_an_entry_that_lacks_something_is_found(changes: dict[str, object], why: str) -> None:
    others = [replace(SOUND, id=f"H{n:02}") for n in range(2, 49)]

    assert list(problems([SOUND, *others])) == []
    (found,) = problems([replace(SOUND, **changes), *others])
    assert why in found


def test_a_hazard_that_is_left_out_or_there_twice_is_found() -> None:
    every = [replace(SOUND, id=f"H{n:02}") for n in range(1, 49)]

    assert list(problems(every[:-1])) == ["H48: missing"]
    assert list(problems([*every, SOUND])) == ["H01: twice"]


def test_modules_and_packages_that_run_are_found() -> None:
    assert exists("python -m tests.chaos --seeds 60")
    assert exists("python -m tests.mqtt.unheard --service 500")


def test_the_page_is_what_was_measured() -> None:
    """Where this fails: `python -m tests.chaos.trust` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == made()


def test_a_run_says_how_it_can_be_repeated() -> None:
    runs = measured()

    assert len(runs) == len(list(MEASURED.glob("*.json"))) > 0
    for run in runs:
        assert exists(run["command"]), run["command"]
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", run["date"])
        assert re.fullmatch(r"[0-9a-f]{10}\+?", run["commit"]), run["commit"]
        assert run["figures"]


def test_a_figure_that_is_said_to_be_in_a_file_is_there() -> None:
    named = {
        name for hazard in HAZARDS for name in re.findall(r"docs/measured/\S+\.json", hazard.figure)
    }

    assert {name for name in named if not (FILE.parents[1] / name).is_file()} == set()

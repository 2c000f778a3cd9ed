"""Laws of the bill of materials: it is the lock, which is what is installed; and of the audit."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.audit import main, verdict
from tests.packaging.sbom import LOCK, ROOT, US, bill, locked

BILL = bill()


def test_every_line_of_the_lock_is_a_component_and_nothing_else_is() -> None:
    text = LOCK.read_text()
    assert len(locked(text)) == len(re.findall(r"^[^\s#]", text, re.MULTILINE))
    assert [(part["name"], part["version"]) for part in BILL["components"]] == [
        (entry.name, entry.version) for entry in locked(text)
    ]
    assert bill() == BILL


def test_what_is_installed_is_what_is_locked() -> None:
    here = [entry for entry in locked(LOCK.read_text()) if entry.applies]
    assert len(here) > 20
    assert {entry.name: version(entry.name) for entry in here} == {
        entry.name: entry.version for entry in here
    }


def test_our_dependencies_are_those_of_the_project_and_every_reference_is_known() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    needs = {each["ref"]: each["dependsOn"] for each in BILL["dependencies"]}
    assert {url.removeprefix("pkg:pypi/").partition("@")[0] for url in needs[US]} == wanted
    known = {part["bom-ref"] for part in BILL["components"]} | {US}
    assert {url for needed in needs.values() for url in needed} | set(needs) <= known
    reached, waiting = set(), [US]
    while waiting:
        reached.add(ref := waiting.pop())
        waiting += [url for url in needs[ref] if url not in reached]
    assert reached == set(needs)


def test_no_address_of_an_index_is_in_a_lock() -> None:
    for lock in Path(LOCK.parent).glob("*.txt"):
        assert "://" not in lock.read_text(), lock


@pytest.mark.parametrize(
    ("report", "code", "said"),
    [
        ({"dependencies": [{"name": "a", "skip_reason": "x"}]}, 0, "NOT AUDITED"),
        ({"dependencies": [{"name": "a", "version": "1", "vulns": []}]}, 0, "1 of 1 packages"),
        (
            {
                "dependencies": [
                    {"name": "b", "skip_reason": "x"},
                    {"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]},
                ]
            },
            1,
            "a 1: X-1, mended in 2",
        ),
    ],
)
def test_an_audit_fails_for_a_known_weakness_alone(report: dict, code: int, said: str) -> None:
    found, lines = verdict(json.loads(json.dumps(report)))
    assert found == code
    assert said in "\n".join(lines)


def test_an_audit_that_cannot_be_made_decides_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("/no/such/program", "x") == 0
    assert main("true", "x") == 0
    assert capsys.readouterr().out.count("NOT AUDITED") == 2

"""Invariants of `docs/architecture.md`: its layers, paths and tests agree with the code."""

from __future__ import annotations

import ast
import asyncio
import re
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import detector
from firmware_sim.motion.scenarios import scenario

from ..kit.traces import save
from ..service.conftest import live_through

PACKAGE = Path(detector.__file__).parent
ROOT = PACKAGE.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

MOST_HOPS = 30
"""From a sensor's notification to the broker; more is a path that nobody can follow."""

SEVERAL_SENSORS = "left out with one sensor"


def table(title: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its head."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


PACKAGES = table("Layers and their packages, from the lowest up")
PATH = table("A packet's path to its message")
INVARIANTS = table("Invariants and their tests")


def named_modules() -> list[str]:
    """Modules of the layer table, as paths, one for each time that one is named."""
    named: list[str] = []
    for _, package, idea in PACKAGES:
        (place,) = quoted(package)
        if place.startswith("detector/"):
            inside = place.endswith("/")
            named += [f"{place}{name}.py" for name in quoted(idea)] if inside else [place]
    return named


def test_every_module_of_the_detector_is_in_the_layer_table_once() -> None:
    modules = [
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py"
    ]

    assert sorted(named_modules()) == sorted(modules)


def test_layers_are_those_that_import_linter_checks() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = [
        contract["layers"]
        for contract in config["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    ]
    height = {
        package.strip(): -depth
        for depth, layer in enumerate(layers)
        for package in re.split(r"[|:]", layer)
    }
    shown = set()
    for layer, package, _ in PACKAGES:
        (place,) = quoted(package)
        name = ".".join(place.removesuffix(".py").split("/")[:2])
        if name in height:
            shown.add((int(layer), height[name], name))

    assert {name for _, _, name in shown} == set(height)
    numbered = dict(enumerate(sorted(set(height.values())), 1))
    assert {(layer, numbered.get(layer)) for layer, _, _ in shown} == {
        (layer, depth) for layer, depth, _ in shown
    }, "layers are numbered from 1 up, none left out, and in the order of the contract"
    assert {layer for layer, _, _ in shown} == set(numbered)


def test_what_is_named_beside_the_detector_exists() -> None:
    for layer, package, idea in PACKAGES:
        (place,) = quoted(package)
        if not layer.isdecimal():
            inside = {path.stem for path in (ROOT / place).rglob("*")}
            assert set(quoted(idea)) <= inside


def functions(cells: list[str]) -> set[str]:
    return {name for cell in cells for name in quoted(cell) if ".py " in name}


def test_every_function_on_the_path_exists() -> None:
    for name in functions([cell for row in PATH for cell in row]):
        file, path = name.split()
        target: Any = import_module("detector." + file.removesuffix(".py").replace("/", "."))
        for part in path.split("."):
            target = getattr(target, part)
        assert target.__code__.co_filename == str(PACKAGE / file), f"{name} comes from elsewhere"


def test_every_value_that_is_handed_on_exists() -> None:
    known = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                known.add(node.name)
            elif isinstance(node, ast.Assign):
                known |= {name.id for name in node.targets if isinstance(name, ast.Name)}

    assert {name for row in PATH for name in quoted(row[3])} - known == set()


def test_the_path_is_numbered_counted_and_short_enough() -> None:
    hops = functions([row[1] for row in PATH])
    between = functions([row[4] for row in PATH]) - hops

    assert [int(row[0]) for row in PATH] == list(range(1, len(PATH) + 1))
    assert len(hops) == len(PATH) <= MOST_HOPS
    assert f"{len(hops)} hops, by way of {len(between)} more functions;" in PAGE


@contextmanager
def called(of: set[str]) -> Iterator[set[str]]:
    """Have the functions that are called inside the block, of those named, in all threads."""
    heard: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(str(PACKAGE)):
            file = Path(frame.f_code.co_filename).relative_to(PACKAGE).as_posix()
            heard.add(f"{file} {frame.f_code.co_qualname}")

    before = sys.getprofile(), threading.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield heard
    finally:
        sys.setprofile(before[0])
        threading.setprofile(before[1])
        heard &= of


def test_a_clonus_of_a_live_night_takes_the_path_that_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    walked_by_all = [row[1] for row in PATH if SEVERAL_SENSORS not in row[2]]
    named = functions(walked_by_all + [row[4] for row in PATH])
    trace = scenario("clonus", seed=5, fs=52.0, duration_s=60)
    path = save(tmp_path / "clonus.npz", trace.samples, 52.0)
    with called(named) as walked:
        night = asyncio.run(live_through(path, tmp_path / "data", speed=30.0))

    assert night.events_heard()
    assert named - walked == set()


def test_every_invariant_has_tests_that_exist() -> None:
    for invariant, tests in INVARIANTS:
        assert quoted(tests), f"{invariant} is tested nowhere"
        for name in quoted(tests):
            assert (ROOT / name).exists(), f"{name}, which is to test '{invariant}', does not exist"

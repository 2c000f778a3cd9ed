"""Laws of the house that no linter knows."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import detector

PACKAGE = Path(detector.__file__).parent
TESTS = Path(__file__).parent


def test_a_class_name_stands_for_one_thing() -> None:
    files = defaultdict(list)
    for file in PACKAGE.rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                files[node.name].append(file.relative_to(PACKAGE).as_posix())

    assert {name: found for name, found in files.items() if len(found) > 1} == {}


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {
        file.relative_to(TESTS.parent).as_posix(): len(file.read_text("utf-8").splitlines())
        for folder in (PACKAGE, PACKAGE.parent / "firmware_sim", TESTS)
        for file in folder.rglob("*.py")
    }

    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_no_test_module_is_a_library_for_another() -> None:
    """What several need is in a module of its own: it is found, and runs nobody's tests twice."""
    taken = {
        f"{file.relative_to(TESTS)}: {node.module}"
        for file in TESTS.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
        if node.module.split(".")[-1].startswith("test_")
    }

    assert taken == set()

"""Laws of the house that no linter knows."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from pathlib import Path

import detector

PACKAGE = Path(detector.__file__).parent
TESTS = Path(__file__).parent

CATCH_ALL = {
    "cli/__init__.py": 1,  # the last boundary: a sentence instead of a traceback
    "service/supervisor.py": 4,  # logged, announced, started again
    # Passed on to the supervisor:
    "service/persistence/archive.py": 1,  # no commit fails for what a file does not take over
    "service/persistence/committer.py": 2,  # one that never commits is counted, logged
    "service/persistence/recordings.py": 1,  # out of the thread that writes
    "web/answers.py": 1,  # of one request: it is told as a fault, and the log has the traceback
    "sources/ble.py": 2,  # raised by `readings`; with the reason written down
    "sources/session.py": 1,  # out of bleak's callback
    # Code of others, which documents not what it raises:
    "push/sender.py": 1,  # apprise's services
    "devices/registry.py": 1,  # drivers of other packages
    "sources/bluez.py": 1,  # dbus-fast
    "sources/radio.py": 1,  # bleak
}
"""How often each module catches every exception, and what comes of it."""


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


def _caught(handler: ast.ExceptHandler) -> set[str]:
    """Return the names of what is caught; "" where there are none."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {"" if kind is None else ast.unparse(kind) for kind in kinds}


def test_every_exception_is_caught_only_where_it_is_known_what_comes_of_it() -> None:
    found: Counter[str] = Counter()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler) and _caught(node) & {"", "Exception"}:
                found[file.relative_to(PACKAGE).as_posix()] += 1

    assert found == CATCH_ALL


def test_what_catches_a_cancellation_raises() -> None:
    swallows = [
        f"{file.relative_to(PACKAGE)}:{node.lineno}"
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and "BaseException" in _caught(node)
        and not isinstance(node.body[-1], ast.Raise)
    ]

    assert swallows == []


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

"""Laws of what is published: the wheel works away from its source, and holds what it needs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import numpy as np
import pytest

import detector

CHECKOUT = Path(detector.__file__).parents[1]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HERE = PROJECT["urls"]["Homepage"]
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def sdist(tmp_path_factory) -> Path:
    """Return the source archive of the checkout."""
    folder = tmp_path_factory.mktemp("sdist")
    build("sdist", CHECKOUT, folder)
    (archive,) = folder.glob("*.tar.gz")
    return archive


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory) -> Path:
    """Return the wheel, built of the source archive as a distribution would build it."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    build("wheel", source, folder)
    (file,) = folder.glob("*.whl")
    return file


def build(target: str, source: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=source, env=clean(), check=True, capture_output=True, timeout=60)


def clean() -> dict[str, str]:
    """Return an environment in which only what is installed can be imported."""
    ours = ("PYTHON", "SPASMWATCH_", "COV", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return HeaderParser().parsestr(archive.read(name).decode())


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """Return the folder of an environment with the wheel, and the libraries of this one."""
    folder = tmp_path_factory.mktemp("env")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)],
        env=clean(),
        check=True,
        timeout=60,
    )
    # Only now, or pip would see the project as installed already. A line that is a plain path
    # brings the libraries along, but not what an editable install adds to their folder.
    (packages,) = folder.glob("lib/python3.*/site-packages")
    libraries = {str(Path(np.__file__).parents[1]), *(p for p in sys.path if "-packages" in p)}
    (packages / "libraries.pth").write_text("\n".join(sorted(libraries)) + "\n")
    return folder


@pytest.fixture
def spasmwatch(installed, tmp_path):
    """Run the installed command, away from the checkout."""

    def run(*arguments: str) -> str:
        homes = {name: str(tmp_path) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
        done = subprocess.run(
            [str(installed / "bin" / "spasmwatch"), *arguments],
            cwd=tmp_path,
            env=clean() | homes | {"NO_COLOR": "1"},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
        return done.stdout

    return run


def test_what_is_installed_simulates_and_detects_away_from_its_source(spasmwatch, installed):
    assert spasmwatch("--version") == f"spasmwatch {detector.__version__}\n"
    spasmwatch("simulate", "--scenario", "clonus", "--seed", "1", "--out", "clonus.npz")
    events = [
        json.loads(line) for line in spasmwatch("detect", "--json", "clonus.npz").splitlines()
    ]
    assert "clonus" in {event["kind"] for event in events}
    assert {event["detector"]["version"] for event in events} == {detector.__version__}

    where = "import detector, firmware_sim; print(detector.__file__, firmware_sim.__file__)"
    done = subprocess.run(
        [str(installed / "bin" / "python"), "-c", where],
        env=clean(),
        cwd=installed,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert all(Path(place).is_relative_to(installed) for place in done.stdout.split())


def test_the_wheel_holds_the_packages_and_the_models_and_nothing_else(wheel):
    with ZipFile(wheel) as archive:
        names = {PurePosixPath(name) for name in archive.namelist()}

    tops = {name.parts[0] for name in names}
    assert tops == {"detector", "firmware_sim", f"spasmwatch-{detector.__version__}.dist-info"}
    for model in ("rules-v1", "learned-v1"):
        assert PurePosixPath("detector/models", model, "model.json") in names
        assert PurePosixPath("detector/models", model, "rates.json") in names
        assert PurePosixPath("detector/models", model, "CARD.md") in names
    for package in ("detector", "firmware_sim"):
        sources = {path.relative_to(CHECKOUT) for path in (CHECKOUT / package).rglob("*.py")}
        assert {PurePosixPath(path) for path in sources} <= names
        assert PurePosixPath(package, "py.typed") in names
    assert not [name for name in names if name.suffix in {".pyc", ".pkl", ".so"}]


def test_its_description_says_licence_versions_and_addresses(wheel):
    said = metadata(wheel)

    assert (said["Name"], said["Version"]) == ("spasmwatch", detector.__version__)
    assert (said["License-Expression"], said["License-File"]) == ("Apache-2.0", "LICENSE")
    assert said["Requires-Python"] == ">=3.11"
    assert {word.split(",")[0] for word in said.get_all("Project-URL")} >= {"Homepage", "Security"}
    classifiers = said.get_all("Classifier")
    assert {f"Programming Language :: Python :: 3.{n}" for n in (11, 12, 13)} <= set(classifiers)
    assert not [word for word in classifiers if word.startswith("License")]  # PEP 639 forbids both
    assert said["Description-Content-Type"] == "text/markdown"
    assert "Not a medical device" in said.get_payload()


def test_the_source_archive_can_test_itself(sdist):
    with tarfile.open(sdist) as archive:
        names = {PurePosixPath(*PurePosixPath(name).parts[1:]) for name in archive.getnames()}

    for needed in ("Makefile", "LICENSE", "SECURITY.md", "requirements/dev.txt", ".ci/run"):
        assert PurePosixPath(needed) in names
    tests = {path.relative_to(CHECKOUT) for path in (CHECKOUT / "tests").rglob("*.py")}
    assert {PurePosixPath(path) for path in tests} <= names


def test_links_of_the_readme_work_where_an_index_shows_it():
    links = LINK.findall((CHECKOUT / "README.md").read_text(encoding="utf-8"))

    assert links
    for link in links:
        assert link.startswith("https://")
        if link.startswith(HERE):
            place = CHECKOUT / link.removeprefix(HERE).split("/main/")[1]
            assert place.is_dir() if "/tree/" in link else place.is_file(), link

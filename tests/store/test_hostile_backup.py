"""An archive that anybody may have made or damaged is refused whole, and nothing is made of it."""

from __future__ import annotations

import io
import json
import shutil
import stat
import zipfile
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.errors import SpasmwatchError
from detector.store.backup import MANIFEST, SCHEMA
from detector.store.restoring import BackupError, unpack


def tree(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def archive_of(members: dict[str, bytes], manifest: object = None) -> bytes:
    """An archive that is right, or whose manifest is another."""
    listed = [
        {"name": name, "size": len(body), "sha256": sha256(body).hexdigest()}
        for name, body in members.items()
    ]
    body = {"schema": SCHEMA, "made": "2026-11-21T08:00:00.000Z", "wearer": None, "files": listed}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr(MANIFEST, json.dumps(body if manifest is None else manifest))
    return out.getvalue()


@pytest.mark.parametrize(
    "name",
    [
        "data/../../evil", "data/..", "/etc/evil", "data//evil", "evil", "data/./evil", "data/a\\b",
        "data/" + "d/" * 20 + "f", "data/" + "n" * 300, "data/a\x00b", "data/a\nb", "data/c:evil",
        "../data/evil", "data/", "DATA/evil",
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused_and_nothing_is_made(tmp_path, name):
    (tmp_path / "b.zip").write_bytes(archive_of({name: b"evil"}))
    place = tmp_path / "in" / "here"
    place.mkdir(parents=True)
    with pytest.raises(BackupError):
        unpack(tmp_path / "b.zip", place / "data", settings=place / "settings")
    assert not list(tmp_path.rglob("evil*"))
    assert list(place.iterdir()) == []


def test_a_link_in_an_archive_makes_a_file_at_most(tmp_path):
    target = b"/etc"
    out = io.BytesIO(archive_of({"data/link": target, "data/link2/passwd": b"evil"}))
    content = out.getvalue()
    with zipfile.ZipFile(out) as archive:
        info = archive.getinfo("data/link")
    assert info.external_attr >> 28 != 0xA
    made = zipfile.ZipInfo("data/link")
    made.external_attr = (stat.S_IFLNK | 0o777) << 16
    again = io.BytesIO()
    with zipfile.ZipFile(again, "w") as archive:
        archive.writestr(made, target)
        body = json.loads(zipfile.ZipFile(io.BytesIO(content)).read(MANIFEST))
        body["files"] = [each for each in body["files"] if each["name"] == "data/link"]
        archive.writestr(MANIFEST, json.dumps(body))
    (tmp_path / "b.zip").write_bytes(again.getvalue())
    unpack(tmp_path / "b.zip", tmp_path / "data", settings=tmp_path / "settings")
    assert (tmp_path / "data" / "link").is_symlink() is False
    assert (tmp_path / "data" / "link").read_bytes() == target


def test_more_than_the_manifest_says_is_never_unpacked(tmp_path):
    """A bomb: megabytes of zeros behind a manifest that says one byte."""
    zeros = bytes(50 << 20)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/a", zeros)
        files = [{"name": "data/a", "size": 1, "sha256": sha256(b"\0").hexdigest()}]
        body = {"schema": SCHEMA, "made": "now", "files": files}
        archive.writestr(MANIFEST, json.dumps(body))
    (tmp_path / "b.zip").write_bytes(out.getvalue())
    with pytest.raises(BackupError, match="does not hold what its manifest says"):
        unpack(tmp_path / "b.zip", tmp_path / "data", settings=tmp_path / "settings")
    assert not (tmp_path / "data").exists()


def test_one_larger_than_the_disk_is_refused_before_it_begins(tmp_path, monkeypatch):
    (tmp_path / "b.zip").write_bytes(archive_of({"data/a": b"some"}))
    usage = shutil.disk_usage(tmp_path)._replace(free=1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match="MB are free"):
        unpack(tmp_path / "b.zip", tmp_path / "data", settings=tmp_path / "settings")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "manifest",
    [
        [], {}, {"schema": "backup/9", "made": "x", "files": []}, {"schema": SCHEMA, "files": []},
        {"schema": SCHEMA, "made": "x", "files": [{}]},
        {"schema": SCHEMA, "made": "x", "files": [{"name": "data/a", "size": True, "sha256": ""}]},
        {"schema": SCHEMA, "made": "x", "files": [{"name": "data/a", "size": -1, "sha256": ""}]},
        {"schema": SCHEMA, "made": "x", "files": [{"name": "data/a", "size": 4, "sha256": "00"}]},
        {"schema": SCHEMA, "made": "x", "files": []},
    ],
)  # fmt: skip
def test_a_manifest_that_does_not_fit_is_refused(tmp_path, manifest):
    (tmp_path / "b.zip").write_bytes(archive_of({"data/a": b"some"}, manifest))
    with pytest.raises(BackupError, match="Nothing was changed"):
        unpack(tmp_path / "b.zip", tmp_path / "data", settings=tmp_path / "settings")


@given(
    damage=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=8
    ),
    cut=st.none() | st.floats(0.05, 1, exclude_max=True),
)
@settings(max_examples=60)
def test_a_damaged_archive_gives_what_was_backed_up_or_one_sentence(damage, cut):
    members = {"data/state.sqlite": b"state" * 50, "data/nights/a.sqlite": bytes(range(256))}
    content = bytearray(archive_of(members))
    for place, flip in damage:
        content[int(place * len(content))] ^= flip
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "b.zip").write_bytes(content[: int(cut * len(content))] if cut else content)
        told = ""
        try:
            unpack(folder / "b.zip", folder / "data", settings=folder / "settings")
        except SpasmwatchError as error:
            told = str(error)
        found = {f"data/{name}": body for name, body in tree(folder / "data").items()}
        assert found == members if not told else "\n" not in told

"""A damaged or hostile file of any format is read, or refused in a sentence, fast and in no room.

Five thousand of each: `python -m tests.formats.mutated`.
"""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from detector.config import read_configuration
from detector.config.settings_file import added_text, changed_text
from detector.errors import ConfigError, ModelError, RecordingError
from detector.plain_json import parsed
from detector.recognition.rules.model_files import model_file
from detector.recognition.rules.opinions import parse_model
from detector.store.formats.reader import open_recording

from .mutated import MOST_S, broken_bars, formats, outcomes

BOUNDED = """
import re, sys, time
from tests.formats.mutated import MOST_BYTES, formats
from detector.errors import SpasmwatchError
from pathlib import Path
try:
    formats()[sys.argv[1]].read(Path(sys.argv[2]))
except SpasmwatchError as error:
    print(error)
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
assert int(peak[1]) * 1024 < MOST_BYTES  # ru_maxrss would count what the parent had
assert time.process_time() < 4, "two of them for the imports"
"""


@pytest.mark.parametrize("name", list(formats()))
def test_no_mutation_costs_more_than_a_sentence(name: str, tmp_path: Path) -> None:
    broken = [
        f"seed {found.seed}: {found.fault or broken_bars(found)}"
        for found in outcomes(formats()[name], range(25), tmp_path)
        # The memory of this process is not that of one file.
        if found.fault or found.seconds > MOST_S
    ]
    assert broken == []


@pytest.mark.parametrize(
    "text",
    [
        "a." * 20_000 + "a = 1\n",
        "[" + "a." * 20_000 + "a]\n",
        "x = {" + "a . " * 15_000 + "a = 1}\n",
        "x = " + "[" * 30_000,
        "".join(f"key_{n} = 1\n" for n in range(4000)),
        "".join(f"[table_{n}]\n" for n in range(4000)),
        "[mqtt]\n" + "".join(f"port_{n} = 1\n" for n in range(4000)),
        'x = "' + "\\\\" * 30_000 + "\n",
        '[wearer]\ntime_zone = "E' + "a." * 20_000 + '"\n',
        '[mqtt]\nbroker = "' + "x" * 20_000 + '"\n',
    ],
    ids=lambda text: text[:12],
)
def test_hostile_settings_are_one_error_in_bounded_room(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED, path.name, str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Nothing was started." in done.stdout
    assert len(done.stdout) < 4000


@pytest.mark.parametrize("change", [changed_text, added_text])
def test_hostile_settings_are_not_changed_and_not_parsed_either(change: Callable[..., str]) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        change("a" + ".a" * 20_000 + " = 1", "sensors", {"device": "Polar H10"}, {})


def test_a_state_whose_tables_have_unreadable_names_is_set_aside(tmp_path: Path) -> None:
    (found,) = outcomes(formats()["state.sqlite"], range(220, 221), tmp_path)
    assert found.fault == ""


def test_dots_in_texts_and_comments_are_no_depth(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        "# a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t [[[[[[[[[[[[[[[[[[[[[\n"
        '[mqtt]\nbroker = "mqtt://a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.example" # a.b\n'
        "[wearer]\nlabel = '[[[[[[[[[[[[[[[[[[[[[[[[[[[[['\n"
    )
    with pytest.raises(ConfigError) as told:
        read_configuration(path, environ={"SPASMWATCH_MQTT__PORT": "x"})
    assert "nested" not in str(told.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"value": ', b'"value": NaN, "was": ', "NaN is no number in JSON"),
        (b'"value": ', b'"value": 1e999, "was": ', "is no number in JSON"),
        (b'"value": ', b'"value": "text", "was": ', "must be"),
        (b'"value": ', b'"value": true, "was": ', "must be"),
        (b'"value": ', b'"value": [1, 2, 3], "was": ', "must be"),
        (b"{", b'{"a": ' + b"[" * 30 + b"]" * 30 + b", ", "nested deeper than 16 levels"),
        (b"{", b"[" * 200_000, "nested deeper than 16 levels"),
    ],
)
def test_a_model_of_anything_but_numbers_is_refused(old: bytes, new: bytes, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        parse_model("rules-v1", model_file("rules-v1").replace(old, new, 1), site="ankle")


def test_json_of_a_file_has_finite_numbers_and_little_depth() -> None:
    assert parsed(b'{"a": [1, 2.5, "[[[[[[[[[[[[[[[[[[[[[[[{"]}') == {
        "a": [1, 2.5, "[[[[[[[[[[[[[[[[[[[[[[[{"]
    }
    for wrong in (b"NaN", b"-Infinity", b"1e400", b"[" * 21 + b"]" * 21, b"\xff", b"{"):
        with pytest.raises(ValueError) as told:  # noqa: PT011
            parsed(wrong)
        assert str(told.value)


def test_an_array_that_claims_terabytes_is_refused_before_any_room_is_made(tmp_path: Path) -> None:
    array = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        array, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40, 3)}
    )
    path = tmp_path / "night.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("acc.npy", array.getvalue())
    with pytest.raises(RecordingError, match="does not hold what it declares"):
        open_recording(path, fs=50)

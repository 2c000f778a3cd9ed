"""Laws of the command line: options anywhere, quick to start, errors a sentence with a code."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise

import pytest

import detector
from detector.cli.night.demo_night import INTRO
from detector.errors import (
    ConfigError,
    LinkError,
    ModelError,
    ProtocolError,
    RecordingError,
    RecordingNotFoundError,
    StorageError,
)
from detector.terminal.failures import EXIT_CODES, report_failure
from detector.terminal.invocation import as_called
from detector.terminal.output import Output

HEAVY = {"scipy", "bleak", "bumble", "paho", "aiohttp", "matplotlib", "rich", "asyncio", "sqlite3"}


def loaded_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {module.partition(".")[0] for module in done.stdout.split()}


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded_by("import detector") & (HEAVY | {"numpy", "pydantic"})


def test_the_public_names_load_no_radio_broker_or_plots():
    heavy = loaded_by("from detector import detect, load, Event, Kind") & HEAVY
    assert heavy <= {"scipy", "sqlite3", "asyncio"}


def test_the_command_line_itself_loads_nothing_heavy():
    assert not loaded_by("import detector.cli") & (HEAVY | {"numpy", "pydantic"})


def test_an_unknown_public_name_is_an_attribute_error():
    assert set(detector.__all__) <= set(dir(detector))
    with pytest.raises(AttributeError, match="no attribute 'deteckt'"):
        detector.deteckt  # noqa: B018


def test_the_command_that_checks_another_file_is_named_as_the_program_was_called():
    said = as_called("then run: spasmwatch -c '/a b/c.toml' config check", "./spasmwatch")

    assert said == "then run: ./spasmwatch -c '/a b/c.toml' config check"


def test_the_release_is_told_in_one_way(spasmwatch):
    assert spasmwatch("--version").stdout == f"spasmwatch {detector.__version__}\n"
    assert spasmwatch("version").returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json", "config", "show"],
        ["config", "--json", "show"],
        ["config", "show", "--json"],
        ["config", "show", "--json", "-q", "--plain", "--no-color", "-vv", "--data-dir", "x"],
        ["--data-dir=x", "config", "show", "--json"],
    ],
)
def test_global_options_may_stand_anywhere(spasmwatch, tmp_path, arguments):
    done = spasmwatch(*arguments)
    assert done.returncode == 0
    shown = json.loads(done.stdout)
    assert shown["sensor.placement"] == "ankle"
    if any("data-dir" in argument for argument in arguments):
        assert shown["data_dir"] == str(tmp_path / "x")


def test_after_two_dashes_nothing_is_an_option(spasmwatch):
    done = spasmwatch("detect", "--", "--json")
    assert done.returncode == 66
    assert "--json: there is no such file" in done.stderr


@pytest.mark.parametrize("columns", ["60", "80"])
@pytest.mark.parametrize("group", [[], ["service"], ["setup"], ["config"]])
def test_no_list_of_commands_ends_a_sentence_in_the_middle(spasmwatch, group, columns):
    listed = spasmwatch(*group, "--help", COLUMNS=columns).stdout.splitlines()
    assert not [line for line in listed if "..." in line and "[ARGS]..." not in line]


def test_help_is_grouped_and_without_boxes_in_a_pipe(spasmwatch, process):
    done = process("-h")
    assert done.returncode == 0
    assert "Try and test:" in done.stdout
    assert "Advanced:" in done.stdout
    assert not set(done.stdout) & set("╭─│╰")
    for verb in ("detect", "decode", "config"):
        assert spasmwatch(verb, "--help").returncode == 0


def test_run_promises_no_more_than_a_screen_and_mqtt(spasmwatch):
    promise = "Watch a sensor all night and raise alerts, on this screen and by MQTT."
    assert promise in " ".join(spasmwatch("run", "--help").stdout.split())
    assert "phone" not in INTRO


def test_a_process_ends_with_the_code_and_without_a_traceback(process):
    done = process("detect", "none.csv")
    assert (done.returncode, done.stdout) == (66, "")
    assert done.stderr == "none.csv: there is no such file\n"
    assert process("--version").stdout.startswith("spasmwatch ")


def test_a_wrong_verb_is_usage_with_the_likely_one(spasmwatch):
    done = spasmwatch("detec")
    assert done.returncode == 2
    assert "Did you mean 'detect'?" in done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("a"), 78),
        (RecordingNotFoundError("a"), 66),
        (RecordingError("a"), 65),
        (ProtocolError("a"), 65),
        (LinkError("a"), 69),
        (ModelError("a"), 78),
        (StorageError("a"), 74),
        (OSError(28, "No space left on device", "night.sqlite"), 74),
        (PermissionError(13, "Permission denied", "night.csv"), 74),
        (KeyError("a"), 1),
    ],
)
def test_every_error_is_one_line_and_a_code(capsys, error, code):
    assert report_failure(error, Output()) == code
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "Traceback" not in told
    report_failure(error, Output(verbosity=2))
    assert type(error).__name__ in capsys.readouterr().err


def test_no_error_is_shadowed_by_its_parent():
    for (kind, _), (later, _) in pairwise(EXIT_CODES):
        assert not issubclass(later, kind)


def test_the_settings_are_shown_with_their_origin_and_without_secrets(spasmwatch, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[mqtt]\nusername = 'me'\npassword = 'canary'\n")
    file.chmod(0o600)
    done = spasmwatch("config", "show", "--origin", "-c", file, SPASMWATCH_LOG__LEVEL="debug")
    assert done.returncode == 0
    assert 'mqtt.username = "me"   # line 2' in done.stdout
    assert 'log.level = "debug"   # environment SPASMWATCH_LOG__LEVEL' in done.stdout
    assert "mqtt.port = not set   # default" in done.stdout
    assert "canary" not in done.stdout
    shown = spasmwatch("config", "show", "--origin", "--json", "-c", file).stdout
    assert json.loads(shown)["mqtt.username"] == {"value": "me", "origin": "line 2"}


def test_the_settings_are_checked(spasmwatch, tmp_path):
    none = spasmwatch("config", "check").stdout
    assert none.startswith("Valid: no settings file at ")
    assert none.endswith("config.toml, so the defaults are used.\n")
    file = tmp_path / "mine.toml"
    file.write_text("[mqtt]\nprot = 1\n")
    done = spasmwatch("config", "check", "-c", file)
    assert done.returncode == 78
    assert done.stdout == ""
    assert "line 2  mqtt.prot   is not a setting   did you mean mqtt.port?" in done.stderr
    assert done.stderr.endswith(f"then run: spasmwatch -c {file} config check\n")
    file.write_text("")
    assert spasmwatch("config", "check", "-c", file).stdout == f"{file}   valid\n"
    assert spasmwatch("config", "path", "-c", file).stdout == f"{file}\n"


def test_without_a_rule_the_check_says_that_no_spasm_raises_an_alert(spasmwatch, tmp_path):
    file = tmp_path / "mine.toml"
    for rules, told in (("[]", True), ('["clonus >= 60s"]', False)):
        file.write_text(f"[alerts]\nwake_for = {rules}\n")
        done = spasmwatch("config", "check", "-c", file)
        assert (done.returncode, done.stdout) == (0, f"{file}   valid\n")
        assert ("no spasm will raise an alert" in done.stderr) is told


def test_a_file_after_the_check_is_answered_with_the_command_that_checks_it(spasmwatch):
    done = spasmwatch("config", "check", "my settings.toml")
    assert done.returncode == 2
    assert "another file: spasmwatch -c 'my settings.toml' config check" in " ".join(
        done.stderr.replace("│", " ").split()
    )
    assert "FILE" not in spasmwatch("config", "check", "--help").stdout


FRAME = "02 0100000000000000 01 0000 0000 e803"


def test_decode_gives_a_line_for_each_notification(spasmwatch):
    expected = {"t_ns": 1, "samples_g": [[0.0, 0.0, 1.0]]}
    packed = FRAME.replace(" ", "")
    done = spasmwatch("decode", "--device", "polar-h10", FRAME, packed, "0x" + packed)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [expected] * 3
    piped = spasmwatch("decode", "--device", "polar-h10", "-", stdin=f"{FRAME}\n\n{packed}\n")
    assert [json.loads(line) for line in piped.stdout.splitlines()] == [expected] * 2
    bare = spasmwatch("decode", "--device", "polar-h10", stdin=FRAME)
    assert json.loads(bare.stdout) == expected


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--device", "polar-h10", "zz"], 65, "notification 1: 'zz' is not hexadecimal"),
        (["--device", "polar-h10", FRAME, "02"], 65, "notification 2:"),
        (["--device", "polar-h10", "00" * 5000], 65, "longer than any notification"),
        (["--device", "polar-h11", FRAME], 2, "polar-h10"),
        ([FRAME], 2, "--device"),
    ],
)
def test_decode_refuses_nonsense_in_a_sentence(spasmwatch, arguments, code, words):
    done = spasmwatch("decode", *arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_decode_refuses_an_endless_line_without_reading_it_all(spasmwatch):
    done = spasmwatch("decode", "--device", "polar-h10", stdin="0" * 3_000_000)
    assert done.returncode == 65
    assert "line 1: longer than any notification" in done.stderr

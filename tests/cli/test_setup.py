"""Laws of `setup`: one sensor, chosen by a person, pinned by its address, the file left whole."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.cli.setting_up.questions import Again, pick
from detector.config import SensorSettings
from detector.config.settings_file import change_section, changed_text
from detector.config.worn import WornAnswer, new_label, parse_worn
from detector.errors import ConfigError, StorageError
from detector.sources import bluez
from detector.sources.nearby import NearbyDevice
from firmware_sim.bluez.bus import as_system_bus

from .airs import on_air

ADDRESS = "C0:5E:3F:2A:1C:2A"
NAME = "Polar Sense 3F2A1C2A"
MINE = """\
# what I wrote
[sensor]   # the leg
device = "Polar Sense 1"      # from: spasmwatch scan
placement = "ankle"           # foot ankle calf
label = "left-ankle"

[mqtt]
broker = "none"   # nobody
"""


@pytest.fixture(scope="module")
def air(tmp_path_factory):
    folder = tmp_path_factory.mktemp("air")
    with on_air(folder, "--sensors", 2, "--battery", 86) as air:
        yield air


@pytest.fixture
def setup(spasmwatch, air):
    """Run `setup` on the air, with these answers."""
    return lambda *words, answers="", **env: spasmwatch(
        "setup", "--timeout", "1", *air.reach, *words, stdin=answers, **env
    )


@pytest.fixture
def config(tmp_path):
    return tmp_path / "spasmwatch" / "config.toml"


def test_a_person_chooses_by_number_and_says_where_it_is_worn(setup, config):
    done = setup(answers="2\nleft calf\n")

    assert done.returncode == 0, done.stderr
    menu = done.stderr.index
    assert menu("1  Polar Sense 3F2A1C2") < menu("a  Listen again") < menu("d  Try it")
    assert "samples/s (want 52)" in done.stderr
    assert "0.0 % lost" in done.stderr
    assert "86 %" in done.stderr
    assert f"Undo: rm {config}" in done.stderr
    assert done.stderr.endswith(
        "Next: spasmwatch run      (from time to time: spasmwatch doctor)\n"
    )
    written = tomllib.loads(config.read_text())
    assert written == {
        "sensor": {"device": ADDRESS, "placement": "calf", "label": "left-calf", "name": NAME}
    }
    assert "Polar Sense 3F2A1C2A" in config.read_text()


def test_what_follows_setup_reads_the_file_that_was_written(setup, tmp_path):
    done = setup("-c", tmp_path / "my own.toml", answers="2\nankle\n")

    assert f"Next: spasmwatch -c '{tmp_path}/my own.toml' run " in done.stderr


def test_bad_answers_get_a_sentence_and_another_try(setup, config):
    done = setup(answers="9\nanna\n\x1b[2J\n2\nelbow\n2\n")

    assert done.returncode == 0, done.stderr
    refusal = "is not in the list: type a number from 1 to 2, a to listen again, or d for the demo."
    assert done.stderr.count(refusal) == 3
    assert "'elbow' is not a place" in done.stderr
    assert "\x1b" not in done.stderr
    assert tomllib.loads(config.read_text())["sensor"]["placement"] == "ankle"


def test_listening_again_is_an_answer(setup):
    done = setup(answers="a\n")

    assert done.stderr.count("Listening for 1 second") == 2


@pytest.mark.parametrize(
    "words", [[], ["--non-interactive", "--device", ADDRESS, "--placement", "ankle"]]
)
def test_without_bluetooth_setup_ends_and_names_the_doctor(
    spasmwatch, config, tmp_path, monkeypatch, words
):
    monkeypatch.setattr(bluez, "is_installed", lambda: True)
    with as_system_bus(f"unix:path={tmp_path}/none"):
        done = spasmwatch("setup", "--timeout", "1", *words, stdin="a\na\n")

    assert done.returncode == 69
    assert done.stderr.count("cannot be reached") == 1
    assert "Which sensor is yours?" not in done.stderr
    assert done.stderr.count(" doctor") == 1
    assert done.stderr.endswith("\nNothing was changed.\n")
    assert not config.exists()


def test_where_nobody_answers_nothing_is_changed(setup, config):
    done = setup(answers="1\n")

    assert done.returncode == 2
    assert "Nothing was changed" in done.stderr
    assert "--non-interactive" in done.stderr
    assert not config.exists()


def test_a_script_gets_the_same_without_questions_and_comments_stay(setup, config):
    config.parent.mkdir()
    config.write_text(MINE)
    words = ["--non-interactive", "--device", "polar sense 3F2A1C2A", "--placement", "calf"]
    done = setup(*words, "--json")
    said = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert config.read_text() == MINE.replace("Polar Sense 1", ADDRESS).replace(
        'placement = "ankle"', 'placement = "calf"'
    ).replace('left-ankle"\n', f'left-calf"\nname = "{NAME}"\n')
    assert said["sensor"] == {
        "device": ADDRESS,
        "name": NAME,
        "driver": "polar-verity-sense",
        "placement": "calf",
        "label": "left-calf",
    }
    assert said["look"]["missing"] == 0
    assert said["look"]["rate_hz"] == pytest.approx(52, rel=0.05)
    assert said["backup"] == f"{config}.bak"
    assert (config.parent / "config.toml.bak").read_text() == MINE

    again = setup(*words)
    assert "nothing was changed" in again.stderr
    assert [file.name for file in sorted(config.parent.iterdir())] == [
        "config.toml",
        "config.toml.bak",
    ]


def test_a_sensor_that_is_not_heard_changes_nothing(setup, config):
    config.parent.mkdir()
    config.write_text(MINE)
    done = setup("--non-interactive", "--device", "C0:00", "--placement", "ankle")

    assert done.returncode == 69
    assert "close its phone app" in done.stderr
    assert config.read_text() == MINE


def test_settings_that_would_contradict_themselves_are_not_written(setup, config):
    config.parent.mkdir()
    config.write_text(
        MINE + '[[another_sensor]]\ndevice = "x"\nplacement = "calf"\nlabel = "left-calf"\n'
    )
    before = config.read_text()
    done = setup("--non-interactive", "--device", ADDRESS, "--placement", "left calf")

    assert done.returncode == 78
    assert "must not call two sensors 'left-calf'" in done.stderr
    assert f"{config}, so changed," in done.stderr
    assert "then run: spasmwatch config check\n" in done.stderr
    assert config.read_text() == before
    assert [file.name for file in config.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--non-interactive"], "needs --device and --placement"),
        (["--non-interactive", "--device", "x"], "needs --device and --placement"),
        (["--placement", "elbow"], "'elbow' is not a place"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(spasmwatch, words, complaint):
    done = spasmwatch("setup", *words)

    assert done.returncode == 2
    assert complaint in done.stderr


def test_speed_is_for_virtual_sensors(spasmwatch):
    assert spasmwatch("setup", "--speed", "2").returncode == 2


def test_an_environment_that_wins_over_the_file_is_told(setup):
    done = setup(
        "--non-interactive", "--device", ADDRESS, "--placement", "calf",
        SPASMWATCH_SENSOR__DEVICE="other",
    )  # fmt: skip

    assert "unset SPASMWATCH_SENSOR__DEVICE" in done.stderr


def one(n: int) -> NearbyDevice:
    return NearbyDevice(f"Sensor {n}", f"A{n}", -50, "polar-h10", "a sensor")


def understood(read, text):
    """What is understood, or the sentence that says why not."""
    try:
        return read(text)
    except (ValueError, Again) as error:
        return error


@given(st.text(max_size=8) | st.integers(0, 9).map(str), st.integers(0, 5))
def test_an_answer_is_a_sensor_of_the_list_or_a_sentence(text, count):
    usable = [one(n) for n in range(count)]
    chosen = understood(lambda text: pick(text, usable), text)

    if isinstance(chosen, Again):
        assert text.casefold() in {"a", "again"}
    elif isinstance(chosen, ValueError):
        assert "type" in str(chosen)
    elif chosen is None:
        assert text.casefold() in {"d", "demo"}
    else:
        assert int(text) == usable.index(chosen) + 1


@pytest.mark.parametrize(
    ("text", "worn"),
    [
        ("ankle", WornAnswer("ankle", None)),
        (" 3 ", WornAnswer("calf", None)),
        ("Left Calf", WornAnswer("calf", "left-calf")),
        ("right-foot", WornAnswer("foot", "right-foot")),
        ("left 2", WornAnswer("ankle", "left-ankle")),
    ],
)
def test_a_place_is_understood_as_people_say_it(text, worn):
    assert parse_worn(text) == worn


@given(st.text(max_size=30))
def test_any_other_place_is_a_sentence(text):
    worn = understood(parse_worn, text)

    if isinstance(worn, ValueError):
        assert "is not a place" in str(worn)
    else:
        SensorSettings(placement=worn.placement, label=worn.label or "leg")


def test_a_label_that_names_another_place_is_mended_and_any_other_stays():
    now = SensorSettings(placement="ankle", label="left-ankle")
    assert new_label(now, WornAnswer("calf", None)) == "left-calf"
    assert new_label(now, WornAnswer("ankle", None)) is None
    assert new_label(SensorSettings(label="anna"), WornAnswer("calf", None)) is None
    assert new_label(now, WornAnswer("calf", "right-calf")) == "right-calf"


TOML = [
    None,
    "",
    MINE,
    MINE.replace("\n", "\r\n"),
    "sensor = {device = 'x', placement = 'foot'} # inline\n",
    "sensor.device = 'x' # dotted\n[mqtt]\nport = 1\n",
    "data_dir = '/tmp' # no newline at the end",
    "[mqtt]\nport = 1\n\n# last words\n",
    "[sensor]\n[mqtt]\nbroker = 'none'\n",
    "\ufeff[sensor]\nlabel = 'a'\n".removeprefix("\ufeff"),
]


@pytest.mark.parametrize("before", TOML)
@given(
    st.sampled_from(["device", "placement", "label"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), max_size=20),
)
def test_the_file_says_what_it_said_and_the_new_value_and_keeps_its_comments(
    before, key, value, remark
):
    try:
        after = changed_text(before, "sensor", {key: value}, {key: remark})
    except ValueError:
        return  # refused is safe; below, that the usual is not
    old = tomllib.loads(before or "")

    assert tomllib.loads(after) == old | {"sensor": old.get("sensor", {}) | {key: value}}
    for line in (before or "").splitlines():
        assert "#" not in line or line[line.index("#") :].strip() in after


@pytest.mark.parametrize("before", TOML)
def test_no_usual_file_is_refused(before):
    after = changed_text(before, "sensor", {"device": ADDRESS}, {"device": "Polar Sense 1"})

    assert tomllib.loads(after)["sensor"]["device"] == ADDRESS


def test_a_new_file_says_how_to_check_that_very_file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    usual, other = tmp_path / "spasmwatch" / "config.toml", tmp_path / "at night" / "config.toml"
    for path, command in ((usual, "spasmwatch config"), (other, f"spasmwatch -c '{other}' config")):
        change_section(path, "sensor", {"device": ADDRESS}, {})
        first = path.read_text().splitlines()[0]
        assert first == f"# spasmwatch settings. Check with: {command} check"
    unspeakable = tmp_path / "a\nb.toml"
    change_section(unspeakable, "sensor", {"device": ADDRESS}, {})
    assert unspeakable.read_text().startswith("# spasmwatch settings.\n\n[sensor]\n")


def test_a_file_too_large_for_settings_is_left_as_it_is(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("# much\n" * 20_000)
    with pytest.raises(ConfigError, match="larger than 64 kB"):
        change_section(path, "sensor", {"device": ADDRESS}, {})
    assert path.stat().st_size == 140_000


def test_our_remark_is_renewed_and_the_owners_is_not():
    ours = changed_text(None, "sensor", {"device": "A"}, {"device": "Polar 1"})
    renewed = changed_text(ours, "sensor", {"device": "B"}, {"device": "Polar 2"})
    assert "heard as: Polar 2" in renewed
    assert "Polar 1" not in renewed


def test_a_file_that_cannot_be_written_is_left_as_it_is(tmp_path):
    path = tmp_path / "no folder"
    path.write_text("a file")
    with pytest.raises(StorageError, match="Nothing was changed"):
        change_section(path / "config.toml", "sensor", {"device": "A"}, {})


def test_every_old_file_is_kept_and_keeps_its_secrecy(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(MINE)
    path.chmod(0o600)
    backups = [change_section(path, "sensor", {"device": d}, {}).backup for d in "ABC"]

    assert [backup.name for backup in backups] == [
        "config.toml.bak", "config.toml.bak2", "config.toml.bak3",
    ]  # fmt: skip
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in tmp_path.iterdir())


def test_the_second_leg_is_added_and_comments_stay(setup, config):
    config.parent.mkdir()
    config.write_text(MINE.replace("Polar Sense 1", "C0:5E:3F:2A:1C:29"))
    done = setup("--add", answers="1\nleft ankle\nright ankle\n")

    assert done.returncode == 0, done.stderr
    assert "C0:5E:3F:2A:1C:29" not in done.stderr, "the first leg's sensor is not offered"
    assert "'left-ankle' is another sensor already" in done.stderr
    after = config.read_text()
    assert after.startswith(MINE.replace("Polar Sense 1", "C0:5E:3F:2A:1C:29"))
    assert tomllib.loads(after)["another_sensor"] == [
        {
            "device": ADDRESS,
            "placement": "ankle",
            "label": "right-ankle",
            "name": NAME,
        }
    ]


def test_a_second_sensor_needs_a_first(setup, config):
    done = setup("--add", "--non-interactive", "--device", ADDRESS, "--placement", "calf")

    assert done.returncode == 2
    assert "choose the first" in done.stderr
    assert not config.exists()

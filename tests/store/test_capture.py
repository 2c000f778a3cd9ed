"""Laws of captures: the driver makes the same of them, and they give nobody away."""

from __future__ import annotations

import json
import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.devices.interpreter import Interpreter
from detector.devices.pmd import PMD_CONTROL, PMD_DATA
from detector.devices.profile import Advertisement, Chunk
from detector.devices.registry import BUILT_IN, installed
from detector.devices.stream import Item, LinkDown, LinkUp, Packet
from detector.errors import RecordingError, RecordingNotFoundError
from detector.store.capture import LONGEST_LINE, Capture, CaptureWriter, is_capture, masked_name
from detector.store.formats.reader import open_recording

ADDRESS = "C0:5E:3F:2A:1C:29"
NAME = "Polar H10 3F2A1C29"
OFFER = bytes.fromhex("f001020000 00013400")  # 52 Hz
NS = 1_000_000_000


def frame(n: int, first: int = 0) -> bytes:
    rows = np.arange(first, first + 3 * n, dtype="<i2")
    return struct.pack("<BQB", 2, (first + 3 * n) * NS, 1) + rows.tobytes()


def up(session=1, address=ADDRESS, name=NAME, driver="polar-h10", at=5 * NS) -> LinkUp:
    return LinkUp(session, driver, address, name, at, 1_700_000_000 * NS + at)


def packet(data: bytes, channel=PMD_CONTROL, session=1, at=6 * NS) -> Packet:
    return Packet(session, channel, data, at, 1_700_000_000 * NS + at)


@pytest.fixture
def captured(tmp_path):
    """Write items as a capture, each as its driver understood it."""

    def write(items: list[Item]) -> Capture:
        path = tmp_path / "c.jsonl"
        path.unlink(missing_ok=True)
        interpreter = Interpreter(installed())
        writer = CaptureWriter(path, placement="calf", version="0.1.0", versions={"bleak": "3.1"})
        for item in items:
            writer.write(interpreter.feed(item))
        writer.close()
        return Capture.open(path)

    return write


def outputs(items) -> list:
    """What a driver makes of items, in a form that can be compared."""
    interpreter = Interpreter(installed())
    made = []
    for item in items:
        reading = interpreter.feed(item)
        for output in reading.outputs:
            if isinstance(output, Chunk):
                made.append((output.samples.tolist(), output.fs, output.last_ns))
            else:
                made.append(output)
        made.append(reading.error is not None)  # its words may quote what is masked
    return made


CONTROL = st.binary(max_size=20) | st.just(OFFER)
DATA = st.builds(frame, st.integers(1, 20), st.integers(0, 1000)) | st.binary(max_size=40)
PACKETS = st.lists(
    st.builds(packet, CONTROL) | st.builds(packet, DATA, st.just(PMD_DATA)), max_size=12
)


@given(PACKETS)
def test_a_driver_makes_of_a_capture_what_it_made_of_the_session(tmp_path_factory, packets):
    items = [up(), *packets, LinkDown(1, "gone", 9 * NS, 0)]
    path = tmp_path_factory.mktemp("c") / "c.jsonl"
    interpreter = Interpreter(installed())
    writer = CaptureWriter(path, placement="ankle", version="0.1.0", versions={})
    for item in items:
        writer.write(interpreter.feed(item))
    writer.close()

    assert outputs(Capture.open(path).items()) == outputs(items)
    assert writer.packets == len(packets)


def test_times_count_from_the_beginning_and_order_stays(captured):
    items = [up(), packet(OFFER, at=6 * NS), packet(frame(2), PMD_DATA, at=7 * NS)]
    read = list(captured(items).items())

    assert [item.mono_ns for item in read] == [0, NS, 2 * NS]
    assert [item.utc_ns for item in read] == [0, NS, 2 * NS]
    assert [type(item) for item in read] == [LinkUp, Packet, Packet]
    assert read[2].data == frame(2)


def test_the_header_says_what_it_is_of_and_made_with(captured, tmp_path):
    capture = captured([up()])
    body = json.loads((tmp_path / "c.jsonl").read_text().splitlines()[0])

    assert (capture.header.driver, capture.header.placement) == ("polar-h10", "calf")
    assert body["sheet"]["title"] == "Polar H10"
    assert body["versions"] == {"bleak": "3.1"}


SECRETS = [
    bytes.fromhex("C05E3F2A1C29"),
    bytes.fromhex("C05E3F2A1C29")[::-1],
    b"C05E3F2A1C29",
    b"c0:5e:3f:2a:1c:29",
    ADDRESS.encode(),
    b"0C8CD0000001",  # nobody's that we know of
    b"serial 3F2A1C29",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_an_address_or_serial_number_is_masked_in_packets_too_at_its_length(captured, secret):
    (_, read) = captured([up(), packet(b"\xf0" + secret + b"\x00")]).items()

    assert secret not in read.data
    assert len(read.data) == len(secret) + 2
    assert (read.data[:1], read.data[-1:]) == (b"\xf0", b"\x00")


def test_samples_that_look_like_an_address_stay_samples(captured):
    data = struct.pack("<BQB", 2, NS, 1) + bytes.fromhex("100020003000")
    link = up(address="10:00:20:00:30:00")
    (_, _, read) = captured([link, packet(OFFER), packet(data, PMD_DATA)]).items()

    assert read.data == data


def test_one_sensor_has_one_mask_and_two_have_two(captured, tmp_path):
    other = "C0:5E:3F:2A:1C:30"
    items = [
        up(1), LinkDown(1, f"The link to {NAME!r} at {ADDRESS} was lost.", 6 * NS, 0),
        up(2, other, "Polar H10 00000030", at=7 * NS), up(3, at=8 * NS),
    ]  # fmt: skip
    first, lost, second, third = captured(items).items()
    text = (tmp_path / "c.jsonl").read_text()

    assert (first.address, first.name) == (third.address, third.name)
    assert first.address == "00:00:00:00:00:01"
    assert second.address == "00:00:00:00:00:02"
    assert second.name != first.name
    assert lost.reason == "The link to 'Polar H10 0001' at 00:00:00:00:00:01 was lost."
    for secret in (ADDRESS, other, "3F2A1C29", "00000030"):
        assert secret not in text


NAMES = ["Polar Sense 3F2A1C29", "Polar H10 12345678", "Movesense 174630000192", "Bangle.js 1a2b",
         "WT901BLE67", "BBC micro:bit [zavot]", "Anna's leg", ""]  # fmt: skip


@pytest.mark.parametrize("driver", BUILT_IN, ids=lambda driver: driver.name)
@given(name=st.sampled_from(NAMES) | st.text(max_size=30))
def test_a_masked_name_is_recognised_as_before_and_names_nobody(driver, name):
    masked = masked_name(name, driver, 7)

    if driver.recognises(Advertisement("", name)):
        assert driver.recognises(Advertisement("", masked))
    elif name:
        assert masked == "sensor 7"


def test_without_a_link_nothing_is_written(tmp_path):
    writer = CaptureWriter(tmp_path / "c.jsonl", placement="calf", version="0", versions={})
    writer.write(Interpreter(installed()).feed(packet(b"")))
    writer.flush()
    writer.close()

    assert not list(tmp_path.iterdir())


def test_a_capture_is_new_and_its_owners_only(captured, tmp_path):
    captured([up()])
    writer = CaptureWriter(tmp_path / "c.jsonl", placement="calf", version="0", versions={})

    assert (tmp_path / "c.jsonl").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        writer.write(Interpreter(installed()).feed(up()))


def test_detect_reads_it_without_a_wall_clock(captured):
    items = [up(), packet(OFFER)]
    items += [packet(frame(26, 78 * i), PMD_DATA, at=(7 + i) * NS) for i in range(9)]
    capture = captured(items)

    assert is_capture(capture.path)
    with open_recording(capture.path) as reader:
        samples = np.concatenate([block.samples for block in reader.blocks()])
    assert np.array_equal(samples[:26].ravel() * 1000, np.arange(78))
    assert (reader.fs, reader.site, reader.timebase.epoch_ns) == (52, "calf", None)
    with pytest.raises(RecordingError, match="--unit"):
        open_recording(capture.path, unit="mg")


GOOD = {"t_ns": 1, "link": 1, "channel": PMD_DATA, "hex": "02"}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[" * 5000, "is not JSON"),
        ("[]", "no line of a capture: it is not a JSON object"),
        (json.dumps(GOOD | {"t_ns": -1}), "t_ns must be a whole number"),
        (json.dumps(GOOD | {"t_ns": True}), "t_ns must be a whole number"),
        (json.dumps(GOOD | {"t_ns": 1e300}), "t_ns must be a whole number"),
        (json.dumps(GOOD | {"t_ns": 1 << 61}), "t_ns must be a whole number"),
        (json.dumps(GOOD | {"link": None}), "link must be"),
        (json.dumps(GOOD | {"hex": "0"}), "pairs of hexadecimal digits"),
        (json.dumps(GOOD | {"hex": "٣٣"}), "pairs of hexadecimal digits"),
        (json.dumps(GOOD | {"hex": "00" * 600}), "longer than any notification"),
        (json.dumps(GOOD | {"channel": 7}), "channel must be text"),
        (json.dumps({"t_ns": 1, "link": 1}), "neither channel, driver nor lost"),
        (json.dumps(GOOD | {"hex": "0" * LONGEST_LINE}), "longer than any line"),
    ],
)
def test_a_damaged_line_is_named_with_file_and_number(captured, line, why):
    path = captured([up(), packet(b"\x01")]).path
    with path.open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(RecordingError, match=why) as raised:
        Capture.open(path)

    assert str(raised.value).startswith("c.jsonl line 4 ")
    assert "\n" not in str(raised.value)


def test_time_that_runs_backwards_and_a_torn_line_are_damage(captured):
    path = captured([up(), packet(b"\x01")]).path
    whole = path.read_text()
    path.write_text(whole + json.dumps(GOOD) + "\n")
    with pytest.raises(RecordingError, match=r"c.jsonl line 4 .*time runs backwards"):
        Capture.open(path)
    path.write_text(whole[:-2])
    with pytest.raises(RecordingError, match=r"c.jsonl line 3 .*cut off"):
        Capture.open(path)


def test_what_is_no_capture_is_told(tmp_path):
    with pytest.raises(RecordingNotFoundError):
        Capture.open(tmp_path / "none.jsonl")
    (tmp_path / "new.jsonl").write_text('{"schema": "capture/2"}\n')
    with pytest.raises(RecordingError, match="'capture/2', this spasmwatch reads 'capture/1'"):
        Capture.open(tmp_path / "new.jsonl")
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(RecordingError, match="is empty"):
        open_recording(tmp_path / "empty.jsonl")


@given(st.data())
def test_no_damage_is_more_than_a_recording_error(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("c") / "c.jsonl"
    interpreter = Interpreter(installed())
    writer = CaptureWriter(path, placement="ankle", version="0.1.0", versions={})
    for item in [up(), packet(OFFER), packet(frame(3), PMD_DATA)]:
        writer.write(interpreter.feed(item))
    writer.close()
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw)
    try:
        with open_recording(path) as reader:
            list(reader.blocks())
    except RecordingError as error:
        assert path.name in str(error)  # noqa: PT017 - either is right, nothing else is


def test_the_clock_of_a_capture_never_runs_back(captured):
    read = list(captured([up(), packet(b"\x01"), packet(b"\x02", at=8 * NS)]).items())

    assert all(a.mono_ns <= b.mono_ns for a, b in pairwise(read))
    assert installed().named(captured([up()]).header.driver).name == "polar-h10"

"""The open frame's encoders, in three languages, write the same; its page agrees with them."""

from __future__ import annotations

import ctypes
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from detector.devices.open_frame import OPEN_FRAME, About, parse_about, parse_frame
from firmware_sim.wearables.open_frame import (
    ABOUT,
    FRAMES,
    SERVICE,
    encode_about,
    encode_frame,
    samples_that_fit,
)

DOCS = Path(__file__).parents[2] / "docs"
PAGE, ENCODERS = DOCS / "open-frame.md", DOCS / "open-frame"
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")

anything = array_shapes(min_dims=1, max_dims=1, max_side=200).flatmap(
    lambda shape: arrays(np.int16, (*shape, 3))
)
runs = st.tuples(
    st.integers(23, 517),  # MTU
    st.integers(0, 2**16 - 1),  # first sequence
    st.integers(0, 2**32 - 1),  # first tick
    st.integers(1, 2000),  # ticks from sample to sample
    st.integers(0, 255),  # battery
    anything,
)


def encoded(run) -> list[bytes]:
    """Return what a sensor sends of a run of samples, the last frame perhaps not full."""
    mtu, sequence, tick, step, battery, counts = run
    size = samples_that_fit(mtu)
    return [
        encode_frame(sequence + n, tick + at * step, counts[at : at + size], battery)
        for n, at in enumerate(range(0, len(counts), size))
    ]


# C


class CFrame(ctypes.Structure):
    _fields_ = (
        ("bytes", ctypes.c_uint8 * 507),
        ("sequence", ctypes.c_uint16),
        ("most", ctypes.c_uint8),
        ("count", ctypes.c_uint8),
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Return the C encoder, compiled as strictly as a compiler will."""
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("gcc is not installed here; the C encoder cannot be tried")
    built = tmp_path_factory.mktemp("c") / "open_frame.so"
    command = [gcc, "-std=c99", *STRICT, "-shared", "-fPIC", "-o", built]
    subprocess.run([*command, ENCODERS / "open_frame.c"], check=True)
    c = ctypes.CDLL(str(built))
    c.open_frame_add.argtypes = (ctypes.POINTER(CFrame), ctypes.c_uint32, *[ctypes.c_int16] * 3)
    c.open_frame_add.restype = ctypes.c_bool
    c.open_frame_finish.restype = c.open_frame_about.restype = ctypes.c_size_t
    return c


def c_frames(c, run) -> list[bytes]:
    mtu, sequence, tick, step, battery, counts = run
    frame, sent = CFrame(), []
    c.open_frame_init(ctypes.byref(frame))
    frame.sequence = sequence
    c.open_frame_begin(ctypes.byref(frame), mtu)

    def finish() -> None:
        length = c.open_frame_finish(ctypes.byref(frame), battery)
        sent.append(bytes(frame.bytes[:length]))

    for n, row in enumerate(counts.tolist()):
        if c.open_frame_add(ctypes.byref(frame), (tick + n * step) % 2**32, *row):
            finish()
    finish()
    return [one for one in sent if one]


def test_the_c_encoder_writes_the_same(library):
    @given(runs)
    def law(run):
        assert c_frames(library, run) == encoded(run)

    law()


def test_the_c_encoder_writes_the_same_of_itself(library):
    @given(st.integers(0, 2**32 - 1), st.integers(0, 255), st.text("aZ1 .é", max_size=80))
    def law(rate, range_g, name):
        out = (ctypes.c_uint8 * 70)()
        length = library.open_frame_about(out, 70, ctypes.c_uint32(rate), range_g, name.encode())

        assert bytes(out[:length]) == encode_about(rate, range_g, name.encode()[:64])

    law()


def test_the_c_encoder_keeps_to_its_room(library):
    out = (ctypes.c_uint8 * 8)(*[7] * 8)

    assert library.open_frame_about(out, 7, 12800, 8, b"ab") == 0
    assert bytes(out) == b"\7" * 8
    frame = CFrame()
    library.open_frame_init(ctypes.byref(frame))
    assert library.open_frame_finish(ctypes.byref(frame), 0) == 0
    assert library.open_frame_add(ctypes.byref(frame), 0, 1, 2, 3)
    assert library.open_frame_add(ctypes.byref(frame), 9, 4, 5, 6)  # full, and not finished
    assert library.open_frame_finish(ctypes.byref(frame), 0) == 15
    assert bytes(frame.bytes[:15]) == encode_frame(0, 0, np.array([[1, 2, 3]]), 0)


# JavaScript

WORKER = """
var o = require(process.argv[1]);
function hex(bytes) { return Buffer.from(bytes).toString("hex"); }
require("readline").createInterface({ input: process.stdin }).on("line", function (line) {
  var run = JSON.parse(line), sent = [];
  if (run.name !== undefined) sent.push(hex(o.openFrameAbout(run.rate, run.range, run.name)));
  else {
    var frame = new o.OpenFrame(run.mtu), bytes;
    frame.sequence = run.sequence;
    run.counts.forEach(function (row, n) {
      if (frame.add(run.tick + n * run.step, row[0], row[1], row[2]))
        sent.push(hex(frame.finish(run.battery)));
    });
    if ((bytes = frame.finish(run.battery))) sent.push(hex(bytes));
  }
  console.log(JSON.stringify(sent));
});
"""


@pytest.fixture(scope="module")
def node():
    path = shutil.which("node")
    if path is None:
        pytest.skip("node is not installed here; the JavaScript encoder cannot be tried")
    return path


@pytest.fixture(scope="module")
def javascript(node):
    """Return the JavaScript encoder: a run of samples in, frames out."""
    command = [node, "-e", WORKER, str(ENCODERS / "open_frame.js")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:

        def ask(**run) -> list[bytes]:
            worker.stdin.write(json.dumps(run) + "\n")
            worker.stdin.flush()
            return [bytes.fromhex(one) for one in json.loads(worker.stdout.readline())]

        yield ask
        worker.stdin.close()


def test_the_javascript_encoder_writes_the_same(javascript):
    # A watch's clock may be counted in ticks since 1970: what exceeds 32 bits must not matter.
    @given(runs, st.sampled_from([0, 2**32, 13_000 * 2**32]))
    def law(run, beyond):
        mtu, sequence, tick, step, battery, counts = run
        got = javascript(
            mtu=mtu,
            sequence=sequence,
            tick=tick + beyond,
            step=step,
            battery=battery,
            counts=counts.tolist(),
        )

        assert got == encoded(run)

    law()


def test_the_javascript_encoder_writes_the_same_of_itself(javascript):
    for rate, range_g, name in [(12800, 8, "anklet 1.0"), (2**32 - 1, 255, ""), (0, 0, "x" * 80)]:
        (got,) = javascript(rate=rate, range=range_g, name=name)

        assert got == encode_about(rate, range_g, name[:64].encode())


def test_the_javascript_encoder_rounds_and_keeps_to_16_bits(javascript):
    (got,) = javascript(
        mtu=23, sequence=0, tick=0, step=1, battery=255, counts=[[40000.2, -40000, -0.6]]
    )

    assert got == encode_frame(0, 0, np.array([[32767, -32768, -1]]))


def test_the_javascript_encoder_is_what_espruino_understands():
    text = (ENCODERS / "open_frame.js").read_text()

    assert re.findall(r"\b(?:let|const|class|async|await|import)\b|=>|`|\.\.\.", text) == []


# The page


def test_the_pages_names_are_the_encoders_and_the_drivers():
    named = r"765c000\d-[0-9a-f-]{27}"
    for file in (PAGE, ENCODERS / "open_frame.h", ENCODERS / "open_frame.js"):
        assert re.findall(named, file.read_text())[:3] in (
            [SERVICE, FRAMES, ABOUT],
            [SERVICE, ABOUT, FRAMES],
        )
    assert OPEN_FRAME.channels + OPEN_FRAME.read_first == (FRAMES, ABOUT)


def test_the_pages_table_of_mtus_is_what_fits():
    rows = re.findall(r"^\| (\d+) \| (\d+) \| ([\d.]+) \|", PAGE.read_text(), re.MULTILINE)

    assert len(rows) == 5
    for mtu, size, per_second in rows:
        assert int(size) == samples_that_fit(int(mtu))
        assert len(encode_frame(0, 0, np.zeros((int(size), 3)))) <= int(mtu) - 3
        assert float(per_second) == round(50 / int(size), 1)


def test_the_pages_examples_are_true(spasmwatch):
    text = PAGE.read_text()
    frame, about = (bytes.fromhex(one) for one in re.findall(r"^    (01 .*)$", text, re.MULTILINE))
    command, answer = re.search(r"^    \$ (.*)\n    (.*)$", text, re.MULTILINE).groups()
    done = spasmwatch(*command.split()[1:])

    assert frame == encode_frame(7, 3 * 32768, np.array([[0, 0, 1000], [-12, 5, 998]]), 87)
    assert parse_about(about) == About(50, 8, "anklet 1.0")
    assert command.endswith(frame.hex())
    assert done.stdout.strip() == answer


def snippet(language: str) -> str:
    return re.search(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]


def test_the_pages_watch_sends_what_it_feels(node, tmp_path):
    stubs = """
    var now = 1.7e9, handlers = {}, services, sent = [];
    function getTime() { return now; }
    var E = { getBattery: function () { return 61; } };
    var NRF = {
      setServices: function (s, o) { services = [s, o]; },
      updateServices: function (s) { sent.push(s); },
      on: function (event, act) { handlers[event] = act; },
    };
    var Bangle = {
      accelWr: function () {}, setPollInterval: function () {},
      on: function (event, act) { handlers[event] = act; },
    };
    """
    play = """
    handlers.accel({ x: 0, y: 0, z: 9 });
    handlers.connect();
    for (var n = 0; n < 13; n++, now += 0.02) handlers.accel({ x: n / 1000, y: 0, z: -1 });
    handlers.disconnect();
    handlers.accel({ x: 0, y: 0, z: 9 });
    var hex = function (b) { return Buffer.from(b).toString("hex"); };
    var service = services[0][OPEN_FRAME_SERVICE];
    console.log(JSON.stringify([
      services[1].advertise, service[OPEN_FRAME_FRAMES].notify,
      hex(service[OPEN_FRAME_ABOUT].value),
      sent.length]));
    """
    # The encoder reuses its buffer, as it may: what is sent must be taken at once.
    stubs = stubs.replace("sent.push(s)", "sent.push(1); console.log(hexOf(s))")
    stubs += """
    function hexOf(s) {
      return Buffer.from(s[OPEN_FRAME_SERVICE][OPEN_FRAME_FRAMES].value).toString("hex");
    }
    """
    script = tmp_path / "watch.js"
    encoder = (ENCODERS / "open_frame.js").read_text()
    script.write_text(stubs + encoder + snippet("js") + play)
    done = subprocess.run([node, script], capture_output=True, text=True, check=True)
    *frames, last = done.stdout.splitlines()
    first, second = (parse_frame(bytes.fromhex(one)) for one in frames)

    assert json.loads(last)[:2] == [[SERVICE], True]
    assert parse_about(bytes.fromhex(json.loads(last)[2])) == About(50, 4, "bangle 1.0")
    assert np.concatenate([first.samples, second.samples]).tolist() == [
        [n / 1000, 0, -1] for n in range(12)
    ]
    assert (first.sequence, second.sequence, first.battery) == (0, 1, 61)
    assert (second.tick - first.tick) % 2**32 == pytest.approx(6 * 0.02 * 32768, abs=1)


def test_the_pages_esp32_sketch_is_what_a_compiler_understands(tmp_path):
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not installed here; the sketch cannot be compiled")
    # What the sketch needs of NimBLE-Arduino 2 and of Arduino, as their documentation has it.
    (tmp_path / "NimBLEDevice.h").write_text(
        """
        #include <cstddef>
        #include <cstdint>
        struct NimBLEConnInfo {};
        struct NimBLEServer;
        namespace NIMBLE_PROPERTY { enum { READ, NOTIFY }; }
        struct NimBLEServerCallbacks {
          virtual void onConnect(NimBLEServer *, NimBLEConnInfo &) {}
          virtual void onMTUChange(uint16_t, NimBLEConnInfo &) {}
        };
        struct NimBLECharacteristic {
          void setValue(const uint8_t *, size_t) {}
          bool notify(const uint8_t *, size_t) const { return true; }
        };
        struct NimBLEService {
          NimBLECharacteristic *createCharacteristic(const char *, uint32_t) { return nullptr; }
          bool start() { return true; }
        };
        struct NimBLEServer {
          void setCallbacks(NimBLEServerCallbacks *) {}
          void advertiseOnDisconnect(bool) {}
          NimBLEService *createService(const char *) { return nullptr; }
        };
        struct NimBLEAdvertising { bool addServiceUUID(const char *) { return true; } };
        struct NimBLEDevice {
          static bool init(const char *) { return true; }
          static bool setMTU(uint16_t) { return true; }
          static NimBLEServer *createServer() { return nullptr; }
          static NimBLEAdvertising *getAdvertising() { return nullptr; }
          static bool startAdvertising() { return true; }
        };
        void delay(uint32_t);
        bool readFifo(int16_t *, uint64_t *);
        uint8_t batteryPercent();
        """
    )
    sketch = tmp_path / "sketch.cpp"
    sketch.write_text(snippet("cpp"))
    subprocess.run(
        [compiler, "-fsyntax-only", "-Wall", "-Werror", f"-I{ENCODERS}", f"-I{tmp_path}", sketch],
        check=True,
    )

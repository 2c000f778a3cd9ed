"""Polar's motion sensors: Verity Sense (and OH1) on a limb, H10 on a chest strap."""

from __future__ import annotations

from detector.devices.family import BATTERY_LEVEL, Family, battery_level
from detector.devices.pmd import (
    ALREADY_IN_STATE,
    DEFAULT_FACTOR_G,
    OK,
    PMD_CONTROL,
    PMD_DATA,
    STOPPED_BY_SENSOR,
    Measurement,
    PmdCommand,
    Response,
    Setting,
    decode_frame,
    parse_response,
    parse_settings,
    start_acceleration,
)
from detector.devices.profile import (
    Chunk,
    DataSheet,
    Decoded,
    Note,
    Output,
    Refused,
    Started,
    Stopped,
    Support,
    TriedWith,
    Write,
)
from detector.errors import ProtocolError

WANTED_RATE_HZ = 50  # the analysis grid's rate; more would only cost battery
LOWEST_RATE_HZ = 15  # below, the clonus band (3 to 8 Hz) does not fit under half the rate
WIDEST_RANGE_G = 8  # a kick stays below; a wider range only coarsens the steps

_SDK_MODE_ON = bytes([PmdCommand.START, Measurement.SDK_MODE])
_GET_SETTINGS = bytes([PmdCommand.GET_SETTINGS, Measurement.ACCELERATION])
_STOP = bytes([PmdCommand.STOP, Measurement.ACCELERATION])


def _family(name: str, advertised: tuple[str, ...], sheet: DataSheet, *, sdk_mode: bool) -> Family:
    """Return the driver of one group of Polar's sensors.

    Parameters
    ----------
    advertised : how the advertised name begins. Polar does not advertise the PMD service, so the
        name says which sensor to try; a subscription to its characteristics then proves it
    sdk_mode : enter SDK mode first; without it a Verity Sense switches itself off after ten
        minutes without a heart rate, which an ankle never gives (polar-ble-sdk issues 382, 390)
    """
    return Family(
        name=name,
        sheet=sheet,
        recognises=lambda ad: ad.name.startswith(advertised),
        converse=lambda: PolarConversation(sdk_mode),
        # As sent at 8 g; the time is in ns since 2000-01-01.
        decode=lambda data: Decoded(*decode_frame(data)),
        # Control point before data: the first answer must not be missed (issue 374).
        channels=(PMD_CONTROL, PMD_DATA),
        optional_channels=(BATTERY_LEVEL,),
    )


# "Polar H10 3F2A1C29": the number that is printed on the sensor.
_SERIAL = r"Polar [A-Za-z0-9 ]+ [0-9A-F]{8}"
_SOURCE = "Polar, online_measurement.pdf v1.0 (August 2024); polar-ble-sdk issues"

VERITY_SENSE = _family(
    "polar-verity-sense",
    ("Polar Sense", "Polar OH1"),
    sdk_mode=True,
    sheet=DataSheet(
        title="Polar Verity Sense, OH1",
        support=Support.RECOMMENDED,
        evidence=TriedWith.REAL,
        fs=52,
        range_g=8,
        floor_s=1.4,  # about 71 samples every 1 to 2 s (issue 317)
        battery="standard service",
        loss="time stamps: to the sample",
        advice="Its arm band fits an ankle. SDK mode keeps it from switching itself off after ten "
        "minutes without a pulse; update its firmware in the Polar app.",
        source=_SOURCE,
        serial=_SERIAL,
    ),
)
H10 = _family(
    "polar-h10",
    ("Polar H10",),
    sdk_mode=False,
    sheet=DataSheet(
        title="Polar H10",
        support=Support.SUPPORTED,
        evidence=TriedWith.REAL,
        fs=50,
        range_g=8,
        floor_s=0.72,  # 36 samples a frame
        battery="standard service",
        loss="time stamps: to the sample",
        advice="A chest strap: it needs the contact of skin, and drops the link 45 s after it "
        "leaves the strap.",
        source=_SOURCE,
        serial=_SERIAL,
    ),
)


class PolarConversation:
    """One connection: SDK mode where there is one, the settings, the start, then frames.

    What it makes of frames depends only on what the sensor sent, never on whether `restart` was
    called: a replay gets the same answers without writing.
    """

    def __init__(self, sdk_mode: bool) -> None:
        self._sdk_mode = sdk_mode
        self._start: Write | None = None  # known once the sensor has sent what it offers
        self._restarting = False
        self._fs: float | None = None
        self._range_g: float | None = None
        self._factor_g = DEFAULT_FACTOR_G

    def open(self) -> list[Write]:
        """Request SDK mode, or at once the settings that the sensor offers."""
        return [Write(PMD_CONTROL, _SDK_MODE_ON if self._sdk_mode else _GET_SETTINGS)]

    def feed(self, channel: str, data: bytes) -> list[Output]:
        """Take one notification; ProtocolError when it makes no sense."""
        if channel == PMD_DATA:
            t_ns, samples = decode_frame(data, self._factor_g)
            return [Chunk(samples, self._fs, t_ns)]
        if channel == PMD_CONTROL:
            if data[:1] == bytes([STOPPED_BY_SENSOR]):
                return self._stopped(data[1:])
            return self._answered(parse_response(data))
        if channel == BATTERY_LEVEL:
            return [battery_level(data)]
        raise ProtocolError(f"nothing is expected on channel {channel}")

    def restart(self) -> list[Write]:
        """Stop, and start when the stop is answered; from the beginning if it never started."""
        if self._start is None:
            return self.open()
        self._restarting = True
        return [Write(PMD_CONTROL, _STOP)]

    def close(self) -> list[Write]:
        """Stop the stream: an H10 would send until its battery is empty (KnownIssues H10 no. 2)."""
        return [Write(PMD_CONTROL, _STOP)]

    def _answered(self, response: Response) -> list[Output]:
        agreed = response.status in (OK, ALREADY_IN_STATE)
        match response.command, response.measurement:
            case PmdCommand.START, Measurement.SDK_MODE:
                return self._sdk_mode_answered(response, agreed)
            case PmdCommand.GET_SETTINGS, Measurement.ACCELERATION:
                return self._choose(response, agreed)
            case PmdCommand.START, Measurement.ACCELERATION:
                return self._started(response, agreed)
            case PmdCommand.STOP, Measurement.ACCELERATION if self._restarting and self._start:
                self._restarting = False  # a refused stop: nothing was running, so start anyway
                return [self._start]
        return []

    def _sdk_mode_answered(self, response: Response, agreed: bool) -> list[Output]:
        ask: list[Output] = [Write(PMD_CONTROL, _GET_SETTINGS)]
        if agreed:
            return ask
        note = Note(
            f"no SDK mode ({response.reason}): the sensor may switch itself off after ten minutes "
            "without a pulse; a firmware update in the Polar app usually helps"
        )
        return [note, *ask]

    def _choose(self, response: Response, agreed: bool) -> list[Output]:
        if not agreed:
            return [Refused(f"the sensor does not say what it offers: {response.reason}")]
        offered = parse_settings(response.parameters)
        rates = offered.get(Setting.RATE, ())
        if not rates:
            raise ProtocolError("PMD settings: no sampling rate is offered")
        rate = min((r for r in rates if r >= WANTED_RATE_HZ), default=max(rates))
        if rate < LOWEST_RATE_HZ:
            return [
                Refused(f"the sensor offers {rate:g} Hz at most; {LOWEST_RATE_HZ} Hz are needed")
            ]
        choice = {Setting.RATE: rate}
        ranges = offered.get(Setting.RANGE, ())
        if ranges:
            choice[Setting.RANGE] = max(
                (r for r in ranges if r <= WIDEST_RANGE_G), default=min(ranges)
            )
        for setting in (Setting.RESOLUTION, Setting.CHANNELS):
            if offered.get(setting):
                choice[setting] = max(offered[setting])
        self._fs, self._range_g = rate, choice.get(Setting.RANGE)
        command = start_acceleration({key: int(choice[key]) for key in sorted(choice)})
        self._start = Write(PMD_CONTROL, command)
        return [self._start]

    def _started(self, response: Response, agreed: bool) -> list[Output]:
        if not agreed:
            return [Refused(f"the sensor does not start to measure: {response.reason}")]
        factors = parse_settings(response.parameters).get(Setting.FACTOR, ())
        self._factor_g = factors[0] if factors else DEFAULT_FACTOR_G
        return [] if self._fs is None else [Started(self._fs, self._range_g)]

    def _stopped(self, measurements: bytes) -> list[Output]:
        if Measurement.ACCELERATION not in measurements:
            return []
        again = [] if self._start is None else [self._start]
        return [Stopped("the sensor stopped its stream by itself"), *again]

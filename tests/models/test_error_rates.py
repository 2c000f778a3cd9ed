"""Error rates are of the shipped models, follow from their nights, and say what is known."""

from __future__ import annotations

import json
from dataclasses import dataclass

import error_rates as command
import pytest
from between import error_rates_of
from contexts import ContextNight, times_false
from hypothesis import given, settings
from hypothesis import strategies as st
from night_counts import NightCount, false_by_context, night_counts

from detector.events import EventContext, Kind
from detector.recognition.counts.error_rates import Counted, error_rates
from detector.recognition.rules.model_files import MODEL_FILES

MODELS = sorted(MODEL_FILES)
HOURS = 8.0


def told(model: str) -> dict:
    return json.loads((command.MODELS / model / "rates.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("model", MODELS)
def test_the_rates_were_measured_with_the_model_as_it_is(model):
    assert told(model)["model"] == {"name": model, "sha256": command.digest(model)}, (
        f"the model changed since: run {command.COMMAND}"
    )


@pytest.mark.parametrize("model", MODELS)
def test_other_rules_make_it_another_model(model, monkeypatch):
    before = command.digest(model)
    monkeypatch.setattr(
        command, "MODEL_FILES", {**MODEL_FILES, "rules-v1": MODEL_FILES["rules-v1"] + b" "}
    )

    assert command.digest(model) != before


@pytest.mark.parametrize("model", MODELS)
def test_the_rates_follow_from_the_nights_beside_them(model):
    nights = command.kept(model)
    shipped = error_rates(model)

    assert shipped is not None
    assert set(shipped.generators) == set(command.NIGHTS)
    assert len(nights) == sum(map(len, command.NIGHTS.values())) * len(command.SEEDS)
    for counted, rates in shipped.of.items():
        again = command.rates_of(model, nights, counted)
        assert again is not None
        # Their last digit may differ between machines, as their logarithms do.
        assert again.sensitivity == pytest.approx(rates.sensitivity, rel=2e-3)
        assert again.false_per_h == pytest.approx(rates.false_per_h, rel=2e-3)
        assert again.times_false == pytest.approx(rates.times_false, rel=2e-3)


def test_what_is_written_can_be_read(monkeypatch, tmp_path):
    nights = command.measured(
        ["rules-v1"], processes=1, nights={"own": ["severe-night"]}, seeds=[7100], hours=1.0
    )
    text = command.written("rules-v1", nights, hours=1.0)
    monkeypatch.setattr(command, "MODELS", tmp_path)
    (tmp_path / "rules-v1").mkdir()
    (tmp_path / "rules-v1" / "rates.json").write_bytes(text)

    assert command.kept("rules-v1") == nights
    assert nights[0].counts["rules-v1"][Counted.LIKELY].count.truths > 0


@dataclass(frozen=True)
class Stretch:
    kind: Kind
    onset_s: float
    end_s: float
    context: EventContext | None = None


@st.composite
def stretches(draw):
    """Stretches of two kinds, apart from each other by more than any tolerance."""
    at_s, made = 0.0, []
    for kind in draw(st.lists(st.sampled_from([Kind.CLONUS, Kind.TONIC]), max_size=12)):
        at_s += draw(st.floats(3.0, 50.0))
        made.append(Stretch(kind, at_s, at_s + draw(st.floats(0.5, 5.0))))
        at_s = made[-1].end_s
    return made


@given(truths=stretches(), data=st.data())
def test_a_truth_is_found_once_and_all_else_is_too_much(truths, data):
    found = [t for t in truths if data.draw(st.booleans())]
    pieces = [
        piece
        for t in found
        for piece in (
            Stretch(t.kind, t.onset_s, t.onset_s + 0.2),
            Stretch(t.kind, t.end_s - 0.2, t.end_s),
        )
    ]
    beyond_s = max((t.end_s for t in truths), default=0.0) + 10
    invented = [Stretch(Kind.SPASM, beyond_s + n, beyond_s + n + 0.5) for n in range(3)]
    counts = night_counts(truths, [*pieces, *invented])[Counted.LIKELY]

    assert counts == NightCount(len(truths), len(found), 2 * len(found) + 3)


def test_a_clonus_called_spasm_is_a_likely_spasm_and_no_clonus():
    counts = night_counts([Stretch(Kind.CLONUS, 5.0, 9.0)], [Stretch(Kind.SPASM, 5.0, 9.0)])

    assert counts[Counted.LIKELY] == NightCount(1, 1, 1)
    assert counts[Counted.CLONUS] == NightCount(1, 0, 0)
    assert counts[Counted.SPASM_OR_TONIC] == NightCount(0, 0, 1)


def test_a_series_without_a_real_pause_is_one():
    series = [Stretch(Kind.SPASM, 5.0 + n, 5.4 + n) for n in range(4)]

    assert night_counts(series, series[:1])[Counted.LIKELY] == NightCount(1, 1, 1)


def nights(share: float, false_per_h: float, count: int = 12):
    """Nights of forty true ones, all alike."""
    hits = round(40 * share)
    return [(NightCount(40, hits, hits + round(HOURS * false_per_h)), HOURS)] * count


def quartiles(values):
    return values[len(values) // 4], values[len(values) // 2], values[3 * len(values) // 4]


@settings(max_examples=10)
@given(share=st.floats(0.2, 0.95), false_per_h=st.sampled_from([0.25, 1.0, 5.0]))
def test_simulators_that_agree_give_what_they_agree_on(share, false_per_h):
    rates = error_rates_of({name: nights(share, false_per_h) for name in ("a", "b", "c")})
    measured = round(40 * share) / 40

    assert rates is not None
    assert quartiles(rates.sensitivity)[1] == pytest.approx(measured, abs=0.05)
    assert quartiles(rates.false_per_h)[1] == pytest.approx(false_per_h, rel=0.25)
    for values in (rates.sensitivity, rates.false_per_h):
        assert list(values) == sorted(values)


def test_simulators_that_differ_widen_what_either_would_say():
    def width(**of):
        rates = error_rates_of(of)
        low, _, high = quartiles(rates.false_per_h)
        return high / low

    good, bad = nights(0.95, 0.25), nights(0.5, 5.0)
    assert width(a=good, b=good) < width(a=good) < width(a=good, b=bad)


def test_more_simulators_that_agree_are_believed_more():
    def width(count):
        low, _, high = quartiles(
            error_rates_of({f"{n}": nights(0.8, 1.0) for n in range(count)}).sensitivity
        )
        return high - low

    assert width(6) < width(2) < width(1)


def test_without_any_true_one_nothing_is_said_of_a_sensitivity():
    assert error_rates_of({"a": [(NightCount(0, 0, 4), HOURS)]}) is None


def context_night(hours, false, count=None):
    """A night with so many hours and false events at rest, restless and up."""
    false = dict(zip(EventContext, false, strict=True))
    count = count or NightCount(0, 0, sum(false.values()))
    return ContextNight(count, dict(zip(EventContext, hours, strict=True)), false)


@given(
    at_rest=st.floats(0.2, 4.0),
    nights=st.lists(st.floats(0.5, 20.0), min_size=20, max_size=40),
    share=st.floats(0.2, 0.8),
)
def test_a_context_has_what_it_adds_to_each_night_however_bad_that_is(at_rest, nights, share):
    """Nights that err much and are spent otherwise do not count as an effect of the context."""
    made = []
    for number, per_h in enumerate(nights):
        resting_h = 8 * (share if number % 2 else 1 - share)
        false = round(10 * per_h * at_rest * resting_h), round(10 * per_h * (8 - resting_h)), 0
        made.append(context_night((resting_h, 8 - resting_h, 0.0), false))
    times = times_false(made)

    assert times[EventContext.RESTING] / times[EventContext.RESTLESS] == pytest.approx(
        at_rest, rel=0.35
    )


def test_a_context_in_which_little_was_seen_is_taken_for_any_other():
    few = times_false([context_night((7.9, 0.1, 0.0), (8, 2, 0))])
    many = times_false([context_night((7.9, 0.1, 0.0), (8, 2, 0))] * 50)

    assert 1 < few[EventContext.RESTLESS] < 2
    assert many[EventContext.RESTLESS] > 8


def test_events_that_stand_for_no_truth_are_counted_where_they_began():
    truths = [Stretch(Kind.SPASM, 5.0, 9.0)]
    events = [
        Stretch(Kind.SPASM, 5.0, 9.0, EventContext.UP),
        Stretch(Kind.SPASM, 50.0, 52.0, EventContext.RESTLESS),
        Stretch(Kind.CLONUS, 60.0, 62.0, None),
    ]
    false = false_by_context(truths, events)

    assert list(false[Counted.LIKELY].values()) == [1, 1, 0]
    assert list(false[Counted.SPASM_OR_TONIC].values()) == [0, 1, 0]

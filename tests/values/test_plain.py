"""Whatever is remembered goes through JSON text and comes back to the bit."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, StrEnum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from detector.plain import from_plain, pack, to_plain, unpack


class Colour(StrEnum):
    RED = "red"


class Step(Enum):
    ONE = 1


@dataclass(frozen=True)
class Inner:
    value: float
    when: datetime | None = None


@dataclass(frozen=True)
class Other:
    name: str


@dataclass(frozen=True)
class Outer:
    colour: Colour
    step: Step
    pair: tuple[int, float]
    several: tuple[Inner, ...]
    either: Inner | Other | None
    numbers: Mapping[str, float]
    kept: list[int] = field(default_factory=list)


def through_json(plain):
    return json.loads(json.dumps(plain, allow_nan=False))


@given(
    arrays.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.bool_]),
        arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5),
    )
)
def test_an_array_comes_back_to_the_bit(array):
    again = unpack(through_json(pack(array)), array.dtype)

    assert (again.dtype, again.shape, again.tobytes()) == (
        array.dtype,
        array.shape,
        array.tobytes(),
    )
    assert again.flags.writeable


@given(st.floats(), st.floats(), st.text(), st.integers())
def test_a_record_comes_back_to_the_bit(value, other, name, count):
    when = datetime(2026, 11, 20, 22, 15, 1, 250_000, tzinfo=UTC)
    for either in (None, Inner(other), Other(name)):
        outer = Outer(
            Colour.RED, Step.ONE, (count, value), (Inner(value, when),), either, {name: other}, [1]
        )
        again = from_plain(Outer, through_json(to_plain(outer)))

        assert repr(again) == repr(outer)  # NaN equals nothing, its name does


def test_an_array_of_another_type_is_refused():
    with pytest.raises(ValueError, match="<f8 was saved, <f4 is expected"):
        unpack(pack(np.zeros(3)), np.float32)
    with pytest.raises(ValueError, match="reshape"):
        unpack(pack(np.zeros(3)) | {"shape": [4]}, np.float64)


def test_a_record_of_another_class_or_form_is_refused():
    saved = to_plain(Other("a"))
    for form, data in [(Inner, saved), (Other, saved | {"more": 1}), (Other, saved | {"name": 1})]:
        with pytest.raises((ValueError, TypeError)):
            from_plain(form, data)


@pytest.mark.parametrize(
    "form",
    [Outer, Inner, Colour, datetime, dict[str, int], tuple[Inner, ...], list[float], int | None],
)
@pytest.mark.parametrize("data", ["x", 3.5, True, [{}], {"is": 1}, {"a": []}, "2026", [[1], "b"]])
def test_data_of_no_known_form_is_refused_with_an_error_that_callers_catch(form, data):
    with contextlib.suppress(ValueError, TypeError, KeyError):
        from_plain(form, data)


def test_what_has_no_plain_form_is_refused():
    with pytest.raises(TypeError, match="object has no plain form"):
        to_plain(object())

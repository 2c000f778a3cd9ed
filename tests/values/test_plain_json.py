"""Laws of reading JSON that others wrote: an object within limits, or a ValueError, never more."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import plain_json
from detector.plain_json import DEPTH_MOST

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=8,
)  # fmt: skip


def depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inner), default=0) if isinstance(value, dict | list) else 0


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), values))
def test_an_object_is_read_as_json_reads_it_unless_it_is_too_deep(said: dict) -> None:
    payload = json.dumps(said).encode()
    if depth(said) > DEPTH_MOST:
        with pytest.raises(ValueError, match="deeper"):
            plain_json.read(payload, most_bytes=10**6)
    else:
        assert plain_json.read(payload, most_bytes=10**6) == said


@given(levels=st.integers(1, 40), empty=st.booleans())
def test_the_limit_of_depth_is_exact(levels: int, empty: bool) -> None:
    payload = b'{"a":' * (levels - 1) + (b"{}" if empty else b'{"a":1}') + b"}" * (levels - 1)
    if levels > DEPTH_MOST:
        with pytest.raises(ValueError, match="deeper"):
            plain_json.read(payload, most_bytes=10**6)
    else:
        assert depth(plain_json.read(payload, most_bytes=10**6)) == levels


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_a_value_error(payload: bytes) -> None:
    try:
        said = plain_json.read(payload, most_bytes=100)
    except ValueError:
        return
    assert isinstance(said, dict)
    assert len(payload) <= 100


@pytest.mark.parametrize(
    "payload",
    [
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": [-1e999]}',
        b'{"a": 1, "a": 2}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"[]",
        b"null",
        b"",
        b"\xff",
        b"{} {}",
    ],
)
def test_what_programs_read_differently_is_read_by_none_of_ours(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"it |no number|limit|digits"):
        plain_json.read(payload, most_bytes=65_536)

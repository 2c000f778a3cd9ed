"""Laws of counters that wrap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from detector.devices.counters import unwrapped

bits_and_steps = st.integers(2, 40).flatmap(
    lambda bits: st.tuples(
        st.just(bits),
        st.integers(0, 2**bits - 1),
        st.lists(st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)),
    )
)


@given(bits_and_steps)
def test_steps_of_less_than_half_the_reach_are_followed_wherever_it_wraps(drawn):
    bits, first, steps = drawn
    value = followed = unwrapped(first, None, bits)
    for step in steps:
        value += step
        followed = unwrapped(value % 2**bits, followed, bits)

        assert followed == value
    assert unwrapped(first, None, bits) == first

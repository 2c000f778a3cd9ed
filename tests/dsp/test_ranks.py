"""Middle and quantile of a few values, against numpy's to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from detector.dsp.ranks import median, middle, quantile, total

sizes = st.integers(1, 70)
singles = arrays.arrays(np.float32, sizes, elements=st.floats(-1e3, 1e3, width=32))
doubles = arrays.arrays(np.float64, sizes, elements=st.floats(-1e3, 1e3))


@given(st.one_of(singles, doubles))
def test_a_middle_is_numpys(values: np.ndarray) -> None:
    assert median(values) == float(np.median(values))
    assert middle(values.astype(np.float64).tolist()) == float(np.median(values.astype(np.float64)))


@given(arrays.arrays(np.float64, st.integers(0, 300), elements=st.floats(-1e3, 1e3)))
def test_a_sum_is_numpys(values: np.ndarray) -> None:
    assert total(values.tolist()) == float(values.sum())


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.75, 0.9, 1.0])
@given(values=doubles)
def test_a_quantile_is_numpys(values: np.ndarray, share: float) -> None:
    assert quantile(values, share) == float(np.quantile(values, share))

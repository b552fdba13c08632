"""Resampling and the ends of intervals: by hand, and against NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gliomake.scoring.bootstrap import (
    percentile_interval,
    replicate,
    resample_weights,
    t_interval,
    widening,
)


def test_weights_are_resamples():
    weights = np.concatenate(list(resample_weights(7, resamples=500, seed=3)))
    assert weights.shape == (500, 7)
    assert (weights.sum(axis=1) == 7).all()
    # a unit is drawn 7 times with chance 1/7: mean 1, variance 6/7
    assert weights.mean() == 1
    assert weights.var() == pytest.approx(6 / 7, rel=0.1)


def test_weights_follow_from_the_seed_alone():
    whole = np.concatenate(list(resample_weights(9, 100, seed=1)))
    parts = np.concatenate(list(resample_weights(9, 100, seed=1, chunk=7)))
    np.testing.assert_array_equal(whole, parts)
    other = np.concatenate(list(resample_weights(9, 100, seed=2)))
    assert (whole != other).any()


@pytest.mark.parametrize(("units", "resamples"), [(0, 10), (3, 0)])
def test_nothing_to_resample(units, resamples):
    with pytest.raises(ValueError, match="both must be > 0"):
        next(resample_weights(units, resamples))


def test_interval_by_hand():
    values = np.arange(101.0)[None, ::-1]
    low, high = percentile_interval(values)
    assert (low[0], high[0]) == pytest.approx((2.5, 97.5))


@given(
    st.lists(st.floats(-10, 10) | st.just(float("nan")), min_size=1, max_size=40),
    st.sampled_from([0.5, 0.95]),
)
def test_interval_equals_numpy(values, level):
    values = np.array([values])
    low, high = percentile_interval(values, level)
    if np.isnan(values).sum() > values.size / 2:
        assert np.isnan(low[0]) and np.isnan(high[0])
    else:
        expected = np.nanpercentile(values, [50 - 50 * level, 50 + 50 * level])
        np.testing.assert_allclose([low[0], high[0]], expected, atol=1e-9)


def test_interval_covers_the_mean_of_a_normal():
    # 30 values: the percentile bootstrap of a mean covers a little less than 95 %
    generator = np.random.default_rng(5)
    covered = 0
    for seed in range(400):
        values = generator.normal(2.0, 3.0, 30)
        replicates = replicate(lambda w, v=values: (w @ v)[:, None] / 30, 30, 400, seed)
        low, high = percentile_interval(replicates)
        covered += low[0] <= 2.0 <= high[0]
    assert 0.90 <= covered / 400 <= 0.97


def test_student_s_widening():
    # Quantiles 2.571 of 5 and 1.960 of very many degrees of freedom.
    assert widening(6) == pytest.approx(2.5706 / 1.95996 * np.sqrt(6 / 5), rel=1e-4)
    values = np.array([0.5])
    low, high = t_interval(np.linspace(0.4, 0.6, 101)[None], values, 6)
    assert [low[0], high[0]] == pytest.approx(
        [0.5 - 0.095 * widening(6), 0.5 + 0.095 * widening(6)]
    )
    assert np.isnan(t_interval(np.zeros((1, 3)), values, 1)[0]).all()

"""SGD, Adam and AdamW against the formulas, written out number by number."""

import math

import numpy as np
import pytest
from conftest import frozen

from metasgd_np import SGD, Adam
from metasgd_np.optimizers import AdamW


def adam_by_hand(w, gradients, rate, beta1, beta2, epsilon):
    """Adam on one number, with the bias corrections on m and v as printed."""
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        w = w - rate * m_hat / (math.sqrt(v_hat) + epsilon)
    return w


def test_adam_follows_its_formulas_entry_by_entry():
    rng = np.random.default_rng(0)
    w, gradients = rng.standard_normal((2, 3)), rng.standard_normal((5, 2, 3))
    adam = Adam(0.07, beta1=0.6, beta2=0.8, epsilon=0.03)
    now, state = w, adam.start(w)
    for t, g in enumerate(gradients, start=1):
        now, state = adam.step(now, g, state, t)
    for i in np.ndindex(w.shape):
        expected = adam_by_hand(w[i], gradients[:, *i], 0.07, 0.6, 0.8, 0.03)
        assert now[i] == pytest.approx(expected, rel=1e-13)


def test_adamw_is_adam_and_a_decay_of_each_row_by_itself():
    rng = np.random.default_rng(1)
    w, gradient = rng.standard_normal((2, 3, 4))
    for scale in (1.0, 0.25):
        adam, adamw = Adam(0.07), AdamW(0.07, decay=(0, 0.3, 2.0))
        new, state = adamw.step(w, gradient, adamw.start(w), 1, scale)
        of_adam, state_of_adam = adam.step(w, gradient, adam.start(w), 1, scale)
        decay = np.array([[0], [0.3], [2.0]])
        np.testing.assert_allclose(new, of_adam - 0.07 * scale * decay * w, 1e-13)
        np.testing.assert_array_equal(state, state_of_adam)


def test_a_decay_of_another_number_of_rows_is_refused():
    adamw = AdamW(decay=(0, 0.1))
    for shape in ((1, 4), (2,)):
        w = np.ones(shape)
        with pytest.raises(ValueError, match="give as many numbers as it has rows"):
            adamw.step(w, w, adamw.start(w), 1)


def test_sgd_subtracts_rate_times_gradient():
    w, g = np.array([1.0, 2.0]), np.array([4.0, -8.0])
    new, state = SGD(0.25).step(w, g, SGD(0.25).start(w), 1)
    assert new.tolist() == [0.0, 4.0]
    assert state == ()


def test_the_defaults():
    assert [repr(optimizer()) for optimizer in (SGD, Adam, AdamW)] == [
        "SGD(rate=0.01)",
        "Adam(rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08)",
        "AdamW(rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08, decay=(0.0, 0.0))",
    ]


@pytest.mark.parametrize("optimizer", [SGD(0.5), Adam(0.5)], ids=["SGD", "Adam"])
def test_scale_multiplies_the_rate_and_nothing_is_edited_in_place(optimizer):
    w, g = frozen(np.array([1.0, -2.0]), np.array([0.5, 3.0]))
    state = frozen(*optimizer.start(w))
    full, _ = optimizer.step(w, g, state, 1)
    quarter, _ = optimizer.step(w, g, state, 1, scale=0.25)
    np.testing.assert_allclose(quarter - w, 0.25 * (full - w), rtol=1e-14)


@pytest.mark.parametrize("optimizer", [SGD(), Adam(), AdamW()], ids=repr)
def test_single_precision_stays_single(optimizer):
    w = np.ones((2, 3), dtype=np.float32)
    new, state = optimizer.step(w, w, optimizer.start(w), 1, scale=0.3)
    assert {array.dtype for array in (new, *state)} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("make", "settings", "error", "words"),
    [
        (SGD, {"rate": 0}, ValueError, "rate is 0"),
        (SGD, {"rate": float("nan")}, ValueError, "rate is nan"),
        (Adam, {"rate": -1e-3}, ValueError, "rate is -0.001"),
        (Adam, {"rate": "fast"}, TypeError, "rate is 'fast'"),
        (Adam, {"beta1": 1}, ValueError, "beta1 is 1"),
        (Adam, {"beta2": -0.1}, ValueError, "beta2 is -0.1"),
        (Adam, {"epsilon": 0}, ValueError, "epsilon is 0"),
        (AdamW, {"decay": (0, -1)}, ValueError, r"decay is \(0, -1\)"),
        (AdamW, {"decay": (0, np.inf)}, ValueError, r"decay is \(0, inf\)"),
    ],
)
def test_bad_settings_are_named(make, settings, error, words):
    with pytest.raises(error, match=words):
        make(**settings)


def test_the_ends_of_the_ranges_are_allowed():
    w = np.array([[1.0, -2.0], [0.5, 3.0]])
    for optimizer in (Adam(beta1=0, beta2=0), AdamW(beta1=0, beta2=0, decay=(0, 1))):
        state = optimizer.start(w)
        same, _ = optimizer.step(w, w, state, 1, scale=0)
        np.testing.assert_array_equal(same, w)
    # without memory, Adam's step is the rate in the direction of the sign
    new, _ = Adam(0.1, beta1=0, beta2=0).step(w, w, state, 1)
    np.testing.assert_allclose(new, w - 0.1 * np.sign(w), rtol=1e-7)

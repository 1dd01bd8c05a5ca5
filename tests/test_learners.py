"""Each learner's gradient against the complex step of the loss that it descends."""

import numpy as np
import pytest
from conftest import assert_close, complex_step, examples, frozen

from metasgd_np import (
    MAML,
    JointTraining,
    MetaSGD,
    Reptile,
    TaskBatch,
    TwoLayerNet,
    adapt,
)
from metasgd_np.tasks import Sinusoids

NET = TwoLayerNet(2, 4, 3)
T = 5


def setting(learner):
    """w of order one, α of std 0.3 and both signs, and T tasks."""
    rng = np.random.default_rng(1)
    w = rng.standard_normal(learner.start(rng).shape)
    w[1:] *= 0.3
    batch = TaskBatch(*examples(rng, NET, T, 6), *examples(rng, NET, T, 7))
    return frozen(w)[0], batch


def meta_loss(w, learner, batch):
    """Mean query loss after adapting (...), w (..., R, P)."""
    theta, alpha = w[..., :1, :], learner.alpha if w.shape[-2] == 1 else w[..., 1:, :]
    path = adapt(NET, theta, alpha, batch.X_s, batch.Y_s, learner.inner_steps)
    return NET.loss(path[-1], batch.X_q, batch.Y_q).mean(-1)


def pooled_loss(w, learner, batch):
    """Mean loss (...) at θ over all points of all tasks, w (..., 1, P)."""
    X = np.concatenate([*batch.X_s, *batch.X_q])
    Y = np.concatenate([*batch.Y_s, *batch.Y_q])
    return NET.loss(w[..., 0, :], X, Y)


@pytest.mark.parametrize(
    ("learner", "loss"),
    [
        (MetaSGD(NET, inner_steps=1), meta_loss),
        (MetaSGD(NET, inner_steps=3), meta_loss),
        (MAML(NET, alpha=0.3), meta_loss),
        (MAML(NET, alpha=0.2, inner_steps=2), meta_loss),
        (JointTraining(NET), pooled_loss),
    ],
    ids=["MetaSGD, J = 1", "MetaSGD, J = 3", "MAML, J = 1", "MAML, J = 2", "joint"],
)
def test_the_gradient_is_the_derivative_of_the_loss(learner, loss):
    w, batch = setting(learner)
    value, gradient = learner.gradient(w, batch)
    assert value == pytest.approx(loss(w, learner, batch), rel=1e-13)
    exact = complex_step(
        lambda x: loss(x.reshape(-1, *w.shape), learner, batch), w.ravel()
    )
    assert_close(gradient, exact.reshape(w.shape), 1e-12)


@pytest.mark.parametrize("make", [MetaSGD, MAML])
def test_order_one_takes_the_query_gradient_where_the_steps_lead(make):
    learner = make(NET, inner_steps=2, order=1)
    w, batch = setting(learner)
    theta, alpha = learner.unpack(w)
    path = adapt(NET, theta, alpha, batch.X_s, batch.Y_s, 2)  # (3, T, P)
    lam = NET.gradient(path[-1], batch.X_q, batch.Y_q)  # (T, P)
    g = NET.gradient(path[:-1], batch.X_s, batch.Y_s)  # (2, T, P)
    expected = np.stack([lam.mean(0), -(g * lam).sum(0).mean(0)])
    assert_close(learner.gradient(w, batch)[1], expected[: len(w)], 1e-13)


def test_reptile_moves_towards_where_the_steps_lead():
    learner = Reptile(NET, alpha=0.1, inner_steps=4)
    w, batch = setting(learner)
    ends = []
    for X, Y in zip(batch.X_s, batch.Y_s, strict=True):
        theta = w[0]
        for _ in range(4):
            theta = theta - 0.1 * NET.gradient(theta, X, Y)
        ends.append(theta)
    loss, gradient = learner.gradient(w, batch)
    assert_close(gradient, w - np.mean(ends, axis=0), 1e-12)
    assert loss == pytest.approx(NET.loss(w[0], batch.X_s, batch.Y_s).mean())


# How α starts, and what its entries share


def test_alpha_starts_as_one_uniform_draw_per_entry():
    theta, alpha = MetaSGD(NET, alpha_start=(0.2, 0.3)).start(np.random.default_rng(0))
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(theta, NET.init(rng))
    np.testing.assert_array_equal(alpha, rng.uniform(0.2, 0.3, NET.n_params))


@pytest.mark.parametrize("shape", ["entry", "block", "scalar"])
def test_a_shared_start_is_one_draw_for_all(shape):
    learner = MetaSGD(NET, shared_start=True, alpha_shape=shape)
    _, alpha = learner.start(np.random.default_rng(0))
    rng = np.random.default_rng(0)
    NET.init(rng)
    np.testing.assert_array_equal(alpha, [rng.uniform(0.005, 0.1)] * NET.n_params)


@pytest.mark.parametrize("shape", ["block", "scalar"])
def test_tied_entries_start_equal_and_share_the_derivative_of_their_number(shape):
    learner = MetaSGD(NET, inner_steps=2, alpha_shape=shape)
    _, alpha = learner.start(np.random.default_rng(0))
    rng = np.random.default_rng(0)
    NET.init(rng)
    ties = np.zeros((1, NET.n_params)) + 1
    if shape == "block":
        ties = np.zeros((4, NET.n_params))
        for row, name in zip(ties, NET.blocks(ties), strict=True):
            NET.blocks(row)[name][...] = 1
    draws = rng.uniform(0.005, 0.1, len(ties))
    np.testing.assert_array_equal(alpha, draws @ ties)

    w, batch = setting(learner)
    rows = np.stack([np.zeros_like(ties), ties], axis=1)  # (numbers, 2, P)
    exact = meta_loss(w + 1e-30j * rows, learner, batch).imag / 1e-30  # (numbers,)
    _, (d_theta, d_alpha) = learner.gradient(w, batch)
    assert_close(d_alpha, exact @ ties, 1e-12)
    untied = MetaSGD(NET, inner_steps=2)
    np.testing.assert_array_equal(d_theta, untied.gradient(w, batch)[1][0])


def test_alpha_of_the_others_is_one_fixed_number():
    learner = MAML(NET, alpha=0.07)
    w = learner.start(np.random.default_rng(0))
    theta, alpha = learner.unpack(w)
    np.testing.assert_array_equal(w, NET.init(np.random.default_rng(0))[None])
    np.testing.assert_array_equal(theta, w[0])
    np.testing.assert_array_equal(alpha, np.full(NET.n_params, 0.07))


@pytest.mark.parametrize("learner", [MetaSGD, MAML, Reptile, JointTraining])
def test_single_precision_stays_single(learner):
    learner = learner(TwoLayerNet(1, 3, 1))
    rng = np.random.default_rng(0)
    batch = Sinusoids(dtype="float32").sample(rng, 2, 4)
    _, gradient = learner.gradient(learner.start(rng).astype(np.float32), batch)
    assert gradient.dtype == np.float32


# Settings


def test_the_defaults():
    net = repr(NET)
    assert [repr(kind(NET)) for kind in (MetaSGD, MAML, Reptile, JointTraining)] == [
        f"MetaSGD(net={net}, alpha_start=(0.005, 0.1), shared_start=False, "
        "inner_steps=1, order=2, alpha_shape='entry')",
        f"MAML(net={net}, alpha=0.01, inner_steps=1, order=2)",
        f"Reptile(net={net}, alpha=0.02, inner_steps=5)",
        f"JointTraining(net={net}, alpha=0.01, inner_steps=1)",
    ]


@pytest.mark.parametrize(
    ("make", "settings", "error", "words"),
    [
        (MAML, {"alpha": 0}, ValueError, "alpha is 0"),
        (MAML, {"alpha": "big"}, TypeError, "alpha is 'big'"),
        (MAML, {"inner_steps": -1}, ValueError, "inner_steps is -1"),
        (Reptile, {"inner_steps": 1.5}, TypeError, "inner_steps is 1.5"),
        (MAML, {"order": 3}, ValueError, "order is 3"),
        (MetaSGD, {"order": 0}, ValueError, "order is 0"),
        (MetaSGD, {"inner_steps": -2}, ValueError, "inner_steps is -2"),
        (MetaSGD, {"alpha_start": 0.1}, TypeError, "two numbers"),
        (MetaSGD, {"alpha_start": (0.1, 0.0)}, ValueError, "the lower first"),
        (MetaSGD, {"alpha_shape": "layer"}, ValueError, "entry, block, scalar"),
    ],
)
def test_bad_settings_are_named(make, settings, error, words):
    with pytest.raises(error, match=words):
        make(NET, **settings)

"""Each learner's gradient against the complex step of the loss that it descends."""

import numpy as np
import pytest

from metasgd_np import MAML, JointTraining, MetaSGD, Reptile, TaskBatch, TwoLayerNet
from metasgd_np.tasks import Sinusoids

NET = TwoLayerNet(2, 4, 3)


def make_batch(rng, n_tasks=5):
    """Tasks of unlike sizes: 6 support and 7 query points."""
    return TaskBatch(
        rng.standard_normal((n_tasks, 6, 2)),
        rng.standard_normal((n_tasks, 6, 3)),
        rng.standard_normal((n_tasks, 7, 2)),
        rng.standard_normal((n_tasks, 7, 3)),
    )


def inner_steps(theta, alpha, X, Y, steps):
    """θ after `steps` plain gradient steps on one task."""
    for _ in range(steps):
        theta = theta - alpha * NET.gradient(theta, X, Y)
    return theta


def query_loss(w, learner, batch):
    """Mean query loss after adapting, one task at a time."""
    theta, alpha = w if len(w) == 2 else (w[0], learner.alpha)
    losses = [
        NET.loss(inner_steps(theta, alpha, X_s, Y_s, learner.inner_steps), X_q, Y_q)
        for X_s, Y_s, X_q, Y_q in zip(
            batch.X_s, batch.Y_s, batch.X_q, batch.Y_q, strict=True
        )
    ]
    return sum(losses) / len(losses)


def pooled_loss(w, learner, batch):
    """Mean loss at θ over all points of all tasks."""
    X = np.concatenate([*batch.X_s, *batch.X_q])
    Y = np.concatenate([*batch.Y_s, *batch.Y_q])
    return NET.loss(w[0], X, Y)


def complex_step(function, w):
    """∂function/∂w, one entry at a time."""
    gradient = np.empty(w.shape)
    for index in np.ndindex(w.shape):
        moved = w.astype(complex)
        moved[index] += 1e-30j
        gradient[index] = function(moved).imag / 1e-30
    return gradient


@pytest.mark.parametrize(
    ("learner", "loss"),
    [
        (MetaSGD(NET, inner_steps=1), query_loss),
        (MetaSGD(NET, inner_steps=3), query_loss),
        (MAML(NET, alpha=0.3), query_loss),
        (MAML(NET, alpha=0.2, inner_steps=2), query_loss),
        (JointTraining(NET), pooled_loss),
    ],
    ids=["MetaSGD, J = 1", "MetaSGD, J = 3", "MAML, J = 1", "MAML, J = 2", "joint"],
)
def test_the_gradient_is_the_derivative_of_the_loss(learner, loss):
    rng = np.random.default_rng(1)
    batch = make_batch(rng)
    w = rng.standard_normal(learner.start(rng).shape)
    w[1:] *= 0.3
    value, gradient = learner.gradient(w, batch)
    assert value == pytest.approx(loss(w, learner, batch), rel=1e-13)
    expected = complex_step(lambda moved: loss(moved, learner, batch), w)
    np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("make", [MetaSGD, MAML])
def test_order_one_leaves_the_curvature_out(make):
    rng = np.random.default_rng(2)
    batch = make_batch(rng)
    w = rng.standard_normal(make(NET).start(rng).shape) * 0.5
    _, first = make(NET, order=1).gradient(w, batch)
    _, second = make(NET, order=2).gradient(w, batch)
    assert np.linalg.norm(first[0] - second[0]) > 0.01 * np.linalg.norm(second[0])


def test_reptile_moves_towards_where_the_steps_lead():
    rng = np.random.default_rng(3)
    batch = make_batch(rng)
    learner = Reptile(NET, alpha=0.1, inner_steps=4)
    w = rng.standard_normal((1, NET.n_params))
    ends = [
        inner_steps(w[0], 0.1, X, Y, 4)
        for X, Y in zip(batch.X_s, batch.Y_s, strict=True)
    ]
    loss, gradient = learner.gradient(w, batch)
    np.testing.assert_allclose(w - gradient, np.mean(ends, axis=0)[None], rtol=1e-12)
    losses = [NET.loss(w[0], X, Y) for X, Y in zip(batch.X_s, batch.Y_s, strict=True)]
    assert loss == pytest.approx(np.mean(losses))


def test_alpha_starts_in_its_range_one_draw_an_entry():
    theta, alpha = MetaSGD(NET, alpha_start=(0.2, 0.3)).start(np.random.default_rng(0))
    assert len(set(alpha)) == NET.n_params
    assert 0.2 <= alpha.min() < alpha.max() <= 0.3
    expected = NET.init(np.random.default_rng(0))
    np.testing.assert_array_equal(theta, expected)


def test_a_shared_start_is_one_draw_for_all():
    _, alpha = MetaSGD(NET, shared_start=True).start(np.random.default_rng(0))
    assert alpha.shape == (NET.n_params,)
    assert len(set(alpha)) == 1
    assert 0.005 <= alpha[0] <= 0.1


def test_alpha_of_the_others_is_one_fixed_number():
    learner = MAML(NET, alpha=0.07)
    w = learner.start(np.random.default_rng(0))
    theta, alpha = learner.unpack(w)
    assert w.shape == (1, NET.n_params)
    np.testing.assert_array_equal(theta, w[0])
    assert set(alpha) == {0.07}


@pytest.mark.parametrize("learner", [MetaSGD, MAML, Reptile, JointTraining])
def test_single_precision_stays_single(learner):
    net = TwoLayerNet(1, 3, 1)
    learner = learner(net)
    rng = np.random.default_rng(0)
    batch = Sinusoids(dtype="float32").sample(rng, 2, 4)
    _, gradient = learner.gradient(learner.start(rng).astype(np.float32), batch)
    assert gradient.dtype == np.float32


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: MAML(NET, alpha=0), ValueError, "alpha is 0"),
        (lambda: MAML(NET, alpha="big"), TypeError, "alpha is 'big'"),
        (lambda: MAML(NET, inner_steps=-1), ValueError, "inner_steps is -1"),
        (lambda: Reptile(NET, inner_steps=1.5), TypeError, "inner_steps is 1.5"),
        (lambda: MAML(NET, order=3), ValueError, "order is 3"),
        (lambda: MetaSGD(NET, order=0), ValueError, "order is 0"),
        (lambda: MetaSGD(NET, inner_steps=-2), ValueError, "inner_steps is -2"),
        (lambda: MetaSGD(NET, alpha_start=0.1), TypeError, "two numbers"),
        (lambda: MetaSGD(NET, alpha_start=(0.1, 0.0)), ValueError, "the lower first"),
    ],
)
def test_bad_settings_are_told(make, error, words):
    with pytest.raises(error, match=words):
        make()

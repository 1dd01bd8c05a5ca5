"""The baselines of few-shot classification."""

import numpy as np
import pytest
from experiment_tools import strokes

from metasgd_np import TaskBatch, TwoLayerNet
from metasgd_np.experiments.baselines import (
    SLICE,
    AllClasses,
    logistic_regression,
    nearest_neighbour,
    new_last_layer,
)
from metasgd_np.training import accuracy, evaluate

SOFTMAX = "softmax_cross_entropy"


def test_nearest_neighbour_by_a_loop():
    rng, n_tasks = np.random.default_rng(0), SLICE + 3
    X_s = rng.standard_normal((n_tasks, 6, 3))
    X_q = rng.standard_normal((n_tasks, 7, 3))
    Y_s = rng.integers(4, size=(n_tasks, 6))
    Y_q = rng.integers(4, size=(n_tasks, 7))
    expected = np.zeros(n_tasks)
    for task in range(n_tasks):
        for x, y in zip(X_q[task], Y_q[task], strict=True):
            distances = [np.linalg.norm(x - s) for s in X_s[task]]
            expected[task] += (Y_s[task, np.argmin(distances)] == y) / 7
    found = nearest_neighbour(TaskBatch(X_s, Y_s, X_q, Y_q))
    np.testing.assert_allclose(found.scores, [expected])


def test_logistic_regression_learns_a_support_set_that_a_line_can_split():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((6, 12, 3)).astype(np.float32)
    Y = (X @ rng.standard_normal((3, 4))).argmax(-1)

    class Points:
        dtype = "float32"

        def sample(self, *_):
            return TaskBatch(X, Y, X, Y)

    learner, w = logistic_regression(3, 4, alpha=1.0)
    options = {"shots": 1, "n_tasks": 6, "steps": 200, "score": accuracy}
    found = evaluate(learner, w, Points(), 0, **options)
    assert found.mean[0] < 0.6
    assert found.mean[-1] > 0.95


def test_all_classes_share_their_labels_between_tasks():
    characters = strokes(7, seed=0)
    tasks = AllClasses(characters, dtype="float64")
    batch = tasks.sample(np.random.default_rng(0), 5, 2, 30)
    assert batch.X_s.shape == (5, 2, 784)
    assert batch.X_q.shape == (5, 30, 784)
    assert set(np.unique(batch.Y_q)) == set(range(7))
    drawn = characters.images.reshape(7, 20, 784) / 255
    seen = set()
    for x, y in zip(batch.X_q.reshape(-1, 784), batch.Y_q.ravel(), strict=True):
        (which,) = np.flatnonzero((drawn[y] == x).all(-1))
        seen.add(which)
    assert seen == set(range(20))
    assert "strokes 0" in repr(tasks)
    with pytest.raises(ValueError, match="shots is 0"):
        tasks.sample(np.random.default_rng(0), 5, 0)


def test_a_new_last_layer_keeps_the_first_and_is_zero():
    wide = TwoLayerNet(6, 5, 9, "relu", SOFTMAX)
    w = np.random.default_rng(0).standard_normal((1, wide.n_params))
    net, w_new = new_last_layer(wide, w, ways=3)
    assert (net.n_in, net.n_hidden, net.n_out) == (6, 5, 3)
    assert (net.activation_name, net.loss_name) == ("relu", SOFTMAX)
    assert w_new.shape == (1, net.n_params)
    np.testing.assert_array_equal(net.blocks(w_new)["W1"], wide.blocks(w)["W1"])
    np.testing.assert_array_equal(net.blocks(w_new)["b1"], wide.blocks(w)["b1"])
    assert not net.blocks(w_new)["W2"].any()
    assert not net.blocks(w_new)["b2"].any()

"""The inner loop's defaults and edges, and the chunks that a batch is taken in.

That the steps and the derivatives through them are right is in test_networks.py.
"""

import numpy as np
import pytest
from conftest import (
    N_Q,
    N_S,
    H,
    T,
    assert_blocks_close,
    assert_close,
    examples,
    frozen,
    make_net,
)

from metasgd_np import TaskBatch, TwoLayerNet, adapt, adaptation, meta_gradient

pytestmark = pytest.mark.filterwarnings("error")

NET = make_net("tanh", "softmax_cross_entropy")


def setting():
    """θ of std 1, α of std 0.3 and both signs, and a batch of T tasks."""
    rng = np.random.default_rng(3)
    theta, alpha = rng.standard_normal((2, NET.n_params)) * [[1], [0.3]]
    batch = TaskBatch(*examples(rng, NET, T, N_S), *examples(rng, NET, T, N_Q))
    return *frozen(theta, alpha), batch


def assert_same(one, two):
    """Equal meta-gradients, to the last digit."""
    assert one.loss == two.loss
    np.testing.assert_array_equal(one.d_theta, two.d_theta)
    np.testing.assert_array_equal(one.d_alpha, two.d_alpha)


def test_defaults_are_one_step_and_the_exact_derivative():
    theta, alpha, batch = setting()
    exact = meta_gradient(NET, theta, alpha, batch, 1, 2)
    assert_same(meta_gradient(NET, theta, alpha, batch), exact)
    one_step = adapt(NET, theta, alpha, batch.X_s, batch.Y_s, 1)
    default = adapt(NET, theta, alpha, batch.X_s, batch.Y_s)
    np.testing.assert_array_equal(default, one_step)


def test_without_a_step_the_query_set_is_met_at_theta():
    theta, alpha, batch = setting()
    path = adapt(NET, theta, alpha, batch.X_s[0], batch.Y_s, 0)
    np.testing.assert_array_equal(path, np.broadcast_to(theta, (1, T, NET.n_params)))
    got = meta_gradient(NET, theta, alpha, batch, 0)
    gradient = NET.gradient(theta, batch.X_q, batch.Y_q).mean(0)
    assert_close(got.loss, NET.loss(theta, batch.X_q, batch.Y_q).mean(), 1e-14)
    assert_close(got.d_theta, gradient, 1e-14)
    np.testing.assert_array_equal(got.d_alpha, np.zeros(NET.n_params))


@pytest.mark.parametrize(
    "number",
    [0.25, 1, np.float32(0.25), np.array(1), [1] * 46],
    ids=["float", "int", "float32", "0-d array", "list of int"],
)
def test_one_number_is_a_constant_alpha_of_thetas_type(number):
    theta, _, batch = setting()
    theta = theta.astype("f4")
    alpha = np.broadcast_to(np.asarray(number, "f4"), theta.shape)
    X_s, X_q = batch.X_s.astype("f4"), batch.X_q.astype("f4")
    batch = TaskBatch(X_s, batch.Y_s, X_q, batch.Y_q)
    for steps in (1, 2):
        got = meta_gradient(NET, theta, number, batch, steps)
        assert_same(got, meta_gradient(NET, theta, alpha, batch, steps))
        assert got.d_alpha.dtype == "float32"
    path = adapt(NET, theta, number, batch.X_s, batch.Y_s)
    assert path.dtype == "float32"


# Chunks

PER_TASK = 8 * H * N_Q  # bytes of the largest (N, H) array of one task


@pytest.mark.parametrize(
    ("chunk_bytes", "sizes"),
    [
        (0, [1] * 5),
        (2 * PER_TASK - 1, [1] * 5),
        (2 * PER_TASK, [2, 2, 1]),
        (4 * PER_TASK, [4, 1]),
        (5 * PER_TASK, [5]),
    ],
)
@pytest.mark.parametrize("swap", [False, True], ids=["", "large support sets"])
def test_chunks_change_nothing(monkeypatch, chunk_bytes, sizes, swap):
    theta, alpha, batch = setting()
    if swap:
        batch = TaskBatch(batch.X_q, batch.Y_q, batch.X_s, batch.Y_s)
    whole = meta_gradient(NET, theta, alpha, batch, 2)

    monkeypatch.setattr(adaptation, "CHUNK_BYTES", chunk_bytes)
    parts = list(adaptation.chunks(batch, NET, itemsize=8))
    assert [len(part) for part in parts] == sizes
    for name in ("X_s", "Y_s", "X_q", "Y_q"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(joined, getattr(batch, name))
    got = meta_gradient(NET, theta, alpha, batch, 2)
    assert_close(got.loss, whole.loss, 1e-13)
    assert_blocks_close(NET, got.d_theta, whole.d_theta, 1e-13)
    assert_blocks_close(NET, got.d_alpha, whole.d_alpha, 1e-13)


def test_meta_gradient_takes_its_batch_in_chunks(monkeypatch):
    theta, alpha, batch = setting()
    seen, inner_loop = [], adaptation.inner_loop

    def watched(net, theta, alpha, X_s, *rest):
        seen.append(len(X_s))
        return inner_loop(net, theta, alpha, X_s, *rest)

    monkeypatch.setattr(adaptation, "inner_loop", watched)
    monkeypatch.setattr(adaptation, "CHUNK_BYTES", 2 * PER_TASK)
    meta_gradient(NET, theta, alpha, batch)
    assert seen == [2, 2, 1]
    seen.clear()
    meta_gradient(NET, theta.astype("f4"), alpha, batch)  # twice the tasks fit
    assert seen == [4, 1]


def test_a_chunks_largest_array_fits_the_caches_and_is_no_single_task():
    size = adaptation.chunk_length(NET, N_Q, itemsize=8)
    assert 2**17 < size * PER_TASK <= 2**20


def test_a_chunk_has_room_for_parameters_too(monkeypatch):
    *_, batch = setting()
    wide = TwoLayerNet(50, H, 4)  # P = 334 > N H
    monkeypatch.setattr(adaptation, "CHUNK_BYTES", 8 * 2 * wide.n_params)
    sizes = [len(part) for part in adaptation.chunks(batch, wide, 8)]
    assert sizes == [2, 2, 1]

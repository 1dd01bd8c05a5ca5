"""Adapting, and the exact derivative through it: the third rung of the ladder."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from conftest import (
    ACTIVATIONS,
    LOSSES,
    N_Q,
    N_S,
    D,
    H,
    T,
    assert_blocks_close,
    assert_close,
    central_difference,
    complex_step,
    evaluate,
    examples,
    fractions,
    make_net,
    plain_adapt,
    plain_loss,
    variables,
)

from metasgd_np import TaskBatch, TwoLayerNet, adapt, meta_gradient

pytestmark = pytest.mark.filterwarnings("error")

from metasgd_np import adaptation as module  # noqa: E402

every_net = pytest.mark.parametrize(
    ("activation", "loss"), [(a, b) for a in ACTIVATIONS for b in LOSSES]
)
every_loss = pytest.mark.parametrize("loss", LOSSES)
one_and_many = pytest.mark.parametrize("n_tasks", [1, T])
steps_0_1_3 = pytest.mark.parametrize("steps", [0, 1, 3])


def setting(activation="tanh", loss="squared_error", n_tasks=T, seed=3):
    """A net, θ of std 1, α of std 0.3 and both signs, and a batch of tasks."""
    rng = np.random.default_rng(seed)
    net = make_net(activation, loss)
    size = 0.3
    if activation == "square":  # its curvature is 5 to 30 times that of the others
        size = 0.003 if loss == "squared_error" else 0.03
    theta, alpha = rng.standard_normal((2, net.n_params)) * [[1], [size]]
    support = examples(rng, net, n_tasks, N_S)
    return net, theta, alpha, TaskBatch(*support, *examples(rng, net, n_tasks, N_Q))


def tasks(batch):
    """(X_s, Y_s, X_q, Y_q) of each task by itself."""
    return zip(batch.X_s, batch.Y_s, batch.X_q, batch.Y_q, strict=True)


def composed_loss(net, theta, alpha, batch, steps):
    """The mean query loss after adapting, both by the package."""
    adapted = adapt(net, theta, alpha, batch.X_s, batch.Y_s, steps)[-1]
    return net.loss(adapted, batch.X_q, batch.Y_q).mean()


def composed_plain_loss(net, theta, alpha, batch, steps):
    """The same, with the loss written apart from the package."""
    adapted = adapt(net, theta, alpha, batch.X_s, batch.Y_s, steps)[-1]
    adapted = np.broadcast_to(adapted, (len(batch), net.n_params))
    each = zip(adapted, batch.X_q, batch.Y_q, strict=True)
    return sum(plain_loss(net, *task) for task in each) / len(batch)


def through(method, loss, net, theta, alpha, batch, steps):
    """(dθ, dα) of a composed loss by a numerical method."""
    return (
        method(lambda t: loss(net, t, alpha, batch, steps), theta),
        method(lambda a: loss(net, theta, a, batch, steps), alpha),
    )


# The inner loop


@steps_0_1_3
@every_net
def test_adapt_takes_plain_gradient_steps(activation, loss, steps):
    net, theta, alpha, batch = setting(activation, loss, n_tasks=1)
    X, Y = batch.X_s[0], batch.Y_s[0]
    trajectory = adapt(net, theta, alpha, X, Y, steps)

    assert trajectory.shape == (steps + 1, net.n_params)
    np.testing.assert_array_equal(trajectory[0], theta)
    for before, after in pairwise(trajectory):
        assert_blocks_close(net, after, plain_adapt(net, before, alpha, X, Y, 1), 1e-12)


@pytest.mark.parametrize("alpha_axes", [(), (T,)])
@pytest.mark.parametrize("theta_axes", [(), (T,)])
@every_loss
def test_adapt_takes_tasks_as_one_at_a_time(loss, theta_axes, alpha_axes):
    net, *_, batch = setting("tanh", loss)
    rng = np.random.default_rng(1)
    theta = rng.standard_normal((*theta_axes, net.n_params))
    alpha = rng.standard_normal((*alpha_axes, net.n_params)) / 3
    trajectory = adapt(net, theta, alpha, batch.X_s, batch.Y_s, 3)

    assert trajectory.shape == (4, T, net.n_params)
    thetas, alphas = np.broadcast_to(theta, (T, 46)), np.broadcast_to(alpha, (T, 46))
    for t in range(T):
        alone = adapt(net, thetas[t], alphas[t], batch.X_s[t], batch.Y_s[t], 3)
        assert_close(trajectory[:, t], alone, 1e-12)


@pytest.mark.parametrize("steps", [0, 1, 2])
@every_loss
def test_adapt_takes_targets_of_many_tasks_at_the_same_inputs(loss, steps):
    net, theta, alpha, batch = setting("tanh", loss)
    X = batch.X_s[0]
    trajectory = adapt(net, theta, alpha, X, batch.Y_s, steps)
    assert trajectory.shape == (steps + 1, T, net.n_params)
    for t in range(T):
        alone = adapt(net, theta, alpha, X, batch.Y_s[t], steps)
        assert_close(trajectory[:, t], alone, 1e-13)


def test_adapt_takes_one_step_and_one_number_by_default():
    net, theta, _, batch = setting()
    X, Y = batch.X_s[0], batch.Y_s[0]
    trajectory = adapt(net, theta, 0.3, X, Y)
    expected = plain_adapt(net, theta, np.full(net.n_params, 0.3), X, Y, 1)
    assert trajectory.shape == (2, net.n_params)
    assert_close(trajectory[1], expected, 1e-14)


def test_adapt_keeps_the_task_axis_without_a_step():
    net, theta, alpha, batch = setting()
    trajectory = adapt(net, theta, alpha, batch.X_s, batch.Y_s, 0)
    assert trajectory.shape == (1, T, net.n_params)


# The meta-gradient against numerical derivatives


@one_and_many
@steps_0_1_3
@every_net
def test_meta_gradient_agrees_with_the_complex_step(activation, loss, steps, n_tasks):
    net, *given = setting(activation, loss, n_tasks)
    got = meta_gradient(net, *given, steps)
    for loss_of in (composed_loss, composed_plain_loss):
        d_theta, d_alpha = through(complex_step, loss_of, net, *given, steps)
        assert_blocks_close(net, got.d_theta, d_theta, 1e-12)
        assert_blocks_close(net, got.d_alpha, d_alpha, 1e-12)


@pytest.mark.parametrize(("steps", "n_tasks"), [(0, T), (1, 1), (3, T)])
@every_net
def test_meta_gradient_agrees_with_central_differences(
    activation, loss, steps, n_tasks
):
    net, *given = setting(activation, loss, n_tasks)
    got = meta_gradient(net, *given, steps)
    d_theta, d_alpha = through(central_difference, composed_loss, net, *given, steps)
    assert_blocks_close(net, got.d_theta, d_theta, 1e-7)
    assert_blocks_close(net, got.d_alpha, d_alpha, 1e-7)


@one_and_many
@steps_0_1_3
@every_loss
def test_loss_is_the_mean_query_loss_after_adapting(loss, steps, n_tasks):
    net, theta, alpha, batch = setting("sigmoid", loss, n_tasks)
    expected = 0
    for X_s, Y_s, X_q, Y_q in tasks(batch):
        adapted = plain_adapt(net, theta, alpha, X_s, Y_s, steps)
        expected += plain_loss(net, adapted, X_q, Y_q) / n_tasks
    for order in (1, 2):
        got = meta_gradient(net, theta, alpha, batch, steps, order)
        assert_close(got.loss, expected, 1e-12)


def test_defaults_are_one_step_and_the_exact_derivative():
    net, *given = setting()
    default, stated = meta_gradient(net, *given), meta_gradient(net, *given, 1, 2)
    np.testing.assert_array_equal(default.d_theta, stated.d_theta)
    np.testing.assert_array_equal(default.d_alpha, stated.d_alpha)


@pytest.mark.parametrize("order", [1, 2])
def test_one_number_is_a_constant_alpha(order):
    net, theta, _, batch = setting()
    number = meta_gradient(net, theta, 0.3, batch, 3, order)
    vector = meta_gradient(net, theta, np.full(net.n_params, 0.3), batch, 3, order)
    assert number.d_alpha.shape == (net.n_params,)
    np.testing.assert_array_equal(number.d_theta, vector.d_theta)
    np.testing.assert_array_equal(number.d_alpha, vector.d_alpha)


# First order


@one_and_many
@steps_0_1_3
@every_net
def test_order_1_takes_the_query_gradient_at_the_last_step(
    activation, loss, steps, n_tasks
):
    net, theta, alpha, batch = setting(activation, loss, n_tasks)
    d_theta = d_alpha = 0
    for X_s, Y_s, X_q, Y_q in tasks(batch):
        *path, last = adapt(net, theta, alpha, X_s, Y_s, steps)
        lam = complex_step(lambda t, X=X_q, Y=Y_q: plain_loss(net, t, X, Y), last)
        d_theta = d_theta + lam / n_tasks
        for theta_j in path:
            g = complex_step(lambda t, X=X_s, Y=Y_s: plain_loss(net, t, X, Y), theta_j)
            d_alpha = d_alpha - g * lam / n_tasks

    got = meta_gradient(net, theta, alpha, batch, steps, order=1)
    assert_blocks_close(net, got.d_theta, d_theta, 1e-12)
    assert_blocks_close(net, got.d_alpha, d_alpha + np.zeros(net.n_params), 1e-12)


@every_loss
def test_order_1_is_exact_for_alpha_after_one_step_only(loss):
    net, *given = setting("tanh", loss)
    first, exact = (meta_gradient(net, *given, 1, order) for order in (1, 2))
    np.testing.assert_array_equal(first.d_alpha, exact.d_alpha)
    assert np.linalg.norm(first.d_theta - exact.d_theta) > 0.01

    first, exact = (meta_gradient(net, *given, 2, order) for order in (1, 2))
    assert np.linalg.norm(first.d_alpha - exact.d_alpha) > 0.01


# Exact numbers


def test_pencil_and_paper():
    # support x = 2, y = 7½ and θ = (½, 1, 2, −1): z = 2, h = 4, f = 7, so df = −1,
    # g = (−16, −8, −4, −1), and α = (1/16, 1/8, ¼, −1) gives θ′ = (3/2, 2, 3, −2)
    # query x = −1, y = −3/2: z = ½, h = ¼, f = −5/4, so df = ½, L = 1/16 and
    # λ = (−3/2, 3/2, 1/8, ½);  dα = −g∘λ.  With v = α∘λ = (−3/32, 3/16, 1/32, −½):
    # ż = 0, ḣ = 0, ḟ = 4/32 − ½ = −3/8, dḟ = −¾:  dẇ2 = −3, dḃ2 = −¾
    # dḣ = −¾·2 − 1/32 = −49/32, dż = 4·dḣ = −49/8:  Hv = (−49/4, −49/8, −3, −¾)
    net = TwoLayerNet(1, 1, 1, "square")
    theta = np.array([Fraction(1, 2), 1, 2, -1], dtype=object)
    alpha = np.array([Fraction(1, 16), Fraction(1, 8), Fraction(1, 4), -1], object)
    half = np.full((1, 1, 1), Fraction(1, 2))
    batch = TaskBatch(4 * half, 15 * half, -2 * half, -3 * half)

    path = adapt(net, theta, alpha, batch.X_s[0], batch.Y_s[0])
    assert path[1].tolist() == [Fraction(3, 2), 2, 3, -2]

    first = meta_gradient(net, theta, alpha, batch, order=1)
    lam = [Fraction(-3, 2), Fraction(3, 2), Fraction(1, 8), Fraction(1, 2)]
    assert first.loss == Fraction(1, 16)
    assert first.d_theta.tolist() == lam

    exact = meta_gradient(net, theta, alpha, batch)
    curvature = [Fraction(-49, 4), Fraction(-49, 8), -3, Fraction(-3, 4)]
    assert exact.d_theta.tolist() == [
        a - b for a, b in zip(lam, curvature, strict=True)
    ]
    assert exact.d_alpha.tolist() == [-24, 12, Fraction(1, 2), Fraction(1, 2)]


@pytest.mark.parametrize("alpha", [3, [3, 3, 3, 3], Fraction(3), np.array(3)])
def test_a_whole_alpha_stays_exact_beside_fractions(alpha):
    # as in test_network with y = 20/3: df = ⅔, a twelfth of 8, so g = (128, …)/12
    net = TwoLayerNet(1, 1, 1, "square")
    theta = np.array([Fraction(1, 2), 1, 2, -1], dtype=object)
    path = adapt(net, theta, alpha, [[2]], [[Fraction(20, 3)]])
    assert path[1].tolist() == [Fraction(1, 2) - 32, 1 - 16, 2 - 8, -1 - 2]
    assert all(isinstance(entry, Fraction | int) for entry in path[1])


@pytest.mark.parametrize("steps", [1, 2])
def test_fractions_agree_with_sympy_exactly(steps):
    rng = np.random.default_rng(0)
    net = TwoLayerNet(1, 2, 2, "square")
    P = net.n_params
    theta, alpha = fractions(rng, P), fractions(rng, P) / 30
    X_s, Y_s = fractions(rng, 3, 1), fractions(rng, 3, 2)
    X_q, Y_q = fractions(rng, 4, 1), fractions(rng, 4, 2)

    # one step as a map of (θ, α) to (θ′, α), and SymPy's Jacobian of it
    x = variables(2 * P)
    L_s, L_q = plain_loss(net, x[:P], X_s, Y_s), plain_loss(net, x[:P], X_q, Y_q)
    step = [t - a * L_s.diff(t) for t, a in zip(x[:P], x[P:], strict=True)] + [*x[P:]]
    point, total = [*theta, *alpha], np.eye(2 * P, dtype=object)
    for _ in range(steps):
        jacobian = [[evaluate(row.diff(xi), point) for xi in x] for row in step]
        total = np.array(jacobian) @ total
        point = [evaluate(row, point) for row in step]
    expected = np.array([evaluate(L_q.diff(xi), point) for xi in x]) @ total

    batch = TaskBatch(X_s[None], Y_s[None], X_q[None], Y_q[None])
    got = meta_gradient(net, theta, alpha, batch, steps)
    assert got.loss == evaluate(L_q, point)
    assert [*got.d_theta, *got.d_alpha] == expected.tolist()
    assert all(isinstance(entry, Fraction) for entry in got.d_theta)


@pytest.mark.parametrize("order", [1, 2])
@every_net
def test_float32_stays(activation, loss, order):
    net, theta, alpha, batch = setting(activation, loss)
    arrays = [batch.X_s, batch.Y_s, batch.X_q, batch.Y_q]
    X_s, Y_s, X_q, Y_q = (a.astype("f4") if a.dtype == float else a for a in arrays)
    theta, alpha = theta.astype("f4"), alpha.astype("f4")

    single = TaskBatch(X_s, Y_s, X_q, Y_q)
    got = meta_gradient(net, theta, alpha, single, 2, order)
    assert got.loss.dtype == got.d_theta.dtype == got.d_alpha.dtype == "float32"
    assert adapt(net, theta, alpha, X_s, Y_s).dtype == "float32"


@pytest.mark.parametrize("alpha", [0.3, 1, np.float32(0.3), np.array(1), [1] * 46])
def test_one_number_for_alpha_keeps_float32(alpha):
    net, theta, _, batch = setting()
    X_s, Y_s, X_q, Y_q = (
        a.astype("f4") for a in (batch.X_s, batch.Y_s, batch.X_q, batch.Y_q)
    )
    theta = theta.astype("f4")
    got = meta_gradient(net, theta, alpha, TaskBatch(X_s, Y_s, X_q, Y_q))
    assert got.d_theta.dtype == got.d_alpha.dtype == "float32"
    assert adapt(net, theta, alpha, X_s, Y_s).dtype == "float32"


def test_integers_are_converted_never_cut():
    rng = np.random.default_rng(0)
    net = make_net("sigmoid")
    theta, alpha = rng.integers(-2, 3, (2, net.n_params))
    X_s, X_q = rng.integers(-2, 3, (T, N_S, D)), rng.integers(-2, 3, (T, N_Q, D))
    Y_s, Y_q = rng.integers(-2, 3, (T, N_S, 4)), rng.integers(-2, 3, (T, N_Q, 4))
    whole = meta_gradient(net, theta, alpha, TaskBatch(X_s, Y_s, X_q, Y_q), 2)
    batch = TaskBatch(1.0 * X_s, 1.0 * Y_s, 1.0 * X_q, 1.0 * Y_q)
    exact = meta_gradient(net, 1.0 * theta, 1.0 * alpha, batch, 2)
    assert_close(whole.d_theta, exact.d_theta, 1e-14)
    assert_close(whole.d_alpha, exact.d_alpha, 1e-14)

    one = adapt(net, theta, 1, X_s[0], Y_s[0])
    assert_close(one, adapt(net, 1.0 * theta, 1.0, 1.0 * X_s[0], 1.0 * Y_s[0]), 1e-14)


@every_loss
def test_inputs_are_not_edited(loss):
    net, theta, alpha, batch = setting("tanh", loss)
    arrays = [theta, alpha, batch.X_s, batch.Y_s, batch.X_q, batch.Y_q]
    copies = [array.copy() for array in arrays]
    adapt(net, theta, alpha, batch.X_s, batch.Y_s, 2)
    for order in (1, 2):
        meta_gradient(net, theta, alpha, batch, 2, order)
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


# Chunks

PER_TASK = 8 * H * N_Q  # bytes of the largest (N, H) array of one task


@pytest.mark.parametrize(
    ("chunk_bytes", "sizes"),
    [
        (0, [1] * 5),
        (2 * PER_TASK - 1, [1] * 5),
        (2 * PER_TASK, [2, 2, 1]),
        (3 * PER_TASK, [3, 2]),
        (4 * PER_TASK, [4, 1]),
        (5 * PER_TASK, [5]),
        (10**9, [5]),
    ],
)
@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("order", [1, 2])
def test_chunks_change_nothing(monkeypatch, chunk_bytes, sizes, swap, order):
    net, theta, alpha, batch = setting("tanh", "softmax_cross_entropy")
    if swap:  # now the support sets are the larger ones
        batch = TaskBatch(batch.X_q, batch.Y_q, batch.X_s, batch.Y_s)
    monkeypatch.setattr(module, "CHUNK_BYTES", 10**9)
    whole = meta_gradient(net, theta, alpha, batch, 2, order)

    seen = []
    inner_loop = module.inner_loop

    def watched(net, theta, alpha, X_s, *rest):
        seen.append(X_s)
        return inner_loop(net, theta, alpha, X_s, *rest)

    monkeypatch.setattr(module, "inner_loop", watched)
    monkeypatch.setattr(module, "CHUNK_BYTES", chunk_bytes)
    got = meta_gradient(net, theta, alpha, batch, 2, order)

    assert [len(chunk) for chunk in seen] == sizes
    np.testing.assert_array_equal(np.concatenate(seen), batch.X_s)
    assert_close(got.loss, whole.loss, 1e-13)
    assert_blocks_close(net, got.d_theta, whole.d_theta, 1e-13)
    assert_blocks_close(net, got.d_alpha, whole.d_alpha, 1e-13)


def test_float32_fits_twice_the_tasks_in_a_chunk(monkeypatch):
    net, *_, batch = setting()
    monkeypatch.setattr(module, "CHUNK_BYTES", 2 * PER_TASK)
    single = module.chunks(batch, net, itemsize=4)
    assert [len(chunk) for chunk in single] == [4, 1]


def test_a_chunk_has_room_for_parameters_too(monkeypatch):
    net, *_, batch = setting()
    wide = TwoLayerNet(50, net.n_hidden, net.n_out)  # P = 334 > N H
    monkeypatch.setattr(module, "CHUNK_BYTES", 8 * 2 * wide.n_params)
    assert [len(chunk) for chunk in module.chunks(batch, wide, 8)] == [2, 2, 1]


# What goes wrong


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"theta": np.ones(45)}, ValueError, r"theta has shape \(45,\), .* P = 46 "),
        ({"alpha": np.ones(45)}, ValueError, r"alpha has shape \(45,\), .* P = 46 "),
        ({"alpha": np.nan}, ValueError, r"alpha holds nan at index \(0,\)"),
        ({"alpha": "0.1"}, TypeError, "alpha has dtype <U3, .* must hold numbers"),
        ({"alpha": np.ones((3, 46)), "theta": np.ones((2, 46))}, ValueError, "disag"),
        ({"theta": np.ones((3, 46))}, ValueError, r"theta \(3,\) and X \(5,\)"),
        ({"X_s": np.ones((5, 8, 3))}, ValueError, r"X has shape \(5, 8, 3\), .* D = 2"),
        ({"Y_s": np.ones((5, 7, 4))}, ValueError, r"Y has shape \(5, 7, 4\), .* 8, 4"),
        ({"steps": -1}, ValueError, "steps is -1, but it must be 0 or more"),
        ({"steps": 1.5}, TypeError, r"steps is 1\.5, but .* whole number, 0 or more"),
        ({"steps": True}, TypeError, "steps is True, but it must be a whole number"),
        ({"alpha": np.ones((3, 46))}, ValueError, r"X \(5,\) and .* alpha \(3,\)"),
    ],
)
def test_adapt_names_bad_arguments(change, error, message):
    net, theta, alpha, batch = setting()
    given = {"theta": theta, "alpha": alpha, "X_s": batch.X_s, "Y_s": batch.Y_s}
    with pytest.raises(error, match=message):
        adapt(net, **given | change)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"theta": np.ones((3, 46))},
            ValueError,
            r"theta has shape \(3, 46\) and alpha \(46,\), .* one theta \(P,\) and one",
        ),
        (
            {"alpha": np.ones((3, 46))},
            ValueError,
            r"theta has shape \(46,\) and alpha \(3, 46\), .* one alpha \(P,\)",
        ),
        ({"theta": np.ones(45)}, ValueError, r"theta has shape \(45,\), .* P = 46 "),
        ({"theta": np.full(46, np.nan)}, ValueError, r"theta holds nan at index \(0,"),
        ({"alpha": np.ones(45)}, ValueError, r"alpha has shape \(45,\), .* P = 46 "),
        ({"alpha": np.inf}, ValueError, r"alpha holds inf at index \(0,\)"),
        ({"alpha": "0.1"}, TypeError, "alpha has dtype <U3, .* must hold numbers"),
        ({"steps": -1}, ValueError, "steps is -1, but it must be 0 or more"),
        ({"steps": 2.0}, TypeError, r"steps is 2\.0, but it must be a whole number"),
        ({"order": 3}, ValueError, r"order is 3; choose 2 \(exact\) or 1 \(no curv"),
        ({"order": "2"}, ValueError, "order is '2'; choose 2"),
        (
            {"X_s": np.ones((5, 8, 3))},
            ValueError,
            r"X_s has shape \(5, 8, 3\), .* D = 2",
        ),
        (
            {"X_q": np.ones((5, 9, 3))},
            ValueError,
            r"X_q has shape \(5, 9, 3\), .* D = 2",
        ),
        (
            {"Y_s": np.ones((5, 8, 1))},
            ValueError,
            r"Y_s has shape \(5, 8, 1\), .* 8, 4",
        ),
        (
            {"Y_q": np.ones((5, 9, 1))},
            ValueError,
            r"Y_q has shape \(5, 9, 1\), .* 9, 4",
        ),
    ],
)
def test_meta_gradient_names_bad_arguments(change, error, message):
    net, theta, alpha, batch = setting()
    arrays = {name: getattr(batch, name) for name in ("X_s", "Y_s", "X_q", "Y_q")}
    given = {"theta": theta, "alpha": alpha} | arrays | change
    batch = TaskBatch(*(given.pop(name) for name in arrays))
    with pytest.raises(error, match=message):
        meta_gradient(net, batch=batch, **given)

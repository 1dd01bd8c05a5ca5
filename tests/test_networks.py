"""What all networks share, at weights of order one: the ladder of derivatives.

Loss → gradient → Hessian-vector product → meta-gradient: each is held, block by block,
to the complex step and to differences of the one before. Then number types, tasks at
once, and arguments that do not fit.
"""

from functools import cache
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import (
    ACTIVATIONS,
    LOSSES,
    N_Q,
    N_S,
    D,
    H,
    O,
    T,
    assert_blocks_close,
    assert_close,
    central_difference,
    complex_step,
    examples,
    frozen,
    make_net,
    plain_forward,
    plain_loss,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from metasgd_np import (
    DeepNet,
    TaskBatch,
    TwoLayerNet,
    adapt,
    hessian,
    hvp,
    meta_gradient,
)
from metasgd_np.reinforcement import GaussianPolicy

pytestmark = pytest.mark.filterwarnings("error")

# No two of these, or of N_S = 8, N_Q = 9 and T = 5, are equal, with a bias or without
DEEP = {"three layers": (D, H, 10, O), "four layers": (D, 12, H, 10, O)}
NETS = {}
for a in ACTIVATIONS:
    for loss in LOSSES:
        NETS[f"two layers, {a}, {loss}"] = TwoLayerNet(D, H, O, a, loss)
        for depth, sizes in DEEP.items():
            NETS[f"{depth}, {a}, {loss}"] = DeepNet(sizes, a, loss)
NETS |= {f"one layer, {loss}": DeepNet((D, O), "tanh", loss) for loss in LOSSES}
NETS |= {
    "policy, two layers": GaussianPolicy(TwoLayerNet(D, H, O)),
    "policy, three layers": GaussianPolicy(DeepNet(DEEP["three layers"], "sigmoid")),
    "policy, relu": GaussianPolicy(DeepNet(DEEP["three layers"], "relu")),
    "policy, one layer": GaussianPolicy(DeepNet((D, O))),
}
every_net = pytest.mark.parametrize("name", NETS)
one_of_each = pytest.mark.parametrize(
    "name",
    [f"two layers, tanh, {loss}" for loss in LOSSES]
    + ["three layers, sigmoid, sigmoid_cross_entropy", "policy, three layers"],
)


class Setting(NamedTuple):
    """A net, θ, a direction v and α (P,), T tasks, and the support set of the first."""

    net: Any
    theta: np.ndarray
    v: np.ndarray
    alpha: np.ndarray
    batch: TaskBatch
    X: np.ndarray
    Y: np.ndarray


@cache
def setting(name):
    """The Setting of a network: θ and v of std 1, α of std 0.3 and both signs.

    Where φ has no bound, weights are normalized by √(fan-in) and α is smaller: layers
    upon layers of the square, of degree 15 at four, soon diverge. So do three steps of
    squared error on four layers, which would magnify every rounding.
    """
    rng, net = np.random.default_rng(0), NETS[name]
    theta, v, alpha = rng.standard_normal((3, net.n_params))
    alpha *= 0.05 if net.loss_name == "gaussian" else 0.3
    alpha /= 5 if name == "four layers, tanh, squared_error" else 1
    if net.activation_name in ("relu", "square", "identity"):
        square = net.activation_name == "square"
        for block in net.blocks(theta).values():
            block[...] /= np.sqrt(len(block) + 1) * (1.5 if square else 1)
        alpha /= 60 if square else 3
    batch = TaskBatch(*examples(rng, net, T, N_S), *examples(rng, net, T, N_Q))
    X, Y = batch.X_s[0], batch.Y_s[0]
    return Setting(net, *frozen(theta, v, alpha), batch, X, Y)


def by_block(net):
    """A random direction within each block, one per row, 0 elsewhere (blocks, P)."""
    v = np.random.default_rng(1).standard_normal(net.n_params)
    rows = np.zeros((len(net.blocks(v)), net.n_params))
    for row, name in zip(rows, net.blocks(v), strict=True):
        net.blocks(row)[name][...] = net.blocks(v)[name]
    return rows


# The ladder


@every_net
def test_forward_and_loss_agree_with_separate_biases(name):
    net, theta, *_, X, Y = setting(name)
    assert_close(net.forward(theta, X), plain_forward(net, theta, X), 1e-13)
    assert_close(net.loss(theta, X, Y), plain_loss(net, theta, X, Y), 1e-13)


@every_net
def test_gradient_agrees_with_the_complex_step_and_differences(name):
    net, theta, *_, X, Y = setting(name)
    gradient = net.gradient(theta, X, Y)
    exact = complex_step(lambda t: plain_loss(net, t, X, Y), theta)
    assert_blocks_close(net, gradient, exact, 1e-12)
    differences = central_difference(lambda t: plain_loss(net, t, X, Y), theta)
    assert_blocks_close(net, gradient, differences, 1e-7)


@every_net
def test_hvp_agrees_with_the_complex_step_and_differences(name):
    net, theta, v, _, _, X, Y = setting(name)
    product = hvp(net, theta, X, Y, v)
    [exact] = complex_step(lambda t: net.gradient(t, X, Y), theta, v[None])
    assert_blocks_close(net, product, exact, 1e-12)
    alone = hvp(net, theta, X, Y, by_block(net))  # (blocks, P)
    exact = complex_step(lambda t: net.gradient(t, X, Y), theta, by_block(net))
    assert_blocks_close(net, alone, exact, 1e-12)

    def plain_gradient(points):  # (R, P) → (R, P)
        return np.stack(
            [complex_step(lambda t: plain_loss(net, t, X, Y), t) for t in points]
        )

    [differences] = central_difference(plain_gradient, theta, v[None])
    assert_blocks_close(net, product, differences, 1e-7)


@every_net
def test_hessian_is_the_complex_step_of_every_entry_and_symmetric(name):
    net, theta, v, _, _, X, Y = setting(name)
    matrix = hessian(net, theta, X, Y)
    exact = complex_step(lambda t: net.gradient(t, X, Y), theta)
    assert matrix.shape == (net.n_params, net.n_params)
    assert_blocks_close(net, matrix, exact, 1e-12)
    assert_close(matrix, matrix.T, 1e-13)
    assert_close(matrix @ v, hvp(net, theta, X, Y, v), 1e-13)


def meta_loss(net, batch, steps, theta, alpha):
    """The mean query loss after adapting (R,); one of θ and α is (R, P), one (P,)."""
    theta, alpha = theta[..., None, :], alpha[..., None, :]  # beside T tasks
    adapted = adapt(net, theta, alpha, batch.X_s, batch.Y_s, steps)[-1]
    return net.loss(adapted, batch.X_q, batch.Y_q).mean(-1)


def assert_meta_gradient_agrees(name, steps, method, tolerance):
    """Hold meta_gradient, along a direction in each block, to a numerical method."""
    net, theta, _, alpha, batch, *_ = setting(name)
    rows = by_block(net)
    got = meta_gradient(net, theta, alpha, batch, steps)
    assert_close(got.loss, meta_loss(net, batch, steps, theta, alpha), 1e-12)
    for derivative, f, x in (
        (got.d_theta, lambda t: meta_loss(net, batch, steps, t, alpha), theta),
        (got.d_alpha, lambda a: meta_loss(net, batch, steps, theta, a), alpha),
    ):
        blocks = net.blocks(derivative).values()
        size = np.array([np.linalg.norm(block) for block in blocks])  # (blocks,)
        error = np.abs(rows @ derivative - method(f, x, rows))  # (blocks,)
        limit = tolerance * size * np.linalg.norm(rows, axis=1)
        assert (error <= limit).all(), dict(zip(net.blocks(x), error, strict=True))


@pytest.mark.parametrize("steps", [1, 2, 3])
@every_net
def test_meta_gradient_agrees_with_the_complex_step(name, steps):
    assert_meta_gradient_agrees(name, steps, complex_step, 1e-12)


@pytest.mark.parametrize("name", [name for name in NETS if "two layers" in name])
def test_meta_gradient_agrees_with_differences(name):
    assert_meta_gradient_agrees(name, 3, central_difference, 1e-7)


@every_net
def test_adapt_takes_plain_steps_and_order_1_keeps_the_query_gradient(name):
    net, theta, _, alpha, batch, *_ = setting(name)
    path = adapt(net, theta, alpha, batch.X_s, batch.Y_s, 3)  # (4, T, P)
    g = net.gradient(path[:-1], batch.X_s, batch.Y_s)  # (3, T, P)
    np.testing.assert_array_equal(path[0], np.broadcast_to(theta, path[0].shape))
    assert_blocks_close(net, path[1:], path[:-1] - alpha * g, 1e-13)

    got = meta_gradient(net, theta, alpha, batch, 3, order=1)
    lam = net.gradient(path[-1], batch.X_q, batch.Y_q)  # (T, P)
    assert_blocks_close(net, got.d_theta, lam.mean(0), 1e-12)
    assert_blocks_close(net, got.d_alpha, -(g * lam).sum(0).mean(0), 1e-12)
    assert_close(got.loss, net.loss(path[-1], batch.X_q, batch.Y_q).mean(), 1e-13)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=4),
    *[st.integers(1, 4)] * 2,
    *map(st.sampled_from, (ACTIVATIONS, LOSSES)),
)
def test_gradient_and_hvp_of_any_size_down_to_one(sizes, t, n, activation, loss):
    rng = np.random.default_rng(0)
    net = DeepNet(sizes, activation, loss)
    if len(sizes) == 3:
        net = TwoLayerNet(*sizes, activation, loss)
    theta, v = rng.standard_normal((2, net.n_params)) / 2
    X, Y = examples(rng, net, t, n)
    gradient, product = net.gradient(theta, X, Y), hvp(net, theta, X, Y, v)
    for i in range(t):
        exact = complex_step(lambda u, i=i: plain_loss(net, u, X[i], Y[i]), theta)
        np.testing.assert_allclose(gradient[i], exact, 1e-11, 1e-13)
        one = complex_step(lambda u, i=i: net.gradient(u, X[i], Y[i]), theta, v[None])
        np.testing.assert_allclose(product[i], one[0], 1e-11, 1e-13)


# Number types


@every_net
def test_float32_stays_and_agrees(name):
    net, theta, v, alpha, batch, *_ = setting(name)
    arrays = theta, v, alpha, batch.X_s, batch.Y_s, batch.X_q, batch.Y_q
    single = [A.astype("f4") if A.dtype == float else A for A in arrays]
    theta_4, v_4, alpha_4, X, Y, *query = single
    for got, exact in (
        (net.forward(theta_4, X), net.forward(theta, batch.X_s)),
        (net.loss(theta_4, X, Y), net.loss(theta, batch.X_s, batch.Y_s)),
        (net.gradient(theta_4, X, Y), net.gradient(theta, batch.X_s, batch.Y_s)),
        (hvp(net, theta_4, X, Y, v_4), hvp(net, theta, batch.X_s, batch.Y_s, v)),
    ):
        assert got.dtype == "float32"
        assert_close(got, exact, 1e-4)
    assert hessian(net, theta_4, X[0], Y[0]).dtype == "float32"
    assert adapt(net, theta_4, alpha_4, X, Y).dtype == "float32"
    for order in (1, 2):
        got = meta_gradient(net, theta_4, alpha_4, TaskBatch(X, Y, *query), 2, order)
        exact = meta_gradient(net, theta, alpha, batch, 2, order)
        assert got.loss.dtype == got.d_theta.dtype == got.d_alpha.dtype == "float32"
        assert_close(got.d_theta, exact.d_theta, 1e-3)
        assert_close(got.d_alpha, exact.d_alpha, 1e-3)


@pytest.mark.parametrize("kind", ["list", "int8", "uint8", "int64"])
@pytest.mark.parametrize("loss", LOSSES)
def test_integers_are_converted_never_cut(loss, kind):
    net = make_net("sigmoid", loss)
    rng = np.random.default_rng(0)
    theta, v, alpha = rng.integers(0, 3, (3, net.n_params))
    X = rng.integers(0, 3, (N_S, D))
    Y = rng.integers(0, 2, N_S if loss == "softmax_cross_entropy" else (N_S, O))

    def results(theta, v, alpha, X, Y):
        batch = TaskBatch(*([A] for A in (X, Y, X, Y)))
        mg = meta_gradient(net, theta, alpha, batch, 2)
        yield from (net.loss(theta, X, Y), net.gradient(theta, X, Y))
        yield from (hvp(net, theta, X, Y, v), adapt(net, theta, alpha, X, Y, 2))
        yield from (mg.loss, mg.d_theta, mg.d_alpha)

    def converted(array):
        return array.tolist() if kind == "list" else array.astype(kind)

    given = map(converted, (theta, v, alpha, X, Y))
    exact = results(1.0 * theta, 1.0 * v, 1.0 * alpha, 1.0 * X, Y)
    for got, expected in zip(results(*given), exact, strict=True):
        assert_close(got, expected, 1e-14)


@pytest.mark.parametrize("loss", LOSSES)
def test_logits_of_a_thousand_stay_finite(loss):
    net, theta, v, _, _, X, Y = setting(f"two layers, identity, {loss}")
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        theta, X = 1000 * theta, 1000 * X
        assert np.isfinite(net.loss(theta, X, Y))
        assert np.isfinite(net.gradient(theta, X, Y)).all()
        assert np.isfinite(hvp(net, theta, X, Y, v)).all()


@one_of_each
def test_a_second_pass_finds_the_first_as_it_was(name):
    net, theta, v, _, _, X, Y = setting(name)
    p = net.backward_pass(theta, X, Y)
    first = net.tangent_pass(p, v).hv
    net.tangent_pass(p, theta)
    np.testing.assert_array_equal(net.tangent_pass(p, v).hv, first)


# Tasks in front


@one_of_each
@pytest.mark.parametrize(
    ("theta_axes", "x_axes", "y_axes", "v_axes"),
    [
        ((T,), (T,), (T,), (T,)),
        ((), (T,), (T,), ()),
        ((T,), (), (), ()),
        ((), (), (T,), ()),
        ((), (), (), (T,)),
        ((3, T), (3, T), (3, T), (3, T)),
        ((T,), (3, 1), (3, 1), ()),
    ],
    ids=str,
)
def test_tasks_agree_with_one_at_a_time(name, theta_axes, x_axes, y_axes, v_axes):
    net, rng = NETS[name], np.random.default_rng(0)
    theta = rng.standard_normal((*theta_axes, net.n_params))
    v = rng.standard_normal((*v_axes, net.n_params)) / 10
    X, Y = examples(rng, net, *x_axes, N_S)[0], examples(rng, net, *y_axes, N_S)[1]
    one_task = Y.shape[len(y_axes) :]

    F_axes = np.broadcast_shapes(theta_axes, x_axes)
    axes = np.broadcast_shapes(F_axes, y_axes)
    F, L, g = net.forward(theta, X), net.loss(theta, X, Y), net.gradient(theta, X, Y)
    assert (F.shape[:-2], L.shape, g.shape[:-1]) == (F_axes, axes, axes)
    all_axes = np.broadcast_shapes(axes, v_axes)
    product, path = hvp(net, theta, X, Y, v), adapt(net, theta, v, X, Y, 2)
    assert product.shape == (*all_axes, net.n_params)
    assert path.shape == (3, *all_axes, net.n_params)

    theta, v, g = (np.broadcast_to(A, product.shape) for A in (theta, v, g))
    X, F = (np.broadcast_to(A, (*all_axes, *A.shape[-2:])) for A in (X, F))
    Y, L = np.broadcast_to(Y, (*all_axes, *one_task)), np.broadcast_to(L, all_axes)
    for i in np.ndindex(*all_axes):
        one = theta[i], X[i], Y[i]
        assert_close(F[i], net.forward(*one[:2]), 1e-13)
        assert_close(L[i], net.loss(*one), 1e-13)
        assert_close(g[i], net.gradient(*one), 1e-13)
        assert_close(product[i], hvp(net, *one, v[i]), 1e-13)
        assert_close(path[:, *i], adapt(net, one[0], v[i], *one[1:], 2), 1e-12)


# What goes wrong


def spoilt(array, value):
    """A copy whose last entry is `value`."""
    copy = np.array(array)
    copy[(-1,) * copy.ndim] = value
    return copy


BAD = {  # the argument, what it is changed to, and what the message says
    "theta short": (
        "theta",
        lambda A: A[:-1],
        r"has shape \(45,\), .* P = 46 .*net",
    ),
    "theta a number": ("theta", lambda A: 1.0, r"has shape \(\), .* P = 46"),
    "theta NaN": ("theta", lambda A: spoilt(A, np.nan), r"holds nan at index \(45,\)"),
    "theta infinite": ("theta", lambda A: spoilt(A, -np.inf), "holds -inf at index"),
    "theta text": (
        "theta",
        lambda A: A.astype(str),
        "has dtype <U.* must hold",
    ),
    "theta of 3 tasks": (
        "theta",
        lambda A: np.stack([A] * 3),
        r"theta.*\(3, ?(46)?\)|front, \(3,\)",
    ),
    "X wide": (
        "X",
        lambda A: A[..., [0, 1, 1]],
        r"has shape .* 3\).* D = 2|has shape .* 3\).* same last",
    ),
    "X without D": ("X", lambda A: A[..., 0], r"has shape .*D = 2|a batch of tasks"),
    "X empty": ("X", lambda A: A[..., :0, :], r"has shape .*0, 2\).* at least 1"),
    "X NaN": ("X", lambda A: spoilt(A, np.nan), r"holds nan at index \(.*7, 1\)"),
    "X text": ("X", lambda A: A.astype(str), "has dtype <U.* must hold"),
    "Y short": ("Y", lambda A: A[..., 1:, :], r"has shape .*7, 4\), .* \(.*8"),
    "Y narrow": (
        "Y",
        lambda A: A[..., 1:],
        r"has shape .*8, 3\), .* 8, 4\)|has shape .* 3\).* same last",
    ),
    "Y NaN": ("Y", lambda A: spoilt(A, np.nan), r"holds nan at index \(.*7, 3\)"),
    "Y text": ("Y", lambda A: A.astype(str), "has dtype <U.* must hold"),
    "v short": ("v", lambda A: A[1:], r"has shape \(45,\), .* P = 46 "),
    "v NaN": ("v", lambda A: spoilt(A, np.nan), r"holds nan at index \(45,\)"),
    "v text": ("v", lambda A: A.astype(str), "has dtype <U.* must hold"),
    "v of 3 tasks": ("v", lambda A: np.stack([A] * 3), r"disagree: .* v \(3,\); give"),
    "alpha short": ("alpha", lambda A: A[1:], r"has shape \(45,\), .* P = 46 "),
    "alpha NaN": ("alpha", lambda A: np.nan, r"holds nan at index \(0,\)"),
    "alpha text": ("alpha", lambda A: "0.1", "has dtype <U3, .* must hold numbers"),
    "alpha of 3 tasks": ("alpha", lambda A: np.stack([A] * 3), r"alpha \(3"),
    "steps negative": ("steps", lambda A: -1, "is -1, but it must be 0 or more"),
    "steps broken": ("steps", lambda A: 1.5, r"is 1\.5, but .* whole number, 0 or m"),
    "steps a bool": ("steps", lambda A: True, "is True, but it must be a whole number"),
    "order 3": ("order", lambda A: 3, r"is 3; choose 2 \(exact\) or 1 \(no curvature"),
    "order text": ("order", lambda A: "2", "is '2'; choose 2"),
}


@pytest.mark.parametrize("case", BAD)
def test_every_function_names_an_argument_that_does_not_fit(case):
    argument, change, message = BAD[case]
    error = ValueError
    if "must hold" in message or "whole number" in message:
        error = TypeError
    net, theta, v, alpha, batch, *_ = setting("two layers, tanh, squared_error")
    X, Y = batch.X_s, batch.Y_s
    known = {"theta": theta, "v": v, "alpha": alpha, "X": X, "Y": Y}
    known |= {"X_s": X, "Y_s": Y, "X_q": X, "Y_q": Y, "steps": 1, "order": 2}

    def batched(theta, alpha, X_s, Y_s, X_q, Y_q, steps, order):
        batch = TaskBatch(X_s, Y_s, X_q, Y_q)
        return meta_gradient(net, theta, alpha, batch, steps, order)

    found = 0
    for call in (
        net.forward,
        net.loss,
        net.gradient,
        lambda theta, X, Y: hessian(net, theta, X[-1], Y[-1]),
        lambda theta, X, Y, v: hvp(net, theta, X, Y, v),
        lambda theta, alpha, X_s, Y_s, steps: adapt(net, theta, alpha, X_s, Y_s, steps),
        batched,
    ):
        names = signature(call).parameters
        for name in names:
            if name in (argument, f"{argument}_s", f"{argument}_q"):
                given = {key: known[key] for key in names}
                given[name] = change(given[name])
                with pytest.raises(error, match=message):
                    call(**given)
                found += 1
    assert found


@pytest.mark.parametrize(
    ("theta_axes", "x_axes", "y_axes"),
    [((3,), (), ()), ((), (46,), ()), ((), (), (46,))],
    ids=["theta", "X", "Y"],
)
def test_hessian_takes_one_task(theta_axes, x_axes, y_axes):
    net, theta, *_, X, Y = setting("two layers, tanh, squared_error")
    message = r"theta, X and Y have leading axes \(\d+,\), but hessian takes one task"
    with pytest.raises(ValueError, match=message):
        hessian(
            net,
            np.broadcast_to(theta, (*theta_axes, *theta.shape)),
            np.broadcast_to(X, (*x_axes, *X.shape)),
            np.broadcast_to(Y, (*y_axes, *Y.shape)),
        )


def test_meta_gradient_takes_one_alpha():
    net, theta, _, alpha, batch, *_ = setting("two layers, tanh, squared_error")
    message = r"theta has shape \(46,\) and alpha \(3, 46\), .* one alpha \(P,\)"
    with pytest.raises(ValueError, match=message):
        meta_gradient(net, theta, np.stack([alpha] * 3), batch)

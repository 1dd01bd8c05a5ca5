"""A network of any depth: the two-layer net at two layers, the complex step at more."""

from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from conftest import (
    ACTIVATIONS,
    LOSSES,
    N_Q,
    N_S,
    PHI,
    D,
    H,
    O,
    T,
    assert_blocks_close,
    assert_close,
    examples,
    fractions,
    make_net,
    plain_output_loss,
)

from metasgd_np import (
    Adam,
    DeepNet,
    MetaSGD,
    Sinusoids,
    TaskBatch,
    TwoLayerNet,
    adapt,
    agreement,
    check_gradient,
    check_hvp,
    check_meta_gradient,
    evaluate,
    hessian,
    hvp,
    meta_gradient,
    train,
)
from metasgd_np.checkpoints import Checkpoint, save
from metasgd_np.losses import Loss

pytestmark = pytest.mark.filterwarnings("error")

# No two of these, or of N_S = 8, N_Q = 9 and T = 5, are equal, with a bias or without
DEEP = {3: (D, H, 10, O), 4: (D, H, 10, 12, O)}
TINY = 1e-30  # the complex step

every_net = pytest.mark.parametrize(
    ("activation", "loss"), [(a, b) for a in ACTIVATIONS for b in LOSSES]
)
every_depth = pytest.mark.parametrize("depth", DEEP)
one_and_many = pytest.mark.parametrize("axes", [(), (T,)])


def setting(net, seed=0):
    """θ of std 1, α of std 0.3 and both signs, and a batch of tasks for `net`.

    Where φ has no bound, θ is normalized by √(fan-in) and α is smaller: layers upon
    layers of the square, of degree 15 at four, soon diverge.
    """
    rng = np.random.default_rng(seed)
    theta, alpha = rng.standard_normal((2, net.n_params)) * [[1], [0.3]]
    if net.activation_name not in ("tanh", "sigmoid"):
        scale = 2 if net.activation_name == "square" else 1
        theta = net.pack(*(W / np.sqrt(len(W)) / scale for W in net.unpack(theta)))
        alpha = alpha / (10 if net.activation_name == "square" else 3)
    batch = TaskBatch(*examples(rng, net, T, N_S), *examples(rng, net, T, N_Q))
    return theta, alpha, batch


def moved(x):
    """x (P,) a complex step along each entry: (P, 1, P), beside the axis of T tasks."""
    return x + 1j * TINY * np.eye(len(x))[:, None]


def plain_blocks(sizes, theta):
    """(W1, b1), (W2, b2), …, cut from θ (..., P) one after another."""
    layers, end = [], 0
    for fan_in, fan_out in pairwise(sizes):
        start, split, end = end, end + fan_in * fan_out, end + (fan_in + 1) * fan_out
        W = theta[..., start:split].reshape(*theta.shape[:-1], fan_in, fan_out)
        layers.append((W, theta[..., None, split:end]))
    return layers


def plain_forward(net, theta, X):
    """F (..., N, O), with separate biases, written apart from the package."""
    *hidden, (W, b) = plain_blocks(net.sizes, theta)
    for W_i, b_i in hidden:
        X = PHI[net.activation_name](X @ W_i + b_i)
    return X @ W + b


def plain_loss(net, theta, X, Y):
    """The loss of one task at one θ (P,)."""
    return plain_output_loss(net.loss_name, plain_forward(net, theta, X), Y)


def gradient_by_complex_step(net, theta, X, Y):
    """∂L/∂θ (P,) of one task by the complex step of plain_loss."""
    steps = 1j * TINY * np.eye(net.n_params)
    return np.array([plain_loss(net, theta + s, X, Y).imag / TINY for s in steps])


# At two layers it is the two-layer net


def both_nets(activation, loss):
    two = make_net(activation, loss)
    return two, DeepNet((D, H, O), activation, loss)


@one_and_many
@every_net
def test_two_layers_are_the_two_layer_net(activation, loss, axes):
    two, deep = both_nets(activation, loss)
    rng = np.random.default_rng(0)
    theta, v = rng.standard_normal((2, *axes, two.n_params))
    X, Y = examples(rng, two, *axes, N_S)
    assert_close(deep.forward(theta, X), two.forward(theta, X), 1e-14)
    assert_close(deep.loss(theta, X, Y), two.loss(theta, X, Y), 1e-14)
    expected = two.gradient(theta, X, Y)
    assert_blocks_close(two, deep.gradient(theta, X, Y), expected, 1e-14)
    expected = hvp(two, theta, X, Y, v)
    assert_blocks_close(two, hvp(deep, theta, X, Y, v), expected, 1e-14)


@pytest.mark.parametrize(("steps", "order"), [(0, 2), (1, 1), (1, 2), (3, 1), (3, 2)])
@every_net
def test_two_layers_have_its_meta_gradient(activation, loss, steps, order):
    two, deep = both_nets(activation, loss)
    theta, alpha, batch = setting(two)
    got = meta_gradient(deep, theta, alpha, batch, steps, order)
    expected = meta_gradient(two, theta, alpha, batch, steps, order)
    assert_close(got.loss, expected.loss, 1e-14)
    assert_blocks_close(two, got.d_theta, expected.d_theta, 1e-14)
    assert_blocks_close(two, got.d_alpha, expected.d_alpha, 1e-14)


def test_two_layers_start_and_are_cut_as_the_two_layer_net_is():
    two, deep = both_nets("tanh", "squared_error")
    assert (deep.n_params, deep.shapes) == (two.n_params, two.shapes)
    assert (deep.n_in, deep.n_hidden, deep.n_out) == (D, H, O)
    theta, same = (net.init(np.random.default_rng(1)) for net in (two, deep))
    np.testing.assert_array_equal(theta, same)


# Parameters


@pytest.mark.parametrize("axes", [(), (T,), (3, T)])
@every_depth
def test_blocks_and_matrices_are_views_of_one_vector(depth, axes):
    net = DeepNet(DEEP[depth])
    theta = np.random.default_rng(0).standard_normal((*axes, net.n_params))
    blocks, matrices = net.blocks(theta), net.unpack(theta)
    names = [f"{kind}{i}" for i in range(1, depth + 1) for kind in "Wb"]
    assert list(blocks) == names
    assert tuple(W.shape[len(axes) :] for W in matrices) == net.shapes
    for i, (W, b) in enumerate(plain_blocks(net.sizes, theta), start=1):
        np.testing.assert_array_equal(blocks[f"W{i}"], W)
        np.testing.assert_array_equal(blocks[f"b{i}"], b[..., 0, :])
    for view in (*matrices, *blocks.values()):
        assert np.shares_memory(view, theta)
    np.testing.assert_array_equal(net.pack(*matrices), theta)


def test_init_scales_every_layer_by_its_fan_in():
    net, rng = DeepNet((2, 3, 5, 4)), np.random.default_rng(0)
    blocks = net.blocks(np.stack([net.init(rng) for _ in range(4000)]))
    for i, fan_in in enumerate((2, 3, 5), start=1):
        np.testing.assert_allclose(blocks[f"W{i}"].var(0) * fan_in, 1, atol=0.15)
        assert not blocks[f"b{i}"].any()


def test_repr_rebuilds_the_network():
    net = DeepNet([2, np.int64(3), 5, 4], "relu", "softmax_cross_entropy")
    told = "DeepNet((2, 3, 5, 4), activation='relu', loss='softmax_cross_entropy')"
    assert repr(net) == repr(eval(repr(net))) == told
    assert (net.n_in, net.n_hidden, net.n_out) == (2, 5, 4)


# The ladder at three and four layers


@every_depth
@every_net
def test_gradient_agrees_with_the_complex_step(activation, loss, depth):
    net = DeepNet(DEEP[depth], activation, loss)
    theta, _, batch = setting(net)
    X, Y = batch.X_s[0], batch.Y_s[0]
    assert_close(net.forward(theta, X), plain_forward(net, theta, X), 1e-13)
    assert_close(net.loss(theta, X, Y), plain_loss(net, theta, X, Y), 1e-13)
    expected = gradient_by_complex_step(net, theta, X, Y)
    assert_blocks_close(net, net.gradient(theta, X, Y), expected, 1e-12)


@every_depth
@every_net
def test_hvp_agrees_with_the_complex_step(activation, loss, depth):
    net = DeepNet(DEEP[depth], activation, loss)
    theta, _, batch = setting(net)
    X, Y = batch.X_s[0], batch.Y_s[0]
    v = np.random.default_rng(1).standard_normal(net.n_params)
    expected = net.gradient(theta + 1j * TINY * v, X, Y).imag / TINY
    assert_blocks_close(net, hvp(net, theta, X, Y, v), expected, 1e-12)

    matrix = hessian(net, theta, X, Y)
    by_steps = net.gradient(moved(theta)[:, 0], X, Y).imag / TINY
    assert_close(matrix, by_steps, 1e-12)
    assert_close(matrix, matrix.T, 1e-12)


@pytest.mark.parametrize("steps", [1, 3])
@every_depth
@every_net
def test_meta_gradient_agrees_with_the_complex_step(activation, loss, depth, steps):
    net = DeepNet(DEEP[depth], activation, loss)
    theta, alpha, batch = setting(net)

    def meta_losses(theta, alpha):
        path = adapt(net, theta, alpha, batch.X_s, batch.Y_s, steps)
        return net.loss(path[-1], batch.X_q, batch.Y_q).mean(-1)

    got = meta_gradient(net, theta, alpha, batch, steps)
    assert_close(got.loss, meta_losses(theta, alpha), 1e-12)
    d_theta = meta_losses(moved(theta), alpha).imag / TINY  # (P,)
    d_alpha = meta_losses(theta, moved(alpha)).imag / TINY  # (P,)
    assert_blocks_close(net, got.d_theta, d_theta, 1e-12)
    assert_blocks_close(net, got.d_alpha, d_alpha, 1e-12)


@pytest.mark.parametrize("steps", [1, 3])
@every_depth
@every_net
def test_order_1_takes_the_query_gradient_at_the_last_step(
    activation, loss, depth, steps
):
    net = DeepNet(DEEP[depth], activation, loss)
    theta, alpha, batch = setting(net)
    d_theta = d_alpha = 0
    for X_s, Y_s, X_q, Y_q in zip(
        batch.X_s, batch.Y_s, batch.X_q, batch.Y_q, strict=True
    ):
        path = adapt(net, theta, alpha, X_s, Y_s, steps)
        lam = gradient_by_complex_step(net, path[-1], X_q, Y_q)
        d_theta = d_theta + lam / T
        for before, after in pairwise(path):
            g = gradient_by_complex_step(net, before, X_s, Y_s)
            assert_blocks_close(net, after, before - alpha * g, 1e-12)
            d_alpha = d_alpha - g * lam / T

    got = meta_gradient(net, theta, alpha, batch, steps, order=1)
    assert_blocks_close(net, got.d_theta, d_theta, 1e-12)
    assert_blocks_close(net, got.d_alpha, d_alpha, 1e-12)


@one_and_many
@every_depth
def test_tasks_agree_with_one_at_a_time(depth, axes):
    net = DeepNet(DEEP[depth], "sigmoid", "softmax_cross_entropy")
    rng = np.random.default_rng(0)
    theta, v = rng.standard_normal((2, *axes, net.n_params))
    X, Y = examples(rng, net, T, N_S)
    gradient, product = net.gradient(theta, X, Y), hvp(net, theta, X, Y, v)
    assert gradient.shape == product.shape == (T, net.n_params)
    thetas, vs = (np.broadcast_to(a, (T, net.n_params)) for a in (theta, v))
    for t in range(T):
        one = net.gradient(thetas[t], X[t], Y[t])
        assert_blocks_close(net, gradient[t], one, 1e-13)
        one = hvp(net, thetas[t], X[t], Y[t], vs[t])
        assert_blocks_close(net, product[t], one, 1e-13)


def test_every_array_of_the_passes_is_kept_by_its_layer():
    net = DeepNet(DEEP[3])
    theta, v, batch = setting(net)
    p = net.backward_pass(theta, batch.X_s, batch.Y_s)
    moving = net.backward_pass(theta + 1j * TINY * v, batch.X_s, batch.Y_s)
    t = net.tangent_pass(p, v)
    assert p.F is p.Z[3]
    assert list(p.W) == [1, 2, 3]
    for name, layers in (("Z", 3), ("dZ", 3), ("H", 2), ("dH", 2)):
        kept = getattr(t, f"{name}_dot")
        assert sorted(kept) == list(range(1, layers + 1))
        for i, tangent in kept.items():
            assert_close(tangent, getattr(moving, name)[i].imag / TINY, 1e-12)
    for i in (1, 2):
        assert_close(t.phi2[i] * t.Z_dot[i], moving.phi1[i].imag / TINY, 1e-12)


# Without a hidden layer it is linear


@pytest.mark.parametrize("loss", LOSSES)
def test_one_layer_is_linear_regression_or_logistic(loss):
    net = DeepNet((D, O), "tanh", loss)
    theta, alpha, batch = setting(net)
    X, Y = batch.X_s[0], batch.Y_s[0]
    blocks = net.blocks(theta)
    assert list(blocks) == ["W1", "b1"]
    assert net.n_hidden == O
    assert_close(net.forward(theta, X), X @ blocks["W1"] + blocks["b1"], 1e-14)
    expected = gradient_by_complex_step(net, theta, X, Y)
    assert_blocks_close(net, net.gradient(theta, X, Y), expected, 1e-12)
    check_hvp(net, theta, X, Y).assert_ok()
    check_meta_gradient(net, theta, alpha, batch, 2).assert_ok()


# Exact numbers


@dataclass(frozen=True)
class Dual:
    """value + slope ε with ε² = 0, for exact derivatives; may itself hold Duals."""

    value: Any
    slope: Any

    def __add__(self, other):
        if isinstance(other, Dual):
            return Dual(self.value + other.value, self.slope + other.slope)
        return Dual(self.value + other, self.slope)

    def __mul__(self, other):
        if isinstance(other, Dual):
            slope = self.value * other.slope + self.slope * other.value
            return Dual(self.value * other.value, slope)
        return Dual(self.value * other, self.slope * other)

    __radd__, __rmul__ = __add__, __mul__

    def __sub__(self, other):
        return self + other * -1

    def __truediv__(self, number):
        return self * Fraction(1, number)

    def __pow__(self, two):
        return self * self


def along(x, v):
    """x + ε v, entry by entry."""
    return np.array([Dual(*pair) for pair in zip(x, v, strict=True)])


def dual_gradient(net, theta, X, Y):
    """∂L/∂θ (P,) of plain_loss by Duals; the entries of θ may be Duals too."""
    unit = np.eye(len(theta), dtype=object)
    return np.array([plain_loss(net, along(theta, e), X, Y).slope for e in unit])


def exact_setting():
    """A net of three layers, and fractions θ (P,), α (P,), X_s, Y_s, X_q, Y_q."""
    rng = np.random.default_rng(0)
    net = DeepNet((1, 3, 2, 2), "square")
    theta, alpha = fractions(rng, net.n_params), fractions(rng, net.n_params) / 30
    shapes = (3, 1), (3, 2), (4, 1), (4, 2)
    return net, rng, theta, alpha, *(fractions(rng, *shape) for shape in shapes)


def test_gradient_and_hvp_are_exact_in_fractions():
    net, rng, theta, _, X, Y, *_ = exact_setting()
    v = fractions(rng, net.n_params)
    gradient, product = net.gradient(theta, X, Y), hvp(net, theta, X, Y, v)
    assert net.loss(theta, X, Y) == plain_loss(net, theta, X, Y)
    exact = dual_gradient(net, along(theta, v), X, Y)
    assert gradient.tolist() == [entry.value for entry in exact]
    assert product.tolist() == [entry.slope for entry in exact]
    assert all(isinstance(entry, Fraction) for entry in (*gradient, *product))


@pytest.mark.parametrize("steps", [1, 2])
def test_meta_gradient_is_exact_in_fractions(steps):
    net, rng, theta, alpha, X_s, Y_s, X_q, Y_q = exact_setting()
    batch = TaskBatch(X_s[None], Y_s[None], X_q[None], Y_q[None])
    got = meta_gradient(net, theta, alpha, batch, steps)
    zeros = np.zeros_like(theta)
    for block in net.blocks(theta):  # along a direction in each block of θ and of α
        u = zeros.copy()
        net.blocks(u)[block][...] = fractions(rng, *net.blocks(u)[block].shape)
        for d_theta, d_alpha in ((u, zeros), (zeros, u)):
            moving, rates = along(theta, d_theta), along(alpha, d_alpha)
            for _ in range(steps):
                moving = moving - rates * dual_gradient(net, moving, X_s, Y_s)
            exact = plain_loss(net, moving, X_q, Y_q)
            assert got.loss == exact.value
            assert got.d_theta @ d_theta + got.d_alpha @ d_alpha == exact.slope


@pytest.mark.parametrize("order", [1, 2])
@every_net
def test_float32_stays(activation, loss, order):
    net = DeepNet(DEEP[3], activation, loss)
    theta, alpha, batch = setting(net)
    arrays = batch.X_s, batch.Y_s, batch.X_q, batch.Y_q
    X_s, Y_s, X_q, Y_q = (a.astype("f4") if a.dtype == float else a for a in arrays)
    single = theta.astype("f4"), alpha.astype("f4")
    got = meta_gradient(net, *single, TaskBatch(X_s, Y_s, X_q, Y_q), 2, order)
    exact = meta_gradient(net, theta, alpha, batch, 2, order)
    assert got.loss.dtype == got.d_theta.dtype == got.d_alpha.dtype == "float32"
    assert hvp(net, single[0], X_s, Y_s, single[1]).dtype == "float32"
    assert_close(got.d_theta, exact.d_theta, 1e-3)


@every_net
def test_inputs_are_not_edited(activation, loss):
    net = DeepNet(DEEP[4], activation, loss)
    theta, alpha, batch = setting(net)
    arrays = theta, alpha, batch.X_s, batch.Y_s, batch.X_q, batch.Y_q
    copies = [array.copy() for array in arrays]
    meta_gradient(net, theta, alpha, batch, 2)
    for array, before in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, before)


# Wherever a two-layer net goes


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_checks_name_every_block(activation):
    net = DeepNet((2, 6, 3, 4), activation)
    theta, alpha, batch = setting(net)
    X, Y = batch.X_s[0], batch.Y_s[0]
    names = ["W1", "b1", "W2", "b2", "W3", "b3"]
    for report in (
        check_gradient(net, theta, X, Y),
        check_hvp(net, theta, X, Y),
        check_meta_gradient(net, theta, alpha, batch, 2),
    ):
        report.assert_ok()
        assert list(dict.fromkeys(row.block for row in report.rows)) == [*names, "all"]


def test_the_checks_point_at_the_layer_that_is_wrong():
    net = DeepNet((2, 6, 3, 4))
    theta, _, batch = setting(net)
    X, Y = batch.X_s[0], batch.Y_s[0]
    wrong = net.gradient(theta, X, Y)
    net.blocks(wrong)["W2"][4, 1] *= 1.001
    report = check_gradient(net, theta, X, Y, claimed=wrong)
    assert {row.block for row in report.wrong} == {"W2", "all"}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("sizes", [(2, 6, 4), (2, 3, 6, 4), (2, 3, 6, 5, 4)])
def test_all_roads_agree(sizes, loss):
    net = DeepNet(sizes, "tanh", loss)
    agreement(net, *setting(net), 2).assert_ok()


@pytest.mark.filterwarnings("default")
def test_it_trains_saves_and_resumes(tmp_path):
    arguments = MetaSGD(DeepNet((1, 8, 6, 1), "relu")), Sinusoids(), Adam(0.01)
    settings = {"iterations": 300, "meta_batch": 5, "progress": False}
    states = []
    whole = train(*arguments, **settings, after_block=states.append)
    assert whole.history[-1] < whole.history[0]
    assert "DeepNet((1, 8, 6, 1)" in whole.settings["learner"]

    path = tmp_path / "run.npz"
    save(path, states[1])
    with Checkpoint(path, resume=True) as run:
        resumed = train(*arguments, **settings, start_from=run.latest)
    assert resumed.w.tobytes() == whole.w.tobytes()

    rng = np.random.default_rng(0)
    found = evaluate(arguments[0], whole.w, Sinusoids(), rng, shots=10, n_tasks=20)
    assert found.mean[1] < found.mean[0]


@pytest.mark.parametrize(
    "net", [TwoLayerNet(D, H, O), DeepNet(DEEP[3])], ids=["two layers", "deep"]
)
def test_a_copy_may_carry_another_loss(net):
    weights = np.linspace(0.5, 2, N_S)[:, None]  # (N, 1), one an example
    weighted = Loss(
        lambda F, Y: (weights * (F - Y) ** 2).sum((-2, -1)),
        lambda F, Y: 2 * weights * (F - Y),
        lambda F, Y, F_dot: 2 * weights * F_dot,
        net.loss_function.check_targets,
    )
    other = copy(net)
    other.loss_function = weighted
    theta, alpha, batch = setting(net)
    support = batch.X_s, batch.Y_s
    batch = TaskBatch(*support, batch.X_s + 1, batch.Y_s)
    X, Y = batch.X_s[0], batch.Y_s[0]
    expected = (weights * (net.forward(theta, X) - Y) ** 2).sum()
    assert_close(other.loss(theta, X, Y), expected, 1e-14)
    check_gradient(other, theta, X, Y).assert_ok()
    check_hvp(other, theta, X, Y).assert_ok()
    check_meta_gradient(other, theta, alpha / 30, batch, 2).assert_ok()
    assert net.loss(theta, X, Y) != other.loss(theta, X, Y)


# What goes wrong


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        ((), ValueError, r"sizes is \(\), but .*; pass \(D, H1, …, O\), such as"),
        ((3,), ValueError, r"sizes is \(3,\), but a network has at least inputs and"),
        (3, TypeError, r"sizes is 3, but it must be .*; pass \(D, H1, …, O\), such"),
        ("234", TypeError, "sizes is '234', but it must be"),
        ((2, 3.0, 4), TypeError, r"sizes\[1\] is 3\.0, but it must be a whole number"),
        ((2, 3, "4"), TypeError, r"sizes\[2\] is '4', but it must be a whole number"),
        ((True, 3, 4), TypeError, r"sizes\[0\] is True, but it must be a whole number"),
        ((2, 0, 4), ValueError, r"sizes\[1\] is 0, but it must be 1 or more"),
        ((2, 3, -4), ValueError, r"sizes\[2\] is -4, but it must be 1 or more"),
    ],
)
def test_sizes_must_be_whole_numbers_and_enough(sizes, error, message):
    with pytest.raises(error, match=message):
        DeepNet(sizes)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"activation": "gelu"}, "no activation called 'gelu'; .*: tanh, sigmoid"),
        ({"loss": "mse"}, "no loss called 'mse'; choose one of: squared_error, sig"),
    ],
)
def test_unknown_names_list_the_choices(names, message):
    with pytest.raises(ValueError, match=message):
        DeepNet((2, 3, 4, 5), **names)


def test_bad_arguments_are_named():
    net = DeepNet(DEEP[3])
    theta, _, batch = setting(net)
    X, Y = batch.X_s[0], batch.Y_s[0]
    for call in (net.loss, net.gradient, lambda *args: hvp(net, *args, theta)):
        with pytest.raises(ValueError, match=r"theta has shape \(131,\), .* P = 132 "):
            call(theta[1:], X, Y)
        with pytest.raises(ValueError, match=r"X has shape \(8, 1\), .* D = 2"):
            call(theta, X[:, :1], Y)
        with pytest.raises(ValueError, match=r"Y has shape \(8, 1\), .* 8, 4\)"):
            call(theta, X, Y[:, :1])
    with pytest.raises(ValueError, match=r"theta has shape \(131,\).* P = 132"):
        net.blocks(theta[1:])
    with pytest.raises(ValueError, match=r"X has shape \(8, 1\), .* D = 2"):
        net.forward(theta, X[:, :1])

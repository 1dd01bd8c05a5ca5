"""The Hessian times a vector: the second rung of the ladder."""

from fractions import Fraction

import numpy as np
import pytest
import sympy
from conftest import (
    ACTIVATIONS,
    LOSSES,
    N_S,
    D,
    T,
    assert_blocks_close,
    assert_close,
    complex_step,
    evaluate,
    examples,
    fractions,
    make_net,
    plain_loss,
    variables,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from metasgd_np import TwoLayerNet, hessian, hvp

pytestmark = pytest.mark.filterwarnings("error")

every_net = pytest.mark.parametrize(
    ("activation", "loss"), [(a, b) for a in ACTIVATIONS for b in LOSSES]
)


def setting(activation="tanh", loss="squared_error", seed=0):
    """A net, θ and a direction v of std 1, and one task's X and Y."""
    rng = np.random.default_rng(seed)
    net = make_net(activation, loss)
    theta, v = rng.standard_normal((2, net.n_params))
    return net, theta, *examples(rng, net, N_S), v


@every_net
def test_hvp_agrees_with_the_complex_step(activation, loss):
    net, theta, X, Y, v = setting(activation, loss)
    expected = net.gradient(theta + 1e-30j * v, X, Y).imag / 1e-30
    assert_blocks_close(net, hvp(net, theta, X, Y, v), expected, 1e-12)


@every_net
def test_hvp_agrees_with_differences_of_a_plain_gradient(activation, loss):
    net, theta, X, Y, v = setting(activation, loss)

    def gradient(t):
        return complex_step(lambda u: plain_loss(net, u, X, Y), t)

    h = 1e-5
    expected = (gradient(theta + h * v) - gradient(theta - h * v)) / (2 * h)
    assert_blocks_close(net, hvp(net, theta, X, Y, v), expected, 1e-7)


@pytest.mark.parametrize("block", ["W1", "b1", "W2", "b2"])
@every_net
def test_hvp_along_one_block_alone(activation, loss, block):
    net, theta, X, Y, v = setting(activation, loss)
    only = np.zeros_like(v)
    net.blocks(only)[block][...] = net.blocks(v)[block]
    expected = net.gradient(theta + 1e-30j * only, X, Y).imag / 1e-30
    assert_blocks_close(net, hvp(net, theta, X, Y, only), expected, 1e-12)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(*[st.integers(1, 4)] * 5, st.sampled_from(ACTIVATIONS), st.sampled_from(LOSSES))
def test_hvp_of_any_size_down_to_one(t, n, d, h, o, activation, loss):
    rng = np.random.default_rng(0)
    net = TwoLayerNet(d, h, o, activation, loss)
    theta, v = rng.standard_normal((2, net.n_params))
    X, Y = examples(rng, net, t, n)
    product = hvp(net, theta, X, Y, v)
    for i in range(t):
        expected = net.gradient(theta + 1e-30j * v, X[i], Y[i]).imag / 1e-30
        np.testing.assert_allclose(product[i], expected, 1e-11, 1e-13)


@every_net
def test_hessian_is_the_stacked_complex_step_and_symmetric(activation, loss):
    net, theta, X, Y, v = setting(activation, loss)
    matrix = hessian(net, theta, X, Y)
    expected = complex_step(lambda t: net.gradient(t, X, Y), theta)
    assert matrix.shape == (net.n_params, net.n_params)
    assert_close(matrix, expected, 1e-12)
    assert_close(matrix, matrix.T, 1e-13)
    assert_close(matrix @ v, hvp(net, theta, X, Y, v), 1e-13)


# Exact numbers


def test_pencil_and_paper():
    # z = 2, h = 4, f = 7, df = 8, dh = 16 as in test_network; v = e1, so
    # ż = 2,  ḣ = 2z·ż = 8,  ḟ = 2·8 = 16,  dḟ = 2·16 = 32:  dẇ2 = 8·8 + 4·32, dḃ2 = 32
    # dḣ = 32·2 = 64,  dż = 64·2z + 16·2·2 = 320:  dẇ1 = 320·2, dḃ1 = 320
    net = TwoLayerNet(1, 1, 1, "square")
    theta = np.array([Fraction(1, 2), 1, 2, -1], dtype=object)
    product = hvp(net, theta, [[2]], [[3]], [1, 0, 0, 0])
    assert product.tolist() == [640, 320, 192, 32]
    assert all(isinstance(entry, Fraction | int) for entry in product)


@pytest.mark.parametrize("integers", [False, True])
def test_hessian_agrees_with_sympy_exactly(integers):
    rng = np.random.default_rng(0)
    net = TwoLayerNet(1, 3, 2, "square")
    theta, X, Y = (
        fractions(rng, net.n_params),
        fractions(rng, 4, 1),
        fractions(rng, 4, 2),
    )
    if integers:  # beside fractions they stay exact
        X, Y = rng.integers(-9, 9, (4, 1)), rng.integers(-9, 9, (4, 2))
    x = variables(net.n_params)
    L = plain_loss(net, x, X, Y)

    rows = hessian(net, theta, X, Y).tolist()
    assert rows == [[evaluate(L.diff(a).diff(b), theta) for b in x] for a in x]
    assert all(isinstance(entry, Fraction) for entry in rows[0])


def test_symbols_pass_through():
    net = TwoLayerNet(1, 1, 2, "square")
    rng = np.random.default_rng(0)
    theta, v = np.array(sympy.symbols(f"t:{2 * net.n_params}")).reshape(2, -1)
    X, Y = fractions(rng, 2, 1), fractions(rng, 2, 2)
    L = plain_loss(net, theta, X, Y)
    along = sum(vi * sympy.diff(L, t) for vi, t in zip(v, theta, strict=True))
    for got, t in zip(hvp(net, theta, X, Y, v), theta, strict=True):
        assert sympy.expand(got - sympy.diff(along, t)) == 0


@every_net
def test_float32_stays(activation, loss):
    net, *arrays = setting(activation, loss)
    single = [a.astype("float32") if a.dtype == float else a for a in arrays]
    product = hvp(net, *single)
    assert product.dtype == "float32"
    assert hessian(net, *single[:-1]).dtype == "float32"
    assert_close(product, hvp(net, *arrays), 1e-4)


def test_integers_are_converted_never_cut():
    rng = np.random.default_rng(0)
    net = make_net("sigmoid")
    theta, v = rng.integers(-2, 3, (2, net.n_params))
    X, Y = rng.integers(0, 3, (N_S, D)), rng.integers(0, 3, (N_S, net.n_out))
    exact = hvp(net, theta * 1.0, X * 1.0, Y * 1.0, v * 1.0)
    assert_close(hvp(net, theta, X, Y, v), exact, 1e-14)
    assert_close(
        hvp(net, theta.tolist(), X.tolist(), Y.tolist(), v.tolist()), exact, 1e-14
    )


@pytest.mark.parametrize("loss", LOSSES)
def test_logits_of_a_thousand_stay_finite(loss):
    net, theta, X, Y, v = setting("identity", loss)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert np.isfinite(hvp(net, 1000 * theta, 1000 * X, Y, v)).all()


@every_net
def test_inputs_are_not_edited(activation, loss):
    net, *arrays = setting(activation, loss)
    copies = [array.copy() for array in arrays]
    hvp(net, *arrays)
    hessian(net, *arrays[:-1])
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


# Tasks in front


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("theta_axes", "x_axes", "y_axes", "v_axes"),
    [
        ((T,), (T,), (T,), (T,)),
        ((), (T,), (T,), ()),
        ((T,), (), (), ()),
        ((), (), (), (T,)),
        ((), (T,), (T,), (T,)),
        ((3, T), (3, T), (3, T), (3, T)),
        ((T,), (3, 1), (3, 1), ()),
        ((), (), (T,), ()),
    ],
)
def test_tasks_agree_with_one_at_a_time(loss, theta_axes, x_axes, y_axes, v_axes):
    rng = np.random.default_rng(0)
    net = make_net("tanh", loss)
    theta = rng.standard_normal((*theta_axes, net.n_params))
    v = rng.standard_normal((*v_axes, net.n_params))
    X, _ = examples(rng, net, *x_axes, N_S)
    _, Y = examples(rng, net, *y_axes, N_S)

    axes = np.broadcast_shapes(theta_axes, x_axes, y_axes, v_axes)
    thetas = np.broadcast_to(theta, (*axes, net.n_params))
    vs = np.broadcast_to(v, (*axes, net.n_params))
    Xs = np.broadcast_to(X, (*axes, N_S, D))
    Ys = np.broadcast_to(Y, (*axes, *Y.shape[len(y_axes) :]))

    products = hvp(net, theta, X, Y, v)
    assert products.shape == thetas.shape
    for i in np.ndindex(*axes):
        assert_close(products[i], hvp(net, thetas[i], Xs[i], Ys[i], vs[i]), 1e-13)


# What goes wrong


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"v": np.ones(45)}, ValueError, r"v has shape \(45,\), .* P = 46 "),
        ({"v": np.full(46, np.inf)}, ValueError, r"v holds inf at index \(0,\)"),
        ({"v": ["1"] * 46}, TypeError, "v has dtype <U1, .* must hold numbers"),
        ({"v": np.ones((3, 46))}, ValueError, r"X \(5,\) and Y \(5,\) and v \(3,\);"),
        ({"v": np.ones((3, 46)), "X": np.ones((8, 2))}, ValueError, "disagree"),
        ({"theta": np.ones(45)}, ValueError, r"theta has shape \(45,\), .* P = 46 "),
        ({"theta": np.ones((3, 46))}, ValueError, r"disagree: theta \(3,\) and X"),
        ({"X": np.ones((5, 8, 3))}, ValueError, r"X has shape \(5, 8, 3\), .* D = 2"),
        ({"Y": np.ones((5, 8, 1))}, ValueError, r"Y has shape \(5, 8, 1\), .* 8, 4\)"),
    ],
)
def test_bad_arguments_are_named(change, error, message):
    given = {
        "theta": np.ones(46),
        "X": np.ones((5, N_S, D)),
        "Y": np.ones((5, N_S, 4)),
        "v": np.ones(46),
    }
    with pytest.raises(error, match=message):
        hvp(make_net(), **given | change)


@pytest.mark.parametrize(
    ("theta_axes", "x_axes", "y_axes"),
    [((3,), (), ()), ((), (46,), ()), ((), (), (46,))],
)
def test_hessian_takes_one_task(theta_axes, x_axes, y_axes):
    rng = np.random.default_rng(0)
    net = make_net()
    X, _ = examples(rng, net, *x_axes, N_S)
    _, Y = examples(rng, net, *y_axes, N_S)
    message = r"theta, X and Y have axes in front, \(\d+,\), but hessian takes one task"
    with pytest.raises(ValueError, match=message):
        hessian(net, np.ones((*theta_axes, net.n_params)), X, Y)

"""The network, its loss and its gradient, block by block."""

from fractions import Fraction

import numpy as np
import pytest
import sympy
from conftest import (
    ACTIVATIONS,
    LOSSES,
    N_S,
    D,
    H,
    O,
    T,
    assert_blocks_close,
    assert_close,
    central_difference,
    complex_step,
    evaluate,
    examples,
    fractions,
    make_net,
    plain_forward,
    plain_loss,
    variables,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from metasgd_np import TwoLayerNet

pytestmark = pytest.mark.filterwarnings("error")

every_net = pytest.mark.parametrize(
    ("activation", "loss"), [(a, b) for a in ACTIVATIONS for b in LOSSES]
)


def setting(activation="tanh", loss="squared_error", seed=0):
    """A net, θ of std 1 and one task's X and Y."""
    rng = np.random.default_rng(seed)
    net = make_net(activation, loss)
    return net, rng.standard_normal(net.n_params), *examples(rng, net, N_S)


# Parameters: one vector, two folded matrices, four blocks


def test_blocks_follow_one_another_row_by_row():
    net = TwoLayerNet(2, 3, 4)
    blocks = net.blocks(np.arange(25.0))
    assert net.n_params == 25
    assert list(blocks) == ["W1", "b1", "W2", "b2"]
    assert blocks["W1"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert blocks["b1"].tolist() == [6, 7, 8]
    assert blocks["W2"].tolist() == [
        [9, 10, 11, 12],
        [13, 14, 15, 16],
        [17, 18, 19, 20],
    ]
    assert blocks["b2"].tolist() == [21, 22, 23, 24]


def test_unpack_gives_views_with_the_bias_in_the_last_row():
    net = make_net()
    theta = np.random.default_rng(0).standard_normal((T, net.n_params))
    W1, W2 = net.unpack(theta)
    blocks = net.blocks(theta)

    assert (W1.shape, W2.shape) == ((T, D + 1, H), (T, H + 1, O))
    assert net.shapes == ((D + 1, H), (H + 1, O))
    for view in (W1, W2, *blocks.values()):
        assert np.shares_memory(view, theta)
    for name, W in (("1", W1), ("2", W2)):
        np.testing.assert_array_equal(blocks["W" + name], W[:, :-1])
        np.testing.assert_array_equal(blocks["b" + name], W[:, -1])


@pytest.mark.parametrize("axes", [(), (T,), (3, T)])
def test_pack_undoes_unpack(axes):
    net = make_net()
    theta = np.random.default_rng(0).standard_normal((*axes, net.n_params))
    np.testing.assert_array_equal(net.pack(*net.unpack(theta)), theta)


def test_init_scales_by_fan_in_and_leaves_biases_zero():
    net, rng = TwoLayerNet(2, 3, 4), np.random.default_rng(0)
    blocks = net.blocks(np.stack([net.init(rng) for _ in range(4000)]))
    for W, fan_in in ((blocks["W1"], 2), (blocks["W2"], 3)):
        np.testing.assert_allclose(W.mean(0), 0, atol=0.05)
        np.testing.assert_allclose(W.var(0) * fan_in, 1, atol=0.1)
        assert len(np.unique(W)) == W.size
    assert not blocks["b1"].any()
    assert not blocks["b2"].any()


def test_init_depends_on_the_generator_alone():
    net = make_net()
    theta, same, other = (net.init(np.random.default_rng(s)) for s in (1, 1, 2))
    assert theta.shape == (net.n_params,)
    assert theta.dtype == np.float64
    np.testing.assert_array_equal(theta, same)
    assert (theta != other).any()


def test_repr_rebuilds_the_network():
    net = TwoLayerNet(2, 3, 4, "relu", "softmax_cross_entropy")
    rebuilt = eval(repr(net))
    assert rebuilt.shapes == ((3, 3), (4, 4))
    assert rebuilt.activation_name == "relu"
    assert rebuilt.loss_name == "softmax_cross_entropy"


def test_the_defaults_are_tanh_and_squared_error():
    net = TwoLayerNet(2, 3, 4)
    assert (net.activation_name, net.loss_name) == ("tanh", "squared_error")


# Forward and loss


@every_net
def test_forward_and_loss_agree_with_separate_biases(activation, loss):
    net, theta, X, Y = setting(activation, loss)
    assert_close(net.forward(theta, X), plain_forward(net, theta, X), 1e-14)
    assert_close(net.loss(theta, X, Y), plain_loss(net, theta, X, Y), 1e-14)


# Gradient: the first rung of the ladder


@every_net
def test_gradient_agrees_with_the_complex_step(activation, loss):
    net, theta, X, Y = setting(activation, loss)
    gradient = net.gradient(theta, X, Y)
    for oracle in (net.loss, lambda *args: plain_loss(net, *args)):
        expected = complex_step(lambda t, f=oracle: f(t, X, Y), theta)
        assert_blocks_close(net, gradient, expected, 1e-12)


@every_net
def test_gradient_agrees_with_central_differences(activation, loss):
    net, theta, X, Y = setting(activation, loss)
    expected = central_difference(lambda t: plain_loss(net, t, X, Y), theta)
    assert_blocks_close(net, net.gradient(theta, X, Y), expected, 1e-7)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(*[st.integers(1, 4)] * 5, st.sampled_from(ACTIVATIONS), st.sampled_from(LOSSES))
def test_gradient_of_any_size_down_to_one(t, n, d, h, o, activation, loss):
    rng = np.random.default_rng(0)
    net = TwoLayerNet(d, h, o, activation, loss)
    theta = rng.standard_normal(net.n_params)
    X, Y = examples(rng, net, t, n)
    gradient = net.gradient(theta, X, Y)
    for i in range(t):
        expected = complex_step(lambda u, i=i: plain_loss(net, u, X[i], Y[i]), theta)
        np.testing.assert_allclose(gradient[i], expected, 1e-11, 1e-14)


# Exact numbers


def test_pencil_and_paper():
    # z = ½·2 + 1 = 2,  h = z² = 4,  f = 2·4 − 1 = 7,  L = (7 − 3)² = 16
    # df = 8:  dw2 = 8·4, db2 = 8;  dz = 8·2·2z = 64:  dw1 = 64·2, db1 = 64
    net = TwoLayerNet(1, 1, 1, "square")
    theta = np.array([Fraction(1, 2), 1, 2, -1], dtype=object)
    X, Y = np.array([[2]]), np.array([[3]])
    assert net.forward(theta, X).tolist() == [[7]]
    assert net.loss(theta, X, Y) == 16
    assert net.gradient(theta, X, Y).tolist() == [128, 64, 32, 8]


@pytest.mark.parametrize("integers", [False, True])
def test_fractions_agree_with_sympy_exactly(integers):
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

    gradient = net.gradient(theta, X, Y)
    assert all(isinstance(entry, Fraction) for entry in gradient)
    assert net.loss(theta, X, Y) == evaluate(L, theta)
    assert gradient.tolist() == [evaluate(L.diff(xi), theta) for xi in x]


def test_symbols_pass_through():
    net = TwoLayerNet(1, 2, 2, "square")
    rng = np.random.default_rng(0)
    theta = np.array(sympy.symbols(f"t:{net.n_params}"))
    X, Y = fractions(rng, 3, 1), fractions(rng, 3, 2)
    gradient = net.gradient(theta, X, Y)
    L = plain_loss(net, theta, X, Y)
    for g, t in zip(gradient, theta, strict=True):
        assert sympy.expand(g - sympy.diff(L, t)) == 0


@every_net
def test_float32_stays(activation, loss):
    net, theta, X, Y = setting(activation, loss)
    single = [a.astype("float32") if a.dtype == float else a for a in (theta, X, Y)]
    assert net.forward(*single[:2]).dtype == "float32"
    assert net.loss(*single).dtype == "float32"
    assert net.gradient(*single).dtype == "float32"
    assert_close(net.gradient(*single), net.gradient(theta, X, Y), 1e-5)


@pytest.mark.parametrize("kind", [list, "int8", "uint8", "int64"])
@pytest.mark.parametrize("loss", LOSSES)
def test_integers_are_converted_never_cut(loss, kind):
    net = make_net("sigmoid", loss)
    rng = np.random.default_rng(0)
    theta = rng.integers(0, 3, net.n_params)
    X = rng.integers(0, 3, (N_S, D))
    Y = rng.integers(0, 2, N_S if loss == "softmax_cross_entropy" else (N_S, O))
    exact = net.gradient(theta.astype(float), X.astype(float), Y)

    given = [a.tolist() if kind is list else a.astype(kind) for a in (theta, X, Y)]
    assert_close(net.gradient(*given), exact, 1e-14)
    assert net.loss(*given) == net.loss(theta.astype(float), X.astype(float), Y)


@pytest.mark.parametrize("loss", LOSSES)
def test_logits_of_a_thousand_stay_finite(loss):
    net, theta, X, Y = setting("identity", loss)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        gradient = net.gradient(1000 * theta, 1000 * X, Y)
        assert np.isfinite(net.loss(1000 * theta, 1000 * X, Y))
    assert np.isfinite(gradient).all()


@every_net
def test_inputs_are_not_edited(activation, loss):
    net, *arrays = setting(activation, loss)
    copies = [array.copy() for array in arrays]
    for call in (net.loss, net.gradient):
        call(*arrays)
    net.forward(*arrays[:2])
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


# Tasks in front


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("theta_axes", "x_axes", "y_axes"),
    [
        ((T,), (T,), (T,)),
        ((), (T,), (T,)),
        ((T,), (), ()),
        ((), (), (T,)),
        ((3, T), (3, T), (3, T)),
        ((T,), (3, 1), (3, 1)),
    ],
)
def test_tasks_agree_with_one_at_a_time(loss, theta_axes, x_axes, y_axes):
    rng = np.random.default_rng(0)
    net = make_net("tanh", loss)
    theta = rng.standard_normal((*theta_axes, net.n_params))
    X, _ = examples(rng, net, *x_axes, N_S)
    _, Y = examples(rng, net, *y_axes, N_S)
    Y_shape = Y.shape[len(y_axes) :]

    axes = np.broadcast_shapes(theta_axes, x_axes, y_axes)
    F_axes = np.broadcast_shapes(theta_axes, x_axes)
    thetas = np.broadcast_to(theta, (*axes, net.n_params))
    Xs = np.broadcast_to(X, (*axes, N_S, D))
    Ys = np.broadcast_to(Y, (*axes, *Y_shape))

    F, L, g = net.forward(theta, X), net.loss(theta, X, Y), net.gradient(theta, X, Y)
    assert (F.shape, L.shape, g.shape) == ((*F_axes, N_S, O), axes, thetas.shape)
    F = np.broadcast_to(F, (*axes, N_S, O))
    for i in np.ndindex(*axes):
        assert_close(F[i], plain_forward(net, thetas[i], Xs[i]), 1e-14)
        assert_close(L[i], plain_loss(net, thetas[i], Xs[i], Ys[i]), 1e-14)
        assert_close(g[i], net.gradient(thetas[i], Xs[i], Ys[i]), 1e-13)


# What goes wrong


@pytest.mark.parametrize("name", ["n_in", "n_hidden", "n_out"])
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (0, ValueError, "is 0, but it must be 1 or more"),
        (-2, ValueError, "is -2, but it must be 1 or more"),
        (2.0, TypeError, r"is 2\.0, but it must be a whole number, 1 or more"),
        ("3", TypeError, "is '3', but it must be a whole number"),
        (True, TypeError, "is True, but it must be a whole number"),
    ],
)
def test_sizes_must_be_whole_numbers(name, value, error, message):
    sizes = {"n_in": 2, "n_hidden": 3, "n_out": 4, name: value}
    with pytest.raises(error, match=f"{name} {message}"):
        TwoLayerNet(**sizes)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            {"activation": "gelu"},
            "no activation called 'gelu'; .*: tanh, sigmoid, relu",
        ),
        ({"loss": "mse"}, "no loss called 'mse'; choose one of: squared_error, sig"),
    ],
)
def test_unknown_names_list_the_choices(names, message):
    with pytest.raises(ValueError, match=message):
        TwoLayerNet(2, 3, 4, **names)


def with_nan(array):
    """A copy whose last entry is NaN."""
    copy = array.copy()
    copy[(-1,) * copy.ndim] = np.nan
    return copy


BAD_FORWARD = {
    "theta too short": (
        lambda t, X: (t[:-1], X),
        r"theta has shape \(45,\), but this network has P = 46 .*must be 46; net.init",
    ),
    "theta a number": (lambda t, X: (1.0, X), r"theta has shape \(\), .* P = 46"),
    "theta NaN": (
        lambda t, X: (with_nan(t), X),
        "theta holds nan at index .45,.; .* finite number: repair the data, or",
    ),
    "theta infinite": (lambda t, X: (t / 0.0, X), "theta holds -?inf at index .0,."),
    "theta text": (
        lambda t, X: (t.astype(str), X),
        r"theta has dtype <U\d+, but it must hold numbers; convert it",
    ),
    "X too wide": (
        lambda t, X: (t, np.hstack([X, X])),
        r"X has shape \(8, 4\), but .* \(\.\.\., N, D\) with D = 2 and N at least 1$",
    ),
    "X one axis": (lambda t, X: (t, X[0]), r"X has shape \(2,\), but .* D = 2"),
    "X empty": (lambda t, X: (t, X[:0]), r"X has shape \(0, 2\), .* N at least 1"),
    "X NaN": (lambda t, X: (t, with_nan(X)), r"X holds nan at index \(7, 1\)"),
    "X text": (lambda t, X: (t, X.astype(str)), "X has dtype <U.*must hold numbers"),
    "tasks": (
        lambda t, X: (np.stack([t] * 3), np.stack([X] * 5)),
        r"disagree: theta \(3,\) and X \(5,\).*; give every array the same number",
    ),
}


@pytest.mark.parametrize("case", BAD_FORWARD)
def test_bad_parameters_and_inputs_are_named(case):
    net, theta, X, Y = setting()
    spoil, message = BAD_FORWARD[case]
    with np.errstate(divide="ignore"):
        theta, X = spoil(theta, X)
    calls = [
        lambda: net.forward(theta, X),
        lambda: net.loss(theta, X, Y),
        lambda: net.gradient(theta, X, Y),
    ]
    for call in calls:
        with pytest.raises(TypeError if "text" in case else ValueError, match=message):
            call()


def test_blocks_checks_its_vector():
    with pytest.raises(ValueError, match=r"theta has shape \(45,\).* P = 46"):
        make_net().blocks(np.zeros(45))


def test_one_input_hints_at_the_missing_axis():
    net = TwoLayerNet(1, 3, 2)
    message = r"X has shape \(4,\).* D = 1 .*; did you pass \(N,\) data without \[:, No"
    with pytest.raises(ValueError, match=message):
        net.forward(np.zeros(net.n_params), np.zeros(4))


@pytest.mark.parametrize(
    ("loss", "spoil", "error", "message"),
    [
        (
            "squared_error",
            lambda Y: Y[:, 0],
            ValueError,
            r"Y has shape \(8,\), .* the loss takes \(\.\.\., N, O\) = "
            r"\(\.\.\., 8, 4\); did you leave out \[\.\.\., None\]\?",
        ),
        ("squared_error", lambda Y: Y[1:], ValueError, r"shape \(7, 4\), .* 8, 4\)"),
        ("squared_error", lambda Y: Y[:, 1:], ValueError, r"shape \(8, 3\), .* 8, 4\)"),
        ("squared_error", with_nan, ValueError, r"Y holds nan at index \(7, 3\)"),
        ("squared_error", lambda Y: Y.astype(str), TypeError, "Y has dtype <U"),
        (
            "squared_error",
            lambda Y: np.stack([[Y] * 3] * 2),
            ValueError,
            r"disagree: theta \(4,\) and X \(4,\) and Y \(2, 3\)",
        ),
        ("sigmoid_cross_entropy", lambda Y: Y[1:], ValueError, r"shape \(7, 4\)"),
        (
            "sigmoid_cross_entropy",
            lambda Y: 2 * Y,
            ValueError,
            "Y holds values other than 0 and 1, .* sigmoid_cross_entropy takes; recode",
        ),
        ("sigmoid_cross_entropy", lambda Y: Y - 1, ValueError, "other than 0 and 1"),
        (
            "softmax_cross_entropy",
            lambda Y: Y.astype(float),
            TypeError,
            "Y has dtype float64, .* integer class labels; convert .*astype",
        ),
        ("softmax_cross_entropy", lambda Y: Y > 0, TypeError, "Y has dtype bool"),
        (
            "softmax_cross_entropy",
            lambda Y: np.eye(O, dtype=int)[Y],
            ValueError,
            r"Y has shape \(8, 4\), .* \(\.\.\., N\) with N = 8; undo .*argmax",
        ),
        ("softmax_cross_entropy", lambda Y: Y[0], ValueError, r"Y has shape \(\)"),
        (
            "softmax_cross_entropy",
            lambda Y: Y + O - Y.max(),
            ValueError,
            "Y holds labels from . to 4, but .* 4 outputs has the classes 0 to 3",
        ),
        (
            "softmax_cross_entropy",
            lambda Y: Y - Y.min() - 1,
            ValueError,
            "Y holds labels from -1 to",
        ),
        (
            "softmax_cross_entropy",
            lambda Y: np.stack([[Y] * 3] * 2),
            ValueError,
            r"disagree: theta \(4,\) and X \(4,\) and Y \(2, 3\)",
        ),
    ],
)
def test_bad_targets_are_named(loss, spoil, error, message):
    net, theta, X, Y = setting("tanh", loss)
    theta, X = np.stack([theta] * 4), np.stack([X] * 4)
    for call in (net.loss, net.gradient):
        with pytest.raises(error, match=message):
            call(theta, X, spoil(Y))

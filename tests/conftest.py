"""Examples and oracles that several test files share.

The oracles are written apart from the package: one task, separate biases, nothing
folded, and derivatives by the complex step. Every size differs from every other.
"""

from fractions import Fraction

import numpy as np
import pytest
import sympy

from metasgd_np import TwoLayerNet

ACTIVATIONS = ("tanh", "sigmoid", "relu", "square", "identity")
LOSSES = ("squared_error", "sigmoid_cross_entropy", "softmax_cross_entropy")
D, H, O = 2, 6, 4  # noqa: E741 (so D+1 = 3 and H+1 = 7)
N_S, N_Q, T = 8, 9, 5

PHI = {
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: z * (z.real > 0),
    "square": lambda z: z**2,
    "identity": lambda z: z,
}


def make_net(activation="tanh", loss="squared_error"):
    """The network of all tests that need no other: 2 inputs, 6 units, 4 outputs."""
    return TwoLayerNet(D, H, O, activation, loss)


def examples(rng, net, *shape):
    """X (*shape, D) of order 1, and targets or labels that fit `net`."""
    X = rng.standard_normal((*shape, net.n_in))
    if net.loss_name == "softmax_cross_entropy":
        return X, rng.integers(net.n_out, size=shape)
    Y = rng.standard_normal((*shape, net.n_out))
    if net.loss_name == "sigmoid_cross_entropy":
        Y = (Y > 0).astype(float)
    return X, Y


def fractions(rng, *shape):
    """An object array of fractions n/d, |n| ≤ 9, n ≠ 0, 1 ≤ d ≤ 5."""
    values = rng.integers(1, 10, shape) * rng.choice([-1, 1], shape)
    return np.vectorize(Fraction, otypes=[object])(values, rng.integers(1, 6, shape))


def plain_blocks(net, theta):
    """W1 (D, H), b1 (H,), W2 (H, O), b2 (O,), cut from θ (P,) one after another."""
    d, h, o = net.n_in, net.n_hidden, net.n_out
    W1, b1, W2, b2 = np.split(theta, np.cumsum([d * h, h, h * o]))
    return W1.reshape(d, h), b1, W2.reshape(h, o), b2


def plain_forward(net, theta, X):
    """F (N, O) = φ(X W1 + b1) W2 + b2 for one task."""
    W1, b1, W2, b2 = plain_blocks(net, theta)
    return PHI[net.activation_name](X @ W1 + b1) @ W2 + b2


def plain_output_loss(loss_name, F, Y):
    """The loss of outputs F (N, O) by its textbook formula, safe for small F only."""
    if loss_name == "squared_error":
        costs = (F - Y) ** 2
    elif loss_name == "sigmoid_cross_entropy":
        costs = np.log(1 + np.exp(F)) - Y * F
    else:
        costs = np.log(np.exp(F).sum(1)) - F[np.arange(len(F)), Y]
    return costs.sum() / len(F)


def plain_loss(net, theta, X, Y):
    """The mean loss of one task: θ (P,), X (N, D), Y (N, O) or (N,)."""
    return plain_output_loss(net.loss_name, plain_forward(net, theta, X), Y)


def plain_adapt(net, theta, alpha, X, Y, steps):
    """θ_J (P,) after J steps on one task, each gradient by the complex step."""
    for _ in range(steps):
        theta = theta - alpha * complex_step(lambda t: plain_loss(net, t, X, Y), theta)
    return theta


def complex_step(f, x):
    """∂f/∂x_i = Im f(x + ih e_i) / h, i on the first axis; exact to rounding."""
    steps = 1e-30j * np.eye(len(x))
    return np.array([f(x + step).imag / 1e-30 for step in steps])


def central_difference(f, x):
    """∂f/∂x_i from f at x ± h e_i and x ± 2h e_i, the error of order h⁴."""
    h = 1e-4 * np.sqrt(np.mean(x**2))

    def slope(step):
        return (8 * (f(x + step) - f(x - step)) - f(x + 2 * step) + f(x - 2 * step)) / h

    return np.array([slope(step) / 12 for step in h * np.eye(len(x))])


def assert_close(got, expected, tolerance):
    """Equal shapes, and ‖got − expected‖ ≤ tolerance · ‖expected‖."""
    assert np.shape(got) == np.shape(expected)
    error = np.linalg.norm(np.ravel(got - expected))
    scale = np.linalg.norm(np.ravel(expected))
    assert error <= tolerance * scale, f"relative error {error / (scale or 1):.1e}"


def assert_blocks_close(net, got, expected, tolerance):
    """assert_close for each block of two vectors (..., P)."""
    for name, block in net.blocks(expected).items():
        try:
            assert_close(net.blocks(got)[name], block, tolerance)
        except AssertionError as error:
            raise AssertionError(f"block {name}: {error}") from None


def variables(n):
    """n variables of a polynomial ring over the fractions, as an object array."""
    _, *gens = sympy.ring(f"x:{n}", sympy.QQ)
    return np.array(gens, dtype=object)


def evaluate(polynomial, values):
    """A polynomial of SymPy's at fractions, as a Fraction."""
    at = zip(polynomial.ring.gens, map(sympy.QQ.convert, values), strict=True)
    value = polynomial.evaluate(list(at))
    return Fraction(int(value.numerator), int(value.denominator))


@pytest.fixture(scope="session")
def cluster():
    """A Dask scheduler and two workers, each a process of this machine."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as running:
        yield running

"""Examples and oracles that several test files share.

The oracles are written apart from the package: one task, separate biases, nothing
folded, and derivatives by the complex step. Every size differs from every other.
All arrays are read-only, so a function that edits its inputs fails wherever it is used.
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from metasgd_np import TwoLayerNet

ACTIVATIONS = ("tanh", "sigmoid", "relu", "square", "identity")
LOSSES = ("squared_error", "sigmoid_cross_entropy", "softmax_cross_entropy")
D, H, O = 2, 6, 4  # noqa: E741 (so D+1 = 3 and H+1 = 7)
N_S, N_Q, T = 8, 9, 5

PHI = {
    "tanh": lambda z: np.sinh(z) / np.cosh(z),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: z * (z.real > 0),
    "square": lambda z: z**2,
    "identity": lambda z: z,
}


def make_net(activation="tanh", loss="squared_error"):
    """The network of all tests that need no other: 2 inputs, 6 units, 4 outputs."""
    return TwoLayerNet(D, H, O, activation, loss)


def frozen(*arrays):
    """The arrays, made read-only."""
    for array in arrays:
        array.flags.writeable = False
    return arrays


def examples(rng, net, *shape):
    """X (*shape, D) of order 1, and targets or labels that fit `net`."""
    X = rng.standard_normal((*shape, net.n_in))
    if net.loss_name == "softmax_cross_entropy":
        return frozen(X, rng.integers(net.n_out, size=shape))
    if net.loss_name == "gaussian":  # [A C w], the variances C of order 1
        A, C, w = np.split(rng.standard_normal((*shape, 2 * net.n_out + 1)), 3, -1)
        return frozen(X, np.concatenate([A, C**2, w], -1))
    Y = rng.standard_normal((*shape, net.n_out))
    if net.loss_name == "sigmoid_cross_entropy":
        Y = (Y > 0).astype(float)
    return frozen(X, Y)


def fractions(rng, *shape):
    """An object array of fractions n/d, |n| ≤ 9, n ≠ 0, 1 ≤ d ≤ 5."""
    values = rng.integers(1, 10, shape) * rng.choice([-1, 1], shape)
    exact = np.vectorize(Fraction, otypes=[object])(values, rng.integers(1, 6, shape))
    return frozen(exact)[0]


# The networks and the losses, apart from the package


def plain_forward(net, theta, X):
    """F (..., N, O) of one task's X (N, D), for a network of any depth or a policy."""
    if net.loss_name == "gaussian":
        M = plain_forward(net.net, theta[..., : -net.n_out], X)
        return np.concatenate([M, theta[..., None, -net.n_out :] + 0 * M], -1)
    sizes = getattr(net, "sizes", (net.n_in, net.n_hidden, net.n_out))
    end, H_below = 0, X
    for layer, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        start, middle, end = end, end + fan_in * fan_out, end + (fan_in + 1) * fan_out
        W = theta[..., start:middle].reshape(*theta.shape[:-1], fan_in, fan_out)
        Z = H_below @ W + theta[..., None, middle:end]
        last = layer == len(sizes) - 2
        H_below = Z if last else PHI[net.activation_name](Z)
    return H_below


def plain_output_loss(loss_name, F, Y):
    """The loss of outputs F (..., N, O) by its textbook formula, for small F only."""
    n_examples, n_out = F.shape[-2:]
    if loss_name == "squared_error":
        costs = ((F - Y) ** 2).sum(-1)
    elif loss_name == "sigmoid_cross_entropy":
        costs = (np.log(1 + np.exp(F)) - Y * F).sum(-1)
    elif loss_name == "softmax_cross_entropy":
        costs = np.log(np.exp(F).sum(-1)) - F[..., np.arange(n_examples), Y]
    else:  # minus the weighted log-density of actions A + √C noise, and a constant
        n_out //= 2
        M, variances = F[..., :n_out], np.exp(F[..., n_out:])
        A, C, w = Y[..., :n_out], Y[..., n_out:-1], Y[..., -1]
        squares = ((A - M) ** 2 + C) / variances
        costs = w * (squares + np.log(variances)).sum(-1) / 2
    return costs.sum(-1) / n_examples


def plain_loss(net, theta, X, Y):
    """The mean loss (...) of one task at θ (..., P): X (N, D), Y (N, O) or (N,)."""
    return plain_output_loss(net.loss_name, plain_forward(net, theta, X), Y)


# Derivatives


def complex_step(f, x, directions=None):
    """∂f/∂x_i = Im f(x + ih e_i) / h, i on the first axis; exact to rounding.

    f takes all of its points at once, (R, P). Other `directions` (R, P) may stand in
    for the rows e_i.
    """
    rows = np.eye(len(x)) if directions is None else directions
    return f(x + 1e-30j * rows).imag / 1e-30


def central_difference(f, x, directions=None):
    """The same from f at x ± h e_i and x ± 2h e_i, the error of order h⁴."""
    rows = np.eye(len(x)) if directions is None else directions
    h = 1e-5 * rows
    near, far = f(x + h) - f(x - h), f(x + 2 * h) - f(x - 2 * h)
    return (8 * near - far) / 12e-5


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


# Comparisons


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


def assert_same(one, two):
    """Equal TrainingStates, bit for bit."""
    assert (one.settings, one.iteration) == (two.settings, two.iteration)
    arrays = ((s.w, s.history, *s.optimizer_state) for s in (one, two))
    for mine, theirs in zip(*arrays, strict=True):
        assert mine.dtype == theirs.dtype
        assert mine.tobytes() == theirs.tobytes()


@pytest.fixture(scope="session")
def cluster():
    """A Dask scheduler and two workers, each a process of this machine."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0"
    ) as running:
        yield running

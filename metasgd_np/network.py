"""A network of two layers, its loss, and the gradient of its loss by hand.

The network is F = φ(X W1 + b1) W2 + b2. Folding each bias into its weight matrix as one
more row, and giving the inputs one more column of ones, X̃ = [X 1], leaves two matrices:

    W1 (D+1, H), last row b1        W2 (H+1, O), last row b2

Write H̃1 = [H1 1], and W̄2 for W2 without its last row.

Forward, one operation a line:

    Z1 = X̃ W1                    (2.1)
    H1 = φ(Z1)                   (2.2)
    F  = H̃1 W2                   (2.3)
    L  = loss(F, Y)              (2.4), a mean over the N examples

Backward, the same lines in reverse, each by the chain rule; dA means ∂L/∂A and has A's
shape. A product C = A B passes a change back as dA = dC Bᵀ and dB = Aᵀ dC; an
elementwise H = φ(Z) passes it back as dZ = dH ∘ φ′(Z):

    dF  = ∂L/∂F                  (2.5)
    dW2 = H̃1ᵀ dF                 (2.6)
    dH1 = dF W̄2ᵀ                 (2.7)  the column of ones needs no gradient
    dZ1 = dH1 ∘ φ′(Z1)           (2.8)
    dW1 = X̃ᵀ dZ1                 (2.9)

θ is W1 and W2 laid end to end, row by row: one vector of P = (D+1)H + (H+1)O numbers.
Every array may have more axes in front: X (T, N, D) and θ (T, P) are T tasks at once.
"""

from typing import NamedTuple

import numpy as np

from .activations import get_activation
from .checks import (
    as_numbers,
    check_axes_in_front,
    check_examples,
    check_inputs,
    check_vector,
    whole_number,
)
from .losses import get_loss


def with_column(A, value):
    """[A value]: A (..., N, M) with a constant column appended, (..., N, M+1)."""
    A1 = np.empty((*A.shape[:-1], A.shape[-1] + 1), A.dtype)
    A1[..., :-1] = A
    A1[..., -1] = value
    return A1


def matmul(A, B):
    """A B, by broadcasting where the inner dimension is 1.

    NumPy's matmul does not reach BLAS there; broadcasting takes half its time.
    """
    return A * B if A.shape[-1] == 1 else A @ B


class Pass(NamedTuple):
    """Every array of one forward and backward pass; the second-order pass needs them.

    Shapes: X1 (..., N, D+1); Z1, H1, phi1, dH1 (..., N, H); H1_1 (..., N, H+1);
    F, dF (..., N, O); W2 (..., H+1, O); gradient (..., P). phi1 is φ′(Z1).
    """

    W2: np.ndarray
    X1: np.ndarray
    Y: np.ndarray
    Z1: np.ndarray
    H1: np.ndarray
    H1_1: np.ndarray
    F: np.ndarray
    phi1: np.ndarray
    dF: np.ndarray
    dH1: np.ndarray
    gradient: np.ndarray


class TwoLayerNet:
    """F = φ(X W1 + b1) W2 + b2, and the loss that its output is judged by.

    Parameters
    ----------
    n_in, n_hidden, n_out : int    D, H and O, each at least 1
    activation : str    φ: "tanh", "sigmoid", "relu", "square" or "identity"
    loss : str          "squared_error", "sigmoid_cross_entropy" or
                        "softmax_cross_entropy"; see losses.py for their formulas

    The same code runs on float64, float32 and complex128 arrays and, for polynomial
    activations and squared error, on object arrays of fractions or SymPy expressions.
    """

    def __init__(self, n_in, n_hidden, n_out, activation="tanh", loss="squared_error"):
        self.n_in = whole_number("n_in", n_in, 1)
        self.n_hidden = whole_number("n_hidden", n_hidden, 1)
        self.n_out = whole_number("n_out", n_out, 1)
        self.phi = get_activation(activation)
        self.loss_function = get_loss(loss)
        self.activation_name = activation
        self.loss_name = loss

    def __repr__(self):
        return (
            f"TwoLayerNet({self.n_in}, {self.n_hidden}, {self.n_out}, "
            f"activation={self.activation_name!r}, loss={self.loss_name!r})"
        )

    @property
    def shapes(self):
        """The shapes of W1 and W2, the bias in the last row of each."""
        return (self.n_in + 1, self.n_hidden), (self.n_hidden + 1, self.n_out)

    @property
    def n_params(self):
        """P = (D+1)H + (H+1)O."""
        return (self.n_in + 1) * self.n_hidden + (self.n_hidden + 1) * self.n_out

    def init(self, rng):
        """Draw θ (P,): weights normal with variance 1 / fan-in, biases zero.

        Source: LeCun et al., Efficient BackProp (1998), section 4.6.
        """
        theta = np.zeros(self.n_params)
        for W in self.unpack(theta):
            fan_in = len(W) - 1
            W[:-1] = rng.standard_normal(W[:-1].shape) / np.sqrt(fan_in)
        return theta

    def unpack(self, theta):
        """θ (..., P) → views W1 (..., D+1, H) and W2 (..., H+1, O)."""
        shape1, shape2 = self.shapes
        split = shape1[0] * shape1[1]
        W1 = theta[..., :split].reshape(*theta.shape[:-1], *shape1)
        W2 = theta[..., split:].reshape(*theta.shape[:-1], *shape2)
        return W1, W2

    def pack(self, W1, W2):
        """W1 (..., D+1, H) and W2 (..., H+1, O) → one vector (..., P)."""
        flat = [W.reshape(*W.shape[:-2], -1) for W in (W1, W2)]
        return np.concatenate(flat, axis=-1)

    def blocks(self, theta):
        """θ (..., P) → views {"W1": (..., D, H), "b1": (..., H), "W2", "b2"}."""
        W1, W2 = self.unpack(check_vector("theta", theta, self.n_params))
        return {
            "W1": W1[..., :-1, :],
            "b1": W1[..., -1, :],
            "W2": W2[..., :-1, :],
            "b2": W2[..., -1, :],
        }

    def forward(self, theta, X):
        """The network's output F (..., N, O) for θ (..., P) and X (..., N, D).

        Raises ValueError if θ or X does not fit this network or holds NaN.
        """
        theta = check_vector("theta", theta, self.n_params)
        X = as_numbers("X", X)
        check_inputs("X", X, self)
        check_axes_in_front(theta=theta.shape[:-1], X=X.shape[:-2])
        *_, F = self.forward_pass(theta, X)
        return F

    def loss(self, theta, X, Y):
        """L(F, Y) (...), a mean over the N examples; equation (2.4).

        θ (..., P), X (..., N, D), Y (..., N, O), or (..., N) labels for softmax.
        Raises ValueError if an argument does not fit this network or holds NaN.
        """
        theta, X, Y = check_examples(self, theta, X, Y)
        *_, F = self.forward_pass(theta, X)
        return self.loss_function.value(F, Y)

    def gradient(self, theta, X, Y):
        """∂L/∂θ (..., P), equations (2.5)–(2.9); arguments as for `loss`."""
        theta, X, Y = check_examples(self, theta, X, Y)
        return self.backward_pass(theta, X, Y).gradient

    def forward_pass(self, theta, X):
        """Every array of the forward pass, in order; arguments already checked."""
        W1, W2 = self.unpack(theta)
        X1 = with_column(X, 1)  # (..., N, D+1)

        Z1 = X1 @ W1  # (..., N, H) (2.1)
        H1 = self.phi.value(Z1)  # (..., N, H) (2.2)
        H1_1 = with_column(H1, 1)  # (..., N, H+1)
        F = H1_1 @ W2  # (..., N, O) (2.3)
        return W2, X1, Z1, H1, H1_1, F

    def backward_pass(self, theta, X, Y):
        """Forward and backward, all kept in a Pass; arguments already checked."""
        W2, X1, Z1, H1, H1_1, F = self.forward_pass(theta, X)

        dF = self.loss_function.slope(F, Y)  # (..., N, O) (2.5)
        dW2 = H1_1.mT @ dF  # (..., H+1, O) (2.6)
        dH1 = matmul(dF, W2[..., :-1, :].mT)  # (..., N, H) (2.7)
        phi1 = self.phi.slope(Z1, H1)  # (..., N, H)
        dZ1 = dH1 * phi1  # (..., N, H) (2.8)
        dW1 = X1.mT @ dZ1  # (..., D+1, H) (2.9)
        return Pass(W2, X1, Y, Z1, H1, H1_1, F, phi1, dF, dH1, self.pack(dW1, dW2))

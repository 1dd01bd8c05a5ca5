"""A network of two layers, the gradient of its loss, and the Hessian times a vector.

The network is F = φ(X W1 + b1) W2 + b2. Folding each bias into its weight matrix as a
last row, and appending a column of ones to the inputs, X̃ = [X 1], leaves two matrices:

    W1 (D+1, H), last row b1        W2 (H+1, O), last row b2

Write H̃1 = [H1 1], and W̄2 for W2 without its last row.

Forward, one operation per line:

    Z1 = X̃ W1                    (2.1)
    H1 = φ(Z1)                   (2.2)
    F  = H̃1 W2                   (2.3)
    L  = loss(F, Y)              (2.4), a mean over the N examples

Backward, the same lines in reverse, each by the chain rule; dA means ∂L/∂A and has A's
shape. A product C = A B has the backward pass dA = dC Bᵀ and dB = Aᵀ dC; an
elementwise H = φ(Z) has dZ = dH ∘ φ′(Z):

    dF  = ∂L/∂F                  (2.5)
    dW2 = H̃1ᵀ dF                 (2.6)
    dH1 = dF W̄2ᵀ                 (2.7)  the column of ones needs no gradient
    dZ1 = dH1 ∘ φ′(Z1)           (2.8)
    dW1 = X̃ᵀ dZ1                 (2.9)

Second order, every line above differentiated as the weights move along V = (V1, V2);
A_dot is the derivative of A. A product gives two terms, (A B)_dot = A_dot B + A B_dot,
and V̄2 is V2 without its bias row. The inputs and the columns of ones do not move:

    Z1_dot  = X̃ V1                                                      (4.1)
    H1_dot  = φ′(Z1) ∘ Z1_dot                                           (4.2)
    F_dot   = H1_dot W̄2 + H̃1 V2                                         (4.3)
    dF_dot  = L″(F) F_dot                                               (4.4)
    dW2_dot = [H1_dot 0]ᵀ dF + H̃1ᵀ dF_dot                               (4.5)
    dH1_dot = dF_dot W̄2ᵀ + dF V̄2ᵀ                                       (4.6)
    dZ1_dot = dH1_dot ∘ φ′(Z1) + dH1 ∘ φ″(Z1) ∘ Z1_dot                  (4.7)
    dW1_dot = X̃ᵀ dZ1_dot                                                (4.8)

θ is W1 and W2 laid end to end, row by row: one vector of P = (D+1)H + (H+1)O numbers.
Every array may have leading axes: X (T, N, D) and θ (T, P) are T tasks at once.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from .activations import ACTIVATIONS
from .checks import choose, whole_number
from .interface import Network
from .losses import LOSSES


def with_column(A, value):
    """[A value]: A (..., N, M) with a constant column appended, (..., N, M+1)."""
    A1 = np.empty((*A.shape[:-1], A.shape[-1] + 1), A.dtype)
    A1[..., :-1] = A
    A1[..., -1] = value
    return A1


def with_row(A, value):
    """[A; value]: A (..., N, M) with a constant row appended, (..., N+1, M)."""
    A1 = np.empty((*A.shape[:-2], A.shape[-2] + 1, A.shape[-1]), A.dtype)
    A1[..., :-1, :] = A
    A1[..., -1, :] = value
    return A1


def side_by_side(A, B):
    """[A B]: A (..., N, M) and B (..., N, K) as one array, all axes broadcast."""
    axes, m = np.broadcast_shapes(A.shape[:-1], B.shape[:-1]), A.shape[-1]
    AB = np.empty((*axes, m + B.shape[-1]), np.result_type(A, B))
    AB[..., :m] = A
    AB[..., m:] = B
    return AB


def matmul(A, B):
    """A B; if the inner dimension is 1, [A 0][B; 0], since BLAS is used from 2 on."""
    return with_column(A, 0) @ with_row(B, 0) if A.shape[-1] == 1 else A @ B


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


class Tangents(NamedTuple):
    """Every array of one second-order pass: derivatives as θ moves along v.

    Shapes: Z1_dot, H1_dot, dH1_dot, phi2, dZ1_dot (..., N, H); F_dot, dF_dot
    (..., N, O); hv (..., P). phi2 is φ″(Z1); hv is the result, H v.
    """

    Z1_dot: np.ndarray
    H1_dot: np.ndarray
    F_dot: np.ndarray
    dF_dot: np.ndarray
    dH1_dot: np.ndarray
    phi2: np.ndarray
    dZ1_dot: np.ndarray
    hv: np.ndarray


class TwoLayerNet(Network):
    """The network F = φ(X W1 + b1) W2 + b2 and the loss of its output.

    The same code runs on float64, float32 and complex128 arrays and, for polynomial
    activations and squared error, on object arrays of fractions or SymPy expressions.

    Parameters
    ----------
    n_in, n_hidden, n_out : int
        D, H and O, each at least 1.
    activation : str, default "tanh"
        The activation function φ: "tanh", "sigmoid", "relu", "square" or "identity".
    loss : str, default "squared_error"
        Or "sigmoid_cross_entropy", "softmax_cross_entropy"; losses.py has the formulas.

    Raises
    ------
    TypeError, ValueError
        If a size is not a whole number above 0, or a name is unknown.

    Examples
    --------
    >>> net = TwoLayerNet(1, 2, 1, activation="square")
    >>> theta = np.array([1.0, -2.0, 1.0, -1.0, -1.0, 1.0, 1.0])  # W1, b1, W2, b2
    >>> net.forward(theta, [[2.0]])  # −(2 + 1)² + (−4 − 1)² + 1
    array([[17.]])
    >>> net.gradient(theta, [[2.0]], [[16.0]]).tolist()
    [-24.0, -40.0, -12.0, -20.0, 18.0, 50.0, 2.0]
    """

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        n_out: int,
        activation: str = "tanh",
        loss: str = "squared_error",
    ):
        self.n_in = whole_number("n_in", n_in, 1)
        self.n_hidden = whole_number("n_hidden", n_hidden, 1)
        self.n_out = whole_number("n_out", n_out, 1)
        self.phi = choose("activation", activation, ACTIVATIONS)
        self.loss_function = choose("loss", loss, LOSSES)
        self.activation_name = activation
        self.loss_name = loss

    def __repr__(self):
        return (
            f"TwoLayerNet({self.n_in}, {self.n_hidden}, {self.n_out}, "
            f"activation={self.activation_name!r}, loss={self.loss_name!r})"
        )

    @cached_property
    def shapes(self) -> tuple:
        """The shapes of W1 and W2, the bias in the last row of each."""
        return (self.n_in + 1, self.n_hidden), (self.n_hidden + 1, self.n_out)

    def forward_pass(self, theta: np.ndarray, X: np.ndarray) -> tuple:
        """Compute every array of the forward pass, in order."""
        W1, W2 = self.unpack(theta)
        X1 = with_column(X, 1)  # (..., N, D+1)

        Z1 = X1 @ W1  # (..., N, H) (2.1)
        H1 = self.phi.value(Z1)  # (..., N, H) (2.2)
        H1_1 = with_column(H1, 1)  # (..., N, H+1)
        F = H1_1 @ W2  # (..., N, O) (2.3)
        return W2, X1, Z1, H1, H1_1, F

    def backward_pass(self, theta: np.ndarray, X: np.ndarray, Y: np.ndarray) -> Pass:
        """Compute the forward and the backward pass; keep both in a Pass."""
        W2, X1, Z1, H1, H1_1, F = self.forward_pass(theta, X)

        dF = self.loss_function.slope(F, Y)  # (..., N, O) (2.5)
        # dW1, dW2 are views: the products that fill them fill the gradient, no copy.
        gradient, (dW1, dW2) = self.blank(dF)  # (..., P)
        np.matmul(H1_1.mT, dF, out=dW2)  # (..., H+1, O) (2.6)
        dH1 = matmul(dF, W2[..., :-1, :].mT)  # (..., N, H) (2.7)
        phi1 = self.phi.slope(Z1, H1)  # (..., N, H)
        dZ1 = dH1 * phi1  # (..., N, H) (2.8)
        np.matmul(X1.mT, dZ1, out=dW1)  # (..., D+1, H) (2.9)
        return Pass(W2, X1, Y, Z1, H1, H1_1, F, phi1, dF, dH1, gradient)

    def tangent_pass(self, p: Pass, v: np.ndarray) -> Tangents:
        """Differentiate the Pass p along v (..., P); keep all in Tangents."""
        V1, V2 = self.unpack(v)  # (..., D+1, H), (..., H+1, O)
        W2_bar, V2_bar = p.W2[..., :-1, :], V2[..., :-1, :]  # (..., H, O)

        Z1_dot = p.X1 @ V1  # (..., N, H) (4.1)
        H1_dot = p.phi1 * Z1_dot  # (..., N, H) (4.2)
        F_dot = H1_dot @ W2_bar + p.H1_1 @ V2  # (..., N, O) (4.3)

        dF_dot = self.loss_function.curvature(p.F, p.Y, F_dot)  # (..., N, O) (4.4)
        hv, (dW1_dot, dW2_dot) = self.blank(p.dF, dF_dot)  # (..., P), and its views
        # [H1_dot 0]ᵀ dF, its row of zeros appended to the small product: twice as fast.
        dW2_dot[...] = with_row(H1_dot.mT @ p.dF, 0) + p.H1_1.mT @ dF_dot  # (4.5)
        # Both products of (4.6) in one, [dF_dot dF] [W̄2 V̄2]ᵀ, passes over memory once.
        dH1_dot = side_by_side(dF_dot, p.dF) @ side_by_side(W2_bar, V2_bar).mT  # (4.6)
        phi2 = self.phi.curvature(p.Z1, p.H1, p.phi1)  # (..., N, H)
        dZ1_dot = dH1_dot * p.phi1 + p.dH1 * phi2 * Z1_dot  # (..., N, H) (4.7)
        np.matmul(p.X1.mT, dZ1_dot, out=dW1_dot)  # (..., D+1, H) (4.8)
        return Tangents(Z1_dot, H1_dot, F_dot, dF_dot, dH1_dot, phi2, dZ1_dot, hv)

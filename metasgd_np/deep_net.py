"""A network of any depth: the passes of two layers, repeated for each layer.

Layer i of n takes the output of the layer below, H_{i−1}, with a column of ones: write
H̃_i = [H_i 1], and H̃_0 = X̃ = [X 1]. W̄_i is W_i without its last row, the bias.

Forward, where the last layer has no φ and its Z_n is the output F:

    Z_i  = H̃_{i−1} W_i           (2.1), and (2.3) for i = n
    H_i  = φ(Z_i)                (2.2)

Backward. H_i reaches the loss through Z_{i+1} alone, so (2.6)–(2.8), which took dF down
to dZ1, take dZ_{i+1} down to dZ_i, whichever layer this is:

    dZ_n     = ∂L/∂F                               (2.5)
    dW_{i+1} = H̃_iᵀ dZ_{i+1}                       (2.6), and (2.9) for i = 0
    dH_i     = dZ_{i+1} W̄_{i+1}ᵀ                   (2.7)
    dZ_i     = dH_i ∘ φ′(Z_i)                      (2.8)

Second order, every line differentiated as W_i moves along V_i. X̃ does not move, so at
the bottom the first term of Z_1_dot and of dW_1_dot is absent, (4.1) and (4.8):

    Z_i_dot      = H_{i−1}_dot W̄_i + H̃_{i−1} V_i                          (4.3)
    H_i_dot      = φ′(Z_i) ∘ Z_i_dot                                      (4.2)
    dZ_n_dot     = L″(F) Z_n_dot                                          (4.4)
    dW_{i+1}_dot = [H_i_dot 0]ᵀ dZ_{i+1} + H̃_iᵀ dZ_{i+1}_dot              (4.5)
    dH_i_dot     = dZ_{i+1}_dot W̄_{i+1}ᵀ + dZ_{i+1} V̄_{i+1}ᵀ              (4.6)
    dZ_i_dot     = dH_i_dot ∘ φ′(Z_i) + dH_i ∘ φ″(Z_i) ∘ Z_i_dot          (4.7)

In the code Z[i] is Z_i: arrays are kept in dicts keyed by layer number.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

import numpy as np

from .activations import ACTIVATIONS
from .checks import choose, in_order, shown, whole_number
from .interface import Network
from .losses import LOSSES
from .network import matmul, with_column

HINT = "pass (D, H1, …, O), such as (1, 40, 40, 1)"


class DeepPass(NamedTuple):
    """Every array of one forward and backward pass, by layer except Y, F, gradient.

    Shapes: W (..., fan-in + 1, fan-out) and Z, dZ (..., N, fan-out) of the layers 1 to
    n; H, phi1, dH of the layers 1 to n−1; H_1 (..., N, fan-out + 1) of the layers 0 to
    n−1; F (..., N, O) is Z[n]; gradient (..., P). phi1[i] is φ′(Z[i]).
    """

    W: dict
    Y: np.ndarray
    Z: dict
    H: dict
    H_1: dict
    F: np.ndarray
    phi1: dict
    dH: dict
    dZ: dict
    gradient: np.ndarray


class DeepTangents(NamedTuple):
    """Every array of one second-order pass, by layer except F_dot and hv (..., P), H v.

    Each has the shape of its array in DeepPass; phi2[i] is φ″(Z[i]).
    """

    Z_dot: dict
    H_dot: dict
    F_dot: np.ndarray
    dH_dot: dict
    phi2: dict
    dZ_dot: dict
    hv: np.ndarray


class DeepNet(Network):
    """The network F = H_{n−1} W_n + b_n, H_i = φ(H_{i−1} W_i + b_i), of any depth.

    It can replace a TwoLayerNet anywhere; θ (P,) is W1, b1, W2, b2, W3, … end to
    end. `n_hidden` is the width of the widest hidden layer, O if there is none.

    Parameters
    ----------
    sizes : sequence of int
        The width of every layer, (D, H1, …, O), inputs and outputs included.
        (D, H, O) is TwoLayerNet(D, H, O); (D, O) is linear in θ.
    activation : str, default "tanh"
        As for TwoLayerNet.
    loss : str, default "squared_error"
        As for TwoLayerNet.

    Raises
    ------
    TypeError, ValueError
        If sizes are not two or more whole numbers above 0, or a name is unknown.

    Examples
    --------
    >>> DeepNet((1, 40, 40, 1)).n_params  # 2·40 + 41·40 + 41·1
    1761
    """

    def __init__(
        self,
        sizes: Iterable[int],
        activation: str = "tanh",
        loss: str = "squared_error",
    ):
        self.sizes = check_sizes(sizes)
        self.n_in, *hidden, self.n_out = self.sizes
        self.n_hidden = max(hidden, default=self.n_out)
        self.phi = choose("activation", activation, ACTIVATIONS)
        self.loss_function = choose("loss", loss, LOSSES)
        self.activation_name = activation
        self.loss_name = loss

    def __repr__(self):
        return (
            f"DeepNet({self.sizes}, "
            f"activation={self.activation_name!r}, loss={self.loss_name!r})"
        )

    @cached_property
    def shapes(self) -> tuple:
        """The shapes of W1, W2, …, the bias in the last row of each."""
        pairs = zip(self.sizes[:-1], self.sizes[1:], strict=True)
        return tuple((fan_in + 1, fan_out) for fan_in, fan_out in pairs)

    def forward_pass(self, theta: np.ndarray, X: np.ndarray) -> tuple:
        """Compute every array of the forward pass, in order."""
        W = by_layer(self.unpack(theta))
        n = len(W)
        Z, H, H_1 = {}, {}, {0: with_column(X, 1)}  # (..., N, D+1)

        for i in range(1, n):
            Z[i] = H_1[i - 1] @ W[i]  # (..., N, H_i) (2.1)
            H[i] = self.phi.value(Z[i])  # (..., N, H_i) (2.2)
            H_1[i] = with_column(H[i], 1)  # (..., N, H_i + 1)
        Z[n] = H_1[n - 1] @ W[n]  # (..., N, O) (2.3)
        return W, Z, H, H_1, Z[n]

    def backward_pass(
        self, theta: np.ndarray, X: np.ndarray, Y: np.ndarray
    ) -> DeepPass:
        """Compute the forward and the backward pass; keep both in a DeepPass."""
        W, Z, H, H_1, F = self.forward_pass(theta, X)
        n = len(W)
        dW, dH, phi1, dZ = {}, {}, {}, {}

        dZ[n] = self.loss_function.slope(F, Y)  # (..., N, O) (2.5)
        for i in range(n - 1, 0, -1):
            dW[i + 1] = H_1[i].mT @ dZ[i + 1]  # (..., H_i + 1, H_{i+1}) (2.6)
            dH[i] = matmul(dZ[i + 1], W[i + 1][..., :-1, :].mT)  # (..., N, H_i) (2.7)
            phi1[i] = self.phi.slope(Z[i], H[i])  # (..., N, H_i)
            dZ[i] = dH[i] * phi1[i]  # (..., N, H_i) (2.8)
        dW[1] = H_1[0].mT @ dZ[1]  # (..., D+1, H_1) (2.9)
        gradient = self.pack(*(dW[i] for i in W))  # (..., P)
        return DeepPass(W, Y, Z, H, H_1, F, phi1, dH, dZ, gradient)

    def tangent_pass(self, p: DeepPass, v: np.ndarray) -> DeepTangents:
        """Differentiate the DeepPass p along v (..., P); keep all in DeepTangents."""
        V = by_layer(self.unpack(v))  # (..., fan-in + 1, fan-out)
        W_bar, V_bar = ({i: M[i][..., :-1, :] for i in M} for M in (p.W, V))
        n = len(V)
        Z_dot, H_dot, dW_dot, dH_dot, phi2, dZ_dot = {}, {}, {}, {}, {}, {}

        Z_dot[1] = p.H_1[0] @ V[1]  # (..., N, H_1) (4.1)
        for i in range(1, n):
            H_dot[i] = p.phi1[i] * Z_dot[i]  # (..., N, H_i) (4.2)
            Z_dot[i + 1] = H_dot[i] @ W_bar[i + 1] + p.H_1[i] @ V[i + 1]  # (4.3)

        F_dot = Z_dot[n]  # (..., N, O)
        dZ_dot[n] = self.loss_function.curvature(p.F, p.Y, F_dot)  # (4.4)
        for i in range(n - 1, 0, -1):
            above, above_dot = p.dZ[i + 1], dZ_dot[i + 1]  # (..., N, H_{i+1})
            H_1_dot = with_column(H_dot[i], 0)  # (..., N, H_i + 1), ones do not move
            dW_dot[i + 1] = H_1_dot.mT @ above + p.H_1[i].mT @ above_dot  # (4.5)
            dH_dot[i] = matmul(above_dot, W_bar[i + 1].mT) + matmul(
                above, V_bar[i + 1].mT
            )  # (..., N, H_i) (4.6)
            phi2[i] = self.phi.curvature(p.Z[i], p.H[i], p.phi1[i])  # (..., N, H_i)
            dZ_dot[i] = dH_dot[i] * p.phi1[i] + p.dH[i] * phi2[i] * Z_dot[i]  # (4.7)
        dW_dot[1] = p.H_1[0].mT @ dZ_dot[1]  # (..., D+1, H_1) (4.8)
        hv = self.pack(*(dW_dot[i] for i in V))  # (..., P)
        return DeepTangents(Z_dot, H_dot, F_dot, dH_dot, phi2, dZ_dot, hv)


def by_layer(matrices):
    """Number matrices from 1: {1: W1, 2: W2, …}."""
    return dict(enumerate(matrices, start=1))


def check_sizes(sizes):
    """Return `sizes` as a tuple of two or more whole numbers above 0, or raise."""
    widths = in_order(sizes)
    if widths is None:
        raise TypeError(
            f"sizes is {shown(sizes)}, but it must be whole numbers in order; {HINT}"
        )
    if len(widths) < 2:
        raise ValueError(
            f"sizes is {widths}, but a network has at least inputs and outputs; {HINT}"
        )
    return tuple(whole_number(f"sizes[{i}]", size, 1) for i, size in enumerate(widths))

"""The Hessian times a vector, H v, by differentiating the backward pass by hand.

H is never formed. H v is the derivative of the gradient as θ moves along v,

    H v = d/dε ∇L(θ + ε v) at ε = 0,

so every line of forward and backward is differentiated in the direction v = (V1, V2):
Pearlmutter's R-operator (Neural Computation 6, 1994). A_dot is the derivative of A; a
product takes two terms, (A B)_dot = A_dot B + A B_dot, and W1_dot = V1, W2_dot = V2.
V̄2 is V2 without its bias row.

    Z1_dot  = X̃ V1                                                      (4.1)
    H1_dot  = φ′(Z1) ∘ Z1_dot                                           (4.2)
    F_dot   = H1_dot W̄2 + H̃1 V2                                         (4.3)
    dF_dot  = L″(F) F_dot                                               (4.4)
    dW2_dot = [H1_dot 0]ᵀ dF + H̃1ᵀ dF_dot                               (4.5)
    dH1_dot = dF_dot W̄2ᵀ + dF V̄2ᵀ                                       (4.6)
    dZ1_dot = dH1_dot ∘ φ′(Z1) + dH1 ∘ φ″(Z1) ∘ Z1_dot                  (4.7)
    dW1_dot = X̃ᵀ dZ1_dot                                                (4.8)

The inputs and the columns of ones do not move, so they bring no terms of their own.
"""

from functools import singledispatch
from typing import NamedTuple

import numpy as np

from .checks import check_examples, check_vector, task_axes
from .network import matmul, with_column


class Tangents(NamedTuple):
    """Every array of one second-order pass: how each moves as θ moves along v.

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


def hvp(net, theta, X, Y, v):
    """H v (..., P), where H is the Hessian of net.loss at θ; equations (4.1)–(4.8).

    Parameters
    ----------
    net : TwoLayerNet or DeepNet
    theta : (..., P)
    X, Y : (..., N, D) and (..., N, O), or (..., N) labels for softmax
    v : (..., P)    the direction

    Raises ValueError if an argument does not fit the network or holds NaN.
    """
    theta, X, Y = check_examples(net, theta, X, Y)
    v = check_vector("v", v, net.n_params, like=theta)
    task_axes(net, theta, X, Y, v=v)
    return tangent_pass(net, net.backward_pass(theta, X, Y), v).hv


@singledispatch  # on the type of net; deep_net.py adds the pass of a DeepNet
def tangent_pass(net, p, v):
    """Differentiate the Pass p along v (..., P), already checked; all kept."""
    V1, V2 = net.unpack(v)  # (..., D+1, H), (..., H+1, O)
    W2_bar, V2_bar = p.W2[..., :-1, :], V2[..., :-1, :]  # (..., H, O)

    Z1_dot = p.X1 @ V1  # (..., N, H) (4.1)
    H1_dot = p.phi1 * Z1_dot  # (..., N, H) (4.2)
    F_dot = H1_dot @ W2_bar + p.H1_1 @ V2  # (..., N, O) (4.3)

    dF_dot = net.loss_function.curvature(p.F, p.Y, F_dot)  # (..., N, O) (4.4)
    H1_1_dot = with_column(H1_dot, 0)  # (..., N, H+1), the ones do not move
    dW2_dot = H1_1_dot.mT @ p.dF + p.H1_1.mT @ dF_dot  # (..., H+1, O) (4.5)
    dH1_dot = matmul(dF_dot, W2_bar.mT) + matmul(p.dF, V2_bar.mT)  # (..., N, H) (4.6)
    phi2 = net.phi.curvature(p.Z1, p.H1, p.phi1)  # (..., N, H)
    dZ1_dot = dH1_dot * p.phi1 + p.dH1 * phi2 * Z1_dot  # (..., N, H) (4.7)
    dW1_dot = p.X1.mT @ dZ1_dot  # (..., D+1, H) (4.8)
    hv = net.pack(dW1_dot, dW2_dot)  # (..., P)
    return Tangents(Z1_dot, H1_dot, F_dot, dF_dot, dH1_dot, phi2, dZ1_dot, hv)


def hessian(net, theta, X, Y):
    """The whole Hessian (P, P) of net.loss at one θ (P,), for small networks.

    Column i is H e_i, all P columns in one batched call of `hvp`; X (N, D). It needs
    memory for P·N·H numbers, so use `hvp` where P is in the thousands.
    """
    theta, X, Y = check_examples(net, theta, X, Y)
    tasks = task_axes(net, theta, X, Y)
    if tasks:
        raise ValueError(
            f"theta, X and Y have axes in front, {tasks}, but hessian takes one task, "
            "(P,), (N, D) and (N, O); call it for one task at a time"
        )
    identity = np.eye(net.n_params, dtype=theta.dtype)  # row i is e_i
    return hvp(net, theta, X, Y, identity).mT

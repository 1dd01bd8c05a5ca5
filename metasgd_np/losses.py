"""Losses L(F, Y), each a mean over the N examples, with slope and curvature.

Each loss is three functions of the network's output F (..., N, O) and the targets Y:

    value(F, Y)             L                               (...)
    slope(F, Y)             dF = ∂L/∂F                      (..., N, O)
    curvature(F, Y, F_dot)  dF_dot = d(dF) in direction F_dot  (..., N, O)

Squared error, Y (..., N, O):

    L      = (1/N) Σ_n Σ_o (f − y)²                         (2.4)
    dF     = (2/N) (F − Y)                                  (2.5)
    dF_dot = (2/N) F_dot                                    (4.4)

Sigmoid cross-entropy, Y in {0, 1} of F's shape, σ = 1 / (1 + e^−f). The loss of one
output is −y log σ − (1 − y) log(1 − σ) = log(1 + e^f) − y f:

    L      = (1/N) Σ_n Σ_o [log(1 + e^f) − y f]             (8.1)
    dF     = (1/N) (σ − Y)                                  (8.2)
    dF_dot = (1/N) σ (1 − σ) F_dot                          (8.3)

Softmax cross-entropy, Y (..., N) integer class labels, p = softmax(f), e_y one-hot:

    L      = (1/N) Σ_n [log Σ_o e^{f_o} − f_y]              (8.4)
    dF     = (1/N) (p − e_y)                                (8.5)
    dF_dot = (1/N) (p∘F_dot − p (p·F_dot))                  (8.6)

No exponential of a positive number is ever taken, so logits of ±1,000 are safe.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .activations import sigmoid
from .checks import choose


@dataclass(frozen=True)
class Loss:
    """L, dF and dF_dot under one name; see the module's formulas."""

    value: Callable
    slope: Callable
    curvature: Callable


def squared_error(F, Y):
    """L = (1/N) Σ (f − y)², equation (2.4); F, Y (..., N, O) → (...)."""
    E = F - Y  # (..., N, O)
    return (E * E).sum((-2, -1)) / F.shape[-2]  # (...) (2.4)


def squared_error_slope(F, Y):
    """dF = (2/N)(F − Y), equation (2.5)."""
    return (F - Y) * 2 / F.shape[-2]  # (..., N, O) (2.5)


def squared_error_curvature(F, Y, F_dot):
    """dF_dot = (2/N) F_dot, equation (4.4)."""
    return F_dot * 2 / F.shape[-2]  # (..., N, O) (4.4)


def sigmoid_cross_entropy(F, Y):
    """L = (1/N) Σ [log(1 + e^f) − y f], equation (8.1); F, Y (..., N, O) → (...)."""
    positive = F.real > 0
    # log(1 + e^f) = max(f, 0) + log(1 + e^−|f|)
    log_sum = np.where(positive, F, 0) + np.log1p(np.exp(np.where(positive, -F, F)))
    return (log_sum - Y * F).sum((-2, -1)) / F.shape[-2]  # (...) (8.1)


def sigmoid_cross_entropy_slope(F, Y):
    """dF = (1/N)(σ − Y), equation (8.2)."""
    return (sigmoid(F) - Y) / F.shape[-2]  # (..., N, O) (8.2)


def sigmoid_cross_entropy_curvature(F, Y, F_dot):
    """dF_dot = (1/N) σ(1 − σ) F_dot, equation (8.3)."""
    S = sigmoid(F)  # (..., N, O)
    return S * (1 - S) * F_dot / F.shape[-2]  # (..., N, O) (8.3)


def log_softmax(F):
    """log p = f − log Σ e^f over the last axis, shifted by the largest logit."""
    shifted = F - F.max(-1, keepdims=True)  # (..., N, O), all ≤ 0
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def one_hot(Y, n_classes):
    """e_y: True at the label, False elsewhere; Y (..., N) → (..., N, O)."""
    return Y[..., None] == np.arange(n_classes)


def softmax_cross_entropy(F, Y):
    """L = −(1/N) Σ log p_y, equation (8.4); F (..., N, O), Y (..., N) → (...)."""
    log_p = np.where(one_hot(Y, F.shape[-1]), log_softmax(F), 0)  # (..., N, O)
    return -log_p.sum((-2, -1)) / F.shape[-2]  # (...) (8.4)


def softmax_cross_entropy_slope(F, Y):
    """dF = (1/N)(p − e_y), equation (8.5)."""
    p = np.exp(log_softmax(F))  # (..., N, O)
    return (p - one_hot(Y, F.shape[-1])) / F.shape[-2]  # (..., N, O) (8.5)


def softmax_cross_entropy_curvature(F, Y, F_dot):
    """dF_dot = (1/N)(p∘F_dot − p (p·F_dot)), equation (8.6)."""
    p = np.exp(log_softmax(F))  # (..., N, O)
    pF = p * F_dot  # (..., N, O)
    return (pF - p * pF.sum(-1, keepdims=True)) / F.shape[-2]  # (..., N, O) (8.6)


LOSSES = {
    "squared_error": Loss(squared_error, squared_error_slope, squared_error_curvature),
    "sigmoid_cross_entropy": Loss(
        sigmoid_cross_entropy,
        sigmoid_cross_entropy_slope,
        sigmoid_cross_entropy_curvature,
    ),
    "softmax_cross_entropy": Loss(
        softmax_cross_entropy,
        softmax_cross_entropy_slope,
        softmax_cross_entropy_curvature,
    ),
}


def get_loss(name):
    """The Loss called `name`; ValueError naming the choices if there is none."""
    return choose("loss", name, LOSSES)

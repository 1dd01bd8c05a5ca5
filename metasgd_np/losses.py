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


@dataclass(frozen=True)
class Loss:
    """L, dF and dF_dot of one loss, and the targets it expects.

    check_targets(name, Y, n_examples, n_out) raises an error unless Y fits;
    target_axes counts the axes of one task's targets: 2 for (N, O), 1 for (N,) labels.
    """

    value: Callable
    slope: Callable
    curvature: Callable
    check_targets: Callable
    target_axes: int = 2


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


def check_columns(name, Y, n_examples, n_columns, expected="O", hint=None):
    """Raise ValueError unless Y is (..., N, n_columns)."""
    if Y.ndim < 2 or Y.shape[-2:] != (n_examples, n_columns):
        raise ValueError(
            f"{name} has shape {Y.shape}, but with these inputs the loss takes "
            f"(..., N, {expected}) = (..., {n_examples}, {n_columns}); "
            f"{hint or 'did you leave out [..., None]?'}"
        )


def check_binary(name, Y, n_examples, n_out):
    """Raise ValueError unless Y is (..., N, O) of zeros and ones."""
    check_columns(name, Y, n_examples, n_out)
    if not ((Y == 0) | (Y == 1)).all():
        raise ValueError(
            f"{name} holds values other than 0 and 1, which are the only labels that "
            "sigmoid_cross_entropy takes; recode them first"
        )


def check_labels(name, Y, n_examples, n_out):
    """Raise an error unless Y is (..., N) integer labels, 0 to O − 1."""
    if Y.dtype.kind not in "iu":
        raise TypeError(
            f"{name} has dtype {Y.dtype}, but softmax_cross_entropy takes integer "
            "class labels; convert them with Y.astype(int)"
        )
    if Y.ndim < 1 or Y.shape[-1] != n_examples:
        raise ValueError(
            f"{name} has shape {Y.shape}, but softmax_cross_entropy takes one label "
            f"per example, (..., N) with N = {n_examples}; undo one-hot targets with "
            "Y.argmax(-1)"
        )
    if Y.min() < 0 or Y.max() >= n_out:
        raise ValueError(
            f"{name} holds labels from {Y.min()} to {Y.max()}, but a network of "
            f"{n_out} outputs has the classes 0 to {n_out - 1}; number them from 0"
        )


LOSSES = {
    "squared_error": Loss(
        squared_error,
        squared_error_slope,
        squared_error_curvature,
        check_columns,
    ),
    "sigmoid_cross_entropy": Loss(
        sigmoid_cross_entropy,
        sigmoid_cross_entropy_slope,
        sigmoid_cross_entropy_curvature,
        check_binary,
    ),
    "softmax_cross_entropy": Loss(
        softmax_cross_entropy,
        softmax_cross_entropy_slope,
        softmax_cross_entropy_curvature,
        check_labels,
        target_axes=1,
    ),
}

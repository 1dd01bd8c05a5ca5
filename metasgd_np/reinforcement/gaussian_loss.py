"""The loss of a Gaussian policy: a weighted squared error and a log-variance term.

A policy draws an action a (O numbers) at a state x from a normal distribution. Its
mean is a network's output, and the logarithm of its variance is one trainable number
per action component, the same at every state. Together they are the policy's output,

    F = [M S],  M = net(X),  every row of S is s                        (12.1)

Up to a constant, an action's log-density is

    log π(a|x) = −Σ_o [ (m_o − a_o)² e^−s_o / 2 + s_o / 2 ]             (12.2)

The policy gradient raises the log-density of each action in proportion to its
advantage ψ, how much better it did than expected. For a fixed batch of N actions it
amounts to descending a weighted squared error plus a log-variance term:

    L = (1/N) Σ_n ψ_n Σ_o [ q e^−s / 2 + s / 2 ],  q = (m − a)² + c     (12.3)

with c = 0. If the target is drawn from N(a, c) instead of being a single action, the
expected loss has q = (m − a)² + c. With another policy's means and variances as a and
c, and ψ_n = 1, L is therefore KL(that policy ‖ this one) plus a constant. One loss
serves both. Its slope, and the slope's derivative along M_dot and S_dot:

    dM     = (ψ/N) (M − A) e^−s                                         (12.4)
    dS     = (ψ/N) (1 − q e^−s) / 2                                     (12.5)
    dM_dot = (ψ/N) e^−s (M_dot − (M − A) S_dot)                         (12.7)
    dS_dot = (ψ/N) e^−s (q S_dot / 2 − (M − A) M_dot)                   (12.8)

Source of the policy gradient: Williams, Machine Learning 8 (1992).
"""

import numpy as np

from ..checks import as_numbers
from ..losses import Loss, check_columns


def policy_targets(A, weights, variances=0):
    """Y (..., N, 2O+1) = [A C ψ]: actions A (..., N, O), c and ψ_n of (12.3).

    weights (..., N): advantages, or ones. variances: a number, (O,) or A's shape.
    """
    A, weights = as_numbers("A", A), as_numbers("weights", weights)
    shape = as_numbers("variances", variances).shape
    if A.ndim < 2 or weights.shape != A.shape[:-1]:
        raise ValueError(
            f"A has shape {A.shape} and weights {weights.shape}, but they must be "
            "(..., N, O) and (..., N); give one weight per action"
        )
    if shape not in ((), A.shape[-1:], A.shape):
        raise ValueError(
            f"variances has shape {shape}, but it must be one number, (O,), "
            f"or of A's shape {A.shape}"
        )
    C = 0 * A + variances  # (..., N, O), of A's number type
    return np.concatenate([A, C, weights[..., None]], axis=-1)


def split(F, Y):
    """M, S, M − A, q and ψ / N of outputs F (..., N, 2O) and targets Y (..., N, 2O+1).

    Shapes (..., N, O), the last one (..., N, 1).
    """
    n_out = F.shape[-1] // 2
    M, S = F[..., :n_out], F[..., n_out:]
    A, C, psi = Y[..., :n_out], Y[..., n_out:-1], Y[..., -1:]
    error = M - A
    return M, S, error, error * error + C, psi / F.shape[-2]


def gaussian_value(F, Y):
    """L = (1/N) Σ_n ψ_n Σ_o [q e^−s / 2 + s / 2], equation (12.3); (...)."""
    _, S, _, q, share = split(F, Y)
    return (share * (q * np.exp(-S) + S) / 2).sum((-2, -1))  # (...) (12.3)


def gaussian_slope(F, Y):
    """dF = [dM dS], equations (12.4) and (12.5); (..., N, 2O)."""
    _, S, error, q, share = split(F, Y)
    precision = np.exp(-S)  # (..., N, O)
    dM = share * error * precision  # (..., N, O) (12.4)
    dS = share * (1 - q * precision) / 2  # (..., N, O) (12.5)
    return np.concatenate([dM, dS], axis=-1)


def gaussian_curvature(F, Y, F_dot):
    """dF_dot = [dM_dot dS_dot], equations (12.7) and (12.8); (..., N, 2O)."""
    _, S, error, q, share = split(F, Y)
    M_dot, S_dot = np.split(F_dot, 2, axis=-1)
    factor = share * np.exp(-S)  # (..., N, O)
    dM_dot = factor * (M_dot - error * S_dot)  # (..., N, O) (12.7)
    dS_dot = factor * (q * S_dot / 2 - error * M_dot)  # (..., N, O) (12.8)
    return np.concatenate([dM_dot, dS_dot], axis=-1)


def log_density(F, Y):
    """log π(a|x) (..., N) up to a constant, (12.2); a is the first O columns of Y."""
    _, S, error, _, _ = split(F, Y)
    return -(error * error * np.exp(-S) + S).sum(-1) / 2  # (..., N) (12.2)


def surrogate(F_old, F, Y):
    """The surrogate loss −(1/N) Σ ψ π(a|x) / π_old(a|x), equation (12.14); (...)."""
    ratio = np.exp(log_density(F, Y) - log_density(F_old, Y))  # (..., N)
    return -(Y[..., -1] * ratio).mean(-1)  # (...) (12.14)


def kl_targets(F_old, Y):
    """Make targets (..., N, 2O+1) whose loss (12.3) is KL(π_old ‖ π) plus a constant.

    The mean is over the states whose weight in Y is not 0; a task without any, such as
    one where all trajectories end after a single step, contributes 0.
    """
    M, S = np.split(F_old, 2, axis=-1)
    counted = (Y[..., -1] != 0).astype(F_old.dtype)  # (..., N)
    share = counted / np.maximum(counted.mean(-1, keepdims=True), 1 / Y.shape[-2])
    return policy_targets(M, share, np.exp(S))


def divergence(F_old, F, Y):
    """KL(π_old ‖ π) (...), the mean over the states that count in Y."""
    targets = kl_targets(F_old, Y)
    return gaussian_value(F, targets) - gaussian_value(F_old, targets)


def check_policy_targets(name, Y, n_examples, n_out):
    """Raise ValueError unless Y is (..., N, 2O+1)."""
    hint = "policy_targets makes them"
    check_columns(name, Y, n_examples, 2 * n_out + 1, "2O+1", hint)


GAUSSIAN = Loss(
    gaussian_value, gaussian_slope, gaussian_curvature, check_policy_targets
)

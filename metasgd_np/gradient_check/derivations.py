"""One meta-gradient derived four or five ways that share as little as possible.

They differ in how they carry a derivative through the inner steps:

    R-operator          `meta_gradient`: λ carried backwards, H v without H
    explicit Hessian    λ carried backwards with whole matrices from `hessian`
    forward chain rule  S_j = ∂θ_j/∂θ and A_j = ∂θ_j/∂α carried forwards,

                            S_{j+1} = S_j − diag(α) H_j S_j,               S_0 = I
                            A_{j+1} = A_j − diag(α) H_j A_j − diag(g_j),   A_0 = 0
                            dθ = S_Jᵀ ∇L_q(θ_J),  dα = A_Jᵀ ∇L_q(θ_J)

                        with each H_j by the complex step of net.gradient
    numerical           `check_meta_gradient`: complex step and central difference
    PyTorch or JAX      automatic differentiation, where one of them is installed
"""

import numpy as np
from numpy.typing import ArrayLike

from ..adaptation import adapt, check_alpha, meta_gradient
from ..checks import whole_number
from ..interface import Network
from ..network import TwoLayerNet
from ..second_order import hessian
from ..tasks import TaskBatch
from .autodiff import by_autodiff
from .compare import CENTRAL, OK, WRONG, block_row
from .inputs import check_point
from .ladder import check_meta_gradient, meta_parts
from .numerical import COMPLEX_STEP
from .report import Report

TOLERANCE = 1e-10  # products of (P, P) matrices accumulate some rounding


def agreement(
    net: Network,
    theta: np.ndarray,
    alpha: ArrayLike,
    batch: TaskBatch,
    steps: int = 1,
) -> Report:
    """Compare the R-operator's meta-gradient with all other derivations.

    Parameters
    ----------
    net : TwoLayerNet or DeepNet
        The network.
    theta, alpha, batch, steps : array, array or number, TaskBatch, int
        As for `meta_gradient`.

    Returns
    -------
    Report
        One line per block, one column per derivation: the largest difference
        from the R-operator's result, relative to the block's largest entry.

    Examples
    --------
    >>> from metasgd_np import agreement
    >>> from metasgd_np.gradient_check import small_problem
    >>> agreement(*small_problem()).ok
    True
    """
    mg = meta_gradient(net, theta, alpha, batch, steps)  # checks the arguments
    theta = check_point(theta, "theta")
    alpha = check_point(check_alpha(net, alpha, theta), "alpha")
    problem = net, theta, alpha, batch, steps
    claim = np.concatenate([mg.d_theta, mg.d_alpha])  # (2P,)
    derived = {
        "explicit Hessian": by_explicit_hessian(*problem),
        "forward chain rule": by_forward_chain_rule(*problem),
        **by_autodiff(*problem),
    }
    checked = check_meta_gradient(*problem, claimed=mg).rows
    checked = [row for row in checked if row.method == CENTRAL]
    parts, scale, rows = meta_parts(net), np.empty_like(claim), []
    for row, index in zip(checked, parts.values(), strict=True):
        scale[index] = row.scale
    for name, pair in derived.items():
        slopes = np.concatenate(pair)  # (2P,)
        right = np.abs(claim - slopes) <= TOLERANCE * scale
        found = [
            (OK if r else WRONG, s, "") for r, s in zip(right, slopes, strict=True)
        ]
        rows += [block_row(*it, name, claim, scale, found) for it in parts.items()]
    rows += checked
    wrong = {row.method for row in rows if row.verdict == WRONG}
    cause = ("all disagree with it: look at the R-operator first",)
    return Report(tuple(rows), cause if wrong == {*derived, CENTRAL} else ())


def by_explicit_hessian(net, theta, alpha, batch, steps):
    """(dθ, dα), each (P,): λ_j = λ_{j+1} − H_j (α∘λ_{j+1}) with whole matrices H_j."""
    thetas = adapt(net, theta, alpha, batch.X_s, batch.Y_s, steps)
    thetas = np.broadcast_to(thetas, (steps + 1, len(batch), net.n_params))
    lam = net.gradient(thetas[-1], batch.X_q, batch.Y_q)  # (T, P)
    d_alpha = np.zeros_like(lam)  # (T, P)
    for theta_j in reversed(thetas[:-1]):
        g = net.gradient(theta_j, batch.X_s, batch.Y_s)  # (T, P)
        # hessian takes one task at a time
        tasks = zip(theta_j, batch.X_s, batch.Y_s, strict=True)
        H = np.stack([hessian(net, *task) for task in tasks])  # (T, P, P)
        d_alpha = d_alpha - g * lam
        lam = lam - (H @ (alpha * lam)[..., None])[..., 0]  # (T, P)
    return lam.mean(0), d_alpha.mean(0)


def by_forward_chain_rule(net, theta, alpha, batch, steps):
    """(dθ, dα), each (P,): S_j and A_j of the module docstring, carried forwards."""
    X, Y = batch.X_s[:, None], batch.Y_s[:, None]  # (T, 1, N, ·)
    T, P = len(batch), net.n_params
    identity = np.eye(P)
    S = np.broadcast_to(identity, (T, P, P))  # ∂θ_j/∂θ
    A = np.zeros((T, P, P))  # ∂θ_j/∂α
    theta_j = np.broadcast_to(theta, (T, P))
    for _ in range(steps):
        g = net.gradient(theta_j, batch.X_s, batch.Y_s)  # (T, P)
        moved = theta_j[:, None] + 1j * COMPLEX_STEP * identity  # (T, P, P), by rows
        H = net.gradient(moved, X, Y).imag.mT / COMPLEX_STEP  # (T, P, P)
        S, A = (
            S - alpha[:, None] * (H @ S),
            A - alpha[:, None] * (H @ A) - g[..., None] * identity,
        )
        theta_j = theta_j - alpha * g
    g_q = net.gradient(theta_j, batch.X_q, batch.Y_q)[..., None]  # (T, P, 1)
    return (S.mT @ g_q)[..., 0].mean(0), (A.mT @ g_q)[..., 0].mean(0)


def small_problem(
    activation: str = "tanh",
    loss: str = "squared_error",
    steps: int = 2,
    seed: int = 0,
) -> tuple:
    """Draw (net, theta, alpha, batch, steps), all sizes different and above 1.

    θ is normal and α uniform in ±[0.2, 0.4], large enough for a missing term to show.
    For the square activation, with which such steps diverge, θ is halved and α divided
    by ten.

    Examples
    --------
    >>> from metasgd_np.gradient_check import small_problem
    >>> net, theta, alpha, batch, steps = small_problem("relu", seed=3)
    >>> batch.X_s.shape, steps
    ((9, 7, 2), 2)
    """
    net = TwoLayerNet(2, 5, 4, activation, loss)
    rng = np.random.default_rng(whole_number("seed", seed, 0))
    T, N_s, N_q = 9, 7, 8

    def examples(n):
        X = rng.standard_normal((T, n, net.n_in))
        if loss == "softmax_cross_entropy":
            return X, rng.integers(net.n_out, size=(T, n))
        Y = rng.standard_normal((T, n, net.n_out))
        return X, (Y > 0).astype(float) if loss == "sigmoid_cross_entropy" else Y

    batch = TaskBatch(*examples(N_s), *examples(N_q))
    theta = rng.standard_normal(net.n_params)
    alpha = rng.choice([-1, 1], net.n_params) * rng.uniform(0.2, 0.4, net.n_params)
    if activation == "square":
        theta, alpha = theta / 2, alpha / 10
    return net, theta, alpha, batch, steps

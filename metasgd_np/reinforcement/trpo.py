"""Trust-region policy optimisation (TRPO) of θ and α together.

The policy to improve is the one after the inner steps, at θ_J(θ, α). Write w for (θ, α)
and π_old for the adapted policies that drew the query trajectories. The surrogate loss

    l(w) = −(1/N) Σ_n w_n π(a_n|x_n) / π_old(a_n|x_n)                   (12.14)

has the policy gradient as its gradient, at the w where they were drawn. It is to
decrease while the adapted policies move by at most δ:

    minimise l(w + d) subject to mean KL(π_old ‖ π) ≤ δ                 (12.15)

To second order the divergence is dᵀ F d / 2, where F is the Fisher matrix of the
adapted policies as functions of w. A change v of w moves θ_J by J v, each inner step
(5.1) differentiated along v:

    u_0 = v_θ,  u_{j+1} = u_j − α ∘ (H_j u_j) − g_j ∘ v_α,  J v = u_J   (12.16)
    F v = mean over the tasks of Jᵀ K J v                               (12.17)

Jᵀ is the backward chain (5.3), (5.4), (6.1), and K the Hessian of KL at θ_J. Where the
policies agree, q e^−s = 1 and the slope is zero, so only first derivatives of M and s
remain in K: it is positive semidefinite, and the R-operator gives K u exactly.
Conjugate gradients solve F x = ∇l with such products; the step

    d = −√(2δ / xᵀFx) x                                                 (12.18)

has divergence δ to second order. It is shortened until KL ≤ δ and l has decreased.

Sources: Schulman et al., arXiv:1502.05477, appendix C; MAML, arXiv:1703.03400,
section 4.2, for TRPO outside an inner policy-gradient step.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..adaptation import chain_back, chunks, inner_loop
from ..checks import positive_number, whole_number
from ..learners import MAML, MetaSGD
from ..tasks import TaskBatch
from .gaussian_loss import divergence, kl_targets, surrogate
from .policy import GaussianPolicy


def conjugate_gradient(product, b, steps=10, tolerance=1e-10):
    """x with A x ≈ b for a symmetric positive definite A, given by product(x) = A x.

    b may have any shape. Stops after `steps`, or once ‖b − A x‖² ≤ tolerance ‖b‖².
    Source: Hestenes and Stiefel (1952).
    """
    x, r, p = np.zeros_like(b), b, b
    rr = goal = (r * r).sum()
    for _ in range(steps):
        if rr <= tolerance * goal:
            break
        Ap = product(p)
        step = rr / (p * Ap).sum()
        x, r = x + step * p, r - step * Ap
        before, rr = rr, (r * r).sum()
        p = r + rr / before * p
    return x


def push_forward(net, passes, alpha, v_theta, v_alpha, order=2):
    """J v (T, P): how θ_J moves as θ and α move along v, equation (12.16)."""
    u = v_theta
    for step in passes:
        turn = alpha * net.tangent_pass(step, u).hv if order == 2 else 0
        u = u - turn - step.gradient * v_alpha  # (T, P) (12.16)
    return u


class Adapted(NamedTuple):
    """A chunk of T tasks adapted from w: the passes of the inner steps, the result.

    theta_J (T, P); F (T, N, 2O), the adapted policies' outputs at the query states.
    """

    alpha: np.ndarray
    passes: list
    theta_J: np.ndarray
    F: np.ndarray


def adapt_from(learner, w, chunk):
    """The Adapted of a TaskBatch, for w (R, P)."""
    theta, alpha = learner.unpack(w)
    X, Y, steps = chunk.X_s, chunk.Y_s, learner.inner_steps
    thetas, passes = inner_loop(learner.net, theta, alpha, X, Y, steps)
    F = learner.net.forward_pass(thetas[-1], chunk.X_q)[-1]
    return Adapted(alpha, passes, thetas[-1], F)


def pull_back(learner, at, lam, n_rows):
    """Jᵀ λ (R, P) summed over the chunk's tasks; MAML, R = 1, has no row for α."""
    both = chain_back(learner.net, at.passes, at.alpha, lam, learner.order)
    return np.stack(both[:n_rows])


def surrogate_gradient(learner, w, chunk, at):
    """∇l (R, P), summed over the tasks, at the w their trajectories were drawn at."""
    lam = learner.net.backward_pass(at.theta_J, chunk.X_q, chunk.Y_q).gradient  # (5.2)
    return pull_back(learner, at, lam, len(w))


def fisher_product(learner, at, kl_pass, v):
    """F v (R, P), summed over the tasks; kl_pass is a pass of the KL term at θ_J."""
    v_alpha = v[1] if len(v) == 2 else np.zeros_like(v[0])  # (P,)
    u = push_forward(learner.net, at.passes, at.alpha, v[0], v_alpha, learner.order)
    Ku = learner.net.tangent_pass(kl_pass, u).hv  # (T, P)
    return pull_back(learner, at, Ku, len(v))  # (12.17)


class TrustStep(NamedTuple):
    """w (R, P) after a step, the change of l, the KL, and the step's length.

    The length is a fraction of (12.18); 0 if no length satisfied (12.15).
    """

    w: np.ndarray
    change: float
    kl: float
    length: float


@dataclass(frozen=True)
class TRPO:
    """The step (12.15), for a MetaSGD or MAML learner of a GaussianPolicy.

    Parameters
    ----------
    max_kl : float, default 0.01
        The δ of (12.15), in nats.
    cg_steps : int, default 10
        Iterations of the conjugate gradient.
    damping : float, default 1e-5
        Added to F's diagonal.
    backtracks : int, default 15
        Number of step lengths tried, each 0.8 times the one before.
    thin : int, default 1
        F is estimated on every `thin`-th query state.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range.

    Examples
    --------
    >>> TRPO(max_kl=0.03).backtracks
    15
    """

    max_kl: float = 0.01
    cg_steps: int = 10
    damping: float = 1e-5
    backtracks: int = 15
    thin: int = 1

    def __post_init__(self):
        for name in ("max_kl", "damping"):
            object.__setattr__(self, name, positive_number(name, getattr(self, name)))
        for name in ("cg_steps", "backtracks", "thin"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), 1))

    def start(self, w: np.ndarray) -> tuple:
        """Make the state before the first update: empty."""
        return ()

    def step(
        self, learner: MetaSGD | MAML, w: np.ndarray, batch: TaskBatch
    ) -> TrustStep:
        """Take one step from w (R, P), using trajectories drawn there.

        The support sets of `batch` were drawn before the inner step, the query sets
        after it. The passes of the whole batch are kept: about 12 MB per task for 2,000
        states and two layers of 100 units in single precision.
        """
        check_learner(learner)
        net = learner.net
        parts = list(chunks(batch, net, w.itemsize))
        seen = [adapt_from(learner, w, part) for part in parts]
        pairs = list(zip(parts, seen, strict=True))
        gradients = [surrogate_gradient(learner, w, *pair) for pair in pairs]
        gradient = sum(gradients) / len(batch)  # (R, P)
        kl_passes = [self.kl_pass(net, *pair) for pair in pairs]

        def product(v):
            of = zip(seen, kl_passes, strict=True)
            products = [fisher_product(learner, *each, v) for each in of]
            return sum(products) / len(batch) + self.damping * v  # (R, P) (12.17)

        x = conjugate_gradient(product, gradient, self.cg_steps)  # (R, P)
        curvature = (x * product(x)).sum()
        if not curvature > 0:  # no gradient: nothing to descend
            return TrustStep(w, 0.0, 0.0, 0.0)
        d = -np.sqrt(2 * self.max_kl / curvature) * x  # (R, P) (12.18)
        return self.line_search(learner, w, d, pairs)

    def kl_pass(self, net: GaussianPolicy, chunk: TaskBatch, at: Adapted) -> NamedTuple:
        """A pass of the KL term at the adapted policies, on every `thin`-th state."""
        X, Y, F = (A[:, :: self.thin] for A in (chunk.X_q, chunk.Y_q, at.F))
        return net.backward_pass(at.theta_J, X, kl_targets(F, Y))

    def line_search(
        self, learner: MetaSGD | MAML, w: np.ndarray, d: np.ndarray, pairs: list
    ) -> TrustStep:
        """Return the longest step tried along d that satisfies (12.15)."""
        before, _ = judge(learner, w, pairs)
        for length in 0.8 ** np.arange(self.backtracks):
            trial = w + np.asarray(length, w.dtype) * d
            loss, kl = judge(learner, trial, pairs)
            if loss < before and kl <= self.max_kl:
                return TrustStep(trial, loss - before, kl, float(length))
        return TrustStep(w, 0.0, 0.0, 0.0)


def judge(learner, w, pairs):
    """Return l(w) and the KL from the old policies, each a mean over the tasks."""
    losses, kls = [], []
    with np.errstate(over="ignore", invalid="ignore"):  # too long a step: no finite KL
        for chunk, at in pairs:
            F = adapt_from(learner, w, chunk).F
            losses.append(surrogate(at.F, F, chunk.Y_q))  # (T,) (12.14)
            kls.append(divergence(at.F, F, chunk.Y_q))  # (T,)
    loss, kl = (np.concatenate(of).mean(dtype=np.float64) for of in (losses, kls))
    return float(loss), float(kl)


def check_learner(learner):
    """Raise TypeError unless TRPO can train the learner."""
    right = isinstance(learner, MetaSGD | MAML)
    if not right or not isinstance(learner.net, GaussianPolicy):
        raise TypeError(
            f"TRPO got {learner!r}, but it takes a MetaSGD or MAML whose net is a "
            "GaussianPolicy; wrap the network, MetaSGD(GaussianPolicy(net))"
        )

"""Trust-region policy optimisation (TRPO) of θ and α together.

The policy to improve is the one after the inner steps, at θ_J(θ, α). Write w for (θ, α)
and π_old for the adapted policies that drew the query trajectories. The surrogate loss

    ℓ(w) = −(1/N) Σ_n ψ_n π(a_n|x_n) / π_old(a_n|x_n)                   (12.14)

has the policy gradient as its gradient, at the w where they were drawn. It is to
decrease while the adapted policies move by at most KL_max:

    minimise ℓ(w + d) subject to mean KL(π_old ‖ π) ≤ KL_max            (12.15)

To second order the divergence is dᵀ ℐ d / 2, where ℐ is the Fisher information matrix
of the adapted policies as functions of w. A change v of w moves θ_j at the rate
θ_j_dot, each inner step (5.1) differentiated along v:

    θ_0_dot = v_θ,
    θ_{j+1}_dot = θ_j_dot − α ∘ (∇²L_s(θ_j) θ_j_dot) − g_j ∘ v_α        (12.16)

This Jacobian-vector product is turned by the Hessian of KL and carried back:

    λ_J = ∇²KL θ_J_dot,  then (5.3), (6.1): ℐ v = mean of (dθ, dα)      (12.17)

Where the policies agree, q e^−s = 1 and the slope is zero, so only first derivatives of
M and s remain in ∇²KL: it is positive semidefinite, and `tangent_pass` multiplies by it
exactly. Conjugate gradients solve ℐ ξ = ∇ℓ with such products, and the step

    d = −√(2 KL_max / ξᵀℐξ) ξ                                           (12.18)

has divergence KL_max to second order. It is shortened until KL ≤ KL_max and ℓ has
decreased.

Sources: Schulman et al., arXiv:1502.05477, appendix C; MAML, arXiv:1703.03400,
section 4.2, for TRPO outside an inner policy-gradient step.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..adaptation import chain_back, chunks, inner_loop
from ..checks import as_numbers, positive_number, shown, whole_number
from ..learners import MAML, MetaSGD
from ..net_checks import check_batch
from ..tasks import TaskBatch
from .gaussian_loss import divergence, kl_targets, surrogate
from .policy import GaussianPolicy


def conjugate_gradient(product, slope, steps=10, tolerance=1e-10):
    """Solve product(ξ) = slope, product being a symmetric positive definite matrix.

    slope and ξ may have any shape. Stops after `steps`, or once the squared norm of the
    residual u = slope − product(ξ) is at most `tolerance` times that of the slope.
    Source: Hestenes and Stiefel (1952).
    """
    xi, u, v = np.zeros_like(slope), slope, slope
    uu = enough = (u * u).sum()
    for _ in range(steps):
        if uu <= tolerance * enough:
            break
        turned = product(v)
        length = uu / (v * turned).sum()
        xi, u = xi + length * v, u - length * turned
        before, uu = uu, (u * u).sum()
        v = u + uu / before * v
    return xi


def push_forward(net, passes, alpha, v_theta, v_alpha, order=2):
    """How θ_J moves as θ and α move along v: θ_J_dot (T, P), equation (12.16)."""
    theta_dot = v_theta
    for step in passes:
        turn = alpha * net.tangent_pass(step, theta_dot).hv if order == 2 else 0
        theta_dot = theta_dot - turn - step.gradient * v_alpha  # (T, P) (12.16)
    return theta_dot


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
    """Carry λ_J = lam back by (5.3), (6.1); (R, P), summed over the chunk's tasks.

    MAML, R = 1, has no row for α.
    """
    both = chain_back(learner.net, at.passes, at.alpha, lam, learner.order)
    return np.stack(both[:n_rows])


def surrogate_gradient(learner, w, chunk, at):
    """∇ℓ (R, P), summed over the tasks, at the w their trajectories were drawn at."""
    lam = learner.net.backward_pass(at.theta_J, chunk.X_q, chunk.Y_q).gradient  # (5.2)
    return pull_back(learner, at, lam, len(w))


def fisher_product(learner, at, kl_pass, v):
    """ℐ v (R, P), summed over the tasks; kl_pass is a pass of the KL term at θ_J."""
    v_alpha = v[1] if len(v) == 2 else np.zeros_like(v[0])  # (P,)
    both = learner.net, at.passes, at.alpha
    theta_J_dot = push_forward(*both, v[0], v_alpha, learner.order)  # (T, P)
    lam = learner.net.tangent_pass(kl_pass, theta_J_dot).hv  # (T, P)
    return pull_back(learner, at, lam, len(v))  # (12.17)


class TrustStep(NamedTuple):
    """w (R, P) after a step, the change of ℓ, the KL, and the step's length.

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
        KL_max of (12.15), in nats.
    cg_steps : int, default 10
        Iterations of the conjugate gradient.
    damping : float, default 1e-5
        Added to ℐ's diagonal.
    backtracks : int, default 15
        Number of step lengths tried, each 0.8 times the one before.
    thin : int, default 1
        ℐ is estimated on every `thin`-th query state.

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
        check_policy_learner(learner)
        net = learner.net
        check_batch(net, batch)
        w = as_numbers("w", w)
        learner.unpack(w)
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

        xi = conjugate_gradient(product, gradient, self.cg_steps)  # (R, P)
        curvature = (xi * product(xi)).sum()
        if not curvature > 0:  # no gradient: nothing to descend
            return TrustStep(w, 0.0, 0.0, 0.0)
        d = -np.sqrt(2 * self.max_kl / curvature) * xi  # (R, P) (12.18)
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
    """Return ℓ(w) and the KL from the old policies, each a mean over the tasks."""
    losses, kls = [], []
    with np.errstate(over="ignore", invalid="ignore"):  # too long a step: no finite KL
        for chunk, at in pairs:
            F = adapt_from(learner, w, chunk).F
            losses.append(surrogate(at.F, F, chunk.Y_q))  # (T,) (12.14)
            kls.append(divergence(at.F, F, chunk.Y_q))  # (T,)
    loss, kl = (np.concatenate(of).mean(dtype=np.float64) for of in (losses, kls))
    return float(loss), float(kl)


def check_policy_learner(learner):
    """Raise TypeError unless TRPO can train the learner."""
    right = isinstance(learner, MetaSGD | MAML)
    if not right or not isinstance(learner.net, GaussianPolicy):
        raise TypeError(
            f"TRPO got {shown(learner)}, but it takes a MetaSGD or MAML whose net is a "
            "GaussianPolicy; wrap the network, MetaSGD(GaussianPolicy(net))"
        )

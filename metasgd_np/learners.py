"""What is meta-learned, and by which gradient: four learners, one interface.

Every learner keeps what it learns in one array `w` (R, P), a row for θ and, for
Meta-SGD, a second row for α:

    w = learner.start(rng)               # (R, P)
    theta, alpha = learner.unpack(w)     # each (P,), ready for `adapt`
    loss, dw = learner.gradient(w, batch)    # a number and (R, P)

The outer loop descends dw; a new task is met with `adapt(net, theta, alpha, …)`.

    learner          learns    from                                   α
    MetaSGD          θ and α   the query loss after J steps           learned
    MAML             θ         the query loss after J steps           a fixed number
    Reptile          θ         where J steps lead, θ_J                a fixed number
    JointTraining    θ         the loss on all points before a step   a fixed number
"""

from dataclasses import dataclass

import numpy as np

from .adaptation import adapt, meta_gradient
from .checks import check_order, choose, interval, positive_number, whole_number
from .deep_net import DeepNet
from .network import TwoLayerNet


@dataclass(frozen=True)
class Learner:
    """θ is learned, α is one fixed number: what MAML, Reptile and joint training share.

    Parameters
    ----------
    net : TwoLayerNet or DeepNet
    alpha : float         step size of the inner loop (and of fine-tuning)
    inner_steps : int     J, 0 or more
    """

    net: TwoLayerNet | DeepNet
    alpha: float = 0.01
    inner_steps: int = 1

    def __post_init__(self):
        object.__setattr__(self, "alpha", positive_number("alpha", self.alpha))
        steps = whole_number("inner_steps", self.inner_steps, 0)
        object.__setattr__(self, "inner_steps", steps)

    def start(self, rng):
        """w before training: one row, θ = net.init(rng)."""
        return self.net.init(rng)[None]  # (1, P)

    def unpack(self, w):
        """w (1, P) → θ (P,) and α (P,)."""
        return w[0], np.full_like(w[0], self.alpha)


@dataclass(frozen=True)
class MAML(Learner):
    """Learn where to start: dθ of the query loss after J steps, α fixed.

    `order=1` leaves out the curvature (first-order MAML).
    Source: arXiv:1703.03400, algorithm 2.
    """

    order: int = 2

    def __post_init__(self):
        super().__post_init__()
        check_order(self.order)

    def gradient(self, w, batch):
        """Mean query loss after J steps and dw = dθ (1, P), equation (5.4)."""
        mg = meta_gradient(
            self.net, *self.unpack(w), batch, self.inner_steps, self.order
        )
        return mg.loss, mg.d_theta[None]


ALPHA_SHAPES = {  # sizes of the runs of θ's entries that share one number of α
    "entry": lambda net: np.ones(net.n_params, int),
    "block": lambda net: np.array(
        [block.size for block in net.blocks(np.zeros(net.n_params)).values()]
    ),
    "scalar": lambda net: np.array([net.n_params]),
}


@dataclass(frozen=True)
class MetaSGD:
    """Learn where to start and how to step: dθ and dα of the query loss after J steps.

    Parameters
    ----------
    net : TwoLayerNet or DeepNet
    alpha_start : (low, high)   α is drawn uniformly from here before training
    shared_start : bool         True: one draw for all entries; False: one an entry
    inner_steps : int           J, 0 or more
    order : 1 or 2              1 leaves out the curvature
    alpha_shape : str           how many numbers α is: one an "entry" of θ, as in the
                                paper, one a "block" (W1, b1, …), or one "scalar"

    α has one entry for every entry of θ whatever its shape, and is free to turn
    negative. Entries tied to one number a start equal and stay equal: a enters the loss
    through each of them, so each is given the derivative in a, the sum of theirs,

        ∂L/∂a = Σ_i dα_i over the entries tied to a,  dα by (6.1)

    Source: arXiv:1707.09835, algorithm 1.
    """

    net: TwoLayerNet | DeepNet
    alpha_start: tuple = (0.005, 0.1)
    shared_start: bool = False
    inner_steps: int = 1
    order: int = 2
    alpha_shape: str = "entry"

    def __post_init__(self):
        start = interval("alpha_start", self.alpha_start)
        object.__setattr__(self, "alpha_start", start)
        steps = whole_number("inner_steps", self.inner_steps, 0)
        object.__setattr__(self, "inner_steps", steps)
        check_order(self.order)
        choose("alpha_shape", self.alpha_shape, ALPHA_SHAPES)

    def start(self, rng):
        """w before training: rows θ = net.init(rng) and α."""
        theta = self.net.init(rng)  # (P,)
        sizes = self.tied_sizes()
        n_draws = 1 if self.shared_start else len(sizes)
        alpha = rng.uniform(*self.alpha_start, n_draws)
        alpha = np.repeat(np.broadcast_to(alpha, len(sizes)), sizes)  # (P,)
        return np.stack([theta, alpha])  # (2, P)

    def tied_sizes(self):
        """How many entries of θ, which lie side by side, share each number of α."""
        return ALPHA_SHAPES[self.alpha_shape](self.net)

    def unpack(self, w):
        """w (2, P) → θ (P,) and α (P,)."""
        theta, alpha = w
        return theta, alpha

    def gradient(self, w, batch):
        """Mean query loss after J steps and dw = (dθ, dα), equations (5.4), (6.1)."""
        mg = meta_gradient(
            self.net, *self.unpack(w), batch, self.inner_steps, self.order
        )
        return mg.loss, np.stack([mg.d_theta, self.tied(mg.d_alpha)])

    def tied(self, d_alpha):
        """dα (P,) with each entry the sum of those it is tied to."""
        sizes = self.tied_sizes()
        if len(sizes) == len(d_alpha):
            return d_alpha
        starts = np.cumsum(sizes) - sizes
        return np.repeat(np.add.reduceat(d_alpha, starts), sizes)  # (P,)


@dataclass(frozen=True)
class Reptile(Learner):
    """Move θ towards where J steps on a task lead; no query set, no derivative of one.

    Descending dw with SGD of rate ε is Reptile's own update θ ← θ + ε (θ_J − θ).
    Source: arXiv:1803.02999, algorithm 2.
    """

    alpha: float = 0.02
    inner_steps: int = 5

    def gradient(self, w, batch):
        """Mean support loss before the steps and dw = mean θ − θ_J (1, P)."""
        theta, alpha = self.unpack(w)
        X, Y = batch.X_s, batch.Y_s
        path = adapt(self.net, theta, alpha, X, Y, self.inner_steps)  # (J+1, T, P)
        dw = (theta - path[-1]).mean(0)  # (P,) (9.1)
        return self.net.loss(theta, X, Y).mean(), dw[None]


@dataclass(frozen=True)
class JointTraining(Learner):
    """One network for all tasks at once, then fine-tuned: what meta-learning must beat.

    Its loss is the plain mean over every point of every task, support and query alike.
    """

    def gradient(self, w, batch):
        """Mean loss over all points and dw = its gradient at θ (1, P)."""
        theta, _ = self.unpack(w)
        X = np.concatenate([batch.X_s, batch.X_q], axis=1)  # (T, N_s + N_q, D)
        Y = np.concatenate([batch.Y_s, batch.Y_q], axis=1)
        X, Y = np.concatenate(X), np.concatenate(Y)  # (T (N_s + N_q), ·)
        p = self.net.backward_pass(theta, X, Y)
        return self.net.loss_function.value(p.F, p.Y), p.gradient[None]


LEARNERS = {
    learner.__name__: learner for learner in (MetaSGD, MAML, Reptile, JointTraining)
}

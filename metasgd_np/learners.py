"""Four learners with one interface: what each learns, and by which gradient.

Every learner keeps what it learns in one array `w` (R, P): a row for θ and, for
Meta-SGD, a second row for α:

    w = learner.start(rng)               # (R, P)
    theta, alpha = learner.unpack(w)     # each (P,), ready for `adapt`
    loss, dw = learner.gradient(w, batch)    # a number and (R, P)

The outer loop descends dw; `adapt(net, theta, alpha, …)` adapts to a new task.

    learner          learns    from                                   α
    MetaSGD          θ and α   the query loss after J steps           learned
    MAML             θ         the query loss after J steps           a fixed number
    Reptile          θ         where J steps lead, θ_J                a fixed number
    JointTraining    θ         the loss on all points before a step   a fixed number
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .adaptation import adapt, unchecked_meta_gradient
from .checks import (
    as_numbers,
    as_rng,
    check_both_finite,
    choose,
    interval,
    positive_number,
    truth,
    whole_number,
)
from .interface import Network
from .net_checks import check_batch, check_exact, check_net, check_order


def rows_of(learner, w, n_rows):
    """Return w as an array of numbers (n_rows, ..., P), or raise if it is none."""
    if hasattr(w, "w"):
        raise TypeError(
            f"w is a {type(w).__name__}, but it must be its array; pass state.w"
        )
    if type(w) is not np.ndarray or w.dtype.kind != "f":
        w = as_numbers("w", w)
        w = w.astype(float) if w.dtype.kind in "biu" else w
    expected = (n_rows, learner.net.n_params)
    if (len(w) if w.ndim > 1 else 0, *w.shape[-1:]) != expected:
        raise ValueError(
            f"w has shape {w.shape}, but {type(learner).__name__} with this net learns "
            f"an array of shape {expected}; pass what the same learner and net learned"
        )
    return w


def check_one_start(theta):
    """Raise ValueError unless θ is one vector (P,)."""
    if theta.ndim != 1:
        raise ValueError(
            f"w has rows of shape {theta.shape}, but all tasks start at one theta "
            "(P,); pass one w (R, P)"
        )


def check_call(learner, w, batch):
    """Return θ and α of w, or raise unless w and the batch fit the learner's net."""
    theta, alpha = learner.unpack(w)
    check_one_start(theta)
    check_both_finite(("theta", "alpha"), theta, alpha)
    check_batch(learner.net, batch)
    check_exact(learner.net, theta, batch.X_s, batch.Y_s, batch.X_q, batch.Y_q)
    return theta, alpha


@dataclass(frozen=True)
class Learner:
    """Base class of MAML, Reptile and joint training: θ is learned, α a fixed number.

    Parameters
    ----------
    net : TwoLayerNet, DeepNet or GaussianPolicy
        The network.
    alpha : float, default 0.01
        Step size of the inner loop, and of fine-tuning.
    inner_steps : int, default 1
        J, 0 or more.

    Raises
    ------
    ValueError
        If alpha is not above 0, or inner_steps is negative.
    """

    net: Network
    alpha: float = 0.01
    inner_steps: int = 1

    def __post_init__(self):
        check_net(self.net)
        object.__setattr__(self, "alpha", positive_number("alpha", self.alpha))
        steps = whole_number("inner_steps", self.inner_steps, 0)
        object.__setattr__(self, "inner_steps", steps)

    def start(self, rng: np.random.Generator | int) -> np.ndarray:
        """Draw the initial w (1, P): the row θ = net.init(rng)."""
        return self.net.init(rng)[None]  # (1, P)

    def unpack(self, w: np.ndarray) -> tuple:
        """Split w (1, P) into θ (P,) and step sizes α (P,), ready for `adapt`."""
        (theta,) = rows_of(self, w, 1)
        return theta, np.full_like(theta, self.alpha)


@dataclass(frozen=True)
class MAML(Learner):
    """Learn where to start: dθ of the query loss after J steps, α fixed.

    Parameters
    ----------
    net : TwoLayerNet, DeepNet or GaussianPolicy
        The network.
    alpha : float, default 0.01
        Step size of the inner loop.
    inner_steps : int, default 1
        J, 0 or more.
    order : {2, 1}
        1 leaves out the curvature (first-order MAML).

    Raises
    ------
    ValueError
        If alpha is not above 0, inner_steps is negative, or order is neither 1 nor 2.

    Notes
    -----
    Source: arXiv:1703.03400, algorithm 2.

    Examples
    --------
    >>> from metasgd_np import TwoLayerNet
    >>> learner = MAML(TwoLayerNet(1, 8, 1), alpha=0.02)
    >>> theta, alpha = learner.unpack(learner.start(np.random.default_rng(0)))
    >>> theta.shape, float(alpha[0])
    ((25,), 0.02)
    """

    order: int = 2

    def __post_init__(self):
        super().__post_init__()
        check_order(self.order)

    def gradient(self, w: np.ndarray, batch: Any) -> tuple:
        """Return the mean query loss after J steps, and dw = dθ (1, P), (5.4)."""
        theta, alpha = check_call(self, w, batch)
        mg = unchecked_meta_gradient(
            self.net, theta, alpha, batch, self.inner_steps, self.order
        )
        return mg.loss, mg.d_theta[None]


ALPHA_SHAPES = {  # lengths of the runs of θ's entries that share one step size
    "entry": lambda net: np.ones(net.n_params, int),
    "block": lambda net: np.array(
        [block.size for block in net.blocks(np.zeros(net.n_params)).values()]
    ),
    "scalar": lambda net: np.array([net.n_params]),
}


@dataclass(frozen=True)
class MetaSGD:
    """Learn where to start and how to step: dθ and dα of the query loss after J steps.

    α always has one entry per entry of θ, and may turn negative. Entries tied to one
    number a start equal and stay equal: a enters the loss through each of them, so each
    receives the derivative in a, the sum of their own,

        ∂L/∂a = Σ_i dα_i over the entries tied to a,  dα by (6.1)

    Parameters
    ----------
    net : TwoLayerNet, DeepNet or GaussianPolicy
        The network.
    alpha_start : tuple of two floats, default (0.005, 0.1)
        The range from which the initial α is drawn uniformly.
    shared_start : bool, default False
        Draw one number for all entries instead of one for each.
    inner_steps : int, default 1
        J, 0 or more.
    order : {2, 1}
        1 leaves out the curvature.
    alpha_shape : {"entry", "block", "scalar"}
        Granularity of α: per entry of θ, as in the paper, per block, or one scalar.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range.

    Notes
    -----
    Source: arXiv:1707.09835, algorithm 1.

    Examples
    --------
    >>> from metasgd_np import TwoLayerNet
    >>> learner = MetaSGD(TwoLayerNet(1, 8, 1))
    >>> w = learner.start(np.random.default_rng(0))  # rows θ and α
    >>> w.shape, bool((w[1] >= 0.005).all())
    ((2, 25), True)
    """

    net: Network
    alpha_start: tuple = (0.005, 0.1)
    shared_start: bool = False
    inner_steps: int = 1
    order: int = 2
    alpha_shape: str = "entry"

    def __post_init__(self):
        check_net(self.net)
        object.__setattr__(
            self, "shared_start", truth("shared_start", self.shared_start)
        )
        start = interval("alpha_start", self.alpha_start)
        object.__setattr__(self, "alpha_start", start)
        steps = whole_number("inner_steps", self.inner_steps, 0)
        object.__setattr__(self, "inner_steps", steps)
        check_order(self.order)
        choose("alpha_shape", self.alpha_shape, ALPHA_SHAPES)

    def start(self, rng: np.random.Generator | int) -> np.ndarray:
        """Draw the initial w (2, P): rows θ = net.init(rng) and α."""
        rng = as_rng(rng)
        theta = self.net.init(rng)  # (P,)
        sizes = self.tied_sizes()
        n_draws = 1 if self.shared_start else len(sizes)
        alpha = rng.uniform(*self.alpha_start, n_draws)
        alpha = np.repeat(np.broadcast_to(alpha, len(sizes)), sizes)  # (P,)
        return np.stack([theta, alpha])  # (2, P)

    def tied_sizes(self) -> np.ndarray:
        """Count the consecutive entries of θ that share each step size."""
        return ALPHA_SHAPES[self.alpha_shape](self.net)

    def unpack(self, w: np.ndarray) -> tuple:
        """Split w (2, P) into θ (P,) and step sizes α (P,), ready for `adapt`."""
        theta, alpha = rows_of(self, w, 2)
        return theta, alpha

    def gradient(self, w: np.ndarray, batch: Any) -> tuple:
        """Return the mean query loss after J steps, and dw = (dθ, dα) (2, P)."""
        theta, alpha = check_call(self, w, batch)
        mg = unchecked_meta_gradient(
            self.net, theta, alpha, batch, self.inner_steps, self.order
        )
        return mg.loss, np.stack([mg.d_theta, self.tied(mg.d_alpha)])

    def tied(self, d_alpha: np.ndarray) -> np.ndarray:
        """Replace each entry of dα (P,) by the sum of those it is tied to."""
        sizes = self.tied_sizes()
        if len(sizes) == len(d_alpha):
            return d_alpha
        starts = np.cumsum(sizes) - sizes
        return np.repeat(np.add.reduceat(d_alpha, starts), sizes)  # (P,)


@dataclass(frozen=True)
class Reptile(Learner):
    """Move θ towards θ_J, where J steps on a task lead; no second derivative.

    Descending dw with SGD of rate ε is Reptile's own update θ ← θ + ε (θ_J − θ).

    Parameters
    ----------
    net : TwoLayerNet or DeepNet
        The network.
    alpha : float, default 0.02
        Step size of the inner loop.
    inner_steps : int, default 5
        J, 0 or more.

    Notes
    -----
    Source: arXiv:1803.02999, algorithm 2.

    Examples
    --------
    >>> from metasgd_np import SGD, Sinusoids, TwoLayerNet, train
    >>> learner = Reptile(TwoLayerNet(1, 8, 1))
    >>> train(learner, Sinusoids(), SGD(0.1), iterations=3, progress=False).w.shape
    (1, 25)
    """

    alpha: float = 0.02
    inner_steps: int = 5

    def gradient(self, w: np.ndarray, batch: Any) -> tuple:
        """Return the mean support loss before the steps, and dw = mean θ − θ_J."""
        theta, alpha = check_call(self, w, batch)
        X, Y = batch.X_s, batch.Y_s
        path = adapt(self.net, theta, alpha, X, Y, self.inner_steps)  # (J+1, T, P)
        dw = (theta - path[-1]).mean(0)  # (P,) (9.1)
        return self.net.loss(theta, X, Y).mean(), dw[None]


@dataclass(frozen=True)
class JointTraining(Learner):
    """One network for all tasks at once, then fine-tuned: what meta-learning must beat.

    Its loss is the plain mean over every point of every task, support and query alike.

    Parameters
    ----------
    net : TwoLayerNet or DeepNet
        The network.
    alpha : float, default 0.01
        Step size of fine-tuning.
    inner_steps : int, default 1
        Not used in training.

    Examples
    --------
    >>> from metasgd_np import Sinusoids, TwoLayerNet
    >>> rng = np.random.default_rng(0)
    >>> learner = JointTraining(TwoLayerNet(1, 8, 1))
    >>> batch = Sinusoids().sample(rng, n_tasks=4, shots=5)
    >>> loss, dw = learner.gradient(learner.start(rng), batch)
    >>> dw.shape
    (1, 25)
    """

    def gradient(self, w: np.ndarray, batch: Any) -> tuple:
        """Return the mean loss over all points, and dw = its gradient at θ (1, P)."""
        theta, _ = check_call(self, w, batch)
        X = np.concatenate([batch.X_s, batch.X_q], axis=1)  # (T, N_s + N_q, D)
        Y = np.concatenate([batch.Y_s, batch.Y_q], axis=1)
        X, Y = np.concatenate(X), np.concatenate(Y)  # (T (N_s + N_q), ·)
        p = self.net.backward_pass(theta, X, Y)
        return self.net.loss_function.value(p.F, p.Y), p.gradient[None]

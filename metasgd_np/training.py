"""The outer loop: train a learner on many tasks, then evaluate it on new ones.

Randomness comes in independent streams, each a generator made from (seed, stream,
block). Training makes a fresh one for every block of 100 iterations, so a run stopped
between two blocks continues with exactly the numbers it would have drawn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, isfinite, pi
from typing import Any

import numpy as np

from .adaptation import adapt, chunks
from .checks import whole_number
from .interface import Network
from .learners import Learner, MetaSGD
from .optimizers import SGD, Adam

BLOCK = 100  # iterations between two entries of the history, and between two saves
STREAMS = {"start": 0, "train": 1, "validate": 2, "test": 3, "figure": 4}


class TrainingDiverged(RuntimeError):
    """The loss or a parameter became NaN or infinite."""


@dataclass(frozen=True)
class TrainingState:
    """All that is needed to resume a run or to use its result.

    Attributes
    ----------
    settings : dict
        What was trained, and how, as text and numbers.
    iteration : int
        Updates done.
    w : (R, P) array
        The learner's parameters; see `learner.unpack`.
    optimizer_state : tuple
        Arrays of w's shape.
    history : (B,) or (B, 2) array
        Mean training loss of each block of 100 iterations; for a policy, the mean
        return before and after the inner step of each iteration.
    """

    settings: dict
    iteration: int
    w: np.ndarray
    optimizer_state: tuple
    history: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """Scores of new tasks, such as query losses, after 0, 1, …, J steps.

    Attributes
    ----------
    scores : (J+1, T) array
        One row per number of steps.
    """

    scores: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean over the tasks, (J+1,)."""
        return self.scores.mean(-1)

    @property
    def interval(self) -> np.ndarray:
        """Half-width of the 95 % interval of the mean, (J+1,): 1.96 s / √T."""
        return 1.96 * self.scores.std(-1, ddof=1) / np.sqrt(self.scores.shape[-1])


def random_stream(seed: int, name: str, block: int = 0) -> np.random.Generator:
    """Make the generator of one stream of a run; it depends on the arguments alone."""
    return np.random.default_rng([seed, STREAMS[name], block])


def train(
    learner: Learner | MetaSGD,
    tasks: Any,
    optimizer: SGD | Adam | None = None,
    *,
    iterations: int,
    shots: int = 10,
    n_query: int = 10,
    meta_batch: int = 25,
    cosine_decay: bool = False,
    seed: int = 0,
    start_from: TrainingState | None = None,
    after_block: Callable | None = None,
    progress: bool = True,
) -> TrainingState:
    """Train a learner: descend its gradient on fresh tasks.

    Parameters
    ----------
    learner : MetaSGD, MAML, Reptile or JointTraining
        What to train, and by which gradient.
    tasks : Sinusoids, FewShot or alike
        With ``.dtype`` and ``.sample(rng, n_tasks, shots, n_query)`` → TaskBatch.
    optimizer : SGD or Adam, optional
        Adam() if left out.
    iterations : int
        Total number of updates of w.
    shots : int, default 10
        Support points per task.
    n_query : int, default 10
        Query points per task.
    meta_batch : int, default 25
        Tasks per iteration.
    cosine_decay : bool, default False
        Scale the rate by (1 + cos(π t / iterations)) / 2, equation (7.5).
    seed : int, default 0
        Same seed, same numbers.
    start_from : TrainingState, optional
        The state to resume from; its settings must be the same.
    after_block : function, optional
        Called with the TrainingState after every 100 iterations.
    progress : bool, default True
        Show a bar with the loss (TQDM_DISABLE=1 hides it too).

    Returns
    -------
    TrainingState
        After the last iteration.

    Raises
    ------
    TrainingDiverged
        If the loss or a parameter is no longer finite.
    ValueError
        If a setting is out of range, or start_from has other settings.

    Examples
    --------
    >>> from metasgd_np import MetaSGD, Sinusoids, TwoLayerNet
    >>> learner = MetaSGD(TwoLayerNet(1, 8, 1))
    >>> state = train(learner, Sinusoids(), iterations=5, progress=False)
    >>> theta, alpha = learner.unpack(state.w)
    >>> theta.shape, alpha.shape
    ((25,), (25,))
    """
    optimizer = Adam() if optimizer is None else optimizer
    settings = {
        "learner": repr(learner),
        "tasks": repr(tasks),
        "optimizer": repr(optimizer),
        "iterations": whole_number("iterations", iterations, 0),
        "shots": whole_number("shots", shots, 1),
        "n_query": whole_number("n_query", n_query, 1),
        "meta_batch": whole_number("meta_batch", meta_batch, 1),
        "cosine_decay": bool(cosine_decay),
        "seed": whole_number("seed", seed, 0),
    }
    state = first_state(settings, learner, tasks, optimizer, start_from)
    with (
        progress_bar(iterations, state.iteration, "it", progress) as bar,
        np.errstate(over="ignore", invalid="ignore"),  # check_finite_step reports it
    ):
        while state.iteration < iterations:
            rng = random_stream(seed, "train", state.iteration // BLOCK)
            w, optimizer_state, losses = state.w, state.optimizer_state, []
            end = min(state.iteration + BLOCK, iterations)
            for t in range(state.iteration + 1, end + 1):
                batch = tasks.sample(rng, meta_batch, shots, n_query)
                loss, gradient = learner.gradient(w, batch)
                scale = cosine_scale(t - 1, iterations) if cosine_decay else 1.0
                before = w
                w, optimizer_state = optimizer.step(
                    w, gradient, optimizer_state, t, scale
                )
                check_finite_step(learner, before, w, loss, t)
                losses.append(float(loss))
            history = np.append(state.history, sum(losses) / len(losses))
            state = TrainingState(settings, end, w, optimizer_state, history)
            bar.set_postfix_str(f"loss={history[-1]:.4g}", refresh=False)
            bar.update(end - bar.n)
            if after_block is not None:
                after_block(state)
    return state


def first_state(settings, learner, tasks, optimizer, start_from):
    """Return the state before the first iteration, or start_from if it fits."""
    if start_from is not None:
        check_same_settings(start_from.settings, settings)
        return start_from
    w = learner.start(random_stream(settings["seed"], "start")).astype(tasks.dtype)
    return TrainingState(settings, 0, w, optimizer.start(w), np.empty(0))


def progress_bar(total, initial, unit, progress):
    """Open a progress bar; TQDM_DISABLE=1 hides it even if `progress` is true."""
    from tqdm import tqdm  # noqa: PLC0415 (importing metasgd_np takes half the time)

    hidden = {} if progress else {"disable": True}
    return tqdm(total=total, initial=initial, unit=unit, **hidden)


def cosine_scale(t, iterations):
    """Return the factor on the rate after t updates, from 1 down to 0, (7.5)."""
    return (1 + cos(pi * t / iterations)) / 2  # (7.5)


def check_finite_step(learner, before, w, loss, iteration):
    """Raise TrainingDiverged if the loss, or w after the step, is not finite."""
    if isfinite(loss) and np.isfinite(w).all():
        return
    largest = np.abs(learner.unpack(before)[1]).max()
    raise TrainingDiverged(
        f"training diverged at iteration {iteration}: the loss is {loss:.4g} and the "
        f"largest |α| is {largest:.4g}; lower the outer rate or start with a smaller α"
    )


def check_same_settings(found: dict, expected: dict) -> None:
    """Raise ValueError listing how a saved run's settings differ, if they do."""
    differences = [
        f"{key} was {found.get(key)!r}, now {expected[key]!r}"
        for key in expected
        if found.get(key) != expected[key]
    ]
    if differences:
        raise ValueError(
            "this run was saved with other settings: "
            + "; ".join(differences)
            + "; repeat the old settings to resume it, or start a new run elsewhere"
        )


def accuracy(net: Network, theta, X, Y) -> np.ndarray:
    """Compute the share of examples whose largest output is at their label, (...).

    theta (..., P), X (..., N, D), Y (..., N) class labels; a score for `evaluate`.
    """
    return (net.forward(theta, X).argmax(-1) == Y).mean(-1)


def evaluate(
    learner: Learner | MetaSGD,
    w: np.ndarray,
    tasks: Any,
    rng: np.random.Generator,
    *,
    shots: int,
    n_tasks: int = 100,
    n_query: int = 100,
    steps: int = 1,
    score: Callable = Network.loss,
) -> Evaluation:
    """Adapt to new tasks and score each before the first and after every step.

    Tasks are processed in chunks that fit the processor's caches.

    Parameters
    ----------
    learner : MetaSGD, MAML, Reptile or JointTraining
        What was trained.
    w : (R, P) array
        Its parameters, such as ``state.w``.
    tasks : Sinusoids, FewShot or alike
        The source of new tasks.
    rng : numpy.random.Generator
        Its state determines the tasks.
    shots : int
        Support points per task.
    n_tasks : int, default 100
        Tasks, at least 2.
    n_query : int, default 100
        Query points per task.
    steps : int, default 1
        Steps to adapt, 0 or more.
    score : function, default Network.loss
        ``score(net, theta, X, Y)`` of the query set, such as `accuracy`.

    Returns
    -------
    Evaluation
        With ``.scores`` (steps+1, n_tasks), ``.mean`` and ``.interval`` (steps+1,).

    Raises
    ------
    ValueError
        If a count is out of range.

    Examples
    --------
    >>> from metasgd_np import MAML, Sinusoids, TwoLayerNet
    >>> rng = np.random.default_rng(0)
    >>> learner = MAML(TwoLayerNet(1, 8, 1))
    >>> evaluate(learner, learner.start(rng), Sinusoids(), rng, shots=5).scores.shape
    (2, 100)
    """
    n_tasks = whole_number("n_tasks", n_tasks, 2)
    steps = whole_number("steps", steps, 0)
    batch = tasks.sample(rng, n_tasks, shots, n_query)
    net, (start, alpha) = learner.net, learner.unpack(w)
    scores = []
    for part in chunks(batch, net, start.itemsize):
        theta = np.broadcast_to(start, (len(part), net.n_params))  # (chunk, P)
        by_steps = [score(net, theta, part.X_q, part.Y_q)]  # (chunk,) each
        for _ in range(steps):
            theta = adapt(net, theta, alpha, part.X_s, part.Y_s)[-1]  # (chunk, P)
            by_steps.append(score(net, theta, part.X_q, part.Y_q))
        scores.append(by_steps)
    return Evaluation(np.concatenate(scores, axis=-1).astype(np.float64))

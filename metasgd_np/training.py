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
from .checks import (
    IN_BROWSER,
    as_numbers,
    as_rng,
    check_finite,
    check_function,
    check_has,
    check_takes,
    choose,
    shown,
    truth,
    whole_number,
)
from .interface import Network
from .learners import Learner, MetaSGD, check_one_start
from .losses import check_labels
from .net_checks import check_batch, check_one_hot
from .optimizers import SGD, Adam

EXAMPLE = "tasks, such as Sinusoids()"
BLOCK = 100  # iterations between two entries of the history, and between two saves
STREAMS = {"start": 0, "train": 1, "validate": 2, "test": 3, "figure": 4}


class TrainingDiverged(RuntimeError):
    """The loss or a parameter became NaN or infinite."""


class StateMismatch(ValueError):
    """The state to resume from does not belong to the run that is asked for."""


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
    stream = choose("random stream", name, STREAMS)
    seed, block = whole_number("seed", seed, 0), whole_number("block", block, 0)
    return np.random.default_rng([seed, stream, block])


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
    check_has("learner", learner, ("start", "unpack", "gradient"), "MetaSGD(net)")
    check_has("tasks", tasks, ["dtype"], EXAMPLE)
    check_takes("tasks", tasks, "sample", 4, EXAMPLE)
    check_has("optimizer", optimizer, ["start"], "Adam() or SGD()")
    check_takes("optimizer", optimizer, "step", 5, "Adam() or SGD()")
    check_callback(after_block)
    settings = {
        "learner": repr(learner),
        "tasks": repr(tasks),
        "optimizer": repr(optimizer),
        "iterations": whole_number("iterations", iterations, 0),
        "shots": whole_number("shots", shots, 1),
        "n_query": whole_number("n_query", n_query, 1),
        "meta_batch": whole_number("meta_batch", meta_batch, 1),
        "cosine_decay": truth("cosine_decay", cosine_decay),
        "seed": whole_number("seed", seed, 0),
    }
    state = first_state(settings, learner, tasks, optimizer, start_from)
    shown_bar = truth("progress", progress)
    with (
        progress_bar(iterations, state.iteration, "it", shown_bar) as bar,
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
                try:
                    w, optimizer_state = optimizer.step(
                        w, gradient, optimizer_state, t, scale
                    )
                except ValueError:  # of a gradient that is not finite
                    check_finite_step(learner, before, loss, gradient, t)
                    raise
                check_finite_step(learner, before, loss, w, t)
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
    w = learner.start(random_stream(settings["seed"], "start")).astype(tasks.dtype)
    fresh = TrainingState(settings, 0, w, optimizer.start(w), np.empty(0))
    if start_from is None:
        return fresh
    if not isinstance(start_from, TrainingState):
        raise TypeError(
            f"start_from is {shown(start_from)}, but it must be a TrainingState; pass "
            "what train or load returned"
        )
    try:
        check_state(start_from)
    except (TypeError, ValueError) as error:
        raise StateMismatch(
            f"start_from was altered: {error}; pass what train or load returned"
        ) from None
    check_same_settings(start_from.settings, settings)
    check_same_form(start_from, fresh)
    return start_from


def check_state(state: TrainingState) -> None:
    """Raise an error unless this package could have made a state."""
    if not isinstance(state.optimizer_state, tuple):
        raise TypeError(f"its optimizer_state is {shown(state.optimizer_state)}")
    if not isinstance(state.settings, dict):
        raise TypeError(f"its settings are {shown(state.settings)} instead of a table")
    whole_number("iteration", state.iteration, 0)
    arrays = {"w": state.w, "history": state.history}
    arrays |= {f"optimizer_{i}": a for i, a in enumerate(state.optimizer_state)}
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            kind = getattr(array, "dtype", type(array).__name__)
            raise TypeError(f"{name} has dtype {kind} instead of floats")
        check_finite(name, array)
        if name != "history" and (array.ndim != 2 or array.shape != state.w.shape):
            raise ValueError(
                f"{name} has shape {array.shape}, but w has {state.w.shape} and all "
                "are (R, P)"
            )
    if state.history.ndim not in (1, 2) or len(state.history) > state.iteration:
        raise ValueError(
            f"history has shape {state.history.shape} after {state.iteration} "
            "iterations"
        )


def check_same_form(found: TrainingState, fresh: TrainingState) -> None:
    """Raise StateMismatch unless a saved state has the arrays that a new one has."""
    last = fresh.settings["iterations"]
    if whole_number("iteration", found.iteration, 0) > last:
        raise StateMismatch(
            f"this state has iteration {found.iteration} of {last}; it was altered, so "
            "start the run anew"
        )
    forms = [
        [(array.shape, array.dtype.name) for array in (s.w, *s.optimizer_state)]
        for s in (found, fresh)
    ]
    if forms[0] != forms[1]:
        raise StateMismatch(
            f"this state has arrays {forms[0]}, but the run has {forms[1]}; it is of "
            "another learner, net or optimizer, so start the run anew"
        )


def check_callback(after_block):
    """Raise TypeError unless `after_block` can be called or is None."""
    if after_block is not None:
        check_function("after_block", after_block, "state")


def progress_bar(total, initial, unit, progress):
    """Open a progress bar; TQDM_DISABLE=1 hides it even if `progress` is true."""
    from tqdm import tqdm  # noqa: PLC0415 (importing metasgd_np takes half the time)

    if IN_BROWSER:
        tqdm.monitor_interval = 0  # it is a thread
    hidden = {} if progress else {"disable": True}
    return tqdm(total=total, initial=initial, unit=unit, **hidden)


def cosine_scale(t, iterations):
    """Return the factor on the rate after t updates, from 1 down to 0, (7.5)."""
    return (1 + cos(pi * t / iterations)) / 2  # (7.5)


def check_finite_step(learner, before, loss, array, iteration):
    """Raise TrainingDiverged unless the loss and the gradient or new w are finite."""
    finite = isfinite(np.vdot(array, array)) or np.isfinite(array).all()
    if finite and isfinite(loss):
        return
    largest = np.abs(learner.unpack(before)[1]).max()
    raise TrainingDiverged(
        f"training diverged at iteration {iteration}: the loss is {loss:.4g} and the "
        f"largest |α| is {largest:.4g}; lower the outer rate or start with a smaller α"
    )


def check_same_settings(found: dict, expected: dict) -> None:
    """Raise StateMismatch listing how a saved run's settings differ, if they do."""
    differences = [
        f"{key} was {found.get(key)!r}, now {expected[key]!r}"
        for key in expected
        if found.get(key) != expected[key]
    ]
    if differences:
        raise StateMismatch(
            "this run was saved with other settings: "
            + "; ".join(differences)
            + "; repeat the old settings to resume it, or start a new run elsewhere"
        )


def accuracy(net: Network, theta, X, Y) -> np.ndarray:
    """Compute the share of examples whose largest output is at their label, (...).

    theta (..., P), X (..., N, D), Y (..., N) class labels; a score for `evaluate`.
    """
    F = net.forward(theta, X)  # (..., N, O)
    Y = as_numbers("Y", Y)
    check_labels("Y", Y, *F.shape[-2:])
    check_one_hot("Y", Y, F.ndim - 1)
    return (F.argmax(-1) == Y).mean(-1)


def evaluate(
    learner: Learner | MetaSGD,
    w: np.ndarray,
    tasks: Any,
    rng: np.random.Generator | int,
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
    rng : numpy.random.Generator or int
        Its state determines the tasks; an int is a seed.
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
    check_has("learner", learner, ("net", "unpack"), "MetaSGD(net)")
    check_takes("tasks", tasks, "sample", 4, EXAMPLE)
    n_tasks = whole_number("n_tasks", n_tasks, 2)
    steps = whole_number("steps", steps, 0)
    net, (start, alpha) = learner.net, learner.unpack(w)
    check_one_start(start)
    if start.dtype.kind != "f":
        raise TypeError(
            f"w has dtype {start.dtype}, but scores are real; pass an array of floats"
        )
    batch = tasks.sample(as_rng(rng), n_tasks, shots, n_query)
    check_batch(net, batch)
    check_function("score", score, "net, theta, X, Y")
    scores = []
    for part in chunks(batch, net, start.itemsize):
        theta = np.broadcast_to(start, (len(part), net.n_params))  # (chunk, P)
        by_steps = [score(net, theta, part.X_q, part.Y_q)]  # (chunk,) each
        for _ in range(steps):
            theta = adapt(net, theta, alpha, part.X_s, part.Y_s)[-1]  # (chunk, P)
            by_steps.append(score(net, theta, part.X_q, part.Y_q))
        if np.shape(by_steps) != (steps + 1, len(part)):
            raise ValueError(
                f"score returned shape {np.shape(by_steps[0])} for {len(part)} tasks, "
                "but it must return one number per task; average over the examples"
            )
        scores.append(as_scores(by_steps))
    return Evaluation(np.concatenate(scores, axis=-1).astype(np.float64))


def as_scores(values):
    """Return scores as an array, or raise if they are no numbers or NaN."""
    scores = np.asarray(values)
    if scores.dtype.kind not in "biuf" or np.isnan(scores).any():
        raise ValueError(
            f"score returned {shown(scores.flat[0])} for a task, but it must return "
            "one real number per task; average over the examples"
        )
    return scores

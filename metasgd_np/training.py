"""The outer loop: train a learner on task after task, then judge it on new tasks.

Randomness comes in independent streams, each a generator made from (seed, stream,
block). Training draws a fresh one for every block of 100 iterations, so a run stopped
between two blocks goes on with exactly the numbers it would have drawn.
"""

from dataclasses import dataclass
from math import cos, isfinite, pi

import numpy as np
from tqdm import tqdm

from .adaptation import adapt, chunks
from .checks import whole_number
from .optimizers import Adam

BLOCK = 100  # iterations between two entries of the history, and between two saves
STREAMS = {"start": 0, "train": 1, "validate": 2, "test": 3, "figure": 4}


class TrainingDiverged(RuntimeError):
    """The loss or a parameter became NaN or infinite."""


@dataclass(frozen=True)
class TrainingState:
    """All that a run needs to go on, or to be used.

    Attributes
    ----------
    settings : dict            what was trained and how, as text and numbers
    iteration : int            updates done
    w : (R, P)                 the learner's parameters; see `learner.unpack`
    optimizer_state : tuple    arrays of w's shape
    losses : (B,)              mean training loss of each block of 100 iterations
    """

    settings: dict
    iteration: int
    w: np.ndarray
    optimizer_state: tuple
    losses: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """A score of each new task, such as its query loss, after 0, 1, …, J steps.

    scores : (J+1, T)
    """

    scores: np.ndarray

    @property
    def mean(self):
        """Mean over the tasks, (J+1,)."""
        return self.scores.mean(-1)

    @property
    def interval(self):
        """Half-width of the 95 % interval of the mean, (J+1,): 1.96 s / √T."""
        return 1.96 * self.scores.std(-1, ddof=1) / np.sqrt(self.scores.shape[-1])


def random_stream(seed, name, block=0):
    """The generator of one stream of a run; streams of other names are independent."""
    return np.random.default_rng([seed, STREAMS[name], block])


def train(
    learner,
    tasks,
    optimizer=None,
    *,
    iterations,
    shots=10,
    n_query=10,
    meta_batch=25,
    cosine_decay=False,
    seed=0,
    start_from=None,
    after_block=None,
    progress=True,
):
    """Descend the learner's gradient on fresh tasks for a number of iterations.

    Parameters
    ----------
    learner : MetaSGD, MAML, Reptile or JointTraining
    tasks : with .dtype and .sample(rng, n_tasks, shots, n_query) → TaskBatch
    optimizer : SGD or Adam    Adam() if left out
    iterations : int           updates of w in all
    shots, n_query : int       support and query points a task
    meta_batch : int           tasks an iteration
    cosine_decay : bool        scale the rate by (1 + cos(π t / iterations)) / 2  (7.5)
    seed : int                 same seed, same numbers
    start_from : TrainingState    go on from here; its settings must be the same
    after_block : function     called with the TrainingState after every 100 iterations
    progress : bool            show a bar with the loss (TQDM_DISABLE=1 hides it too)

    Returns
    -------
    TrainingState after the last iteration

    Raises
    ------
    TrainingDiverged    the loss or a parameter is no longer finite
    ValueError          a setting is out of range, or start_from has other settings
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
    if start_from is None:
        w = learner.start(random_stream(seed, "start")).astype(tasks.dtype)
        state = TrainingState(settings, 0, w, optimizer.start(w), np.empty(0))
    else:
        check_same_settings(start_from.settings, settings)
        state = start_from
    with np.errstate(over="ignore", invalid="ignore"):  # divergence is told below
        return run_blocks(
            state,
            lambda state: train_block(learner, tasks, optimizer, state),
            lambda state: f"loss={state.losses[-1]:.4g}",
            after_block,
            progress,
        )


def run_blocks(state, next_block, told, after_block, progress):
    """The TrainingState after the last iteration; next_block(state) goes on by one.

    told(state) stands at the end of the bar; after_block, if any, gets every state.
    """
    iterations = state.settings["iterations"]
    hidden = {} if progress else {"disable": True}
    with tqdm(total=iterations, initial=state.iteration, unit="it", **hidden) as bar:
        while state.iteration < iterations:
            state = next_block(state)
            bar.set_postfix_str(told(state), refresh=False)
            bar.update(state.iteration - bar.n)
            if after_block is not None:
                after_block(state)
    return state


def decay_share(settings, iteration):
    """What is left of the rate after `iteration` updates, a fraction, (7.5)."""
    if not settings["cosine_decay"]:
        return 1.0
    return (1 + cos(pi * iteration / settings["iterations"])) / 2  # (7.5)


def train_block(learner, tasks, optimizer, state):
    """The next block of up to 100 iterations; returns the state after it."""
    s = state.settings
    w, optimizer_state = state.w, state.optimizer_state
    rng = random_stream(s["seed"], "train", state.iteration // BLOCK)
    end = min(state.iteration + BLOCK, s["iterations"])
    losses = []
    for t in range(state.iteration + 1, end + 1):
        batch = tasks.sample(rng, s["meta_batch"], s["shots"], s["n_query"])
        loss, gradient = learner.gradient(w, batch)
        losses.append(float(loss))
        scale = decay_share(s, t - 1)
        previous = w
        w, optimizer_state = optimizer.step(w, gradient, optimizer_state, t, scale)
        if not (isfinite(losses[-1]) and np.isfinite(w).all()):
            raise TrainingDiverged(told_divergence(learner, previous, t, losses[-1]))
    block_mean = sum(losses) / len(losses)
    return TrainingState(
        s, end, w, optimizer_state, np.append(state.losses, block_mean)
    )


def told_divergence(learner, w, iteration, loss):
    """One sentence on a run that blew up."""
    largest = np.abs(learner.unpack(w)[1]).max()
    return (
        f"training diverged at iteration {iteration}: the loss is {loss:.4g} and the "
        f"largest |α| is {largest:.4g}; lower the outer rate or start with a smaller α"
    )


def check_same_settings(found, expected):
    """ValueError that lists how the settings of a saved run differ, if they do."""
    differences = [
        f"{key} was {found.get(key)!r}, now {expected[key]!r}"
        for key in expected
        if found.get(key) != expected[key]
    ]
    if differences:
        raise ValueError(
            "this run was saved with other settings: "
            + "; ".join(differences)
            + "; repeat the old settings to resume it, or start anew elsewhere"
        )


def query_loss(net, theta, X, Y):
    """The loss of θ (..., P) on X (..., N, D) and Y, (...); `evaluate`'s own score."""
    return net.loss(theta, X, Y)


def accuracy(net, theta, X, Y):
    """The share of examples whose largest output is the label's, (...).

    θ (..., P), X (..., N, D), Y (..., N) class labels.
    """
    return (net.forward(theta, X).argmax(-1) == Y).mean(-1)


def evaluate(
    learner,
    w,
    tasks,
    rng,
    *,
    shots,
    n_tasks=100,
    n_query=100,
    steps=1,
    score=query_loss,
):
    """Adapt to new tasks, one to `steps` steps, and score each after every step.

    `score(net, theta, X, Y)` is `query_loss` or `accuracy`, on the query set. Tasks are
    taken in chunks that fit the processor's caches.

    Returns an Evaluation: .scores (steps+1, n_tasks), .mean and .interval (steps+1,).
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

"""Train a learner of a policy: act, step, act again, and take a TRPO step for it all.

Every iteration draws from a generator of its own, so a run stopped after any of them
goes on with exactly the numbers it would have drawn.
"""

from dataclasses import replace
from math import isfinite
from numbers import Real

import numpy as np

from ..checks import whole_number
from ..tasks import TaskBatch
from ..training import (
    TrainingDiverged,
    TrainingState,
    check_same_settings,
    decay_share,
    random_stream,
    run_blocks,
)
from .rollouts import act_and_adapt


def train_policy(
    learner,
    world,
    optimizer,
    *,
    iterations,
    meta_batch=20,
    trajectories=20,
    discount=0.99,
    gae_lambda=0.9,
    cosine_decay=False,
    seed=0,
    start_from=None,
    after_block=None,
    progress=True,
):
    """Train a learner of a GaussianPolicy on fresh tasks for a number of iterations.

    Parameters
    ----------
    learner : MetaSGD or MAML, of one inner step
    world : Navigation
    optimizer : TRPO
    iterations, meta_batch : int    updates in all, tasks an update
    trajectories : int              a task, before the inner step and after it
    discount : float                γ of (12.10)
    gae_lambda : float              κ of (12.13)
    cosine_decay : bool             scale max_kl as `train` scales the rate, (7.5)
    seed, start_from, progress      as for `train`
    after_block : function          called with the TrainingState after every update

    Returns
    -------
    TrainingState, whose losses (iterations, 2) are minus the mean return before and
    after the inner step of each iteration

    Raises
    ------
    TrainingDiverged    a parameter is no longer finite
    ValueError          a setting is out of range, or start_from has other settings
    """
    if learner.inner_steps != 1:
        raise ValueError(
            f"the learner takes inner_steps = {learner.inner_steps}, but a policy is "
            "trained for one step on each set of trajectories; give it inner_steps=1"
        )
    settings = {
        "learner": repr(learner),
        "world": repr(world),
        "optimizer": repr(optimizer),
        "iterations": whole_number("iterations", iterations, 0),
        "meta_batch": whole_number("meta_batch", meta_batch, 1),
        "trajectories": whole_number("trajectories", trajectories, 1),
        "discount": check_share("discount", discount),
        "gae_lambda": check_share("gae_lambda", gae_lambda),
        "cosine_decay": bool(cosine_decay),
        "seed": whole_number("seed", seed, 0),
    }
    if start_from is None:
        w = learner.start(random_stream(seed, "start")).astype(world.dtype)
        state = TrainingState(settings, 0, w, (), np.empty((0, 2)))
    else:
        check_same_settings(start_from.settings, settings)
        state = start_from
    return run_blocks(
        state,
        lambda state: train_once(learner, world, optimizer, state),
        lambda state: "return {:.1f} → {:.1f}".format(*-state.losses[-1]),
        after_block,
        progress,
    )


def train_once(learner, world, optimizer, state):
    """One update, on trajectories of its own; returns the state after it."""
    s = state.settings
    rng = random_stream(s["seed"], "train", state.iteration)
    tasks = world.sample(rng, s["meta_batch"])
    theta, alpha = learner.unpack(state.w)
    drawn, batches = act_and_adapt(
        learner.net,
        theta,
        [alpha],
        world,
        tasks,
        rng,
        trajectories=s["trajectories"],
        discount=s["discount"],
        gae_lambda=s["gae_lambda"],
    )
    batch = TaskBatch(*batches[0], *batches[1])
    max_kl = decay_share(s, state.iteration) * optimizer.max_kl
    w = replace(optimizer, max_kl=max_kl).step(learner, state.w, batch).w
    losses = [-float(t.returns.mean()) for t in drawn]
    if not (isfinite(sum(losses)) and np.isfinite(w).all()):
        raise TrainingDiverged(
            f"training diverged at iteration {state.iteration + 1}: a parameter is no "
            "longer finite; lower max_kl or start with a smaller alpha"
        )
    history = np.append(state.losses, [losses], axis=0)
    return TrainingState(s, state.iteration + 1, w, (), history)


def check_share(name, value):
    """`value` as a float, or an error unless it is a number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r}, but it must be a number, 0 to 1")
    if not 0 <= value <= 1:
        raise ValueError(
            f"{name} is {value}, but it must lie between 0 and 1; 0.99 looks about a "
            "hundred steps ahead, 0.9 ten"
        )
    return float(value)

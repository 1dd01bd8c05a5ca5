"""Meta-learning a policy by acting: trajectories before and after each inner step.

A task is met as in `adapt`, but every set of examples must be acted out first:

    draw trajectories at θ_0; step to θ_1 by (5.1); draw trajectories at θ_1; …

The first are the support set, those after the step the query set. The inner loss is
the policy gradient's (12.3) on a batch already drawn. Its derivative in θ takes the
batch as given: that other actions would have been drawn at another θ is neglected,
inside and outside alike, as in MAML and Meta-SGD.
"""

from math import isfinite
from numbers import Real

import numpy as np
from tqdm import tqdm

from .advantages import policy_batch
from .checks import whole_number
from .meta_gradient import adapt, chunk_length
from .tasks import TaskBatch
from .tasks.navigation import SPEED
from .training import (
    Evaluation,
    TrainingDiverged,
    TrainingState,
    check_same_settings,
    random_stream,
)

CHUNK = 20  # tasks acted out at a time when judging: one generator for each chunk


def act_and_adapt(
    policy, theta, alphas, world, tasks, rng, *, trajectories=20, discount=0.99
):
    """Act, step, act again: a step for each α in `alphas`.

    Parameters
    ----------
    policy : GaussianPolicy
    theta : (P,)               where every task starts
    alphas : J arrays (P,)     step sizes, one array a step
    world : Navigation
    tasks : (T, 2, 2)          from world.sample
    trajectories : int         drawn at each of θ_0, …, θ_J
    discount : float           γ of (12.10)

    Returns
    -------
    drawn : list of J+1 Trajectories
    batches : list of J+1 pairs X (T, N, D), Y (T, N, 2O+1), from policy_batch
    """
    thetas = np.broadcast_to(theta, (len(tasks), policy.n_params))  # (T, P)
    drawn, batches = [], []
    for alpha in (*alphas, None):
        drawn.append(world.roll_out(policy, thetas, tasks, rng, trajectories))
        batches.append(policy_batch(drawn[-1], discount))
        if alpha is not None:
            thetas = one_step(policy, thetas, alpha, *batches[-1])  # (T, P)
    return drawn, batches


def one_step(policy, thetas, alpha, X, Y):
    """θ − α∘g for each task, a few tasks at a time so that arrays stay in caches."""
    size = chunk_length(X.shape[1] * policy.n_hidden * X.itemsize)
    parts = [slice(i, i + size) for i in range(0, len(X), size)]
    return np.concatenate(
        [adapt(policy, thetas[i], alpha, X[i], Y[i])[-1] for i in parts]
    )


def train_policy(
    learner,
    world,
    optimizer,
    *,
    iterations,
    meta_batch=20,
    trajectories=20,
    discount=0.99,
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
        "discount": check_discount(discount),
        "seed": whole_number("seed", seed, 0),
    }
    if start_from is None:
        w = learner.start(random_stream(seed, "start")).astype(world.dtype)
        state = TrainingState(settings, 0, w, (), np.empty((0, 2)))
    else:
        check_same_settings(start_from.settings, settings)
        state = start_from
    hidden = {} if progress else {"disable": True}
    with tqdm(total=iterations, initial=state.iteration, unit="it", **hidden) as bar:
        while state.iteration < iterations:
            state = train_once(learner, world, optimizer, state)
            before, after = -state.losses[-1]
            bar.set_postfix_str(f"return {before:.1f} → {after:.1f}", refresh=False)
            bar.update(1)
            if after_block is not None:
                after_block(state)
    return state


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
    )
    batch = TaskBatch(*batches[0], *batches[1])
    w = optimizer.step(learner, state.w, batch).w
    losses = [-float(t.returns.mean()) for t in drawn]
    if not (isfinite(sum(losses)) and np.isfinite(w).all()):
        raise TrainingDiverged(
            f"training diverged at iteration {state.iteration + 1}: a parameter is no "
            "longer finite; lower max_kl or start with a smaller alpha"
        )
    history = np.append(state.losses, [losses], axis=0)
    return TrainingState(s, state.iteration + 1, w, (), history)


def evaluate_policy(
    learner,
    w,
    world,
    seed,
    stream,
    *,
    n_tasks=600,
    step_scales=(1, 0.5, 0.5),
    trajectories=20,
    discount=0.99,
):
    """Returns on new tasks before and after each of J steps, plain and discounted.

    Two Evaluations, whose losses (J+1, n_tasks) are minus the returns; the second has
    step t count γ^t. Step j of adapting has step sizes step_scales[j] · α. Every
    learner judged with one seed and stream meets the same tasks.
    """
    n_tasks = whole_number("n_tasks", n_tasks, 2)
    tasks = world.sample(random_stream(seed, stream), n_tasks)
    theta, alpha = learner.unpack(w)
    alphas = [np.asarray(scale * alpha, alpha.dtype) for scale in step_scales]
    plain, discounted = [], []
    for start in range(0, n_tasks, CHUNK):
        rng = random_stream(seed, stream, 1 + start)
        part = tasks[start : start + CHUNK]
        drawn, _ = act_and_adapt(
            learner.net,
            theta,
            alphas,
            world,
            part,
            rng,
            trajectories=trajectories,
            discount=discount,
        )
        plain.append([t.returns for t in drawn])  # (J+1, CHUNK)
        discounted.append([t.discounted(discount) for t in drawn])  # (J+1, CHUNK)
    return tuple(Evaluation(-np.concatenate(R, -1)) for R in (plain, discounted))


def reference_returns(world, seed, stream, n_tasks=600):
    """What knows nothing and what knows all, on the tasks of `evaluate_policy`.

    {"random": every action drawn from N(0, 1), "oracle": full speed straight to the
    goal, in each direction}, each an Evaluation of one row, minus the returns.
    """
    tasks = world.sample(random_stream(seed, stream), n_tasks)
    rng = random_stream(seed, "figure", 2)
    acts = {
        "random": lambda step, X: rng.standard_normal(X.shape, X.dtype),
        "oracle": lambda step, X: (tasks[:, 1, None] - X) / SPEED,
    }
    return {
        name: Evaluation(-world.walk(act, tasks, 20).returns[None])
        for name, act in acts.items()
    }


def check_discount(discount):
    """`discount` as a float, or an error unless it is a number from 0 to 1."""
    if isinstance(discount, bool) or not isinstance(discount, Real):
        raise TypeError(f"discount is {discount!r}, but it must be a number, 0 to 1")
    if not 0 <= discount <= 1:
        raise ValueError(
            f"discount is {discount}, but it must lie between 0 and 1; 0.99 looks "
            "about a hundred steps ahead"
        )
    return float(discount)

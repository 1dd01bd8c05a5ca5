"""Rollouts: act in a task, adapt, act again; and evaluate a learner this way.

A policy adapts as in `adapt`, but every set of examples must first be acted out:

    draw trajectories at θ_0; step to θ_1 by (5.1); draw trajectories at θ_1; …

The first are the support set, those after the step are the query set. The inner loss is
the policy gradient's (12.3) on a batch already drawn. Its derivative in θ treats
the batch as fixed: in both loops it neglects that other actions would have been drawn
at another θ, as in MAML and Meta-SGD.
"""

import numpy as np

from ..adaptation import adapt, chunk_length
from ..checks import as_rng, check_has, choose, real_number, share, whole_number
from ..training import STREAMS, Evaluation, random_stream
from .advantages import policy_batch
from .navigation import SPEED, Navigation, check_walk
from .policy import GaussianPolicy

FAR = "0.99 looks about a hundred steps ahead, 0.9 ten"
CHUNK = 20  # tasks acted out at a time in evaluation: one generator per chunk


def act_and_adapt(
    policy: GaussianPolicy,
    theta: np.ndarray,
    alphas: list,
    world: Navigation,
    tasks: np.ndarray,
    rng: np.random.Generator,
    *,
    trajectories: int = 20,
    discount: float = 0.99,
    gae_lambda: float = 0.9,
) -> tuple:
    """Act and adapt in turn: one step for each of the J arrays α (P,) in `alphas`.

    `trajectories` are drawn at each of θ_0, …, θ_J in every task; discount is γ of
    (12.10), gae_lambda κ of (12.13). Returns rollouts, a list of J+1 Trajectories, and
    batches, a list of J+1 pairs X (T, N, D), Y (T, N, 2O+1), from policy_batch.
    """
    rng = as_rng(rng)
    theta, tasks = check_walk(policy, theta, tasks)
    thetas = np.broadcast_to(theta, (len(tasks), policy.n_params))  # (T, P)
    rollouts, batches = [], []
    for alpha in (*alphas, None):
        rollouts.append(world.roll_out(policy, thetas, tasks, rng, trajectories))
        batches.append(policy_batch(rollouts[-1], discount, gae_lambda))
        if alpha is not None:
            thetas = one_step(policy, thetas, alpha, *batches[-1])  # (T, P)
    return rollouts, batches


def one_step(policy, thetas, alpha, X, Y):
    """θ − α∘g for each task, a few tasks at a time so that arrays fit the caches."""
    size = chunk_length(policy, X.shape[1], X.itemsize)
    parts = [slice(i, i + size) for i in range(0, len(X), size)]
    return np.concatenate(
        [adapt(policy, thetas[i], alpha, X[i], Y[i])[-1] for i in parts]
    )


def evaluate_policy(
    learner,
    w: np.ndarray,
    world: Navigation,
    seed: int,
    stream: str,
    *,
    n_tasks: int = 600,
    step_scales: tuple = (1, 0.5, 0.5),
    trajectories: int = 20,
    discount: float = 0.99,
    gae_lambda: float = 0.9,
) -> tuple:
    """Measure returns on new tasks before and after each of J steps.

    Inner step j has step sizes step_scales[j] · α. All learners evaluated with the same
    seed and stream get the same tasks. Returns two Evaluations, (J+1, n_tasks) each:
    plain and discounted returns.
    """
    check_has("learner", learner, ("net", "unpack"), "MetaSGD(GaussianPolicy(net))")
    n_tasks = whole_number("n_tasks", n_tasks, 2)
    share("discount", discount, FAR)
    share("gae_lambda", gae_lambda, FAR)
    step_scales = [real_number("a step scale", scale) for scale in step_scales]
    tasks = sample_tasks(world, seed, stream, n_tasks)
    theta, alpha = learner.unpack(w)
    alphas = [np.asarray(scale * alpha, alpha.dtype) for scale in step_scales]
    plain, discounted = [], []
    for start in range(0, n_tasks, CHUNK):
        rollouts, _ = act_and_adapt(
            learner.net,
            theta,
            alphas,
            world,
            tasks[start : start + CHUNK],
            random_stream(seed, stream, 1 + start),
            trajectories=trajectories,
            discount=discount,
            gae_lambda=gae_lambda,
        )
        plain.append([r.returns for r in rollouts])  # (J+1, CHUNK)
        discounted.append([r.discounted(discount) for r in rollouts])  # (J+1, CHUNK)
    return tuple(Evaluation(np.concatenate(R, -1)) for R in (plain, discounted))


def sample_tasks(world, seed, stream, n_tasks):
    """Draw the tasks of one stream of a seed, or raise unless all three are valid."""
    check_has("world", world, ("sample", "roll_out"), "Navigation()")
    choose("stream", stream, STREAMS)
    return world.sample(random_stream(whole_number("seed", seed, 0), stream), n_tasks)


def reference_returns(
    world: Navigation, seed: int, stream: str, n_tasks: int = 600
) -> dict:
    """Measure random and oracle reference returns on the tasks of `evaluate_policy`.

    {"random": every action drawn from N(0, 1), "oracle": full speed straight to the
    goal, in each direction}, each an Evaluation of one row.
    """
    tasks = sample_tasks(world, seed, stream, n_tasks)
    rng = random_stream(seed, "figure", 2)
    acts = {
        "random": lambda step, X: rng.standard_normal(X.shape, X.dtype),
        "oracle": lambda step, X: (tasks[:, 1, None] - X) / SPEED,
    }
    return {
        name: Evaluation(world.walk(act, tasks, 20).returns[None])
        for name, act in acts.items()
    }

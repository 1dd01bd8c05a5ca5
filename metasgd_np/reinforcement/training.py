"""Meta-train a policy: act, adapt, act again, and take one TRPO step.

Every iteration draws from its own generator, so a run stopped after any of them
continues with exactly the numbers it would have drawn.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..checks import check_has, share, truth, whole_number
from ..learners import MAML, MetaSGD
from ..tasks import TaskBatch
from ..training import (
    TrainingDiverged,
    TrainingState,
    check_callback,
    cosine_scale,
    first_state,
    progress_bar,
    random_stream,
)
from .navigation import Navigation
from .rollouts import FAR, act_and_adapt
from .trpo import TRPO, check_policy_learner


def train_policy(
    learner: MetaSGD | MAML,
    world: Navigation,
    optimizer: TRPO,
    *,
    iterations: int,
    meta_batch: int = 20,
    trajectories: int = 20,
    discount: float = 0.99,
    gae_lambda: float = 0.9,
    cosine_decay: bool = False,
    seed: int = 0,
    start_from: TrainingState | None = None,
    after_block: Callable | None = None,
    progress: bool = True,
) -> TrainingState:
    """Train a learner whose net is a GaussianPolicy on fresh tasks.

    Parameters
    ----------
    learner : MetaSGD or MAML
        With one inner step and a GaussianPolicy as its net.
    world : Navigation
        Where the policy acts.
    optimizer : TRPO
        The trust-region step.
    iterations : int
        Total number of updates.
    meta_batch : int, default 20
        Tasks per update.
    trajectories : int, default 20
        Per task, before the inner step and after it.
    discount : float, default 0.99
        The γ of (12.10).
    gae_lambda : float, default 0.9
        The κ of (12.13).
    cosine_decay : bool, default False
        Scale max_kl as `train` scales the rate, (7.5).
    seed : int, default 0
        Same seed, same numbers.
    start_from : TrainingState, optional
        The state to resume from; its settings must be the same.
    after_block : function, optional
        Called with the TrainingState after every update.
    progress : bool, default True
        Show a bar with the returns (TQDM_DISABLE=1 hides it too).

    Returns
    -------
    TrainingState
        Its history (iterations, 2) holds the mean return before and after the inner
        step of each iteration.

    Raises
    ------
    TrainingDiverged
        If a parameter is no longer finite.
    ValueError
        If a setting is out of range, or start_from has other settings.

    Examples
    --------
    >>> from metasgd_np import MAML, TwoLayerNet
    >>> from metasgd_np.reinforcement import GaussianPolicy
    >>> learner = MAML(GaussianPolicy(TwoLayerNet(2, 4, 2)), alpha=0.1)
    >>> state = train_policy(
    ...     learner, Navigation(horizon=5), TRPO(), iterations=2, meta_batch=2,
    ...     progress=False,
    ... )
    >>> state.history.shape
    (2, 2)
    """
    check_policy_learner(learner)
    check_has("world", world, ("sample", "roll_out"), "Navigation()")
    check_has("optimizer", optimizer, ["max_kl"], "TRPO()")
    check_callback(after_block)
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
        "discount": share("discount", discount, FAR),
        "gae_lambda": share("gae_lambda", gae_lambda, FAR),
        "cosine_decay": truth("cosine_decay", cosine_decay),
        "seed": whole_number("seed", seed, 0),
    }
    state = first_state(settings, learner, world, optimizer, start_from)
    shown_bar = truth("progress", progress)
    with progress_bar(iterations, state.iteration, "it", shown_bar) as bar:
        for t in range(state.iteration, iterations):
            rng = random_stream(seed, "train", t)
            tasks = world.sample(rng, meta_batch)
            theta, alpha = learner.unpack(state.w)
            rollouts, batches = act_and_adapt(
                learner.net,
                theta,
                [alpha],
                world,
                tasks,
                rng,
                trajectories=trajectories,
                discount=discount,
                gae_lambda=gae_lambda,
            )
            batch = TaskBatch(*batches[0], *batches[1])
            scale = cosine_scale(t, iterations) if cosine_decay else 1.0
            trust_region = replace(optimizer, max_kl=scale * optimizer.max_kl)
            w = trust_region.step(learner, state.w, batch).w
            if not np.isfinite(w).all():
                raise TrainingDiverged(
                    f"training diverged at iteration {t + 1}: a parameter is no longer "
                    "finite; lower max_kl or start with a smaller alpha"
                )
            returns = [float(r.returns.mean()) for r in rollouts]
            history = np.array([*state.history, returns])  # (t + 1, 2)
            state = TrainingState(settings, t + 1, w, (), history)
            bar.set_postfix_str(
                "return {:.1f} → {:.1f}".format(*returns), refresh=False
            )
            bar.update()
            if after_block is not None:
                after_block(state)
    return state

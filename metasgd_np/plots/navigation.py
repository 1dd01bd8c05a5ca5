"""Figures of 2-D navigation: rollouts, returns, and where a step leads."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from ..training import Evaluation, TrainingState
from .shared import STYLES, check_lines, finish, finish_panels

REFERENCE_LOOKS = {"random": ("0.5", ":"), "oracle": ("k", "-.")}


def trajectories(rollouts: dict, tasks: np.ndarray, shown: int = 5) -> Figure:
    """Draw rollouts before and after one step.

    Parameters
    ----------
    rollouts : dict
        {name: [Trajectories before, after]}.
    tasks : (T, 2, 2) array
        Start and goal of each task.
    shown : int, default 5
        Rollouts drawn per task, before the step and after it.

    Returns
    -------
    Figure
        One row per learner, one column per task.
    """
    n_tasks = len(tasks)
    size = (3 * n_tasks, 3.1 * len(rollouts))
    figure, axes = plt.subplots(
        len(rollouts), n_tasks, figsize=size, sharex=True, sharey=True, squeeze=False
    )
    looks = [("before", "0.6", ":"), ("after one step", "#0b6e4f", "-")]
    star = {"marker": "*", "ms": 15, "mfc": "#ffd23f", "mec": "k", "ls": "none"}
    for row, (name, pair) in zip(axes, rollouts.items(), strict=True):
        for i, axis in enumerate(row):
            for (label, color, line), t in zip(looks, pair, strict=True):
                for k in range(min(shown, t.states.shape[1])):
                    x, y = t.states[i, k].T
                    named = label if k == 0 else None
                    axis.plot(x, y, color=color, ls=line, lw=1, label=named)
            axis.plot(*tasks[i, 0], "ko", ms=5, label="start")
            axis.plot(*tasks[i, 1], label="goal", **star)  # light, in grey too
            axis.set(xlim=(-0.8, 0.8), ylim=(-0.8, 0.8), aspect="equal")
            change = " → ".join(f"{t.returns[i]:.1f}" for t in pair).replace("-", "−")
            axis.set_title(f"{name}: return {change}", fontsize=10)
        row[0].set_ylabel("y (units of length)")
    for axis in axes[-1]:
        axis.set_xlabel("x (units of length)")
    title = f"{n_tasks} new tasks, {shown} rollouts each"
    return finish_panels(figure, title, 0.05, ncols=4)


def landing(rollouts: dict, tasks: np.ndarray) -> Figure:
    """Draw how far from the start rollouts settle, against the distance of the goal.

    A rollout settles at the mean position of its second half.

    Parameters
    ----------
    rollouts : dict
        {name: [Trajectories before, after]}.
    tasks : (T, 2, 2) array
        Start and goal of each task.

    Returns
    -------
    Figure
        One panel, a point per learner and task.
    """
    check_lines("rollouts", rollouts, parts=["__len__"])
    figure, axis = plt.subplots(figsize=(5.2, 4.6))
    starts, goals = tasks[:, 0], tasks[:, 1]  # each (T, 2)
    far = np.hypot(*(goals - starts).T)  # (T,)
    for name, (_, after) in rollouts.items():
        half = after.states.shape[2] // 2
        settled = after.states[:, :, half:].mean((1, 2))  # (T, 2)
        look = {"color": STYLES[name]["color"], "marker": STYLES[name]["marker"]}
        axis.scatter(
            far, np.hypot(*(settled - starts).T), s=14, alpha=0.7, label=name, **look
        )
    top = 1.05 * far.max()
    axis.plot([0, top], [0, top], "k:", label="on the goal's distance")
    axis.set(
        xlabel="distance from start to goal (units of length)",
        ylabel="distance from start to where the rollouts settle",
        xlim=(0, top),
        ylim=(0, None),
    )
    return finish(figure, f"After one step, {len(tasks)} new tasks, one seed")


def returns_by_steps(
    evaluations: dict[str, Evaluation], references: dict[str, Evaluation]
) -> Figure:
    """Draw the return after 0, 1, … steps: mean and 95 % interval.

    Parameters
    ----------
    evaluations : dict
        {name: Evaluation} of returns, one per learner.
    references : dict
        {name: Evaluation} of the random and the oracle reference return.

    Returns
    -------
    Figure
        One panel, a line with bars per learner, a horizontal line per reference.
    """
    parts = ("mean", "interval", "scores")
    check_lines("evaluations", evaluations, parts=parts)
    check_lines("references", references, styled=False, parts=parts)
    figure, axis = plt.subplots(figsize=(6.4, 4))
    for name, evaluation in evaluations.items():
        steps, look = np.arange(len(evaluation.mean)), STYLES[name]
        bars = {"yerr": evaluation.interval, "capsize": 3}
        axis.errorbar(steps, evaluation.mean, label=name, **bars, **look)
    n_tasks = evaluation.scores.shape[-1]
    for name, evaluation in references.items():
        color, line = REFERENCE_LOOKS[name]
        axis.axhline(evaluation.mean[0], color=color, ls=line, label=name)
    axis.set(xlabel="gradient steps on the new task", ylabel="return", xticks=steps)
    axis.set_ylim(top=2)  # room for an oracle near 0
    return finish(figure, f"Mean of {n_tasks} new tasks, one seed; bar: 95 % interval")


def return_curves(states: dict[str, TrainingState]) -> Figure:
    """Draw the training return before and after the inner step, by iteration.

    Parameters
    ----------
    states : dict
        {name: TrainingState} of `train_policy`.

    Returns
    -------
    Figure
        One panel, two lines per learner.
    """
    check_lines("states", states, parts=("history", "iteration"))
    figure, axis = plt.subplots(figsize=(6.4, 4))
    for name, state in states.items():
        x = np.arange(1, len(state.history) + 1)
        before, after = state.history.T
        look = STYLES[name] | {"marker": None}
        axis.plot(x, after, label=f"{name}, after one step", **look)
        axis.plot(x, before, label=f"{name}, before", alpha=0.4, **look)
    axis.set(xlabel="iteration", ylabel="return", ylim=(-100, 0))
    title = "Training return, mean of the tasks of an iteration, one seed"
    return finish(figure, title)

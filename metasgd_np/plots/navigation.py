"""Figures of 2-D navigation: rollouts, returns, and where a step leads."""

import matplotlib.pyplot as plt
import numpy as np

from .learning import STYLES

LOOKS = {"random": ("0.5", ":"), "oracle": ("k", "-.")}


def trajectories(rollouts, tasks, shown=5):
    """Draw rollouts before and after one step, a row per learner, a column per task.

    rollouts : {name: [Trajectories before, after]}    of the tasks (T, 2, 2)
    """
    n_tasks = len(tasks)
    figure, axes = plt.subplots(
        len(rollouts),
        n_tasks,
        figsize=(3 * n_tasks, 3.1 * len(rollouts)),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    looks = [("before", "0.6", ":"), ("after one step", "#0b6e4f", "-")]
    for row, (name, pair) in zip(axes, rollouts.items(), strict=True):
        for i, axis in enumerate(row):
            for (label, color, line), t in zip(looks, pair, strict=True):
                for k in range(min(shown, t.states.shape[1])):
                    x, y = t.states[i, k].T
                    named = label if k == 0 else None
                    axis.plot(x, y, color=color, ls=line, lw=1, label=named)
            axis.plot(*tasks[i, 0], "ko", ms=5, label="start")
            axis.plot(*tasks[i, 1], "r*", ms=13, label="goal")
            axis.set(xlim=(-0.8, 0.8), ylim=(-0.8, 0.8), aspect="equal")
            change = " → ".join(f"{t.returns[i]:.1f}" for t in pair)
            axis.set_title(f"{name}: return {change}", fontsize=10)
        row[0].set_ylabel("y (units of length)")
    for axis in axes[-1]:
        axis.set_xlabel("x (units of length)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=4, frameon=False)
    figure.suptitle(f"{n_tasks} new tasks, {shown} rollouts each")
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    return figure


def landing(rollouts, tasks):
    """How far from the start a learner settles, against how far the goal is.

    rollouts, tasks : as for `trajectories`; a rollout settles where it spends its
    second half
    """
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
    axis.set_title(f"After one step, {len(tasks)} new tasks, one seed", fontsize=10)
    axis.legend(frameon=False)
    figure.tight_layout()
    return figure


def returns_by_steps(evaluations, references):
    """Return after 0, 1, … steps, mean and 95 % interval, beside the references.

    evaluations, references : {name: Evaluation} of returns
    """
    figure, axis = plt.subplots(figsize=(6.4, 4))
    for name, evaluation in evaluations.items():
        mean, interval = evaluation.mean, evaluation.interval
        steps = np.arange(len(mean))
        axis.errorbar(steps, mean, interval, label=name, capsize=3, **STYLES[name])
    n_tasks = evaluation.scores.shape[-1]
    for name, evaluation in references.items():
        color, line = LOOKS[name]
        axis.axhline(evaluation.mean[0], color=color, ls=line, label=name)
    axis.set(xlabel="gradient steps on the new task", ylabel="return", xticks=steps)
    axis.set_ylim(top=2)  # room for an oracle near 0
    axis.set_title(
        f"Mean of {n_tasks} new tasks, one seed; bar: 95 % interval", fontsize=10
    )
    axis.legend(frameon=False)
    figure.tight_layout()
    return figure


def return_curves(states):
    """Return before and after the inner step, by iteration; {name: TrainingState}."""
    figure, axis = plt.subplots(figsize=(6.4, 4))
    for name, state in states.items():
        x = np.arange(1, len(state.history) + 1)
        before, after = state.history.T
        look = {**STYLES[name], "marker": None}
        axis.plot(x, after, label=f"{name}, after one step", **look)
        axis.plot(x, before, label=f"{name}, before", **{**look, "alpha": 0.4})
    axis.set(xlabel="iteration", ylabel="return", ylim=(-100, 0))
    axis.set_title(
        "Training return, mean of the tasks of an iteration, one seed", size=10
    )
    axis.legend(frameon=False)
    figure.tight_layout()
    return figure

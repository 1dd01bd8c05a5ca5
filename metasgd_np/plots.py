"""Every figure longer than ten lines; each function returns a Matplotlib Figure."""

import matplotlib.pyplot as plt
import numpy as np

from .meta_gradient import adapt
from .training import BLOCK

# One look per learner in every figure, told apart by line and marker without colour.
STYLES = {
    "Meta-SGD": {"color": "#0b6e4f", "linestyle": "-", "marker": "o"},
    "MAML": {"color": "#c8553d", "linestyle": "--", "marker": "s"},
    "joint training": {"color": "#3d5a9e", "linestyle": ":", "marker": "^"},
    "Reptile": {"color": "#8d6a9f", "linestyle": "-.", "marker": "D"},
}


def fits(trained, tasks, rng, shots, steps=(0, 1, 10)):
    """Curves of each learner on one new task after a few numbers of steps.

    trained : {name: (learner, w)}    the same task is given to all
    """
    curves = tasks.sample_curves(rng, 1)
    low, high = tasks.x_range
    X_s = rng.uniform(low, high, (shots, 1))
    Y_s = tasks.curve(curves, X_s)[0]
    X = np.linspace(low, high, 200)[:, None]
    figure, axes = plt.subplots(
        1, len(trained), figsize=(3 * len(trained), 3.2), sharey=True, squeeze=False
    )
    looks = [("0.65", ":"), ("0.35", "--"), ("tab:red", "-")]
    for axis, (name, (learner, w)) in zip(axes[0], trained.items(), strict=True):
        path = adapt(learner.net, *learner.unpack(w), X_s, Y_s, max(steps))
        axis.plot(X, tasks.curve(curves, X)[0], color="tab:blue", lw=4, alpha=0.35)
        for step, (color, line) in zip(steps, looks, strict=True):
            label = f"{step} step{'' if step == 1 else 's'}"
            F = learner.net.forward(path[step], X)
            axis.plot(X, F, color=color, linestyle=line, label=label)
        axis.plot(X_s, Y_s, "k.", ms=9)
        axis.set(title=name, xlabel="x")
    amplitude = float(curves[0].squeeze())
    axes[0, 0].set(ylabel="y", ylim=(-1.9 * amplitude, 1.9 * amplitude))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(steps), frameon=False)
    figure.suptitle(f"A new sine wave (wide line) learned from {shots} points (dots)")
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    return figure


def mse_by_steps(evaluations):
    """Query MSE after 0, 1, … steps, mean and 95 % interval; {name: Evaluation}."""
    figure, axis = plt.subplots(figsize=(6, 4))
    for name, evaluation in evaluations.items():
        steps = np.arange(len(evaluation.mean))
        axis.plot(steps, evaluation.mean, label=name, **STYLES[name])
        low = evaluation.mean - evaluation.interval
        high = evaluation.mean + evaluation.interval
        axis.fill_between(steps, low, high, color=STYLES[name]["color"], alpha=0.15)
    n_tasks = evaluation.losses.shape[-1]
    axis.set(
        xlabel="gradient steps on the new task",
        ylabel="test MSE (units of y²)",
        yscale="log",
        xticks=steps,
        title=f"Mean over {n_tasks} new curves, one training seed; band: 95 % interval",
    )
    axis.title.set_size(10)
    axis.legend(frameon=False)
    figure.tight_layout()
    return figure


def alpha_by_block(net, alpha, start):
    """Histograms of the learned α, a panel a block; `start` is the range it began in."""
    blocks = net.blocks(alpha)
    figure, axes = plt.subplots(1, len(blocks), figsize=(9, 2.9))
    for axis, (name, values) in zip(axes, blocks.items(), strict=True):
        values = values.ravel()
        axis.axvspan(*start, color="0.85", label="α before training")
        axis.axvline(0, color="k", lw=0.8)
        axis.hist(values, bins=min(20, 2 + values.size // 2), color="#0b6e4f")
        negative = int((values < 0).sum())
        axis.set(title=f"{name}: {negative} of {values.size} negative", xlabel="α")
        axis.title.set_size(10)
    axes[0].set_ylabel("entries")
    axes[0].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    return figure


def learning_curves(states):
    """Training loss by iteration, each point the mean of a block; {name: state}."""
    figure, axis = plt.subplots(figsize=(6, 4))
    for name, state in states.items():
        x = np.minimum(BLOCK * np.arange(1, len(state.losses) + 1), state.iteration)
        style = {**STYLES[name], "marker": None}
        axis.plot(x, state.losses, label=name, **style)
    axis.set(
        xlabel="iteration",
        ylabel="training loss (units of y²)",
        yscale="log",
        title=f"Training loss, mean of each {BLOCK} iterations, one seed",
    )
    axis.title.set_size(10)
    axis.legend(frameon=False)
    figure.tight_layout()
    return figure

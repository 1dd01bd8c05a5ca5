"""Figures of training and testing: fits, losses, and the step sizes α."""

import matplotlib.pyplot as plt
import numpy as np

from ..adaptation import adapt
from ..files import replacing
from ..training import BLOCK

# One look per learner in every figure, told apart by line and marker without colour.
STYLES = {
    "Meta-SGD": {"color": "#0b6e4f", "linestyle": "-", "marker": "o"},
    "MAML": {"color": "#c8553d", "linestyle": "--", "marker": "s"},
    "joint training": {"color": "#3d5a9e", "linestyle": ":", "marker": "^"},
    "Reptile": {"color": "#8d6a9f", "linestyle": "-.", "marker": "D"},
    "logistic regression": {"color": "#7a5c00", "linestyle": "-.", "marker": "v"},
    "nearest neighbour": {"color": "#444444", "linestyle": (0, (1, 3)), "marker": "x"},
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
    limit = 2 * tasks.amplitude[1]
    figure, axes = plt.subplots(
        1, len(trained), figsize=(3 * len(trained), 3.3), sharey=True, squeeze=False
    )
    looks = [("0.6", ":"), ("k", "--"), ("tab:red", "-")]
    for axis, (name, (learner, w)) in zip(axes[0], trained.items(), strict=True):
        path = adapt(learner.net, *learner.unpack(w), X_s, Y_s, max(steps))
        axis.plot(X, tasks.curve(curves, X)[0], color="tab:blue", lw=5, alpha=0.35)
        for step, (color, line) in zip(steps, looks, strict=True):
            label = f"{step} step{'' if step == 1 else 's'}"
            F = learner.net.forward(path[step], X)
            axis.plot(X, F, color=color, linestyle=line, label=label)
            if np.abs(F).max() > limit:
                note = f"after {label}: up to |y| = {np.abs(F).max():.0f}"
                axis.text(0.03, 0.03, note, transform=axis.transAxes, fontsize=8)
        axis.plot(X_s, Y_s, "k.", ms=9)
        axis.set(title=name, xlabel="x")
    axes[0, 0].set(ylabel="y", ylim=(-limit, limit))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(steps), frameon=False)
    figure.suptitle(f"A new sine wave (wide line) learned from {shots} points (dots)")
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    return figure


def mse_by_steps(evaluations, shots, trained_steps=1):
    """Query MSE after 0, 1, … steps, mean and 95 % interval; {name: Evaluation}.

    The axis ends at twice the largest mean before adaptation; what rises above it is
    told in the figure, for a learner trained for one step may not bear many.
    """
    figure, axis = plt.subplots(figsize=(6.4, 4))
    top = 2 * max(evaluation.mean[0] for evaluation in evaluations.values())
    for name, evaluation in evaluations.items():
        mean, interval = evaluation.mean, evaluation.interval
        steps = np.arange(len(mean))
        shown = np.where(mean < top, interval, np.nan)
        label = name
        if mean.max() > top:
            label = f"{name}: trained for {trained_steps} step, diverges after more"
        axis.plot(steps, mean, label=label, **STYLES[name])
        color = STYLES[name]["color"]
        axis.fill_between(steps, mean - shown, mean + shown, color=color, alpha=0.15)
    axis.set(
        xlabel="gradient steps on the new task",
        ylabel="test MSE (units of y²)",
        ylim=(0, top),
        xticks=steps,
    )
    n_tasks = evaluation.scores.shape[-1]
    axis.set_title(
        f"{shots}-shot test: mean of {n_tasks} new curves, one seed; "
        "band: 95 % interval",
        fontsize=10,
    )
    axis.legend(loc="upper right")
    figure.tight_layout()
    return figure


def alpha_by_block(net, alpha, start):
    """Histograms of the learned α, a panel a block; `start` is where α began."""
    blocks = net.blocks(alpha)
    figure, axes = plt.subplots(1, len(blocks), figsize=(9, 3.1))
    for axis, (name, values) in zip(axes, blocks.items(), strict=True):
        axis.axvspan(*start, color="tab:orange", alpha=0.5, label="α before training")
        axis.axvline(0, color="k", lw=0.8)
        if values.size == 1:
            axis.vlines(values, 0, 1, color="#0b6e4f", lw=4)
        else:
            axis.hist(values.ravel(), bins=20, color="#0b6e4f")
        negative = int((values < 0).sum())
        axis.set(title=f"{name}: {negative} of {values.size} negative", xlabel="α")
        axis.title.set_size(10)
    axes[0].set_ylabel("entries")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="lower left", frameon=False)
    figure.suptitle("Step sizes α that Meta-SGD learned, by block of θ")
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    return figure


def learning_curves(states, ylabel="training loss (units of y²)"):
    """Training loss by iteration, each point the mean of a block; {name: state}."""
    figure, axis = plt.subplots(figsize=(6.4, 4))
    for name, state in states.items():
        x = np.minimum(BLOCK * np.arange(1, len(state.history) + 1), state.iteration)
        axis.plot(x, state.history, label=name, **{**STYLES[name], "marker": None})
    axis.set(xlabel="iteration", ylabel=ylabel)
    axis.set_ylim(bottom=0)
    axis.set_title(f"Training loss, mean of each {BLOCK} iterations, one seed", size=10)
    axis.legend(frameon=False)
    figure.tight_layout()
    return figure


def mse_over_seeds(runs, title):
    """Test MSE by steps: mean over seeds, band a 95 % t interval; {name: (S, J+1)}.

    Meant for two to five seeds: the quantiles of Student's t are written out.
    """
    quantile = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
    figure, axis = plt.subplots(figsize=(6.4, 4))
    for name, losses in runs.items():
        n_seeds = len(losses)
        mean, steps = losses.mean(0), np.arange(losses.shape[1])
        half = quantile[n_seeds] * losses.std(0, ddof=1) / np.sqrt(n_seeds)
        every = max(1, len(steps) // 8)  # points between two markers
        axis.plot(steps, mean, label=name, markevery=every, **STYLES[name])
        color = STYLES[name]["color"]
        axis.fill_between(steps, mean - half, mean + half, color=color, alpha=0.2)
    axis.set(xlabel="gradient steps on the new curve", ylabel="test MSE (units of y²)")
    axis.set_ylim(bottom=0)
    axis.set_title(f"{title}: mean of {n_seeds} seeds; band: 95 % interval", size=10)
    axis.legend(frameon=False)
    figure.tight_layout()
    return figure


def bending(trained, tasks, rng, shots, fractions=(0, 0.25, 0.5, 0.75, 1)):
    """Three new curves, a column each: a learner's fit bending along its one step.

    trained : {name: (learner, w)}    a row each; fractions : shares of α∘g taken
    """
    curves = tasks.sample_curves(rng, 3)  # each (3, 1, 1)
    low, high = tasks.x_range
    X_s = rng.uniform(low, high, (3, shots, 1))
    Y_s = tasks.curve(curves, X_s)  # (3, shots, 1)
    X = np.linspace(low, high, 200)[:, None]
    truth = tasks.curve(curves, X)  # (3, 200, 1)
    size = (9, 2.3 * len(trained) + 0.5)
    figure, axes = plt.subplots(len(trained), 3, figsize=size, squeeze=False)
    for row, (name, (learner, w)) in zip(axes, trained.items(), strict=True):
        before, after = adapt(learner.net, *learner.unpack(w), X_s, Y_s)  # (3, P)
        for share in fractions:
            F = learner.net.forward(before + share * (after - before), X)
            for axis, f in zip(row, F, strict=True):
                axis.plot(X, f, "-" if share else ":", color=str(0.8 - 0.8 * share))
        mse = ((F - truth) ** 2).mean((1, 2))  # (3,) after the whole step
        for i, axis in enumerate(row):
            axis.plot(X, truth[i], color="tab:blue", lw=6, alpha=0.3)
            axis.plot(X_s[i], Y_s[i], "k.", ms=9)
            axis.set(title=f"{name}: MSE {mse[i]:.2f} after one step", ylim=(-6, 6))
            axis.title.set_size(9)
        row[0].set_ylabel("y")
    for axis in axes[-1]:
        axis.set_xlabel("x")
    figure.tight_layout()
    return figure


def alpha_over_training(net, iterations, alphas):
    """Mean |α| and the share of negative entries of each block as training goes on.

    iterations : (B,); alphas : (B, P), α at these iterations
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
    looks = ["-", "--", "-.", ":"]
    for (name, values), look in zip(net.blocks(alphas).items(), looks, strict=True):
        flat = values.reshape(len(alphas), -1)  # (B, entries)
        axes[0].plot(iterations, np.abs(flat).mean(-1), look, color="k", label=name)
        axes[1].plot(iterations, 100 * (flat < 0).mean(-1), look, color="k")
    axes[0].set(xlabel="iteration", ylabel="mean |α|", yscale="log")
    axes[1].set(xlabel="iteration", ylabel="negative entries (%)", ylim=(0, 100))
    axes[0].legend(title="block of θ")
    figure.tight_layout()
    return figure


def save(figure, path):
    """Write a figure as a PNG file of 100 dots per inch, in one move, and close it."""
    with replacing(path) as file:
        figure.savefig(file, dpi=100, format="png")
    plt.close(figure)

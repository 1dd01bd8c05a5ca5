"""Figures of training and testing: fits, losses by steps and by iteration."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from ..adaptation import adapt
from ..checks import as_rng, check_has, whole_number
from ..training import BLOCK, Evaluation, TrainingState
from .shared import STYLES, check_lines, draw_intervals, finish, finish_panels


def fits(
    trained: dict, tasks, rng: np.random.Generator, shots: int, steps=(1, 10, 0)
) -> Figure:
    """Draw each learner's fits to one new curve after several numbers of steps.

    Parameters
    ----------
    trained : dict
        {name: (learner, w)}; all get the same curve.
    tasks : Sinusoids
        Where the curve is drawn.
    rng : numpy.random.Generator
        Its state determines the curve.
    shots : int
        Support points.
    steps : tuple of int, default (1, 10, 0)
        Three numbers of steps; the first stands out, and its MSE is in the title.

    Returns
    -------
    Figure
        One panel per learner.
    """
    check_lines("trained", trained, styled=False, parts=["__len__"])
    X_s, Y_s, X, truth = new_curves(tasks, rng, 1, shots)
    limit = 2 * tasks.amplitude[1]
    figure, axes = plt.subplots(
        1, len(trained), figsize=(3 * len(trained), 3.3), sharey=True, squeeze=False
    )
    looks = [("k", "-", 2), ("tab:red", "--", 1), ("0.5", ":", 1.5)]
    for axis, (name, (learner, w)) in zip(axes[0], trained.items(), strict=True):
        path = adapt(learner.net, *learner.unpack(w), X_s[0], Y_s[0], max(steps))
        axis.plot(X, truth[0], color="tab:blue", lw=5, alpha=0.35)
        for step, (color, line, lw) in zip(steps, looks, strict=True):
            label = f"{step} step{'' if step == 1 else 's'}"
            F = learner.net.forward(path[step], X)
            axis.plot(X, F, color=color, linestyle=line, lw=lw, label=label)
            if np.abs(F).max() > limit:
                note = f"after {label}: up to |y| = {np.abs(F).max():.0f}"
                axis.text(0.03, 0.03, note, transform=axis.transAxes, fontsize=8)
            if step == steps[0]:
                mse = ((F - truth[0]) ** 2).mean()
                axis.set_title(f"{name}: MSE {mse:.2f} after {label}", size=10)
        axis.plot(X_s[0], Y_s[0], "k.", ms=9)
        axis.set_xlabel("x")
    axes[0, 0].set(ylabel="y", ylim=(-limit, limit))
    title = f"A new sine wave (wide line) learned from {shots} points (dots)"
    return finish_panels(figure, title, 0.06, ncols=len(steps))


def new_curves(tasks, rng, n, shots):
    """Draw n curves: support points (n, shots, 1), a grid (200, 1), and all of each."""
    check_has("tasks", tasks, ("sample_curves", "x_range"), "Sinusoids()")
    rng = as_rng(rng)
    shots = whole_number("shots", shots, 1)
    curves = tasks.sample_curves(rng, n)
    low, high = tasks.x_range
    X_s = rng.uniform(low, high, (n, shots, 1))
    X = np.linspace(low, high, 200)[:, None]
    return X_s, tasks.curve(curves, X_s), X, tasks.curve(curves, X)  # truth (n, 200, 1)


def mse_by_steps(
    evaluations: dict[str, Evaluation], shots: int, trained_steps: int = 1
) -> Figure:
    """Draw the query MSE after 0, 1, … steps: mean and 95 % interval.

    The axis ends at twice the largest mean before adapting. A learner trained for one
    step may diverge after more: the legend says which ones exceed the axis.

    Parameters
    ----------
    evaluations : dict
        {name: Evaluation}.
    shots : int
        Support points of the test, for the title.
    trained_steps : int, default 1
        Inner steps of training, for the legend.

    Returns
    -------
    Figure
        One panel, a line with a band per learner.
    """
    check_lines("evaluations", evaluations, parts=("mean", "interval", "scores"))
    figure, axis = plt.subplots(figsize=(6.4, 4.6))
    top = 2 * max(evaluation.mean[0] for evaluation in evaluations.values())
    for name, evaluation in evaluations.items():
        mean, label = evaluation.mean, name
        if mean.max() > top:
            label = f"{name}: trained for {trained_steps} step, diverges after more"
        half = np.where(mean < top, evaluation.interval, np.nan)
        draw_intervals(axis, mean, half, label=label, **STYLES[name])
    axis.set(
        xlabel="gradient steps on the new task",
        ylabel="test MSE (units of y²)",
        ylim=(0, top),
        xticks=np.arange(len(mean)),
    )
    n_tasks = evaluation.scores.shape[-1]
    title = f"{shots}-shot test: mean of {n_tasks} new curves, one seed"
    axis.set_title(f"{title}; band: 95 % interval", size=10)
    return finish_panels(figure, "", 0.13)  # above it a line may diverge


def mse_over_seeds(runs: dict[str, np.ndarray], title: str) -> Figure:
    """Draw the test MSE by steps: mean over the seeds, and a 95 % t interval.

    Parameters
    ----------
    runs : dict
        {name: losses (S, J+1)} of S seeds, two to five, for which the quantiles of
        Student's t are listed.
    title : str
        What was tested.

    Returns
    -------
    Figure
        One panel, a line with a band per learner.
    """
    check_lines("runs", runs, parts=["shape"])
    quantile = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
    figure, axis = plt.subplots(figsize=(6.4, 4))
    for name, losses in runs.items():
        n_seeds, n_steps = losses.shape
        half = quantile[n_seeds] * losses.std(0, ddof=1) / np.sqrt(n_seeds)
        look = STYLES[name] | {"markevery": max(1, n_steps // 8)}
        draw_intervals(axis, losses.mean(0), half, label=name, **look)
    axis.set(xlabel="gradient steps on the new curve", ylabel="test MSE (units of y²)")
    axis.set_ylim(bottom=0)
    return finish(figure, f"{title}: mean of {n_seeds} seeds; band: 95 % interval")


def learning_curves(
    states: dict[str, TrainingState], ylabel: str = "training loss (units of y²)"
) -> Figure:
    """Draw the training loss by iteration, one point per block of iterations.

    Parameters
    ----------
    states : dict
        {name: TrainingState}.
    ylabel : str, optional
        The loss and its unit.

    Returns
    -------
    Figure
        One panel, a line per learner.
    """
    check_lines("states", states, parts=("history", "iteration"))
    figure, axis = plt.subplots(figsize=(6.4, 4))
    for name, state in states.items():
        x = np.minimum(BLOCK * np.arange(1, len(state.history) + 1), state.iteration)
        look = STYLES[name] | ({"marker": None} if len(x) > 1 else {})
        axis.plot(x, state.history, label=name, **look)
    axis.set(xlabel="iteration", ylabel=ylabel)
    axis.set_ylim(bottom=0)
    return finish(figure, f"Training loss, mean of each {BLOCK} iterations, one seed")


def bending(
    trained: dict,
    tasks,
    rng: np.random.Generator,
    shots: int,
    fractions=(0, 0.25, 0.5, 0.75, 1),
) -> Figure:
    """Draw how the fit to three new curves changes along one step.

    Parameters
    ----------
    trained : dict
        {name: (learner, w)}.
    tasks : Sinusoids
        Where the curves are drawn.
    rng : numpy.random.Generator
        Its state determines the curves.
    shots : int
        Support points per curve.
    fractions : tuple of float, optional
        Fractions of the step α∘g; the fit before it is dotted, later ones are darker.

    Returns
    -------
    Figure
        One row per learner, one column per curve.
    """
    check_lines("trained", trained, styled=False, parts=["__len__"])
    X_s, Y_s, X, truth = new_curves(tasks, rng, 3, shots)
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

"""Figures of comparisons: errors of approximations, wrong gradients, two networks."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from .shared import LOOKS, draw_band


def medians(panels: dict, xlabel: str, lowest: float | None = None) -> Figure:
    """Draw the median of several runs, with the band from 10 to 90 % of them.

    Parameters
    ----------
    panels : dict
        {title: (ylabel, scale, {label: (x (n,), values (runs, n))})}, where scale is
        "log" or "linear".
    xlabel : str
        Name of the horizontal axis, which is logarithmic.
    lowest : float, optional
        Values below it are drawn at it, since a logarithm cannot show 0.

    Returns
    -------
    Figure
        One panel per title, a line with a band per label.
    """
    figure, axes = plt.subplots(
        1, len(panels), figsize=(min(4.5 * len(panels) + 1.5, 9), 4), squeeze=False
    )
    for axis, (title, panel) in zip(axes[0], panels.items(), strict=True):
        ylabel, scale, lines = panel
        for look, (label, (x, values)) in zip(LOOKS, lines.items(), strict=False):
            shown = values if lowest is None else np.maximum(values, lowest)
            low, middle, high = np.percentile(shown, [10, 50, 90], axis=0)
            draw_band(axis, x, middle, low, high, label=label, ms=4, **look)
        axis.set(xlabel=xlabel, ylabel=ylabel, xscale="log", yscale=scale)
        axis.set_title(title, size=10)
        axis.legend(frameon=False, fontsize=9)
    figure.tight_layout()
    return figure


def errors_and_cosines(names: list, errors: dict, cosines: dict) -> Figure:
    """Draw how far wrong gradients are from the exact one: error and direction.

    Parameters
    ----------
    names : list of str
        What each gradient is.
    errors : dict
        {label: relative errors (R,)}, of dθ and of dα.
    cosines : dict
        {label: cosines (R,)}; NaN, the cosine of a zero vector, is left out.

    Returns
    -------
    Figure
        Two panels, one row per name, a circle and a square in each.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 5), sharey=True)
    rows = np.arange(len(names))
    looks = [
        {"marker": "o", "mec": "#3d5a9e", "mfc": "none", "ms": 9, "ls": "none"},
        {"marker": "s", "mec": "#c8553d", "mfc": "#c8553d", "ms": 5, "ls": "none"},
    ]
    for axis, series in zip(axes, (errors, cosines), strict=True):
        for (label, values), look in zip(series.items(), looks, strict=True):
            axis.plot(values, rows, label=label, **look)
        axis.axvline(0, color="k", lw=0.8)
        axis.grid(axis="y", color="0.85")
    axes[0].set_xscale("symlog", linthresh=0.1, linscale=0.5)
    largest = max(np.nanmax(values) for values in errors.values())
    axes[0].set(yticks=rows, xlabel="relative error (0 is exact)")
    axes[0].set_xlim(-0.03, 2 * largest)
    ticks = [x for x in (0, 0.1, 1, 10, 100) if x < 2 * largest]
    axes[0].set_xticks(ticks, [f"{x:g}" for x in ticks])
    axes[0].set_yticklabels(names, fontsize=8)
    axes[0].invert_yaxis()
    axes[1].set(xlabel="cosine with the exact gradient (1 is right)")
    axes[1].legend(loc="lower left", frameon=True)
    figure.tight_layout()
    return figure


def loss_ratios(names: list, ratios: np.ndarray, limit: float) -> Figure:
    """Draw the loss after training divided by the loss before, one point per seed.

    The first row is the reference; a band shows its range across all rows.

    Parameters
    ----------
    names : list of str
        What each row is.
    ratios : (R, S) array
        Ratios of R rows and S seeds.
    limit : float
        The right edge; what exceeds it or is NaN is counted beside an arrow there.

    Returns
    -------
    Figure
        One row per name.
    """
    figure, axis = plt.subplots(figsize=(8, 5))
    axis.axvspan(ratios[0].min(), ratios[0].max(), color="0.85")
    axis.axvline(1, color="k", lw=0.8, ls="--")
    for row, values in enumerate(ratios):
        inside = values[values <= limit]
        axis.plot(inside, np.full(len(inside), row), "o", mec="#0b6e4f", mfc="none")
        if len(inside) < len(values):
            note = f"{len(values) - len(inside)} of {len(values)} seeds →"
            axis.text(limit, row, note, ha="right", va="center", fontsize=8)
    axis.set(xscale="log", xlim=(None, 1.05 * limit), yticks=range(len(names)))
    ticks = [x for x in (0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10) if x <= limit]
    axis.set_xticks(ticks, [f"{x:g}" for x in ticks])
    axis.set_xticks([], minor=True)
    axis.set_yticklabels(names, fontsize=8)
    axis.set_xlabel("loss on new tasks, after training / before training")
    axis.invert_yaxis()
    figure.tight_layout()
    return figure


def output_ceiling(
    X: np.ndarray, Y: np.ndarray, fits: dict, losses: dict, floor: float
) -> Figure:
    """Draw the fits of two networks to one curve, and their losses during training.

    Parameters
    ----------
    X, Y : (N, 1) array
        The curve.
    fits : dict
        {name: F (N, 1)}, two fits.
    losses : dict
        {name: losses (steps,)}.
    floor : float
        The least loss of a network whose outputs lie between −1 and 1.

    Returns
    -------
    Figure
        Two panels, fits and losses.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
    left.plot(X, Y, color="tab:blue", lw=5, alpha=0.35, label="the curve")
    for limit in (-1, 1):
        left.axhline(limit, color="0.6", lw=0.8)
    for (name, F), line in zip(fits.items(), ("--", "-"), strict=True):
        left.plot(X, F, "k" + line, label=name)
        right.semilogy(losses[name], "k" + line, label=name)
    right.axhline(floor, color="#c8553d", ls=":", label=f"floor {floor:.3g}")
    left.set(xlabel="x (radians)", ylabel="y", ylim=(-8, 6))
    right.set(xlabel="Adam steps", ylabel="squared error (units of y²)")
    for axis in (left, right):
        axis.legend(fontsize=8, frameon=False, loc="lower left")
    figure.tight_layout()
    return figure


def taylor_terms(alphas: np.ndarray, errors: dict) -> Figure:
    """Draw the relative error of Taylor's first terms against the inner rate.

    Parameters
    ----------
    alphas : (n,) array
        Inner rates.
    errors : dict
        {which terms: relative errors (n,)}.

    Returns
    -------
    Figure
        One panel with logarithmic axes, a line per entry of `errors`.
    """
    figure, axis = plt.subplots(figsize=(6.4, 3.8))
    looks = ("k--s", "k-o", "k:^")
    for (name, error), look in zip(errors.items(), looks, strict=False):
        axis.loglog(alphas, error, look, label=name)
    axis.set(xlabel="inner rate α", ylabel="relative error of the terms")
    axis.legend(frameon=False)
    figure.tight_layout()
    return figure

"""Figures of the step sizes α: by block, over training, and as images."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from ..checks import interval
from ..interface import Network
from .shared import STYLES, finish_panels


def alpha_by_block(net: Network, alpha: np.ndarray, start: tuple) -> Figure:
    """Draw histograms of the learned α; no bar holds both signs.

    Parameters
    ----------
    net : Network
        Its blocks are drawn.
    alpha : (P,) array
        Learned step sizes.
    start : tuple of float
        (low, high), where α began.

    Returns
    -------
    Figure
        One panel per block.
    """
    start = interval("start", start)
    blocks, color = net.blocks(alpha), STYLES["Meta-SGD"]["color"]
    figure, axes = plt.subplots(1, len(blocks), figsize=(9, 3.1))
    for axis, (name, values) in zip(axes, blocks.items(), strict=True):
        axis.axvline(0, color="k", lw=0.8)
        if values.size == 1:
            axis.vlines(values, 0, 1, color=color, lw=4)
            axis.set_yticks([0, 1])
        else:
            edges = edges_around_zero(values)
            axis.hist(values.ravel().clip(*edges[[0, -1]]), bins=edges, color=color)
        look = {"fc": "tab:orange", "ec": "k", "hatch": "////", "lw": 0.8, "alpha": 0.6}
        axis.axvspan(*start, label="α before training", zorder=3, **look)  # over bars
        negative = int((values < 0).sum())
        axis.set(title=f"{name}: {negative} of {values.size} negative", xlabel="α")
        axis.title.set_size(10)
    axes[0].set_ylabel("entries")
    title = "Step sizes α that Meta-SGD learned, by block of θ"
    return finish_panels(figure, title, 0.07)


def edges_around_zero(values, n=20):
    """Return the edges of about n equal bins that hold all values; one edge is 0."""
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    width = (high - low) / n or 1.0
    first, last = np.floor(low / width), max(np.ceil(high / width), 1.0)
    return width * np.arange(first, last + 1)


def alpha_over_training(net: Network, iterations, alphas: np.ndarray) -> Figure:
    """Draw the mean |α| and the share of negative entries over training.

    Parameters
    ----------
    net : Network
        Its blocks are drawn.
    iterations : (B,) array_like
        When α was kept.
    alphas : (B, P) array
        The step sizes at these iterations.

    Returns
    -------
    Figure
        Two panels, a line per block in each.
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


def alpha_images(net: Network, alpha: np.ndarray, units: int = 10) -> Figure:
    """Draw α of the first layer as images: summaries over units, then single units.

    White is 0 and dark is large, in one scale for all; a dot marks a negative entry.

    Parameters
    ----------
    net : TwoLayerNet
        Its inputs are square images.
    alpha : (P,) array
        Learned step sizes.
    units : int, default 10
        How many units are shown: those whose mean |α| is largest.

    Returns
    -------
    Figure
        Two images over all units, one image per unit shown.
    """
    W1 = net.blocks(alpha)["W1"]  # (D, H)
    largest = np.argsort(-np.abs(W1).mean(0))[:units]  # (units,)
    limit = max(np.percentile(np.abs(W1[:, largest]), 99), 1e-9)
    look = {"cmap": "RdBu", "vmin": -limit, "vmax": limit}
    figure = plt.figure(figsize=(8.7, 4.6), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(2, 3.6))
    mean, share = left.subplots(2, 1)
    draw_pixels(mean, W1.mean(1), **look)
    mean.set_ylabel("mean of α over\nthe units", fontsize=9)
    percent = 100 * (W1 < 0).mean(1)
    image = draw_pixels(share, percent, cmap="Greys", vmin=0)
    share.set_ylabel("units whose α is\nnegative (%)", fontsize=9)
    left.colorbar(image, ax=share, location="bottom", shrink=0.6)
    axes = right.subplots(2, -(-len(largest) // 2), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, unit in zip(axes.flat, largest, strict=False):
        axis.set_axis_on()
        image = draw_pixels(axis, W1[:, unit], **look)
        axis.set_title(f"unit {unit}", fontsize=9)
    label = "α, of the mean and of single units; dots: negative"
    right.colorbar(image, ax=axes, label=label, location="bottom", shrink=0.7)
    return figure


def draw_pixels(axis, values, **look):
    """Draw values (D,) as a square image, with a dot on each negative pixel."""
    pixels = values.reshape(int(len(values) ** 0.5), -1)
    image = axis.imshow(pixels, **look)
    rows, columns = np.nonzero(pixels < 0)
    axis.plot(columns, rows, "k.", ms=2.5)
    axis.set(xticks=[], yticks=[])
    return image

"""Figures of second derivatives: tangents, Hessians, first order against exact."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from ..checks import whole_number
from ..interface import Network
from ..net_checks import check_net
from .shared import LOOKS, draw_band

# Greys without white, which is left for entries that are exactly zero.
SHADES = LinearSegmentedColormap.from_list("greys", ["0.85", "0"])
NODES = {  # value: (x, y, tangent, equation)
    "W_1": (0, 0, "V_1", ""),
    "Z_1": (1, 0, r"\dot{Z}_1", "4.1"),
    "H_1": (2, 0, r"\dot{H}_1", "4.2"),
    "F": (3, 0, r"\dot{F}", "4.3"),
    "W_2": (4, -1.25, "V_2", ""),
    "dF": (4, 0, r"\dot{dF}", "4.4"),
    "dW_2": (3, 1.25, r"\dot{dW}_2", "4.5"),
    "dH_1": (5, 0, r"\dot{dH}_1", "4.6"),
    "dZ_1": (6, 0, r"\dot{dZ}_1", "4.7"),
    "dW_1": (7, 0, r"\dot{dW}_1", "4.8"),
}
TERMS = [  # from, to, the factor, where it is written
    ("W_1", "Z_1", r"\tilde{X}", (0.5, 0.07)),
    ("Z_1", "H_1", r"\varphi'", (1.5, 0.07)),
    ("H_1", "F", r"\bar{W}_2", (2.5, 0.07)),
    ("F", "dF", r"\frac{2}{N}", (3.5, 0.09)),
    ("dF", "dH_1", r"\bar{W}_2^\top", (4.5, 0.07)),
    ("dH_1", "dZ_1", r"\varphi'", (5.5, 0.07)),
    ("dZ_1", "dW_1", r"\tilde{X}^\top", (6.5, 0.07)),
    ("W_2", "F", r"\tilde{H}_1", (3.3, -0.78)),
    ("W_2", "dH_1", "dF", (4.72, -0.78)),
    ("H_1", "dW_2", "dF", (2.3, 0.68)),
    ("dF", "dW_2", r"\tilde{H}_1^\top", (3.73, 0.68)),
    ("Z_1", "dZ_1", r"dH_1\circ\varphi''", (2.3, -1.97)),
]


def tangent_flow() -> Figure:
    """Draw how the tangents of (4.1) to (4.8) flow through a two-layer network.

    Returns
    -------
    Figure
        One box per array, its value above, its tangent below; one arrow per term.
    """
    figure, axis = plt.subplots(figsize=(8.9, 4.4))
    figure.subplots_adjust(0, 0, 1, 1)
    axis.set(xlim=(-0.42, 7.42), ylim=(-2.0, 1.85))
    axis.set_axis_off()
    for tail, head, factor, (x, y) in TERMS:
        look = {"arrowstyle": "-|>", "color": "k", "lw": 1.4, "mutation_scale": 13}
        begin, end = (np.array(NODES[name][:2], float) for name in (tail, head))
        across, up = end - begin
        if across > 4:  # below all other boxes
            arms = "angleA=-90,angleB=-90,armA=146,armB=146,rad=25"
            look["connectionstyle"] = f"arc,{arms}"
            gap, sign = np.array([0, -0.4]), -1
        else:  # from edge to edge, or from corner to corner
            gap, sign = np.array([0.31, 0.4 * np.sign(up)]), 1
            gap[0] *= np.sign(across)
        axis.annotate("", end - sign * gap, begin + gap, arrowprops=look)
        axis.text(x, y, f"${factor}$", ha="center", va="bottom", fontsize=12)
    for name, (x, y, tangent, equation) in NODES.items():
        draw_node(axis, x, y, name, tangent, equation)
    return figure


def draw_node(axis, x, y, value, tangent, equation):
    """Draw a box around (x, y): a value, its tangent, and the tangent's equation."""
    given, found = not equation, value in ("dW_1", "dW_2")
    width = 2.4 if given or found else 1
    for bottom, color in ((y, "w"), (y - 0.37, "0.82")):
        look = {"facecolor": color, "edgecolor": "k", "lw": width}
        axis.add_patch(plt.Rectangle((x - 0.3, bottom), 0.6, 0.37, **look))
    middle = {"ha": "center", "va": "center"}
    axis.text(x, y + 0.18, f"${value}$", fontsize=12, **middle)
    axis.text(x, y - 0.19, f"${tangent}$", fontsize=14, **middle)
    axis.text(x, y + 0.45, equation and f"({equation})", fontsize=8, **middle)


def hessian_blocks(net: Network, matrices: dict, columns: int = 2) -> Figure:
    """Draw the size of each entry of (P, P) matrices, by block of θ.

    One scale for all: greys follow the logarithm over three decades below the largest
    entry of all. Entries that are exactly zero are white.

    Parameters
    ----------
    net : Network
        Its blocks are marked.
    matrices : dict
        {title: matrix (P, P)}.
    columns : int, default 2
        Panels per row.

    Returns
    -------
    Figure
        One panel per matrix.
    """
    check_net(net)
    for title, matrix in matrices.items():
        if np.shape(matrix) != (net.n_params, net.n_params):
            raise ValueError(
                f"{title} has shape {np.shape(matrix)}, but a Hessian of this network "
                f"has {(net.n_params, net.n_params)}; pass what hessian returned"
            )
    rows = -(-len(matrices) // whole_number("columns", columns, 1))
    size = (8.9, rows * 8.5 / columns + 0.9)
    figure, axes = plt.subplots(
        rows, columns, figsize=size, squeeze=False, layout="constrained"
    )
    blocks = net.blocks(np.zeros(net.n_params))
    ends = np.cumsum([block.size for block in blocks.values()])
    middles = (np.append(0, ends[:-1]) + ends) / 2 - 0.5
    top = np.log10(max(np.abs(matrix).max() for matrix in matrices.values()))
    for axis, (title, matrix) in zip(axes.flat, matrices.items(), strict=True):
        shade = np.log10(np.maximum(np.abs(matrix), 10.0 ** (top - 3)))
        shade = np.ma.masked_where(matrix == 0, shade)
        image = axis.imshow(shade, cmap=SHADES, vmin=top - 3, vmax=top)
        for end in ends[:-1] - 0.5:
            axis.axhline(end, color="tab:blue", lw=1)
            axis.axvline(end, color="tab:blue", lw=1)
        axis.set_xticks(middles, blocks)
        axis.set_yticks(middles, blocks)
        axis.tick_params(length=0, labelsize=8)
        axis.set_xlabel("entry of θ")
        axis.set_title(title, fontsize=10)
    for axis in axes[:, 0]:
        axis.set_ylabel("entry of θ")
    label = "log₁₀ |entry|   (white: exactly zero)"
    figure.colorbar(image, ax=axes, label=label, location="bottom", shrink=0.5)
    return figure


def first_order(
    products: np.ndarray, angles: np.ndarray, shares: np.ndarray, ratios: dict
) -> Figure:
    """Draw how far first-order MAML is from exact MAML, against α·h_max.

    Parameters
    ----------
    products : (n,) array
        Values of α·h_max: the inner rate times the largest eigenvalue of the Hessian.
    angles : (n, S) array
        Angle between the two gradients in degrees, for S starts.
    shares : (n, S) array
        Share of λ along the sharpest direction, between 0 and 1.
    ratios : dict
        {label: (products (m,), loss of first order / loss of exact (seeds, m))}.

    Returns
    -------
    Figure
        Three panels: angle, share, and results of training.
    """
    figure, axes = plt.subplots(1, 3, figsize=(9, 3.4), layout="constrained")
    for axis, values in zip(axes, (angles, shares), strict=False):
        low, middle, high = np.percentile(values, [10, 50, 90], axis=1)
        draw_band(axis, products, middle, low, high, color="k")
        axis.axvline(1, color="0.5", lw=0.8, ls="--")
        axis.set(xlabel="α·h_max", xscale="log")
    axes[0].axhline(90, color="0.5", lw=0.8)
    axes[0].set(ylabel="degrees", ylim=(0, 180), yticks=range(0, 181, 30))
    axes[0].set_title("angle, first order to exact", fontsize=10)
    axes[1].set(ylabel="share (no unit)", ylim=(0, 1))
    axes[1].set_title("share of λ in the sharpest direction", fontsize=10)
    for (label, (x, values)), look in zip(ratios.items(), LOOKS, strict=False):
        low, middle, high = np.percentile(values, [0, 50, 100], axis=0)
        draw_band(axes[2], x, middle, low, high, label=label, ms=5, **look)
        axes[2].set_xscale("log")
        axes[2].set_xticks(x, [f"{product:g}" for product in x])
        axes[2].set_xticks([], minor=True)
    axes[2].axhline(1, color="0.5", lw=0.8)
    axes[2].set(xlabel="α·h_max", ylabel="first order / exact (no unit)")
    axes[2].set_title("query loss after training", fontsize=10)
    axes[2].legend(frameon=False, fontsize=9, title="iterations", loc="upper left")
    return figure

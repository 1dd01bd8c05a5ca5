"""Figures of the meta-gradient in α: what it is, how it flows, what it leads to."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

MIDDLE = {"ha": "center", "va": "center"}
LINES = "-", "--", "-."
NODES = {  # name: (x, y, text)
    "alpha": (4.5, 3.4, r"$\alpha$"),
    "theta_0": (0, 2.2, r"$\theta_0=\theta$"),
    "theta_1": (3, 2.2, r"$\theta_1=\theta_0-\alpha\circ g_0$"),
    "theta_2": (6, 2.2, r"$\theta_2=\theta_1-\alpha\circ g_1$"),
    "loss": (8.3, 2.2, r"$L_q(\theta_2)$"),
    "g_0": (1.5, 1.1, r"$g_0=\nabla L_s(\theta_0)$"),
    "g_1": (4.5, 1.1, r"$g_1=\nabla L_s(\theta_1)$"),
    "first": (1.5, -0.1, r"$-g_0\circ\lambda_1$"),
    "d_alpha": (3, -0.1, r"$d\alpha$"),
    "second": (4.5, -0.1, r"$-g_1\circ\lambda_2$"),
    "lam_0": (0, -1.4, r"$\lambda_0=d\theta$"),
    "lam_1": (3, -1.4, r"$\lambda_1$"),
    "lam_2": (6, -1.4, r"$\lambda_2=\nabla L_q(\theta_2)$"),
}
FORWARDS = (
    "theta_0 theta_1, theta_1 theta_2, theta_2 loss, theta_0 g_0, g_0 theta_1, "
    "theta_1 g_1, g_1 theta_2, alpha theta_1, alpha theta_2"
)
BACKWARDS = (
    "loss lam_2, lam_2 lam_1, lam_1 lam_0, g_0 first, lam_1 first, g_1 second, "
    "lam_2 second, first d_alpha, second d_alpha"
)


def two_steps_back() -> Figure:
    """Draw two inner steps as a graph: α enters twice, λ flows back.

    Returns
    -------
    Figure
        One box per quantity, solid arrows forwards, dashed ones backwards.
    """
    figure, axis = plt.subplots(figsize=(8.9, 4.3))
    figure.subplots_adjust(0, 0, 1, 1)
    axis.set(xlim=(-0.8, 9.1), ylim=(-2.0, 3.8))
    axis.set_axis_off()
    boxes = {}
    for name, (x, y, words) in NODES.items():
        backward, result = y < 1, name in ("lam_0", "d_alpha")
        frame = {"boxstyle": "round,pad=0.35", "ec": "k", "lw": 2.2 if result else 0.9}
        frame["fc"] = "0.88" if backward else "w"
        boxes[name] = axis.text(x, y, words, **MIDDLE, fontsize=11, bbox=frame)
    for x, step in ((1.5, 0), (4.5, 1)):
        words = rf"$-\nabla^2L_s(\theta_{step})(\alpha\circ\lambda_{step + 1})$"
        axis.text(x, -1.75, words, **MIDDLE, fontsize=9)
    figure.canvas.draw()  # gives every frame its size, where the arrows end
    for pairs, line in ((FORWARDS, "-"), (BACKWARDS, "--")):
        for pair in pairs.split(", "):
            tail, head = (boxes[name] for name in pair.split())
            look = {"arrowstyle": "-|>", "linestyle": line, "lw": 1.3, "fc": "k"}
            look |= {"patchA": tail.get_bbox_patch(), "patchB": head.get_bbox_patch()}
            ends = {"xy": head.get_position(), "xytext": tail.get_position()}
            axis.annotate("", **ends, arrowprops=look)
    return figure


def loss_against_alpha(
    loss: Callable, alpha: np.ndarray, d_alpha: np.ndarray, entries: dict
) -> Figure:
    """Draw a loss against single entries of α, and the tangents of slope dα.

    Parameters
    ----------
    loss : function
        From α, (P,), to a loss.
    alpha : (P,) array
        Where the tangents touch.
    d_alpha : (P,) array
        Their slopes.
    entries : dict
        {name: index} of up to three entries of α.

    Returns
    -------
    Figure
        One panel: all entries on the same axes.
    """
    alpha, d_alpha = np.array([alpha, d_alpha], dtype=float)  # may be fractions
    here = float(loss(alpha))
    figure, axis = plt.subplots(figsize=(6.4, 3.6))
    t = np.linspace(-0.06, 0.06, 61)
    for (name, i), line in zip(entries.items(), LINES, strict=False):
        moves = t[:, None] * np.eye(len(alpha))[i]  # (61, P)
        label = f"{name}: slope {d_alpha[i]:g}".replace("-", "−")
        axis.plot(t, [loss(alpha + move) for move in moves], "k", ls=line, label=label)
        axis.plot(t, here + d_alpha[i] * t, color="0.6", lw=0.9)
    axis.plot(0, here, "ko")
    axis.set(xlabel="change of one entry of α", ylabel="query loss after the step")
    axis.set_ylim(0, 2 * here)
    axis.legend(frameon=False)
    figure.tight_layout()
    return figure


def turned_steps(angles: dict) -> Figure:
    """Draw histograms of the angle between a step and steepest descent.

    Parameters
    ----------
    angles : dict
        {name: angles in degrees (T,)}, up to three.

    Returns
    -------
    Figure
        One panel; dotted, the right angle beyond which a step leads uphill.
    """
    figure, axis = plt.subplots(figsize=(6.4, 3))
    greys, hatches = ("0.4", "0.85", "w"), ("", "///", "...")
    looks = zip(angles.items(), greys, hatches, strict=False)
    for (name, values), grey, hatch in looks:
        look = {"facecolor": grey, "edgecolor": "k", "hatch": hatch}
        axis.hist(values, np.arange(0, 181, 2), label=name, **look)
    axis.axvline(90, color="k", ls=":")
    axis.set(xlabel="angle to −g (degrees)", ylabel="tasks", xlim=(0, 120))
    axis.legend(frameon=False, loc="upper left")
    figure.tight_layout()
    return figure

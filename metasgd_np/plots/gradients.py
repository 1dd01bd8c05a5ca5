"""Figures of gradients: activation functions, gradients of tasks, errors of a check."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from ..activations import ACTIVATIONS
from ..checks import choose
from ..interface import Network
from .shared import LOOKS


def activation_functions(names: tuple = ("tanh", "sigmoid", "relu")) -> Figure:
    """Draw activation functions φ and their derivatives φ′, on one scale.

    Parameters
    ----------
    names : tuple of str, default ("tanh", "sigmoid", "relu")
        Activations of the package.

    Returns
    -------
    Figure
        One panel per activation.
    """
    names = (names,) if isinstance(names, str) else names
    phis = [choose("activation", name, ACTIVATIONS) for name in names]
    Z = np.linspace(-4, 4, 402)  # no point at 0, where relu has its kink
    left = Z < 0  # the derivative may jump at 0: its two halves are drawn apart
    look = {"figsize": (8.7, 2.6), "sharey": True, "layout": "constrained"}
    figure, axes = plt.subplots(1, len(names), squeeze=False, **look)
    for axis, name, phi in zip(axes[0], names, phis, strict=True):
        H1 = phi.value(Z)
        axis.plot(Z, H1, "k-", label="φ(z)")
        for half, label in ((left, "φ′(z)"), (~left, None)):
            slope = phi.slope(Z, H1)[half]
            axis.plot(Z[half], slope, "--", color="#c8553d", lw=2, label=label)
        axis.axhline(0, color="0.8", lw=0.8, zorder=0)
        axis.set(title=name, xlabel="z", ylim=(-1.2, 2))
    axes[0, 0].set_ylabel("φ(z) and φ′(z)")
    axes[0, 0].legend(frameon=False, loc="upper left")
    return figure


def gradients_by_task(net: Network, gradients: np.ndarray) -> Figure:
    """Draw the gradient of each task as a row of bars, all on one scale.

    Parameters
    ----------
    net : Network
        Its blocks are marked.
    gradients : (T, P) array
        One gradient per task.

    Returns
    -------
    Figure
        One panel: T rows, P bars in each, up where an entry is positive.
    """
    T, P = gradients.shape
    figure, axis = plt.subplots(figsize=(8.7, 0.6 + 0.4 * T), layout="constrained")
    largest = np.abs(gradients).max()
    bars = 0.48 * gradients / largest  # (T, P), rows are 1 apart
    for t, row in enumerate(bars):
        axis.bar(range(P), -row, bottom=t, width=0.8, color="0.25")  # t grows downwards
        axis.axhline(t, color="0.6", lw=0.6)
    blocks = net.blocks(np.zeros(P))
    ends = np.cumsum([block.size for block in blocks.values()])
    for end in ends[:-1]:
        axis.axvline(end - 0.5, color="tab:blue", lw=1)
    axis.set_xticks((np.append(0, ends[:-1]) + ends - 1) / 2, blocks)
    axis.tick_params(length=0)
    axis.set(yticks=range(T), ylim=(T - 0.5, -0.5), xlim=(-1, P))
    axis.set(ylabel="task", xlabel="entry of the gradient, by block of θ")
    axis.set_title(f"longest bar: {largest:.1f}", fontsize=10, loc="right")
    return figure


def errors_by_step(steps: np.ndarray, errors: dict) -> Figure:
    """Draw the error of numerical gradients against their step size.

    Thin lines show what is predicted: truncation, h², and rounding, ε/h.

    Parameters
    ----------
    steps : (n,) array
        Step sizes h.
    errors : dict
        {method: errors (n,)}.

    Returns
    -------
    Figure
        One panel with logarithmic axes.
    """
    figure, axis = plt.subplots(figsize=(7.2, 3.8), layout="constrained")
    for (method, error), look in zip(errors.items(), LOOKS[:2][::-1], strict=False):
        shown = np.maximum(error, 1e-17)  # a logarithm cannot show 0
        axis.loglog(steps, shown, ms=4, label=method, **look)
    eps = np.finfo(float).eps
    for line, text, h, shift in (
        (steps**2, "h²", 1e-3, (6, -10)),
        (eps / steps, "ε/h", 1e-11, (-18, -14)),
    ):
        axis.loglog(steps, line, color="0.35", lw=0.8)
        y = np.exp(np.interp(np.log(h), np.log(steps), np.log(line)))
        axis.annotate(text, (h, y), shift, textcoords="offset points")
    axis.set(xlabel="step size h", ylabel="largest error of an entry", ylim=(1e-18, 9))
    axis.legend(frameon=False, loc="upper center")
    return figure

"""Figures of the derivations: shapes, one step, descent on contours."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from ..checks import whole_number
from ..net_checks import check_net
from ..network import TwoLayerNet
from ..tasks import TaskBatch
from .shared import LOOKS

CENTRED = {"ha": "center", "va": "center"}
FORWARD_ARROWS = (1, 2, 8), (2, 3, 8), (4, 5, 8)  # from, to, height
BACKWARD_ARROWS = (5, 4, -6), (5, 3, -6), (3, 2, -6), (2, 1, -6)


def shape_flow(net: TwoLayerNet, n_examples: int) -> Figure:
    """Draw the arrays of a forward and backward pass to scale, gradients below.

    An "@" between two arrays is their matrix product.

    Parameters
    ----------
    net : TwoLayerNet
        Its sizes are drawn.
    n_examples : int
        N, the rows of the arrays.

    Returns
    -------
    Figure
        One column per array: the array above, its gradient below.
    """
    check_net(net)
    n_examples = whole_number("n_examples", n_examples, 1)
    N, D, H, outputs = n_examples, net.n_in, net.n_hidden, net.n_out
    arrays = [  # name, rows, columns, its formula, and that of its gradient
        (r"\tilde{X}", N, D + 1, "[X 1]", ""),
        ("W_1", D + 1, H, "weights", r"$\tilde{X}^\top dZ_1$ (2.9)"),
        ("Z_1", N, H, r"$\tilde{X}\,W_1$ (2.1)", r"$dH_1\circ\varphi'(Z_1)$ (2.8)"),
        ("H_1", N, H, r"$\varphi(Z_1)$ (2.2)", r"$dF\,\bar{W}_2^\top$ (2.7)"),
        ("W_2", H + 1, outputs, "weights", r"$\tilde{H}_1^\top dF$ (2.6)"),
        ("F", N, outputs, r"$\tilde{H}_1 W_2$ (2.3)", r"$\partial L/\partial F$ (2.5)"),
    ]
    figure, axis = plt.subplots(figsize=(8.7, 4.1))
    figure.subplots_adjust(0, 0, 1, 1)
    axis.set(xlim=(-0.5, 57), ylim=(-12, 15.5))
    axis.set_axis_off()
    for x in (8.7, 38.3):  # from X̃ to W1, from H1 to W2
        axis.text(x, 8, "@", fontsize=14, **CENTRED)
    for start, end, y in (*FORWARD_ARROWS, *BACKWARD_ARROWS):
        curve = f"arc3,rad={abs(end - start) - 1}"
        look = {"arrowstyle": "->", "connectionstyle": curve}
        gap = 3 if end > start else -3
        ends = (3.5 + 10 * end - gap, y), (3.5 + 10 * start + gap, y)
        axis.annotate("", *ends, arrowprops=look)
    axis.text(28, 14.7, "forward ⟶", fontsize=13, **CENTRED)
    axis.text(28, 1.3, "⟵ backward", fontsize=13, **CENTRED)
    for i, (name, *sizes, made, gradient) in enumerate(arrays):
        draw_array(axis, 3.5 + 10 * i, 8, name, *sizes, made)
        if gradient:
            draw_array(axis, 3.5 + 10 * i, -6, "d" + name, *sizes, gradient)
    return figure


def draw_array(axis, x, y, name, rows, columns, formula):
    """Draw a rectangle to scale around (x, y), with its name, shape and formula."""
    folded = "W" in name
    look = {"facecolor": "0.93" if folded else "0.7", "edgecolor": "k"}
    corner = x - columns / 2, y - rows / 2
    axis.add_patch(plt.Rectangle(corner, columns, rows, **look))
    if folded:  # the last row holds the bias
        axis.add_patch(plt.Rectangle(corner, columns, 1, hatch="////", **look))
    axis.text(x, y + 4.7, f"${name}$  {rows} × {columns}", **CENTRED)
    axis.text(x, y - 4.7, formula, fontsize=9, **CENTRED)


def map_of_one_step() -> Figure:
    """Draw the map of one Meta-SGD step: forwards above, backwards below.

    Returns
    -------
    Figure
        One box per quantity, solid arrows forwards, dashed ones backwards.
    """
    figure, axis = plt.subplots(figsize=(9, 4.4))
    boxes = {
        "start": (1.2, 3.3, "start θ\nrates α"),
        "support": (4, 5, "support set\nX_s, Y_s"),
        "slope": (4, 3.3, "slope there\ng = ∇L_s(θ)"),
        "step": (6.8, 3.3, "one step\nθ′ = θ − α∘g"),
        "query": (9.4, 5, "query set\nX_q, Y_q"),
        "loss": (9.4, 3.3, "judged by\nL_q(θ′)"),
        "lam": (9.4, 1, "slope there\nλ = ∇L_q(θ′)"),
        "d_alpha": (5.4, 1.6, "dα = −g∘λ"),
        "d_theta": (5.4, 0.4, "dθ = λ − ∇²L_s(α∘λ)"),
        "update": (1.2, 1, "mean over the tasks:\nmove θ along −dθ,\nα along −dα"),
    }
    forwards = "start slope, support slope, slope step, step loss, query loss"
    backwards = "loss lam, slope d_alpha, lam d_alpha, lam d_theta, d_alpha update"
    backwards += ", d_theta update"
    texts = {}
    for name, (x, y, words) in boxes.items():
        given = name in ("support", "query")
        frame = {"boxstyle": "round,pad=0.5", "fc": "0.9" if given else "w", "ec": "k"}
        texts[name] = axis.text(x, y, words, ha="center", va="center", bbox=frame)
    axis.set(xlim=(-0.5, 10.7), ylim=(-0.2, 5.7))
    axis.axis("off")
    figure.canvas.draw()  # gives every frame its size, where the arrows end
    for pairs, line in ((forwards, "-"), (f"{backwards}, update start", "--")):
        for pair in pairs.split(", "):
            tail, head = (texts[name] for name in pair.split())
            look = {"arrowstyle": "->", "linestyle": line, "lw": 1.4}
            look |= {"patchA": tail.get_bbox_patch(), "patchB": head.get_bbox_patch()}
            where = {"xy": head.get_position(), "xytext": tail.get_position()}
            axis.annotate("", **where, arrowprops=look)
    return figure


def support_and_query(
    X_s: np.ndarray, Y_s: np.ndarray, X_q: np.ndarray, Y_q: np.ndarray
) -> Figure:
    """Draw the points of a few sine waves y = A sin(x + b), and the waves.

    Parameters
    ----------
    X_s, Y_s : (T, N_s, 1) array
        Support points.
    X_q, Y_q : (T, N_q, 1) array
        Query points.

    Returns
    -------
    Figure
        One panel per wave.
    """
    TaskBatch(X_s, Y_s, X_q, Y_q)  # raises if they are not the sets of T tasks
    size = (8.9, 2.8)
    figure, axes = plt.subplots(
        1, len(X_s), figsize=size, sharey=True, squeeze=False, layout="constrained"
    )
    grid = np.linspace(-5, 5, 200)
    for i, axis in enumerate(axes[0]):
        two = np.hstack([np.sin(X_s[i]), np.cos(X_s[i])])  # (N_s, 2)
        p, q = np.linalg.lstsq(two, Y_s[i, :, 0])[0]  # A sin(x + b) = p sin x + q cos x
        axis.plot(grid, p * np.sin(grid) + q * np.cos(grid), ":", color="0.4")
        axis.plot(X_s[i], Y_s[i], "ko", label="support")
        axis.plot(X_q[i], Y_q[i], "x", color="tab:red", mew=2, label="query")
        axis.set(title=f"task {i + 1}", xlabel="x (radians)", xlim=(-5, 5))
    axes[0, 0].set_ylabel("y")
    axes[0, 0].legend(fontsize=8, loc="lower left")
    return figure


def arrows_on_contours(
    loss: Callable, start: np.ndarray, steps: dict, reach: float = 1.5
) -> Figure:
    """Draw contours of a loss of two parameters, and an arrow per step.

    Parameters
    ----------
    loss : function
        (θ1, θ2), two arrays, to an array of losses.
    start : (2,) array
        Where the arrows begin.
    steps : dict
        {label: step (2,)}, two of them.
    reach : float, default 1.5
        How far the contours are drawn around `start`.

    Returns
    -------
    Figure
        One panel.
    """
    figure, axis = plt.subplots(figsize=(5.6, 4.6))
    grid = np.linspace(-reach, reach, 121)
    A, B = np.meshgrid(start[0] + grid, start[1] + grid)
    axis.contour(A, B, np.sqrt(loss(A, B)), 14, colors="0.7", linewidths=0.8)
    looks = [("#c8553d", "--"), ("#0b6e4f", "-")]
    for (label, step), (color, line) in zip(steps.items(), looks, strict=True):
        end = np.add(start, step)
        arrow = {"arrowstyle": "->", "color": color, "ls": line, "lw": 2}
        arrow |= {"shrinkA": 0, "shrinkB": 0}
        axis.annotate("", end, start, arrowprops=arrow)
        axis.plot([], [], color=color, ls=line, lw=2, label=label)
    axis.plot(*start, "ko")
    axis.set(xlabel="θ1", ylabel="θ2", aspect="equal")
    axis.legend(loc="lower left", framealpha=1)
    figure.tight_layout()
    return figure


def paths_on_bowls(bowls: dict, names: tuple) -> Figure:
    """Draw contours of losses of two parameters, and paths of descent on them.

    Parameters
    ----------
    bowls : dict
        {title: (loss, {label: path (J+1, 2)}, limits (x0, x1, y0, y1))}.
    names : tuple of str
        The two parameters, for the axes.

    Returns
    -------
    Figure
        One panel per bowl; labels give the loss where a path ends.
    """
    looks = LOOKS[1], LOOKS[0], LOOKS[2]
    size = (4.4 * len(bowls) if len(bowls) > 1 else 6.4, 4.2)
    figure, axes = plt.subplots(1, len(bowls), figsize=size, squeeze=False)
    for axis, (title, bowl) in zip(axes[0], bowls.items(), strict=True):
        loss, paths, limits = bowl
        x = np.linspace(*limits[:2], 200)
        y = np.linspace(*limits[2:], 200)
        values = loss(x[None, :], y[:, None])  # (200, 200)
        levels = values.max() * np.linspace(0.02, 1, 12) ** 2
        axis.contour(x, y, values, levels, colors="0.75", linewidths=0.8)
        for (name, path), look in zip(paths.items(), looks, strict=False):
            points = np.array(path, dtype=float)  # (J+1, 2)
            label = f"{name}: ends at loss {loss(*points[-1]):.3g}"
            axis.plot(*points.T, label=label, **look)
        axis.plot(*points[0], "kX", ms=10)
        axis.set(xlabel=names[0], ylabel=names[1], aspect="equal")
        axis.set_title(title, size=10)
        axis.legend(fontsize=8, loc="lower right")
    figure.tight_layout()
    return figure

"""Figures of one learned step: a film of training, and descent in θ and α together."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.figure import Figure

from .shared import STYLES

FRAMES_PER_STEP = 9  # in which a curve bends
HELD = 4  # how often the last of them is repeated, to be looked at


def film_of_training(
    forward: Callable, steps: dict, X_s: np.ndarray, Y_s: np.ndarray
) -> bytes:
    """Film how one step bends a curve before, during and after training.

    Parameters
    ----------
    forward : callable
        (theta, X (N, 1)) to a tuple that ends with F (N, 1).
    steps : dict
        {iteration: (theta, theta_prime)}, in order; the step of the first and of the
        last one is shown slowly.
    X_s, Y_s : (K, 1) arrays
        Points of a wave A sin(x + b), from which the whole wave is drawn; 2 or more.

    Returns
    -------
    bytes
        An animated PNG, 580 by 360 pixels.
    """
    X = np.linspace(-5, 5, 101)[:, None]
    figure, axis, (start, bent) = draw_wave(X, X_s, Y_s)

    def draw(frame):
        iteration, share = frame
        theta, theta_prime = steps[iteration]
        start.set_data(X, forward(theta, X)[-1])
        bent.set_data(X, forward(theta + share * (theta_prime - theta), X)[-1])
        done = f"{share:.0%} of one step"
        axis.set_title(f"after {iteration} training iterations: {done}")

    film = FuncAnimation(figure, draw, choose_frames(list(steps)), lambda: None)
    with TemporaryDirectory() as folder:
        file = Path(folder, "film.png")
        film.save(file, writer="pillow", fps=4, dpi=100)
        plt.close(figure)
        return file.read_bytes()


def draw_wave(X, X_s, Y_s):
    """Draw what all frames share; return the two lines that move, still empty."""
    for name, points in (("X_s", X_s), ("Y_s", Y_s)):
        if np.shape(points) != (len(X_s), 1):
            raise ValueError(
                f"{name} has shape {np.shape(points)}, but the points of a wave are "
                "(N, 1); pass one task, such as batch.X_s[0]"
            )
    figure, axis = plt.subplots(figsize=(5.8, 3.6))
    # A sin(x + b) is a combination of sin x and cos x: the points determine it.
    mix = np.linalg.lstsq(np.hstack([np.sin(X_s), np.cos(X_s)]), Y_s, rcond=None)[0]
    truth = np.hstack([np.sin(X), np.cos(X)]) @ mix  # (N, 1)
    axis.plot(X, truth, color="tab:blue", lw=7, alpha=0.3, label="a new wave")
    axis.plot(X_s, Y_s, "ko", label=f"{len(X_s)} points of it")
    start = axis.plot([], [], "k:", lw=2.5, zorder=3, label="before the step")
    look = STYLES["Meta-SGD"] | {"marker": ""}
    bent = axis.plot([], [], lw=2, **look, label="after it")
    axis.set(xlim=(-5, 5), ylim=(-6.5, 8), xlabel="x", ylabel="y")
    axis.legend(loc="upper center", ncols=2, frameon=False)
    axis.set_title(" ")  # its height is part of the layout
    figure.tight_layout()
    return figure, axis, start + bent


def choose_frames(iterations: list) -> list:
    """Choose (iteration, share of its step): slow at both ends, whole in between."""
    shares = [*np.linspace(0, 1, FRAMES_PER_STEP), *[1.0] * HELD]
    first, *between, last = iterations
    return [
        *((first, share) for share in shares),
        *((iteration, 1.0) for iteration in between),
        *((last, share) for share in [0.0] * HELD + shares + shares[-HELD:]),
    ]


def learning_to_step(
    meta_loss: Callable, paths: dict, h: np.ndarray, c: np.ndarray
) -> Figure:
    """Draw where θ and α go, and where one step then leads on some parabolas.

    Parameters
    ----------
    meta_loss : callable
        (theta, alpha), arrays of one shape, to the mean loss after one step.
    paths : dict
        {learner: path (n, 2) of θ and α}; the learner's name gives its look.
    h, c : (T,) arrays
        Curvatures and bottoms of the parabolas ½ h (θ − c)² on which to step.

    Returns
    -------
    Figure
        The paths on contours of the meta-loss; then one panel per learner.
    """
    figure, axes = plt.subplots(1, 1 + len(paths), figsize=(9, 3.5))
    theta, alpha = np.meshgrid(np.linspace(-2.5, 5, 120), np.linspace(-0.1, 1.5, 120))
    levels = np.geomspace(0.05, 20, 13)
    values = meta_loss(theta, alpha)
    lines = axes[0].contour(theta, alpha, values, levels, colors="0.75")
    axes[0].clabel(lines, levels[2::3], fmt="%.2g", fontsize=8, colors="0.3")
    axes[0].set(xlabel="start θ", ylabel="rate α", title="mean loss after one step")
    for (name, path), axis in zip(paths.items(), axes[1:], strict=True):
        look = {key: STYLES[name][key] for key in ("color", "linestyle")}
        axes[0].plot(*np.transpose(path), lw=2.5, label=name, **look)
        axes[0].plot(*path[-1], STYLES[name]["marker"], color=look["color"], ms=8)
        draw_landing(axis, *path[-1], h, c, STYLES[name])
        axis.set(xlabel="θ", title=f"{name}, α = {path[-1][1]:.2f}")
    axes[0].plot(*path[0], "kX", ms=9)
    axes[0].legend(loc="upper right", fontsize=8)
    axes[1].set_ylabel("loss of each task")
    figure.tight_layout()
    return figure


def draw_landing(axis, theta, alpha, h, c, look):
    """Draw parabolas, the start on each (open) and where one step lands (filled)."""
    landed = theta - alpha * h * (theta - c)  # (T,)
    line = np.linspace(-0.5, 4.5, 200)
    for curvature, bottom, end in zip(h, c, landed, strict=True):
        stepped = np.linspace(theta, end, 50)
        moves = curvature * (stepped - bottom) ** 2 / 2
        axis.plot(line, curvature * (line - bottom) ** 2 / 2, color="0.8", lw=1)
        axis.plot(stepped, moves, color=look["color"], lw=2)
        axis.plot(theta, moves[0], "o", mfc="white", mec="k", ms=6)
        axis.plot(end, moves[-1], look["marker"], color=look["color"], ms=7)
    axis.set(xlim=(-0.5, 4.5), ylim=(-0.06, 1.4))

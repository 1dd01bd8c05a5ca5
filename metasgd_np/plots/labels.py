"""Names of lines beside the lines, where a reader needs no legend."""

from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

APART = 12  # points between the middles of two names


def name_lines(figure: Figure) -> Figure:
    """Write each labelled line's name at its right end, and take away the legends.

    A line that leaves the picture is named where it is last seen. A label goes on to
    a new line after a colon and after a comma.

    Parameters
    ----------
    figure : Figure
        A figure whose lines have labels; changed in place.

    Returns
    -------
    Figure
        The same figure, laid out again.
    """
    figure.draw_without_rendering()  # the limits of the axes are known after it
    for axis in figure.axes:
        lines = [a for a in axis.lines if not str(a.get_label()).startswith("_")]
        ends = [right_end(axis, line) for line in lines]  # (x, y), each from 0 to 1
        heights = spread([y for _, y in ends], APART * figure.dpi / 72 / height(axis))
        for line, (x, _), y in zip(lines, ends, heights, strict=True):
            axis.annotate(
                line.get_label().replace(": ", ":\n").replace(", ", ",\n"),
                (x, y),
                (6, 0),
                xycoords="axes fraction",
                textcoords="offset points",
                color=line.get_color(),
                va="center",
                fontsize=9,
                path_effects=[withStroke(linewidth=3, foreground="white")],
            )
        if axis.get_legend():
            axis.get_legend().remove()
    for legend in figure.legends[:]:
        legend.remove()
    figure.tight_layout()
    return figure


def height(axis: Axes):
    """The height of an axis in pixels."""
    return axis.get_window_extent().height


def right_end(axis, line):
    """Where a line is rightmost in the picture, x and y as shares of the axis.

    What ends near the right edge is named beyond it, clear of the frame.
    """
    pixels = line.get_transform().transform(line.get_xydata())  # (n, 2)
    across, up = axis.transAxes.inverted().transform(pixels).T  # (n,) each
    last = np.where((up >= 0) & (up <= 1), across, -np.inf).argmax()
    return 1 if across[last] > 0.9 else across[last], up[last]


def spread(heights, apart):
    """Move heights up, as little as keeps each at least `apart` above the last."""
    moved = np.array(heights, float)
    order = np.argsort(moved, kind="stable")
    for below, above in pairwise(order):
        moved[above] = max(moved[above], moved[below] + apart)
    return moved

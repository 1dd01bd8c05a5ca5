"""What the figures share: one look per learner, bands, legends, and files."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..checks import as_path, check_has, choose, shown
from ..files import replacing

# One look per learner in every figure; line and marker differ, to be read in grey.
STYLES = {
    "Meta-SGD": {"color": "#0b6e4f", "linestyle": "-", "marker": "o"},
    "MAML": {"color": "#c8553d", "linestyle": "--", "marker": "s"},
    "joint training": {"color": "#3d5a9e", "linestyle": ":", "marker": "^"},
    "Reptile": {"color": "#8d6a9f", "linestyle": "-.", "marker": "D"},
    "logistic regression": {"color": "#7a5c00", "linestyle": "-.", "marker": "v"},
    "nearest neighbour": {"color": "#444444", "linestyle": (0, (1, 3)), "marker": "x"},
}
LOOKS = tuple(STYLES.values())  # for lines that belong to no learner


def check_lines(name, lines, styled=True, parts=()):
    """Raise an error unless `lines` is a table {learner: object with these parts}."""
    if not isinstance(lines, Mapping) or not lines:
        raise TypeError(
            f"{name} is {shown(lines)}, but it must be a dict with a learner's name "
            'and what is drawn of it, or several; pass {"MAML": ...}'
        )
    for learner, value in lines.items():
        if styled:
            choose("style of line", learner, STYLES)
        check_has(f"{name}[{learner!r}]", value, parts, "what train or evaluate gave")


def draw_band(axis: Axes, x, middle, low, high, **look):
    """Draw a line and, around it, the band from `low` to `high` in its colour."""
    axis.plot(x, middle, **look)
    axis.fill_between(x, low, high, color=look["color"], alpha=0.2)


def draw_intervals(axis: Axes, mean, half, **look):
    """Draw means after 0, 1, … steps with a band of half-width `half`."""
    draw_band(axis, np.arange(len(mean)), mean, mean - half, mean + half, **look)


def finish(figure: Figure, title: str, **legend) -> Figure:
    """Give a figure of one panel its title, legend and margins; return it."""
    axis = figure.axes[0]
    axis.set_title(title, fontsize=10)
    axis.legend(**{"frameon": False} | legend)
    figure.tight_layout()
    return figure


def finish_panels(figure: Figure, title: str, bottom: float, **legend) -> Figure:
    """Give a figure of several panels a title and one legend below them; return it.

    bottom is the share of the height that the legend takes.
    """
    entries = figure.axes[0].get_legend_handles_labels()
    figure.legend(*entries, **{"loc": "lower center", "frameon": False} | legend)
    figure.suptitle(title)
    figure.tight_layout(rect=(0, bottom, 1, 1))
    return figure


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as a PNG file, 100 dots per inch, atomically, and close it.

    Parameters
    ----------
    figure : Figure
        A figure from a function of this package.
    path : str or path
        The file, replaced if it exists.
    """
    check_has("figure", figure, ["savefig"], "what a function of plots returned")
    with replacing(as_path("path", path)) as file:
        figure.savefig(file, dpi=100, format="png")
    plt.close(figure)

"""The figure of `table1`: ours and the paper's, side by side."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from .shared import STYLES, finish_panels

MARKERS = "osD^vPX*dh<>"


def mse_by_shots(by_trained: dict, paper: dict, title: str) -> Figure:
    """Draw the test MSE by test shots, ours and the paper's.

    Parameters
    ----------
    by_trained : dict
        {training shots: {label: {test shots: {"mean": …, "interval": …}}}}, shots as
        text.
    paper : dict
        {training shots: {method: texts "mean ± interval [mark]"}}.
    title : str
        What was tested.

    Returns
    -------
    Figure
        One panel per number of training shots, a line with bars per label.
    """
    figure, axes = plt.subplots(1, len(by_trained), sharey=True)
    for axis, (trained, rows) in zip(axes, by_trained.items(), strict=True):
        for i, (name, by_tested) in enumerate(rows.items()):
            entries = by_tested.values()
            mean, half = ([e[key] for e in entries] for key in ("mean", "interval"))
            look = {"marker": MARKERS[i % len(MARKERS)], "color": f"C{i % 10}"}
            draw_bars(axis, mean, half, label=name, **look | STYLES.get(name, {}))
        for name, texts in paper[int(trained)].items():
            numbers = [text.split() for text in texts]  # ["0.90", "±", "0.16", "[c]"]
            mean, half = ([float(n[i]) for n in numbers] for i in (0, 2))
            look = STYLES[name] | {"color": "0.6", "mfc": "w"}
            draw_bars(axis, mean, half, shift=0.08, label=f"{name}, paper", **look)
        axis.set_title(f"trained on {trained} shots", size=10)
        axis.set_xlabel("shots in the test")
        axis.set_xticks(range(len(by_tested)), by_tested)
    axes[0].set(ylabel="test MSE (units of y²)", ylim=(0, None))
    n_lines = -(-(len(rows) + len(paper[int(trained)])) // 4)
    height = 3.8 + 0.2 * n_lines
    figure.set_size_inches(9, height)
    bottom = (0.2 * n_lines + 0.1) / height
    return finish_panels(figure, title, bottom, ncols=4, fontsize=8)


def draw_bars(axis, mean, half, shift=0.0, **look):
    """Draw points with bars, shifted slightly so that no bar hides another."""
    x = [i + shift for i in range(len(mean))]
    axis.errorbar(x, mean, half, capsize=3, **look)

"""The figure of `table1`: ours and the paper's, side by side."""

import matplotlib.pyplot as plt

from .learning import STYLES

MARKERS = "osD^vPX*dh<>"


def mse_by_shots(by_trained, paper, title):
    """Test MSE by test shots, ours and the paper's, a panel per number of train shots.

    by_trained : {trained shots: {label: {test shots: {"mean", "interval", …}}}}
    paper : {trained shots: {method: texts "mean ± interval [mark]"}}
    """
    figure, axes = plt.subplots(1, len(by_trained), sharey=True)
    for axis, (trained, rows) in zip(axes, by_trained.items(), strict=True):
        for i, (name, by_tested) in enumerate(rows.items()):
            entries = by_tested.values()
            mean, half = ([e[key] for e in entries] for key in ("mean", "interval"))
            look = {"marker": MARKERS[i % len(MARKERS)], "color": f"C{i % 10}"}
            draw(axis, mean, half, label=name, **{**look, **STYLES.get(name, {})})
        for name, texts in paper[int(trained)].items():
            numbers = [text.split() for text in texts]  # ["0.90", "±", "0.16", "[c]"]
            mean, half = ([float(n[i]) for n in numbers] for i in (0, 2))
            look = {**STYLES[name], "color": "0.6", "mfc": "w"}
            draw(axis, mean, half, shift=0.08, label=f"{name}, paper", **look)
        axis.set_title(f"trained on {trained} shots", size=10)
        axis.set_xlabel("shots in the test")
        axis.set_xticks(range(len(by_tested)), by_tested)
    axes[0].set(ylabel="test MSE (units of y²)", ylim=(0, None))
    handles, labels = axes[0].get_legend_handles_labels()
    n_lines = -(-len(labels) // 3)
    height = 3.8 + 0.2 * n_lines
    figure.set_size_inches(9, height)
    options = {"loc": "lower center", "ncols": 3, "fontsize": 8, "frameon": False}
    figure.legend(handles, labels, **options)
    figure.suptitle(title, size=11)
    figure.tight_layout(rect=(0, (0.2 * n_lines + 0.1) / height, 1, 1))
    return figure


def draw(axis, mean, half, shift=0.0, **look):
    """Points with bars, moved a little aside so that no bar hides another."""
    x = [i + shift for i in range(len(mean))]
    axis.errorbar(x, mean, half, capsize=3, **look)

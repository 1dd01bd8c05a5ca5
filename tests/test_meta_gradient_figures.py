"""The figures of chapter 06 show the graph and the numbers they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from metasgd_np import plots
from metasgd_np.plots import meta_gradients


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_two_steps_back_draws_an_arrow_for_every_dependence():
    pairs = ", ".join([meta_gradients.FORWARDS, meta_gradients.BACKWARDS]).split(", ")
    axis = plots.two_steps_back().axes[0]
    arrows = [text for text in axis.texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == len(set(pairs)) == 18
    assert {"alpha theta_1", "alpha theta_2"} < set(pairs)  # α enters twice
    assert {"g_0 first", "g_1 second"} < set(pairs)  # each g reaches dα
    shown = {text.get_text() for text in axis.texts}
    assert shown > {words for *_, words in meta_gradients.NODES.values()}


def test_loss_against_alpha_draws_curves_and_tangents_on_one_scale():
    alpha = np.array([1.0, 2.0, 3.0])
    d_alpha = np.array([2.0, 4.0, 6.0])
    figure = plots.loss_against_alpha(
        lambda a: (a**2).sum(), alpha, d_alpha, {"α1": 0, "α3": 2}
    )
    (axis,) = figure.axes
    t = axis.lines[0].get_xdata()
    np.testing.assert_allclose(axis.lines[0].get_ydata(), 14 + 2 * t + t**2)
    np.testing.assert_allclose(axis.lines[3].get_ydata(), 14 + 6 * t)
    labels = [text.get_text() for text in axis.get_legend().get_texts()]
    assert labels == ["α1: slope 2", "α3: slope 6"]


def test_turned_steps_counts_every_task():
    angles = {"learned": np.array([10.0, 80.0, 81.0]), "other": np.array([30.5])}
    (axis,) = plots.turned_steps(angles).axes
    assert sum(bar.get_height() for bar in axis.patches) == 4
    assert axis.get_xlabel() and axis.get_ylabel()

"""The figures of gradients show the numbers they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from metasgd_np import TwoLayerNet, plots


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_activation_functions_share_one_scale_and_leave_the_jump_open():
    figure = plots.activation_functions(("tanh", "relu"))
    tanh, relu = figure.axes
    assert tanh.get_ylim() == relu.get_ylim()
    value, left, right = relu.lines[:3]
    assert value.get_ydata()[-1] == value.get_xdata()[-1] == 4
    assert set(left.get_ydata()) == {0} and set(right.get_ydata()) == {1}
    assert left.get_xdata().max() < 0 < right.get_xdata().min()


def test_gradients_by_task_draws_a_bar_per_entry_up_where_positive():
    G = np.array([[1.0, -2, 0, 4, 1, 1, 1, 1, 1, 1], [-4, *[1] * 9]])
    figure = plots.gradients_by_task(TwoLayerNet(1, 3, 1), G)
    axis = figure.axes[0]
    heights = np.array([bar.get_height() for bar in axis.patches]).reshape(G.shape)
    np.testing.assert_allclose(heights, -0.48 * G / 4)  # the axis points downwards
    assert axis.yaxis_inverted()
    names = [label.get_text() for label in axis.get_xticklabels()]
    assert names == ["W1", "b1", "W2", "b2"]


def test_errors_by_step_draws_each_method_and_zero_at_the_bottom():
    steps = np.array([1e-8, 1e-4, 1.0])
    errors = {"central difference": steps**2, "complex step": np.zeros(3)}
    axis = plots.errors_by_step(steps, errors).axes[0]
    assert axis.get_xscale() == axis.get_yscale() == "log"
    by_label = {line.get_label(): line.get_ydata() for line in axis.lines}
    np.testing.assert_allclose(by_label["central difference"], steps**2)
    assert set(by_label["complex step"]) == {1e-17}

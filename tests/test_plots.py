"""The figures show the numbers they are given, with their axes named."""

import numpy as np
import pytest

from metasgd_np import MAML, MetaSGD, TwoLayerNet, plots
from metasgd_np.tasks import Sinusoids
from metasgd_np.training import Evaluation, TrainingState

NET = TwoLayerNet(1, 4, 1)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plots.plt.close("all")


def assert_axes_are_named(figure):
    for axis in figure.axes:
        assert axis.get_xlabel()
    assert figure.axes[0].get_ylabel()


def test_fits_draw_truth_and_every_number_of_steps():
    rng = np.random.default_rng(0)
    learners = {"Meta-SGD": MetaSGD(NET), "MAML": MAML(NET)}
    trained = {
        name: (learner, learner.start(rng)) for name, learner in learners.items()
    }
    figure = plots.fits(trained, Sinusoids(), np.random.default_rng(1), shots=6)
    assert_axes_are_named(figure)
    assert [axis.get_title() for axis in figure.axes] == ["Meta-SGD", "MAML"]
    truths = [axis.lines[0].get_ydata() for axis in figure.axes]
    np.testing.assert_array_equal(truths[0], truths[1])
    for axis, (learner, w) in zip(figure.axes, trained.values(), strict=True):
        x = np.asarray(axis.lines[1].get_xdata())[:, None]
        np.testing.assert_allclose(
            axis.lines[1].get_ydata(), learner.net.forward(w[0], x)[:, 0]
        )
        assert len(axis.lines[-1].get_xdata()) == 6


def test_fits_say_what_leaves_the_picture():
    learner = MAML(NET, alpha=30.0)
    trained = {"MAML": (learner, learner.start(np.random.default_rng(0)))}
    figure = plots.fits(trained, Sinusoids(), np.random.default_rng(1), shots=5)
    assert any("up to |y| =" in text.get_text() for text in figure.axes[0].texts)


def test_mse_by_steps_draws_the_means_and_says_what_diverges():
    fine = Evaluation(np.array([[4.0, 6.0], [1.0, 2.0], [1.0, 1.0]]))
    wild = Evaluation(np.array([[4.0, 6.0], [1.0, 1.5], [900.0, 1.0]]))
    figure = plots.mse_by_steps({"MAML": fine, "Meta-SGD": wild}, shots=10)
    assert_axes_are_named(figure)
    axis = figure.axes[0]
    np.testing.assert_array_equal(axis.lines[0].get_ydata(), [5.0, 1.5, 1.0])
    assert [text.get_text()[:8] for text in axis.texts] == ["Meta-SGD"]
    assert axis.get_ylim() == (0, 10)


def test_alpha_by_block_counts_the_negative_entries():
    alpha = np.linspace(-1, 2, NET.n_params)
    figure = plots.alpha_by_block(NET, alpha, (0.005, 0.1))
    assert_axes_are_named(figure)
    for axis, (name, block) in zip(figure.axes, NET.blocks(alpha).items(), strict=True):
        told = f"{name}: {(block < 0).sum()} of {block.size} negative"
        assert axis.get_title() == told


def test_learning_curves_place_each_block_at_its_end():
    state = TrainingState({}, 250, np.zeros(1), (), np.array([3.0, 2.0, 1.0]))
    figure = plots.learning_curves({"MAML": state})
    assert_axes_are_named(figure)
    line = figure.axes[0].lines[0]
    assert line.get_xdata().tolist() == [100, 200, 250]
    assert line.get_ydata().tolist() == [3.0, 2.0, 1.0]

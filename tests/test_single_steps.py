"""The film of 00 ends where its step ends; 01's figure lands where its step lands."""

from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from metasgd_np import TwoLayerNet, adapt, plots
from metasgd_np.plots import single_steps

NET = TwoLayerNet(1, 4, 1, activation="tanh")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def forward(theta, X):
    return "hidden", NET.forward(theta, X)


def make_steps(iterations):
    rng = np.random.default_rng(0)
    X_s = rng.uniform(-5, 5, (6, 1))
    Y_s = 3 * np.sin(X_s + 0.4)
    starts = {t: rng.standard_normal(NET.n_params) for t in iterations}
    return {t: adapt(NET, w, 0.1, X_s, Y_s) for t, w in starts.items()}, X_s, Y_s


def test_the_film_moves_and_is_small(monkeypatch):
    monkeypatch.setattr(single_steps, "HELD", 1)
    monkeypatch.setattr(single_steps, "FRAMES_PER_STEP", 3)
    film = plots.film_of_training(forward, *make_steps([0, 10, 3000]))
    picture = Image.open(BytesIO(film))
    assert picture.format == "PNG"
    assert picture.size == (580, 360)
    assert picture.n_frames >= 6  # two steps of three frames; equal ones are merged
    assert not plt.get_fignums()


def test_the_film_shows_the_first_and_last_step_slowly():
    frames = single_steps.choose_frames([0, 10, 30, 3000])
    shares = {t: [share for at, share in frames if at == t] for t in (0, 10, 30, 3000)}
    assert shares[10] == shares[30] == [1]
    for t in (0, 3000):
        assert shares[t][0] == 0
        assert shares[t][-1] == 1
        assert len(set(shares[t])) == single_steps.FRAMES_PER_STEP
    assert [t for t, _ in frames] == sorted(t for t, _ in frames)


def test_the_films_last_frame_is_the_whole_step(monkeypatch):
    drawn = []

    class Film:
        def __init__(self, figure, draw, frames, _):
            draw(frames[0])
            drawn.append([np.ravel(line.get_ydata()) for line in figure.axes[0].lines])
            draw(frames[-1])
            drawn.append([np.ravel(line.get_ydata()) for line in figure.axes[0].lines])

        def save(self, file, **_):
            file.write_bytes(b"")

    monkeypatch.setattr(single_steps, "FuncAnimation", Film)
    steps, X_s, Y_s = make_steps([0, 3000])
    plots.film_of_training(forward, steps, X_s, Y_s)
    X = np.linspace(-5, 5, 101)
    (truth, points, start, bent), (_, _, last_start, last_bent) = drawn
    np.testing.assert_allclose(truth, 3 * np.sin(X + 0.4), atol=1e-12)
    np.testing.assert_array_equal(points, Y_s[:, 0])
    np.testing.assert_array_equal(start, bent)  # before the step: the same curve
    ends = [NET.forward(theta, X[:, None])[:, 0] for theta in steps[3000]]
    np.testing.assert_allclose([last_start, last_bent], ends)


def test_learning_to_step_draws_each_path_and_where_the_step_lands():
    h, c = np.array([1.0, 2.0]), np.array([0.5, 3.0])
    paths = {
        "MAML": np.array([[0, 0.1], [1, 0.1]]),
        "Meta-SGD": np.array([[0, 0.1], [2, 0.4]]),
    }
    figure = plots.learning_to_step(lambda theta, alpha: theta**2 + alpha, paths, h, c)
    contours, *panels = figure.axes
    for line, path in zip(contours.lines[::2], paths.values(), strict=False):
        np.testing.assert_array_equal(line.get_xydata(), path)
    for axis, path in zip(panels, paths.values(), strict=True):
        theta, alpha = path[-1]
        landed = theta - alpha * h * (theta - c)
        ends = [line.get_xydata()[-1] for line in axis.lines[3::4]]
        np.testing.assert_allclose([end[0] for end in ends], landed)
        np.testing.assert_allclose([end[1] for end in ends], h * (landed - c) ** 2 / 2)
        assert f"{alpha:.2f}" in axis.get_title()
    for axis in figure.axes:
        assert axis.get_xlabel()

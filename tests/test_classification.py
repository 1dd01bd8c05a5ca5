"""The command `classify`, its baselines, and the figures that it leaves."""

import json
from dataclasses import replace

import numpy as np
import pytest

from metasgd_np import TaskBatch, TwoLayerNet, plots
from metasgd_np.cli import main
from metasgd_np.experiments import classify as classification
from metasgd_np.experiments.baselines import (
    AllClasses,
    logistic_regression,
    nearest_neighbour,
    new_last_layer,
)
from metasgd_np.experiments.classify import ClassifyExperiment, classify_table
from metasgd_np.tasks import Characters, FewShot
from metasgd_np.tasks.images import SPREAD, normalise
from metasgd_np.training import accuracy, evaluate, random_stream

SOFTMAX = "softmax_cross_entropy"
FIGURES = ("tasks", "accuracy_by_steps", "learning_curves", "alpha", "characters")


def strokes(n_classes, seed, n_drawings=20):
    """Characters of three random strokes, every drawing moved and noisy."""
    rng = np.random.default_rng(seed)
    ends = rng.uniform(6, 21, (n_classes, 1, 3, 2, 2))
    ends = ends + rng.normal(0, 1, (n_classes, n_drawings, 3, 2, 2))
    along = np.linspace(0, 1, 12)[:, None]
    dots = ends[..., :1, :] * along + ends[..., 1:, :] * (1 - along)
    dots = dots.reshape(n_classes, n_drawings, 36, 2, 1, 1)
    grid = np.stack(np.mgrid[:28, :28])  # (2, 28, 28)
    ink = np.exp(-((grid - dots) ** 2).sum(3)).max(2)  # (C, E, 28, 28)
    alphabets = np.full(n_classes, f"strokes {seed}")
    return Characters((255 * ink).astype(np.uint8), alphabets, f"strokes {seed}")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plots.plt.close("all")


# Baselines


def test_nearest_neighbour_by_a_loop():
    rng = np.random.default_rng(0)
    X_s, X_q = rng.standard_normal((5, 6, 3)), rng.standard_normal((5, 7, 3))
    Y_s, Y_q = rng.integers(4, size=(5, 6)), rng.integers(4, size=(5, 7))
    expected = np.zeros(5)
    for task in range(5):
        for x, y in zip(X_q[task], Y_q[task], strict=True):
            distances = [np.linalg.norm(x - s) for s in X_s[task]]
            expected[task] += (Y_s[task, np.argmin(distances)] == y) / 7
    found = nearest_neighbour(TaskBatch(X_s, Y_s, X_q, Y_q))
    np.testing.assert_allclose(found.scores, [expected])


def test_logistic_regression_learns_a_support_set_that_a_line_can_split():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((6, 12, 3)).astype(np.float32)
    Y = (X @ rng.standard_normal((3, 4))).argmax(-1)

    class Points:
        dtype = "float32"

        def sample(self, *_):
            return TaskBatch(X, Y, X, Y)

    learner, w = logistic_regression(3, 4, alpha=1.0)
    options = {"shots": 1, "n_tasks": 6, "steps": 200, "score": accuracy}
    found = evaluate(learner, w, Points(), None, **options)
    assert found.mean[0] < 0.6
    assert found.mean[-1] > 0.95


def test_all_classes_share_their_labels_between_tasks():
    characters = strokes(7, seed=0)
    tasks = AllClasses(characters, dtype="float64")
    batch = tasks.sample(np.random.default_rng(0), 5, 2, 30)
    assert batch.X_s.shape == (5, 2, 784)
    assert batch.X_q.shape == (5, 30, 784)
    assert set(np.unique(batch.Y_q)) == set(range(7))
    drawn = characters.images.reshape(7, 20, 784) / 255
    seen = set()
    for x, y in zip(batch.X_q.reshape(-1, 784), batch.Y_q.ravel(), strict=True):
        (which,) = np.flatnonzero((drawn[y] == x).all(-1))
        seen.add(which)
    assert seen == set(range(20))
    assert "strokes 0" in repr(tasks)
    with pytest.raises(ValueError, match="shots is 0"):
        tasks.sample(np.random.default_rng(0), 5, 0)


def test_a_new_last_layer_keeps_the_first_and_is_zero():
    wide = TwoLayerNet(6, 5, 9, "relu", SOFTMAX)
    w = np.random.default_rng(0).standard_normal((1, wide.n_params))
    net, w_new = new_last_layer(wide, w, ways=3)
    assert (net.n_in, net.n_hidden, net.n_out) == (6, 5, 3)
    assert (net.activation_name, net.loss_name) == ("relu", SOFTMAX)
    assert w_new.shape == (1, net.n_params)
    np.testing.assert_array_equal(net.blocks(w_new)["W1"], wide.blocks(w)["W1"])
    np.testing.assert_array_equal(net.blocks(w_new)["b1"], wide.blocks(w)["b1"])
    assert not net.blocks(w_new)["W2"].any()
    assert not net.blocks(w_new)["b2"].any()


# Normalised drawings


def centre_and_spread(image):
    ink = image / image.sum()
    grid = np.stack(np.mgrid[: len(image), : len(image)])  # (2, S, S)
    centre = (grid * ink).sum((1, 2))
    squares = ((grid - centre[:, None, None]) ** 2).sum(0)
    return centre, np.sqrt((squares * ink).sum())


def test_a_normalised_drawing_sits_in_the_middle_with_one_spread():
    images = strokes(9, seed=2, n_drawings=3).images
    for image in normalise(images).reshape(-1, 28, 28):
        centre, spread = centre_and_spread(image)
        np.testing.assert_allclose(centre, 13.5, atol=0.15)
        assert spread == pytest.approx(SPREAD, rel=0.12)


def test_where_a_drawing_stood_and_how_large_it_was_no_longer_shows():
    image = strokes(1, seed=3, n_drawings=1).images[0, 0]
    small = np.zeros((28, 28), np.uint8)
    small[2:16, 11:25] = image.reshape(14, 2, 14, 2).mean((1, 3))
    moved = np.roll(image, (3, -2), (0, 1))
    found = normalise(np.stack([image, moved, small])).astype(float)
    size = np.linalg.norm(found[0])
    assert np.linalg.norm(found[1] - found[0]) < 0.02 * size
    assert np.linalg.norm(found[2] - found[0]) < 0.35 * size
    assert np.linalg.norm(image.astype(float) - moved) > 0.5 * size


def test_an_empty_drawing_stays_empty():
    assert not normalise(np.zeros((2, 28, 28), np.uint8)).any()


def test_reduced_drawings_are_means_of_squares():
    characters = strokes(3, seed=4, n_drawings=2)
    found = characters.reduced(14).images
    assert found.shape == (3, 2, 14, 14)
    image = characters.images[1, 1].astype(float)
    for row, column in ((0, 0), (7, 5), (9, 13)):
        square = image[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        assert abs(found[1, 1, row, column] - square.mean()) <= 0.5
    with pytest.raises(ValueError, match=r"side is 15, .* a number that divides 28"):
        characters.reduced(15)


# The command


@pytest.fixture(scope="module")
def small_data():
    """Splits that take no time to make, in place of glyphs."""
    splits = strokes(40, 5), strokes(12, 6), strokes(15, 7)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classification, "load_glyphs", lambda: splits)
        yield splits


@pytest.fixture(scope="module")
def quick(small_data, tmp_path_factory):
    """The folder of one quick run."""
    out = tmp_path_factory.mktemp("classify") / "quick"
    assert main(["classify", "--quick", "--normalise", "--out", str(out)]) == 0
    return out


def results_of(folder):
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    results.pop("seconds")
    return results


def test_a_run_leaves_results_and_figures(quick):
    results = results_of(quick)
    assert list(results["accuracy"]) == [
        "Meta-SGD",
        "MAML",
        "joint training",
        "logistic regression",
        "nearest neighbour",
    ]
    for name, found in results["accuracy"].items():
        mean, interval = found["mean_by_steps"], found["interval_by_steps"]
        assert len(mean) == len(interval) > found["steps"]
        assert (name == "nearest neighbour") == (found["steps"] == 0)
        assert 0.2 < mean[found["steps"]] < 1
        assert interval[found["steps"]] > 0
    assert results["configuration"]["normalise"] is True
    assert "strokes 7, normalised" in results["data"]["test"]
    assert "strokes 5, normalised, reduced, rotated" in results["data"]["train"]
    assert "strokes 6, normalised, reduced:" in results["data"]["validate"]
    assert "strokes 5, normalised, reduced:" in results["data"]["joint training"]
    for name in FIGURES:
        assert (quick / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_accuracies_are_those_of_the_checkpoint_on_the_test_tasks(quick):
    splits = strokes(40, 5), strokes(12, 6), strokes(15, 7)
    test = FewShot(splits[2].normalised().reduced(14))
    config = results_of(quick)["configuration"]
    net = TwoLayerNet(196, config["hidden"], 5, loss=SOFTMAX)
    w = np.load(quick / "meta-sgd.npz")["w"]
    batch = test.sample(random_stream(0, "test"), config["n_test"], 1, 15)
    theta = w[0] - w[1] * net.gradient(w[0], batch.X_s, batch.Y_s)
    right = net.forward(theta, batch.X_q).argmax(-1) == batch.Y_q
    found = results_of(quick)["accuracy"]["Meta-SGD"]["mean_by_steps"][1]
    assert found == pytest.approx(right.mean(), abs=2e-3)
    nearest = results_of(quick)["accuracy"]["nearest neighbour"]["mean_by_steps"]
    assert nearest == pytest.approx(nearest_neighbour(batch).mean, abs=1e-6)


def test_resuming_gives_the_same_results_and_tells_them(quick, capsys):
    before = results_of(quick)
    options = ["classify", "--quick", "--normalise", "--resume", "--out", str(quick)]
    assert main(options) == 0
    assert results_of(quick) == before
    printed = capsys.readouterr().out
    assert "5-way 1-shot, glyphs normalised" in printed
    for name, found in before["accuracy"].items():
        mean = 100 * found["mean_by_steps"][found["steps"]]
        assert any(
            line.strip().startswith(name) and f"{mean:.1f} ±" in line
            for line in printed.splitlines()
        )


def test_what_is_chosen_is_the_best_on_validation_tasks(small_data, tmp_path):
    options = {"quick": True, "n_validate": 30, "n_test": 40, "iterations": 20}
    config = classification.ClassifyConfig(**options)
    experiment = ClassifyExperiment(config, tmp_path / "run", progress=False)
    learner, _, steps = experiment.regression()
    scores = {}
    for alpha in classification.ALPHAS["logistic regression"]:
        candidate, start = logistic_regression(196, 5, alpha)
        found = experiment.evaluate(candidate, start, "validate", 100)
        scores |= {(alpha, j): found.mean[j] for j in range(1, 101)}
    assert scores[learner.alpha, steps] == max(scores.values())

    learner, w, steps = experiment.fine_tuned()
    scores = {}
    for alpha in classification.ALPHAS["joint training"]:
        candidate = replace(learner, alpha=alpha)
        found = experiment.evaluate(candidate, w, "validate", 20)
        scores |= {(alpha, j): found.mean[j] for j in range(1, 21)}
    assert scores[learner.alpha, steps] == max(scores.values())

    learner, _ = experiment.train_maml()
    scores = {}
    for alpha in classification.ALPHAS["MAML"]:
        w = np.load(tmp_path / "run" / f"maml-alpha-{alpha}.npz")["w"]
        found = experiment.evaluate(replace(learner, alpha=alpha), w, "validate", 1)
        scores[alpha] = found.mean[1]
    assert scores[learner.alpha] == max(scores.values())


@pytest.mark.parametrize("shots", [1, 19])
def test_the_figure_of_tasks_shows_answers_before_and_after(
    small_data, tmp_path, monkeypatch, shots
):
    shown = []
    answers = plots.answers
    monkeypatch.setattr(
        plots, "answers", lambda *given: (shown.append(given), answers(*given))[1]
    )
    options = ["classify", "--quick", "--iterations", "2", "--shots", str(shots)]
    assert main([*options, "--out", str(tmp_path / "run")]) == 0
    ((batch, before, after, ways),) = shown
    w = np.load(tmp_path / "run" / "meta-sgd.npz")["w"]
    net = TwoLayerNet(196, 64, 5, loss=SOFTMAX)
    assert ways == 5
    np.testing.assert_array_equal(before, net.forward(w[0], batch.X_q).argmax(-1))
    theta = w[0] - w[1] * net.gradient(w[0], batch.X_s, batch.Y_s)
    np.testing.assert_array_equal(after, net.forward(theta, batch.X_q).argmax(-1))


def test_published_figures_stand_only_beside_the_setting_they_are_of(quick):
    results = results_of(quick)
    settings = results["configuration"]
    assert "published" not in classify_table(results)
    settings |= {"data": "omniglot", "normalise": False}
    assert "89.7 ± 1.1" in classify_table(results)
    settings |= {"normalise": True}
    assert "published" not in classify_table(results)
    settings |= {"ways": 20, "normalise": False}
    assert "published" not in classify_table(results)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--ways", "1"], "--ways is 1, but it must be 2 or more"),
        (["--shots", "0"], "--shots is 0, but it must be 1 or more"),
        (["--steps", "0"], "--steps is 0, but it must be 1 or more"),
        (["--shots", "20"], "--shots is 20, but of the 20 drawings"),
        (["--path", "somewhere"], "--path is somewhere, but the letters of --data gly"),
        (["--ways", "16"], "ways is 16, but strokes 6, reduced has only 12"),
        (["--data", "omniglot"], "--data omniglot needs --path, the folder"),
        (["--data", "omniglot", "--path", ""], "--data omniglot needs --path, the"),
        (["--data", "omniglot", "--path", "nowhere"], "images_background"),
    ],
)
def test_bad_options_are_told(small_data, tmp_path, capsys, options, words):
    out = tmp_path / "run"
    assert main(["classify", "--quick", *options, "--out", str(out)]) == 1
    assert words in capsys.readouterr().err.splitlines()[-1]


# Figures


def test_answers_are_marked_where_they_are_wrong():
    batch = FewShot(strokes(6, 8), ways=3).sample(np.random.default_rng(0), 2, 1, 2)
    wrong = (batch.Y_q + 1) % 3
    after = batch.Y_q.copy()
    after[1, 4] = (batch.Y_q[1, 4] + 2) % 3
    figure = plots.answers(batch, wrong, after, ways=3)
    titles = [axis.get_title() for axis in figure.axes]
    marked = [title for title in titles if title.endswith("✗")]
    assert marked == [f"{wrong[1, 4]}→{after[1, 4]} ✗"]
    assert titles.count("0→0") + titles.count("1→1") + titles.count("2→2") == 0
    assert titles.count("1→0") + titles.count("2→1") + titles.count("0→2") == 11


def test_answers_leave_out_what_would_not_fit():
    batch = FewShot(strokes(7, 8), ways=6).sample(np.random.default_rng(0), 1, 3, 4)
    figure = plots.answers(batch, batch.Y_q, batch.Y_q, ways=6, shown=2)
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["0", "1", "", "0→0", "0→0", "1→1", "1→1"]
    support = figure.axes[1].images[0].get_array()
    np.testing.assert_array_equal(support.ravel(), batch.X_s[0, 3])
    query = figure.axes[5].images[0].get_array()
    np.testing.assert_array_equal(query.ravel(), batch.X_q[0, 4])


def test_alpha_images_show_the_units_with_the_largest_alpha():
    net = TwoLayerNet(16, 5, 3, loss=SOFTMAX)
    alpha = np.full(net.n_params, 0.1)
    net.blocks(alpha)["W1"][:, 3] = -0.7
    net.blocks(alpha)["W1"][5, 1] = 0.9
    figure = plots.alpha_images(net, alpha, units=2)
    shown = {axis.get_title(): axis for axis in figure.axes if axis.get_title()}
    assert list(shown) == ["unit 3", "unit 1"]
    pixels = shown["unit 1"].images[0].get_array()
    assert pixels.shape == (4, 4)
    assert pixels[1, 1] == pytest.approx(0.9)
    share = next(a for a in figure.axes if "negative" in a.get_ylabel())
    np.testing.assert_allclose(share.images[0].get_array(), 20)


def test_a_contact_sheet_has_a_row_for_each_alphabet():
    characters = strokes(4, 9)
    alphabets = np.array(["one", "one", "two_b", "two_b"])
    characters = Characters(characters.images, alphabets)
    figure = plots.contact_sheet(characters, letters=2, drawings=3)
    assert len(figure.axes) == 12
    labels = [axis.get_ylabel() for axis in figure.axes if axis.get_ylabel()]
    assert labels == ["one", "two b"]
    shown = figure.axes[7].images[0].get_array()  # row two, first letter, drawing 1
    expected = np.minimum(255 - characters.images[2, 1], 232)
    np.testing.assert_array_equal(shown, expected)

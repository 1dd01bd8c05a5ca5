"""The experiment `classify`: what it chooses, what it measures, what it prints."""

import numpy as np
import pytest
from experiment_tools import quick_config, results_of, run_quick, shrink, strokes

from metasgd_np import TwoLayerNet, plots
from metasgd_np.checkpoints import load
from metasgd_np.experiments.baselines import nearest_neighbour
from metasgd_np.experiments.classify import ALPHAS, FITTING_STEPS, ClassifyExperiment
from metasgd_np.tasks import FewShot
from metasgd_np.training import random_stream

FIGURES = (
    "answered_tasks",
    "accuracy_by_steps",
    "learning_curves",
    "alpha_images",
    "contact_sheet",
    "save",
)
SOFTMAX = "softmax_cross_entropy"


@pytest.fixture(scope="module", autouse=True)
def small():
    """Small experiments throughout this file."""
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        yield


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """One quick run: the experiment, all that it judged, and `results_of` it."""
    out, judged = tmp_path_factory.mktemp("run") / "quick", []
    config = quick_config("classify", normalise=True)
    experiment = ClassifyExperiment(config, out, progress=False)
    judge = experiment.judge

    def record(trained, stream, steps):
        judged.append((trained, stream, judge(trained, stream, steps)))
        return judged[-1][-1]

    experiment.judge = record
    return experiment, judged, *results_of(experiment)


def test_what_is_chosen_is_the_best_on_validation_tasks(quick):
    _, judged, _, trained, _ = quick
    choices = {"MAML": [1]}
    choices |= {name: range(1, n + 1) for name, n in FITTING_STEPS.items()}
    candidates = [case for case in judged if case[1] == "validate"]
    assert candidates == judged[: sum(map(len, ALPHAS.values()))]
    for name, steps in choices.items():
        best, n = trained[name].learner, len(ALPHAS[name])
        mine, candidates = candidates[:n], candidates[n:]
        assert tuple(each.learner.alpha for each, _, _ in mine) == ALPHAS[name]
        assert {type(each.learner) for each, _, _ in mine} == {type(best)}
        scores = {(e.learner.alpha, j): f.mean[j] for e, _, f in mine for j in steps}
        assert scores[best.alpha, trained[name].steps] == max(scores.values())


def test_accuracies_are_those_of_the_checkpoint_on_the_test_tasks(quick):
    experiment, _, results, _, _ = quick
    c = experiment.config
    test = FewShot(strokes(7, 7).normalised().reduced(14))
    net = TwoLayerNet(196, c.hidden, 5, loss=SOFTMAX)
    theta, alpha = load(experiment.out / "meta-sgd.npz").w
    batch = test.sample(random_stream(0, "test"), c.n_test, 1, 15)
    adapted = theta - alpha * net.gradient(theta, batch.X_s, batch.Y_s)
    right = net.forward(adapted, batch.X_q).argmax(-1) == batch.Y_q
    found = results["accuracy"]["Meta-SGD"]["mean_by_steps"][1]
    assert found == pytest.approx(right.mean(), abs=2e-3)
    nearest = results["accuracy"]["nearest neighbour"]["mean_by_steps"]
    assert nearest == pytest.approx(nearest_neighbour(batch).mean, abs=1e-6)


def test_each_method_is_judged_after_its_own_number_of_steps(quick):
    _, _, results, trained, _ = quick
    assert list(results["accuracy"]) == [*trained, "nearest neighbour"]
    for name, found in results["accuracy"].items():
        steps = trained[name].steps if name in trained else 0
        assert found["steps"] == steps
        assert len(found["mean_by_steps"]) > steps
        assert len(found["interval_by_steps"]) == len(found["mean_by_steps"])


def test_splits_are_named_with_what_was_done_to_them(quick):
    data = quick[2]["data"]
    assert "strokes 5, normalised, reduced, rotated" in data["train"]
    assert "strokes 6, normalised, reduced:" in data["validate"]
    assert "strokes 7, normalised, reduced:" in data["test"]
    assert "strokes 5, normalised, reduced:" in data["joint training"]


def test_the_table_has_the_accuracy_after_the_steps_chosen(quick):
    results = quick[2]
    heading, table = ClassifyExperiment.table(results).split("\n\n")
    assert heading.startswith("5-way 1-shot, glyphs normalised: accuracy")
    assert heading.endswith("over 9 tasks of 75 queries:")
    rows = {line.strip().split("   ")[0]: line for line in table.splitlines()[1:]}
    assert list(rows) == list(results["accuracy"])
    for name, found in results["accuracy"].items():
        mean = 100 * found["mean_by_steps"][found["steps"]]
        assert f"  {mean:.1f} ± " in rows[name]


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        ({"data": "omniglot"}, ["89.7 ± 1.1", "82.8"]),
        ({"data": "omniglot", "shots": 5}, ["97.5 ± 0.6", "94.9"]),
        ({"data": "omniglot", "shots": 3}, []),
        ({"data": "omniglot", "ways": 20}, []),
        ({"data": "omniglot", "normalise": True}, []),
        ({}, []),
    ],
)
def test_published_figures_stand_only_beside_the_setting_they_are_of(
    quick, setting, shown
):
    configuration = quick[2]["configuration"] | {"normalise": False} | setting
    table = ClassifyExperiment.table(quick[2] | {"configuration": configuration})
    published = [line for line in table.splitlines() if "(published)" in line]
    assert len(published) == len(shown)
    assert all(any(cell in line for line in published) for cell in shown)


@pytest.mark.parametrize("shots", [1, 19])
def test_the_figure_of_tasks_shows_answers_before_and_after(
    tmp_path, monkeypatch, shots
):
    shown = {}

    def draw(name):
        return lambda *given: shown.update({name: given})

    for name in FIGURES:
        monkeypatch.setattr(plots, name, draw(name))
    options = ["--iterations", 2, "--shots", shots]
    assert run_quick("classify", tmp_path, *options, figures=True) == 0
    batch, before, after, ways = shown["answered_tasks"]
    theta, alpha = load(tmp_path / "meta-sgd.npz").w
    net = TwoLayerNet(196, 8, 5, loss=SOFTMAX)
    assert ways == 5
    np.testing.assert_array_equal(before, net.forward(theta, batch.X_q).argmax(-1))
    adapted = theta - alpha * net.gradient(theta, batch.X_s, batch.Y_s)
    np.testing.assert_array_equal(after, net.forward(adapted, batch.X_q).argmax(-1))
    assert "strokes 7" in repr(*shown["contact_sheet"])


def test_omniglot_is_read_from_the_folder_given(tmp_path, capsys):
    options = ["--data", "omniglot", "--path", tmp_path / "nowhere"]
    assert run_quick("classify", tmp_path / "run", *options) == 1
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert "images_background" in sentence

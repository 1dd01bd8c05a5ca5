"""The experiment `sinusoid`: what it chooses, what it measures, what it prints."""

import re

import numpy as np
import pytest
from experiment_tools import quick_config, results_of, run_quick, shrink

from metasgd_np.checkpoints import load
from metasgd_np.experiments.published import SINUSOID_MSE
from metasgd_np.experiments.sinusoid import ALPHAS, SinusoidConfig, SinusoidExperiment
from metasgd_np.training import random_stream

CELL = r"\d+\.\d\d ± \d+\.\d\d(?: \[[c1m]\])?"


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
    experiment = SinusoidExperiment(quick_config("sinusoid"), out, progress=False)
    judge = experiment.judge

    def record(trained, stream, shots, steps):
        judged.append((trained, stream, judge(trained, stream, shots, steps)))
        return judged[-1][-1]

    experiment.judge = record
    return experiment, judged, *results_of(experiment)


def test_fixed_step_sizes_are_the_best_on_validation_tasks(quick):
    _, judged, results, _, _ = quick
    for name, kind in (("MAML", "MAML"), ("joint training", "JointTraining")):
        losses = {
            trained.learner.alpha: found.mean[1]
            for trained, stream, found in judged
            if type(trained.learner).__name__ == kind and stream == "validate"
        }
        assert tuple(losses) == ALPHAS[name]
        assert results["step_sizes"][name] == min(losses, key=losses.get)
    streams = [stream for _, stream, _ in judged]
    n = sum(map(len, ALPHAS.values()))
    assert streams == ["validate"] * n + ["test"] * 9


def test_candidates_for_maml_are_trained_for_a_fifth_of_the_iterations(quick):
    experiment = quick[0]
    for alpha in ALPHAS["MAML"]:
        assert load(experiment.out / f"maml-alpha-{alpha}.npz").iteration == 1


def test_losses_are_those_of_the_checkpoint_on_the_test_curves(quick):
    experiment, _, results, _, _ = quick
    theta, alpha = load(experiment.out / "meta-sgd.npz").w
    for shots in (5, 10, 20):
        rng = random_stream(0, "test", shots)
        batch = experiment.tasks.sample(rng, experiment.config.n_test, shots, 100)
        net = experiment.net
        adapted = theta - alpha * net.gradient(theta, batch.X_s, batch.Y_s)
        losses = net.loss(adapted, batch.X_q, batch.Y_q)
        found = results["test_mse"]["Meta-SGD"][f"{shots}-shot"]
        assert found["mean_by_steps"][1] == pytest.approx(losses.mean(), rel=1e-5)
        half = 1.96 * losses.std(ddof=1) / np.sqrt(len(losses))
        assert found["interval_by_steps"][1] == pytest.approx(half, rel=1e-5)
        assert len(found["mean_by_steps"]) == 11


def test_alpha_is_that_of_the_checkpoint(quick):
    experiment, _, results, _, _ = quick
    alpha = load(experiment.out / "meta-sgd.npz").w[1]
    assert [block["entries"] for block in results["alpha"].values()] == [8, 8, 8, 1]
    negative = sum(block["negative"] for block in results["alpha"].values())
    assert negative == (alpha < 0).sum()


def test_every_learner_is_named_with_its_settings(quick):
    _, _, results, trained, _ = quick
    assert list(results["learners"]) == ["Meta-SGD", "MAML", "joint training"]
    assert results["learners"]["MAML"] == repr(trained["MAML"].learner)


@pytest.mark.parametrize("shots", [5, 10, 20, 7])
def test_the_papers_figures_stand_beside_those_trained_on_as_many_shots(quick, shots):
    results = quick[2]
    configuration = results["configuration"] | {"shots": shots}
    table = SinusoidExperiment.table(results | {"configuration": configuration})
    header, *rows = table.split("\n\n")[1].splitlines()
    assert re.split(r"\s{3,}", header.strip()) == ["5-shot", "10-shot", "20-shot"]
    cells = {row.strip().split("   ")[0]: re.findall(CELL, row) for row in rows}
    paper = {
        f"{name}, paper": list(texts)
        for name, texts in SINUSOID_MSE.get(shots, {}).items()
    }
    assert {k: v for k, v in cells.items() if "paper" in k} == paper
    for name, by_shots in results["test_mse"].items():
        means = [f"{cell['mean_by_steps'][1]:.2f}" for cell in by_shots.values()]
        assert [cell.split(" ")[0] for cell in cells[name]] == means
    assert "[c] found in two or more" in table


def test_divergence_is_one_sentence(tmp_path, capsys, monkeypatch):
    hot = SinusoidConfig(iterations=5, rate=1e30)
    monkeypatch.setattr(SinusoidConfig, "from_options", lambda _: hot)
    assert run_quick("sinusoid", tmp_path / "run") == 1
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert re.search(r"diverged at iteration \d+: .* largest \|α\| is", sentence)

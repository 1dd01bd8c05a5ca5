"""The experiment `navigate`: what it trains, what it measures, what it prints."""

import re

import numpy as np
import pytest
from experiment_tools import quick_config, results_of, shrink

from metasgd_np.checkpoints import load
from metasgd_np.experiments.base import format_interval
from metasgd_np.experiments.navigate import NavigationConfig, NavigationExperiment
from metasgd_np.training import random_stream

ROWS = ("Meta-SGD", "MAML")


@pytest.fixture(scope="module", autouse=True)
def small():
    """Small experiments throughout this file."""
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        yield


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """One quick run: the experiment, and `results_of` it."""
    out = tmp_path_factory.mktemp("run") / "quick"
    experiment = NavigationExperiment(quick_config("navigate"), out, progress=False)
    return experiment, *results_of(experiment)


def test_a_learner_is_trained_as_configured(quick):
    experiment = quick[0]
    for name in ROWS:
        settings = load(experiment.out / f"{name.lower()}.npz").settings
        assert settings["cosine_decay"]
        assert settings["gae_lambda"] == 0.9
        assert settings["discount"] == 0.99
        assert "max_kl=0.03" in settings["optimizer"]
        assert "damping=0.01" in settings["optimizer"]
        assert name.replace("-", "") in settings["learner"]


def test_returns_are_those_of_the_checkpoint_on_the_test_tasks(quick):
    experiment, results, _, _ = quick
    c, world = experiment.config, experiment.world
    theta = load(experiment.out / "maml.npz").w[0]
    tasks = world.sample(random_stream(0, "test"), c.n_test)
    rng = random_stream(0, "test", 1)
    before = world.roll_out(experiment.policy, theta, tasks, rng, c.trajectories)
    found = results["returns"]["MAML"]
    assert found["mean_by_steps"][0] == pytest.approx(before.returns.mean(), abs=1e-3)
    assert found["mean_by_steps"][0] < 0 < found["interval_by_steps"][0]
    found = results["discounted_returns"]["MAML"]
    discounted = before.discounted(c.discount)
    assert found["mean_by_steps"][0] == pytest.approx(discounted.mean(), abs=1e-3)


def test_the_difference_is_that_of_each_task(quick):
    _, results, _, evaluations = quick
    ours, maml = (evaluations["returns"][name].scores for name in ROWS)
    d = ours - maml  # (4, T)
    half = 1.96 * d.std(1, ddof=1) / np.sqrt(d.shape[1])
    assert results["difference"]["mean_by_steps"] == pytest.approx(d.mean(1), abs=1e-4)
    assert results["difference"]["interval_by_steps"] == pytest.approx(half, abs=1e-4)
    assert len(half) == 4


def test_the_references_know_nothing_and_everything(quick):
    means = {
        name: found["mean_by_steps"][0]
        for name, found in quick[1]["references"].items()
    }
    assert means["random"] < -50 < -1 < means["oracle"] < 0


def test_alpha_is_that_of_the_checkpoint(quick):
    experiment, results, _, _ = quick
    alpha = load(experiment.out / "meta-sgd.npz").w[1]
    assert list(results["alpha"]) == ["W1", "b1", "W2", "b2", "s"]
    blocks = results["alpha"].values()
    assert sum(block["entries"] for block in blocks) == alpha.size
    assert sum(block["negative"] for block in blocks) == (alpha < 0).sum()
    assert np.ptp(alpha) > 0  # it was learned


@pytest.mark.parametrize(
    ("start", "paper", "steps"),
    [("fixed", "-8.64 ± 0.68 [c]", 4), ("varying", "-10.15 ± 0.62 [c]", 0)],
)
def test_the_table_shows_our_returns_and_the_published_ones(quick, start, paper, steps):
    experiment, results, trained, evaluations = quick
    other = NavigationExperiment.__new__(NavigationExperiment)
    other.config = NavigationConfig(start=start)
    found = other.results(trained, evaluations)
    configuration = results["configuration"] | {"start": start}
    table = experiment.table(found | {"configuration": configuration})
    header, *lines = table.split("\n\n")[1].splitlines()
    columns = [header.index(name) for name in ("before", "1 step", "2 steps")]
    rows = {line[: columns[0]].strip(): line for line in lines}
    expected = {"Meta-SGD − MAML, by task": results["difference"]}
    expected |= {name: results["returns"][name] for name in ROWS}
    both = results["discounted_returns"]
    expected |= {f"{name}, discounted": both[name] for name in ROWS}
    for name, cell in expected.items():
        pairs = zip(cell["mean_by_steps"], cell["interval_by_steps"], strict=True)
        for column, pair in zip(columns, pairs, strict=False):
            assert rows[name][column:].startswith(format_interval(*pair))
    assert rows["Meta-SGD, Meta-SGD's paper"][columns[1] :] == paper
    of_maml = rows.get("MAML, its own paper", "")
    assert len(re.findall(r"-\d+\.\d\d \[1\]", of_maml)) == steps
    assert "paper states neither horizon nor discount" in table
    assert f"{start} start" in table


def test_full_is_the_papers_network_and_iterations():
    config = NavigationConfig.from_options({"full": True, "start": "varying"})
    assert (config.sizes, config.activation) == ((2, 100, 100, 2), "relu")
    assert (config.iterations, config.meta_batch, config.n_test) == (100, 20, 600)

"""`python -m metasgd_np navigate` as a user types it: what it leaves, how it fails."""

import json
import re

import numpy as np
import pytest

from metasgd_np import checkpoints
from metasgd_np.cli import main
from metasgd_np.experiments.navigate import NavigationConfig, NavigationExperiment
from metasgd_np.experiments.navigate_report import told
from metasgd_np.learners import MAML, MetaSGD
from metasgd_np.plots import navigation as plots
from metasgd_np.training import random_stream

PNG = b"\x89PNG\r\n\x1a\n"
ROWS = ("Meta-SGD", "MAML")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The folder of one quick run."""
    out = tmp_path_factory.mktemp("run") / "quick"
    assert main(["navigate", "--quick", "--out", str(out)]) == 0
    return out


def results_of(folder):
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    results.pop("seconds")
    return results


def experiment(folder):
    """The experiment of the quick run, on the folder it left."""
    config = NavigationConfig.from_options("fixed", None, 0, True, False)
    return NavigationExperiment(config, folder, resume=True, progress=False)


def test_a_run_leaves_results_figures_and_checkpoints(quick):
    results = results_of(quick)
    assert results["configuration"]["seed"] == 0
    assert results["configuration"]["discount"] == 0.99
    assert results["versions"]["numpy"] == np.__version__
    for name in ROWS:
        cell = results["returns"][name]
        assert len(cell["mean_by_steps"]) == len(cell["interval_by_steps"]) == 4
        assert max(cell["mean_by_steps"]) < 0 < min(cell["interval_by_steps"])
        state = checkpoints.load(quick / f"{name.lower()}.npz")
        assert state.iteration == 3
        assert state.settings["cosine_decay"] and state.settings["gae_lambda"] == 0.9
        assert "max_kl=0.03" in state.settings["optimizer"]
        assert "damping=0.01" in state.settings["optimizer"]
    references = results["references"]
    assert references["random"]["mean"] < -50 < -1 < references["oracle"]["mean"] < 0
    assert results["published"]["Meta-SGD"] == "-8.64 ± 0.68 [c]"
    assert list(results["alpha"]) == ["W1", "b1", "W2", "b2", "s"]
    for name in ("trajectories", "landing", "returns_by_steps", "learning_curves"):
        assert (quick / f"{name}.png").read_bytes().startswith(PNG)


def test_the_returns_told_are_those_of_the_checkpoint(quick):
    e = experiment(quick)
    state = checkpoints.load(quick / "maml.npz")
    theta = state.w[0]
    tasks = e.world.sample(random_stream(0, "test"), 20)
    rng = random_stream(0, "test", 1)
    before = e.world.roll_out(e.policy, theta, tasks, rng, 20).returns
    told_mean = results_of(quick)["returns"]["MAML"]["mean_by_steps"][0]
    assert told_mean == pytest.approx(before.mean(), abs=1e-3)


def test_the_difference_told_is_that_of_each_task(quick):
    e = experiment(quick)
    rows = []
    for name in ROWS:
        state = checkpoints.load(quick / f"{name.lower()}.npz")
        learner = MetaSGD(e.policy) if name == "Meta-SGD" else MAML(e.policy, 0.1)
        rows.append(-e.evaluate(learner, state)[0].scores[1])  # returns (20,)
    d = rows[0] - rows[1]
    half = 1.96 * d.std(ddof=1) / np.sqrt(20)
    cell = results_of(quick)["difference"]
    assert cell["mean_by_steps"][1] == pytest.approx(d.mean(), abs=1e-3)
    assert cell["interval_by_steps"][1] == pytest.approx(half, abs=1e-3)


def test_the_alpha_told_is_that_of_the_checkpoint(quick):
    alpha = checkpoints.load(quick / "meta-sgd.npz").w[1]
    blocks = results_of(quick)["alpha"]
    assert sum(b["entries"] for b in blocks.values()) == alpha.size
    assert sum(b["negative"] for b in blocks.values()) == (alpha < 0).sum()
    assert np.ptp(alpha) > 0  # it was learned


def test_the_table_is_aligned_and_marks_the_published_figures(quick, capsys):
    main(["navigate", "--quick", "--resume", "--out", str(quick)])
    lines = capsys.readouterr().out.splitlines()
    start = next(i for i, line in enumerate(lines) if "1 step" in line)
    header, *rows = lines[start : start + 11]
    column = header.index("1 step")
    results = results_of(quick)
    paired = rows.pop(2)
    cell = results["difference"]
    first = told(cell["mean_by_steps"][1], cell["interval_by_steps"][1])
    assert paired.startswith("  Meta-SGD − MAML") and paired[column:].startswith(first)
    kinds = [("returns", name) for name in ROWS]
    kinds += [("discounted_returns", name) for name in ROWS]
    for row, (kind, name) in zip(rows, kinds, strict=False):
        cell = results[kind][name]
        first = told(cell["mean_by_steps"][1], cell["interval_by_steps"][1])
        assert row[column:].startswith(first)
        assert re.match(rf"  {name}[ ,]", row)
    assert rows[6][column:] == "-8.64 ± 0.68 [c]"
    assert rows[8].split()[-8:] == [
        "-40.41",
        "[1]",
        "-11.68",
        "[1]",
        "-3.33",
        "[1]",
        "-3.23",
        "[1]",
    ]
    assert any("paper tells neither horizon" in line for line in lines)


def test_resuming_a_finished_run_gives_the_same_results(quick):
    before = results_of(quick)
    assert main(["navigate", "--quick", "--resume", "--out", str(quick)]) == 0
    assert results_of(quick) == before


def test_other_starts_and_seeds_give_other_results(quick, tmp_path):
    options = ["navigate", "--quick", "--iterations", "1", "--out"]
    varying = tmp_path / "varying"
    assert main([*options, str(varying), "--start", "varying", "--seed", "1"]) == 0
    results = results_of(varying)
    assert results["published"]["Meta-SGD"] == "-10.15 ± 0.62 [c]"
    assert results["returns"] != results_of(quick)["returns"]


def test_full_is_the_papers_network_and_iterations():
    config = NavigationConfig.from_options("varying", None, 0, False, True)
    assert (config.sizes, config.activation) == ((2, 100, 100, 2), "relu")
    assert (config.iterations, config.meta_batch, config.n_test) == (100, 20, 600)
    short = NavigationConfig.from_options("fixed", 7, 0, False, True)
    assert short.iterations == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--start", "moving"], "there is no start called 'moving'; choose one of"),
        (["--iterations", "0"], "--iterations is 0, but it must be 1 or more"),
        (["--seed", "-1"], "--seed is -1, but it must be 0 or more"),
        (["--quick", "--full"], "--quick and --full contradict each other"),
    ],
)
def test_bad_options_are_told_in_one_sentence(arguments, message, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["navigate", *arguments, "--out", str(out)]) == 1
    told_last = capsys.readouterr().err.splitlines()[-1]
    assert told_last.startswith("error: ")
    assert message in told_last
    assert not out.exists()


def test_a_used_folder_is_refused_and_kept(quick, capsys):
    before = {path: path.read_bytes() for path in quick.iterdir()}
    assert main(["navigate", "--quick", "--out", str(quick)]) == 1
    assert "already holds files; add --resume" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in quick.iterdir()} == before


def test_another_run_in_the_folder_is_not_resumed(quick, capsys):
    before = {path: path.read_bytes() for path in quick.iterdir()}
    options = ["navigate", "--quick", "--resume", "--out", str(quick)]
    assert main([*options, "--seed", "1"]) == 1
    assert "seed was 0, now 1" in capsys.readouterr().err.splitlines()[-1]
    assert {path: path.read_bytes() for path in quick.iterdir()} == before


def test_a_damaged_checkpoint_is_told(tmp_path, capsys):
    out = tmp_path / "run"
    out.mkdir()
    (out / "meta-sgd.npz").write_bytes(b"not a checkpoint")
    assert main(["navigate", "--quick", "--resume", "--out", str(out)]) == 1
    assert "is not a whole metasgd_np checkpoint" in capsys.readouterr().err


def test_the_walks_drawn_are_the_walks_given(quick):
    e = experiment(quick)
    rng = np.random.default_rng(0)
    tasks = e.world.sample(rng, 2)
    theta = e.policy.init(rng).astype("float32")
    pair = [e.world.roll_out(e.policy, theta, tasks, rng, 4) for _ in range(2)]
    figure = plots.trajectories({"Meta-SGD": pair}, tasks, shown=3)
    assert len(figure.axes) == 2
    lines = figure.axes[1].get_lines()
    assert len(lines) == 3 + 3 + 2
    np.testing.assert_array_equal(lines[4].get_xydata(), pair[1].states[1, 1])
    np.testing.assert_array_equal(lines[-1].get_xydata()[0], tasks[1, 1])
    assert figure.axes[0].get_xlabel() == "x (units of length)"
    plots.plt.close(figure)


def test_the_landing_is_where_the_second_half_is_spent(quick):
    e = experiment(quick)
    rng = np.random.default_rng(0)
    tasks = e.world.sample(rng, 5)
    theta = e.policy.init(rng).astype("float32")
    pair = [e.world.roll_out(e.policy, theta, tasks, rng, 4) for _ in range(2)]
    figure = plots.landing({"MAML": pair}, tasks)
    (points,) = figure.axes[0].collections
    settled = np.hypot(*pair[1].states[:, :, 50:].mean((1, 2)).T)
    expected = np.stack([np.hypot(*tasks[:, 1].T), settled], axis=1)
    np.testing.assert_allclose(points.get_offsets(), expected, rtol=1e-5)
    plots.plt.close(figure)

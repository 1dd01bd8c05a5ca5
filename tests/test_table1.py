"""Table 1: its cells, what is computed of each, and what is printed."""

import re

import numpy as np
import pytest
from experiment_tools import plain, read_results, run_quick, shrink

from metasgd_np import MAML, JointTraining, MetaSGD, Reptile, TwoLayerNet
from metasgd_np.deep_net import DeepNet
from metasgd_np.experiments import table1_cells
from metasgd_np.experiments.published import SINUSOID_MSE
from metasgd_np.experiments.sinusoid import ALPHAS
from metasgd_np.experiments.sweep import load_cell
from metasgd_np.experiments.table1 import (
    SETTINGS,
    Table1Config,
    Table1Experiment,
    find_missed,
    format_missed,
    paper_mse,
    summarise,
    sweep_cells,
)
from metasgd_np.experiments.table1_cells import (
    METHODS,
    SpreadNet,
    compute_cell,
    label,
    train_cell,
)

CELL = r"\d+\.\d\d ± \d+\.\d\d(?: \[[c1m]\])?"
SHOTS = ("5", "10", "20")


@pytest.fixture(scope="module", autouse=True)
def small():
    """Small experiments throughout this file."""
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        yield


@pytest.fixture(scope="module")
def two_seeds(tmp_path_factory):
    """The folder of a quick run of two seeds."""
    out = tmp_path_factory.mktemp("run") / "quick"
    assert run_quick("table1", out, "--seeds", 2) == 0
    return out


def cells_of(**options):
    """Return the cells of a configuration of few numbers."""
    few = {"iterations": 3, "n_validate": 10, "n_test": (10, 20)}
    return sweep_cells(Table1Config(**few | {"net": ("two-layer",)} | options))


def one_cell(**options):
    """Return the settings of the first cell of a configuration."""
    return next(iter(cells_of(**options).values()))


# Which cells


def test_without_options_the_cells_are_those_of_the_papers_table():
    cells = sweep_cells(Table1Config())
    assert list(cells) == [
        f"deep_{method}_{shots}-shot_seed-0"
        for shots in SHOTS
        for method in ("meta-sgd", "maml")
    ]
    for settings in cells.values():
        assert settings["n_test"] == (100, 2000)
        assert settings["n_query"] == 20
        learned = settings["method"] == "meta-sgd"
        assert settings["alpha_shape"] == ("entry" if learned else None)
        assert settings["alpha_start"] == ((0.005, 0.1) if learned else None)


def test_a_network_brings_its_own_training_as_the_help_shows():
    texts = {
        name: re.search(r"\((.*)\)", Table1Config.options()[name]["help"])[1]
        for name in ("iterations", "alpha_decay")
    }
    shown = {
        option: {
            net: float(part.split(": ")[1])
            for part in text.split("; ")
            for net in part.split(": ")[0].split(", ")
        }
        for option, text in texts.items()
    }
    for net, how in SETTINGS.items():
        found = next(iter(sweep_cells(Table1Config(net=(net,))).values()))
        assert found["iterations"] == how.iterations == shown["iterations"][net]
        assert found["alpha_decay"] == how.alpha_decay == shown["alpha_decay"][net]
        assert (found["meta_batch"], found["rate"]) == (how.meta_batch, how.rate)
        given = Table1Config(net=(net,), iterations=7, alpha_decay=0.3)
        found = next(iter(sweep_cells(given).values()))
        assert (found["iterations"], found["alpha_decay"]) == (7, 0.3)


def test_every_method_and_ablation_is_a_cell_and_a_row_of_its_own():
    cells = cells_of(
        methods=("meta-sgd", "maml", "reptile", "joint"),
        alpha=("entry", "block", "scalar"),
        order=(2, 1),
        inner_steps=(1, 2),
        seeds=2,
        seed=3,
    )
    rows = {label(settings) for settings in cells.values()}
    ours = [
        f"{order}Meta-SGD{tied}"
        for order in ("", "first-order ")
        for tied in ("", ", one α per block", ", one α in all")
    ]
    ours += ["MAML", "first-order MAML", "Reptile", "joint training"]
    assert rows == {f"{name}{J}" for name in ours for J in ("", ", J = 2")}
    assert len(cells) == len(rows) * 3 * 2
    assert {settings["seed"] for settings in cells.values()} == {3, 4}
    assert "two-layer_meta-sgd_5-shot_seed-3_alpha-block_steps-2" in cells


# One cell


@pytest.mark.parametrize("method", METHODS)
def test_each_method_trains_its_learner(method):
    learner = train_cell(one_cell(methods=(method,), inner_steps=(2,))).learner
    kind, order = {
        "meta-sgd": (MetaSGD, 2),
        "maml": (MAML, 2),
        "first-order-meta-sgd": (MetaSGD, 1),
        "fomaml": (MAML, 1),
        "reptile": (Reptile, None),
        "joint": (JointTraining, None),
    }[method]
    assert type(learner) is kind
    assert getattr(learner, "order", None) == order
    if order is not None:
        assert learner.inner_steps == 2


def test_alpha_starts_where_asked_and_is_tied_as_asked():
    options = {"alpha_start": (0.02, 0.02), "iterations": 1, "methods": ("meta-sgd",)}
    learner, w, steps, _ = train_cell(one_cell(alpha=("block",), **options))
    assert learner.alpha_shape == "block"
    assert steps == 1
    for block in learner.net.blocks(w[1]).values():
        assert np.ptp(block) == 0
        assert 0 < block.min() < 0.05
    found = compute_cell(one_cell(alpha=("block",), **options))["alpha"]
    assert found["max"] == pytest.approx(w[1].max(), rel=1e-5)
    assert found["entries"] == learner.net.n_params


def test_the_decay_of_alpha_is_that_of_the_network_or_as_asked():
    def size(**options):
        settings = one_cell(methods=("meta-sgd",), iterations=30, **options)
        return np.abs(train_cell(settings | {"meta_batch": 10}).w[1]).mean()

    assert size(alpha_decay=9.0) < size() < size(alpha_decay=0.0)


def test_fixed_step_sizes_are_the_best_on_validation_curves(monkeypatch):
    judged, judge = [], table1_cells.judge

    def record(settings, trained, stream, shots, n_tasks):
        found = judge(settings, trained, stream, shots, n_tasks)
        judged.append((trained, (stream, shots, n_tasks), found.mean[-1]))
        return found

    monkeypatch.setattr(table1_cells, "judge", record)
    for method in ("maml", "fomaml", "joint", "reptile"):
        judged.clear()
        best = train_cell(one_cell(methods=(method,))).learner
        name = "MAML" if type(best) is MAML else "joint training"
        losses = {trained.learner.alpha: loss for trained, _, loss in judged}
        assert tuple(losses) == ALPHAS[name]
        assert best.alpha == min(losses, key=losses.get)
        assert {where for _, where, _ in judged} == {("validate", 5, 10)}


def test_the_papers_protocol_is_the_first_curves_of_the_tighter_one():
    settings = one_cell()
    trained = train_cell(settings)
    found = compute_cell(settings)["mse"]
    assert list(found) == list(SHOTS)
    for shots, by_curves in found.items():
        evaluation = table1_cells.judge(settings, trained, "test", int(shots), 20)
        for n in (10, 20):
            scores = evaluation.scores[-1, :n]
            half = 1.96 * scores.std(ddof=1) / np.sqrt(n)
            expected = pytest.approx([scores.mean(), half], abs=1e-6)
            assert by_curves[f"{n}"] == expected


def test_the_units_of_the_two_layer_net_start_spread_over_the_inputs():
    net = SpreadNet(1, 500, 1)
    blocks = net.blocks(net.init(np.random.default_rng(0)))
    places = -blocks["b1"] / blocks["W1"][0]
    deciles = np.quantile(places, np.linspace(0, 1, 11))
    np.testing.assert_allclose(deciles, np.linspace(-5, 5, 11), atol=0.6)
    plain_net = TwoLayerNet(1, 500, 1)
    expected = plain_net.blocks(plain_net.init(np.random.default_rng(0)))
    for name in ("W1", "W2", "b2"):
        np.testing.assert_array_equal(blocks[name], expected[name])
    assert repr(SpreadNet(1, 2, 3)).startswith("SpreadNet(1, 2, 3, activation='tanh'")
    assert isinstance(SETTINGS["paper"].net, DeepNet)


# Sweeps


def test_every_cell_is_saved_and_the_table_averages_their_seeds(two_seeds):
    results = read_results(two_seeds)
    saved = {
        path.stem: load_cell(path) for path in (two_seeds / "cells").glob("*.json")
    }
    assert len(saved) == 2 * 3 * 2
    first, second = (saved[f"two-layer_meta-sgd_5-shot_seed-{i}"] for i in (0, 1))
    assert first["result"]["alpha"] != second["result"]["alpha"]
    for curves in ("100", "200"):
        for trained in SHOTS:
            rows = results["table"]["two-layer"][curves][trained]
            assert list(rows) == ["Meta-SGD", "MAML"]
            for name, by_tested in rows.items():
                assert list(by_tested) == list(SHOTS)
                for tested, entry in by_tested.items():
                    cells = [
                        f"two-layer_{name.lower()}_{trained}-shot_seed-{seed}"
                        for seed in (0, 1)
                    ]
                    found = [
                        saved[cell]["result"]["mse"][tested][curves] for cell in cells
                    ]
                    means, halves = np.transpose(found)
                    assert entry["by_seed"] == means.tolist()
                    assert entry["mean"] == pytest.approx(means.mean(), abs=1e-6)
                    half = np.hypot(*halves) / 2
                    assert entry["interval"] == pytest.approx(half, abs=1e-6)


def test_resuming_adds_seeds_and_a_cell_does_not_depend_on_the_others(
    two_seeds, tmp_path
):
    out = tmp_path / "run"
    assert run_quick("table1", out, "--seed", 1, "--methods", "maml") == 0
    whole = two_seeds / "cells"
    for path in (out / "cells").iterdir():
        assert path.name.startswith("two-layer_maml_")
        assert (
            load_cell(path)["result"]["mse"]
            == load_cell(whole / path.name)["result"]["mse"]
        )
    before = {path: path.read_bytes() for path in (out / "cells").iterdir()}
    assert run_quick("table1", out, "--seeds", 2, "--resume") == 0
    assert read_results(out) == read_results(two_seeds)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("where", ["--workers", "--scheduler"])
def test_the_same_numbers_whatever_computes_them(two_seeds, tmp_path, where, request):
    few = ["--methods", "meta-sgd", "--seed", 1]
    value = 2
    if where == "--scheduler":
        value = request.getfixturevalue("cluster").scheduler_address
    assert run_quick("table1", tmp_path, *few, where, value) == 0
    rows = read_results(tmp_path)["table"]["two-layer"]["200"]
    both = read_results(two_seeds)["table"]["two-layer"]["200"]
    for trained, tested in [("5", "5"), ("10", "20"), ("20", "10")]:
        (found,) = rows[trained]["Meta-SGD"][tested]["by_seed"]
        assert found == both[trained]["Meta-SGD"][tested]["by_seed"][1]


def test_an_error_in_one_cell_is_reported_and_the_rest_is_saved(
    tmp_path, capsys, monkeypatch
):
    def run(settings, learner, iterations=None):
        if isinstance(learner, MAML):
            raise ArithmeticError("too hot")
        return run_of(settings, learner, iterations)

    run_of = table1_cells.run
    monkeypatch.setattr(table1_cells, "run", run)
    assert run_quick("table1", tmp_path) == 1
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert "3 of 6 cells failed (two-layer_maml_5-shot_seed-0 and 2 more: " in sentence
    assert "ArithmeticError: too hot" in sentence
    assert len(list((tmp_path / "cells").iterdir())) == 3


# What is printed


def test_seeds_are_averaged_and_their_intervals_pooled():
    cells = cells_of(methods=("maml",), seeds=2)
    found = {0: [1.0, 0.3], 1: [2.0, 0.4]}
    results = {
        name: {"mse": {k: {"10": found[settings["seed"]]} for k in SHOTS}}
        for name, settings in cells.items()
    }
    entry = summarise(cells, results)["two-layer"]["10"]["20"]["MAML"]["5"]
    assert entry == {"by_seed": [1.0, 2.0], "mean": 1.5, "interval": 0.25}


def rows_of(**means):
    """Return the rows of a table whose entries all have the mean of their row."""
    return {name: {k: {"mean": mean} for k in SHOTS} for name, mean in means.items()}


def test_every_entry_missed_is_found_and_named():
    ours, maml = "Meta-SGD", "MAML"
    means = {"5": (0.5, 0.6), "10": (0.36, 0.36), "20": (0.9, 1.0)}
    found = find_missed(
        {k: rows_of(**{ours: a, maml: b}) for k, (a, b) in means.items()}
    )
    assert found["paper"] == [
        [10, 20, 0.36, 0.35],
        [20, 10, 0.9, 0.54],
        [20, 20, 0.9, 0.31],
    ]
    assert found["MAML"] == [[10, k, 0.36, 0.36] for k in (5, 10, 20)]
    text = "\n".join(format_missed(found))
    assert "at or below the paper's Meta-SGD in 6 of 9 entries" in text
    assert "10/20 by 0.010, 20/10 by 0.360, 20/20 by 0.590" in text
    assert "below our MAML in 6 of 9 entries" in text


def test_only_what_was_trained_is_compared():
    alone = find_missed({k: rows_of(**{"Meta-SGD": 0.1}) for k in SHOTS})
    assert alone == {"paper": [], "MAML": None}
    (sentence,) = format_missed(alone)
    assert "in 9 of 9 entries" in sentence
    nothing = find_missed({k: rows_of(MAML=0.1) for k in SHOTS})
    assert nothing == {"paper": None, "MAML": None}
    assert list(format_missed(nothing)) == []


def test_every_table_is_aligned_and_has_the_papers_figures_with_their_marks(two_seeds):
    results = read_results(two_seeds)
    text = Table1Experiment.table(results)
    tables = text.split("1-64-1 tanh: test MSE")[1:]
    assert len(tables) == 2
    assert "2 seeds of 100 curves (the paper's protocol)" in tables[0]
    assert "2 seeds of 200 curves\n" in tables[1]
    for table, curves in zip(tables, ("100", "200"), strict=True):
        lines = table.splitlines()
        header = next(line for line in lines if "5-shot test" in line)
        columns = [header.index(f"{k}-shot test") for k in SHOTS]
        rows = [line for line in lines if re.search(CELL, line)]
        assert len(rows) == 3 * 2 * 2
        for row in rows:
            assert [match.start() for match in re.finditer(CELL, row)] == columns
        for trained, of_paper in SINUSOID_MSE.items():
            for name, texts in of_paper.items():
                entries = results["table"]["two-layer"][curves][f"{trained}"][name]
                means = [f"{entry['mean']:.2f}" for entry in entries.values()]
                places = [i for i, row in enumerate(rows) if list(texts) == cells(row)]
                assert len(places) == 1, (trained, name)
                above = cells(rows[places[0] - 1])
                assert [cell.split(" ")[0] for cell in above] == means
        assert sum("its seeds" in line for line in lines) == 6
    assert "[c] found in two or more" in text


def cells(row):
    """Return the cells of one printed row."""
    return re.findall(CELL, row)


def test_the_papers_figures_are_read_as_numbers():
    assert paper_mse("Meta-SGD", 5, 10) == 0.63
    assert paper_mse("MAML", 20, 20) == 0.48


def test_the_figure_is_of_the_tighter_protocol(two_seeds, monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        "metasgd_np.plots.mse_by_shots",
        lambda by_trained, paper, title: drawn.update(rows=by_trained, title=title),
    )
    experiment = Table1Experiment.__new__(Table1Experiment)
    experiment.config = Table1Config(seeds=2)
    table = read_results(two_seeds)["table"]
    assert list(experiment.figures({}, table)) == ["table1-two-layer"]
    assert drawn["rows"] == table["two-layer"]["200"]
    assert "2 seeds of 200 curves" in drawn["title"]
    assert plain(drawn["rows"]) == drawn["rows"]

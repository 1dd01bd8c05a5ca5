"""Table 1: its cells, its figures, what is printed, and the same wherever computed."""

import json
import re

import numpy as np
import pytest
from metasgd_np.experiments.table1_nets import SpreadNet

from metasgd_np import MAML, MetaSGD, TaskBatch, TwoLayerNet
from metasgd_np.cli import main
from metasgd_np.deep_net import DeepNet
from metasgd_np.experiments import base as experiments
from metasgd_np.experiments import table1_text as telling
from metasgd_np.experiments import table1_training as training
from metasgd_np.experiments.sweep import load_cell
from metasgd_np.experiments.table1_cells import Table1Config, sweep_cells
from metasgd_np.plots import table1 as draw_table1

PNG = b"\x89PNG\r\n\x1a\n"
TINY = ["table1", "--quick", "--iterations", "3", "--net", "two-layer"]
CELL = r"\d+\.\d\d ± \d+\.\d\d(?: \[[c1m]\])?"


def results_of(folder):
    """results.json without what differs from run to run."""
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    del results["seconds"], results["cell_seconds"]
    return results


def config_of(**options):
    few = {"iterations": 3, "n_validate": 10, "n_test": (10, 20)}
    return Table1Config(**{"nets": ("two-layer",), **few, **options})


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The folder of a run of two seeds, computed in this process."""
    out = tmp_path_factory.mktemp("run") / "tiny"
    assert main([*TINY, "--seeds", "2", "--out", str(out)]) == 0
    return out


def test_a_run_leaves_results_a_figure_and_every_cell(tiny):
    results = results_of(tiny)
    assert results["configuration"]["seeds"] == [0, 1]
    assert results["versions"]["numpy"] == np.__version__
    for curves in ("100", "200"):
        for trained in ("5", "10", "20"):
            rows = results["table"]["two-layer"][curves][trained]
            assert list(rows) == ["Meta-SGD", "MAML"]
            for by_tested in rows.values():
                assert list(by_tested) == ["5", "10", "20"]
                for entry in by_tested.values():
                    assert entry["mean"] == pytest.approx(np.mean(entry["by_seed"]))
                    assert len(entry["by_seed"]) == 2
                    assert entry["interval"] > 0
    assert (tiny / "table1-two-layer.png").read_bytes().startswith(PNG)
    assert len(list((tiny / "cells").iterdir())) == 2 * 3 * 2


def test_every_table_is_aligned_and_has_the_papers_figures_with_their_marks(
    tiny, capsys
):
    main([*TINY, "--seeds", "2", "--resume", "--out", str(tiny)])
    printed = capsys.readouterr().out
    tables = printed.split("1-64-1 tanh: test MSE")[1:]
    assert len(tables) == 2
    assert "2 seeds of 100 curves (the paper's protocol)" in tables[0]
    for table in tables:
        lines = table.splitlines()
        header = next(line for line in lines if "5-shot test" in line)
        columns = [header.index(f"{k}-shot test") for k in (5, 10, 20)]
        rows = [line for line in lines if re.search(CELL, line)]
        assert len(rows) == 3 * 2 * 2
        for row in rows:
            assert [match.start() for match in re.finditer(CELL, row)] == columns
        for trained, of_paper in experiments.PAPER.items():
            for texts in of_paper.values():
                told = [r for r in rows if all(text in r for text in texts)]
                assert len(told) == 1, (trained, texts)
        assert sum("its seeds" in line for line in lines) == 6
    assert "[c] found in two or more" in printed


def test_the_same_numbers_whatever_computes_them(tiny, tmp_path, cluster):
    options = [*TINY, "--seeds", "2", "--out"]
    assert main([*options, str(tmp_path / "two"), "--workers", "2"]) == 0
    address = cluster.scheduler_address
    assert main([*options, str(tmp_path / "dask"), "--scheduler", address]) == 0
    expected = results_of(tiny)
    assert results_of(tmp_path / "two") == expected
    assert results_of(tmp_path / "dask") == expected


def test_resuming_adds_seeds_and_keeps_what_is_there(tiny, tmp_path):
    out = tmp_path / "run"
    assert main([*TINY, "--out", str(out)]) == 0
    before = {path: path.read_bytes() for path in (out / "cells").iterdir()}
    assert main([*TINY, "--seeds", "2", "--resume", "--out", str(out)]) == 0
    assert results_of(out) == results_of(tiny)
    assert {path: path.read_bytes() for path in before} == before


def test_a_cell_does_not_depend_on_the_others(tiny, tmp_path):
    options = ["--seed", "1", "--methods", "maml", "--out", str(tmp_path / "run")]
    assert main([*TINY, *options]) == 0
    rows = results_of(tmp_path / "run")["table"]["two-layer"]["200"]["10"]
    pair = results_of(tiny)["table"]["two-layer"]["200"]["10"]
    assert list(rows) == ["MAML"]
    assert rows["MAML"]["20"]["mean"] == pair["MAML"]["20"]["by_seed"][1]


def test_the_papers_protocol_is_the_first_curves_of_the_tighter_one():
    settings = next(iter(sweep_cells(config_of()).values()))
    learner, w = training.trained(settings)
    scores = training.judged(settings, learner, w, "test", 10, 20)
    mse = training.tested(settings, learner, w, 10)
    for n in (10, 20):
        half = 1.96 * scores[:n].std(ddof=1) / np.sqrt(n)
        assert mse[f"{n}"] == pytest.approx([scores[:n].mean(), half], abs=1e-6)


def test_every_method_and_ablation_has_a_row_of_its_own(tmp_path):
    options = ["--net", "deep", "--alpha", "entry", "block", "scalar", "--order", "2"]
    options += ["1", "--inner-steps", "2", "--methods", "meta-sgd", "maml"]
    options += ["reptile", "joint", "--alpha-start", "0.02", "0.02"]
    assert main([*TINY, *options, "--out", str(tmp_path)]) == 0
    results = results_of(tmp_path)
    rows = results["table"]["deep"]["200"]["5"]
    meta_sgd = [
        f"{order}Meta-SGD{tied}"
        for order in ("", "first-order ")
        for tied in ("", ", one α a block", ", one α in all")
    ]
    others = ["MAML", "first-order MAML", "Reptile", "joint training"]
    assert set(rows) == {f"{name}, J = 2" for name in meta_sgd + others}
    means = [by_tested["10"]["mean"] for by_tested in rows.values()]
    assert len(set(means)) == len(means)
    name = "deep_meta-sgd_5-shot_seed-0_alpha-block_steps-2"
    saved = load_cell(tmp_path / "cells" / f"{name}.json")
    assert saved["settings"]["alpha_start"] == [0.02, 0.02]
    assert 0.0 < saved["result"]["alpha"]["min"] < 0.05


def test_the_units_of_the_two_layer_net_start_spread_over_the_inputs():
    net = SpreadNet(1, 500, 1)
    blocks = net.blocks(net.init(np.random.default_rng(0)))
    places = -blocks["b1"] / blocks["W1"][0]
    deciles = np.quantile(places, np.linspace(0, 1, 11))
    np.testing.assert_allclose(deciles, np.linspace(-5, 5, 11), atol=0.6)
    plain = TwoLayerNet(1, 500, 1)
    expected = plain.blocks(plain.init(np.random.default_rng(0)))
    for name in ("W1", "W2", "b2"):
        np.testing.assert_array_equal(blocks[name], expected[name])
    assert repr(SpreadNet(1, 2, 3)).startswith("SpreadNet(1, 2, 3, activation='tanh'")


def test_the_decay_of_alpha_is_that_of_the_network_or_as_asked():
    def alphas(**options):
        cells = sweep_cells(config_of(methods=("meta-sgd",), **options)).values()
        settings = next(iter(cells))
        return training.trained({**settings, "iterations": 50})[1][1]

    def size(alpha):
        return np.abs(alpha).mean()

    assert (
        size(alphas(alpha_decay=9.0)) < size(alphas()) < size(alphas(alpha_decay=0.0))
    )


def test_fixed_step_sizes_are_the_best_on_validation_curves():
    cells = sweep_cells(config_of(methods=("maml", "joint"), nets=("deep",)))
    for settings in list(cells.values())[:2]:
        learner, w = training.trained(settings)
        name = "MAML" if settings["method"] == "maml" else "joint training"
        losses = {}
        for alpha in experiments.ALPHAS[name]:
            other = type(learner)(learner.net, alpha)
            w_of = training.run(settings, other, 1) if name == "MAML" else w
            scores = training.judged(settings, other, w_of, "validate", 5, 10)
            losses[alpha] = scores.mean()
        assert learner.alpha == min(losses, key=losses.get)


@pytest.mark.parametrize("shape", ["block", "scalar"])
@pytest.mark.parametrize("net", [TwoLayerNet(2, 3, 4), DeepNet((2, 3, 5, 4))], ids=repr)
def test_the_gradient_of_a_tied_alpha_is_the_derivative_in_its_number(net, shape):
    rng = np.random.default_rng(3)
    learner = MetaSGD(net, (0.2, 0.4), inner_steps=2, alpha_shape=shape)
    sizes = {"block": [b.size for b in net.blocks(net.init(rng)).values()]}
    sizes = sizes.get(shape, [net.n_params])
    w = learner.start(rng)
    w[0] = rng.standard_normal(net.n_params)
    starts = np.cumsum(sizes) - sizes
    numbers = w[1][starts]
    assert len(set(numbers)) == len(sizes)
    np.testing.assert_array_equal(w[1], np.repeat(numbers, sizes))
    batch = TaskBatch(*(rng.standard_normal((6, *s)) for s in ((7, 2), (7, 4)) * 2))

    def loss(numbers):
        moved = np.stack([w[0].astype(complex), np.repeat(numbers, sizes)])
        return MetaSGD(net, inner_steps=2).gradient(moved, batch)[0].imag

    _, dw = learner.gradient(w, batch)
    for i, start in enumerate(starts):
        step = 1e-30j * np.eye(len(sizes))[i]
        expected = loss(numbers + step) / 1e-30
        np.testing.assert_allclose(
            dw[1][start : start + sizes[i]], expected, rtol=1e-11
        )


def test_the_seeds_are_averaged_and_their_intervals_pooled():
    cells = sweep_cells(config_of(methods=("maml",), seeds=(0, 1)))
    figures = {0: [1.0, 0.3], 1: [2.0, 0.4]}
    results = {
        name: {"mse": {f"{k}": {"10": figures[s["seed"]]} for k in (5, 10, 20)}}
        for name, s in cells.items()
    }
    table = telling.summarise(cells, results)
    entry = table["two-layer"]["10"]["20"]["MAML"]["5"]
    assert entry == {"by_seed": [1.0, 2.0], "mean": 1.5, "interval": 0.25}


def test_the_verdict_names_every_entry_missed():
    def rows(ours, maml):
        entry = {f"{k}": {"mean": ours} for k in (5, 10, 20)}
        return {"Meta-SGD": entry, "MAML": {k: {"mean": maml} for k in entry}}

    by_trained = {"5": rows(0.5, 0.6), "10": rows(0.3, 0.3), "20": rows(0.9, 1.0)}
    found = telling.verdict(by_trained)
    assert found["paper"] == [[20, 10, 0.9, 0.54], [20, 20, 0.9, 0.31]]
    assert found["MAML"] == [[10, k, 0.3, 0.3] for k in (5, 10, 20)]
    text = "\n".join(telling.told_verdict(found))
    assert "at or below the paper's Meta-SGD in 7 of 9 entries" in text
    assert "20/10 by 0.360, 20/20 by 0.590" in text
    del by_trained["5"]["Meta-SGD"], by_trained["10"]["Meta-SGD"]
    del by_trained["20"]["Meta-SGD"]
    assert telling.verdict(by_trained) == {"paper": None, "MAML": None}
    assert list(telling.told_verdict(telling.verdict(by_trained))) == []


def test_the_figure_shows_ours_beside_the_papers(tiny):
    by_trained = results_of(tiny)["table"]["two-layer"]["200"]
    figure = draw_table1(by_trained, experiments.PAPER, "title")
    assert len(figure.axes) == 3
    for axis, (trained, rows) in zip(figure.axes, by_trained.items(), strict=True):
        assert trained in axis.get_title()
        drawn = [container.lines[0].get_ydata() for container in axis.containers]
        ours = [[e["mean"] for e in by_tested.values()] for by_tested in rows.values()]
        paper = [
            [telling.paper_mse(name, int(trained), k) for k in (5, 10, 20)]
            for name in experiments.PAPER[int(trained)]
        ]
        assert [list(y) for y in drawn] == ours + paper


def error_of(capsys, *arguments):
    """What a failing command prints, after checking its exit code."""
    assert main([*TINY, *map(str, arguments)]) == 1
    printed = capsys.readouterr().err
    assert "Traceback" not in printed
    return printed.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seeds", 0], "--seeds is 0, but it must be 1 or more"),
        (["--seed", -1], "--seed is -1, but it must be 0 or more"),
        (["--iterations", 0], "--iterations is 0, but it must be 1 or more"),
        (["--inner-steps", 1, 0], "--inner-steps is 0, but it must be 1 or more"),
        (
            ["--alpha-decay", -1],
            "--alpha-decay is -1.0, but it must be a finite number",
        ),
        (["--alpha-start", 0.1, 0.0], "--alpha-start is [0.1, 0.0]"),
    ],
)
def test_a_bad_number_is_told_before_anything_is_made(
    tmp_path, capsys, arguments, words
):
    out = tmp_path / "run"
    assert words in error_of(capsys, *arguments, "--out", out)
    assert not out.exists()


@pytest.mark.parametrize(
    "arguments",
    [["--net", "wide"], ["--methods", "sgd"], ["--alpha", "row"], ["--order", "3"]],
)
def test_a_name_that_does_not_exist_is_told(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        main(["table1", *arguments])
    assert stop.value.code == 2
    assert "invalid choice" in capsys.readouterr().err


def test_a_used_folder_and_other_settings_are_told(tiny, capsys):
    assert "already holds files; add --resume" in error_of(capsys, "--out", tiny)
    arguments = ["--iterations", 4, "--resume", "--out", tiny]
    assert "iterations was 3, now 4" in error_of(capsys, *arguments)


def test_a_run_that_diverges_is_told_and_the_rest_is_saved(
    tmp_path, capsys, monkeypatch
):
    def run(settings, learner, iterations=None):
        if isinstance(learner, MAML):
            raise ArithmeticError("too hot")
        return run_of(settings, learner, iterations)

    run_of = training.run
    monkeypatch.setattr(training, "run", run)
    told = error_of(capsys, "--out", tmp_path)
    assert "3 of 6 cells failed (two-layer_maml_5-shot_seed-0 and 2 more: " in told
    assert "ArithmeticError: too hot" in told
    assert len(list((tmp_path / "cells").iterdir())) == 3

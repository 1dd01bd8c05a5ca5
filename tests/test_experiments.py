"""What all experiments share: what a run leaves, resuming it, and base.py."""

import io
import json
import os
import platform
import re
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict
from errno import ENOSPC
from pathlib import Path

import numpy as np
import pytest
from experiment_tools import (
    SCORES,
    contents,
    plain,
    quick_config,
    read_results,
    run_quick,
    shrink,
)

from metasgd_np import DeepNet, JointTraining, MetaSGD, TwoLayerNet
from metasgd_np.checkpoints import Checkpoint, load
from metasgd_np.cli import EXPERIMENTS, main
from metasgd_np.experiments import base, table1
from metasgd_np.optimizers import Adam
from metasgd_np.reinforcement.trpo import TRPO
from metasgd_np.training import Evaluation

COMMANDS = tuple(EXPERIMENTS)
FIGURES = {
    "sinusoid": {"fits", "mse_by_steps", "alpha", "learning_curves"},
    "classify": {
        "tasks",
        "accuracy_by_steps",
        "learning_curves",
        "alpha",
        "characters",
    },
    "navigate": {"trajectories", "landing", "returns_by_steps", "learning_curves"},
    "table1": {"table1-two-layer"},
}
CHECKPOINTS = {
    "sinusoid": {"meta-sgd", "maml", "joint-training"},
    "classify": {"meta-sgd", "maml", "joint-training"},
    "navigate": {"meta-sgd", "maml"},
    "table1": set(),
}
NET = TwoLayerNet(1, 4, 1)


@pytest.fixture(scope="module", autouse=True)
def small():
    """Small experiments throughout this file."""
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        yield


@pytest.fixture(scope="module", params=COMMANDS)
def done(request, tmp_path_factory):
    """One finished run of each command: its name, its folder, what it printed."""
    out = tmp_path_factory.mktemp("run") / request.param
    with redirect_stdout(io.StringIO()) as printed:
        assert run_quick(request.param, out, figures=True) == 0
    return request.param, out, printed.getvalue()


def error_of(command, out, *options, figures=False):
    """Return the one sentence on standard error of a run that fails."""
    with redirect_stderr(io.StringIO()) as printed:
        assert run_quick(command, out, *options, figures=figures) == 1
    assert "Traceback" not in printed.getvalue()
    sentence = printed.getvalue().splitlines()[-1]
    assert sentence.startswith("error: ")
    return sentence


# A run


def test_a_run_leaves_figures_and_checkpoints(done):
    command, out, _ = done
    pictures = {path.stem: path.read_bytes() for path in out.glob("*.png")}
    assert set(pictures) == FIGURES[command]
    for name, content in pictures.items():
        assert content.startswith(b"\x89PNG\r\n\x1a\n"), name
    for name in CHECKPOINTS[command]:
        state = load(out / f"{name}.npz")
        assert state.iteration == quick_config(command).iterations
        assert state.settings["seed"] == 0
    assert not list(out.glob("*.partial"))


def test_results_hold_command_configuration_versions_and_finite_scores(done):
    command, out, _ = done
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert results["command"] == command
    assert results["configuration"] == plain(asdict(quick_config(command)))
    python = platform.python_version()
    assert results["versions"] == {"python": python, "numpy": np.__version__}
    assert results["seconds"] >= 0
    assert "NaN" not in json.dumps(results[SCORES[command]])
    assert results["alpha"]


def test_the_table_is_made_of_results_alone(done):
    command, out, printed = done
    table = EXPERIMENTS[command].table(read_results(out))
    assert printed.startswith(f"{table}\n\n{base.BARELY_TRAINED}\n")
    assert str(out) in printed.removeprefix(table)
    assert max(map(len, table.splitlines())) < 100


def test_a_run_of_more_than_a_few_iterations_is_not_called_barely_trained(done):
    command, out, _ = done
    results = read_results(out)
    configuration = results["configuration"]
    for enough in (configuration["iterations"] + 1, None):
        results["configuration"] = configuration | {"iterations": enough}
        assert "trained:" not in EXPERIMENTS[command].report(results).splitlines()[-1]


def test_the_table_is_printed_before_figures_are_drawn(done, tmp_path, monkeypatch):
    def fail(*_):
        raise ValueError("no picture")

    command, out, _ = done
    monkeypatch.setattr(EXPERIMENTS[command], "figures", fail)
    with redirect_stdout(io.StringIO()) as printed:
        sentence = error_of(command, tmp_path / "run", figures=True)
    report = EXPERIMENTS[command].report(read_results(out))
    assert printed.getvalue() == f"{report}\n"
    assert sentence == "error: no picture"
    assert read_results(tmp_path / "run") == read_results(out)


FILES_TO_FAIL = ("run.json", "meta-sgd.npz", "results.json")


@pytest.mark.parametrize("name", FILES_TO_FAIL)
def test_a_full_disk_costs_nothing_that_was_written(done, tmp_path, name, monkeypatch):
    """The message has the path and --resume, and resuming ends with the same files."""
    command, finished, _ = done
    out, replace = tmp_path / "run", os.replace
    if command == "table1" and name.endswith("npz"):
        name = "two-layer_maml_10-shot_seed-0.json"

    def fill_the_disk(partial, path):
        if path.name == name:
            raise OSError(ENOSPC, "No space left on device", str(partial))
        replace(partial, path)

    with monkeypatch.context() as patch, redirect_stdout(io.StringIO()) as printed:
        patch.setattr(os, "replace", fill_the_disk)
        sentence = error_of(command, out)
    pattern = r"error: cannot write the (checkpoint|results) (\S+) \(No space left on "
    path = Path(re.match(pattern, sentence)[2])
    assert path.is_relative_to(out)
    assert path.name == name
    assert sentence.endswith("once that is mended, --resume continues from here")
    report = EXPERIMENTS[command].report(read_results(finished))
    assert printed.getvalue() == (f"{report}\n" if name == "results.json" else "")
    assert not list(out.rglob("*.partial"))
    assert run_quick(command, out, "--resume") == 0
    same = {
        path: data for path, data in lasting(finished).items() if path.suffix != ".png"
    }
    assert lasting(out) == same


def lasting(out):
    """Return {path: contents} of a run's files, figures and times left out."""
    found = {
        path.relative_to(out): data
        for path, data in contents(out).items()
        if path.suffix != ".png"
    }
    found[Path("results.json")] = read_results(out)
    for path in (out / "cells").glob("*.json"):
        cell = json.loads(path.read_bytes())
        del cell["result"]["seconds"]
        found[path.relative_to(out)] = cell
    return found


def test_the_same_seed_gives_the_same_results_and_another_seed_others(done, tmp_path):
    command, out, _ = done
    assert run_quick(command, tmp_path / "same") == 0
    assert read_results(tmp_path / "same") == read_results(out)
    assert run_quick(command, tmp_path / "other", "--seed", 1) == 0
    other = read_results(tmp_path / "other")[SCORES[command]]
    assert other != read_results(out)[SCORES[command]]
    for name in CHECKPOINTS[command]:
        first, second = (load(f / f"{name}.npz") for f in (out, tmp_path / "other"))
        assert (first.settings["seed"], second.settings["seed"]) == (0, 1)
        assert (second.w != first.w).any()


# Resuming


def test_resuming_a_finished_run_trains_nothing_and_repeats_the_results(
    done, monkeypatch
):
    def train_on(*_):
        raise AssertionError("a finished run was trained on")

    command, out, _ = done
    before = read_results(out)
    monkeypatch.setattr(Adam, "step", train_on)
    monkeypatch.setattr(TRPO, "step", train_on)
    assert run_quick(command, out, "--resume") == 0
    assert read_results(out) == before


def stop_at(n, patch):
    """Press Ctrl-C at the end of block n, of table1 before cell n; return a count."""
    count = Counter()

    def counted(function):
        def call(*arguments):
            count["begun"] += 1
            if count["begun"] == n:
                raise KeyboardInterrupt
            return function(*arguments)

        return call

    patch.setattr(Checkpoint, "keep", counted(Checkpoint.keep))
    patch.setattr(table1, "compute_cell", counted(table1.compute_cell))
    return count


def amount_of_work(out):
    """Return how many blocks were trained in a folder, or cells."""
    blocks = sum(len(load(path).history) for path in out.glob("*.npz"))
    return blocks + len(list(out.glob("cells/*.json")))


@pytest.mark.parametrize("share", [0.0, 0.6])
def test_a_run_stopped_on_the_way_resumes_to_the_same_results(
    done, tmp_path, share, monkeypatch
):
    command, finished, _ = done
    out, total = tmp_path / "run", amount_of_work(finished)
    n = 2 + int(share * total)
    with monkeypatch.context() as patch, redirect_stderr(io.StringIO()) as printed:
        stop_at(n, patch)
        assert run_quick(command, out) == 130
    assert "stopped; --resume continues from here" in printed.getvalue()
    assert amount_of_work(out) == n - 1
    assert not (out / "results.json").exists()
    with monkeypatch.context() as patch:
        count = stop_at(None, patch)
        assert run_quick(command, out, "--resume") == 0
    assert count["begun"] == total - (n - 1)
    assert read_results(out) == read_results(finished)


def test_a_run_with_other_settings_is_not_resumed(done):
    command, out, _ = done
    before = contents(out)
    more = quick_config(command).iterations + 1
    sentence = error_of(command, out, "--resume", "--iterations", more)
    assert f"iterations was {more - 1}, now {more}" in sentence
    assert contents(out) == before


@pytest.mark.parametrize("command", [name for name in COMMANDS if CHECKPOINTS[name]])
def test_a_damaged_checkpoint_is_refused(command, tmp_path):
    (tmp_path / "meta-sgd.npz").write_bytes(b"PK\x03\x04 cut short")
    sentence = error_of(command, tmp_path, "--resume")
    assert "meta-sgd.npz is not an intact metasgd_np checkpoint" in sentence


# Folders


def test_a_used_folder_is_refused_and_kept(done):
    command, out, _ = done
    before = contents(out)
    assert "already holds files; add --resume" in error_of(command, out)
    assert contents(out) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_cannot_be_written_to_is_refused(command, tmp_path):
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        sentence = error_of(command, out)
        assert f"cannot write to {out}" in sentence
        assert "choose another folder with --out" in sentence


# What base.py computes


def evaluation(*means):
    """An Evaluation of two tasks with these means after 0, 1, … steps."""
    return Evaluation(np.array(means)[:, None] + [[-0.5, 0.5]])


def chosen(means, steps=(1,), best=np.argmin):
    """Return which candidate `choose_best` takes, and its number of steps."""
    candidates = [base.Trained(JointTraining(NET, 0.1 + i), None) for i in range(3)]
    found = [evaluation(*row) for row in means]
    trained = base.choose_best(candidates, found, steps, best)
    return [c.learner for c in candidates].index(trained.learner), trained.steps


NAN = float("nan")


@pytest.mark.parametrize(
    ("means", "steps", "best", "expected"),
    [
        ([(0, 3), (9, 2), (1, 4)], (1,), np.argmin, (1, 1)),
        ([(9, 3), (0, 2), (1, 4)], (1,), np.argmax, (2, 1)),
        ([(0, 3, 3), (0, 4, 2), (0, 3, 5)], (1, 2), np.argmin, (1, 2)),
        ([(0, 3, 3), (0, 4, 2), (0, 3, 5)], (1, 2), np.argmax, (2, 2)),
        ([(0, 3, 3), (0, 4, 2), (0, 3, 5)], (2,), np.argmax, (2, 2)),
        ([(0, 2, 2), (0, 2, 2), (0, 2, 2)], (1, 2), np.argmin, (0, 1)),
        ([(0, 1, 2), (0, 2, 1), (0, 2, 2)], (1, 2), np.argmax, (0, 2)),
        ([(0, NAN), (0, 9), (0, np.inf)], (1,), np.argmin, (1, 1)),
        ([(0, NAN), (0, 9), (0, np.inf)], (1,), np.argmax, (1, 1)),
        ([(0, -np.inf), (0, NAN), (0, -9)], (1,), np.argmin, (2, 1)),
    ],
)
def test_the_best_finite_score_is_chosen_and_of_ties_the_first(
    means, steps, best, expected
):
    assert chosen(means, steps, best) == expected


def test_tables_are_aligned():
    rows = [("", "5-shot", "10-shot"), ("Meta-SGD", "0.90 ± 0.16 [c]", "1"), ("x",) * 3]
    assert base.format_table(iter(rows)).split("\n") == [
        "             5-shot            10-shot",
        "  Meta-SGD   0.90 ± 0.16 [c]   1",
        "  x          x                 x",
    ]


def test_intervals_are_rounded():
    assert base.format_interval(0.8951, 0.155) == "0.90 ± 0.15"
    assert base.format_interval(-43.251, 0.06, 1) == "-43.3 ± 0.1"
    assert base.format_interval(None, None) == "diverged"


def test_what_diverged_is_null_in_json():
    scores = np.array([[1.0, 2.0], [np.inf, 1.0], [np.nan, 1.0]])
    with np.errstate(invalid="ignore"):
        found = base.by_steps(Evaluation(scores))
    assert found["mean_by_steps"] == [1.5, None, None]
    assert found["interval_by_steps"][1:] == [None, None]


def test_by_steps_gives_means_and_intervals_as_plain_numbers():
    scores = np.array([[1.0, 2.0, 6.0], [1.0, 1.0, 1.0]])
    found = base.by_steps(Evaluation(scores), digits=3)
    half = 1.96 * np.sqrt(7) / np.sqrt(3)
    assert found == {
        "mean_by_steps": [3.0, 1.0],
        "interval_by_steps": [round(half, 3), 0.0],
    }
    assert plain(found) == found


@pytest.mark.parametrize("net", [NET, DeepNet((1, 3, 2, 1))], ids=["two", "deep"])
def test_alpha_is_summarised_block_by_block(net):
    w = np.random.default_rng(0).standard_normal((2, net.n_params)).astype("float32")
    found = base.alpha_by_block(base.Trained(MetaSGD(net), w))
    blocks = net.blocks(w[1])
    assert list(found) == list(blocks)
    for name, block in blocks.items():
        assert found[name] == {
            "entries": block.size,
            "negative": sum(x < 0 for x in block.ravel()),
            "mean": pytest.approx(float(block.mean()), rel=1e-5),
            "min": pytest.approx(float(block.min()), rel=1e-5),
            "max": pytest.approx(float(block.max()), rel=1e-5),
        }
    assert plain(found) == found


def test_a_value_given_beside_a_preset_counts():
    config = EXPERIMENTS["navigate"].Config
    assert config.from_options({"full": True}).iterations == 100
    assert config.from_options({"full": True, "iterations": 7}).iterations == 7
    several = EXPERIMENTS["table1"].Config.from_options({"net": ["paper", "deep"]})
    assert several.net == ("paper", "deep")


def test_all_commands_are_tested_here():
    assert set(COMMANDS) == set(FIGURES) == set(CHECKPOINTS) == set(SCORES)
    with pytest.raises(SystemExit) as stop:
        main(["nothing"])
    assert stop.value.code == 2

"""The commands as a user types them: what they leave, and how they fail."""

import json
import re

import numpy as np
import pytest

from metasgd_np import checkpoints
from metasgd_np.cli import main
from metasgd_np.experiments import base as experiments

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The folder of one quick run."""
    out = tmp_path_factory.mktemp("run") / "quick"
    assert main(["sinusoid", "--quick", "--out", str(out)]) == 0
    return out


def results_of(folder):
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    results.pop("seconds")
    return results


def test_a_run_leaves_results_figures_and_checkpoints(quick):
    results = results_of(quick)
    assert results["configuration"]["seed"] == 0
    assert results["versions"]["numpy"] == np.__version__
    for name in ("Meta-SGD", "MAML", "joint training"):
        for shots in ("5-shot", "10-shot", "20-shot"):
            cell = results["test_mse"][name][shots]
            assert len(cell["mean_by_steps"]) == len(cell["interval_by_steps"]) == 11
            assert all(np.isfinite(cell["mean_by_steps"]))
            assert min(cell["interval_by_steps"]) > 0
    assert [block["entries"] for block in results["alpha"].values()] == [64, 64, 64, 1]
    for name in ("fits", "mse_by_steps", "alpha", "learning_curves"):
        assert (quick / f"{name}.png").read_bytes().startswith(PNG)
    for name in ("meta-sgd", "maml", "joint-training"):
        assert checkpoints.load(quick / f"{name}.npz").iteration == 300


def test_the_negative_entries_told_are_those_of_the_checkpoint(quick):
    alpha = checkpoints.load(quick / "meta-sgd.npz").w[1]
    blocks = results_of(quick)["alpha"]
    assert sum(block["negative"] for block in blocks.values()) == (alpha < 0).sum()


def test_the_step_sizes_are_the_best_on_validation_tasks(quick):
    experiment = experiments.SinusoidExperiment(
        experiments.SinusoidConfig.from_options(None, 10, 0, quick=True),
        quick,
        resume=True,
        progress=False,
    )
    net = experiment.net
    losses = {}
    for alpha in experiments.ALPHAS["MAML"]:
        w = checkpoints.load(quick / f"maml-alpha-{alpha}.npz").w
        learner = experiments.MAML(net, alpha)
        losses[alpha] = experiment.evaluate(learner, w, 10, "validate").mean[1]
    assert results_of(quick)["step_sizes"]["MAML"] == min(losses, key=losses.get)


def test_the_table_is_aligned_and_marks_the_papers_figures(quick, capsys):
    main(["sinusoid", "--quick", "--resume", "--out", str(quick)])
    lines = capsys.readouterr().out.splitlines()
    start = next(i for i, line in enumerate(lines) if "5-shot" in line)
    header, *rows = lines[start : start + 6]
    cell = r"\d+\.\d\d ± \d+\.\d\d(?: \[[c1m]\])?"
    for row in rows:
        found = list(re.finditer(cell, row))
        assert len(found) == 3
        columns = [header.index(f"{k}-shot") for k in (5, 10, 20)]
        assert [match.start() for match in found] == columns
    assert "0.53 ± 0.09 [m]" in rows[3]
    assert any("[c] found in two or more" in line for line in lines)


def test_resuming_a_finished_run_gives_the_same_results(quick):
    before = results_of(quick)
    assert main(["sinusoid", "--quick", "--resume", "--out", str(quick)]) == 0
    assert results_of(quick) == before


def test_the_same_seed_gives_the_same_results_and_another_seed_others(quick, tmp_path):
    options = ["sinusoid", "--quick", "--out"]
    assert main([*options, str(tmp_path / "same")]) == 0
    assert results_of(tmp_path / "same") == results_of(quick)
    assert main([*options, str(tmp_path / "other"), "--seed", "1"]) == 0
    assert results_of(tmp_path / "other")["test_mse"] != results_of(quick)["test_mse"]


def error_of(capsys, *arguments):
    """What a failing command prints, after checking its exit code."""
    assert main(["sinusoid", *map(str, arguments)]) == 1
    printed = capsys.readouterr().err
    assert "Traceback" not in printed
    return printed.splitlines()[-1]


def test_a_used_folder_is_refused_and_kept(quick, capsys):
    before = {path: path.read_bytes() for path in quick.iterdir()}
    told = error_of(capsys, "--quick", "--out", quick)
    assert "already holds files; add --resume" in told
    assert {path: path.read_bytes() for path in quick.iterdir()} == before


def test_a_folder_that_cannot_be_made_is_told(tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file" / "run", tmp_path / "file"):
        told = error_of(capsys, "--quick", "--out", out)
        assert f"cannot write to {out}" in told
        assert "choose another folder with --out" in told


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--shots", 0, "--shots is 0, but it must be 1 or more"),
        ("--iterations", -5, "--iterations is -5, but it must be 1 or more"),
        ("--seed", -1, "--seed is -1, but it must be 0 or more"),
    ],
)
def test_a_bad_number_is_told_before_anything_is_made(
    tmp_path, capsys, option, value, words
):
    out = tmp_path / "run"
    assert words in error_of(capsys, option, value, "--out", out)
    assert not out.exists()


def test_resuming_with_other_settings_is_told(quick, capsys):
    told = error_of(capsys, "--quick", "--resume", "--shots", 7, "--out", quick)
    assert "shots was 10, now 7" in told


def test_a_damaged_checkpoint_is_told(tmp_path, capsys):
    out = tmp_path / "run"
    out.mkdir()
    (out / "meta-sgd.npz").write_bytes(b"PK\x03\x04 cut short")
    told = error_of(capsys, "--quick", "--resume", "--out", out)
    assert "meta-sgd.npz is not a whole metasgd_np checkpoint" in told


def test_divergence_ends_with_a_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(experiments.SinusoidConfig, "rate", 1e30)
    config = experiments.SinusoidConfig(300, rate=1e30)
    monkeypatch.setattr(
        experiments.SinusoidConfig, "from_options", classmethod(lambda *_: config)
    )
    told = error_of(capsys, "--out", tmp_path / "run")
    assert re.search(r"diverged at iteration \d+: .* largest \|α\| is", told)


def test_ctrl_c_ends_with_a_sentence(tmp_path, capsys, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(experiments.checkpoints, "train_and_save", interrupt)
    assert main(["sinusoid", "--quick", "--out", str(tmp_path / "run")]) == 130
    assert "--resume" in capsys.readouterr().err


def test_no_command_explains_itself(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert "python -m metasgd_np sinusoid" in printed
    assert "--help" in printed


@pytest.mark.parametrize("arguments", [["--help"], ["sinusoid", "--help"]])
def test_help_is_everywhere(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 0
    assert "usage: python -m metasgd_np" in capsys.readouterr().out

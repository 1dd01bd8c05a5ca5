"""The four experiments at their smallest, and what their test files share."""

import json
from dataclasses import asdict
from functools import cache

import numpy as np
import pytest

from metasgd_np import tasks, training
from metasgd_np.cli import EXPERIMENTS, main
from metasgd_np.plots import learning  # noqa: F401 (reads BLOCK before it is changed)
from metasgd_np.tasks import Characters

QUICK = {  # what --quick means in these tests
    "sinusoid": {"iterations": 5, "hidden": 8, "n_test": 12},
    "classify": {"iterations": 5, "hidden": 8, "n_validate": 8, "n_test": 9},
    "navigate": {
        "iterations": 3,
        "sizes": (2, 5, 2),
        "meta_batch": 2,
        "trajectories": 4,
        "n_test": 6,
        "n_drawn": 3,
    },
    "table1": {
        "net": ("two-layer",),
        "iterations": 2,
        "n_validate": 10,
        "n_test": (100, 200),
    },
}
SCORES = {
    "sinusoid": "test_mse",
    "classify": "accuracy",
    "navigate": "returns",
    "table1": "table",
}


@cache
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


def shrink(patch):
    """Make --quick mean QUICK, a block two iterations, and glyphs a few strokes."""
    splits = strokes(9, 5), strokes(6, 6), strokes(7, 7)
    patch.setattr(tasks, "load_glyphs", lambda: splits)
    patch.setattr(training, "BLOCK", 2)
    for name, sizes in QUICK.items():
        patch.setitem(EXPERIMENTS[name].Config.PRESETS, "quick", sizes)


def quick_config(command, **options):
    """Return the configuration of `command --quick` with these options."""
    return EXPERIMENTS[command].Config.from_options({"quick": True, **options})


def run_quick(command, out, *options, figures=False):
    """Run `command --quick` and return its exit code; figures take most of its time."""
    with pytest.MonkeyPatch.context() as patch:
        if not figures:
            patch.setattr(EXPERIMENTS[command], "figures", lambda *_: {})
        return main([command, "--quick", "--out", str(out), *map(str, options)])


def read_results(folder):
    """Return results.json without its times."""
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    results.pop("seconds")
    results.pop("cell_seconds", None)
    return results


def plain(value):
    """Return what JSON makes of a value."""
    return json.loads(json.dumps(value))


def contents(folder):
    """Return {path: bytes} of every file below a folder."""
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def results_of(experiment):
    """Run an experiment without its figures; return results as results.json has them.

    Trained and evaluations come with them, for tests that look inside.
    """
    trained = experiment.train()
    evaluations = experiment.evaluate(trained)
    results = {
        "configuration": asdict(experiment.config),
        **experiment.results(trained, evaluations),
    }
    return plain(results), trained, evaluations

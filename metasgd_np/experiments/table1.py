"""The experiment `table1`: the paper's table 1, by training and test shots."""

from dataclasses import dataclass
from itertools import product
from math import sqrt
from textwrap import wrap
from typing import ClassVar

from .. import plots
from ..checks import interval
from ..learners import ALPHA_SHAPES
from . import base
from .executors import open_executor
from .published import MARKS, SINUSOID_MSE
from .sinusoid import TEST_SHOTS
from .sweep import as_saved, load_results, run_sweep
from .table1_cells import (
    FIRST_ORDER,
    LEARNS_ALPHA,
    METHODS,
    SETTINGS,
    cell_name,
    check_result,
    compute_cell,
    label,
)

TRAINED_SHOTS = (5, 10, 20)
PROTOCOLS = {100: " (the paper's protocol)", 2_000: " (a tighter protocol)"}

NOTES = f"""\
{MARKS}
The paper's network is 1-40-40-1 ReLU, trained on 60,000 batches of 4 tasks with 10
query points; it tests one seed on 100 curves. How ours were trained stands in
results.json."""


@dataclass(frozen=True)
class Table1Config(base.Config):
    """Every combination of networks, methods, α shapes, orders, steps and seeds.

    Adam with cosine decay; tasks have 20 query points (the paper's: 10).
    """

    PRESETS: ClassVar[dict] = {
        "quick": {"iterations": 300, "n_validate": 50, "n_test": (100, 200)},
        "full": {"net": ("deep", "two-layer"), "seeds": 3},
    }

    net: tuple = base.option(
        ("deep",),
        "; ".join(f"{name}: {setting.label}" for name, setting in SETTINGS.items()),
        choices=SETTINGS,
        metavar="NAME",
    )
    methods: tuple = base.option(
        ("meta-sgd", "maml"), ", ".join(METHODS), choices=METHODS, metavar="NAME"
    )
    seeds: int = base.option(
        1, "number of seeds, starting at --seed", least=1, most=100
    )
    iterations: int | None = base.option(
        None,
        "training iterations per learner ("
        + "; ".join(f"{name}: {s.iterations}" for name, s in SETTINGS.items())
        + ")",
        kind=int,
        least=1,
    )
    alpha: tuple = base.option(
        ("entry",),
        "granularity of α: per entry of θ, per block, one scalar",
        choices=ALPHA_SHAPES,
        metavar="NAME",
    )
    order: tuple = base.option(
        (2,), "2: exact, 1: without curvature", choices=(1, 2), metavar="N"
    )
    inner_steps: tuple = base.option(
        (1,), "inner steps, in training and test", least=1, most=1_000, metavar="N"
    )
    alpha_start: tuple = base.option(
        (0.005, 0.1),
        "range from which the initial α is drawn",
        n=2,
        metavar=("LOW", "HIGH"),
    )
    alpha_decay: float | None = base.option(
        None,
        "weight decay of Meta-SGD's α ("
        + "; ".join(f"{name}: {s.alpha_decay:g}" for name, s in SETTINGS.items())
        + ")",
        kind=float,
        metavar="RATE",
    )
    workers: int = base.option(1, "number of processes", least=1, metavar="N")
    scheduler: str | None = base.option(
        None,
        "compute on the Dask cluster with this scheduler",
        kind=str,
        metavar="ADDRESS",
    )
    full: bool = base.option(
        False, "networks and seeds of the table in RESULTS.md, 2.5 hours"
    )

    n_query: int = 20
    n_validate: int = 1_000
    n_test: tuple = (100, 2_000)  # curves: the paper's protocol, and a tighter one

    def __post_init__(self):
        super().__post_init__()
        interval("--alpha-start", self.alpha_start)
        if self.scheduler == "":
            raise ValueError("--scheduler is empty; give its address, or leave it out")
        decay = self.alpha_decay
        if decay is not None and not 0 <= decay < float("inf"):
            raise ValueError(
                f"--alpha-decay is {decay}, but it must be a finite number, 0 or more"
            )


def sweep_cells(config: Table1Config) -> dict:
    """List {name: settings} of every training run the table needs, seed by seed."""
    c = config
    methods = [
        FIRST_ORDER.get(method, method) if order == 1 else method
        for method in c.methods
        for order in c.order
    ]
    cells = {}
    for seed, net, shots, method, alpha_shape, steps in product(
        range(c.seed, c.seed + c.seeds), c.net, TRAINED_SHOTS, methods, c.alpha,
        c.inner_steps,
    ):  # fmt: skip
        how, learned = SETTINGS[net], method in LEARNS_ALPHA
        decay = how.alpha_decay if c.alpha_decay is None else c.alpha_decay
        settings = {
            "net": net,
            "method": method,
            "alpha_shape": alpha_shape if learned else None,
            "alpha_start": c.alpha_start if learned else None,
            "inner_steps": steps,
            "shots": shots,
            "seed": seed,
            "iterations": c.iterations or how.iterations,
            "meta_batch": how.meta_batch,
            "rate": how.rate,
            "alpha_decay": decay if learned else 0.0,
            "n_query": c.n_query,
            "n_validate": c.n_validate,
            "n_test": c.n_test,
        }
        cells[cell_name(settings)] = settings  # equal settings share a name
    return cells


class Table1Experiment(base.Experiment):
    """A sweep over cells, in this process, in several, or on a Dask cluster."""

    name = "table1"
    summary = "the paper's table 1: trained on 5, 10 and 20 shots"
    duration = "5 min"
    description = (
        "Train on 5, 10 and 20 shots, test on 5, 10 and 20, and print the paper's "
        "figures beside ours; write results.json, one figure per network, and every "
        "finished training run to the folder cells. With several values of an option, "
        "each is run."
    )
    Config = Table1Config
    keeps = "cells/*.json"
    keeps_settings = False  # each cell does; a resumed run may add others

    def __init__(self, config, out=None, resume=False, progress=True):
        super().__init__(config, out, resume, progress)
        cells, folder = as_saved(sweep_cells(config)), self.out / "cells"
        for name, result in load_results(cells, folder).items():  # before any change
            check_result(folder / f"{name}.json", cells[name], result)

    def train(self):
        """Compute all cells not yet in the folder; return {name: result}."""
        c, cells = self.config, sweep_cells(self.config)
        self.announce(f"{len(cells)} training runs")
        with open_executor(c.workers, c.scheduler) as executor:
            return run_sweep(
                cells, compute_cell, self.out / "cells", executor, self.progress
            )

    def evaluate(self, trained):
        """Summarise the cells, each tested where it was computed; see `summarise`."""
        return summarise(sweep_cells(self.config), trained)

    def results(self, trained, evaluations):
        """Collect the table, the entries missed, and the learned α."""
        settings = {name: SETTINGS[name] for name in self.config.net}
        return {
            "training": {
                name: vars(how) | {"net": repr(how.net)}
                for name, how in settings.items()
            },
            "table": evaluations,
            "verdict": {
                net: {n: find_missed(rows) for n, rows in by_curves.items()}
                for net, by_curves in evaluations.items()
            },
            "alpha": {name: result["alpha"] for name, result in trained.items()},
            "cell_seconds": sum(result["seconds"] for result in trained.values()),
        }

    def figures(self, trained, evaluations):
        """Draw one figure per network: the tighter protocol beside the paper."""
        seeds = count(self.config.seeds, "seed")
        figures = {}
        for net, by_curves in evaluations.items():
            curves = max(by_curves, key=int)
            title = (
                f"{SETTINGS[net].label}: mean over {seeds} of {curves} curves; "
                "bars: 95 % interval"
            )
            figures[f"table1-{net}"] = plots.mse_by_shots(
                by_curves[curves], SINUSOID_MSE, title
            )
        return figures

    @staticmethod
    def table(results):
        """Format the results, with the paper's figures beside them."""
        parts = [
            one_table(results, net, int(curves), by_trained)
            for net, by_curves in results["table"].items()
            for curves, by_trained in by_curves.items()
        ]
        return "\n\n\n".join([*parts, NOTES])


def summarise(cells: dict, results: dict) -> dict:
    """Average the results of a sweep's cells over the seeds; both are {name: …}.

    Returns {net: {curves: {trained shots: {label: {test shots: entry}}}}}; an entry has
    the mean over the seeds, its 95 % interval over all their curves, and by_seed.
    """
    entries = {}
    for name, s in cells.items():
        for shots, by_curves in results[name]["mse"].items():
            for curves, found in by_curves.items():
                place = s["net"], curves, f"{s['shots']}", label(s), shots
                entries.setdefault(place, []).append(found)
    table = {}
    for (net, curves, trained, name, shots), found in entries.items():
        means, halves = zip(*found, strict=True)
        by_curves = table.setdefault(net, {}).setdefault(curves, {})
        by_curves.setdefault(trained, {}).setdefault(name, {})[shots] = {
            "by_seed": list(means),
            "mean": round(sum(means) / len(means), 6),
            "interval": round(sqrt(sum(h * h for h in halves)) / len(halves), 6),
        }
    return table


def paper_mse(method, trained, tested):
    """Return the paper's mean of one entry, as a number."""
    text = SINUSOID_MSE[trained][method][TEST_SHOTS.index(tested)]
    return float(text.split(" ")[0])


def find_missed(by_trained):
    """List where Meta-SGD is above the paper's figure, or not below MAML.

    by_trained is {trained shots: …} of one network and protocol, as in `summarise`.
    Returns {"paper": […], "MAML": […]}, lists of [trained shots, tested shots, our
    figure, theirs], one per missed entry, or None where nothing can be compared.
    """
    missed = {"paper": None, "MAML": None}
    if "Meta-SGD" not in next(iter(by_trained.values())):
        return missed
    missed["paper"] = []
    if "MAML" in next(iter(by_trained.values())):
        missed["MAML"] = []
    for trained, tested in product(TRAINED_SHOTS, TEST_SHOTS):
        rows = by_trained[f"{trained}"]
        ours = rows["Meta-SGD"][f"{tested}"]["mean"]
        paper = paper_mse("Meta-SGD", trained, tested)
        if ours > paper:
            missed["paper"].append([trained, tested, ours, paper])
        if missed["MAML"] is not None:
            maml = rows["MAML"][f"{tested}"]["mean"]
            if ours >= maml:
                missed["MAML"].append([trained, tested, ours, maml])
    return missed


def one_table(results, net, curves, by_trained):
    """Format the table of one network under one protocol."""
    n_seeds = results["configuration"]["seeds"]
    rows = [("trained on", "", *(f"{k}-shot test" for k in TEST_SHOTS))]
    for trained, by_label in by_trained.items():
        rows += table_rows(int(trained), by_label, n_seeds)
    return "\n".join(
        [
            f"{SETTINGS[net].label}: test MSE, mean ± 95 % interval,",
            f"{count(n_seeds, 'seed')} of {curves:,} curves{PROTOCOLS.get(curves, '')}",
            "",
            base.format_table(rows),
            "",
            *format_missed(results["verdict"][net][f"{curves}"]),
        ]
    )


def count(number, noun):
    """Return "1 seed", "2 seeds" and so on."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def table_rows(trained, by_label, n_seeds):
    """Yield the rows of one number of training shots: ours, its seeds, the paper's."""
    first = f"{trained}-shot"
    for name, by_tested in by_label.items():
        entries = [by_tested[f"{k}"] for k in TEST_SHOTS]
        yield (
            first,
            name,
            *(base.format_interval(e["mean"], e["interval"]) for e in entries),
        )
        first = ""
        if n_seeds > 1:
            ends = [(min(entry["by_seed"]), max(entry["by_seed"])) for entry in entries]
            yield "", "  its seeds", *(f"{low:.2f} to {high:.2f}" for low, high in ends)
        if name in SINUSOID_MSE[trained]:
            yield "", "  paper", *SINUSOID_MSE[trained][name]


def format_missed(missed):
    """Yield what `find_missed` found, as lines of text."""
    n = len(TRAINED_SHOTS) * len(TEST_SHOTS)
    standards = {"paper": "at or below the paper's Meta-SGD", "MAML": "below our MAML"}
    for name, standard in standards.items():
        entries = missed[name]
        if entries is None:
            continue
        yield f"  Meta-SGD is {standard} in {n - len(entries)} of {n} entries."
        if entries:
            places = [
                f"{trained}/{tested} by {ours - theirs:.3f}"
                for trained, tested, ours, theirs in entries
            ]
            text = f"Missed (shots trained/tested): {', '.join(places)}."
            yield from wrap(text, 86, initial_indent="    ", subsequent_indent="    ")

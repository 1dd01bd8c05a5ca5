"""The experiment behind `table1`: trained on 5, 10 and 20 shots, tested on 5, 10, 20.

A cell of the sweep is one training run, of one learner on one number of shots from one
seed, tested on all three numbers of shots. Test curves differ from seed to seed; within
a seed they are the same for every learner.
"""

import sys
import time
from dataclasses import asdict

from .. import plots
from .base import PAPER, Experiment, versions
from .executors import open_executor
from .sweep import run_sweep
from .table1_cells import METHODS, SETTINGS, Table1Config, sweep_cells
from .table1_text import count, summarise, table1_text, verdict
from .table1_training import compute_cell

__all__ = ["METHODS", "SETTINGS", "Table1Config", "Table1Experiment", "table1_text"]


def trained_as(net):
    """A network and how it is trained unless the configuration says otherwise."""
    return {**vars(SETTINGS[net]), "net": repr(SETTINGS[net].net)}


class Table1Experiment(Experiment):
    """The sweep of a Table1Config, in this process, in several, or on a cluster.

    workers : int          processes; 1 computes in this one
    scheduler : address    of a Dask cluster instead
    """

    def __init__(
        self, config, out, resume=False, progress=True, workers=1, scheduler=None
    ):
        super().__init__(config, out, resume, progress)
        self.workers = workers
        self.scheduler = scheduler

    def run(self):
        """Compute all cells, write results.json and the figures; return the results."""
        started = time.perf_counter()
        cells = sweep_cells(self.config)
        if self.progress:
            print(f"{len(cells)} training runs", file=sys.stderr)
        with open_executor(self.workers, self.scheduler) as executor:
            computed = run_sweep(
                cells, compute_cell, self.out / "cells", executor, self.progress
            )
        results = self.results(cells, computed)
        results["seconds"] = round(time.perf_counter() - started, 1)
        self.write(results, self.figures(results))
        return results

    def results(self, cells, computed):
        """Everything worth keeping, as plain numbers for results.json."""
        table = summarise(cells, computed)
        return {
            "command": "table1",
            "configuration": asdict(self.config),
            "training": {name: trained_as(name) for name in self.config.nets},
            "versions": versions(),
            "table": table,
            "verdict": {
                net: {n: verdict(by_trained) for n, by_trained in by_curves.items()}
                for net, by_curves in table.items()
            },
            "alpha": {name: result["alpha"] for name, result in computed.items()},
            "cell_seconds": sum(result["seconds"] for result in computed.values()),
        }

    def figures(self, results):
        """{name: figure}, one a network: the tighter protocol beside the paper."""
        seeds = count(len(self.config.seeds), "seed")
        figures = {}
        for net, by_curves in results["table"].items():
            curves = max(by_curves, key=int)
            title = (
                f"{SETTINGS[net].told}: mean over {seeds} of {curves} curves; "
                "bars: 95 % interval"
            )
            figures[f"table1-{net}"] = plots.table1(by_curves[curves], PAPER, title)
        return figures

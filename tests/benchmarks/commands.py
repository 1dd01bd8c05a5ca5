"""How long the commands and the notebooks' training cells take, before and after.

Each runs in a process of its own, with the package from one checkout and then
from the other, in turns; the best run counts. Measured are the seconds a user waits and
the seconds of processor time, child processes included, from start to exit: imports,
training, evaluation and figures. Nothing is kept of what the commands write.

    git worktree add /tmp/before v0.1.0
    python tests/benchmarks/commands.py --before /tmp/before --after .
    python tests/benchmarks/commands.py --before /tmp/before --after . --threads 1

Without --threads the number of BLAS threads is left to each checkout.
"""

import argparse
import os
import subprocess
import sys
from math import inf
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory
from time import perf_counter

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
QUICK = (
    "--help",
    "sinusoid --quick",
    "classify --quick",
    "table1 --quick",
    "navigate --quick",
)
FULL = (  # the sizes of the default runs, fewer iterations
    "sinusoid --iterations 3000",
    "classify --iterations 100",
    "table1 --net two-layer --iterations 500",
    "navigate --iterations 3",
)

TRAINING = {  # the training cells of chapters 07, 09 and 10, fewer iterations
    "07: Meta-SGD on sine waves": """
from metasgd_np import Adam, MetaSGD, Sinusoids, TwoLayerNet, train
learner, tasks = MetaSGD(TwoLayerNet(1, 64, 1)), Sinusoids(dtype="float32")
train(learner, tasks, Adam(0.01), iterations=2000, progress=False)
""",
    "09: Reptile, five steps": """
from metasgd_np import Adam, Reptile, Sinusoids, TwoLayerNet, train
learner = Reptile(TwoLayerNet(1, 64, 1), alpha=0.02, inner_steps=5)
sizes = dict(shots=25, n_query=25, meta_batch=10)
train(learner, Sinusoids(), Adam(0.01), iterations=800, progress=False, **sizes)
""",
    "10: Meta-SGD on characters": """
from metasgd_np import Adam, MetaSGD, TwoLayerNet, train
from metasgd_np.tasks import FewShot, load_glyphs
tasks = FewShot(load_glyphs()[0].rotated().reduced(14))
learner = MetaSGD(TwoLayerNet(196, 256, 5, loss="softmax_cross_entropy"))
sizes = dict(shots=1, n_query=15, meta_batch=12)
train(learner, tasks, Adam(0.01), iterations=200, progress=False, **sizes)
""",
}


def environment(checkout, threads):
    """The variables of a run: `checkout` is imported, BLAS has that many threads."""
    kept = {name: value for name, value in os.environ.items() if name not in THREADS}
    if threads is not None:
        kept |= dict.fromkeys(THREADS, str(threads))
    return kept | {"PYTHONPATH": str(checkout.resolve())}


def child_seconds():
    """Processor seconds of all child processes that have ended."""
    usage = getrusage(RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def time_command(command, variables):
    """Run a command, or a training cell; return its (wall, processor) seconds."""
    arguments = ["-m", "metasgd_np", *command.split()]
    if command in TRAINING:
        arguments = ["-c", TRAINING[command]]
    with TemporaryDirectory() as folder:
        cpu, wall = child_seconds(), perf_counter()
        run = subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        wall, cpu = perf_counter() - wall, child_seconds() - cpu
    if run.returncode:
        raise RuntimeError(
            f"{command} with {variables['PYTHONPATH']} ended with exit code "
            f"{run.returncode}:\n{run.stderr}"
        )
    return wall, cpu


def best_seconds(command, environments, runs):
    """The least (wall, processor) seconds of each environment, in turns."""
    best = [(inf, inf)] * len(environments)
    for _ in range(runs):
        for i, variables in enumerate(environments):
            seconds = time_command(command, variables)
            best[i] = tuple(map(min, best[i], seconds))
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, required=True, metavar="DIR")
    parser.add_argument("--after", type=Path, required=True, metavar="DIR")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, help="of BLAS, for both checkouts")
    parser.add_argument("--full", action="store_true", help="also the default sizes")
    options = parser.parse_args()

    checkouts = (options.before, options.after)
    environments = [environment(c, options.threads) for c in checkouts]
    print(f"{'':40}       wall s, ratio             processor s, ratio")
    for command in (*QUICK, *TRAINING, *(FULL if options.full else ())):
        before, after = best_seconds(command, environments, options.runs)
        columns = [
            f"{b:7.2f} → {a:6.2f} {b / a:6.2f}"
            for b, a in zip(before, after, strict=True)
        ]
        print(f"{command:40}", *columns, sep="   ", flush=True)


if __name__ == "__main__":
    main()

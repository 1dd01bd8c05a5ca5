"""The command line: `python -m metasgd_np COMMAND`."""

import argparse
import sys

import matplotlib as mpl

from .checkpoints import CheckpointError
from .experiments import SinusoidConfig, SinusoidExperiment, sinusoid_table
from .training import TrainingDiverged

DESCRIPTION = """\
Meta-SGD in NumPy, with every derivative written out by hand.

  python -m metasgd_np sinusoid            train Meta-SGD, MAML and joint training on
                                           sine waves; a table and four figures (30 s)
  python -m metasgd_np sinusoid --quick    the same in a few seconds, barely trained
  python -m metasgd_np COMMAND --help      the options of a command
"""


def build_parser():
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="python -m metasgd_np",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    sinusoid = commands.add_parser(
        "sinusoid",
        help="sine-wave regression: Meta-SGD, MAML and joint training",
        description="Train Meta-SGD, MAML and joint training on sine waves, judge them "
        "on new ones, and leave results.json, four figures and checkpoints.",
    )
    add = sinusoid.add_argument
    add("--iterations", type=int, help="training iterations a learner (15000)")
    add("--shots", type=int, default=10, help="support points a training task (10)")
    add("--seed", type=int, default=0, help="same seed, same numbers (0)")
    add("--out", default="results/sinusoid", metavar="DIR", help="(results/sinusoid)")
    add("--quick", action="store_true", help="300 iterations, 100 test curves")
    add("--resume", action="store_true", help="go on with the run in --out")
    sinusoid.set_defaults(run=run_sinusoid)
    return parser


def run_sinusoid(options):
    """The main job."""
    config = SinusoidConfig.from_options(
        options.iterations, options.shots, options.seed, options.quick
    )
    experiment = SinusoidExperiment(config, options.out, options.resume)
    results = experiment.run()
    print(sinusoid_table(results))
    seconds = results["seconds"]
    print(f"\n{seconds:.0f} s; results.json and the figures are in {options.out}")


def main(arguments=None):
    """Run a command; return the exit code, with errors told in one sentence."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    mpl.use("Agg")  # figures go to files
    try:
        options.run(options)
    except KeyboardInterrupt:
        print("\nstopped; --resume goes on from here", file=sys.stderr)
        return 130
    except (ValueError, TypeError, OSError, TrainingDiverged, CheckpointError) as error:
        print(f"error: {told(error)}", file=sys.stderr)
        return 1
    return 0


def told(error):
    """An error as one sentence; of the system's errors, the reason and the path."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}"
    return str(error)

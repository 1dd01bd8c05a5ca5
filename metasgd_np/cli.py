"""The command line: `python -m metasgd_np COMMAND`."""

import argparse
import sys

import matplotlib as mpl

from .activations import ACTIVATIONS
from .checkpoints import CheckpointError
from .experiments import SinusoidConfig, SinusoidExperiment, sinusoid_table
from .gradient_check import (
    agreement,
    check_gradient,
    check_hvp,
    check_meta_gradient,
    small_problem,
)
from .losses import LOSSES
from .navigate import NavigationConfig, NavigationExperiment
from .navigate_report import navigation_table
from .training import TrainingDiverged
from .worksheet import Worksheet

DESCRIPTION = """\
Meta-SGD in NumPy, with every derivative written out by hand.

  python -m metasgd_np sinusoid            train Meta-SGD, MAML and joint training on
                                           sine waves; a table and four figures (30 s)
  python -m metasgd_np sinusoid --quick    the same in a few seconds, barely trained
  python -m metasgd_np navigate            Meta-SGD and MAML learn to walk to unseen
                                           goals, by policy gradients (2 min)
  python -m metasgd_np worksheet           one small example, every value worked out;
                                           --blank leaves them for you to find
  python -m metasgd_np gradcheck           every derivative of a small network against
                                           derivatives by numbers alone; 1 if one fails
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
    for add_command in (add_sinusoid, add_navigate, add_worksheet, add_gradcheck):
        add_command(commands)
    return parser


def add_sinusoid(commands):
    """The options of `sinusoid`."""
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


def add_navigate(commands):
    """The options of `navigate`."""
    navigate = commands.add_parser(
        "navigate",
        help="2-D navigation: Meta-SGD and MAML by policy gradients",
        description="Train Meta-SGD and MAML to walk to goals they cannot see, judge "
        "them on new ones, and leave results.json, four figures and checkpoints.",
    )
    add = navigate.add_argument
    add("--start", default="fixed", help="fixed (at the origin) or varying (fixed)")
    add("--iterations", type=int, help="training iterations a learner (40)")
    add("--seed", type=int, default=0, help="same seed, same numbers (0)")
    add("--out", default="results/navigate", metavar="DIR", help="(results/navigate)")
    add("--quick", action="store_true", help="3 iterations, 20 test tasks")
    add("--full", action="store_true", help="the paper's network and 100 iterations")
    add("--resume", action="store_true", help="go on with the run in --out")
    navigate.set_defaults(run=run_navigate)


def add_worksheet(commands):
    """The options of `worksheet`."""
    sheet = commands.add_parser(
        "worksheet",
        help="every value of one small example, to work by hand",
        description="Print one inner step of Meta-SGD on one small task, every value "
        "in the order a person works them, in exact fractions.",
    )
    add = sheet.add_argument
    add("--blank", action="store_true", help="formulas without values, to fill in")
    add("--seed", type=int, help="another example (without it, the default one)")
    formats = ("text", "markdown", "html", "latex")
    add("--format", choices=formats, default="text", help="html prints on one A4 page")
    sheet.set_defaults(run=run_worksheet)


def add_gradcheck(commands):
    """The options of `gradcheck`."""
    check = commands.add_parser(
        "gradcheck",
        help="check every derivative against derivatives by numbers alone",
        description="Check the gradient, the Hessian times a vector and the "
        "meta-gradient of a small network, and compare the meta-gradient by four or "
        "five roads. The exit code is 1 if anything is wrong.",
    )
    add = check.add_argument
    add("--activation", default="tanh", help=f"{', '.join(ACTIVATIONS)} (tanh)")
    add("--loss", default="squared_error", help=f"{', '.join(LOSSES)} (squared_error)")
    add("--steps", type=int, default=2, help="inner steps (2)")
    add("--seed", type=int, default=0, help="same seed, same numbers (0)")
    check.set_defaults(run=run_gradcheck)


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


def run_navigate(options):
    """Meta-SGD's reinforcement learning experiment."""
    o = options
    config = NavigationConfig.from_options(
        o.start, o.iterations, o.seed, o.quick, o.full
    )
    results = NavigationExperiment(config, o.out, o.resume).run()
    print(navigation_table(results))
    seconds = results["seconds"]
    print(f"\n{seconds:.0f} s; results.json and the figures are in {o.out}")


def run_worksheet(options):
    """A worksheet on standard output."""
    sheet = Worksheet() if options.seed is None else Worksheet.from_seed(options.seed)
    print(getattr(sheet, f"to_{options.format}")(options.blank))


def run_gradcheck(options):
    """The three rungs and the agreement table; 1 if anything is wrong, else 0."""
    net, theta, alpha, batch, steps = small_problem(
        options.activation, options.loss, options.steps, options.seed
    )
    X, Y = batch.X_s[0], batch.Y_s[0]
    checks = (
        check_gradient(net, theta, X, Y),
        check_hvp(net, theta, X, Y),
        check_meta_gradient(net, theta, alpha, batch, steps),
        agreement(net, theta, alpha, batch, steps),
    )
    print(*checks, sep="\n\n\n")
    return 0 if all(check.ok for check in checks) else 1


def main(arguments=None):
    """Run a command; return the exit code, with errors told in one sentence."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    mpl.use("Agg")  # figures go to files
    try:
        return options.run(options) or 0
    except KeyboardInterrupt:
        again = "; --resume goes on from here" if hasattr(options, "resume") else ""
        print(f"\nstopped{again}", file=sys.stderr)
        return 130
    except (ValueError, TypeError, OSError, TrainingDiverged, CheckpointError) as error:
        print(f"error: {told(error)}", file=sys.stderr)
        return 1


def told(error):
    """An error as one sentence; of the system's errors, the reason and the path."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}"
    return str(error)

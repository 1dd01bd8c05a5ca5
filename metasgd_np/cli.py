"""The command line: `python -m metasgd_np COMMAND`."""

import argparse
import sys

import matplotlib as mpl

from .activations import ACTIVATIONS
from .experiments.base import SinusoidConfig, SinusoidExperiment, sinusoid_table
from .experiments.classify import (
    DATA,
    ClassifyConfig,
    ClassifyExperiment,
    classify_table,
)
from .experiments.navigate import NavigationConfig, NavigationExperiment
from .experiments.navigate_report import navigation_table
from .experiments.sweep import CellsFailed
from .experiments.table1 import (
    METHODS,
    SETTINGS,
    Table1Config,
    Table1Experiment,
    table1_text,
)
from .gradient_check import (
    agreement,
    check_gradient,
    check_hvp,
    check_meta_gradient,
    small_problem,
)
from .learners import ALPHA_SHAPES
from .losses import LOSSES
from .training import TrainingDiverged
from .worksheets.worksheet import Worksheet

DESCRIPTION = """\
Meta-SGD in NumPy, with every derivative written out by hand.

  python -m metasgd_np sinusoid            train Meta-SGD, MAML and joint training on
                                           sine waves; a table and four figures (30 s)
  python -m metasgd_np sinusoid --quick    the same in a few seconds, barely trained
  python -m metasgd_np table1              the paper's table 1: trained on 5, 10 and 20
                                           shots, tested on 5, 10 and 20
  python -m metasgd_np classify            tell apart characters never seen before, from
                                           one drawing each; a table and five figures
  python -m metasgd_np navigate            Meta-SGD and MAML learn to walk to unseen
                                           goals, by policy gradients (2 min)
  python -m metasgd_np worksheet           one small example, every value worked out;
                                           --blank leaves them for you to find
  python -m metasgd_np gradcheck           every derivative of a small network against
                                           derivatives by numbers alone; 1 if one fails
  python -m metasgd_np COMMAND --help      the options of a command
"""

EXPECTED = (
    ValueError,
    TypeError,
    OSError,
    TrainingDiverged,
    CellsFailed,
)


def build_parser():
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="python -m metasgd_np",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for add_command in (
        add_sinusoid,
        add_table1,
        add_classify,
        add_navigate,
        add_worksheet,
        add_gradcheck,
    ):
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
    add_run_options(add, "sinusoid", "300 iterations, 100 test curves")
    sinusoid.set_defaults(run=run_sinusoid)


def add_run_options(add, name, quick):
    """The options that all experiments share."""
    out = f"results/{name}"
    add("--seed", type=int, default=0, help="same seed, same numbers (0)")
    add("--out", default=out, metavar="DIR", help=f"({out})")
    add("--quick", action="store_true", help=quick)
    add("--resume", action="store_true", help="go on with the run in --out")


def add_table1(commands):
    """The options of `table1`."""
    table = commands.add_parser(
        "table1",
        help="the paper's table 1: trained and tested on 5, 10 and 20 shots",
        description="Train on 5, 10 and 20 shots, test on 5, 10 and 20, and print the "
        "paper's figures beside ours; leave results.json, a figure a network, and "
        "every finished training run in cells. An option that takes several values "
        "runs each of them.",
    )
    add = table.add_argument
    several = {"nargs": "+", "metavar": "NAME"}
    nets = "; ".join(f"{name}: {setting.told}" for name, setting in SETTINGS.items())
    add("--net", choices=SETTINGS, help=f"{nets} (deep)", **several)
    told = f"{', '.join(METHODS)} (meta-sgd maml)"
    methods = ["meta-sgd", "maml"]
    add("--methods", choices=METHODS, default=methods, help=told, **several)
    add("--seeds", type=int, metavar="N", help="from --seed on (1)")
    add("--iterations", type=int, help="training iterations a learner")
    told = "how many numbers α is: one an entry of θ, one a block, one (entry)"
    shapes = {"choices": ALPHA_SHAPES, "default": ["entry"], "help": told, **several}
    add("--alpha", **shapes)
    several = {"type": int, "nargs": "+", "metavar": "N"}
    told = "2: exact, 1: without curvature (2)"
    add("--order", choices=(1, 2), default=[2], help=told, **several)
    told = "in training and test (1)"
    add("--inner-steps", default=[1], help=told, **several)
    start = {"type": float, "nargs": 2, "metavar": ("LOW", "HIGH")}
    told = "α is drawn from here before training (0.005 0.1)"
    add("--alpha-start", default=(0.005, 0.1), help=told, **start)
    told = "how fast Meta-SGD's α decays (two-layer: 0.1, else 0)"
    add("--alpha-decay", type=float, metavar="RATE", help=told)
    where = table.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, default=1, help="processes (1)")
    told = "compute on the Dask cluster whose scheduler is here"
    where.add_argument("--scheduler", metavar="ADDRESS", help=told)
    add("--full", action="store_true", help="networks deep and two-layer, 3 seeds")
    add_run_options(add, "table1", "300 iterations, 200 test curves")
    table.set_defaults(run=run_table1)


def add_classify(commands):
    """The options of `classify`."""
    classify = commands.add_parser(
        "classify",
        help="few-shot classification of characters",
        description="Train Meta-SGD and MAML to tell apart characters from a few "
        "drawings, judge them on characters never seen before, beside joint training, "
        "logistic regression and the nearest neighbour, and leave results.json, five "
        "figures and checkpoints.",
    )
    add = classify.add_argument
    told = "letters of Matplotlib's fonts, or the real Omniglot at --path (glyphs)"
    add("--data", choices=DATA, default="glyphs", help=told)
    told = "folder that holds images_background.zip and images_evaluation.zip"
    add("--path", metavar="DIR", help=told)
    add("--ways", type=int, default=5, help="classes a task (5)")
    add("--shots", type=int, default=1, help="support drawings a class (1)")
    add("--steps", type=int, default=1, help="inner steps, in training and test (1)")
    told = "move and scale each drawing to one place and size first"
    add("--normalise", action="store_true", help=told)
    add("--iterations", type=int, help="training iterations a learner (2000)")
    add_run_options(add, "classify", "60 iterations, 64 units, 100 test tasks")
    classify.set_defaults(run=run_classify)


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
    add("--full", action="store_true", help="the paper's network and 100 iterations")
    add_run_options(add, "navigate", "3 iterations, 20 test tasks")
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
    tell_results(experiment.run(), sinusoid_table, options.out)


def run_table1(options):
    """The paper's table 1."""
    config = Table1Config.from_options(options)
    where = {"workers": options.workers, "scheduler": options.scheduler}
    experiment = Table1Experiment(config, options.out, options.resume, **where)
    tell_results(experiment.run(), table1_text, options.out)


def run_classify(options):
    """Few-shot classification."""
    config = ClassifyConfig.from_options(options)
    experiment = ClassifyExperiment(config, options.out, options.resume)
    tell_results(experiment.run(), classify_table, options.out)


def tell_results(results, table, out):
    """The results as a table, and where the rest of them are."""
    print(table(results))
    seconds = results["seconds"]
    print(f"\n{seconds:.0f} s; results.json and the figures are in {out}")


def run_navigate(options):
    """Meta-SGD's reinforcement learning experiment."""
    o = options
    config = NavigationConfig.from_options(
        o.start, o.iterations, o.seed, o.quick, o.full
    )
    experiment = NavigationExperiment(config, o.out, o.resume)
    tell_results(experiment.run(), navigation_table, o.out)


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
    except EXPECTED as error:
        print(f"error: {told(error)}", file=sys.stderr)
        return 1


def told(error):
    """An error as one sentence; of the system's errors, the reason and the path."""
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{where}"
    return str(error)

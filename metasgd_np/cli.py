"""The command line: `metasgd-np COMMAND`, or `python -m metasgd_np COMMAND`."""

import argparse
import os
import signal
import sys
from contextlib import nullcontext, suppress
from errno import ENOSPC

from threadpoolctl import threadpool_limits

from . import __version__
from .activations import ACTIVATIONS
from .classroom import grade_notebooks, mark_sheets, write_course, write_sheets
from .experiments.base import PARSERS
from .experiments.classify import ClassifyExperiment
from .experiments.executors import THREADS
from .experiments.navigate import NavigationExperiment
from .experiments.sinusoid import SinusoidExperiment
from .experiments.sweep import CellsFailed
from .experiments.table1 import Table1Experiment
from .files import CannotWrite
from .gradient_check import (
    agreement,
    check_gradient,
    check_hvp,
    check_meta_gradient,
    small_problem,
)
from .losses import LOSSES
from .terminal import Stopped, ending_quietly, spell_output, stopping_on_signals
from .training import TrainingDiverged
from .worksheets import Worksheet
from .worksheets.answers import read_file
from .worksheets.formats import key_code
from .worksheets.practice import Practice

EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        SinusoidExperiment,
        Table1Experiment,
        ClassifyExperiment,
        NavigationExperiment,
    )
}
WHOLE = PARSERS[int]
MOST_STEPS = 50  # that gradcheck takes; more take minutes
EXPECTED = (
    ValueError,
    TypeError,
    OSError,
    MemoryError,
    TrainingDiverged,
    CellsFailed,
)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors lead to the help."""

    def error(self, message):
        """Print the usage and the error, and end with exit code 2."""
        super().error(f"{message}; {self.prog} --help lists what it takes")


def build_parser():
    """Build the parser of all commands; an experiment's Config has its options."""
    parser = Parser(
        prog="metasgd-np",
        description="Meta-SGD in NumPy, with every derivative written out by hand.",
        epilog="metasgd-np COMMAND --help lists the options of a command; --quick runs "
        "an experiment for a few seconds.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, experiment in EXPERIMENTS.items():
        command = commands.add_parser(
            name,
            help=f"{experiment.summary} ({experiment.duration})",
            description=f"{experiment.description} It takes about "
            f"{experiment.duration}, with --quick a few seconds.",
        )
        experiment.Config.add_options(command)
        out = f"folder to write to; by default a new one (results/{name})"
        command.add_argument("--out", metavar="DIR", help=out)
        resume = "continue the run in --out, by default the last one"
        command.add_argument("--resume", action="store_true", help=resume)
    add_worksheet(commands)
    add_practice(commands)
    add_mark(commands)
    add_course(commands)
    add_grade(commands)
    add_gradcheck(commands)
    return parser


def add_worksheet(commands):
    """Add the options of `worksheet`."""
    sheet = commands.add_parser(
        "worksheet",
        help="every value of one small example, to work out by hand",
        description="Print one inner step of Meta-SGD on one small task, every value "
        "in the order you would work it out, in exact fractions.",
    )
    add = sheet.add_argument
    add("--blank", action="store_true", help="formulas without values, to fill in")
    add_choice_of_sheet(sheet).add_argument(
        "--names", metavar="FILE", help="a sheet for every name in a file, with --out"
    )
    add("--out", metavar="DIR", help="new folder for the sheets of --names")
    add("--format", choices=("text", "html"), default="text", help="text; html for A4")


def add_choice_of_sheet(command):
    """Add --seed and --name, of which one may be given; return their group."""
    group = command.add_mutually_exclusive_group()
    group.add_argument("--seed", type=WHOLE, help="another example, by its number")
    group.add_argument("--name", help="another example, the same for a name")
    return group


def add_practice(commands):
    """Add the options of `practice`."""
    practice = commands.add_parser(
        "practice",
        help="work a worksheet line by line, with hints",
        description="Ask for one line of a worksheet after another: say whether it is "
        "right or what went wrong, give hints, and mark the sheet at the end. Answers "
        "are saved as they are given.",
    )
    add_choice_of_sheet(practice).add_argument(
        "--resume",
        metavar="FILE",
        help="continue with a saved or filled-in answer file",
    )


def add_mark(commands):
    """Add the argument of `mark`."""
    mark = commands.add_parser(
        "mark",
        help="mark the worksheets of a class, or one",
        description="Mark the answer files in a folder made by worksheet --names: a "
        "table, a page for every student and one for the teacher, in a new folder "
        "there. Or mark one answer file.",
    )
    mark.add_argument("path", metavar="DIR", help="the folder, or one answer file")


def add_course(commands):
    """Add the options of `course`."""
    course = commands.add_parser(
        "course",
        help="make a course of the chapters' exercises, for nbgrader or without it",
        description="Write the exercises as nbgrader's source and as what students "
        "get, a key and settings; with nbgrader installed, grade made-up submissions "
        "and print their points (about a minute per chapter).",
    )
    add = course.add_argument
    add("folder", metavar="DIR", help="new folder for the course")
    add("--students", metavar="FILE", help="a file with one name per line")
    add("--only", metavar="02,04", default="", help="numbers of chapters (all)")


def add_grade(commands):
    """Add the argument of `grade`."""
    grade = commands.add_parser(
        "grade",
        help="grade returned notebooks without nbgrader",
        description="Run the checks of returned notebooks, each in a process of its "
        "own with a time limit, and leave a table and a page for each in a new folder "
        "there. The notebooks run as you and can do what you can: where that matters, "
        "use a container or an account that has nothing to lose.",
    )
    help = "a course, or a folder of notebooks such as Ada/02_....ipynb"
    grade.add_argument("folder", metavar="DIR", help=help)


def add_gradcheck(commands):
    """Add the options of `gradcheck`."""
    check = commands.add_parser(
        "gradcheck",
        help="check every derivative of a small network numerically",
        description="Check the gradient, the Hessian times a vector and the "
        "meta-gradient of a small network against numerical derivatives, and compare "
        "four or five derivations of the meta-gradient. Exit code 1 on failure.",
    )
    add = check.add_argument
    add("--activation", default="tanh", help=f"{', '.join(ACTIVATIONS)} (tanh)")
    add("--loss", default="squared_error", help=f"{', '.join(LOSSES)} (squared_error)")
    add("--steps", type=WHOLE, default=2, help="inner steps, up to 50 (2)")
    add("--seed", type=WHOLE, default=0, help="same seed, same numbers (0)")


def print_worksheet(blank, seed, name, names, out, format):
    """Print a worksheet, or write those of a class."""
    if (names is None) != (out is None):
        raise ValueError("--names and --out go together; give both, or neither")
    if names is not None and (blank or format != "text"):
        raise ValueError(
            "--names writes every sheet blank and filled in, as text and as HTML; "
            "leave --blank and --format out"
        )
    if names is not None:
        print(*write_sheets(names, out), sep="\n")
        return
    sheet = choose_sheet(seed, name)
    print(sheet.to_html(blank) if format == "html" else sheet.to_text(blank))


def choose_sheet(seed=None, name=None):
    """The sheet of a seed or a name, or the default one."""
    if name is not None:
        return Worksheet.for_name(name)
    return Worksheet() if seed is None else Worksheet.from_seed(seed)


def find_sheet(path):
    """The sheet that an answer file belongs to, and what determines it."""
    labels = read_file(path)
    made_from = [{"name": labels["name"]}] if "name" in labels else []
    if labels.get("seed", "").isdecimal():
        made_from.insert(0, {"seed": int(labels["seed"])})
    for given in [*made_from, {}]:
        sheet = choose_sheet(**given)
        if labels.get("code", key_code(sheet)) == key_code(sheet):
            return sheet, given
    raise ValueError(
        f"{path} has the code {labels['code']}, which is neither the default sheet nor "
        "that of the name or seed in it; write the right one: name = …"
    )


def run_practice(seed, name, resume):
    """Work a sheet in the terminal."""
    sheet, given = choose_sheet(seed, name), {"seed": seed, "name": name}
    if resume is not None:
        sheet, given = find_sheet(resume)
    given = {key: value for key, value in given.items() if value is not None}
    marks = Practice(sheet, resume, given).run()
    if marks is not None:
        print(f"\n{marks}")


def print_marks(path):
    """Mark a class, or print the marks of one answer file."""
    if os.path.isfile(path):
        print(find_sheet(path)[0].mark(path))
    else:
        print(*mark_sheets(path), sep="\n")


def print_course(folder, students, only):
    """Write a course, and print how it goes."""
    for line in write_course(folder, students, only):
        print(line, flush=True)


def print_gradcheck(activation, loss, steps, seed):
    """Print all checks of a small network; return 1 if one fails, else 0."""
    if steps > MOST_STEPS:
        raise ValueError(
            f"--steps is {steps}, but it must be {MOST_STEPS} at most; give fewer"
        )
    net, theta, alpha, batch, steps = small_problem(activation, loss, steps, seed)
    X, Y = batch.X_s[0], batch.Y_s[0]
    checks = (
        check_gradient(net, theta, X, Y),
        check_hvp(net, theta, X, Y),
        check_meta_gradient(net, theta, alpha, batch, steps),
        agreement(net, theta, alpha, batch, steps),
    )
    print(*checks, sep="\n\n\n")
    return 0 if all(check.ok for check in checks) else 1


def one_blas_thread():
    """Limit BLAS to one thread, unless the environment sets the number.

    Threads that wait for one another slow down products this small, up to ten times on
    a busy machine.
    """
    if any(os.environ.get(name) for name in THREADS):
        return nullcontext()
    return threadpool_limits(1)


def main(arguments: list | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : list of str, optional
        Defaults to those of the command line.

    Returns
    -------
    int
        The exit code: 0, 1 for an error (one sentence on standard error) or a failed
        check, 128 + N after signal N (130 after Ctrl-C).
    """
    spell_output()
    parser, code = build_parser(), 0
    with ending_quietly():
        options = vars(parser.parse_args(arguments))
        command = options.pop("command")
        try:
            if command in EXPERIMENTS:
                import_matplotlib()
            with stopping_on_signals():
                if command is None:
                    parser.print_help()
                elif command in EXPERIMENTS:
                    with one_blas_thread():
                        open_experiment(command, options).run()
                elif command == "worksheet":
                    print_worksheet(**options)
                elif command == "practice":
                    run_practice(**options)
                elif command == "mark":
                    print_marks(**options)
                elif command == "course":
                    print_course(**options)
                elif command == "grade":
                    print(*grade_notebooks(**options), sep="\n")
                else:
                    code = print_gradcheck(**options)
                print(end="", flush=True)  # what cannot be written is an error too
        except (KeyboardInterrupt, *EXPECTED) as error:
            code = report_error(error, command)
    return code


def open_experiment(command, options):
    """Make the experiment of a command with these options."""
    experiment = EXPERIMENTS[command]
    out, resume = options.pop("out"), options.pop("resume")
    config = experiment.Config.from_options(options)
    return experiment(config, out, resume)


def import_matplotlib():
    """Import Matplotlib, which only the experiments use, before anything is at stake.

    Stopped in the middle of it, Python may crash.
    """
    unused = os.environ.pop("MPLBACKEND", None)  # it need not be a valid one
    import matplotlib as mpl  # noqa: PLC0415 (slow)

    mpl.use("Agg")  # figures go to files
    import matplotlib.pyplot  # noqa: F401, PLC0415

    if unused is not None:
        os.environ["MPLBACKEND"] = unused


def report_error(error, command):
    """Print what ended a command, in one sentence; return the exit code."""
    if isinstance(error, BrokenPipeError):  # as in `metasgd-np worksheet | head -1`
        return 128 + 13  # as if SIGPIPE had ended it, and as quiet
    if isinstance(error, KeyboardInterrupt):
        again = "; --resume continues from here" if command in EXPERIMENTS else ""
        complain(f"\nstopped{again}")
        return 128 + (error.args[0] if isinstance(error, Stopped) else signal.SIGINT)
    again = ""
    if isinstance(error, CannotWrite) and command in EXPERIMENTS:
        again = "; once that is mended, --resume continues from here"
    complain(f"error: {describe_error(error)}{again}")
    return 1


def complain(text):
    """Print to standard error, which a closed terminal may have taken along."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def describe_error(error):
    """Return an error as one sentence: for a system error, its reason and the path."""
    if isinstance(error, MemoryError):
        return f"out of memory ({error}); choose smaller numbers"
    if isinstance(error, OSError) and error.strerror:
        output = "standard output" if error.errno == ENOSPC else ""
        where = error.filename or output
        return f"{error.strerror}{where and f': {where}'}"
    return str(error)

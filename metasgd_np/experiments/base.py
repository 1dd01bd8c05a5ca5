"""What the experiments share: a configuration, also the command line's, and a run.

An experiment trains, evaluates, collects its results as plain numbers, prints a table
and draws figures. Each is one file with a Config, whose fields carry their defaults and
help texts, and an Experiment, whose steps `run` calls from top to bottom. It writes
checkpoints, results.json and PNG files to its folder.
"""

import json
import platform
import sys
from argparse import SUPPRESS, ArgumentTypeError
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from typing import ClassVar, NamedTuple

import numpy as np

from .. import plots
from ..checkpoints import Checkpoint
from ..checks import whole_number
from ..files import write_json
from ..learners import MAML, Learner, MetaSGD
from ..optimizers import Adam
from ..training import Evaluation, TrainingState, train
from .folder import RESULTS, open_folder

BARELY_TRAINED = "Barely trained: this shows that it runs, not who is better."


def option(
    default,
    help,
    *,
    least=None,
    most=None,
    kind=None,
    choices=None,
    n=None,
    metavar=None,
):
    """Make a Config field that the command line can set.

    default : the value without the option; False makes a flag, a tuple a list of values
    help : what the option means, without its default
    least, most : the whole numbers allowed        choices : the only values allowed
    kind : type of the value, if not the default's
    n : how many values a tuple takes              metavar : what the help calls them
    """
    kind = kind or type(default[0] if isinstance(default, tuple) else default)
    known = {"kind": kind, "least": least, "most": most, "choices": choices, "n": n}
    return field(default=default, metadata={"help": help, "metavar": metavar, **known})


def flag(name):
    """Return the command-line option of a field, such as --inner-steps."""
    return f"--{name.replace('_', '-')}"


def parse_number(text, kind, noun):
    """Return the text of an option as a number, or raise argparse's error."""
    try:
        return kind(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not {noun}") from None


PARSERS = {  # of option values, by kind
    int: partial(parse_number, kind=int, noun="a whole number"),
    float: partial(parse_number, kind=float, noun="a number"),
}


@dataclass(frozen=True)
class Config:
    """The settings of an experiment: command-line options and fixed values.

    PRESETS names the options that set others: {"quick": {"iterations": 300}}. A value
    given explicitly overrides a preset.
    """

    PRESETS: ClassVar[dict] = {"quick": {}}

    seed: int = option(0, "same seed, same numbers on one kind of processor", least=0)
    quick: bool = option(False, "a short run")

    def __post_init__(self):
        for name, known in self.options().items():
            values = getattr(self, name)
            several = isinstance(values, tuple)
            if several and known["n"] is None and len(set(values)) < len(values):
                raise ValueError(
                    f"{flag(name)} is {' '.join(map(str, values))}, which repeats a "
                    "value; give each once"
                )
            for value in values if several else (values,):
                if known["least"] is not None and value is not None:
                    whole_number(flag(name), value, known["least"])
                if known["most"] is not None and value > known["most"]:
                    most = f"but it must be {known['most']:,} at most"
                    raise ValueError(f"{flag(name)} is {value}, {most}")

    @classmethod
    def options(cls):
        """Return {name: metadata} of the fields that the command line can set."""
        return {f.name: f.metadata for f in fields(cls) if f.metadata}

    @classmethod
    def from_options(cls, given):
        """Make the configuration from a command line, {name: value given}."""
        presets = [name for name in cls.PRESETS if given.get(name)]
        if len(presets) > 1:
            both = " and ".join(map(flag, presets))
            raise ValueError(f"{both} contradict each other; leave out one of them")
        values = {k: v for name in presets for k, v in cls.PRESETS[name].items()}
        for name, value in given.items():
            values[name] = tuple(value) if isinstance(value, list) else value
        return cls(**values)

    @classmethod
    def add_options(cls, parser):
        """Add an option to an argparse parser for every field that has a help text."""
        for f in fields(cls):
            if not f.metadata:
                continue
            how = {"action": "store_true"}
            if f.metadata["kind"] is not bool:
                how = {key: f.metadata[key] for key in ("choices", "metavar")}
                how["type"] = PARSERS.get(f.metadata["kind"], f.metadata["kind"])
            if isinstance(f.default, tuple):
                how["nargs"] = f.metadata["n"] or "+"
            parser.add_argument(
                flag(f.name), help=cls.describe(f), default=SUPPRESS, **how
            )

    @classmethod
    def describe(cls, f):
        """Return the help text of a field, with its default or its presets."""
        text = f.metadata["help"]
        if f.name in cls.PRESETS:
            changes = [f"{k} {show(v)}" for k, v in cls.PRESETS[f.name].items()]
            return f"{text}: {', '.join(changes)}"
        if f.default is None or f.default is False:
            return text
        return f"{text} ({show(f.default)})"


def show(value):
    """Return a default as the command line takes it: tuples separated by spaces."""
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


class Trained(NamedTuple):
    """What one method learned, and the number of steps it is evaluated after.

    w (R, P) is ready for `learner.unpack`; state is None if w does not come from a run.
    """

    learner: Learner | MetaSGD
    w: np.ndarray
    steps: int = 1
    state: TrainingState | None = None


class Experiment:
    """Base class of experiments: train → evaluate → results → figures.

    A subclass defines `name`, `summary`, `duration` and `description` of its command,
    its Config, and the steps:

        train()                          → {name: Trained}, or what evaluate takes
        evaluate(trained)                → what results and figures take
        results(trained, evaluations)    → a dict of plain numbers and text
        table(results)                   → text to print
        figures(trained, evaluations)    → {name: Matplotlib Figure}

    Parameters
    ----------
    config : Config
        The settings.
    out : str or path, optional
        The folder to write to; it must be empty unless a run in it is resumed. By
        default a new one in results, or the last one to resume.
    resume : bool, default False
        Continue the run in the folder.
    progress : bool, default True
        Print what is being trained, and show progress bars.

    Raises
    ------
    ValueError
        If the folder cannot be written to, or is in use.
    """

    Config = Config
    keeps: ClassVar = "*.npz"  # the files that a run resumes from
    keeps_settings: ClassVar = True  # a resumed run must repeat them

    def __init__(self, config, out=None, resume=False, progress=True):
        self.config, self.progress = config, progress
        configuration = json.loads(json.dumps(asdict(config)))  # as a file holds it
        kept = self.keeps, self.keeps_settings
        self.folder = open_folder(out, resume, self.name, configuration, *kept)
        self.out, self.resume = self.folder.path, resume
        if out is None and self.out.name != self.name:
            self.announce(f"this run's folder is {self.out}")

    def run(self):
        """Carry out all steps; return the results, which are also in results.json."""
        with self.folder:
            trained = self.train()
            evaluations = self.evaluate(trained)
            results = {
                "command": self.name,
                "configuration": asdict(self.config),
                "versions": {
                    "python": platform.python_version(),
                    "numpy": np.__version__,
                },
                **self.results(trained, evaluations),
                "seconds": self.folder.seconds,
            }
            try:
                print(self.report(results), flush=True)
            finally:  # even if nobody reads the output
                write_json(self.out / RESULTS, results)
            for name, figure in self.figures(trained, evaluations).items():
                plots.save(figure, self.out / f"{name}.png")
        print(f"\n{results['seconds']:.0f} s; figures and results.json: {self.out}")
        return results

    @classmethod
    def report(cls, results):
        """Return the table and, if the training was short, what it is good for."""
        few = cls.Config.PRESETS["quick"]["iterations"]
        iterations = results["configuration"]["iterations"]
        barely = iterations is not None and iterations <= few
        return cls.table(results) + (f"\n\n{BARELY_TRAINED}" if barely else "")

    def fit(self, name, learner, tasks, steps=1, iterations=None):
        """Train a learner, with a checkpoint called `name`; return it Trained."""
        c = self.config
        iterations = c.iterations if iterations is None else iterations
        self.announce(f"{name}: {iterations:,} iterations")
        with Checkpoint(self.out / f"{name}.npz", self.resume) as run:
            state = train(
                learner,
                tasks,
                Adam(c.rate),
                iterations=iterations,
                shots=c.shots,
                n_query=c.n_query,
                meta_batch=c.meta_batch,
                cosine_decay=True,
                seed=c.seed,
                start_from=run.latest,
                after_block=run.keep,
                progress=self.progress,
            )
        return Trained(learner, state.w, steps, state)

    def fit_maml(self, net, alphas, tasks, steps=1):
        """Train MAML with the α that is best after a fifth of the iterations."""
        short = max(1, self.config.iterations // 5)
        candidates = [
            self.fit(f"maml-alpha-{a}", MAML(net, a, steps), tasks, steps, short)
            for a in alphas
        ]
        learner = self.best(candidates, [steps]).learner
        return self.fit("maml", learner, tasks, steps)

    def announce(self, text):
        """Print what is starting, on standard error."""
        if self.progress:
            print(text, file=sys.stderr)


def choose_best(candidates, evaluations, steps, best=np.argmin):
    """Choose the best candidate and number of steps on validation tasks.

    candidates : list of Trained     evaluations : one for each, on the same tasks
    steps : the numbers of steps to choose from
    best : np.argmin for losses, np.argmax for accuracies

    Returns the first of the best; a score that is not finite is never best.
    """
    means = np.array([e.mean[list(steps)] for e in evaluations])  # (C, len(steps))
    worst = -np.inf if best is np.argmax else np.inf
    place = best(np.where(np.isfinite(means), means, worst))
    candidate, step = np.unravel_index(place, means.shape)
    return candidates[candidate]._replace(steps=steps[step])


def by_steps(evaluation: Evaluation, digits: int = 6) -> dict:
    """Return the means and intervals after 0, 1, … steps as plain numbers."""
    numbers = {"mean": evaluation.mean, "interval": evaluation.interval}
    return {
        f"{name}_by_steps": [
            round(value, digits) if np.isfinite(value) else None  # JSON has no NaN
            for value in values.tolist()
        ]
        for name, values in numbers.items()
    }


def summarise_alpha(alpha: np.ndarray) -> dict:
    """Return the number of entries of α, of negative ones, and mean, min and max."""
    alpha = alpha.astype(float)
    values = {"mean": alpha.mean(), "min": alpha.min(), "max": alpha.max()}
    counts = {"entries": alpha.size, "negative": int((alpha < 0).sum())}
    return counts | {name: float(f"{value:.6g}") for name, value in values.items()}


def alpha_by_block(trained: Trained) -> dict:
    """Return a summary of each block of a learner's α."""
    _, alpha = trained.learner.unpack(trained.w)
    blocks = trained.learner.net.blocks(alpha)
    return {name: summarise_alpha(block) for name, block in blocks.items()}


def format_table(rows) -> str:
    """Align rows of text cells, the header first, in columns indented by two spaces.

    >>> print(format_table([("", "mean"), ("MAML", "0.5")]))
             mean
      MAML   0.5
    """
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["   ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join(f"  {line}" for line in lines)


def format_interval(mean: float, interval: float, digits: int = 2) -> str:
    """Return a mean and the half-width of its interval as text, "0.60 ± 0.04"."""
    if mean is None or interval is None:
        return "diverged"
    return f"{mean:.{digits}f} ± {interval:.{digits}f}"

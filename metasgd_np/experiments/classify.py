"""The experiment behind `classify`: new characters, from a few drawings."""

import time
from dataclasses import dataclass

from .. import plots
from ..adaptation import adapt
from ..checks import whole_number
from ..learners import MAML, JointTraining, MetaSGD
from ..network import TwoLayerNet
from ..tasks import FewShot, load_glyphs, load_omniglot
from ..tasks.few_shot import DRAWINGS
from ..training import accuracy, evaluate, random_stream
from .base import Experiment, versions
from .baselines import (
    AllClasses,
    logistic_regression,
    nearest_neighbour,
    new_last_layer,
)

DATA = ("glyphs", "omniglot")
SIDE = 14  # pixels: drawings of 28 × 28, each 2 × 2 averaged
ALPHA_START = (0.1, 0.1)
ALPHAS = {  # fixed step sizes to choose from on validation characters
    "MAML": (0.1, 0.3, 1.0),
    "joint training": (0.1, 0.3, 1.0, 3.0),
    "logistic regression": (0.1, 0.3, 1.0, 3.0),
}
SHOWN_STEPS = 5  # at the least, in the figure
JOINT_ITERATIONS = 4_000  # at the most: by then its training loss is near zero
FITTING_STEPS = {  # at the most; how many is chosen on validation characters
    "joint training": 20,
    "logistic regression": 100,
}

# Omniglot as drawn, 5-way, accuracy in % after adapting, by shots: the figures without
# convolutions in MAML (arXiv:1703.03400), table 1, of four layers with batch norm.
PUBLISHED = {
    1: {"MANN, no convolution": "82.8", "MAML, no convolution": "89.7 ± 1.1"},
    5: {"MANN, no convolution": "94.9", "MAML, no convolution": "97.5 ± 0.6"},
}


@dataclass(frozen=True)
class ClassifyConfig:
    """What `classify` runs; the command line sets the first block.

    Adam with cosine decay; a network of 196-256-N with tanh units.
    """

    data: str = "glyphs"
    path: str | None = None
    normalise: bool = False
    ways: int = 5
    shots: int = 1
    steps: int = 1
    iterations: int = 2_000
    seed: int = 0
    quick: bool = False

    hidden: int = 256
    meta_batch: int = 16
    n_query: int = 15
    rate: float = 1e-2
    n_validate: int = 200
    n_test: int = 600

    @classmethod
    def from_options(cls, options):
        """The configuration of a command line; None means the default."""
        values = {
            name: whole_number(f"--{name}", getattr(options, name), least)
            for name, least in (("ways", 2), ("shots", 1), ("steps", 1), ("seed", 0))
        }
        for name in ("data", "path", "normalise"):
            values[name] = getattr(options, name)
        check_path(options.data, options.path)
        if values["shots"] >= DRAWINGS:
            raise ValueError(
                f"--shots is {values['shots']}, but of the {DRAWINGS} drawings of a "
                f"character one is left to ask about; choose at most {DRAWINGS - 1}"
            )
        values["n_query"] = min(15, DRAWINGS - values["shots"])
        if options.quick:
            values |= {"quick": True, "iterations": 60, "hidden": 64}
            values |= {"n_validate": 20, "n_test": 100}
        if options.iterations is not None:
            values["iterations"] = whole_number("--iterations", options.iterations, 1)
        return cls(**values)


def check_path(data, path):
    """ValueError unless --path is given with Omniglot and only then."""
    if data == "omniglot" and not path:
        raise ValueError(
            "--data omniglot needs --path, the folder that holds images_background.zip "
            "and images_evaluation.zip from github.com/brendenlake/omniglot, folder "
            "python"
        )
    if data != "omniglot" and path is not None:
        raise ValueError(
            f"--path is {path}, but the letters of --data {data} need none; add "
            "--data omniglot, or leave --path out"
        )


def load_splits(config):
    """(train, validate, test) Characters of SIDE × SIDE."""
    if config.data == "omniglot":
        splits = load_omniglot(config.path, seed=config.seed)
    else:
        splits = load_glyphs()
    if config.normalise:
        splits = [split.normalised() for split in splits]
    return tuple(split.reduced(SIDE) for split in splits)


class ClassifyExperiment(Experiment):
    """Meta-SGD, MAML and three baselines on the same tasks of new characters.

    Step sizes that are not learned, and how many steps the baselines are fitted for,
    are the best on validation characters; MAML's candidates are judged after a fifth of
    the iterations. The test characters are used once, at the end.
    """

    def __init__(self, config, out, resume=False, progress=True):
        super().__init__(config, out, resume, progress)
        train, validate, test = load_splits(config)
        ways = config.ways
        self.tasks = {
            "train": FewShot(train.rotated(), ways),
            "validate": FewShot(validate, ways),
            "test": FewShot(test, ways),
        }
        self.all_classes = AllClasses(train)
        loss = "softmax_cross_entropy"
        self.net = TwoLayerNet(SIDE**2, config.hidden, ways, loss=loss)

    def run(self):
        """Train, evaluate, write results.json and the figures; return the results."""
        started = time.perf_counter()
        meta_sgd = MetaSGD(self.net, ALPHA_START, inner_steps=self.config.steps)
        state = self.train("meta-sgd", meta_sgd, self.tasks["train"])
        maml, maml_state = self.train_maml()
        methods = {  # name: (learner, w, steps)
            "Meta-SGD": (meta_sgd, state.w, self.config.steps),
            "MAML": (maml, maml_state.w, self.config.steps),
            "joint training": self.fine_tuned(),
            "logistic regression": self.regression(),
        }
        evaluations = {
            name: self.evaluate(learner, w, "test", max(steps, SHOWN_STEPS))
            for name, (learner, w, steps) in methods.items()
        }
        evaluations["nearest neighbour"] = self.nearest()
        results = self.results(methods, evaluations)
        results["seconds"] = round(time.perf_counter() - started, 1)
        curves = {"Meta-SGD": state, "MAML": maml_state}
        self.write(results, self.figures(methods, evaluations, curves))
        return results

    def train_maml(self):
        """MAML at the α that does best on validation tasks after a fifth of the run."""
        short = max(1, self.config.iterations // 5)
        steps, tasks = self.config.steps, self.tasks["train"]
        candidates = []
        for alpha in ALPHAS["MAML"]:
            learner = MAML(self.net, alpha, steps)
            state = self.train(f"maml-alpha-{alpha}", learner, tasks, short)
            candidates.append((learner, state.w))
        learner, *_ = self.best(candidates, steps, steps)
        return learner, self.train("maml", learner, tasks)

    def fine_tuned(self):
        """Joint training on all classes, then a new last layer, fitted by descent."""
        n_classes = len(self.all_classes.characters)
        loss = "softmax_cross_entropy"
        wide = TwoLayerNet(SIDE**2, self.config.hidden, n_classes, loss=loss)
        iterations = min(self.config.iterations, JOINT_ITERATIONS)
        state = self.train(
            "joint-training", JointTraining(wide), self.all_classes, iterations
        )
        net, w = new_last_layer(wide, state.w, self.config.ways)
        candidates = [(JointTraining(net, a), w) for a in ALPHAS["joint training"]]
        return self.best(candidates, 1, FITTING_STEPS["joint training"])

    def regression(self):
        """Logistic regression on the support set alone."""
        candidates = [
            logistic_regression(SIDE**2, self.config.ways, alpha)
            for alpha in ALPHAS["logistic regression"]
        ]
        return self.best(candidates, 1, FITTING_STEPS["logistic regression"])

    def best(self, candidates, least, most):
        """(learner, w, steps), of `least` to `most` steps, best on validation tasks."""
        scored = []
        for learner, w in candidates:
            mean = self.evaluate(learner, w, "validate", most).mean[least:]
            scored.append((mean.max(), (learner, w, least + int(mean.argmax()))))
        return max(scored, key=lambda pair: pair[0])[1]

    def evaluate(self, learner, w, stream, steps):
        """Accuracy on new tasks; every method gets the same ones."""
        c = self.config
        return evaluate(
            learner,
            w,
            self.tasks[stream],
            random_stream(c.seed, stream),
            steps=steps,
            score=accuracy,
            **self.sizes(stream),
        )

    def nearest(self):
        """The nearest neighbour on the test tasks that the others get."""
        rng = random_stream(self.config.seed, "test")
        return nearest_neighbour(self.tasks["test"].sample(rng, **self.sizes("test")))

    def sizes(self, stream):
        """How many tasks a stream has, and how large they are."""
        c = self.config
        n_tasks = c.n_test if stream == "test" else c.n_validate
        return {"n_tasks": n_tasks, "shots": c.shots, "n_query": c.n_query}

    def figures(self, methods, evaluations, curves):
        """The figures by name."""
        c = self.config
        learner, w, steps = methods["Meta-SGD"]
        rng = random_stream(c.seed, "figure")
        batch = self.tasks["test"].sample(rng, 3, c.shots, min(2, c.n_query))
        path = adapt(self.net, *learner.unpack(w), batch.X_s, batch.Y_s, steps)
        F = self.net.forward(path[[0, -1]], batch.X_q)  # (2, T, N, O)
        title = f"{c.ways}-way {c.shots}-shot, {c.data}"
        return {
            "tasks": plots.answers(batch, *F.argmax(-1), c.ways),
            "accuracy_by_steps": plots.accuracy_by_steps(evaluations, title),
            "learning_curves": plots.learning_curves(curves, "query loss (nats)"),
            "alpha": plots.alpha_images(self.net, learner.unpack(w)[1]),
            "characters": plots.contact_sheet(self.tasks["test"].characters),
        }

    def results(self, methods, evaluations):
        """Everything worth keeping, as plain numbers for results.json."""
        learner, w, _ = methods["Meta-SGD"]
        alpha = self.net.blocks(learner.unpack(w)[1])
        return {
            "command": "classify",
            "configuration": vars(self.config),
            "versions": versions(),
            "data": {
                **{name: repr(tasks) for name, tasks in self.tasks.items()},
                "joint training": repr(self.all_classes),
            },
            "learners": {name: repr(method[0]) for name, method in methods.items()},
            "accuracy": {
                name: {
                    "steps": methods[name][2] if name in methods else 0,
                    "mean_by_steps": [round(m, 6) for m in found.mean.tolist()],
                    "interval_by_steps": [round(i, 6) for i in found.interval.tolist()],
                }
                for name, found in evaluations.items()
            },
            "negative_alpha": {
                name: round(float((block < 0).mean()), 6)
                for name, block in alpha.items()
            },
        }


def classify_table(results):
    """The results as aligned text; published figures where the setting has them."""
    c = results["configuration"]
    rows = [("", "accuracy (%)", "steps", "before")]
    for name, found in results["accuracy"].items():
        mean, interval = found["mean_by_steps"], found["interval_by_steps"]
        steps = found["steps"]
        before = f"{100 * mean[0]:.1f}" if steps else ""
        cell = f"{100 * mean[steps]:.1f} ± {100 * interval[steps]:.1f}"
        rows.append((name, cell, str(steps or ""), before))
    if c["data"] == "omniglot" and c["ways"] == 5 and not c["normalise"]:
        published = PUBLISHED.get(c["shots"], {})
        rows += [(f"{name} (published)", cell) for name, cell in published.items()]
    images = "normalised" if c["normalise"] else "as drawn"
    lines = [
        f"{c['ways']}-way {c['shots']}-shot, {c['data']} {images}: accuracy on new",
        f"characters, mean ± 95 % interval over {c['n_test']} tasks of "
        f"{c['ways'] * c['n_query']} queries:",
        "",
    ]
    width = max(len(row[0]) for row in rows)
    for name, *cells in rows:
        line = f"  {name:{width}}  " + "  ".join(f"{cell:>12}" for cell in cells)
        lines.append(line.rstrip())
    return "\n".join(lines)

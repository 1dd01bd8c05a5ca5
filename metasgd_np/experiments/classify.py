"""The experiment `classify`: classify new characters from a few drawings."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .. import plots, tasks
from ..adaptation import adapt
from ..learners import JointTraining, MetaSGD
from ..network import TwoLayerNet
from ..tasks.few_shot import DRAWINGS, FewShot
from ..training import accuracy, evaluate, random_stream
from . import base
from .baselines import (
    AllClasses,
    logistic_regression,
    nearest_neighbour,
    new_last_layer,
)
from .published import OMNIGLOT_ACCURACY

DATA = ("glyphs", "omniglot")
SIDE = 14  # pixels: drawings of 28 × 28, each 2 × 2 averaged
ALPHA_START = (0.1, 0.1)
ALPHAS = {  # fixed step sizes to choose from on validation characters
    "MAML": (0.1, 0.3, 1.0),
    "joint training": (0.1, 0.3, 1.0, 3.0),
    "logistic regression": (0.1, 0.3, 1.0, 3.0),
}
SHOWN_STEPS = 5  # at least, in the figure
JOINT_ITERATIONS = 4_000  # at most: by then its training loss is near zero
FITTING_STEPS = {  # at most; the number is chosen on validation characters
    "joint training": 20,
    "logistic regression": 100,
}
SOFTMAX = "softmax_cross_entropy"

TABLE = """\
{ways}-way {shots}-shot, {data} {images}: accuracy on new characters,
mean ± 95 % interval over {n_test} tasks of {queries} queries:

{rows}"""


@dataclass(frozen=True)
class ClassifyConfig(base.Config):
    """Adam with cosine decay; a network of 196-256-N with tanh units."""

    PRESETS: ClassVar[dict] = {
        "quick": {"iterations": 60, "hidden": 64, "n_validate": 20, "n_test": 100}
    }

    data: str = base.option(
        "glyphs",
        "letters of Matplotlib's fonts, or the real Omniglot, which is downloaded once",
        choices=DATA,
    )
    path: str | None = base.option(
        None,
        "folder that already holds Omniglot's images_background.zip and "
        "images_evaluation.zip",
        kind=str,
        metavar="DIR",
    )
    normalise: bool = base.option(
        False, "first centre each drawing and scale it to a common size"
    )
    ways: int = base.option(5, "classes per task", least=2)
    shots: int = base.option(1, "support drawings per class", least=1)
    steps: int = base.option(
        1, "inner steps, in training and test", least=1, most=1_000
    )
    iterations: int = base.option(2_000, "training iterations per learner", least=1)

    hidden: int = 256
    meta_batch: int = 16
    rate: float = 1e-2
    n_validate: int = 200
    n_test: int = 600

    def __post_init__(self):
        super().__post_init__()
        if self.data != "omniglot" and self.path is not None:
            raise ValueError(
                f"--path is {self.path}, but the letters of --data {self.data} need "
                "none; add --data omniglot, or leave out --path"
            )
        if self.path == "":
            raise ValueError("--path is empty; name the folder, or leave it out")
        if self.shots >= DRAWINGS:
            raise ValueError(
                f"--shots is {self.shots}, but of the {DRAWINGS} drawings of a "
                f"character one must be left as a query; choose at most {DRAWINGS - 1}"
            )

    @property
    def n_query(self):
        """Query drawings per class: 15, or as many as the support set leaves."""
        return min(15, DRAWINGS - self.shots)


def load_splits(config):
    """Load (train, validate, test) Characters of SIDE × SIDE."""
    if config.data == "omniglot":
        splits = tasks.load_omniglot(config.path, seed=config.seed)
    else:
        splits = tasks.load_glyphs()
    if config.normalise:
        splits = [split.normalised() for split in splits]
    return tuple(split.reduced(SIDE) for split in splits)


class ClassifyExperiment(base.Experiment):
    """Meta-SGD, MAML and three baselines on the same tasks of new characters.

    Step sizes that are not learned, and the numbers of fitting steps of the baselines,
    are the best on validation characters; MAML's candidates are compared after a fifth
    of the iterations. The test characters are used once, at the end.
    """

    name = "classify"
    summary = "few-shot classification of characters"
    duration = "1 min"
    description = (
        "Train Meta-SGD and MAML to classify characters from a few drawings, test "
        "them on characters never seen before, beside joint training, logistic "
        "regression and nearest neighbour, and write results.json, five figures "
        "and checkpoints."
    )
    Config = ClassifyConfig

    def __init__(self, config, out=None, resume=False, progress=True):
        train, validate, test = load_splits(config)
        ways = config.ways
        self.tasks = {
            "train": FewShot(train.rotated(), ways),
            "validate": FewShot(validate, ways),
            "test": FewShot(test, ways),
        }
        self.all_classes = AllClasses(train)
        self.net = TwoLayerNet(SIDE**2, config.hidden, ways, loss=SOFTMAX)
        super().__init__(config, out, resume, progress)  # once the settings fit

    def train(self):
        """Train both learners and the baselines, and candidates for fixed α."""
        steps, tasks = self.config.steps, self.tasks["train"]
        meta_sgd = MetaSGD(self.net, ALPHA_START, inner_steps=steps)
        meta_sgd = self.fit("meta-sgd", meta_sgd, tasks, steps)
        return {
            "Meta-SGD": meta_sgd,
            "MAML": self.fit_maml(self.net, ALPHAS["MAML"], tasks, steps),
            "joint training": self.fit_joint(),
            "logistic regression": self.fit_regression(),
        }

    def fit_joint(self):
        """Train on all classes at once, then choose how to fit a new last layer."""
        n_classes = len(self.all_classes.characters)
        wide = TwoLayerNet(SIDE**2, self.config.hidden, n_classes, loss=SOFTMAX)
        iterations = min(self.config.iterations, JOINT_ITERATIONS)
        learner, tasks = JointTraining(wide), self.all_classes
        joint = self.fit("joint-training", learner, tasks, iterations=iterations)
        net, w = new_last_layer(wide, joint.w, self.config.ways)
        alphas = ALPHAS["joint training"]
        candidates = [base.Trained(JointTraining(net, a), w) for a in alphas]
        return self.best(candidates, range(1, FITTING_STEPS["joint training"] + 1))

    def fit_regression(self):
        """Choose how to fit logistic regression to the support set alone."""
        candidates = [
            base.Trained(*logistic_regression(SIDE**2, self.config.ways, alpha))
            for alpha in ALPHAS["logistic regression"]
        ]
        return self.best(candidates, range(1, FITTING_STEPS["logistic regression"] + 1))

    def best(self, candidates, steps):
        """Return the candidate, and its number of steps, best on validation tasks."""
        found = [self.judge(each, "validate", max(steps)) for each in candidates]
        return base.choose_best(candidates, found, steps, np.argmax)

    def judge(self, trained, stream, steps):
        """Measure the accuracy on new tasks, the same ones for every method."""
        return evaluate(
            trained.learner,
            trained.w,
            self.tasks[stream],
            random_stream(self.config.seed, stream),
            steps=steps,
            score=accuracy,
            **self.sizes(stream),
        )

    def evaluate(self, trained):
        """Measure test accuracies, {name: Evaluation}, the nearest neighbour's too."""
        rng = random_stream(self.config.seed, "test")
        batch = self.tasks["test"].sample(rng, **self.sizes("test"))
        return {
            **{
                name: self.judge(each, "test", max(each.steps, SHOWN_STEPS))
                for name, each in trained.items()
            },
            "nearest neighbour": nearest_neighbour(batch),
        }

    def sizes(self, stream):
        """Return the number of tasks of a stream, and their sizes."""
        c = self.config
        n_tasks = c.n_test if stream == "test" else c.n_validate
        return {"n_tasks": n_tasks, "shots": c.shots, "n_query": c.n_query}

    def results(self, trained, evaluations):
        """Collect accuracies, the data they are based on, and the learned α."""
        return {
            "data": {
                **{name: repr(tasks) for name, tasks in self.tasks.items()},
                "joint training": repr(self.all_classes),
            },
            "n_query": self.config.n_query,
            "learners": {name: repr(each.learner) for name, each in trained.items()},
            "accuracy": {
                name: {"steps": trained[name].steps if name in trained else 0}
                | base.by_steps(found)
                for name, found in evaluations.items()
            },
            "alpha": base.alpha_by_block(trained["Meta-SGD"]),
        }

    def figures(self, trained, evaluations):
        """Draw tasks with answers, accuracies, learning curves, α and characters."""
        c = self.config
        learner, w, steps, _ = trained["Meta-SGD"]
        rng = random_stream(c.seed, "figure")
        batch = self.tasks["test"].sample(rng, 3, c.shots, min(2, c.n_query))
        path = adapt(self.net, *learner.unpack(w), batch.X_s, batch.Y_s, steps)
        F = self.net.forward(path[[0, -1]], batch.X_q)  # (2, T, N, O)
        title = f"{c.ways}-way {c.shots}-shot, {c.data}"
        states = {name: trained[name].state for name in ("Meta-SGD", "MAML")}
        return {
            "tasks": plots.answered_tasks(batch, *F.argmax(-1), c.ways),
            "accuracy_by_steps": plots.accuracy_by_steps(evaluations, title),
            "learning_curves": plots.learning_curves(states, "query loss (nats)"),
            "alpha": plots.alpha_images(self.net, learner.unpack(w)[1]),
            "characters": plots.contact_sheet(self.tasks["test"].characters),
        }

    @staticmethod
    def table(results):
        """Format the results, with published figures where the setting has any."""
        c = results["configuration"]
        images = "normalised" if c["normalise"] else "as drawn"
        rows = [("", "accuracy (%)", "steps", "before")]
        for name, found in results["accuracy"].items():
            mean, interval = found["mean_by_steps"], found["interval_by_steps"]
            steps = found["steps"]
            cell = base.format_interval(100 * mean[steps], 100 * interval[steps], 1)
            before = f"{100 * mean[0]:.1f}" if steps else ""
            rows.append((name, cell, f"{steps or ''}", before))
        if c["data"] == "omniglot" and c["ways"] == 5 and not c["normalise"]:
            for name, cell in OMNIGLOT_ACCURACY.get(c["shots"], {}).items():
                rows.append((f"{name} (published)", cell, "", ""))
        return TABLE.format(
            images=images,
            queries=c["ways"] * results["n_query"],
            rows=base.format_table(rows),
            **c,
        )

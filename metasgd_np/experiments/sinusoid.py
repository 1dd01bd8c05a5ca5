"""The experiment `sinusoid`: Meta-SGD, MAML and joint training on sine waves."""

from dataclasses import dataclass
from typing import ClassVar

from .. import plots
from ..learners import JointTraining, MetaSGD
from ..network import TwoLayerNet
from ..tasks import Sinusoids
from ..training import evaluate, random_stream
from . import base
from .published import MARKS, SINUSOID_MSE

TEST_SHOTS = (5, 10, 20)
TEST_STEPS = 10
ALPHAS = {  # fixed step sizes to choose from on validation tasks
    "MAML": (0.01, 0.02, 0.04),
    "joint training": (0.001, 0.003, 0.01, 0.03),
}

TABLE = """\
Test MSE after one step on a new curve (trained on {shots}-shot tasks; mean ± 95 %
interval over {n_test:,} curves; the paper's over 100):

{rows}

  {marks}
  The paper's network is 1-40-40-1 ReLU, this one 1-64-1 tanh. With two layers and one
  step size for all parameters, MAML stays far above its published figures.

MAML's step size, {maml}, and that of joint training, {joint}, are the best of a few on
validation tasks; Meta-SGD learned its own, and these turned negative:
{negative}."""


@dataclass(frozen=True)
class SinusoidConfig(base.Config):
    """Adam with cosine decay, meta-batches of 25 tasks and a 1-64-1 tanh network."""

    PRESETS: ClassVar[dict] = {"quick": {"iterations": 300, "n_test": 100}}

    iterations: int = base.option(15_000, "training iterations per learner", least=1)
    shots: int = base.option(
        10, "support points per training task", least=1, most=10_000
    )

    hidden: int = 64
    meta_batch: int = 25
    n_query: int = 10
    rate: float = 3e-3
    n_test: int = 1_000


class SinusoidExperiment(base.Experiment):
    """Meta-SGD, MAML and joint training on the same sine waves, tested on new ones.

    MAML's step size and the rate at which joint training is fine-tuned are the best of
    ALPHAS on validation tasks; MAML's candidates are compared after a fifth of the
    iterations. The test tasks are drawn from a stream of their own.
    """

    name = "sinusoid"
    summary = "sine-wave regression: Meta-SGD, MAML and joint training"
    duration = "1 min"
    description = (
        "Train Meta-SGD, MAML and joint training on sine waves, test them on new "
        "ones, and write results.json, four figures and checkpoints."
    )
    Config = SinusoidConfig

    def __init__(self, config, out=None, resume=False, progress=True):
        super().__init__(config, out, resume, progress)
        self.net = TwoLayerNet(1, config.hidden, 1)
        # Single precision trains about twice as fast; test MSEs agree to three digits.
        self.tasks = Sinusoids(dtype="float32")

    def train(self):
        """Train the three learners, and candidates for MAML's α."""
        meta_sgd = self.fit("meta-sgd", MetaSGD(self.net), self.tasks)
        maml = self.fit_maml(self.net, ALPHAS["MAML"], self.tasks)
        joint = self.fit("joint-training", JointTraining(self.net), self.tasks)
        candidates = [
            joint._replace(learner=JointTraining(self.net, a))
            for a in ALPHAS["joint training"]
        ]
        return {
            "Meta-SGD": meta_sgd,
            "MAML": maml,
            "joint training": self.best(candidates, [1]),
        }

    def best(self, candidates, steps):
        """Return the candidate with the lowest validation loss after its steps."""
        shots = self.config.shots
        found = [self.judge(c, "validate", shots, max(steps)) for c in candidates]
        return base.choose_best(candidates, found, steps)

    def judge(self, trained: base.Trained, stream, shots, steps):
        """Measure query losses on new curves, the same ones for every learner."""
        return evaluate(
            trained.learner,
            trained.w,
            self.tasks,
            random_stream(self.config.seed, stream, shots),
            shots=shots,
            n_tasks=self.config.n_test,
            steps=steps,
        )

    def evaluate(self, trained):
        """Measure test losses, {name: {shots: Evaluation}}."""
        return {
            name: {k: self.judge(each, "test", k, TEST_STEPS) for k in TEST_SHOTS}
            for name, each in trained.items()
        }

    def results(self, trained, evaluations):
        """Collect test losses, step sizes and the learned α."""
        return {
            "learners": {name: repr(each.learner) for name, each in trained.items()},
            "step_sizes": {name: trained[name].learner.alpha for name in ALPHAS},
            "test_mse": {
                name: {f"{k}-shot": base.by_steps(e) for k, e in by_shots.items()}
                for name, by_shots in evaluations.items()
            },
            "alpha": base.alpha_by_block(trained["Meta-SGD"]),
        }

    def figures(self, trained, evaluations):
        """Draw fits, losses by steps, α and learning curves."""
        shots = self.config.shots
        judged = min(TEST_SHOTS, key=lambda k: abs(k - shots))
        learner, w, *_ = trained["Meta-SGD"]
        rng = random_stream(self.config.seed, "figure")
        models = {name: (each.learner, each.w) for name, each in trained.items()}
        losses = {name: by_shots[judged] for name, by_shots in evaluations.items()}
        states = {name: each.state for name, each in trained.items()}
        return {
            "fits": plots.fits(models, self.tasks, rng, shots),
            "mse_by_steps": plots.mse_by_steps(losses, judged),
            "alpha": plots.alpha_by_block(
                self.net, learner.unpack(w)[1], learner.alpha_start
            ),
            "learning_curves": plots.learning_curves(states),
        }

    @staticmethod
    def table(results):
        """Format the results, with the paper's figures beside them."""
        c, sizes = results["configuration"], results["step_sizes"]
        negative = ", ".join(
            f"{name} {block['negative']} of {block['entries']}"
            for name, block in results["alpha"].items()
        )
        return TABLE.format(
            shots=c["shots"],
            n_test=c["n_test"],
            rows=base.format_table(table_rows(results)),
            marks=MARKS,
            maml=sizes["MAML"],
            joint=sizes["joint training"],
            negative=negative,
        )


def table_rows(results):
    """Yield the table's cells, row by row: a header, our learners, the paper's."""
    yield "", *(f"{k}-shot" for k in TEST_SHOTS)
    for name, by_shots in results["test_mse"].items():
        cells = [by_shots[f"{k}-shot"] for k in TEST_SHOTS]
        pairs = [(c["mean_by_steps"][1], c["interval_by_steps"][1]) for c in cells]
        yield name, *(base.format_interval(*pair) for pair in pairs)
    paper = SINUSOID_MSE.get(results["configuration"]["shots"], {})
    for name, cells in paper.items():
        yield f"{name}, paper", *cells

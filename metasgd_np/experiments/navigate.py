"""The experiment `navigate`: Meta-SGD and MAML learn to reach unseen goals."""

from dataclasses import dataclass
from typing import ClassVar

from .. import plots
from ..checkpoints import Checkpoint
from ..deep_net import DeepNet
from ..learners import MAML, MetaSGD
from ..reinforcement.navigation import STARTS, Navigation
from ..reinforcement.policy import GaussianPolicy
from ..reinforcement.rollouts import (
    act_and_adapt,
    evaluate_policy,
    reference_returns,
)
from ..reinforcement.training import train_policy
from ..reinforcement.trpo import TRPO
from ..training import Evaluation, random_stream
from . import base
from .published import MAML_NAVIGATION, MARKS, NAVIGATION_RETURN

STEP_SCALES = (1, 0.5, 0.5)  # of α, at the first step and those after it

TABLE = """\
Return on a new task, {start} start, before and after steps on {trajectories}
trajectories each (mean ± 95 % interval over {n_test} tasks, one seed):

{rows}

  {marks}
  Meta-SGD's paper states neither horizon nor discount, nor whether its returns are
  discounted; here {horizon} steps (MAML: 100 [1]) and {discount}.
  Both learners train for one step. Steps two and three take half of α, as in MAML's
  published evaluation."""


@dataclass(frozen=True)
class NavigationConfig(base.Config):
    """20 tasks per iteration, 20 trajectories before and after the step: the paper's.

    `full` adds the paper's 2-100-100-2 ReLU network and 100 iterations. More than 25
    gained Meta-SGD nothing on validation tasks: s keeps falling, and the rollouts
    before the step explore less of the plane. MAML, being slower, gains until 50.
    """

    PRESETS: ClassVar[dict] = {
        "quick": {"iterations": 3, "meta_batch": 5, "n_test": 20, "n_drawn": 20},
        "full": {
            "iterations": 100,
            "activation": "relu",
            "sizes": (2, 100, 100, 2),
        },
    }

    start: str = base.option(
        "fixed", "where trajectories start: the origin, or varying", choices=STARTS
    )
    iterations: int = base.option(25, "training iterations per learner", least=1)
    full: bool = base.option(False, "the paper's network and iterations")

    sizes: tuple = (2, 40, 2)
    activation: str = "tanh"
    meta_batch: int = 20
    trajectories: int = 20
    horizon: int = 100
    discount: float = 0.99
    gae_lambda: float = 0.9
    alpha: float = 0.1  # MAML's step size; where Meta-SGD's α starts
    max_kl: float = 0.03  # falls to 0 along half a cosine
    damping: float = 1e-2
    thin: int = 8
    n_test: int = 600
    n_drawn: int = 100  # tasks in the figures


class NavigationExperiment(base.Experiment):
    """Meta-SGD and MAML on the same tasks, tested on new ones beside two references."""

    name = "navigate"
    summary = "2-D navigation: Meta-SGD and MAML by policy gradients"
    duration = "1 min"
    description = (
        "Train Meta-SGD and MAML to reach goals that they cannot see, test them on "
        "new ones, and write results.json, four figures and checkpoints."
    )
    Config = NavigationConfig

    def __init__(self, config, out=None, resume=False, progress=True):
        super().__init__(config, out, resume, progress)
        c = config
        self.policy = GaussianPolicy(DeepNet(c.sizes, c.activation))
        # Single precision makes rollouts and training about twice as fast.
        self.world = Navigation(c.start, c.horizon, dtype="float32")
        self.acting = {
            "trajectories": c.trajectories,
            "discount": c.discount,
            "gae_lambda": c.gae_lambda,
        }

    def train(self):
        """Train both learners."""
        alpha = self.config.alpha
        return {
            "Meta-SGD": self.fit_policy(
                "meta-sgd", MetaSGD(self.policy, (alpha, alpha))
            ),
            "MAML": self.fit_policy("maml", MAML(self.policy, alpha)),
        }

    def fit_policy(self, name, learner):
        """Train a learner, with a checkpoint of its own; return it Trained."""
        c = self.config
        self.announce(f"{name}: {c.iterations} iterations")
        with Checkpoint(self.out / f"{name}.npz", self.resume) as run:
            state = train_policy(
                learner,
                self.world,
                TRPO(c.max_kl, damping=c.damping, thin=c.thin),
                iterations=c.iterations,
                meta_batch=c.meta_batch,
                **self.acting,
                cosine_decay=True,
                seed=c.seed,
                start_from=run.latest,
                after_block=run.keep,
                progress=self.progress,
            )
        return base.Trained(learner, state.w, 1, state)

    def evaluate(self, trained):
        """Measure returns on the same new tasks, plain and discounted, by name.

        References are random actions and an oracle that knows the goal.
        """
        c = self.config
        found = {"returns": {}, "discounted_returns": {}}
        for name, each in trained.items():
            both = evaluate_policy(
                each.learner,
                each.w,
                self.world,
                c.seed,
                "test",
                n_tasks=c.n_test,
                step_scales=STEP_SCALES,
                **self.acting,
            )
            for kind, evaluation in zip(found, both, strict=True):
                found[kind][name] = evaluation
        references = reference_returns(self.world, c.seed, "test", c.n_test)
        return found | {"references": references}

    def results(self, trained, evaluations):
        """Collect returns, references and the learned α."""
        ours, maml = (e.scores for e in evaluations["returns"].values())  # (J+1, T)
        return {
            "learners": {name: repr(each.learner) for name, each in trained.items()},
            "step_scales": STEP_SCALES,
            **{
                kind: {name: base.by_steps(e, 4) for name, e in by_name.items()}
                for kind, by_name in evaluations.items()
            },
            "difference": base.by_steps(Evaluation(ours - maml), 4),
            "published": NAVIGATION_RETURN[self.config.start],
            "alpha": base.alpha_by_block(trained["Meta-SGD"]),
        }

    def figures(self, trained, evaluations):
        """Draw rollouts, where they settle, returns by steps and learning curves."""
        c = self.config
        tasks = self.world.sample(random_stream(c.seed, "figure"), c.n_drawn)
        rollouts = {}  # {name: [Trajectories before, after one step]}
        for name, (learner, w, *_) in trained.items():
            theta, alpha = learner.unpack(w)
            rng = random_stream(c.seed, "figure", 1)
            rollouts[name], _ = act_and_adapt(
                self.policy, theta, [alpha], self.world, tasks, rng, **self.acting
            )
        first = {name: [t[:3] for t in pair] for name, pair in rollouts.items()}
        states = {name: each.state for name, each in trained.items()}
        references = evaluations["references"]
        return {
            "trajectories": plots.trajectories(first, tasks[:3]),
            "landing": plots.landing(rollouts, tasks),
            "returns_by_steps": plots.returns_by_steps(
                evaluations["returns"], references
            ),
            "learning_curves": plots.return_curves(states),
        }

    @staticmethod
    def table(results):
        """Format the results, with the published figures beside them."""
        c = results["configuration"]
        return TABLE.format(
            rows=base.format_table(table_rows(results)), marks=MARKS, **c
        )


def table_rows(results):
    """Yield the table's cells: a header, learners, references, published figures."""
    yield "", "before", "1 step", "2 steps", "3 steps"
    yield from learner_rows(results["returns"])
    yield from learner_rows({"Meta-SGD − MAML, by task": results["difference"]})
    yield from learner_rows(results["discounted_returns"], ", discounted")
    for name, found in results["references"].items():
        mean, interval = found["mean_by_steps"], found["interval_by_steps"]
        yield name, base.format_interval(mean[0], interval[0]), "", "", ""
    for name, cell in results["published"].items():
        yield f"{name}, Meta-SGD's paper", "", cell, "", ""
    if results["configuration"]["start"] == "fixed":
        yield "MAML, its own paper", *MAML_NAVIGATION


def learner_rows(found, note=""):
    """Yield a row of returns by steps for each of {name: result of `by_steps`}."""
    for name, cell in found.items():
        pairs = zip(cell["mean_by_steps"], cell["interval_by_steps"], strict=True)
        yield name + note, *(base.format_interval(*pair) for pair in pairs)

"""The experiment behind `navigate`: Meta-SGD and MAML learn to walk to unseen goals."""

import sys
import time
from dataclasses import dataclass

from .. import checkpoints
from ..checks import choose, whole_number
from ..deep_net import DeepNet
from ..learners import MAML, MetaSGD
from ..plots import navigation as plots
from ..reinforcement.navigation import STARTS, Navigation
from ..reinforcement.policy import GaussianPolicy
from ..reinforcement.rollouts import act_and_adapt, evaluate_policy, reference_returns
from ..reinforcement.training import train_policy
from ..reinforcement.trpo import TRPO
from ..training import Evaluation, random_stream
from .base import Experiment, versions
from .navigate_report import PAPER, by_steps

STEP_SCALES = (1, 0.5, 0.5)  # of α, at the first step and those after it


@dataclass(frozen=True)
class NavigationConfig:
    """What `navigate` runs; the command line sets the first five.

    20 tasks an iteration and 20 trajectories before and after the step are the
    paper's, and so are, with `full`, the network 2-100-100-2 ReLU and 100 iterations.
    More than 25 gained Meta-SGD nothing on validation tasks: s goes on falling, and
    the walks before the step see less of the plane. MAML, slower, gains until 50.
    """

    start: str = "fixed"
    iterations: int = 25
    seed: int = 0
    quick: bool = False
    full: bool = False
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

    @classmethod
    def from_options(cls, start, iterations, seed, quick, full):
        """The configuration of a command line; None means the default."""
        choose("start", start, STARTS)
        values = {"start": start, "seed": whole_number("--seed", seed, 0)}
        if quick and full:
            raise ValueError(
                "--quick and --full contradict each other; leave out one of them"
            )
        if quick:
            values |= {"quick": True, "iterations": 3, "meta_batch": 5}
            values |= {"n_test": 20, "n_drawn": 20}
        if full:
            values |= {"full": True, "iterations": 100, "activation": "relu"}
            values |= {"sizes": (2, 100, 100, 2)}
        if iterations is not None:
            values["iterations"] = whole_number("--iterations", iterations, 1)
        return cls(**values)


class NavigationExperiment(Experiment):
    """Meta-SGD and MAML on the same tasks, judged on new ones beside two references."""

    def __init__(self, config, out, resume=False, progress=True):
        super().__init__(config, out, resume, progress)
        self.policy = GaussianPolicy(DeepNet(config.sizes, config.activation))
        # Single precision acts and trains about twice as fast.
        self.world = Navigation(config.start, config.horizon, dtype="float32")
        names = ("trajectories", "discount", "gae_lambda")
        self.acting = {name: getattr(config, name) for name in names}

    def run(self):
        """Train, evaluate, write results.json and the figures; return the results."""
        started = time.perf_counter()
        c = self.config
        learners = {
            "Meta-SGD": MetaSGD(self.policy, (c.alpha, c.alpha)),
            "MAML": MAML(self.policy, c.alpha),
        }
        trained = {name: (lr, self.train(name, lr)) for name, lr in learners.items()}
        evaluations = {
            name: self.evaluate(*learned) for name, learned in trained.items()
        }
        references = reference_returns(self.world, c.seed, "test", c.n_test)
        plain = {name: both[0] for name, both in evaluations.items()}
        results = self.results(trained, evaluations, references)
        results["seconds"] = round(time.perf_counter() - started, 1)
        self.write(results, self.figures(trained, plain, references))
        return results

    def train(self, name, learner):
        """The TrainingState after training, with a checkpoint called `name`."""
        c = self.config
        if self.progress:
            print(f"{name}: {c.iterations} iterations", file=sys.stderr)
        return checkpoints.train_and_save(
            self.out / f"{name.lower()}.npz",
            learner,
            self.world,
            TRPO(c.max_kl, damping=c.damping, thin=c.thin),
            run=train_policy,
            resume=self.resume,
            iterations=c.iterations,
            meta_batch=c.meta_batch,
            **self.acting,
            cosine_decay=True,
            seed=c.seed,
            progress=self.progress,
        )

    def evaluate(self, learner, state):
        """Returns on new tasks; every learner gets the same ones."""
        c = self.config
        return evaluate_policy(
            learner,
            state.w,
            self.world,
            c.seed,
            "test",
            n_tasks=c.n_test,
            step_scales=STEP_SCALES,
            **self.acting,
        )

    def figures(self, trained, evaluations, references):
        """The four figures by name."""
        tasks, drawn = self.walks(trained)
        some = {name: [t[:3] for t in pair] for name, pair in drawn.items()}
        states = {name: state for name, (_, state) in trained.items()}
        return {
            "trajectories": plots.trajectories(some, tasks[:3]),
            "landing": plots.landing(drawn, tasks),
            "returns_by_steps": plots.returns_by_steps(evaluations, references),
            "learning_curves": plots.learning_curves(states),
        }

    def walks(self, trained):
        """Tasks for the figures, and {name: [Trajectories before, after one step]}."""
        c = self.config
        tasks = self.world.sample(random_stream(c.seed, "figure"), c.n_drawn)
        drawn = {}
        for name, (learner, state) in trained.items():
            theta, alpha = learner.unpack(state.w)
            rng = random_stream(c.seed, "figure", 1)
            drawn[name], _ = act_and_adapt(
                self.policy,
                theta,
                [alpha],
                self.world,
                tasks,
                rng,
                **self.acting,
            )
        return tasks, drawn

    def results(self, trained, evaluations, references):
        """Everything worth keeping, as plain numbers for results.json."""
        learner, state = trained["Meta-SGD"]
        blocks = self.policy.blocks(learner.unpack(state.w)[1])
        one, other = (plain for plain, _ in evaluations.values())  # of the same tasks
        return {
            "command": "navigate",
            "configuration": vars(self.config),
            "versions": versions(),
            "learners": {name: repr(lr) for name, (lr, _) in trained.items()},
            "step_scales": STEP_SCALES,
            **{
                kind: {name: by_steps(both[i]) for name, both in evaluations.items()}
                for i, kind in enumerate(("returns", "discounted_returns"))
            },
            "difference": by_steps(Evaluation(one.scores - other.scores)),
            "references": {
                name: {
                    "mean": round(float(-e.mean[0]), 4),
                    "interval": round(float(e.interval[0]), 4),
                }
                for name, e in references.items()
            },
            "published": PAPER[self.config.start],
            "alpha": {
                name: {
                    "entries": int(values.size),
                    "negative": int((values < 0).sum()),
                    "mean": round(float(values.mean()), 6),
                }
                for name, values in blocks.items()
            },
        }

"""One cell of table 1: the networks, the methods, and the computation.

A cell is one training run: one learner, one number of shots and one seed, tested on 5,
10 and 20 shots. Its settings are plain numbers and text, so any process can
compute it. Test curves differ from seed to seed; within a seed they are the same for
every learner.
"""

import time
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

from ..deep_net import DeepNet
from ..interface import Network
from ..learners import MAML, JointTraining, MetaSGD, Reptile
from ..network import TwoLayerNet
from ..optimizers import SGD, Adam, AdamW
from ..tasks import Sinusoids
from ..training import Evaluation, evaluate, random_stream, train
from . import base
from .sinusoid import ALPHAS, TEST_SHOTS

METHODS = {
    "meta-sgd": "Meta-SGD",
    "maml": "MAML",
    "first-order-meta-sgd": "first-order Meta-SGD",
    "fomaml": "first-order MAML",
    "reptile": "Reptile",
    "joint": "joint training",
}
FIRST_ORDER = {"meta-sgd": "first-order-meta-sgd", "maml": "fomaml"}
LEARNS_ALPHA = ("meta-sgd", "first-order-meta-sgd")
REPTILE_ALPHA, REPTILE_STEPS, REPTILE_RATE = 0.02, 5, 0.5
# Single precision trains about twice as fast; test MSEs agree to three digits.
TASKS = Sinusoids(dtype="float32")


class SpreadNet(TwoLayerNet):
    """A TwoLayerNet with spread-out initial units: b1 = −c w for W1 = w (1, H).

    With biases of zero every unit φ(w x + b1) = φ(w (x − c)) starts centred at c = 0;
    here c is uniform over `places` (low, high), the range of the inputs. D must be 1.
    """

    def __init__(self, *args, places=(-5.0, 5.0), **options):
        super().__init__(*args, **options)
        self.places = places

    def __repr__(self):
        inner = super().__repr__().removeprefix("TwoLayerNet(").removesuffix(")")
        return f"SpreadNet({inner}, places={self.places})"

    def init(self, rng):
        """Draw θ (P,) as a TwoLayerNet does, except for b1."""
        theta = super().init(rng)
        W1, _ = self.unpack(theta)  # (2, H): w, b1
        W1[1] = -W1[0] * rng.uniform(*self.places, self.n_hidden)
        return theta


@dataclass(frozen=True)
class Setting:
    """A network of the table and how it is trained, chosen on validation curves.

    alpha_decay is the weight decay of a learned α (AdamW): large entries fit the shots
    of a task closely, which overfits most where there are few.
    """

    net: Network
    label: str
    iterations: int
    meta_batch: int
    rate: float = 1e-2
    alpha_decay: float = 0.0


SETTINGS = {
    "two-layer": Setting(
        SpreadNet(1, 64, 1), "1-64-1 tanh", 80_000, 100, alpha_decay=0.1
    ),
    "deep": Setting(DeepNet((1, 40, 40, 1)), "1-40-40-1 tanh", 10_000, 25),
    "paper": Setting(
        DeepNet((1, 40, 40, 1), "relu"), "1-40-40-1 ReLU", 20_000, 25, rate=3e-3
    ),
}


def compute_cell(settings: dict) -> dict:
    """Train and test one cell of `sweep_cells`, as its settings say.

    Returns {"mse": {shots: {curves: [mean, half-width of the 95 % interval]}},
    "alpha": {…}, "seconds": number}, which JSON can hold.
    """
    started = time.perf_counter()
    trained = train_cell(settings)
    mse = {f"{k}": score_cell(settings, trained, k) for k in TEST_SHOTS}
    alpha = base.summarise_alpha(trained.learner.unpack(trained.w)[1])
    seconds = round(time.perf_counter() - started, 1)
    return {"mse": mse, "alpha": alpha, "seconds": seconds}


def check_result(path: Path, settings: dict, result: dict) -> None:
    """Raise ValueError unless a saved result is one that `compute_cell` returns."""
    try:
        losses = [
            float(number)
            for shots in TEST_SHOTS
            for curves in settings["n_test"]
            for number in result["mse"][f"{shots}"][f"{curves}"]
        ]
        numbers = [
            *losses,
            float(result["seconds"]),
            *map(float, result["alpha"].values()),
        ]
        whole = len(losses) == 2 * len(TEST_SHOTS) * len(settings["n_test"])
    except (KeyError, TypeError, ValueError, AttributeError):
        whole, numbers = False, []
    positive = [*losses, result["seconds"]] if whole else [-1]
    if not (all(map(isfinite, numbers)) and min(positive) >= 0):
        raise ValueError(
            f"{path} was altered and no longer holds the losses of a training run; "
            "delete it, and --resume computes it again"
        )


def train_cell(settings: dict) -> base.Trained:
    """Train as the settings say; a fixed α is chosen on validation curves.

    MAML's θ depends on its α, so each candidate trains for a fifth of the iterations;
    Reptile and joint training choose α for fine-tuning after training.
    """
    s = settings
    net, method, steps = SETTINGS[s["net"]].net, s["method"], s["inner_steps"]
    order = 1 if method in FIRST_ORDER.values() else 2
    if method in LEARNS_ALPHA:
        learner = MetaSGD(
            net,
            alpha_start=s["alpha_start"],
            inner_steps=steps,
            order=order,
            alpha_shape=s["alpha_shape"],
        )
        return base.Trained(learner, run(s, learner), steps)
    if method in ("maml", "fomaml"):
        short = max(1, s["iterations"] // 5)
        learners = [MAML(net, a, steps, order) for a in ALPHAS["MAML"]]
        candidates = [base.Trained(m, run(s, m, short), steps) for m in learners]
        learner = best(s, candidates).learner
        return base.Trained(learner, run(s, learner), steps)
    if method == "reptile":
        learner = Reptile(net, REPTILE_ALPHA, REPTILE_STEPS)
    else:
        learner = JointTraining(net)
    w = run(s, learner)
    alphas = ALPHAS["joint training"]
    return best(s, [base.Trained(replace(learner, alpha=a), w, steps) for a in alphas])


def run(settings, learner, iterations=None):
    """Train the learner on the seed's training stream; return w."""
    s = settings
    optimizer = Adam(s["rate"])
    if isinstance(learner, Reptile):
        optimizer = SGD(REPTILE_RATE)
    elif s["alpha_decay"] > 0:
        optimizer = AdamW(s["rate"], decay=(0.0, s["alpha_decay"]))
    return train(
        learner,
        TASKS,
        optimizer,
        iterations=s["iterations"] if iterations is None else iterations,
        shots=s["shots"],
        n_query=s["n_query"],
        meta_batch=s["meta_batch"],
        cosine_decay=True,
        seed=s["seed"],
        progress=False,
    ).w


def best(settings, candidates):
    """Return the candidate with the lowest loss on validation curves."""
    shots, n_tasks = settings["shots"], settings["n_validate"]
    found = [judge(settings, c, "validate", shots, n_tasks) for c in candidates]
    return base.choose_best(candidates, found, [settings["inner_steps"]])


def judge(
    settings: dict, trained: base.Trained, stream: str, shots: int, n_tasks: int
) -> Evaluation:
    """Measure query losses on the curves of a stream, after 0, 1, …, J steps."""
    return evaluate(
        trained.learner,
        trained.w,
        TASKS,
        random_stream(settings["seed"], stream, shots),
        shots=shots,
        n_tasks=n_tasks,
        steps=trained.steps,
    )


def score_cell(settings, trained, shots):
    """Return {curves: [mean, interval]}; smaller counts use the first curves."""
    sizes = settings["n_test"]
    scores = judge(settings, trained, "test", shots, max(sizes)).scores
    found = {f"{n}": Evaluation(scores[-1, :n]) for n in sizes}
    return {
        n: [round(float(x), 6) for x in (e.mean, e.interval)] for n, e in found.items()
    }


def label(settings: dict) -> str:
    """Name a cell's row of the table."""
    tied = {None: "", "entry": "", "block": ", one α per block"}
    tied["scalar"] = ", one α in all"
    name = METHODS[settings["method"]] + tied[settings["alpha_shape"]]
    steps = settings["inner_steps"]
    return name if steps == 1 else f"{name}, J = {steps}"


def cell_name(settings):
    """Name a cell's file by what distinguishes it within its run."""
    s = settings
    parts = [s["net"], s["method"], f"{s['shots']}-shot", f"seed-{s['seed']}"]
    if s["alpha_shape"] not in (None, "entry"):
        parts.append(f"alpha-{s['alpha_shape']}")
    if s["inner_steps"] != 1:
        parts.append(f"steps-{s['inner_steps']}")
    return "_".join(parts)

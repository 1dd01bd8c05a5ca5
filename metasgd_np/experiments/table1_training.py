"""One cell of the table: train a learner, choose what is not learned, test it."""

import time
from dataclasses import replace

import numpy as np

from ..learners import MAML, JointTraining, MetaSGD, Reptile
from ..optimizers import SGD, Adam, AdamW
from ..tasks import Sinusoids
from ..training import evaluate, random_stream, train
from .base import ALPHAS, TEST_SHOTS
from .table1_cells import LEARNS_ALPHA, SETTINGS

REPTILE_ALPHA, REPTILE_STEPS, REPTILE_RATE = 0.02, 5, 0.5
FIRST_ORDER = ("first-order-meta-sgd", "fomaml")
# Single precision trains about twice as fast; test MSEs agree to three digits.
TASKS = Sinusoids(dtype="float32")


def compute_cell(settings):
    """Train as `settings` say; test MSEs, α and the time taken, as plain numbers.

    Returns {"mse": {shots: {curves: [mean, half-width of the 95 % interval]}},
    "alpha": {…}, "seconds": number}, a dict of what JSON can hold.
    """
    started = time.perf_counter()
    learner, w = trained(settings)
    mse = {f"{shots}": tested(settings, learner, w, shots) for shots in TEST_SHOTS}
    alpha = learner.unpack(w)[1].astype(float)  # (P,)
    summary = {"mean": alpha.mean(), "min": alpha.min(), "max": alpha.max()}
    summary = {name: float(f"{value:.6g}") for name, value in summary.items()}
    summary |= {"entries": alpha.size, "negative": int((alpha < 0).sum())}
    seconds = round(time.perf_counter() - started, 1)
    return {"mse": mse, "alpha": summary, "seconds": seconds}


def trained(settings):
    """The (learner, w) after training; a fixed α is the best on validation curves.

    MAML learns for its α, so each candidate is trained for a fifth of the iterations;
    Reptile and joint training choose the α of their fine-tuning once trained.
    """
    s = settings
    net, method = SETTINGS[s["net"]].net, s["method"]
    order = 1 if method in FIRST_ORDER else 2
    if method in LEARNS_ALPHA:
        learner = MetaSGD(
            net,
            alpha_start=s["alpha_start"],
            inner_steps=s["inner_steps"],
            order=order,
            alpha_shape=s["alpha_shape"],
        )
        return learner, run(settings, learner)
    if method in ("maml", "fomaml"):
        short = max(1, s["iterations"] // 5)
        learners = [MAML(net, a, s["inner_steps"], order) for a in ALPHAS["MAML"]]
        learner, _ = best(settings, [(m, run(settings, m, short)) for m in learners])
        return learner, run(settings, learner)
    if method == "reptile":
        learner = Reptile(net, REPTILE_ALPHA, REPTILE_STEPS)
    else:
        learner = JointTraining(net)
    w = run(settings, learner)
    candidates = [(replace(learner, alpha=a), w) for a in ALPHAS["joint training"]]
    return best(settings, candidates)


def run(settings, learner, iterations=None):
    """w after training the learner on the training stream of the seed."""
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
    """The (learner, w) with the lowest loss on validation curves."""
    shots, n_tasks = settings["shots"], settings["n_validate"]

    def validation_loss(candidate):
        losses = judged(settings, *candidate, "validate", shots, n_tasks).mean()
        return losses if np.isfinite(losses) else np.inf

    return min(candidates, key=validation_loss)


def judged(settings, learner, w, stream, shots, n_tasks):
    """Query losses (n_tasks,) on the curves of a stream, after the cell's J steps."""
    rng = random_stream(settings["seed"], stream, shots)
    steps = settings["inner_steps"]
    options = {"shots": shots, "n_tasks": n_tasks, "steps": steps}
    return evaluate(learner, w, TASKS, rng, **options).scores[-1]


def tested(settings, learner, w, shots):
    """{curves: [mean, interval]}; a protocol's curves are the first of the largest."""
    sizes = settings["n_test"]
    scores = judged(settings, learner, w, "test", shots, max(sizes))
    mse = {}
    for n in sizes:
        half = 1.96 * scores[:n].std(ddof=1) / np.sqrt(n)
        mse[f"{n}"] = [round(float(x), 6) for x in (scores[:n].mean(), half)]
    return mse

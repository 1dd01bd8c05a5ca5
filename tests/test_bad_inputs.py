"""Bad inputs over the whole library: none is silent, each error is one sentence.

Each entry is a call and a word that its message must hold: what came or what was
expected. Labels 1 … 5, masks, classes for objects and the like are mistakes that NumPy
would broadcast, convert or fail on without a reason.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from metasgd_np import (
    MAML,
    SGD,
    Adam,
    DeepNet,
    JointTraining,
    MetaSGD,
    Reptile,
    Sinusoids,
    TaskBatch,
    TwoLayerNet,
    Worksheet,
    adapt,
    agreement,
    evaluate,
    gradcheck,
    hessian,
    hvp,
    meta_gradient,
    plots,
    train,
)
from metasgd_np.checkpoints import Checkpoint, load, save
from metasgd_np.classroom import mark_sheets, write_sheets
from metasgd_np.experiments.baselines import (
    AllClasses,
    logistic_regression,
    nearest_neighbour,
    new_last_layer,
)
from metasgd_np.optimizers import AdamW
from metasgd_np.reinforcement import TRPO, GaussianPolicy, Navigation, train_policy
from metasgd_np.reinforcement.gaussian_loss import policy_targets
from metasgd_np.reinforcement.rollouts import evaluate_policy, reference_returns
from metasgd_np.tasks import Characters, FewShot
from metasgd_np.tasks.images import normalise
from metasgd_np.tasks.omniglot import load_omniglot
from metasgd_np.training import TrainingState, accuracy, random_stream

pytestmark = pytest.mark.filterwarnings("error")

RNG = np.random.default_rng(0)
NET = TwoLayerNet(2, 3, 3)  # N = O = 3 hides what broadcasting lets through
SIGMOID = TwoLayerNet(2, 3, 1, loss="sigmoid_cross_entropy")
SOFTMAX = TwoLayerNet(2, 3, 5, loss="softmax_cross_entropy")
THETA, ALPHA = NET.init(RNG), np.full(NET.n_params, 0.1)
N, T, P = 5, 4, NET.n_params
X, Y = RNG.standard_normal((2, T, N, 3))
X = X[..., :2]
LABELS = RNG.integers(5, size=(T, N))
BATCH = TaskBatch(X, Y, X, Y)
LEARNERS = (MetaSGD, MAML, Reptile, JointTraining)
POLICY = GaussianPolicy(TwoLayerNet(2, 3, 2))
WORLD, GOALS = Navigation(horizon=3), Navigation().sample(0, 2)
IMAGES = RNG.integers(256, size=(6, 20, 4, 4)).astype(np.uint8)
CHARACTERS = Characters(IMAGES, ["Greek"] * 6)
WAVES, ONE = Sinusoids(), TwoLayerNet(1, 3, 1)
STATE = TrainingState({}, 0, np.zeros((2, ONE.n_params)), (), np.zeros(0))
MASKED = np.ma.masked_array(X, mask=X > 1)
QUIET = {"iterations": 1, "progress": False}


class Tuples:
    """Tasks whose samples are tuples of arrays, no TaskBatch."""

    dtype = "float64"

    def sample(self, rng, n_tasks, shots, n_query):
        return tuple(vars(WAVES.sample(rng, n_tasks, shots, n_query)).values())


def with_entry(A, value):
    """A copy of A whose last entry is `value`."""
    A = np.array(A, object if isinstance(value, str) or value is None else None)
    A[(-1,) * A.ndim] = value
    return A


def objects(A, last):
    """A as an array of objects, the last entry `last`."""
    A = A.astype(object)
    A[(-1,) * A.ndim] = last
    return A


def of(net, labels):
    """A TaskBatch for `net` whose targets are `labels`, support and query."""
    inputs = np.ones((*labels.shape[:2], net.n_in))
    return TaskBatch(inputs, labels, inputs, labels)


def gradient_of(make, net, batch, w=None):
    """Call the gradient of a learner of `net`."""
    learner = make(net)
    return learner.gradient(learner.start(0) if w is None else w, batch)


def update(optimizer=None, **changes):
    """One update of an optimizer with some arguments changed."""
    optimizer = optimizer or Adam()
    w = np.ones((2, 3))
    arguments = {"w": w, "gradient": w, "state": optimizer.start(w), "t": 1}
    return optimizer.step(**(arguments | changes))


def fit(learner=None, tasks=WAVES, optimizer=None, **changes):
    """A run of one iteration with some arguments changed."""
    return train(learner or MAML(ONE), tasks, optimizer, **(QUIET | changes))


def scored(learner=None, w=None, tasks=WAVES, rng=0, **changes):
    """An evaluation of two tasks with some arguments changed."""
    learner = learner or MAML(ONE)
    w = np.zeros((1, ONE.n_params)) if w is None else w
    return evaluate(learner, w, tasks, rng, **({"shots": 2, "n_tasks": 2} | changes))


def learn_policy(learner=None, world=WORLD, optimizer=None, **changes):
    """A run of a policy with some arguments changed."""
    learner, optimizer = learner or MAML(POLICY), optimizer or TRPO()
    return train_policy(learner, world, optimizer, **(QUIET | changes))


CALLS = {
    # class labels and targets that do not fit, for every learner
    **{
        f"{make.__name__}: {name}": (
            lambda make=make, net=net, targets=targets: gradient_of(
                make, net, of(net, targets)
            ),
            word,
        )
        for make in LEARNERS
        for name, net, targets, word in (
            ("labels 1 to 5", SOFTMAX, LABELS % 5 + 1, "labels from"),
            ("label -1", SOFTMAX, LABELS - 1, "labels from -1"),
            ("labels of floats", SOFTMAX, LABELS * 1.0, "integer"),
            ("one-hot labels", SOFTMAX, np.eye(5, dtype=int)[LABELS], "one-hot"),
            ("labels -1 and 1", SIGMOID, 2.0 * (Y[..., :1] > 0) - 1, "0 and 1"),
            ("one target for three", NET, Y[..., :1], r"\(\.\.\., 5, 3\)"),
        )
    },
    **{
        f"{make.__name__}: {name}": (
            lambda make=make, w=w, batch=batch: gradient_of(make, NET, batch, w),
            word,
        )
        for make in LEARNERS
        for name, w, batch, word in (
            ("w with NaN", with_entry(make(NET).start(0), np.nan), BATCH, "nan"),
            ("w with inf", with_entry(make(NET).start(0), np.inf), BATCH, "inf"),
            ("w of another net", make(ONE).start(0), BATCH, "w has shape"),
            ("w of another learner", np.ones((3, P)), BATCH, "w has shape"),
            ("theta alone", THETA, BATCH, "w has shape"),
            ("several w", np.ones((len(make(NET).start(0)), 1, P)), BATCH, "one theta"),
            ("a state", STATE, BATCH, "state.w"),
            ("w masked", np.ma.masked_less(make(NET).start(0), 0), BATCH, "masked"),
            ("no w", "w", BATCH, "must hold numbers"),
            ("a tuple for a batch", None, (X, Y, X, Y), "TaskBatch"),
            ("no batch", None, X, "TaskBatch"),
        )
    },
    # numbers that are none
    "masked X": (lambda: NET.loss(THETA, MASKED, Y), "masked entries; fill it"),
    "masked Y": (lambda: NET.loss(THETA, X, np.ma.masked_less(Y, 0)), "masked"),
    "masked batch": (lambda: TaskBatch(MASKED, Y, X, Y), "X_s .*masked"),
    "masked alpha": (
        lambda: adapt(NET, THETA, np.ma.masked_less(ALPHA, 1), X, Y),
        "alpha .*masked",
    ),
    "masked images": (
        lambda: Characters(np.ma.masked_less(IMAGES, 9), ["a"] * 6),
        "masked",
    ),
    "order True": (lambda: meta_gradient(NET, THETA, ALPHA, BATCH, 1, True), "order"),
    "order 1.0": (lambda: meta_gradient(NET, THETA, ALPHA, BATCH, 1, 1.0), "order"),
    "order an array": (
        lambda: meta_gradient(NET, THETA, ALPHA, BATCH, 1, np.array([1, 2])),
        "order",
    ),
    "alpha True": (lambda: meta_gradient(NET, THETA, True, BATCH), "True and False"),
    "alpha a mask": (lambda: adapt(NET, THETA, ALPHA > 0, X, Y), "True and False"),
    "alpha None": (lambda: meta_gradient(NET, THETA, None, BATCH), "None"),
    "alpha text": (lambda: adapt(NET, THETA, "0.1", X, Y), "numbers"),
    "alpha NaN": (lambda: adapt(NET, THETA, np.nan, X, Y), "nan"),
    "alpha infinite": (lambda: meta_gradient(NET, THETA, np.inf, BATCH), "inf"),
    "theta a mask": (lambda: NET.loss(THETA > 0, X, Y), "True and False"),
    "theta None": (lambda: NET.loss(None, X, Y), "None"),
    "theta a list of None": (lambda: NET.loss([None] * P, X, Y), "None at index"),
    "theta text": (lambda: NET.forward("theta", X), "numbers"),
    "theta a set": (lambda: NET.forward({1, 2}, X), "number"),
    "X ragged": (lambda: NET.loss(THETA, [[1, 2], [3]], Y), "ragged"),
    "Y ragged": (lambda: NET.loss(THETA, X, [[1], [2, 3]]), "ragged"),
    "X with None": (lambda: NET.loss(THETA, objects(X, None), Y), "None at index"),
    "X with text": (lambda: NET.loss(THETA, objects(X, "1"), Y), "'1' at index"),
    "X with NaN among objects": (
        lambda: NET.loss(THETA, objects(X, np.nan), Y),
        "nan at index",
    ),
    "X with a bool among objects": (lambda: NET.loss(THETA, objects(X, True), Y), "Tr"),
    "X with a list": (lambda: NET.loss(THETA, objects(X, []), Y), "at index"),
    "X a dict": (lambda: NET.loss(THETA, {"x": 1}, Y), "number"),
    "X of dates": (lambda: NET.loss(THETA, X.astype("M8[s]"), Y), "dtype datetime"),
    "X with inf": (lambda: NET.loss(THETA, with_entry(X, np.inf), Y), "inf at index"),
    "X empty": (lambda: NET.loss(THETA, X[:0], Y[:0]), "at least 1"),
    "X without examples": (lambda: NET.forward(THETA, X[:, :0]), "at least 1"),
    "Y None": (lambda: NET.loss(THETA, X, None), "None"),
    "fractions in tanh": (
        lambda: NET.loss(np.full(P, Fraction(1, 2)), X, Y),
        "computes with floats",
    ),
    "symbols in a cross-entropy": (
        lambda: TwoLayerNet(2, 3, 1, "square", "sigmoid_cross_entropy").loss(
            np.full(13, sympy.Symbol("x")), X, Y[..., :1] > 0
        ),
        "computes with floats",
    ),
    "an infinite symbol": (
        lambda: NET.loss(np.full(P, sympy.oo), X, Y),
        "oo at index",
    ),
    # shapes that broadcast or are cut
    "unpack too long": (lambda: NET.unpack(np.ones(P + 3)), "P = 21"),
    "unpack a matrix": (lambda: NET.unpack(np.ones((P, 2))), "P = 21"),
    "unpack of a policy": (lambda: POLICY.unpack(np.ones(P)), "P = 19"),
    "pack in the wrong order": (
        lambda: NET.pack(*NET.unpack(THETA)[::-1]),
        "the matrices have shapes",
    ),
    "pack one too few": (lambda: NET.pack(NET.unpack(THETA)[0]), "matrices"),
    "pack of other tasks": (
        lambda: NET.pack(np.ones((2, 3, 3)), np.ones((3, 4, 3))),
        "leading axes",
    ),
    "one-hot labels of N = O": (
        lambda: TwoLayerNet(2, 3, 5, loss="softmax_cross_entropy").loss(
            SOFTMAX.init(0), X[0], np.eye(5, dtype=int)
        ),
        "one-hot",
    ),
    "accuracy of one-hot labels": (
        lambda: accuracy(SOFTMAX, SOFTMAX.init(0), X[0], np.eye(5, dtype=int)),
        "one-hot",
    ),
    "accuracy of a column": (
        lambda: accuracy(SOFTMAX, SOFTMAX.init(0), X[0], LABELS[0][:, None]),
        "one label",
    ),
    "accuracy of floats": (
        lambda: accuracy(SOFTMAX, SOFTMAX.init(0), X[0], LABELS[0] / 2),
        "integer",
    ),
    "v of another number of tasks": (
        lambda: hvp(NET, THETA, X, Y, np.ones((3, P))),
        "disagree",
    ),
    "hessian of tasks": (lambda: hessian(NET, THETA, X, Y), "one task"),
    "theta of each task": (
        lambda: meta_gradient(NET, np.ones((T, P)), ALPHA, BATCH),
        r"one theta \(P,\)",
    ),
    "curves without axes": (lambda: WAVES.curve(np.ones((3, T)), X[..., :1]), "3, T"),
    "curves of other tasks": (
        lambda: WAVES.curve(WAVES.sample_curves(0, 3), X[..., :1]),
        "X has shape",
    ),
    "X without its axis": (
        lambda: WAVES.curve(WAVES.sample_curves(0, T), X[0, :, 0]),
        "X has shape",
    ),
    "weights of other actions": (
        lambda: policy_targets(np.ones((3, 2)), np.ones(1)),
        "one weight per action",
    ),
    "variances of other actions": (
        lambda: policy_targets(np.ones((3, 2)), np.ones(3), np.ones((3, 1))),
        "variances",
    ),
    "sets of different D": (lambda: TaskBatch(X, Y, Y, Y), "same last axis"),
    "sets of different O": (lambda: TaskBatch(X, Y, X, X), "same last axis"),
    "labels and targets": (lambda: TaskBatch(X, LABELS, X, Y), "same last axis"),
    "sets of different T": (lambda: TaskBatch(X, Y, X[1:], Y[1:]), "support sets"),
    "a batch of text": (lambda: TaskBatch(X.astype(str), Y, X, Y), "numbers"),
    "one task of a batch": (lambda: BATCH[0], "slice"),
    "no task of a batch": (lambda: BATCH[9:], "none of the 4"),
    # the wrong kind of object
    "the class of a net": (lambda: adapt(TwoLayerNet, THETA, 0.1, X, Y), "class"),
    "no net": (lambda: hvp(None, THETA, X, Y, THETA), "net is None"),
    "a learner of a class": (lambda: MAML(TwoLayerNet), "the class TwoLayerNet"),
    "a learner of nothing": (lambda: MetaSGD("net"), "net is 'net'"),
    "a policy of nothing": (lambda: GaussianPolicy(3), "net is 3"),
    "train a class": (lambda: fit(MetaSGD), "the class MetaSGD"),
    "train a net": (lambda: fit(ONE), "learner is"),
    "train text": (lambda: fit("maml"), "learner is 'maml'"),
    "a class of tasks": (lambda: fit(tasks=Sinusoids), "the class Sinusoids"),
    "a batch for tasks": (lambda: fit(tasks=BATCH), "tasks is"),
    "a world for tasks": (lambda: fit(tasks=Navigation()), "4 arguments"),
    "the name of an optimizer": (lambda: fit(optimizer="adam"), "'adam'"),
    "the class of an optimizer": (lambda: fit(optimizer=Adam), "the class Adam"),
    "a rate for an optimizer": (lambda: fit(optimizer=0.1), "optimizer is 0.1"),
    "TRPO for Adam": (lambda: fit(optimizer=TRPO()), "5 arguments"),
    "start from an array": (lambda: fit(start_from=np.ones((1, 10))), "TrainingState"),
    "start from text": (lambda: fit(start_from="run.npz"), "TrainingState"),
    "start from other settings": (lambda: fit(start_from=STATE), "other settings"),
    "after_block a number": (lambda: fit(after_block=3), "after_block is 3"),
    "iterations text": (lambda: fit(iterations="9"), "iterations is '9'"),
    "iterations None": (lambda: fit(iterations=None), "iterations is None"),
    "iterations a float": (lambda: fit(iterations=1e3), "iterations is 1000.0"),
    "iterations True": (lambda: fit(iterations=True), "iterations is True"),
    "shots 0": (lambda: fit(shots=0), "shots is 0"),
    "meta_batch an array": (lambda: fit(meta_batch=np.ones(2)), "meta_batch is an arr"),
    "seed a generator": (lambda: fit(seed=RNG), "seed is"),
    "cosine_decay text": (lambda: fit(cosine_decay="no"), "True or False"),
    "progress 0": (lambda: fit(progress=0), "progress is 0"),
    "tasks of other inputs": (lambda: fit(MAML(NET)), "D = 2"),
    "tasks of other targets": (lambda: fit(MAML(TwoLayerNet(1, 3, 2))), "has shape"),
    "tasks without classes": (
        lambda: fit(MAML(TwoLayerNet(1, 3, 2, loss="softmax_cross_entropy"))),
        "integer",
    ),
    "a state for w": (lambda: scored(w=STATE), "state.w"),
    "w of MetaSGD for MAML": (lambda: scored(w=STATE.w), r"\(2, 10\).*\(1, 10\)"),
    "w of another net": (lambda: scored(w=np.zeros((1, 9))), "w has shape"),
    "complex w": (lambda: scored(w=np.zeros((1, 10)) + 1j), "complex"),
    "NaN in w": (lambda: scored(w=np.full((1, 10), np.nan)), "nan"),
    "NaN in alpha": (
        lambda: scored(MetaSGD(ONE), with_entry(STATE.w, np.nan)),
        "alpha holds nan",
    ),
    "several w": (lambda: scored(w=np.zeros((1, 3, 10))), "one theta"),
    "evaluate a class": (lambda: scored(MAML), "the class MAML"),
    "evaluate a class of tasks": (lambda: scored(tasks=Sinusoids), "class Sinusoids"),
    "tuples for batches": (lambda: fit(tasks=Tuples()), "TaskBatch"),
    "evaluate tuples": (lambda: scored(tasks=Tuples()), "TaskBatch"),
    "evaluate a world": (lambda: scored(tasks=Navigation()), "4 arguments"),
    "rng None": (lambda: scored(rng=None), "default_rng"),
    "rng text": (lambda: scored(rng="0"), "default_rng"),
    "rng negative": (lambda: scored(rng=-1), "default_rng"),
    "rng True": (lambda: scored(rng=True), "default_rng"),
    "rng legacy": (lambda: scored(rng=np.random), "default_rng"),
    "one task": (lambda: scored(n_tasks=1), "n_tasks is 1"),
    "steps -1": (lambda: scored(steps=-1), "steps is -1"),
    "shots text": (lambda: scored(shots="5"), "shots is '5'"),
    "score text": (lambda: scored(score="accuracy"), "score is 'accuracy'"),
    "score of one number": (lambda: scored(score=lambda *_: 0.5), "one number per"),
    "score of each example": (
        lambda: scored(score=lambda net, t, X, Y: net.forward(t, X)),
        "one number per",
    ),
    # settings
    "no sizes": (lambda: TwoLayerNet(0, 3, 1), "n_in is 0"),
    "a broken size": (lambda: TwoLayerNet(1, 3.5, 1), "n_hidden is 3.5"),
    "a size of text": (lambda: TwoLayerNet(1, 3, "1"), "n_out is '1'"),
    "an unknown activation": (lambda: TwoLayerNet(1, 3, 1, "gelu"), "'gelu'"),
    "a function for its name": (lambda: TwoLayerNet(1, 3, 1, np.tanh), "activation"),
    "an unknown loss": (lambda: TwoLayerNet(1, 3, 1, loss="mse"), "loss called 'mse'"),
    "one layer": (lambda: DeepNet((3,)), "sizes is"),
    "sizes of text": (lambda: DeepNet("1 4 1"), "sizes is"),
    "a negative layer": (lambda: DeepNet((1, -4, 1)), r"sizes\[1\] is -4"),
    "a number for sizes": (lambda: DeepNet(3), "sizes is 3"),
    "learner alpha None": (lambda: MAML(ONE, alpha=None), "alpha is None"),
    "learner alpha True": (lambda: MAML(ONE, alpha=True), "alpha is True"),
    "learner alpha 0": (lambda: JointTraining(ONE, 0), "alpha is 0"),
    "learner alpha an array": (lambda: MAML(ONE, ALPHA), "alpha is an array"),
    "learner alpha huge": (lambda: MAML(ONE, 10**400), "alpha is"),
    "learner order True": (lambda: MAML(ONE, order=True), "order is True"),
    "learner steps 1.5": (lambda: Reptile(ONE, inner_steps=1.5), "inner_steps is 1.5"),
    "alpha_start reversed": (lambda: MetaSGD(ONE, (0.1, 0.0)), "the lower first"),
    "alpha_start of text": (lambda: MetaSGD(ONE, ("0", "1")), "two numbers"),
    "alpha_start of bools": (lambda: MetaSGD(ONE, (False, True)), "two numbers"),
    "shared_start text": (lambda: MetaSGD(ONE, shared_start="no"), "True or False"),
    "alpha_shape unknown": (lambda: MetaSGD(ONE, alpha_shape="layer"), "alpha_shape"),
    "init None": (lambda: NET.init(None), "default_rng"),
    "init a float": (lambda: NET.init(0.5), "default_rng"),
    "start text": (lambda: MetaSGD(ONE).start("0"), "default_rng"),
    "rate text": (lambda: SGD("0.1"), "rate is '0.1'"),
    "rate NaN": (lambda: Adam(np.nan), "rate is nan"),
    "beta1 text": (lambda: Adam(beta1="0.9"), "beta1 is '0.9'"),
    "beta2 1": (lambda: Adam(beta2=1), "beta2 is 1"),
    "beta1 NaN": (lambda: Adam(beta1=np.nan), "beta1 is nan"),
    "epsilon None": (lambda: Adam(epsilon=None), "epsilon is None"),
    "decay a number": (lambda: AdamW(decay=0.1), "decay is 0.1"),
    "decay text": (lambda: AdamW(decay=("0", "1")), "decay is"),
    "decay empty": (lambda: AdamW(decay=()), "decay is"),
    "t 0": (lambda: update(t=0), "t is 0"),
    "t a float": (lambda: update(t=1.0), "t is 1.0"),
    "scale text": (lambda: update(scale="1"), "scale is '1'"),
    "scale negative": (lambda: update(scale=-1), "scale is -1"),
    "scale NaN": (lambda: update(scale=np.nan), "scale is nan"),
    "a gradient of one row": (lambda: update(gradient=np.ones(3)), "same shape"),
    "a gradient of one number": (lambda: update(SGD(), gradient=1.0), "same shape"),
    "a gradient with NaN": (
        lambda: update(gradient=np.full((2, 3), np.nan)),
        "gradient holds nan",
    ),
    "a w with NaN": (lambda: update(SGD(), w=np.full((2, 3), np.nan)), "w holds nan"),
    "a complex gradient": (lambda: update(gradient=np.ones((2, 3)) * 1j), "complex"),
    "w of text": (lambda: update(w="w"), "numbers"),
    "the state of SGD for Adam": (lambda: update(state=()), "keeps 2 arrays"),
    "a state of another shape": (lambda: update(state=(np.ones(3),) * 2), "same shape"),
    "no state": (lambda: update(state=None), "state is None"),
    "start of NaN": (lambda: Adam().start([np.nan]), "nan"),
    "start of text": (lambda: SGD().start("w"), "numbers"),
    "decay of another w": (lambda: update(AdamW(decay=(0.1,))), "decay is"),
    # tasks
    "amplitude text": (lambda: Sinusoids(amplitude="05"), "amplitude is '05'"),
    "amplitude of text": (lambda: Sinusoids(amplitude=("0.1", "5")), "two numbers"),
    "frequency NaN": (lambda: Sinusoids(frequency=(np.nan, 1)), "two finite"),
    "phase None": (lambda: Sinusoids(phase=None), "phase is None"),
    "grid 1": (lambda: Sinusoids(grid=1), "grid is 1"),
    "a type for dtype": (lambda: Sinusoids(dtype=np.float32), "dtype"),
    "sample without rng": (lambda: WAVES.sample(None, 4, 5), "default_rng"),
    "sample 0 tasks": (lambda: WAVES.sample(0, 0, 5), "n_tasks is 0"),
    "sample half a shot": (lambda: WAVES.sample(0, 4, 0.5), "shots is 0.5"),
    "sample too many": (lambda: Sinusoids(grid=5).sample(0, 4, 5), "the grid has 5"),
    "curves of no tasks": (lambda: WAVES.sample_curves(0, -1), "n_tasks is -1"),
    "no characters": (lambda: FewShot(IMAGES), "characters is an array"),
    "ways 9 of 6": (lambda: FewShot(CHARACTERS, 9), "only 6 classes"),
    "ways True": (lambda: FewShot(CHARACTERS, True), "ways is True"),
    "too many drawings": (
        lambda: FewShot(CHARACTERS, 2).sample(0, 1, 15, 15),
        "20 drawings",
    ),
    "few-shot rng": (lambda: FewShot(CHARACTERS, 2).sample("0", 1, 1), "default_rng"),
    "images of floats": (lambda: Characters(IMAGES / 255, ["a"] * 6), "uint8"),
    "flat images": (
        lambda: Characters(IMAGES.reshape(6, 20, -1), ["a"] * 6),
        r"\(C, E, S, S\)",
    ),
    "ragged images": (lambda: Characters([[1, 2], [3]], ["a"] * 2), "ragged"),
    "alphabets of numbers": (lambda: Characters(IMAGES, range(6)), "text"),
    "a name of bytes": (lambda: Characters(IMAGES, ["a"] * 6, b"x"), "text"),
    "one class": (lambda: CHARACTERS[2], "one class"),
    "a class too far": (lambda: CHARACTERS[np.array([6])], "run up to 5"),
    "a mask too short": (lambda: CHARACTERS[np.ones(5, bool)], "5 booleans"),
    "a side that does not divide": (lambda: CHARACTERS.reduced(3), "divides 4"),
    "normalise floats": (lambda: normalise(IMAGES / 255), "uint8"),
    "normalise a row": (lambda: normalise(IMAGES[0, 0, 0]), r"\(\.\.\., S, S\)"),
    "normalise a number": (lambda: normalise(np.uint8(3)), r"\(\.\.\., S, S\)"),
    "normalise a rectangle": (lambda: normalise(IMAGES[..., :3]), "S, S"),
    "omniglot path 3": (lambda: load_omniglot(3), "path is 3"),
    "omniglot nowhere": (lambda: load_omniglot("/nowhere"), "/nowhere holds neither"),
    "omniglot cache text": (lambda: load_omniglot("x", cache="no"), "cache is 'no'"),
    "omniglot size 0": (lambda: load_omniglot("x", size=0), "size is 0"),
    "omniglot split None": (lambda: load_omniglot("x", split=None), "split called"),
    # baselines and checkpoints
    "neighbour of targets": (lambda: nearest_neighbour(BATCH), "integer class labels"),
    "neighbour of a tuple": (lambda: nearest_neighbour((X, LABELS)), "TaskBatch"),
    "logistic alpha": (lambda: logistic_regression(4, 3, -1), "alpha is -1"),
    "all classes of images": (lambda: AllClasses(IMAGES), "characters is an array"),
    "all classes rng": (lambda: AllClasses(CHARACTERS).sample(None, 1, 1), "default_r"),
    "last layer of another w": (
        lambda: new_last_layer(NET, np.ones((1, 9)), 3),
        "w has shape",
    ),
    "save an array": (lambda: save("/nowhere/run.npz", THETA), "state is an array"),
    "resume text": (lambda: Checkpoint("/nowhere/run.npz", resume="yes"), "resume is"),
    # policies
    "log_variance NaN": (lambda: GaussianPolicy(NET, np.nan), "log_variance is nan"),
    "log_variance text": (lambda: GaussianPolicy(NET, "0"), "log_variance is '0'"),
    "horizon 0": (lambda: Navigation(horizon=0), "horizon is 0"),
    "start unknown": (lambda: Navigation("moving"), "start called 'moving'"),
    "world rng": (lambda: WORLD.sample(None, 2), "default_rng"),
    "act None": (lambda: WORLD.walk(None, GOALS, 2), "act is None"),
    "act one number": (lambda: WORLD.walk(lambda t, X: 1.0, GOALS, 2), "act returned"),
    "act one action": (
        lambda: WORLD.walk(lambda t, X: np.ones(2), GOALS, 2),
        "act returned shape",
    ),
    "act NaN": (lambda: WORLD.walk(lambda t, X: X * np.nan, GOALS, 2), "actions holds"),
    "walk goals alone": (
        lambda: WORLD.walk(lambda t, X: X, GOALS[:, 1], 2),
        r"\(T, 2, 2\)",
    ),
    "walk NaN": (lambda: WORLD.walk(lambda t, X: X, GOALS * np.nan, 2), "tasks holds"),
    "roll out a net": (lambda: WORLD.roll_out(ONE, THETA, GOALS, 0), "policy is"),
    "roll out another theta": (
        lambda: WORLD.roll_out(POLICY, THETA, GOALS, 0),
        "theta has shape",
    ),
    "roll out without rng": (
        lambda: WORLD.roll_out(POLICY, POLICY.init(0), GOALS, None),
        "default_rng",
    ),
    "max_kl 0": (lambda: TRPO(max_kl=0), "max_kl is 0"),
    "damping text": (lambda: TRPO(damping="1e-5"), "damping is '1e-5'"),
    "damping negative": (lambda: TRPO(damping=-1e-5), "damping is"),
    "backtracks 0": (lambda: TRPO(backtracks=0), "backtracks is 0"),
    "cg_steps True": (lambda: TRPO(cg_steps=True), "cg_steps is True"),
    "TRPO of Reptile": (lambda: TRPO().step(Reptile(POLICY), THETA, BATCH), "Reptile"),
    "TRPO of a net": (lambda: TRPO().step(MAML(NET), THETA, BATCH), "GaussianPolicy"),
    "TRPO of another batch": (
        lambda: TRPO().step(MAML(POLICY), MAML(POLICY).start(0), BATCH),
        "has shape",
    ),
    "policy learner a class": (lambda: learn_policy(MAML), "class"),
    "policy learner of a net": (lambda: learn_policy(MAML(NET)), "GaussianPolicy"),
    "policy world waves": (lambda: learn_policy(world=WAVES), "world is"),
    "policy optimizer": (lambda: learn_policy(optimizer=Adam()), "optimizer is"),
    "policy steps": (lambda: learn_policy(MAML(POLICY, inner_steps=2)), "inner_steps"),
    "discount 2": (lambda: learn_policy(discount=2), "discount is 2"),
    "discount text": (lambda: learn_policy(discount="0.9"), "discount is '0.9'"),
    "gae_lambda NaN": (lambda: learn_policy(gae_lambda=np.nan), "gae_lambda is nan"),
    "policy from an array": (lambda: learn_policy(start_from=THETA), "TrainingState"),
    "returns of a stream": (lambda: reference_returns(WORLD, 0, "best"), "'best'"),
    "returns of a class": (lambda: reference_returns(Navigation, 0, "test"), "class"),
    "returns of half a seed": (lambda: reference_returns(WORLD, 0.5, "test"), "0.5"),
    "sizes in a set": (lambda: DeepNet({1, 2, 3}), "in order"),
    "sizes in a dict": (lambda: DeepNet({1: 2, 3: 4}), "in order"),
    "an interval in a set": (lambda: Sinusoids(amplitude={1, 2}), "two numbers"),
    "an endless interval": (lambda: Sinusoids(x_range=(-1.7e308, 1.7e308)), "finite"),
    "masks in a list": (lambda: NET.forward(THETA, list(MASKED)), "masked entries"),
    "matrices of texts": (lambda: NET.pack([["a"] * 3] * 3, [["b"] * 3] * 4), "dtype"),
    "an unknown stream": (lambda: random_stream(0, "tests"), "'tests'; choose"),
    "a stream of -1": (lambda: random_stream(-1, "test"), "seed is -1"),
    "scores of text": (lambda: scored(score=lambda *_: ["a"] * 2), "score returned"),
    "scores of NaN": (lambda: scored(score=lambda *_: [np.nan] * 2), "returned"),
    "score of two": (lambda: scored(score=lambda theta, X: 1), "net, theta, X, Y"),
    "after_block of none": (lambda: fit(after_block=lambda: 1), r"function of \(state"),
    "altered state": (
        lambda: fit(start_from=replace(STATE, w=[1])),
        "dtype list",
    ),
    "altered settings": (
        lambda: fit(start_from=replace(STATE, settings=0)),
        "settings",
    ),
    "save NaN": (
        lambda: save("w.npz", replace(STATE, w=STATE.w * np.nan)),
        "state was altered",
    ),
    "save no path": (lambda: save(None, STATE), "path is None"),
    "save an object": (
        lambda: save("w.npz", replace(STATE, settings={"net": NET})),
        "cannot be saved",
    ),
    "load no path": (lambda: load(3), "path is 3"),
    "load an empty path": (lambda: load(""), "path is empty"),
    "keep an array": (lambda: Checkpoint("w.npz").keep(THETA), "TrainingState"),
    "gradcheck of two": (lambda: gradcheck(lambda x, y: 1.0, [1.0], [1.0]), "function"),
    "gradcheck of None": (lambda: gradcheck(lambda x: None, [1.0], [1.0]), "function"),
    "gradcheck's hvp": (
        lambda: gradcheck(np.sum, np.ones_like, [1.0], hvp=3),
        "hvp is 3",
    ),
    "gradcheck's blocks": (
        lambda: gradcheck(np.sum, np.ones_like, [1.0], blocks={"a": 1}),
        "blocks is",
    ),
    "gradcheck's title": (
        lambda: gradcheck(np.sum, np.ones_like, [1.0], quantity=3),
        "quantity is 3",
    ),
    "complex agreement": (lambda: agreement(NET, THETA * 1j, 0.1, BATCH), "complex128"),
    "a huge variance": (lambda: GaussianPolicy(ONE, 1e6), "between -80 and 80"),
    "act of one": (lambda: WORLD.walk(lambda X: X, GOALS, 2), r"\(step, X\)"),
    "part of a sheet": (lambda: Worksheet(theta=[1, 2]), "net, alpha, batch left out"),
    "a sheet of a deep net": (
        lambda: Worksheet(DeepNet((2, 3, 3)), THETA, 0.1, BATCH[:1]),
        "TwoLayerNet",
    ),
    "a sheet for nobody": (lambda: Worksheet.for_name(" "), "not empty"),
    "a sheet for None": (lambda: Worksheet.for_name(None), "name is None"),
    "blank as a text": (lambda: Worksheet().to_text("yes"), "blank is 'yes'"),
    "mark a list": (lambda: Worksheet().mark([1]), "answers is"),
    "a class of None": (lambda: write_sheets(None, "out"), "names is None"),
    "marks of None": (lambda: mark_sheets(None), "folder is None"),
    "no evaluations": (lambda: plots.accuracy_by_steps({}, "t"), "evaluations is {}"),
    "no lines": (lambda: plots.learning_curves([STATE]), "must be a dict"),
    "lines of arrays": (lambda: plots.mse_by_steps({"MAML": Y}, 5), "'interval'"),
    "a line of nobody": (lambda: plots.learning_curves({"me": STATE}), "'me'; choose"),
    "fits of a class": (lambda: plots.fits({"MAML": ()}, Sinusoids, 0, 5), "class"),
    "a figure that is none": (lambda: plots.save("figure", "f.png"), "'savefig'"),
    "an unknown curve": (lambda: plots.activation_functions(["sin"]), "'sin'; choose"),
    "a small Hessian": (lambda: plots.hessian_blocks(NET, {"H": Y}), "Hessian"),
    "no examples": (lambda: plots.shape_flow(NET, 0), "n_examples is 0"),
    "points without tasks": (
        lambda: plots.support_and_query(X[0], Y[0], X[0], Y[0]),
        "X_s has shape",
    ),
    "a policy's w": (
        lambda: evaluate_policy(MetaSGD(POLICY), THETA, WORLD, 0, "test", n_tasks=2),
        "w has shape",
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_bad_input_gets_one_sentence(case):
    call, word = CALLS[case]
    with pytest.raises((TypeError, ValueError), match=word) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    assert 20 < len(message) < 700
    raised_in = caught.traceback[-1].path
    assert "metasgd_np" in str(raised_in), f"{raised_in} raised it, not this package"


# Every shape that NumPy could broadcast is either the documented one or refused


SIZES = st.sampled_from([1, 2, 3, 5])
FRONT = st.lists(SIZES, max_size=2).map(tuple)
SHAPE = st.lists(SIZES, min_size=1, max_size=4).map(tuple)
P_OR_NOT = st.sampled_from([NET.n_params, 1, NET.n_params + 1])
many = settings(max_examples=150, deadline=None, derandomize=True)


def broadcast(*shapes):
    """The common shape, or None."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def assert_shape_or_error(expected, call):
    """call() has this shape, or raises a ValueError of ours if it is None."""
    if expected is None:
        with pytest.raises(ValueError, match=r"shape|axes|axis") as caught:
            call()
        assert "metasgd_np" in str(caught.traceback[-1].path)
    else:
        assert np.shape(call()) == expected


NETS = st.sampled_from([NET, TwoLayerNet(2, 3, 5, loss="softmax_cross_entropy")])


@many
@given(NETS, FRONT, FRONT, FRONT, FRONT, SHAPE, P_OR_NOT, st.booleans(), st.booleans())
def test_shapes_of_examples(net, of_theta, of_X, of_Y, of_v, end, p, right_X, right_Y):
    labels = net is not NET
    p = net.n_params if p == NET.n_params else p
    target = (5,) if labels else (5, 3)
    end_X, end_Y = (5, 2) if right_X else end, target if right_Y else end
    theta, v = np.ones((*of_theta, p)), np.ones((*of_v, p))
    X, Y = np.ones(of_X + end_X), np.ones(of_Y + end_Y, int if labels else float)
    front = X.shape[:-2] if X.ndim > 1 and X.shape[-1] == 2 else None
    F = None if front is None or p != net.n_params else broadcast(of_theta, front)
    target = (*X.shape[-2:-1], *target[1:])
    of_target = Y.shape[: Y.ndim - len(target)]
    tasks = None
    if F is not None and Y.ndim >= len(target) and Y.shape == of_target + target:
        tasks = broadcast(F, of_target)
    both = None if tasks is None else broadcast(tasks, of_v)
    P = (net.n_params,)
    N_O = (*X.shape[-2:-1], net.n_out)
    assert_shape_or_error(None if F is None else F + N_O, lambda: net.forward(theta, X))
    assert_shape_or_error(tasks, lambda: net.loss(theta, X, Y))
    for expected, call in (
        (tasks, lambda: net.gradient(theta, X, Y)),
        (both, lambda: hvp(net, theta, X, Y, v)),
    ):
        assert_shape_or_error(None if expected is None else expected + P, call)
    path = None if both is None else (3, *both, *P)
    assert_shape_or_error(path, lambda: adapt(net, theta, v, X, Y, 2))


@many
@given(st.sampled_from(LEARNERS), SHAPE, P_OR_NOT, st.booleans())
def test_shapes_of_w(make, shape, p, straight):
    learner = make(NET)
    rows = 2 if make is MetaSGD else 1
    w = np.ones((*shape, p) if not straight else (shape[0], p))
    expected = w.shape if w.shape == (rows, NET.n_params) else None
    assert_shape_or_error(expected, lambda: learner.gradient(w, BATCH)[1])


@many
@given(SHAPE, SHAPE, SHAPE, st.sampled_from([SGD(), Adam(), AdamW()]))
def test_shapes_of_an_update(w, gradient, state, optimizer):
    n_arrays = len(optimizer.start(np.ones(w)))
    fits = w == gradient and (n_arrays == 0 or state == w)
    if isinstance(optimizer, AdamW):
        fits = fits and len(w) == 2 and w[0] == 2
    w, gradient, m = np.ones(w), np.ones(gradient), np.ones(state)
    assert_shape_or_error(
        w.shape if fits else None,
        lambda: optimizer.step(w, gradient, (m,) * n_arrays, 1)[0],
    )


@many
@given(SHAPE, SHAPE, SHAPE, SHAPE)
def test_shapes_of_a_batch(X_s, Y_s, X_q, Y_q):
    fits = (
        (len(X_s), len(X_q)) == (3, 3)
        and len(Y_s) == len(Y_q)
        and len(Y_s) in (2, 3)
        and X_s[:2] == Y_s[:2]
        and X_q[:2] == Y_q[:2]
        and (X_s[0], *X_s[2:], *Y_s[2:]) == (X_q[0], *X_q[2:], *Y_q[2:])
    )
    assert_shape_or_error(
        X_s if fits else None,
        lambda: TaskBatch(*map(np.ones, (X_s, Y_s, X_q, Y_q))).X_s,
    )


@many
@given(SHAPE, SHAPE)
def test_shapes_of_curves(curves, X):
    fits = len(curves) == 4 and curves == (3, curves[1], 1, 1)
    fits = fits and X[-1] == 1 and len(X) > 1 and X[:-2] in ((), (curves[1],))
    assert_shape_or_error(
        (curves[1], X[-2], 1) if fits else None,
        lambda: WAVES.curve(np.ones(curves), np.ones(X)),
    )


@many
@given(SHAPE, SHAPE, SHAPE)
def test_shapes_of_policy_targets(A, weights, variances):
    fits = len(A) > 1 and weights == A[:-1] and variances in (A[-1:], A)
    assert_shape_or_error(
        (*A[:-1], 2 * A[-1] + 1) if fits else None,
        lambda: policy_targets(np.ones(A), np.ones(weights), np.ones(variances)),
    )


# What may come in many kinds


@pytest.mark.parametrize(
    "draw",
    [
        NET.init,
        MetaSGD(NET).start,
        MAML(NET).start,
        POLICY.init,
        lambda rng: WAVES.sample(rng, 3, 4).Y_q,
        lambda rng: WAVES.sample_curves(rng, 3),
        lambda rng: FewShot(CHARACTERS, 2).sample(rng, 3, 4).X_q,
        lambda rng: AllClasses(CHARACTERS).sample(rng, 3, 4).Y_q,
        lambda rng: WORLD.sample(rng, 3),
        lambda rng: WORLD.roll_out(POLICY, POLICY.init(0), GOALS, rng).actions,
        lambda rng: scored(rng=rng).scores,
    ],
)
@pytest.mark.parametrize("seed", [3, np.int64(3)])
def test_a_seed_is_the_generator_that_numpy_makes_of_it(draw, seed):
    np.testing.assert_array_equal(draw(seed), draw(np.random.default_rng(3)))


def test_objects_that_are_floats_are_floats():
    expected = NET.loss(THETA, X, Y)
    for kind in (float, np.float64):
        same = np.array([kind(x) for x in X.flat], object).reshape(X.shape)
        np.testing.assert_array_equal(NET.loss(THETA, same, Y), expected)
    mixed = objects(np.ones((N, 2)), 2)  # a column of floats and an int
    ones = with_entry(np.ones((N, 2)), 2.0)
    assert NET.forward(THETA.astype(object), mixed).dtype == float
    np.testing.assert_array_equal(NET.forward(THETA, mixed), NET.forward(THETA, ones))


def test_fractions_and_symbols_stay_exact():
    net = TwoLayerNet(1, 1, 1, "square")
    theta = np.array([Fraction(1, 3), Fraction(1), Fraction(1, 2), Fraction(0)])
    value = net.loss(theta, [[2]], [[1]])
    assert value == (Fraction(25, 18) - 1) ** 2
    x = sympy.Symbol("x")
    value = net.loss(np.array([x, 1, 1, 0]), [[1]], [[0]])
    assert sympy.expand(value - (x + 1) ** 4) == 0
    linear = DeepNet((1, 1))  # its tanh is never used
    assert linear.loss(theta[:2], [[3]], [[0]]) == 4


def test_a_mask_without_masked_entries_is_an_array():
    whole = np.ma.masked_array(X, mask=False)
    np.testing.assert_array_equal(NET.loss(THETA, whole, Y), NET.loss(THETA, X, Y))


def test_labels_of_as_many_tasks_as_examples_and_classes_are_no_one_hot_rows():
    net = TwoLayerNet(1, 3, 2, loss="softmax_cross_entropy")
    inputs, labels, theta = np.ones((2, 2, 1)), np.eye(2, dtype=int), net.init(0)
    assert net.loss(theta, inputs, labels).shape == (2,)
    assert net.loss(np.stack([theta] * 2), inputs[0], labels).shape == (2,)
    assert accuracy(net, theta, inputs, labels).shape == (2,)
    batch = TaskBatch(inputs, labels, inputs, labels)
    assert meta_gradient(net, theta, 0.1, batch).d_theta.shape == theta.shape

"""The exercises of chapter 08, classify points."""

from fractions import Fraction
from math import exp, log, log1p

import numpy as np

from ..losses import LOSSES, sigmoid
from .exercises import Exercise
from .reading import agree, as_array, call, computed, own, require, shown, typed
from .reading import number as read_number

SUSPECT = 14  # the mistake of exercise 4, in the catalogue
LOSS_AT = {0.1: 0.672, 0.3: 0.527, 1.0: 0.332, 10.0: 0.555}  # what query_loss gives
META_SGD = 0.295


def two_class_numbers(draw):
    """What half a pass has made, and labels; by default those of the worksheet."""
    F, Y, H = [-2, 6, 1], [1, 1, 0], [[0, 1], [4, 1], [1, 0]]
    if draw is not None:
        F = draw.sample((-3, -2, -1, 1, 2, 3, 4), 3)
        Y = draw.choice(([1, 1, 0], [1, 0, 1], [0, 1, 1], [0, 1, 0], [1, 0, 0]))
        H = [draw.sample((0, 1, 4), 2) for _ in range(3)]
    return {
        "F_s": np.array(F, dtype=object)[:, None],
        "sigma": sigmoid(np.array(F, dtype=float)).round(6)[:, None],
        "Y_s": np.array(Y, dtype=object)[:, None],
        "H1_1_s": np.array([[*row, 1] for row in H], dtype=object),
    }


def judge_two_classes(marks, dF_s, dW2_s):
    """Judge (8.2), then (2.6) from the student's own slopes."""
    numbers = two_class_numbers(marks.draw).values()
    F, sigma, Y, H = (np.asarray(x, dtype=float) for x in numbers)
    p = sigmoid(F)
    right, printed = (p - Y) / 3, (sigma - Y) / 3  # σ was given to six digits
    with marks.part("dF_s"):
        slips = {
            "the sign is turned: σ − Y": -right,
            "the loss is a mean over the examples: divide by N": p - Y,
            "the logits go through σ first: σ(F) − Y": (F - Y) / 3,
            "this is σ/N; the labels are taken from it": p / 3,
            "the square has a 2, cross-entropy has none": 2 * right,
            "the slope of σ cancels: it is σ − Y alone": right * p * (1 - p),
            "the slope of σ cancels, and there is no 2": 2 * right * p * (1 - p),
        }
        typed(dF_s, right, printed, slips=slips)
    with marks.part("dW2_s"):
        slips = {
            "the 1/N is in dF already": H.T @ right / 3,
            "without the 1/N": H.T @ right * 3,
            "the sign is turned": -H.T @ right,
            "without σ: this is made from F − Y": H.T @ (F - Y) / 3,
        }
        carried = np.asarray(own(dF_s, right), dtype=float)
        truths = [H.T @ dF for dF in (right, printed, carried)]
        typed(dW2_s, *truths, slips=slips)


def coin_numbers(draw):
    """How often the label is 1."""
    chances = (Fraction(2, 3), Fraction(4, 5), Fraction(5, 6), Fraction(1, 4))
    return {"p": Fraction(3, 4) if draw is None else draw.choice(chances)}


def judge_coin(marks, best_logit, lowest):
    """σ(f) = p, and the expected loss there, the coin's entropy."""
    (chance,) = coin_numbers(marks.draw).values()
    p = float(chance)
    right = log(p / (1 - p))

    def expected(f):
        return log1p(exp(f)) - p * f

    with marks.part("best_logit"):
        slips = {
            "f = 0 is the best answer to a fair coin": 0,
            "this is σ(f); which f has it?": p,
            "the sign is turned: σ(f) is the chance of a 1": -right,
            "these are the odds; f is their logarithm": p / (1 - p),
            "the natural logarithm, not that to base 2": right / log(2),
            "the natural logarithm, not that to base 10": right / log(10),
            "this is the logarithm of p, not of the odds": log(p),
            "this is σ of p; the other way round": 1 / (1 + exp(-p)),
        }
        typed(best_logit, right, slips=slips)
    with marks.part("lowest"):
        start = float(own(best_logit, right))
        carried = expected(start) if 0 < abs(start) < 20 else expected(right)
        slips = {
            "log 2 belongs to the fair coin": log(2),
            "the natural logarithm, not that to base 2": expected(right) / log(2),
            "this is where it is lowest; put it into log(1 + e^f) − p f": right,
            "this is log(1 + e^f); − p f is missing": log1p(exp(right)),
            "the loss at a label 1 only": -log(p),
            "the loss at a label 0 only": -log(1 - p),
            "the expected loss is positive: mind the sign": -expected(right),
        }
        typed(lowest, expected(right), carried, slips=slips)


def judge_slope(marks, slope):
    """d/df of log(1 + e^{−cf}), divided by N, for labels −1 and +1."""
    rng = marks.rng
    N, n_out = (int(n) for n in 2 + rng.permutation(5)[:2])
    F, C = rng.standard_normal((N, n_out)), rng.choice([-1.0, 1.0], (N, n_out))
    C[0], C[1] = 1, -1
    z = -C * F
    right = -C * sigmoid(z) / N
    slips = {
        "the sign is turned: the slope of −c f is −c": -right,
        "without the 1/N of the mean, mistake 8": N * right,
        "the mean is over the examples, not over the logits of each too": right / n_out,
        "divided by the number of logits, not of examples": N * right / n_out,
        "the slope of −c f, which is −c, is left out": sigmoid(z) / N,
        "σ(−c f), with the minus inside": -C * sigmoid(-z) / N,
        "σ(−c f), with the c inside": -C * sigmoid(-F) / N,
        "this is (8.2) with c for y; y is (c + 1)/2": (sigmoid(F) - C) / N,
        "this is the loss, not its slope": np.log1p(np.exp(z)) / N,
        "this is the slope of σ; log(1 + eᶻ) has the slope σ(z)": -C
        * sigmoid(z)
        * sigmoid(-z)
        / N,
    }
    computed(call(slope, F, C), right, slips)
    F, C = 1000.0 * np.array([[1], [-1], [1]]), np.array([[1.0], [1], [-1]])
    big = as_array(call(slope, F, C))
    require(np.isfinite(big).all(), "inf or nan at f = ±1000: e¹⁰⁰⁰ is too large")
    computed(big, [[0], [-1 / 3], [1 / 3]])


def softmax(F):
    """The softmax of every row."""
    E = np.exp(F - F.max(-1, keepdims=True))
    return E / E.sum(-1, keepdims=True)


def judge_curvature(marks, number, repaired):
    """Mistake 14, and (8.6)."""
    with marks.part("number"):
        text = isinstance(number, str)
        found = read_number(number.lower().removeprefix("mistake") if text else number)
        require(found != 8, "the 1/N is there; what does raising all logits change?")
        hint = "try `suspect` with Ḟ = (1, 1, 1): which entry says what must come out?"
        require(found == SUSPECT, hint)
    with marks.part("repaired"):
        rng = marks.rng
        N, n_out = (int(n) for n in 3 + rng.permutation(4)[:2])
        F, F_dot = rng.standard_normal((2, N, n_out))
        p = softmax(F)
        along = (p * F_dot).sum(-1, keepdims=True)
        right = p * (F_dot - along) / N
        slips = {
            "this is `suspect`: raising all logits together must change nothing": (
                p * F_dot / N
            ),
            "without the 1/N, mistake 8": N * right,
            "divided by the number of classes, not of examples": N * right / n_out,
            "p·Ḟ is subtracted, not added": p * (F_dot + along) / N,
            "sum p∘Ḟ over the classes of each example, not over everything": (
                p * (F_dot - (p * F_dot).sum()) / N
            ),
            "sum p∘Ḟ over the classes, not over the examples": (
                p * (F_dot - (p * F_dot).sum(-2)) / N
            ),
            "a sum over the classes, not a mean": p * (F_dot - along / n_out) / N,
            "p·Ḟ is multiplied by p again before it is subtracted": (
                (p * F_dot - along) / N
            ),
            "this is one product per class, p(1 − p), as if each were a sigmoid": (
                p * (1 - p) * F_dot / N
            ),
        }
        package = LOSSES["softmax_cross_entropy"].curvature
        computed(call(repaired, F, F_dot, without=(package,)), right, slips)


def judge_fixed(marks, losses_of, guess):
    """Two of the four candidates are trained, and the best guessed."""
    with marks.part("losses_of"):
        candidates = tuple(float(a) for a in marks.rng.permutation([0.3, 1.0]))
        found = call(losses_of, candidates)
        wanted = "return a dictionary, {α: query loss}"
        require(hasattr(found, "items"), f"{shown(found)} came; {wanted}")
        require(
            {*found} == {*candidates}, "one entry for every candidate, and no other"
        )
        losses = as_array([found[a] for a in candidates])
        require(losses.shape == (2,), "one number for every candidate")
        near = agree(losses, np.full(2, META_SGD), 0.03)
        require(not near, "these are Meta-SGD's losses; MAML has the fixed α")
        require(losses[0] != losses[1], "α makes no difference here: is it passed on?")
        computed(losses, [LOSS_AT[a] for a in candidates], close=0.03)
    with marks.part("guess"):
        found = read_number(guess)
        require(found in LOSS_AT, "guess one of 0.1, 0.3, 1 and 10")
        best = min(LOSS_AT, key=LOSS_AT.get)
        require(found == best, "another α has a clearly lower query loss")


EXERCISES = {
    1: Exercise(
        "The worksheet with two classes",
        ("dF_s", "dW2_s"),
        judge_two_classes,
        see="equation (8.2) in chapter 08 and (2.6) in chapter 02",
        numbers=two_class_numbers,
    ),
    2: Exercise(
        "A coin that is not fair",
        ("best_logit", "lowest"),
        judge_coin,
        see='"The loss" in chapter 08',
        numbers=coin_numbers,
    ),
    3: Exercise(
        "Labels −1 and +1",
        ("slope",),
        judge_slope,
        see="equation (8.2) in chapter 08",
    ),
    4: Exercise(
        "Find the error",
        ("number", "repaired"),
        judge_curvature,
        see="equation (8.6) in chapter 08",
    ),
    5: Exercise(
        "How good can a fixed α be?",
        ("losses_of", "guess"),
        judge_fixed,
        see='"Tasks that share structure" in chapter 08',
    ),
}

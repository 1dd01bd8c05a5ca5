"""The exercises of chapter 08, classify points."""

from fractions import Fraction

import numpy as np

from ..losses import LOSSES, sigmoid
from ..worksheets.mistakes import CATALOGUE
from .formulas import judge_result, judge_steps
from .reading import agree, as_array, call, choose, computed, require, shown
from .reading import number as read_number
from .register import new_chapter

EXERCISES, exercise = new_chapter()

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


@exercise(
    "The worksheet with two classes",
    "equation (8.2) in chapter 08 and (2.6) in chapter 02",
    numbers=two_class_numbers,
)
def judge_two_classes(marks, dF_s, dW2_s):
    """Judge (8.2), then (2.6) from the student's own slopes."""
    numbers = two_class_numbers(marks.draw).values()
    F, _, Y, H = (np.asarray(x, dtype=float) for x in numbers)
    steps = {
        "dF": ("(σ(F) - Y) / N", "dF_s", dF_s),
        "dW2": ("H.T @ dF", "dW2_s", dW2_s),
    }
    named = {
        "dF": {
            "the slope of σ cancels: it is σ − Y alone": (
                "(σ(F) - Y) * σ(F) * (1 - σ(F)) / N"
            ),
        },
        "dW2": {
            "the 1/N is in dF already": "H.T @ dF / N",
            "without σ: this is made from F − Y": "H.T @ (F - Y) / N",
        },
    }
    values = {"F": F, "Y": Y, "H": H, "N": len(F)}
    judge_steps(marks, values, steps, named, within=three_digits)


def three_digits(right):
    """How far a number of three significant digits may be off."""
    return np.abs(right) / 100


def coin_numbers(draw):
    """How often the label is 1."""
    chances = (Fraction(2, 3), Fraction(4, 5), Fraction(5, 6), Fraction(1, 4))
    return {"p": Fraction(3, 4) if draw is None else draw.choice(chances)}


@exercise("A coin that is not fair", '"The loss" in chapter 08', numbers=coin_numbers)
def judge_coin(marks, best_logit, lowest):
    """σ(f) = p, and the expected loss there, the coin's entropy."""
    (chance,) = coin_numbers(marks.draw).values()
    steps = {
        "f": ("log(p / (1 - p))", "best_logit", best_logit),
        "L": ("log(1 + exp(f)) - p * f", "lowest", lowest),
    }
    fair = "log 2 belongs to the fair coin"
    base = "the natural logarithm, not that to base "
    named = {
        "f": {
            "f = 0 is the best answer to a fair coin": "0",
            "this is σ(f); which f has it?": "p",
            f"{base}2": "log2(p / (1 - p))",
            f"{base}10": "log10(p / (1 - p))",
        },
        "L": {
            fair: "log(2)",
            f"{base}2": "(log(1 + exp(f)) - p * f) / log(2)",
            "this is where it is lowest; put it into log(1 + e^f) − p f": "f",
            "the loss at a label 1 only": "-log(p)",
            "the loss at a label 0 only": "-log(1 - p)",
        },
    }
    judge_steps(marks, {"p": float(chance)}, steps, named, within=0.003)


@exercise("Labels −1 and +1", "equation (8.2) in chapter 08")
def judge_slope(marks, slope):
    """d/df of log(1 + e^{−cf}), divided by N, for labels −1 and +1."""
    rng = marks.rng
    N, n_out = (int(n) for n in 2 + rng.permutation(5)[:2])
    F, C = rng.standard_normal((N, n_out)), rng.choice([-1.0, 1.0], (N, n_out))
    C[0], C[1] = 1, -1
    named = {
        "the mean is over the examples, not over the logits of each too": (
            "-C * σ(-C * F) / N / O"
        ),
        "this is (8.2) with c for y; y is (c + 1)/2": "(σ(F) - C) / N",
        "this is the loss, not its slope": "log(1 + exp(-C * F)) / N",
        "this is the slope of σ; log(1 + eᶻ) has the slope σ(z)": (
            "-C * σ(-C * F) * σ(C * F) / N"
        ),
    }
    values = {"F": F, "C": C, "N": N, "O": n_out}
    judge_result(call(slope, F, C), "-C * σ(-C * F) / N", values, named)
    F, C = 1000.0 * np.array([[1], [-1], [1]]), np.array([[1.0], [1], [-1]])
    big = as_array(call(slope, F, C))
    require(np.isfinite(big).all(), "inf or nan at f = ±1000: e¹⁰⁰⁰ is too large")
    computed(big, [[0], [-1 / 3], [1 / 3]])


def softmax(F):
    """The softmax of every row."""
    E = np.exp(F - F.max(-1, keepdims=True))
    return E / E.sum(-1, keepdims=True)


@exercise("Find the error", "equation (8.6) in chapter 08")
def judge_curvature(marks, number, repaired):
    """Mistake 14, and (8.6)."""
    with marks.part("number"):
        found = choose(number, {n: m.name for n, m in CATALOGUE.items()})
        require(found != 8, "the 1/N is there; what does raising all logits change?")
        hint = "try `suspect` with Ḟ = (1, 1, 1): which entry says what must come out?"
        require(found == SUSPECT, hint)
    with marks.part("repaired"):
        N, n_out = (int(n) for n in 3 + marks.rng.permutation(4)[:2])
        F, F_dot = marks.rng.standard_normal((2, N, n_out))
        values = {"p": softmax(F), "F_dot": F_dot, "N": N, "O": n_out}
        named = {
            "this is `suspect`: raising all logits together must change nothing": (
                "p * F_dot / N"
            ),
            "sum p∘Ḟ over the classes of each example, not over everything": (
                "p * (F_dot - sum(p * F_dot)) / N"
            ),
            "sum p∘Ḟ over the classes, not over the examples": (
                "p * (F_dot - sum(p * F_dot, 0)) / N"
            ),
            "a sum over the classes, not a mean": (
                "p * (F_dot - along(p * F_dot) / O) / N"
            ),
            "this is the diagonal alone: F_c also moves the p of other classes": (
                "p * (1 - p) * F_dot / N"
            ),
            "p·Ḟ is multiplied by p again before it is subtracted": (
                "(p * F_dot - along(p * F_dot)) / N"
            ),
        }
        package = LOSSES["softmax_cross_entropy"].curvature
        found = call(repaired, F, F_dot, without=(package,))
        judge_result(found, "p * (F_dot - along(p * F_dot)) / N", values, named)


@exercise("How good can a fixed α be?", '"Tasks that share structure" in chapter 08')
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

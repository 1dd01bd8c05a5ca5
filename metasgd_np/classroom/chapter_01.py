"""The exercises of chapter 01, descend a gradient."""

from fractions import Fraction

import numpy as np

from .formulas import judge_result, judge_steps
from .reading import as_array, call, require, several, typed
from .register import new_chapter

EXERCISES, exercise = new_chapter()

BOTTOM = np.array([2.0, -1.0])  # of the chapter's tilted bowl
TILTED = np.array([[1.0, 1.0], [1.0, 2.0]])  # its Hessian
CURVATURES = np.array([1.0, 4.0])  # of the bowl in exercise 3


def slope_numbers(draw):
    """L(θ) = (h/2)(θ − c)², a start and a step, in which every slip shows."""
    if draw is None:
        return {"h": 2, "c": 1, "theta": 3, "alpha": Fraction(1, 4)}
    h, c = draw.choice((2, 4, 6)), draw.choice((-1, 1, 5))
    alpha = Fraction(draw.choice((1, 3)), 4 * h) if h > 2 else Fraction(1, 4)
    theta = c + draw.choice((-3, -2, 2, 3)) * (2 if h > 2 else 1)
    return {"h": h, "c": c, "theta": theta, "alpha": alpha}


@exercise(
    "Three slopes, by hand",
    '"Meta-SGD with one parameter" in chapter 01',
    parts=("θ′", "g", "dθ", "dα"),
    numbers=slope_numbers,
)
def judge_slopes(marks, landed, slopes):
    """θ′ = θ − α g, then λ = L′(θ′), dθ = λ (1 − αh), dα = −g λ."""
    values = slope_numbers(marks.draw)
    names = {"theta": "θ", "alpha": "α"}
    values = {names.get(name, name): value for name, value in values.items()}
    g, d_theta, d_alpha = several(slopes, ("g", "dθ", "dα"))
    steps = {
        "g": ("h * (θ - c)", "g", g),
        "θ_1": ("θ - α * g", "θ′", landed),
        "λ": ("h * (θ_1 - c)",),
        "dθ": ("λ * (1 - α * h)", "dθ", d_theta),
        "dα": ("-g * λ", "dα", d_alpha),
    }
    turned = "the sign is turned: where g is positive, a longer step makes θ′ smaller"
    named = {
        "dθ": {
            "this is λ; θ′ moves by 1 − αh as θ moves by 1": "λ",
            "this starts from g; λ is the slope at θ′": "g * (1 - α * h)",
        },
        "dα": {
            turned: "g * λ",
            "g twice; the second is λ, the slope at θ′": "-g * g",
            "the step is α g: its derivative in α is g": "-α * λ",
        },
    }
    judge_steps(marks, values, steps, named)


@exercise(
    "The best single rate, for any bowl",
    '"One rate per parameter" in chapter 01',
    parts=("rate", "factor"),
)
def judge_best_rate(marks, best_single_rate):
    """2 / (min + max), and what it leaves, for three bowls of their own sizes."""
    found = []
    for direction in (1, -1, 1):
        h = np.sort(marks.rng.uniform(0.5, 8, marks.rng.integers(4, 8)))[::direction]
        h[[0, 1]] = h[[1, 0]]  # one end is neither first nor last
        parts = several(call(best_single_rate, h), ("the rate", "the factor"))
        found.append((h, *parts))
    named = {
        "1/max(h) suits the steepest coordinate; the others hardly move": "1 / max(h)",
        "1/min(h) suits the flattest coordinate; the steepest flies off": "1 / min(h)",
        "1/mean(h): a middle curvature does not matter": "1 / mean(h)",
        "this takes the first and the last; h is not sorted": "2 / (h[0] + h[-1])",
    }
    with marks.part("rate"):
        for h, rate, _ in found:
            judge_result(rate, "2 / (min(h) + max(h))", {"h": h}, named, close=1e-4)
    named = {
        "the factor is max |1 − rate·h|: the size, without its sign": "1 - α * max(h)",
        "the largest |1 − rate·h|, not the smallest": "min(abs(1 - α * h))",
    }
    with marks.part("factor"):
        for h, rate, factor in found:
            values = {"h": h, "α": as_array(rate).ravel()[:1]}
            judge_result(factor, "max(abs(1 - α * h))", values, named, close=1e-4)


@exercise("Find the bug", '"One step, three elements" in chapter 01')
def judge_descend(marks, descend_fixed):
    """θ ← θ − α g on the exercise's bowl, from another start."""
    start = marks.rng.uniform(1, 5, 2) * marks.rng.choice([-1, 1], 2)
    alpha, steps = marks.rng.uniform(0.1, 0.4), int(marks.rng.integers(3, 6))
    values = {"θ": start, "α": alpha, "h": CURVATURES, "j": np.arange(steps + 1)}
    values["j"] = values["j"][:, None]
    found = as_array(call(descend_fixed, start, alpha, steps))
    named = {
        "J points came: the start belongs to the path": "(θ * (1 - α * h)**j)[1:]",
        "every entry is the same point: the path holds one array J + 1 times": (
            "0 * j + θ * (1 - α * h)**j[-1]"
        ),
        "every step starts from the first point": "θ - α * h * θ * (j > 0)",
    }
    judge_result(found, "θ * (1 - α * h)**j", values, named)
    again = call(descend_fixed, start, alpha, steps)
    require(np.array_equal(again, found), "two calls from the same start differ")


def schedule_numbers(draw):
    """The start of the two steps."""
    a, b = (4, 1) if draw is None else (draw.randint(2, 5), draw.randint(1, 3))
    return {"start": np.array([a, b], dtype=object)}


@exercise(
    "Predict: two rates in turn",
    '"One rate per parameter" in chapter 01',
    numbers=schedule_numbers,
)
def judge_schedule(marks, after_one, after_two, highest_loss):
    """Take the rates 1 and 1/4 on ½(θ₁² + 4 θ₂²)."""
    (start,) = schedule_numbers(marks.draw).values()
    values = {"start": start, "h": np.array([1, 4], dtype=object), "α": Fraction(1, 4)}
    steps = {
        "first": ("start - h * start", "after_one", after_one),
        "second": ("first - α * h * first", "after_two", after_two),
        "loss": ("sum(h * first**2) / 2", "highest_loss", highest_loss),
    }
    start_loss = "this is the loss at the start; work it out at all three points"
    named = {
        "first": {"the slope of ½·4θ₂² is 4θ₂": "0 * start"},
        "second": {
            "the second step starts where the first landed": "start - α * h * start"
        },
        "loss": {start_loss: "sum(h * start**2) / 2"},
    }
    judge_steps(marks, values, steps, named)


def rates_on_ring():
    """The two rates of every start on the exercise's circle, (3600, 2)."""
    angle = 2 * np.pi * (np.arange(3600) + 0.5) / 3600
    way = np.column_stack([np.cos(angle), np.sin(angle)])
    return way / (way @ TILTED)


@exercise(
    "Experiment: how often is a rate negative?",
    '"One rate per parameter" in chapter 01',
)
def judge_signs(marks, rates_to_bottom, share_negative):
    """θ − α∘g = bottom, entry by entry; a first rate is negative at a quarter."""
    with marks.part("rates_to_bottom"):
        starts = BOTTOM + marks.rng.uniform(0.2, 3, (marks.rng.integers(4, 9), 2))
        starts[::2] = 2 * BOTTOM - starts[::2]
        way = starts - BOTTOM
        values = {"way": way, "slope": way @ TILTED}
        named = {"the sign is turned: θ − α∘g must be the bottom": "-way / slope"}
        judge_result(call(rates_to_bottom, starts), "way / slope", values, named)
    with marks.part("share_negative"):
        first, second = rates_on_ring().T < 0
        slips = {
            "this counts the starts where either rate is negative": (
                first | second
            ).mean(),
            "this counts the second rate; the first is asked for": second.mean(),
            "this is the share that is positive": (~first).mean(),
            "this is a count; the share is that over all 3,600": first.sum(),
        }
        typed(share_negative, Fraction(1, 4), 25, slips=slips)  # or in percent

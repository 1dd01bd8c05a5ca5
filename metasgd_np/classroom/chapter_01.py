"""The exercises of chapter 01, descend a gradient."""

from fractions import Fraction

import numpy as np

from .exercises import Exercise
from .reading import as_array, call, computed, own, require, several, typed

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


def judge_slopes(marks, landed, slopes):
    """θ′ = θ − α g, then λ = L′(θ′), dθ = λ (1 − αh), dα = −g λ."""
    h, c, theta, alpha = slope_numbers(marks.draw).values()
    g = h * (theta - c)
    after = theta - alpha * g
    lam = h * (after - c)
    three = several(slopes, ("g", "dθ", "dα"))
    own_g, own_lam = own(three[0], g), h * (own(landed, after) - c)
    with marks.part("θ′"):
        slips = {
            "minus the step, not plus": theta + alpha * g,
            "this is the step alone; it starts from θ": alpha * g,
            "the step is α g, not g": theta - g,
        }
        typed(landed, after, theta - alpha * own_g, slips=slips)
    with marks.part("g"):
        slips = {
            "the derivative of (h/2)(θ − c)² is h (θ − c); this is without h": theta
            - c,
            "the derivative is h (θ − c): the ½ takes the 2": 2 * g,
            "this is hθ; the bowl's bottom is at c": h * theta,
        }
        typed(three[0], g, slips=slips)
    with marks.part("dθ"):
        slips = {
            "this is λ; θ′ moves by 1 − αh as θ moves by 1": lam,
            "1 − αh, not 1 + αh": lam * (1 + alpha * h),
            "this starts from g; λ is the slope at θ′": g * (1 - alpha * h),
        }
        typed(three[1], *((1 - alpha * h) * x for x in (lam, own_lam)), slips=slips)
    with marks.part("dα"):
        slips = {
            "the sign is turned: where g is positive, a longer step makes θ′ smaller": (
                g * lam
            ),
            "g twice; the second is λ, the slope at θ′": -g * g,
            "this multiplies g by dθ; λ is the slope at θ′": -g * lam * (1 - alpha * h),
            "the step is α g: its derivative in α is g": -alpha * lam,
        }
        typed(three[2], -g * lam, -own_g * own_lam, slips=slips)


def judge_best_rate(marks, best_single_rate):
    """2 / (min + max), and what it leaves, for three bowls of their own sizes."""
    for direction in (1, -1, 1):
        h = np.sort(marks.rng.uniform(0.5, 8, marks.rng.integers(4, 8)))[::direction]
        h[[0, 1]] = h[[1, 0]]  # one end is neither first nor last
        found = several(call(best_single_rate, h), ("the rate", "the factor"))
        judge_pair(marks, h, *found)


def judge_pair(marks, h, rate, factor):
    """Judge one bowl's rate and factor; a part once wrong stays so."""
    low, high = h.min(), h.max()
    right = 2 / (low + high)
    own = as_array(rate).ravel()[:1]
    if not marks.found.get("rate"):
        with marks.part("rate"):
            slips = {
                "1/max(h) suits the steepest coordinate; the others hardly move": 1
                / high,
                "1/min(h) suits the flattest coordinate; the steepest flies off": 1
                / low,
                "1/mean(h): a middle curvature does not matter": 1 / h.mean(),
                "1/median(h): a middle curvature does not matter": 1 / np.median(h),
                "2/max(h) is where the steepest coordinate stops converging": 2 / high,
                "this takes the first and the last; h is not sorted": 2
                / (h[0] + h[-1]),
                "2 over the sum of the two, not 1": 1 / (low + high),
            }
            computed(rate, right, slips, close=1e-4)
    if not marks.found.get("factor"):
        with marks.part("factor"):
            left = np.abs(1 - own * h).max()
            slips = {
                "the factor is max |1 − rate·h|: the size, without its sign": 1
                - own[0] * high,
                "the largest |1 − rate·h|, not the smallest": np.abs(1 - own * h).min(),
            }
            computed(factor, left, slips, close=1e-4)


def judge_descend(marks, descend_fixed):
    """θ ← θ − α g on the exercise's bowl, from another start."""
    start = marks.rng.uniform(1, 5, 2) * marks.rng.choice([-1, 1], 2)
    alpha, steps = marks.rng.uniform(0.1, 0.4), int(marks.rng.integers(3, 6))
    powers = np.arange(steps + 1)[:, None]
    path = start * (1 - alpha * CURVATURES) ** powers
    found = as_array(call(descend_fixed, start, alpha, steps))
    require(
        np.shape(found) != path[1:].shape,
        "J points came: the start belongs to the path",
    )
    slips = {
        "every entry is the same point: the path holds one array J + 1 times": (
            0 * path + path[-1]
        ),
        "it climbs: minus the step": start * (1 + alpha * CURVATURES) ** powers,
        "every step starts from the first point": start
        - alpha * CURVATURES * start * (powers > 0),
    }
    computed(found, path, slips)
    again = call(descend_fixed, start, alpha, steps)
    require(np.array_equal(again, found), "two calls from the same start differ")


def schedule_numbers(draw):
    """The start of the two steps."""
    a, b = (4, 1) if draw is None else (draw.randint(2, 5), draw.randint(1, 3))
    return {"start": np.array([a, b], dtype=object)}


def judge_schedule(marks, after_one, after_two, highest_loss):
    """Take the rates 1 and 1/4 on ½(θ₁² + 4 θ₂²)."""
    curvatures = np.array([1, 4], dtype=object)
    (start,) = schedule_numbers(marks.draw).values()
    first = start - curvatures * start
    second = first - Fraction(1, 4) * curvatures * first
    losses = [(curvatures * p * p).sum() / Fraction(2) for p in (start, first, second)]
    with marks.part("after_one"):
        slips = {
            "the first step has the factors 1 − 1 and 1 − 4: mind the sign": -first,
            "the slope of ½·4θ₂² is 4θ₂": 0 * start,
        }
        typed(after_one, first, slips=slips)
    with marks.part("after_two"):
        quarter = start - Fraction(1, 4) * curvatures * start
        slips = {"the second step starts where the first landed": quarter}
        typed(after_two, second, slips=slips)
    with marks.part("highest_loss"):
        slips = {
            "the ½ is missing": 2 * losses[1],
            "this is the loss at the start; work it out at all three points": losses[0],
        }
        typed(highest_loss, losses[1], slips=slips)


def rates_on_ring():
    """The two rates of every start on the exercise's circle, (3600, 2)."""
    angle = 2 * np.pi * (np.arange(3600) + 0.5) / 3600
    way = np.column_stack([np.cos(angle), np.sin(angle)])
    return way / (way @ TILTED)


def judge_signs(marks, rates_to_bottom, share_negative):
    """θ − α∘g = bottom, entry by entry; a first rate is negative at a quarter."""
    with marks.part("rates_to_bottom"):
        starts = BOTTOM + marks.rng.uniform(0.2, 3, (marks.rng.integers(4, 9), 2))
        starts[::2] = 2 * BOTTOM - starts[::2]
        way = starts - BOTTOM
        slopes = way @ TILTED
        slips = {
            "the sign is turned: θ − α∘g must be the bottom": -way / slopes,
            "turned upside down: α∘g is the way from the bottom": slopes / way,
            "this is the way; divide by the gradient, entry by entry": way,
        }
        computed(call(rates_to_bottom, starts), way / slopes, slips)
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
        typed(share_negative, Fraction(1, 4), slips=slips, percent=True)


EXERCISES = {
    1: Exercise(
        "Three slopes, by hand",
        ("landed", "slopes"),
        judge_slopes,
        parts=("θ′", "g", "dθ", "dα"),
        see='"Meta-SGD with one parameter" in chapter 01',
        numbers=slope_numbers,
    ),
    2: Exercise(
        "The best single rate, for any bowl",
        ("best_single_rate",),
        judge_best_rate,
        parts=("rate", "factor"),
        see='"One rate per parameter" in chapter 01',
    ),
    3: Exercise(
        "Find the bug",
        ("descend_fixed",),
        judge_descend,
        see='"One step, three elements" in chapter 01',
    ),
    4: Exercise(
        "Predict: two rates in turn",
        ("after_one", "after_two", "highest_loss"),
        judge_schedule,
        see='"One rate per parameter" in chapter 01',
        numbers=schedule_numbers,
    ),
    5: Exercise(
        "Experiment: how often is a rate negative?",
        ("rates_to_bottom", "share_negative"),
        judge_signs,
        see='"One rate per parameter" in chapter 01',
    ),
}

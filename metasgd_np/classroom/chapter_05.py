"""The exercises of chapter 05, learn where to start."""

from fractions import Fraction
from functools import cache, partial
from itertools import chain

import numpy as np

from ..adaptation import adapt, meta_gradient
from ..gradient_check import small_problem
from ..network import TwoLayerNet
from ..second_order import hvp
from ..tasks import Sinusoids
from .formulas import alterations, evaluate, judge_steps
from .reading import as_array, call, computed, number, require, several
from .register import new_chapter
from .sheets import draw_sheet, judge_lines

EXERCISES, exercise = new_chapter()

SEED = 6  # of the sheet of exercise 2
GIVEN = ("alpha1", "alpha2", "dW1_q", "dW2_q", "dW1_dot", "dW2_dot")


def bowl_numbers(draw):
    """The second bowl's bottom, and the step."""
    if draw is None:
        return {"m": 4, "alpha": Fraction(1, 2)}
    return {"m": draw.choice((3, 6, -3, -6)), "alpha": Fraction(1, draw.choice((3, 4)))}


@exercise(
    "Before and after the step, with a pencil",
    '"Why judge after the step" in chapter 05',
    numbers=bowl_numbers,
)
def judge_bowls(marks, joint, adapted):
    """The mean of θ² and ½(θ − m)² before the step, and after it."""
    m, alpha = bowl_numbers(marks.draw).values()
    values = {"m": Fraction(m), "α": alpha, "h1": 2, "h2": 1}
    before, after = "h2 * m / (h1 + h2)", "h2 * {s2} * m / (h1 * {s1} + h2 * {s2})"
    steps = {
        "joint": (before, "joint", joint),
        "adapted": (
            after.format(s1="(1 - α * h1)**2", s2="(1 - α * h2)**2"),
            "adapted",
            adapted,
        ),
    }
    middle = "the mean of the two bottoms; the bowls are not equally steep"
    named = {
        "joint": {
            middle: "m / 2",
            "this is where the second loss alone is least": "m",
        },
        "adapted": {
            "take the step first, then the loss; this is the best θ before it": before,
            "the chain rule: θ′ moves by 1 − αh as θ moves by 1": (
                after.format(s1="(1 - α * h1)", s2="(1 - α * h2)")
            ),
            middle: "m / 2",
        },
    }
    judge_steps(marks, values, steps, named)


def step_numbers(draw):
    """What is given of the sheet."""
    values = draw_sheet(draw, SEED).values
    return {symbol: values[symbol] for symbol in GIVEN}


@exercise(
    "One step, with a pencil",
    "equations (5.3) and (5.4) in chapter 05",
    numbers=step_numbers,
)
def judge_one_step(marks, V1, V2, dtheta1, dtheta2):
    """Judge α∘λ and dθ = λ − ∇²L (α∘λ), block by block."""
    names = ("V1", "V2", "dtheta1", "dtheta2")
    answers = (V1, V2, dtheta1, dtheta2)
    pairs = {name: (name, answer) for name, answer in zip(names, answers, strict=True)}
    judge_lines(marks, draw_sheet(marks.draw, SEED), pairs, known=GIVEN)


def draw_problem(rng):
    """(net, θ, α, batch, 3), all sizes different."""
    return small_problem(steps=3, seed=int(rng.integers(10**6)))


RECURSION = {"dα": "dα - g * λ", "λ": "λ - H(α * λ)"}  # (6.1) and (5.3)
NAMED = {
    "α stands inside, ∇²L (α∘λ), not α∘(∇²L λ)": ("λ", "λ - α * H(λ)"),
    "the Hessian is that of the support loss": ("λ", "λ - H_q(α * λ)"),
    "the Hessian is taken at θ_j, not always at θ_0": ("λ", "λ - H_0(α * λ)"),
    "the Hessian is taken at θ_j, not at θ_(j+1)": ("λ", "λ - H_after(α * λ)"),
    "the curvature is left out": ("λ", "λ"),
    "g_j meets λ_(j+1): before λ is carried back": ("dα", "dα - g * (λ - H(α * λ))"),
}


def carry_back(problem, lines=RECURSION, order=slice(-2, None, -1), start=None):
    """dα and λ_0 of every task, by these lines or by wrong ones.

    order : the points θ_j in turn;  start : λ_J, the query gradient at θ_J by default
    """
    net, theta, alpha, batch, steps = problem
    support, query = (batch.X_s, batch.Y_s), (batch.X_q, batch.Y_q)
    path = adapt(net, theta, alpha, *support, steps)
    known = {
        "α": alpha,
        "λ": net.gradient(path[-1], *query) if start is None else start,
    }
    known["dα"] = 0 * known["λ"]
    for theta_j in path[order]:
        g = net.gradient(theta_j, *support)
        known |= {
            "g": g,
            "H": partial(hvp, net, theta_j, *support),
            "H_q": partial(hvp, net, theta_j, *query),
            "H_0": partial(hvp, net, path[0], *support),
            "H_after": partial(hvp, net, theta_j - alpha * g, *support),
        }
        known |= {symbol: evaluate(line, known) for symbol, line in lines.items()}
    return known["dα"], known["λ"]


def wrong_carries(problem, which, right=RECURSION):
    """(what is wrong, the mean dα (0) or dθ (1) that it gives), one by one."""
    net, theta, alpha, batch, steps = problem
    each = carry_back(problem, right)[which]
    yield "a sum over the tasks; take the mean", each.sum(0)
    yield "average over the tasks", each
    wrong = {text: {"lines": right | dict([line])} for text, line in NAMED.items()}
    for symbol, line in right.items():
        for text, altered in alterations(line):
            message = f"this is the value {text} in the line of {symbol}"
            wrong[message] = {"lines": right | {symbol: altered}}
    orders = {
        "the steps go back from θ_(J−1) to θ_0, not forward": slice(None, -1),
        "θ_J takes no step: begin at θ_(J−1)": slice(None, None, -1),
        "θ_0 is left out": slice(-2, 0, -1),
        "this is the last step's alone": slice(-2, -3, -1),
    }
    wrong |= {text: {"lines": right, "order": order} for text, order in orders.items()}
    path = adapt(net, theta, alpha, batch.X_s, batch.Y_s, steps)
    starts = {
        "λ_J is the query gradient at θ_J, not at θ": (theta, batch.X_q, batch.Y_q),
        "λ_J is the gradient of the query loss, not of the support loss": (
            path[-1],
            batch.X_s,
            batch.Y_s,
        ),
    }
    for text, data in starts.items():
        wrong[text] = {"lines": right, "start": net.gradient(*data)}
    for text, options in wrong.items():
        yield text, carry_back(problem, **options)[which].mean(0)


@exercise(
    "Split the meta-gradient",
    "equations (5.1) to (5.4) in chapter 05",
    parts=("first-order part", "curvature part"),
)
def judge_split(marks, split):
    """The query gradient at θ_J, and what carrying it back adds."""
    problem = draw_problem(marks.rng)
    names = ("the first-order part", "the curvature part")
    found = several(call(split, *problem, without=(meta_gradient,)), names)
    net, theta, alpha, batch, steps = problem
    path = adapt(net, theta, alpha, batch.X_s, batch.Y_s, steps)
    first = carry_back(problem, order=slice(0))[1]
    start, total = first.mean(0), carry_back(problem)[1].mean(0)
    whole = {"this is all of dθ": total}
    with marks.part("first-order part"):
        slips = {
            "a sum over the tasks; take the mean": first.sum(0),
            "take the mean": first,
            "this is the curvature part": total - start,
            "the query gradient is taken at θ_J, not at θ": (
                net.gradient(theta, batch.X_q, batch.Y_q).mean(0)
            ),
            "this is the gradient of the support loss, not of the query loss": (
                net.gradient(path[-1], batch.X_s, batch.Y_s).mean(0)
            ),
        }
        computed(found[0], start, whole | slips)
    with marks.part("curvature part"):
        slips = {
            "give the curvature part with its minus": start - total,
            "a sum over the tasks; take the mean": (total - start) * len(first),
        }
        carried = (
            (text, dtheta - (start if dtheta.ndim == 1 else first))
            for text, dtheta in wrong_carries(problem, 1)
        )
        slips = chain((whole | slips).items(), carried)
        computed(found[1], total - start, slips)


@exercise("Find the bug", "equation (5.3) in chapter 05")
def judge_bug(marks, repaired, harmless_alpha):
    """The meta-gradient again; α may stand anywhere if its entries are all the same."""
    with marks.part("repaired"):
        problem = draw_problem(marks.rng)
        found = call(repaired, *problem, without=(meta_gradient,))
        right = meta_gradient(*problem).d_theta
        computed(found, right, wrong_carries(problem, 1))
    with marks.part("harmless_alpha"):
        require(harmless_alpha is not None, "no answer yet")
        text = isinstance(harmless_alpha, str)
        tried = as_array(number(harmless_alpha) if text else harmless_alpha)
        sizes = 1, small_problem()[0].n_params
        require(tried.size in sizes, "give one number, or one per parameter")
        require(np.all(tried != 0), "with α = 0 there is no step at all")
        require(np.isfinite(tried).all(), "give a finite α")
        tiny = "so small an α hides any mistake; give one of ordinary size"
        require(np.abs(tried).max() > 1e-4, tiny)
        hint = "there the mistake shows: when is α∘(∇²L λ) equal to ∇²L (α∘λ)?"
        require(np.ptp(tried) < 1e-9 * np.abs(tried).max(), hint)


@cache
def angle_problems():
    """(net, θ, batch) of ten random tanh networks."""
    problems = []
    for seed in range(10):
        rng, net = np.random.default_rng(seed), TwoLayerNet(1, 40, 1)
        theta = net.init(rng)
        problems.append((net, theta, Sinusoids().sample(rng, n_tasks=25, shots=10)))
    return problems


def angles(rate, steps):
    """The angle between first-order and exact dθ, in radians, (10,)."""
    found = []
    for net, theta, batch in angle_problems():
        pair = (
            meta_gradient(net, theta, rate, batch, steps, order=order).d_theta
            for order in (1, 2)
        )
        first, exact = (part / np.linalg.norm(part) for part in pair)
        gaps = np.linalg.norm(first - exact), np.linalg.norm(first + exact)
        found.append(2 * np.arctan2(*gaps))
    return np.array(found)


@exercise(
    "Predict and verify: five steps",
    '"Two parts, and when the first is enough" in chapter 05',
)
def judge_angle(marks, median_angle, rate_of_one_step):
    """The median in degrees; five steps lead about five times as far as one."""
    with marks.part("median_angle"):
        rate, steps = marks.rng.uniform(0.005, 0.012), int(marks.rng.integers(1, 4))
        radians = angles(rate, steps)
        slips = {
            "give degrees, not radians": np.median(radians),
            "this is the cosine; take arccos": np.median(np.cos(radians)),
            "this is the mean; take the median": np.degrees(radians.mean()),
            "one angle per problem; take their median": np.degrees(radians),
        }
        found = call(median_angle, rate, steps)
        computed(found, np.degrees(np.median(radians)), slips, close=1e-6)
    with marks.part("rate_of_one_step"):
        size = number(rate_of_one_step)
        require(size > 0, "the rate is above 0")
        require(size < 1, "a rate of that size leads out of sight")
        one, five = (np.median(angles(*pair)) for pair in ((size, 1), (0.001, 5)))
        small, large = "the angle is still too small", "the angle is too large already"
        far = "how far do five steps of 0.001 lead?"
        require(one > five * 2 / 3, f"{small}: {far}")
        require(one < five * 3 / 2, f"{large}: {far}")

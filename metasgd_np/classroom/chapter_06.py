"""The exercises of chapter 06, learn how to step."""

from fractions import Fraction
from functools import cache

import numpy as np

from ..adaptation import adapt, meta_gradient
from ..gradient_check import small_problem
from ..network import TwoLayerNet
from ..second_order import hvp
from ..tasks import TaskBatch
from ..worksheets.mistakes import CATALOGUE
from .exercises import Exercise
from .reading import call, computed, number, require, several, typed
from .sheets import draw_sheet, judge_lines

SEED = 31  # of the sheet of exercise 1
GIVEN = ("dW1_s", "dW2_s", "dW1_q", "dW2_q")
SIZES = (0.003, 0.01, 0.03, 0.1)  # of α, in exercise 5
SCALED_TOO_LATE = 4  # the mistake of exercise 3


def pencil_numbers(draw):
    """What is given of the sheet: g and λ of both matrices."""
    values = draw_sheet(draw, SEED).values
    names = ("g of W1", "g of W2", "λ of W1", "λ of W2")
    return {name: values[symbol] for name, symbol in zip(names, GIVEN, strict=True)}


def judge_pencil(marks, dalpha1, dalpha2):
    """Judge dα = −g∘λ."""
    answers = {"dalpha1": ("dalpha1", dalpha1), "dalpha2": ("dalpha2", dalpha2)}
    judge_lines(marks, draw_sheet(marks.draw, SEED), answers, known=GIVEN)


def catalogue_slips(problem, which):
    """{mistake: the wrong dθ (0) or dα (1) that it gives}."""
    return {
        f"this is mistake {n}, {mistake.name}": mistake.meta_gradient(*problem)[which]
        for n, mistake in CATALOGUE.items()
        if mistake.loss == "squared_error"
    }


def recursion(net, theta, alpha, batch, steps, order=2, late=False):
    """dα of every task by (6.1); `late` meets λ_j for λ_(j+1)."""
    path = adapt(net, theta, alpha, batch.X_s, batch.Y_s, steps)
    lam = net.gradient(path[-1], batch.X_q, batch.Y_q)
    d_alpha = np.zeros_like(lam)
    for theta_j in path[-2::-1]:
        g, met = net.gradient(theta_j, batch.X_s, batch.Y_s), lam
        if order == 2:
            lam = lam - hvp(net, theta_j, batch.X_s, batch.Y_s, alpha * lam)
        d_alpha = d_alpha - g * (lam if late else met)
    return d_alpha


def alpha_slips(problem, order=2):
    """{what is wrong: the dα that it gives}, of every kind."""
    each = recursion(*problem, order=order)
    return {
        "the minus of (6.1) is missing": -each.mean(0),
        "a sum over the tasks; take the mean": each.sum(0),
        "average over the tasks": each,
        "g_j meets λ_(j+1): before λ is carried back": (
            recursion(*problem, order=order, late=True).mean(0)
        ),
        **catalogue_slips(problem, 1),
    }


def judge_recursion(marks, d_alpha_of):
    """Compare with (6.1) for one to three steps, to either order."""
    *problem, _ = small_problem(seed=int(marks.rng.integers(10**6)))
    for order, other in ((2, 1), (1, 2)):
        with marks.part(f"order {order}"):
            for steps in (1, 2, 3):
                case = (*problem, steps)
                without = (meta_gradient, adapt)
                found = call(d_alpha_of, *case, without=without, order=order)
                true, slip = (recursion(*case, order=o).mean(0) for o in (order, other))
                carried = "is not carried back" if order == 2 else "is carried back"
                slips = {f"λ {carried}, which is order {other}": slip}
                computed(found, true, slips | alpha_slips(case, order))


def judge_bugs(marks, mistake, repaired):
    """The number of the mistake; dθ and dα for one to three steps."""
    with marks.part("mistake"):
        named = number(mistake)
        require(named in range(1, 8), "give a number from the list")
        which = "that mistake gives another dθ than broken does"
        require(named == SCALED_TOO_LATE, which)
    *problem, _ = small_problem(seed=int(marks.rng.integers(10**6)))
    cases = [(*problem, steps) for steps in (1, 2, 3)]
    results = [
        several(call(repaired, *case, without=(meta_gradient,)), ("dθ", "dα"))
        for case in cases
    ]
    with marks.part("dθ"):
        for case, found in zip(cases, results, strict=True):
            computed(found[0], meta_gradient(*case).d_theta, catalogue_slips(case, 0))
    with marks.part("dα"):
        for case, found in zip(cases, results, strict=True):
            computed(found[1], meta_gradient(*case).d_alpha, alpha_slips(case))


def judge_signs(marks, alpha_A, alpha_B):
    """α = −goal/g, with g = −Xᵀy."""
    cases = {
        "alpha_A": (alpha_A, [[1, 1], [1, -1]], [1, Fraction(-1, 2)]),
        "alpha_B": (alpha_B, [[2, 1], [1, 2]], [1, Fraction(-3, 2)]),
    }
    for name, (answer, rows, goal) in cases.items():
        X, r = np.array(rows, dtype=object), np.array(goal, dtype=object) + Fraction(0)
        slope = X.T @ (X @ r)  # −g, for c = 1
        true = r / slope
        slips = {
            "the sign is turned: θ′ = −α∘g, and g = −Xᵀy": -true,
            "α has the sign of g∘(where θ must go): no entry is made positive": abs(
                true
            ),
            "turned upside down: α∘Xᵀy must be (r_1, r_2)": slope / r,
            "with N = 2 the loss's 2 and its 1/N cancel; this has a 2 too many": true
            / 2,
            "with N = 2 the loss's 2 and its 1/N cancel; this lacks one": true * 2,
            "this is where θ must go; α∘Xᵀy must lead there": r,
        }
        with marks.part(name):
            typed(answer, true, slips=slips)


def experiment_problem(seed, size):
    """The net, θ, α of about this size, and batch of exercise 5."""
    rng = np.random.default_rng(seed)
    net = TwoLayerNet(2, 5, 4)
    sets = [rng.standard_normal((9, n, d)) for n in (7, 8) for d in (2, 4)]
    theta = rng.standard_normal(net.n_params)
    return net, theta, size * rng.uniform(0.5, 1.5, net.n_params), TaskBatch(*sets)


@cache
def gaps(size, steps, n):
    """|first − exact|, |exact| and |first| of dα for n seeds, three of (n,)."""
    found = []
    for seed in range(n):
        case = (*experiment_problem(seed, size), steps)
        first, exact = (meta_gradient(*case, order=order).d_alpha for order in (1, 2))
        found.append([np.linalg.norm(a) for a in (first - exact, exact, first)])
    return np.array(found).T


def judge_experiment(marks, median_error, largest):
    """The median over the seeds; the largest size that stays below 10 %."""
    with marks.part("median_error"):
        one = call(median_error, 0.1, 1, n=5)
        computed(1 + np.asarray(one, dtype=float), 1.0)  # exact at one step
        size, steps = marks.rng.choice(SIZES[1:3]), int(marks.rng.integers(2, 4))
        n = int(marks.rng.integers(6, 11))
        off, exact, first = gaps(size, steps, n)
        slips = {
            "this is the mean; take the median": np.mean(off / exact),
            "relative to the exact dα, not to the first-order one": np.median(
                off / first
            ),
            "relative to |exact|; this is not divided": np.median(off),
            "a share, not in percent": 100 * np.median(off / exact),
            "one error per seed; take their median": off / exact,
            "the argument n is not used: seeds 0 to n − 1": np.median(
                np.divide(*gaps(size, steps, 40)[:2])
            ),
        }
        found = call(median_error, size, steps, n=n)
        computed(found, np.median(off / exact), slips, close=1e-6)
    with marks.part("largest"):
        tried = number(largest)
        require(any(np.isclose(tried, SIZES)), "give one of the four sizes")
        good = [s for s in SIZES if np.median(np.divide(*gaps(s, 3, 40)[:2])) < 0.1]
        require(tried < max(good) * 1.01, "there the median is 10 % or more")
        require(np.isclose(tried, max(good)), "a larger one is good enough too")


EXERCISES = {
    1: Exercise(
        "dα by hand",
        ("dalpha1", "dalpha2"),
        judge_pencil,
        see='"One step, with a pencil" in chapter 06',
        numbers=pencil_numbers,
    ),
    2: Exercise(
        "dα for any J, to either order",
        ("d_alpha_of",),
        judge_recursion,
        parts=("order 2", "order 1"),
        see="equation (6.1) in chapter 06",
    ),
    3: Exercise(
        "Find the bugs",
        ("mistake", "repaired"),
        judge_bugs,
        parts=("mistake", "dθ", "dα"),
        see="equations (5.3) and (6.1), and the museum of mistakes",
    ),
    4: Exercise(
        "Predict the sign of α",
        ("alpha_A", "alpha_B"),
        judge_signs,
        see='"One step, with a pencil" in chapter 06',
    ),
    5: Exercise(
        "When is first order good enough for α?",
        ("median_error", "largest"),
        judge_experiment,
        see='the side trip "Questions about α"',
    ),
}

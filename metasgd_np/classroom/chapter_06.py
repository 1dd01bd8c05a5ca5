"""The exercises of chapter 06, learn how to step."""

from fractions import Fraction
from functools import cache
from itertools import chain

import numpy as np

from ..adaptation import adapt, meta_gradient
from ..gradient_check import small_problem
from ..network import TwoLayerNet
from ..tasks import TaskBatch
from ..worksheets.mistakes import CATALOGUE
from .chapter_05 import RECURSION, carry_back, wrong_carries
from .formulas import evaluate, judge_result, near_misses
from .reading import call, choose, computed, number, require, several, typed
from .register import new_chapter
from .sheets import draw_sheet, judge_lines

EXERCISES, exercise = new_chapter()

SEED = 31  # of the sheet of exercise 1
GIVEN = ("dW1_s", "dW2_s", "dW1_q", "dW2_q")
SIZES = (0.003, 0.01, 0.03, 0.1)  # of α, in exercise 5
BROKEN = {"λ": "λ - α * H(λ)", "dα": "dα - g * (λ - α * H(λ))"}  # as in exercise 3
SCALED_TOO_LATE = 4  # the mistake of exercise 3
LISTED = {n: CATALOGUE[n].name for n in range(1, 8)}


def pencil_numbers(draw):
    """What is given of the sheet: g and λ of both matrices."""
    values = draw_sheet(draw, SEED).values
    names = ("g of W1", "g of W2", "λ of W1", "λ of W2")
    return {name: values[symbol] for name, symbol in zip(names, GIVEN, strict=True)}


@exercise(
    "dα by hand", '"One step, with a pencil" in chapter 06', numbers=pencil_numbers
)
def judge_pencil(marks, dalpha1, dalpha2):
    """Judge dα = −g∘λ."""
    answers = {"dalpha1": ("dalpha1", dalpha1), "dalpha2": ("dalpha2", dalpha2)}
    judge_lines(marks, draw_sheet(marks.draw, SEED), answers, known=GIVEN)


def slips_of(problem, which, right=RECURSION):
    """(what is wrong, the wrong dα (0) or dθ (1) that it gives), one by one."""
    late = "g_j meets λ_(j+1): before λ is carried back"
    lines = right | {"dα": "dα - g * (λ - H(α * λ))"}
    yield late, carry_back(problem, lines)[which].mean(0)
    for n, mistake in CATALOGUE.items():
        if mistake.loss == "squared_error":
            wrong = mistake.meta_gradient(*problem)[1 - which]
            yield f"this is mistake {n}, {mistake.name}", wrong
    yield from wrong_carries(problem, which, right)


@exercise(
    "dα for any J, to either order",
    "equation (6.1) in chapter 06",
    parts=("order 2", "order 1"),
)
def judge_recursion(marks, d_alpha_of):
    """Compare with (6.1) for one to three steps, to either order."""
    *problem, _ = small_problem(seed=int(marks.rng.integers(10**6)))
    first = RECURSION | {"λ": "λ"}
    for order, lines, other in ((2, RECURSION, first), (1, first, RECURSION)):
        carried = "is not carried back" if order == 2 else "is carried back"
        with marks.part(f"order {order}"):
            for steps in (1, 2, 3):
                case = (*problem, steps)
                without = (meta_gradient, adapt)
                found = call(d_alpha_of, *case, without=without, order=order)
                true, wrong = (
                    carry_back(case, rule)[0].mean(0) for rule in (lines, other)
                )
                slips = [(f"λ {carried}, which is order {3 - order}", wrong)]
                computed(found, true, chain(slips, slips_of(case, 0, lines)))


@exercise(
    "Find the bugs",
    "equations (5.3) and (6.1), and the museum of mistakes",
    parts=("mistake", "dθ", "dα"),
)
def judge_bugs(marks, mistake, repaired):
    """The number of the mistake; dθ and dα for one to three steps."""
    with marks.part("mistake"):
        which = "that mistake gives another dθ than broken does"
        require(choose(mistake, LISTED) == SCALED_TOO_LATE, which)
    *problem, _ = small_problem(seed=int(marks.rng.integers(10**6)))
    cases = [(*problem, steps) for steps in (1, 2, 3)]
    results = [
        several(call(repaired, *case, without=(meta_gradient,)), ("dθ", "dα"))
        for case in cases
    ]
    for place, which in enumerate(("dθ", "dα")):
        with marks.part(which):
            for case, found in zip(cases, results, strict=True):
                right = meta_gradient(*case)
                pair = right.d_theta, right.d_alpha
                slips = [("the other one comes first: dθ, dα", pair[1 - place])]
                if which == "dα":
                    left = carry_back(case, BROKEN)[0].mean(0)
                    slips.append(("this is as `broken` leaves it", left))
                slips = chain(slips, slips_of(case, 1 - place))
                computed(found[place], pair[place], slips)


@exercise("Predict the sign of α", '"One step, with a pencil" in chapter 06')
def judge_signs(marks, alpha_A, alpha_B):
    """α = −goal/g, with g = −Xᵀy."""
    cases = {
        "alpha_A": (alpha_A, [[1, 1], [1, -1]], [1, Fraction(-1, 2)]),
        "alpha_B": (alpha_B, [[2, 1], [1, 2]], [1, Fraction(-3, 2)]),
    }
    formula = "r / (X.T @ y)"  # g = −Xᵀy, for c = 1
    named = {
        "is right but for signs: where must θ go, and where does −g point?": (
            "abs(r / (X.T @ y))"
        ),
    }
    for name, (answer, rows, goal) in cases.items():
        X, r = np.array(rows, dtype=object), np.array(goal, dtype=object) + Fraction(0)
        values = {"X": X, "r": r, "y": X @ r}
        with marks.part(name):
            slips = near_misses(formula, values, named)
            typed(answer, evaluate(formula, values), slips=slips)


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


@exercise("When is first order good enough for α?", 'the side trip "Questions about α"')
def judge_experiment(marks, median_error, largest):
    """The median over the seeds; the largest size that stays below 10 %."""
    named = {
        "this is the mean; take the median": "mean(off / exact)",
        "a share, not in percent": "100 * median(off / exact)",
        "the argument n is not used: seeds 0 to n − 1": "median(every)",
    }
    with marks.part("median_error"):
        one = call(median_error, 0.1, 1, n=5)
        computed(1 + np.asarray(one, dtype=float), 1.0)  # exact at one step
        size, steps = marks.rng.choice(SIZES[1:3]), int(marks.rng.integers(2, 4))
        for n in (3, 4, int(marks.rng.integers(6, 11))):
            values = dict(
                zip(("off", "exact", "first"), gaps(size, steps, n), strict=True)
            )
            values["every"] = np.divide(*gaps(size, steps, 40)[:2])
            found = call(median_error, size, steps, n=n)
            judge_result(found, "median(off / exact)", values, named, close=1e-6)
    with marks.part("largest"):
        tried = number(largest)
        require(any(np.isclose(tried, SIZES)), "give one of the four sizes")
        good = [s for s in SIZES if np.median(np.divide(*gaps(s, 3, 40)[:2])) < 0.1]
        require(tried < max(good) * 1.01, "there the median is 10 % or more")
        require(np.isclose(tried, max(good)), "a larger one is good enough too")

"""The exercises of chapter 12, navigate to a goal that you cannot see."""

from fractions import Fraction
from math import isqrt

import numpy as np

from ..reinforcement.gaussian_loss import gaussian_curvature, gaussian_slope
from .formulas import (
    evaluate,
    judge_result,
    judge_results,
    judge_steps,
    near_misses,
)
from .reading import (
    Wrong,
    agree,
    as_array,
    call,
    choose,
    computed,
    fitted,
    number,
    own,
    require,
    typed,
)
from .register import new_chapter

EXERCISES, exercise = new_chapter()

PLACES = 1e-4


def case_numbers(draw):
    """e^s, and the mean, the action and its weight in cases A and B."""
    cases = {"A": [[3, 1, 1]], "B": [[1, 5, -1]]}
    if draw is None:
        return {"variance": 4} | cases
    sigma, first = draw.choice((2, 4)), draw.random() < 0.5
    ratios = draw.sample((1, 2, 3), 2)
    if 1 not in ratios:
        ratios[first] = 1  # an action at one σ says nothing about s
    for name, ratio in zip(cases, ratios, strict=True):
        mean = draw.randint(-3, 3)
        action = mean + draw.choice((-1, 1)) * ratio * sigma
        cases[name] = [[mean, action, draw.choice((-2, -1, 1, 2))]]
    return {"variance": sigma**2} | cases


@exercise(
    "The slope of s by hand",
    "equations (12.5) and (12.6) in chapter 12",
    numbers=case_numbers,
)
def judge_cases(marks, ds_A, ds_B, wider):
    """(12.5), (12.6) with N = 1, and what a step against ds does to s."""
    variance, *cases = case_numbers(marks.draw).values()
    named = {
        "this is dM, (12.4)": "ψ * (m - a) / variance",
        "square the distance for q": "ψ / 2 * (1 - abs(m - a) / variance)",
        "e^−s is one over the variance, not over σ": ("ψ / 2 * (1 - (m - a)**2 / sd)"),
    }
    signs = {"right": "", "own": ""}  # the letters of those that are negative
    for name, answer, case in zip("AB", (ds_A, ds_B), cases, strict=True):
        values = dict(zip("maψ", case[0], strict=True))
        values |= {"variance": variance, "sd": isqrt(variance)}
        formula = "ψ / 2 * (1 - (m - a)**2 / variance)"
        steps = {"ds": (formula, f"ds_{name}", answer)}
        judge_steps(marks, values, steps, {"ds": named})
        right = evaluate(formula, values)
        signs["right"] += name * (right < 0)
        signs["own"] += name * bool(own(answer, right) < 0)
    with marks.part("wider"):
        letter = choose(wider, ("A", "B", "neither", "none", "no"))
        letter = letter if letter in "AB" else ""
        moves = "s moves against ds: where it grows, so does the variance e^s"
        require(letter in signs.values(), moves)


def system_numbers(draw):
    """ℐ, symmetric and positive definite, and ∇ℓ, no eigenvector of it."""
    fisher, slope = [[3, 1], [1, 2]], [1, 1]
    while draw is not None:
        a, b, c = draw.randint(2, 4), draw.choice((-1, 1)), draw.randint(1, 4)
        fisher, slope = [[a, b], [b, c]], draw.choice(([1, 1], [1, -1], [1, 2]))
        I_v = [row[0] * slope[0] + row[1] * slope[1] for row in fisher]
        if a * c > b * b and I_v[0] * slope[1] != I_v[1] * slope[0] and a != c:
            break
    return {
        "fisher": np.array(fisher, dtype=object),
        "slope": np.array(slope, dtype=object),
    }


@exercise(
    "One step of conjugate gradients",
    '"Solve with products alone" in the side trip trust regions',
    numbers=system_numbers,
)
def judge_conjugate(marks, eta, xi_1, u_1, v_2):
    """One step and the direction of the next, each from the student's own before it."""
    fisher, u = (x.astype(float) for x in system_numbers(marks.draw).values())
    values = {"I": fisher, "u": u, "solution": np.linalg.solve(fisher, u)}
    steps = {
        "η": ("u @ u / (u @ I @ u)", "eta", eta),
        "ξ": ("η * u", "xi_1", xi_1),
        "u_1": ("u - η * I @ u", "u_1", u_1),
        "v_2": ("u_1 + u_1 @ u_1 / (u @ u) * u", "v_2", v_2),
    }
    lengths = "u_1 + sqrt(u_1 @ u_1 / (u @ u)) * u"
    named = {
        "η": {
            "v·ℐv, not ℐv·ℐv: u must become orthogonal to v": "u @ u / (u @ I @ I @ u)",
            "u·u, the square of the length, not the length": (
                "sqrt(u @ u) / (u @ I @ u)"
            ),
        },
        "ξ": {
            "this solves the system; one step leads part of the way": "solution",
            "ξ starts at 0, not at v": "u + η * u",
            "ξ + η v; this is η ℐv": "η * I @ u",
        },
        "u_1": {"u − η ℐv, not u − η v": "u - η * u"},
        "v_2": {
            "the ratio is of u·u, not of the lengths": lengths,
        },
    }
    judge_steps(marks, values, steps, named, within=PLACES)


@exercise(
    "Find the error",
    "equations (12.4) to (12.8) in chapter 12",
    parts=("dM_dot", "dS_dot"),
)
def judge_curvature(marks, repaired):
    """What suspect leaves out are the two mixed terms."""
    N, n_out = 3 + marks.rng.permutation(4)[:2]
    M, S, A, M_dot, S_dot = marks.rng.standard_normal((5, N, n_out))
    psi = marks.rng.standard_normal((N, 1))
    without = gaussian_curvature, gaussian_slope
    found = call(repaired, M, S, A, psi, M_dot, S_dot, without=without)
    values = {"error": M - A, "S": S, "ψ": psi, "N": N, "M_dot": M_dot, "S_dot": S_dot}
    factor = "ψ * exp(-S) / N * "
    formulas = {
        "dM_dot": f"{factor}(M_dot - error * S_dot)",
        "dS_dot": f"{factor}(error**2 * S_dot / 2 - error * M_dot)",
    }
    named = {
        "dM_dot": {
            "dM holds e^−s: it moves when s moves": f"{factor}M_dot",
            "product rule on (M − A) e^−s: no ½ here": (
                f"{factor}(M_dot - error * S_dot / 2)"
            ),
        },
        "dS_dot": {
            "dS holds q: it moves when m moves": f"{factor}error**2 * S_dot / 2",
            "(12.5) has a factor ½; with the 2 of q it gives 1": (
                f"{factor}(error**2 * S_dot / 2 - 2 * error * M_dot)"
            ),
            "q = (M − A)² has the slope 2 (M − A); with the ½ of (12.5) it gives 1": (
                f"{factor}(error**2 * S_dot / 2 - error * M_dot / 2)"
            ),
        },
    }
    judge_results(marks, found, formulas, values, named)


def reward_numbers(draw):
    """Three probabilities and rewards."""
    p, r = (5, 3, 2), (-1, -4, -10)
    while draw is not None:
        p = draw.choice(((5, 3, 2), (6, 3, 1), (2, 7, 1), (3, 1, 6)))
        r = draw.sample((-1, -4, -10, -15, 2), 3)
        share = np.array(p) / 10
        if abs(quietest(share, np.array(r)) - share @ r) > 0.2:
            break
    return {
        "p": np.array([Fraction(n, 10) for n in p]),
        "r": np.array(r, dtype=object),
    }


def quietest(p, r):
    """E[r |∇ log p|²] / E[|∇ log p|²]."""
    length = p * ((np.eye(3) - p) ** 2).sum(1)
    return r @ length / length.sum()


MEAN = "p @ ((r - V)[:, None] * (one - p))"


@exercise(
    "A baseline, by full enumeration",
    '"Better than expected" in chapter 12',
    numbers=reward_numbers,
)
def judge_baseline(marks, mean_gradient, noise, best):
    """Σ p (r − V)(e − p), the spread around it, and the V of least spread."""
    p, r = marks.rng.dirichlet([3, 3, 3]), marks.rng.uniform(-9, 3, 3)
    values = {"p": p, "r": r, "V": marks.rng.uniform(1, 4), "one": np.eye(3)}
    with marks.part("mean_gradient"):
        judge_mean(mean_gradient, values)
    with marks.part("noise"):
        found = as_array(call(noise, p, r, values["V"]))
        each = evaluate("(r - V)[:, None] * (one - p)", values)
        values |= {"each": each, "centre": p @ each}
        named = {
            "distance from the mean: subtract mean_gradient": "p @ sum(each**2, 1)",
            "the actions are not equally likely: weight by p": (
                "mean(sum((each - centre)**2, 1))"
            ),
            "the squared distance, without a root": (
                "sqrt(p @ sum((each - centre)**2, 1))"
            ),
            "a squared distance adds up the three logits; this is their mean": (
                "p @ mean((each - centre)**2, 1)"
            ),
            "a squared distance adds up the three logits; this has one each": (
                "p @ (each - centre)**2"
            ),
            "V is missing: r − V": "p @ sum((r[:, None] * (one - p) - centre)**2, 1)",
        }
        carried = p @ ((each - own_mean(mean_gradient, values)) ** 2).sum(1)
        if not agree(found, carried, 1e-9):
            judge_result(found, "p @ sum((each - centre)**2, 1)", values, named)
    with marks.part("best"):
        p, r = (x.astype(float) for x in reward_numbers(marks.draw).values())
        wrong = marks.found["mean_gradient"] or marks.found["noise"]
        if not (wrong and is_least(noise, p, r, number(best))):
            judge_best(best, p, r)


def judge_mean(mean_gradient, values):
    """Compare without a baseline, then with one; it must drop out."""
    named = {
        "the actions are not equally likely: weight them by p": (
            "mean((r - V)[:, None] * (one - p), 0)"
        ),
        "weight them by p": "sum((r - V)[:, None] * (one - p), 0)",
        "V must drop out: subtract it from every reward, then weight": (
            "p @ (r[:, None] * (one - p)) - V"
        ),
        "one for each action; sum over the actions": (
            "p[:, None] * (r - V)[:, None] * (one - p)"
        ),
        "an action's contribution has an entry for every logit, e_a − p": (
            "p * (r - V) * (1 - p)"
        ),
    }
    for baseline in (0, values["V"], -values["V"]):
        case = values | {"V": baseline}
        found, again = (
            as_array(call(mean_gradient, case["p"], case["r"], baseline))
            for _ in range(2)
        )
        require(np.array_equal(found, again), "two calls differ: no sampling is needed")
        judge_result(found, MEAN, case, named)


def own_mean(mean_gradient, values):
    """What the student's function gives; the right mean if that is no vector."""
    try:
        found = as_array(call(mean_gradient, *(values[name] for name in "prV")))
        return fitted(found, (3,))
    except Wrong:
        return values["centre"]


def is_least(noise, p, r, V):
    """Whether the student's own noise is least at V, to two decimals."""
    try:
        less, here, more = (
            as_array(call(noise, p, r, V + d)) for d in (-0.02, 0, 0.02)
        )
        return here.size == 1 and less > here < more
    except Wrong:
        return False


def judge_best(best, p, r):
    """Where the noise is least, to two decimals."""
    values = {"p": p, "r": r, "length": ((np.eye(3) - p) ** 2).sum(1)}
    named = {
        "close, but the mean reward is not the best baseline": "p @ r",
        "this is the mean of the three rewards, which are not equally likely": (
            "mean(r)"
        ),
        "this is the reward in the middle": "median(r)",
        "weight by p and by |∇ log p|²; p is missing": "r @ length / sum(length)",
        "without a baseline the noise is not least": "0",
    }
    formula = "p @ (r * length) / (p @ length)"
    slips = near_misses(formula, values, named)
    typed(best, evaluate(formula, values), slips=slips, within=0.0101)


@exercise("Put back what was left out", '"What is left out" in chapter 12')
def judge_missing(marks, missing):
    """m′² times the score of the whole batch, or what has the same mean."""
    m, alpha, shape = marks.rng.uniform(1.6, 2.4), 0.25, (40_000, 10)
    a = m + marks.rng.standard_normal(shape)
    psi = -(a**2) + (a**2).mean(-1, keepdims=True)
    m_new = m - alpha * (psi * (m - a)).mean(-1)
    found = as_array(call(missing, a, m, m_new))
    require(
        found.shape not in (shape, shape[::-1]),
        "one value for each batch: sum over its actions",
    )
    require(found.shape, "is one number; one value for each batch is asked for")
    formula, values = "m_new**2 * sum(a - m, 1)", {"a": a, "m": m, "m_new": m_new}
    named = {
        "the log-density of a batch is the sum over its actions, not their mean": (
            "m_new**2 * mean(a - m, 1)"
        ),
        "∇ log π of one action; the batch has ten": "m_new**2 * (a - m)[:, 0]",
        "the loss m_new² and ∇ log π, not the density itself": (
            "-m_new**2 * sum((a - m)**2, 1) / 2"
        ),
        "this holds 2 m_new already; the missing term alone": (
            "2 * m_new + m_new**2 * sum(a - m, 1)"
        ),
        "the loss is that of the batch, m_new², not the reward": (
            "sum(-a**2 * (a - m), 1)"
        ),
    }
    right = evaluate(formula, values)
    if found.size != right.size or not agree(found.ravel(), right, 1e-9):
        judge_average(found, right, dict(near_misses(formula, values, named)))


def judge_average(found, right, slips):
    """Accept another term with the same mean, as with a baseline."""
    try:
        computed(found, right, slips)
    except Wrong as wrong:
        if str(wrong) in slips or found.size != right.size:
            raise
        off = found.ravel() - right
        wild = not off.std() < 3 * right.std()
        if wild or abs(off.mean()) > 5 * off.std() / np.sqrt(off.size):
            raise

"""The exercises of chapter 10, classify characters never seen before."""

from fractions import Fraction
from itertools import combinations

import numpy as np

from .formulas import evaluate, judge_result, near_misses
from .reading import call, choose, entries_of, fitted, floats, own, require, typed
from .register import new_chapter

EXERCISES, exercise = new_chapter()

HALF = Fraction(1, 2)
EXAM = 100, 75  # tasks, queries of each
DRAWINGS = [
    np.array([[int(n in pair) for n in range(4)]], dtype=object)
    for pair in combinations(range(4), 2)
]  # of two pixels of ink


def drawing_numbers(draw):
    """Two support drawings, and a query whose label changes as it moves."""
    support, query = [[1, 1, 0, 0], [0, 1, 1, 0]], [[1, 1, HALF, 0]]
    while draw is not None:
        support = np.vstack(draw.sample(DRAWINGS, 2))
        query = draw.choice(DRAWINGS).copy()
        query[0, draw.choice(np.flatnonzero(query == 0).tolist())] = HALF
        moved = np.roll(query, 1)
        first, second = (squared(q, support) for q in (query, moved))
        if (first[0] - first[1]) * (second[0] - second[1]) < 0:
            break
    support, query = (np.array(rows, dtype=object) for rows in (support, query))
    return {"support": support, "query": query}


def squared(query, support):
    """The squared distances of a query from the support drawings."""
    return ((query - support) ** 2).sum(1)


@exercise(
    "The nearest neighbour by hand",
    '"Where comparing pixel by pixel stops" in chapter 10',
    numbers=drawing_numbers,
)
def judge_nearest(marks, distances, label, moved, moved_label):
    """Two squared distances and the label of the smaller, before and after the move."""
    support, query = (x.astype(float) for x in drawing_numbers(marks.draw).values())
    values = {"S": support, "query_before": query}
    values["query_moved"] = np.roll(query, 1)
    values["query_moved_left"] = np.roll(query, -1)
    formula = "sum((query - S)**2, 1)"
    named = {
        "squared distances: no root": f"sqrt({formula})",
        "the differences are not squared": "sum(abs(query - S), 1)",
        "class 0 comes first": f"{formula}[::-1]",
        "this is the ink that both share; subtract, square, add": "sum(query * S, 1)",
        "square each difference, then add": "sum(query - S, 1)**2",
    }
    rows = (
        ("distances", "label", "query_before", distances, label),
        ("moved", "moved_label", "query_moved", moved, moved_label),
    )
    for name, label_name, drawing, found, chosen in rows:
        known = values | {"query": values[drawing]}
        right = evaluate(formula, known)
        with marks.part(name):
            typed(found, right, slips=near_misses(formula, known, named))
        with marks.part(label_name):
            nearest = {int(np.argmin(x)) for x in (right, own(found, right))}
            require(choose(chosen, (0, 1)) in nearest, "the smallest distance decides")


@exercise("An honest interval", '"N-way K-shot tasks" in chapter 10')
def judge_interval(marks, interval):
    """1.96 σ / √n, where a task is one of the n."""
    n, Q = EXAM
    together = f"this treats {n * Q:,} queries as independent, but {Q} share a task"
    half = "1.96 * spread / sqrt(n)"
    named = {
        together: "1.96 * spread_of_queries / sqrt(n * Q)",
        f"{together}; and σ² divides by n − 1": (
            "1.96 * sqrt(mean(R) * (1 - mean(R)) / n / Q)"
        ),
        "σ² divides by n − 1: ddof=1": "1.96 * spread * sqrt((n - 1) / n) / sqrt(n)",
        f"the n values are tasks; this divides by √{n * Q:,}": (
            "1.96 * spread / sqrt(n * Q)"
        ),
        f"n is the number of tasks, not the {Q} queries of each": (
            "1.96 * spread / sqrt(Q)"
        ),
        "the mean over axis 0 mixes the tasks; each task has a row of R": (
            "1.96 * spread_of_columns / sqrt(Q)"
        ),
        "this gives both ends; the half-width is asked for": f"mean(R) + ends * {half}",
    }
    for _ in range(2):
        hard = marks.rng.uniform(0.5, 1, (n, 1))
        R = marks.rng.random(EXAM) < hard
        values = {
            "R": R,
            "n": n,
            "Q": Q,
            "spread": R.mean(1).std(ddof=1),
            "spread_of_queries": R.std(ddof=1),
            "spread_of_columns": R.mean(0).std(ddof=1),
            "spread_inside": R.std(1, ddof=1).mean(),
            "ends": np.array([-1, 1]),
        }
        judge_result(call(interval, R), half, values, named)


def windows(x, k):
    """Σ_{a,b} k_ab x_{i+a, j+b}, for every i, j where k lies inside x."""
    view = np.lib.stride_tricks.sliding_window_view(x, k.shape)
    return np.einsum("ijab,ab->ij", view, k)


@exercise(
    "The gradient of a convolution",
    '"Why convolutions help" in chapter 10, and equation (2.6) in chapter 02',
)
def judge_kernel(marks, kernel_gradient):
    """dk_ab = Σ_{i,j} dz_ij x_{i+a, j+b}."""
    x, dz = (marks.rng.standard_normal((size, size)) for size in (7, 5))
    named = {
        "mirrored: k_ab meets the pixel at (i + a, j + b)": (
            "windows(x, dz)[::-1, ::-1]"
        ),
        "add up the places (i, j); this is their mean": "windows(x, dz) / 25",
        "dz is mirrored: dz_ij meets the pixel at (i + a, j + b)": (
            "windows(x, dz[::-1, ::-1])"
        ),
        "x is mirrored: dz_ij meets the pixel at (i + a, j + b)": (
            "windows(x[::-1, ::-1], dz)"
        ),
        "dz is transposed: i belongs to a, j to b": "windows(x, dz.T)",
        "without dz: this adds up the pixels": "windows(x, dz / dz)",
        "this takes the last place (i, j) alone; add them up with +=": (
            "dz[-1, -1] * x[-3:, -3:]"
        ),
        "this takes the first place (i, j) alone; add them up with +=": (
            "dz[0, 0] * x[:3, :3]"
        ),
    }
    values = {"x": x, "dz": dz, "windows": windows}
    judge_result(call(kernel_gradient, x, dz), "windows(x, dz)", values, named)


@exercise("Which α keeps the rank?", '"What does one step change?" in chapter 10')
def judge_rank(marks, alpha):
    """α = a bᵀ: the step is (a∘x̃)(b∘dz)ᵀ, an outer product again."""
    require(alpha is not None, "no answer yet")
    a = floats(fitted(entries_of(alpha, (3, 4)), (3, 4)))
    require(a.all(), "no entry may be zero")
    require((a != a[0]).any(), "the rows are equal")
    require((a != a[:, :1]).any(), "the columns are equal")
    step = a * np.outer(marks.rng.uniform(1, 2, 3), marks.rng.uniform(1, 2, 4))
    rank = np.linalg.matrix_rank(step, tol=1e-6 * np.linalg.norm(step, 2))
    require(
        rank == 1,
        f"the step has rank {rank} for some x and dz: when is α ∘ (x dzᵀ) an outer "
        "product again?",
    )

"""The exercises of chapter 10, classify characters never seen before."""

from fractions import Fraction
from itertools import combinations

import numpy as np

from .exercises import Exercise
from .reading import Wrong, as_array, call, computed, entries_of, require, typed

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


def judge_nearest(marks, *answers):
    """Two squared distances and the label of the smaller, before and after the move."""
    support, query = drawing_numbers(marks.draw).values()
    moved = np.roll(query, 1)
    before, after = squared(query, support), squared(moved, support)
    others = {
        "distances": {"this is of the moved query": after},
        "moved": {
            "the moved query is another drawing": before,
            "the query moves to the right": squared(np.roll(query, -1), support),
        },
    }
    rows = ("distances", "label", query, before), ("moved", "moved_label", moved, after)
    for n, (name, label, drawing, right) in enumerate(rows):
        distances, found = answers[2 * n : 2 * n + 2]
        slips = {
            "squared distances: no root": np.sqrt(right.astype(float)),
            "the differences are not squared": abs(drawing - support).sum(1),
            "add the four terms; this is their mean": right / Fraction(4),
            "class 0 comes first": right[::-1],
            "this is the ink that both share; subtract, square, add": (
                drawing * support
            ).sum(1),
            "square each difference, then add": (drawing - support).sum(1) ** 2,
        }
        with marks.part(name):
            typed(distances, right, slips=others[name] | slips)
        with marks.part(label):
            judge_label(found, right, distances)


def judge_label(label, right, distances):
    """The class with the smallest distance, of the right ones or the student's."""
    if isinstance(label, str):
        label = label.lower().replace("class", "")
    elif isinstance(label, bool | np.bool_):
        label = int(label)
    nearest = [int(np.argmin(right))]
    try:
        own = [entry.value for entry in entries_of(distances, (2,)).ravel()]
        nearest += [int(np.argmin(own))] * (len(own) == 2)
    except Wrong:
        pass
    slips = {"the smallest distance decides": 1 - nearest[0]}
    typed(label, *nearest, slips=slips)


def judge_interval(marks, interval):
    """1.96 σ / √n, where a task is one of the n."""
    n, Q = EXAM
    for _ in range(2):
        hard = marks.rng.uniform(0.5, 1, (n, 1))
        R = marks.rng.random(EXAM) < hard
        tasks = R.mean(1)
        sigma = tasks.std(ddof=1)
        right, alone = 1.96 * sigma / np.sqrt(n), 1.96 / np.sqrt(n * Q)
        mean, per_query = R.mean(), R.mean(0).std(ddof=1)
        pooled = f"this treats {n * Q:,} queries as independent, but {Q} share a task"
        slips = {
            pooled: R.std(ddof=1) * alone,
            f"{pooled}; and σ² divides by n − 1": R.std() * alone,
            "σ² divides by n − 1: ddof=1": 1.96 * tasks.std() / np.sqrt(n),
            "1.96 is missing": sigma / np.sqrt(n),
            "this is the whole width; half of it is asked for": 2 * right,
            "divide by √n: this is the spread of single tasks": 1.96 * sigma,
            "divide by √n, not by n": 1.96 * sigma / n,
            f"the n values are tasks; this divides by √{n * Q:,}": sigma * alone,
            f"n is the number of tasks, not the {Q} queries of each": (
                1.96 * sigma / np.sqrt(Q)
            ),
            "this has σ² where σ belongs": 1.96 * sigma**2 / np.sqrt(n),
            "the mean over axis 0 mixes the tasks; each task has a row of R": (
                1.96 * per_query / np.sqrt(Q)
            ),
            "this is the spread inside the tasks; the means of the tasks vary": (
                1.96 * R.std(1, ddof=1).mean() / np.sqrt(n)
            ),
            "this gives both ends; the half-width is asked for": mean
            + right * np.array([-1, 1]),
            "this gives the mean and the half-width; the second is asked for": (
                np.array([mean, right])
            ),
        }
        computed(call(interval, R), right, slips)


def windows(x, k):
    """Σ_{a,b} k_ab x_{i+a, j+b}, for every i, j where k lies inside x."""
    view = np.lib.stride_tricks.sliding_window_view(x, k.shape)
    return np.einsum("ijab,ab->ij", view, k)


def judge_kernel(marks, kernel_gradient):
    """dk_ab = Σ_{i,j} dz_ij x_{i+a, j+b}."""
    x, dz = (marks.rng.standard_normal((size, size)) for size in (7, 5))
    found = as_array(call(kernel_gradient, x, dz))
    right = windows(x, dz)
    sizes = {
        (5, 5): "has the shape of dz; dk has the shape of k, (3, 3)",
        (7, 7): "has the shape of x; dk has the shape of k, (3, 3)",
        (): "is one number; dk has one for each k_ab, (3, 3)",
    }
    require(found.shape not in sizes, sizes.get(found.shape))
    slips = {
        "mirrored: k_ab meets the pixel at (i + a, j + b)": right[::-1, ::-1],
        "add up the places (i, j); this is their mean": right / dz.size,
        "dz holds the 2 of the squared error already": 2 * right,
        "dz is mirrored: dz_ij meets the pixel at (i + a, j + b)": windows(
            x, dz[::-1, ::-1]
        ),
        "x is mirrored: dz_ij meets the pixel at (i + a, j + b)": windows(
            x[::-1, ::-1], dz
        ),
        "the pixel is at (i + a, j + b), not at (i − a, j − b)": [
            [(dz * np.roll(x, (a, b), (0, 1))[:5, :5]).sum() for b in range(3)]
            for a in range(3)
        ],
        "dz is transposed: i belongs to a, j to b": windows(x, dz.T),
        "without dz: this adds up the pixels": windows(x, np.ones_like(dz)),
        "this takes the last place (i, j) alone; add them up with +=": (
            dz[-1, -1] * x[-3:, -3:]
        ),
        "this takes the first place (i, j) alone; add them up with +=": (
            dz[0, 0] * x[:3, :3]
        ),
    }
    computed(found, right, slips)


def judge_rank(marks, alpha):
    """α = a bᵀ: the step is (a∘x̃)(b∘dz)ᵀ, an outer product again."""
    require(alpha is not None, "no answer yet")
    entries = entries_of(alpha, (3, 4))
    require(
        entries.shape == (3, 4),
        f"has shape {entries.shape}, expected (3, 4): three pixels, four units",
    )
    a = np.vectorize(lambda entry: float(entry.value), otypes=[float])(entries)
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


EXERCISES = {
    1: Exercise(
        "The nearest neighbour by hand",
        ("distances", "label", "moved", "moved_label"),
        judge_nearest,
        see='"Where comparing pixel by pixel stops" in chapter 10',
        numbers=drawing_numbers,
    ),
    2: Exercise(
        "An honest interval",
        ("interval",),
        judge_interval,
        see='"N-way K-shot tasks" in chapter 10',
    ),
    3: Exercise(
        "The gradient of a convolution",
        ("kernel_gradient",),
        judge_kernel,
        see='"Why convolutions help" in chapter 10, and equation (2.6) in chapter 02',
    ),
    4: Exercise(
        "Which α keeps the rank?",
        ("alpha",),
        judge_rank,
        see='"What does one step change?" in chapter 10',
    ),
}

"""Small examples in exact fractions on which every slip shows.

Three examples per set, so that neither 1/N nor 2/N is 1. An example is drawn by its
given values; where the step leads is drawn too, which makes α a simple fraction.
"""

from fractions import Fraction
from itertools import permutations
from random import Random

import numpy as np

from ..network import TwoLayerNet
from ..tasks import TaskBatch
from .lines import evaluate, layout
from .slips import find_honest, find_slips, select

DEFAULT = {  # found by search: no denominator above 4, no numerator above 60
    "X_s": "-2 0 -1",
    "Y_s": "-7/2 3 4",
    "X_q": "-1 -2 0",
    "Y_q": "-7/2 -1/2 13/2",
    "W1": "-1 -1 -2 -1",
    "W2": "2 -1 -1",
    "alpha1": "-1/4 1/4 -1/4 1",
    "alpha2": "1/4 -1/4 -1/4",
}
SHAPES = {"W1": (2, 2), "W2": (3, 1), "alpha1": (2, 2), "alpha2": (3, 1)}
WEIGHTS = np.array([-2, -1, 1, 2.0])
STEPS = np.array([-2, -1.5, -1, -0.5, 0.5, 1, 1.5, 2])  # entries of W′
INPUTS = np.array(list(permutations((-2, -1, 0, 1, 2.0), 3)))[..., None]
ERRORS = np.array([-3, -1.5, 1.5, 3])  # F − Y, three times a half
SUPPORTS = 32768  # support halves per draw
QUERIES = 16  # query halves to each
RANKS = np.arange(255)
SHORTLIST = 512  # of the smallest, on which all slips are tried


def default_example():
    """(net, θ, α, batch): D = 1, H = 2, O = 1, three examples per set, in fractions."""
    return exact_example({symbol: text.split() for symbol, text in DEFAULT.items()})


def draw_example(rng: Random):
    """A small example of the default's kind that hides no slip: (net, θ, α, batch)."""
    found = find_slips("square", "squared_error", (1, 2, 1, 3, 3))
    while True:
        values = draw_candidates(rng)
        values = select(values, np.argsort(size(values), kind="stable")[:SHORTLIST])
        honest = find_honest(found, values)
        if len(honest):
            return exact_example(select(values, honest[0]))


def exact_example(given):
    """(net, θ, α, batch) of the given values, as the fractions they stand for."""

    def exact(*symbols):
        entries = np.concatenate([np.ravel(given[symbol]) for symbol in symbols])
        fractions = [Fraction(entry).limit_denominator(100) for entry in entries]
        return np.array(fractions, dtype=object)

    theta, alpha = exact("W1", "W2"), exact("alpha1", "alpha2")
    sets = (exact(symbol).reshape(1, -1, 1) for symbol in ("X_s", "Y_s", "X_q", "Y_q"))
    return TwoLayerNet(1, 2, 1, activation="square"), theta, alpha, TaskBatch(*sets)


def draw_candidates(rng):
    """All values of many examples, {symbol: (T, rows, columns)}, as floats."""
    values = {"N_s": 3.0, "N_q": 3.0}
    values |= {W: draw(rng, WEIGHTS, SUPPORTS, *SHAPES[W]) for W in ("W1", "W2")}
    values["X_s"] = draw(rng, INPUTS, SUPPORTS)
    for *_, symbol, expression in layout("square", "squared_error"):
        which = symbol[-1]
        if symbol.startswith("L_"):
            F = values[f"F_{which}"]
            values[f"Y_{which}"] = F - draw(rng, ERRORS, *F.shape)
        if symbol == "W1_prime":
            values = add_query(rng, values)
        values[symbol] = evaluate(expression, values)
        if symbol in ("Z1_s", "Z1_q"):
            values = select(values, (abs(values[symbol]) <= 3).all((1, 2)))
    return values


def add_query(rng, values):
    """The support halves that have a simple α, each with several α and query inputs."""
    ways = {
        f"alpha{i}": simple_alphas(values[f"W{i}"], values[f"dW{i}_s"]) for i in "12"
    }
    possible = np.all(
        [np.isfinite(w).any(-1).all((1, 2)) for w in ways.values()], axis=0
    )
    chosen = np.repeat(np.flatnonzero(possible), QUERIES)
    values = select(values, chosen)
    values["X_q"] = draw(rng, INPUTS, len(chosen))
    for symbol, alphas in ways.items():
        ranks = draw(rng, RANKS, *alphas[chosen].shape)
        order = np.where(np.isfinite(alphas[chosen]), ranks, -1)
        best = order.argmax(-1)[..., None]
        values[symbol] = np.take_along_axis(alphas[chosen], best, -1)[..., 0]
    return values


def simple_alphas(W, dW):
    """The α (T, rows, columns, steps) that lead from W to STEPS, NaN if not simple.

    Simple is up to 3/2, in quarters.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        alpha = (W[..., None] - STEPS) / dW[..., None]
        simple = (abs(alpha) <= 1.5) & (abs(4 * alpha - np.round(4 * alpha)) < 1e-9)
    moves = (alpha != 0) & (-W[..., None] != STEPS)  # not at rest, nor only turned
    return np.where(simple & moves, alpha, np.nan)


def draw(rng, options, *shape):
    """Random options; the same numbers from the same seed on every machine."""
    picks = np.frombuffer(rng.randbytes(int(np.prod(shape))), np.uint8) % len(options)
    return options[picks].reshape(*shape, *options.shape[1:])


def size(values):
    """How much there is to write: (T,) whole numbers, the same on every machine.

    The binary digits of an entry, those of a denominator twice, squared.
    """
    total = 0
    for value in values.values():
        if np.ndim(value):
            entries = abs(value.reshape(len(value), -1))
            below = np.full(entries.shape, 24)
            for d in (12, 8, 6, 4, 3, 2, 1):
                fits = abs(d * entries - np.round(d * entries)) < 1e-9
                below = np.where(fits, d, below)
            digits = np.frexp(np.round(entries * below))[1] + 2 * np.frexp(below)[1]
            total = total + (digits**2).sum(1)
    return total

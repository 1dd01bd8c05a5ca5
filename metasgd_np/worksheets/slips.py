"""Slips: what a person writes in place of one line of a worksheet.

A slip is a general alteration of the line's expression, so that no list of wrong
answers is needed: a rule of rules.py is broken, by quantities.py one quantity is taken
for another, or another formula is used.

    for slip in find_slips("square", "squared_error", (1, 2, 1, 3, 3)):
        print(slip.symbol, slip.phrase, slip.expression)
"""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..network import TwoLayerNet
from .algebra import fill, rewrite, rewrite_all
from .lines import (
    GIVEN,
    LOSS,
    PHI,
    evaluate,
    layout,
    parse,
    symbols_in,
    to_query,
    work,
)
from .quantities import is_weight, quantity_slips, rare_quantities
from .rules import RARE_LINES, RARE_RULES, RULES, STRAY_FACTORS, SYMBOL_RULES

STRAY = 2  # the rank of stray factors
RARE = 3  # the rank of slips that are explained only: no sheet is screened for them
FAR = 4  # the rank of those that are looked for in the line itself only
PLACES = {"H1": "φ", "phi1": "φ′", "phi2": "φ″"}  # in the order of PHI
LOSS_LINES = "L", "dF", "dF_dot"  # in the order of LOSS
GENERIC = 4  # sheets on which a slip is tried for what it changes


class Slip(NamedTuple):
    """One line written wrongly: "made" + phrase; `expression` is what was worked out.

    rank : 0 for a rule of algebra, 1 for a mistaken quantity, 2 for a stray factor,
        RARE for what only explains
    single : whether it can alter one entry only, whatever the numbers; a number only
        if it is a rule of algebra
    """

    symbol: str
    phrase: str
    expression: str
    rank: int
    single: bool


@lru_cache
def find_slips(activation, loss, sizes):
    """The slips of every line in their order, without the RARE ones.

    sizes : (D, H, O, N_s, N_q)
    """
    values = generic_values(activation, loss, sizes)
    found = []
    for *_, symbol, expression in layout(activation, loss):
        slips = line_slips(symbol, expression, activation, loss)
        found += distinct(symbol, slips, values, [values[symbol]])
    return found


@lru_cache(maxsize=1024)
def find_rare(activation, loss, sizes, symbol):
    """The RARE slips of one line, or of a given symbol."""
    values = generic_values(activation, loss, sizes)
    lines = {symbol: symbol, **{line[2]: line[3] for line in layout(activation, loss)}}
    slips = rare_slips(symbol, lines[symbol], activation, loss)
    common = (s for s in find_slips(activation, loss, sizes) if s.symbol == symbol)
    known = [try_to_evaluate(slip.expression, values) for slip in common]
    return list(distinct(symbol, slips, values, [values[symbol], *known]))


@lru_cache(maxsize=1024)
def find_pairs(activation, loss, sizes, symbol):
    """Two slips in one line as one Slip, the second one of algebra."""
    values = generic_values(activation, loss, sizes)
    which = "q" if symbol.endswith("_q") else "s"
    slips = [s for s in find_slips(activation, loss, sizes) if s.symbol == symbol]
    pairs = (
        (f"{slip.phrase} and {phrase}", text, RARE)
        for slip in sorted(slips, key=lambda slip: slip.rank)
        if slip.rank < STRAY
        for phrase, text in (
            *rewrite(slip.expression, RULES, which),
            ("with the sign turned", f"-({slip.expression})"),
            ("with the result transposed", f"({slip.expression}).T"),
        )
    )
    known = [try_to_evaluate(slip.expression, values) for slip in slips]
    return list(distinct(symbol, pairs, values, [values[symbol], *known]))


def distinct(symbol, slips, values, known) -> Iterator:
    """The Slips among (phrase, expression, rank) that lead to another value.

    What changes nothing whatever the numbers, or gives the same as what is known or
    came before, is left out; so is what cannot be computed.
    """
    right = np.asarray(values[symbol])
    seen = {fingerprint(value) for value in known}
    for phrase, altered, rank in slips:
        circular = symbol in symbols_in(altered) and symbol not in GIVEN
        wrong = None if circular else try_to_evaluate(altered, values)
        if wrong is None or fingerprint(wrong) in seen:
            continue
        seen.add(fingerprint(wrong))
        single = rank == 0 and right.ndim == 1
        if rank < RARE and wrong.shape == right.shape and right.ndim > 1:
            differs = abs(wrong - right).reshape(GENERIC, -1) > 1e-9
            single = bool(differs.sum(1).max() == 1)
        yield Slip(symbol, phrase, altered, rank, single)


@lru_cache
def generic_values(activation, loss, sizes):
    """The values of a few sheets of these sizes in numbers without any pattern."""
    n_in, n_hidden, n_out, *n_examples = sizes
    rng = np.random.default_rng(0)
    net = TwoLayerNet(n_in, n_hidden, n_out, activation, loss)
    given = {}
    for which, n in zip("sq", n_examples, strict=True):
        given[f"N_{which}"] = n
        given[f"X_{which}"] = rng.standard_normal((GENERIC, n, n_in))
        given[f"Y_{which}"] = rng.standard_normal((GENERIC, n, n_out))
        if loss == "softmax_cross_entropy":
            given[f"Y_{which}"] = rng.integers(n_out, size=(GENERIC, n))
    theta, alpha = rng.standard_normal((2, GENERIC, net.n_params))
    given["W1"], given["W2"] = net.unpack(theta)
    given["alpha1"], given["alpha2"] = net.unpack(alpha)
    return work(net, given)


def try_to_evaluate(expression, values):
    """The value of an expression, or None if shapes or fractions do not fit it."""
    try:
        with np.errstate(all="ignore"):
            return np.asarray(evaluate(expression, values))
    except (ValueError, TypeError, IndexError, ZeroDivisionError):
        return None


def fingerprint(value):
    """The same for values that agree in shape and, up to rounding, in every entry."""
    return np.shape(value), (np.round(value, 9) + 0.0).tobytes()


def find_honest(found, values):
    """The candidates (T,) of `values` on which every slip shows, as indices.

    A slip of algebra must alter two entries, if it can: one alone looks like a slip of
    arithmetic.
    """
    left = np.arange(len(values["X_s"]))
    found = [slip for slip in found if slip.rank < RARE]
    for count, slip in enumerate(found):
        wrong, right = try_to_evaluate(slip.expression, values), values[slip.symbol]
        if count % 32 == 0:  # those that fall out are dropped now and then, for speed
            shows = np.ones(len(right), bool)
        if wrong.shape == right.shape and len(right):
            differs = np.abs(wrong - right).reshape(len(right), -1) > 1e-9
            one = slip.single or slip.rank == 1 or differs.shape[1] == 1
            least = 1 if one else 2
            shows &= differs.sum(1) >= least
        if count % 32 == 31 or slip is found[-1]:
            left, values = left[shows], select(values, shows)
    return left


def select(values, chosen):
    """Some of the candidates: each array of `values` at the index `chosen`."""
    return {
        s: value[chosen] if np.ndim(value) else value for s, value in values.items()
    }


def line_slips(symbol, expression, activation, loss) -> Iterator:
    """(phrase, altered expression, rank) of one line, the simplest first."""
    which = "q" if symbol.endswith("_q") else "s"
    for phrase, text in rewrite(expression, RULES, which):
        yield phrase, text, 0
    if not symbol.startswith("L_"):  # a number with its sign turned is arithmetic
        yield "with the sign turned", f"-({expression})", 0
    for phrase, text, rank in formula_slips(symbol, expression, activation, loss):
        if rank < RARE:
            yield phrase, text, rank
    if symbol.endswith("_prime"):
        yield "with the old bias", f"over(bar({expression}), bias({symbol[:2]}))", 0
    known = symbols_before(symbol, activation, loss)
    for phrase, text in quantity_slips(symbol, expression, known):
        yield phrase, text, 1
    stray = {} if symbol.startswith("L_") else STRAY_FACTORS
    for phrase, new in fill(parse(expression), {"a": stray}, which):
        yield phrase, ast.unparse(new), STRAY


def rare_slips(symbol, expression, activation, loss) -> Iterator:
    """(phrase, altered expression, RARE or FAR) of one line."""
    which = "q" if symbol.endswith("_q") else "s"
    for phrase, text, rank in formula_slips(symbol, expression, activation, loss):
        if rank == RARE:
            yield phrase, text, rank
    for phrase, text in (
        *rewrite(expression, SYMBOL_RULES, which),
        *rewrite(expression, RARE_RULES, which),
        *rewrite_all(expression, RULES | RARE_RULES, which),
    ):
        yield phrase, text, RARE
    known = symbols_before(symbol, activation, loss)
    for phrase, text in rare_quantities(symbol, expression, known):
        yield phrase, text, FAR
    for phrase, new in fill(parse(expression), {"a": RARE_LINES}, which):
        yield phrase, ast.unparse(new), FAR
    if is_weight(symbol) and symbol not in GIVEN:
        for phrase, text, _ in line_slips(symbol, expression, activation, loss):
            yield (
                f"{phrase} in the bias row",
                f"over(bar({expression}), bias({text}))",
                FAR,
            )
            yield (
                f"{phrase} but in the bias row",
                f"over(bar({text}), bias({expression}))",
                FAR,
            )


def symbols_before(symbol, activation, loss):
    """The symbols whose values are known when a line is worked out, in their order."""
    order = [*GIVEN, *(line[2] for line in layout(activation, loss))]
    return order[: order.index(symbol)]


def formula_slips(symbol, expression, activation, loss):
    """(phrase, altered expression, rank): φ, φ′, φ″ or a loss by another's formula."""
    stem = re.sub("_[sq]$", "", symbol)
    query = to_query if symbol.endswith("_q") else str
    if stem in PLACES:
        yield from activation_slips(stem, activation, query)
    if stem in LOSS_LINES:
        yield from loss_slips(stem, expression, loss, query)


def activation_slips(stem, activation, query):
    """(phrase, altered expression, rank) of a line with φ, φ′ or φ″."""
    own, place = PLACES[stem], list(PLACES).index(stem)
    for other, text in zip(PLACES.values(), PHI[activation], strict=True):
        yield f"with {other} for {own}", query(text), 0
    for name, texts in PHI.items():
        rank = RARE if name in ("tanh", "sigmoid") else 1
        yield f"with {own} of {name}", query(texts[place]), rank
    yield f"with |{query('Z1_s')}|", query("abs(Z1_s)"), 1
    if stem == "H1":
        outside = PHI[activation][0].replace("Z1_s", "(X_s @ bar(W1))") + " + bias(W1)"
        step = "W1_prime" if query is to_query else "W1"
        yield "with the bias added afterwards", query(outside).replace("W1", step), RARE
    H1_of_H1 = PHI[activation][0].replace("Z1_s", "H1_s")
    moved = {"Z1_s": "H1_s", "H1_s": f"({H1_of_H1})"}
    text = re.sub("Z1_s|H1_s", lambda s: moved[s[0]], PHI[activation][place])
    yield f"with {own} of {query('H1_s')}", query(text), RARE


def loss_slips(stem, expression, loss, query):
    """(phrase, altered expression, rank) of L, dF or dF_dot.

    Another loss's formula takes the probabilities of the right one.
    """
    if stem == "dF_dot":
        dF = LOSS[loss][1][0]
        yield "with F_dot in the formula of dF", dF.replace("F_s", "F_dot"), 0
        yield "with dF_s in its place", "dF_s + 0 * F_dot", 1
        yield "with dF_s∘F_dot", "dF_s * F_dot", RARE
    p = "softmax" if loss.startswith("softmax") else "sigmoid"
    for name, formulas in LOSS.items():
        text = formulas[LOSS_LINES.index(stem)][0]
        if loss == "softmax_cross_entropy":
            text = re.sub(r"\bsigmoid", "softmax", text)
            text = re.sub(r"(?<!onehot\()Y_s", r"onehot(Y_s, F_s)", text)
        yield f"with the formula of the {name.replace('_', ' ')}", query(text), RARE
        if name == "squared_error" != loss:
            of_p = query(text.replace("(F_s -", f"({p}(F_s) -"))
            yield f"with the squared error of the {p}", of_p, RARE
    if stem == "dF" and loss != "squared_error":
        wrong = query(f"({expression}) * {p}(F_s) * (1 - {p}(F_s))")
        yield f"with the derivative of {p} too", wrong, RARE

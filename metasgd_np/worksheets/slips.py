"""Slips: what a person writes in place of one line of a worksheet.

A slip is a general alteration of the line's expression, so that no list of wrong
answers is needed: a rule of rules.py is broken, by quantities.py one quantity is taken
for another, or another formula is used.

    for slip in find_slips("square", "squared_error", (1, 2, 1, 3, 3)):
        print(slip.symbol, slip.phrase, slip.expression)
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..network import TwoLayerNet
from .algebra import rewrite
from .lines import (
    GIVEN,
    LOSS,
    PHI,
    evaluate,
    expressions,
    layout,
    symbols_in,
    to_query,
    work,
)
from .quantities import is_weight, quantity_slips, rare_quantities, set_of
from .rules import FAR, FAR_RULES, RARE, RARE_RULES, RULES, STRAY, STRAY_RULES

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
    for *_, symbol, _ in layout(activation, loss):
        slips = common_slips(symbol, activation, loss)
        found += distinct(symbol, slips, values, [values[symbol]])
    return found


@lru_cache(maxsize=2048)
def find_more(activation, loss, sizes, symbol, make):
    """The slips of a line or given symbol that `make` adds to those of find_slips."""
    values = generic_values(activation, loss, sizes)
    slips = make(symbol, activation, loss)
    common = (s for s in find_slips(activation, loss, sizes) if s.symbol == symbol)
    known = [try_to_evaluate(slip.expression, values) for slip in common]
    return list(distinct(symbol, slips, values, [values[symbol], *known]))


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


def common_slips(symbol, activation, loss) -> Iterator:
    """(phrase, altered expression, rank) of one line, the simplest first."""
    expression = expressions(activation, loss)[symbol]
    yield from rewrite(expression, RULES, set_of(symbol), 0)
    number = symbol.startswith("L_")  # with its sign turned, it is arithmetic
    if not number:
        yield "with the sign turned", f"-({expression})", 0
    for slip in formula_slips(symbol, activation, loss):
        if slip[2] < RARE:
            yield slip
    if symbol.endswith("_prime"):
        yield "with the old bias", f"over(bar({expression}), bias({symbol[:2]}))", 0
    yield from quantity_slips(symbol, activation, loss)
    if not number:
        yield from rewrite(expression, STRAY_RULES, set_of(symbol), STRAY)


def rare_slips(symbol, activation, loss) -> Iterator:
    """(phrase, altered expression, RARE or FAR) of one line."""
    expression = expressions(activation, loss)[symbol]
    for slip in formula_slips(symbol, activation, loss):
        if slip[2] == RARE:
            yield slip
    yield from rewrite(expression, RARE_RULES, set_of(symbol), RARE)
    yield from rare_quantities(symbol, activation, loss)
    yield from rewrite(expression, FAR_RULES, set_of(symbol), FAR)
    if is_weight(symbol) and symbol not in GIVEN:
        for phrase, text, _ in common_slips(symbol, activation, loss):
            only = f"over(bar({expression}), bias({text}))"
            yield f"{phrase} in the bias row", only, FAR
            rest = f"over(bar({text}), bias({expression}))"
            yield f"{phrase} but in the bias row", rest, FAR


def pairs_of_slips(symbol, activation, loss) -> Iterator:
    """(phrase, altered expression, RARE) of two rules of algebra broken in a line."""
    simple = (s for s in common_slips(symbol, activation, loss) if s[2] == 0)
    for first, expression, _ in simple:
        for second, text, _ in (
            *rewrite(expression, RULES, set_of(symbol), RARE),
            ("with the sign turned", f"-({expression})", RARE),
        ):
            yield f"{first} and {second}", text, RARE


def formula_slips(symbol, activation, loss) -> Iterator:
    """(phrase, altered expression, rank): φ, φ′, φ″ or a loss by another's formula."""
    stem = re.sub("_[sq]$", "", symbol)
    if stem in PLACES:
        found = activation_slips(stem, activation)
    else:
        found = loss_slips(stem, loss) if stem in LOSS_LINES else ()
    for phrase, text, rank in found:
        if symbol.endswith("_q"):
            theta_prime = to_query(text).replace("W1", "W1_prime")
            yield to_query(phrase), theta_prime, rank
        else:
            yield phrase, text, rank


def activation_slips(stem, activation):
    """(phrase, altered expression, rank) of a line with φ, φ′ or φ″."""
    own, place = PLACES[stem], list(PLACES).index(stem)
    right = PHI[activation][place]
    for other, text in zip(PLACES.values(), PHI[activation], strict=True):
        yield f"with {other} for {own}", text, 0
    for name, texts in PHI.items():
        rank = RARE if name in ("tanh", "sigmoid") else 1
        yield f"with {own} of {name}", texts[place], rank
    yield "with |Z1_s|", "abs(Z1_s)", 1
    if stem == "H1":
        no_bias = right.replace("Z1_s", "(X_s @ bar(W1))")
        yield "with the bias added afterwards", f"{no_bias} + bias(W1)", RARE
    H1_of_H1 = PHI[activation][0].replace("Z1_s", "H1_s")
    moved = {"Z1_s": "H1_s", "H1_s": f"({H1_of_H1})"}
    text = re.sub("Z1_s|H1_s", lambda s: moved[s[0]], right)
    yield f"with {own} of H1_s", text, RARE


def loss_slips(stem, loss):
    """(phrase, altered expression, rank) of L, dF or dF_dot.

    Another loss's formula takes the probabilities of the right one.
    """
    place = LOSS_LINES.index(stem)
    if stem == "dF_dot":
        dF = LOSS[loss][1][0]
        yield "with F_dot in the formula of dF", dF.replace("F_s", "F_dot"), 0
        yield "with dF_s in its place", "dF_s + 0 * F_dot", 1
        yield "with dF_s∘F_dot", "dF_s * F_dot", RARE
    p = "softmax" if loss.startswith("softmax") else "sigmoid"
    for name, formulas in LOSS.items():
        text = formulas[place][0]
        if loss == "softmax_cross_entropy":
            text = re.sub(r"\bsigmoid", "softmax", text)
            text = re.sub(r"(?<!onehot\()Y_s", r"onehot(Y_s, F_s)", text)
        yield f"with the formula of the {name.replace('_', ' ')}", text, RARE
        if name == "squared_error" != loss:
            of_p = text.replace("(F_s -", f"({p}(F_s) -")
            yield f"with the squared error of the {p}", of_p, RARE
    if stem == "dF" and loss != "squared_error":
        wrong = f"({LOSS[loss][1][0]}) * {p}(F_s) * (1 - {p}(F_s))"
        yield f"with the derivative of {p} too", wrong, RARE

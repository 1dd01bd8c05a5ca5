"""One quantity of a worksheet taken for another of its kind, or once too often."""

import ast
import re
from collections.abc import Iterator
from itertools import combinations

from .algebra import exchange, rewrite
from .lines import parse, symbols_in
from .printing import render

KINDS = (  # quantities that are easily taken for one another, in the order of working
    "X_s X_q",
    "X1_s X1_q",
    "H1_1_s H1_1_q",
    "Z1_s H1_s phi1_s dH1_s dZ1_s Z1_q H1_q phi1_q dH1_q dZ1_q "
    "Z1_dot H1_dot dH1_dot phi2 dZ1_dot",
    "Y_s F_s dF_s Y_q F_q dF_q F_dot dF_dot",
    "W1 alpha1 dW1_s W1_prime dW1_q V1 dW1_dot dtheta1",
    "W2 alpha2 dW2_s W2_prime dW2_q V2 dW2_dot dtheta2",
)


def quantity_slips(symbol, expression, known) -> Iterator:
    """(phrase, altered expression) by taking one quantity for another."""
    symbols = symbols_in(expression)
    factors = excess(symbol)
    rules = {one: dict(mistaken(one, known)) for one in symbols}
    for one in symbols:
        for factor in excess(one):
            phrase = f"with a factor {render(factor)} too many at {render(one)}"
            rules[one][phrase] = f"{factor} * {one}"
    yield from rewrite(expression, rules, "s")
    for factor in factors:
        yield f"with a factor {render(factor)} too many", f"{factor} * ({expression})"
    yield "with the other set's quantities", swap_sets(expression)
    for one, other in combinations(symbols, 2):
        if one in kind_of(other):
            text = exchange(parse(expression), {one: parse(other), other: parse(one)})
            yield f"with {render(one)} and {render(other)} swapped", ast.unparse(text)


def rare_quantities(symbol, expression, known) -> Iterator:
    """(phrase, altered expression) by another quantity, or its bias, of any kind."""
    for one in () if symbol[0] == "L" else symbols_in(expression):
        rules = {f"with {render(other)} for {render(one)}": other for other in known}
        for factor in kind_of(one):
            phrase = f"with a factor {render(factor)} too many at {render(one)}"
            rules[phrase] = f"{factor} * {one}"
        if one.startswith("alpha"):
            mean = f"with the mean of {render(one)} for all"
            rules[mean] = f"like({one}, 0) + mean({one})"
        for other in kind_of(one) if is_weight(one) else ():
            bias = f"with the bias row of {render(other)} for that of {render(one)}"
            rules[bias] = f"over(bar({one}), bias({other}))"
            rest = f"with {render(other)} for {render(one)} but in the bias row"
            rules[rest] = f"over(bar({other}), bias({one}))"
        yield from rewrite(expression, {one: rules}, "s")
    for other in kind_of(symbol) if is_weight(symbol) else ():
        phrase = f"with the bias row of {render(other)}"
        yield phrase, f"over(bar({expression}), bias({other}))"


def mistaken(symbol, known):
    """(phrase, new text) of each quantity that may stand in a symbol's place."""
    for other in kind_of(symbol):
        sets = {set_of(other), set_of(symbol)} - {""}
        stem = symbol.removesuffix("_prime")
        same = other in (swap_sets(symbol), stem, f"{stem}_prime")
        same |= other == "phi2" and symbol.startswith("phi1")
        if other != symbol and (same or (other in known and len(sets) < 2)):
            words = "the updated " if "_prime" in other else ""
            yield f"with {words}{render(other)} for {render(symbol)}", other
    if symbol.startswith("H1_1"):
        Z, H = symbol.replace("H1_1", "Z1"), symbol.replace("H1_1", "H1")
        yield f"with {render(Z)} for {render(H)}", f"beside({Z}, 1)"
    if symbol.startswith("alpha"):
        yield f"with |{render(symbol)}| for {render(symbol)}", f"abs({symbol})"
        yield f"with the first entry of {render(symbol)} for all", f"corner({symbol})"


def excess(symbol):
    """The factors that may be too many at a quantity: φ′, or α."""
    kind = kind_of(symbol)
    if "Z1_s" in kind:
        yield f"phi1_{set_of(symbol)}"
    if "W1" in kind or "W2" in kind:
        yield "alpha1" if "W1" in kind else "alpha2"


def kind_of(symbol):
    """The quantities that a symbol is easily taken for, itself among them."""
    return next((kind.split() for kind in KINDS if symbol in kind.split()), ())


def is_weight(symbol):
    """Whether a symbol is of the kind of W1 or W2, whose last row is a bias."""
    return re.match("d?(W|V|theta|alpha)", symbol) is not None


def set_of(symbol):
    """ "s" or "q", the set that a quantity belongs to; "" for weights."""
    if symbol.endswith("_q"):
        return "q"
    return "s" if symbol.endswith(("_s", "_dot")) or symbol == "phi2" else ""


def swap_sets(expression):
    """The expression with the support quantities for the query's and vice versa."""
    return re.sub(r"_[sq]\b", lambda end: "_q" if end[0] == "_s" else "_s", expression)

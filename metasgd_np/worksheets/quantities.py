"""One quantity of a worksheet taken for another of its kind, or once too often."""

import ast
import re
from collections.abc import Iterator
from itertools import combinations

from .algebra import exchange, rewrite
from .lines import expressions, parse, symbols_in
from .printing import render
from .rules import FAR

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


def quantity_slips(symbol, activation, loss) -> Iterator:
    """(phrase, altered expression, 1) by taking one quantity for another."""
    lines = expressions(activation, loss)
    expression, known = lines[symbol], list(lines)[: list(lines).index(symbol)]
    symbols = symbols_in(expression)
    rules = {one: mistaken(one, known) | too_many(one, excess(one)) for one in symbols}
    yield from rewrite(expression, rules, "s", 1)
    for factor in excess(symbol):
        phrase = f"with a factor {render(factor)} too many"
        yield phrase, f"{factor} * ({expression})", 1
    yield "with the other set's quantities", swap_sets(expression), 1
    for one, other in combinations(symbols, 2):
        if one in kind_of(other):
            text = exchange(parse(expression), {one: parse(other), other: parse(one)})
            phrase = f"with {render(one)} and {render(other)} swapped"
            yield phrase, ast.unparse(text), 1


def rare_quantities(symbol, activation, loss) -> Iterator:
    """(phrase, altered expression, FAR) by any other quantity, or its bias."""
    lines = expressions(activation, loss)
    expression, known = lines[symbol], list(lines)[: list(lines).index(symbol)]
    for one in () if symbol[0] == "L" else symbols_in(expression):
        name = render(one)
        rules = {f"with {render(other)} for {name}": other for other in known}
        rules |= too_many(one, kind_of(one))
        for other in kind_of(one) if is_weight(one) else ():
            bias = f"with the bias row of {render(other)} for that of {name}"
            rules[bias] = f"over(bar({one}), bias({other}))"
            rest = f"with {render(other)} for {name} but in the bias row"
            rules[rest] = f"over(bar({other}), bias({one}))"
        if one.startswith("alpha"):
            rules[f"with the mean of {name} for all"] = f"like({one}, 0) + mean({one})"
        yield from rewrite(expression, {one: rules}, "s", FAR)
    for other in kind_of(symbol) if is_weight(symbol) else ():
        phrase = f"with the bias row of {render(other)}"
        yield phrase, f"over(bar({expression}), bias({other}))", FAR


def too_many(symbol, factors):
    """{phrase: new text} of a symbol with one of the factors too many."""
    phrase, name = "with a factor {} too many at {}", render(symbol)
    return {phrase.format(render(f), name): f"{f} * {symbol}" for f in factors}


def mistaken(symbol, known):
    """{phrase: new text} of each quantity that may stand in a symbol's place."""
    found, name = {}, render(symbol)
    for other in kind_of(symbol):
        sets = {set_of(other), set_of(symbol)} - {""}
        stem = symbol.removesuffix("_prime")
        same = other in (swap_sets(symbol), stem, f"{stem}_prime")
        same |= other == "phi2" and symbol.startswith("phi1")
        if other != symbol and (same or (other in known and len(sets) < 2)):
            words = "the updated " if "_prime" in other else ""
            found[f"with {words}{render(other)} for {name}"] = other
    if symbol.startswith("H1_1"):
        Z, H = symbol.replace("H1_1", "Z1"), symbol.replace("H1_1", "H1")
        found[f"with {render(Z)} for {render(H)}"] = f"beside({Z}, 1)"
    if symbol.startswith("alpha"):
        found[f"with |{name}| for {name}"] = f"abs({symbol})"
        found[f"with the first entry of {name} for all"] = f"corner({symbol})"
    return found


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

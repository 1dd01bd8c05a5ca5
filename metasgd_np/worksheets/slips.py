"""Slips: what a person writes in place of one line of a worksheet.

A slip is a general alteration of the line's expression, so that no list of wrong
answers is needed. RULES alter a node of its syntax tree: a term or factor dropped, a
sign turned, terms swapped, a number, a transpose or a bias forgotten. Beside them, one
quantity may be taken for another of its kind, and the whole line may be scaled.

    for slip in find_slips("square", "squared_error", (1, 2, 1, 3, 3)):
        print(slip.symbol, slip.phrase, slip.expression)
"""

import ast
import re
from collections.abc import Iterator
from copy import copy
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np

from ..network import TwoLayerNet
from ..tasks import TaskBatch
from .lines import (
    GIVEN,
    LOSS,
    PHI,
    evaluate,
    given_values,
    layout,
    parse,
    symbols_in,
    to_query,
    work,
)
from .printing import is_number, render

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
RULES = {  # (made …, what is worked out) for an operation on a and b
    "+": (
        ("without the term {b}", "{a}"),
        ("without the term {a}", "{b}"),
        ("with − {b} for + {b}", "{a} - {b}"),
    ),
    "-": (
        ("with {b} − {a} for {a} − {b}", "{b} - {a}"),
        ("with + {b} for − {b}", "{a} + {b}"),
        ("without the term − {b}", "{a}"),
        ("without the term {a}", "-{b}"),
        ("with only {b}", "{b}"),
        ("with the square of {a} − {b}", "{whole}**2"),
    ),
    "*": (
        ("without the factor {b}", "{a}"),
        ("without the factor {a}", "{b}"),
        ("with the factor {b} twice", "{a} * {b} * {b}"),
        ("with the factor {a} twice", "{a} * {a} * {b}"),
        ("with + for ∘", "{a} + {b}"),
        ("with − for ∘", "{a} - {b}"),
        ("with a matrix product for ∘", "{a} @ {b}"),
    ),
    "@": (
        ("with {a}ᵀ for {a}", "{a}.T @ {b}"),
        ("with {b}ᵀ for {b}", "{a} @ {b}.T"),
        ("with the factors swapped", "{b} @ {a}"),
        ("with ∘ for the matrix product", "{a} * {b}"),
    ),
    "**": (
        ("without the square", "{a}"),
        ("with 2 {a} for {a}²", "2 * {a}"),
    ),
    "minus": (("without the minus", "{a}"),),
    "[A 1] @": (
        ("without the bias", "{a} @ bar({b})"),
        ("with the bias subtracted", "beside({a}, -1) @ {b}"),
        ("without the first row of {b}, as if it were the bias", "{a} @ headless({b})"),
    ),
    "[A 1].T @": (
        ("without the bias row", "{a}.T @ {b}"),
        ("with 0 in the bias row", "no_bias({whole})"),
        ("with the bias row averaged", "mean_bias({whole}, {N})"),
        ("with the bias row first", "bias_first({whole})"),
    ),
    "@ bar": (("with the bias of {b} added", "beside({a}, 1) @ {b}"),),
    "beside": (
        ("without the column of {b}", "{a}"),
        ("with 1 for 0", "beside({a}, 1)"),
        ("with 0 for 1", "beside({a}, 0)"),
        ("with the {b} in front", "first({b}, {a})"),
    ),
    "bar": (
        ("with the bias row of {a} kept", "{a}"),
        ("with the first row of {a} left out, not the last", "headless({a})"),
    ),
    "like": (
        ("with 0 for {b}", "like({a}, 0)"),
        ("with 1 for {b}", "like({a}, 1)"),
        ("with 2 for {b}", "like({a}, 2)"),
    ),
    "sum of squares": (("with the square of the sum", "sum({a})**2"),),
    "function": (("without the {name}", "{a}"),),
}
FACTORS = {  # numbers in place of one with an N, and of one without
    True: ("1", "2", "1/N_s", "2/N_s", "1/2", "1/(2*N_s)", "N_s", "N_s/2"),
    False: ("1", "-1", "2", "-2"),
}
SCALES = (  # the whole line
    ("with a factor of 2 too many", "2 * ({})"),
    ("with a factor of 1/2 too many", "({}) / 2"),
    ("with a factor of 1/N too many", "({}) / N_s"),
    ("with a factor of N too many", "N_s * ({})"),
    ("with the result transposed", "({}).T"),
)
SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.MatMult: "@", ast.Pow: "**"}
WITHOUT_ONES = {"X1_s": "X_s", "X1_q": "X_q", "H1_1_s": "H1_s", "H1_1_q": "H1_q"}


class Slip(NamedTuple):
    """One line written wrongly: "made" + phrase; `expression` is what was worked out.

    rank : 0 for a rule of algebra, 1 for a mistaken quantity, 2 for a stray factor
    single : whether it can alter one entry only, whatever the numbers
    """

    symbol: str
    phrase: str
    expression: str
    rank: int
    single: bool


@lru_cache
def find_slips(activation, loss, sizes):
    """Every slip of every line, in their order, for sizes (D, H, O, N_s, N_q).

    What changes nothing whatever the numbers, or the same as a simpler slip, is left
    out; so is what cannot be computed for these sizes.
    """
    values = generic_values(activation, loss, sizes)
    found = []
    for *_, symbol, expression in layout(activation, loss):
        right = np.asarray(values[symbol])
        seen = {fingerprint(right)}
        for phrase, altered, rank in line_slips(symbol, expression, activation, loss):
            wrong = try_to_evaluate(altered, values)
            if wrong is None or fingerprint(wrong) in seen:
                continue
            seen.add(fingerprint(wrong))
            alike = np.shape(wrong) == right.shape and right.size > 1
            single = bool(alike and (abs(wrong - right) > 1e-9).sum() == 1)
            found.append(Slip(symbol, phrase, altered, rank, single))
    return found


def generic_values(activation, loss, sizes):
    """The values of a sheet of these sizes in numbers without any pattern."""
    n_in, n_hidden, n_out, *n_examples = sizes
    rng = np.random.default_rng(0)
    net = TwoLayerNet(n_in, n_hidden, n_out, activation, loss)
    sets = []
    for n in n_examples:
        sets.append(rng.standard_normal((1, n, n_in)))
        labels = rng.integers(n_out, size=(1, n))
        smooth = rng.standard_normal((1, n, n_out))
        sets.append(labels if loss == "softmax_cross_entropy" else smooth)
    theta, alpha = rng.standard_normal((2, net.n_params))
    alpha = abs(alpha) * (-1.0) ** np.arange(net.n_params)  # of either sign
    return work(net, given_values(net, theta, alpha, TaskBatch(*sets)))


def try_to_evaluate(expression, values):
    """The value of an expression, or None if shapes do not fit."""
    try:
        with np.errstate(all="ignore"):
            return evaluate(expression, values)
    except ValueError:
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
    for count, slip in enumerate(found):
        wrong, right = try_to_evaluate(slip.expression, values), values[slip.symbol]
        if count % 32 == 0:
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
    turn = not symbol.startswith("L_")  # a loss is never negative, nor transposed
    for phrase, text in algebra_slips(expression, which, turn):
        yield phrase, text, 0
    for phrase, text, rank in other_functions(symbol, which, activation, loss):
        yield phrase, text, rank
    if symbol.endswith("_prime"):
        yield "with the old bias", f"keep_bias({expression}, {symbol[:2]})", 0
    order = [*GIVEN, *(line[2] for line in layout(activation, loss))]
    known = order[: order.index(symbol)]
    for phrase, text in quantity_slips(symbol, expression, known):
        yield phrase, text, 1
    for phrase, text in SCALES if turn else ():
        yield phrase, by_set(text.format(expression), which), 2


def algebra_slips(expression, which, turn):
    """(phrase, altered expression) by the rules of algebra."""
    tree = parse(expression)
    for node in ast.walk(tree):
        for phrase, text in [*rules(node, which), *numbers(node, which, turn)]:
            yield phrase, ast.unparse(exchange(tree, node, parse(text)))
    if turn:
        yield "with the sign turned", f"-({expression})"


def quantity_slips(symbol, expression, known):
    """(phrase, altered expression) by taking one quantity for another."""
    tree = parse(expression)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    for find in (lambda name: mistaken(name, known), overdone):
        for node in names:
            for phrase, text in find(node.id):
                yield phrase, ast.unparse(exchange(tree, node, parse(text)))
    for factor in excess(symbol):
        yield f"with a factor {render(factor)} too many", f"{factor} * ({expression})"
    yield "with the other set's quantities", swap_sets(expression)
    for one, other in combinations(symbols_in(expression), 2):
        if one in kind_of(other):
            text = swap(expression, one, other)
            yield f"with {render(one)} and {render(other)} swapped", text


def by_set(text, which):
    """The text with the N of a set."""
    return text.replace("N_s", "N_q") if which == "q" else text


def rules(node, which):
    """(phrase, new text) of the RULES that fit a node."""
    parts, keys = {"N": f"N_{which}", "whole": node}, []
    match node:
        case ast.BinOp(left=a, op=op, right=b) if not is_number(a):
            parts |= {"a": a, "b": b}
            keys = [SIGNS[type(op)]]
            if isinstance(op, ast.MatMult):
                yield from biases(a, b, parts)
            if isinstance(op, ast.Add) and {type(a), type(b)} == {ast.BinOp}:
                sign, left, right = SIGNS[type(a.op)], bracket(a.left), bracket(b.right)
                for text in (f"{left} {sign} {right}", f"{left} {sign} bar({right})"):
                    yield "with the product of the derivatives", text
        case ast.UnaryOp(operand=a):
            parts["a"], keys = a, ["minus"]
        case ast.Call(func=ast.Name(id="sum"), args=[ast.BinOp(left=a, op=ast.Pow())]):
            parts["a"], keys = a, ["sum of squares"]
        case ast.Call(func=ast.Name(id=name), args=[a, *rest]):
            parts |= {"a": a, "b": rest[0] if rest else a, "name": name}
            one = not rest and name not in ("sum", "rowsum")
            keys = (
                [name if name in RULES else "function"] if name in RULES or one else []
            )
    for key in keys:
        yield from fill(key, parts)


def biases(a, b, parts):
    """(phrase, new text) for a product of [A 1] or its transpose, or with W̄."""
    left = ast.unparse(a)
    plain = WITHOUT_ONES.get(left.removesuffix(".T"))
    if plain:
        key = "[A 1].T @" if left.endswith(".T") else "[A 1] @"
        yield from fill(key, parts | {"a": parse(plain)})
    if isinstance(b, ast.Call):
        yield from fill("@ bar", parts | {"b": b.args[0]})


def fill(key, parts):
    """(phrase, new text) of the rules of a key, with the parts filled in."""
    trees = {name: part for name, part in parts.items() if isinstance(part, ast.AST)}
    shown = parts | {name: render(ast.unparse(part)) for name, part in trees.items()}
    texts = parts | {name: bracket(part) for name, part in trees.items()}
    for phrase, text in RULES[key]:
        yield phrase.format(**shown).replace("ᵀᵀ", ""), text.format(**texts)


def bracket(node):
    """The text of a node, fit to be an operand."""
    return f"({ast.unparse(node)})"


def numbers(node, which, turn):
    """(phrase, new text) for a number in front: 2/N and the like."""
    match node:
        case ast.BinOp(left=a, op=ast.Mult(), right=b) if is_number(a):
            old = render(ast.unparse(a))
            for text in FACTORS["N_" in ast.unparse(a)]:
                new, rest = by_set(text, which), bracket(b)
                phrase = f"with {render(new)} for {old}"
                phrase = f"without the {old}" if text == "1" else phrase
                yield phrase, f"{new} * {rest}"
                if turn and render(new) != old:
                    yield f"{phrase}, the sign turned", f"-({new}) * {rest}"


def other_functions(symbol, which, activation, loss):
    """(phrase, altered expression, rank) of lines with φ, φ′ or φ″, or with dF_dot."""
    stem = symbol.removesuffix(f"_{which}")
    names = {"H1": "φ", "phi1": "φ′", "phi2": "φ″"}
    if stem in names:
        for other, text in zip(names, PHI[activation], strict=True):
            phrase = f"with {names[other]} for {names[stem]}"
            yield phrase, to_query(text) if which == "q" else text, 0
        for name in ("relu", "square", "identity"):
            text = PHI[name][list(names).index(stem)]
            phrase = f"with {names[stem]} of {name}"
            yield phrase, to_query(text) if which == "q" else text, 1
        yield f"with |Z1_{which}|", f"abs(Z1_{which})", 1
    if symbol == "dF_dot":
        _, (dF, _), _ = LOSS[loss]
        yield "with F_dot in the formula of dF", dF.replace("F_s", "F_dot"), 0
        yield "with dF_s in its place", "dF_s + 0 * F_dot", 1


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
        Z = symbol.replace("H1_1", "Z1")
        yield (
            f"with {render(Z)} for {render(symbol[:2] + symbol[4:])}",
            f"beside({Z}, 1)",
        )
    if symbol.startswith("alpha"):
        yield f"with |{render(symbol)}| for {render(symbol)}", f"abs({symbol})"
        yield f"with the first entry of {render(symbol)} for all", f"corner({symbol})"


def overdone(symbol):
    """(phrase, new text) of a quantity with a factor too many."""
    for factor in excess(symbol):
        phrase = f"with a factor {render(factor)} too many at {render(symbol)}"
        yield phrase, f"{factor} * {symbol}"


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


def set_of(symbol):
    """ "s" or "q", the set that a quantity belongs to; "" for weights."""
    if symbol.endswith("_q"):
        return "q"
    return "s" if symbol.endswith(("_s", "_dot")) or symbol == "phi2" else ""


def swap_sets(expression):
    """The expression with the support quantities for the query's and vice versa."""
    return re.sub(r"_[sq]\b", lambda end: "_q" if end[0] == "_s" else "_s", expression)


def swap(expression, one, other):
    """The expression with two symbols in each other's place."""
    places = {one: other, other: one}
    return re.sub(r"\w+", lambda word: places.get(word[0], word[0]), expression)


def exchange(tree, old, new):
    """A copy of a tree with the node `old` replaced by `new`."""
    if tree is old:
        return new
    changed = copy(tree)
    for field, child in ast.iter_fields(tree):
        if isinstance(child, ast.expr):
            setattr(changed, field, exchange(child, old, new))
        elif isinstance(child, list):
            setattr(changed, field, [exchange(one, old, new) for one in child])
    return changed

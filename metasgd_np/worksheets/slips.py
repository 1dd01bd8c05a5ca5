"""Slips: what a person writes in place of one line of a worksheet.

A slip is a general alteration of the line's expression, so that no list of wrong
answers is needed: a term or factor dropped, a sign turned, terms swapped, a number, a
transpose or a bias forgotten, one quantity for another of its kind, and so on.

    for slip in find_slips("square", "squared_error"):
        print(slip.symbol, slip.phrase, slip.expression)
"""

import ast
from collections.abc import Iterator
from copy import copy
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..network import TwoLayerNet
from ..tasks import TaskBatch
from .lines import (
    GIVEN,
    PHI,
    evaluate,
    given_values,
    is_number,
    layout,
    parse,
    render,
    to_query,
    work,
)

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
FACTORS = {  # numbers in place of a number with an N, and without
    True: ("1", "2", "1 / N_s", "2 / N_s", "1 / 2", "1 / (2 * N_s)", "N_s", "N_s / 2"),
    False: ("1", "-1", "2", "-2"),
}
SCALES = {  # the whole line times a number
    "with the sign turned": "-({})",
    "with a factor of 2 too many": "2 * ({})",
    "with a factor of 1/2 too many": "({}) / 2",
    "with a factor of 1/N too many": "({}) / N_s",
    "with a factor of N too many": "N_s * ({})",
}


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

    A slip must alter two entries, if it can: one alone looks like an arithmetic slip.
    """
    left = np.arange(len(values["X_s"]))
    for count, slip in enumerate(found):
        wrong, right = try_to_evaluate(slip.expression, values), values[slip.symbol]
        if count % 32 == 0:
            shows = np.ones(len(right), bool)
        if wrong.shape == right.shape and len(right):
            differs = np.abs(wrong - right).reshape(len(right), -1) > 1e-9
            least = 1 if slip.single or differs.shape[1] == 1 else 2
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
    tree = parse(expression)
    which = "q" if symbol.endswith("_q") else "s"
    for phrase, altered in alter(tree, which):
        yield phrase, ast.unparse(altered), 0
    stem = symbol.removesuffix("_s").removesuffix("_q")
    names = dict(zip(("H1", "phi1", "phi2"), ("φ", "φ′", "φ″"), strict=True))
    for (other, name), text in zip(names.items(), PHI[activation], strict=True):
        if stem in names and other != stem:
            phrase = f"with {name} for {names[stem]}"
            yield phrase, to_query(text) if which == "q" else text, 0
    known = [*GIVEN, *(line[2] for line in layout(activation, loss))]
    known = known[: known.index(symbol)]
    for node, other in mistaken(tree, [*known, "X1_q"]):
        words = "the updated " if "_prime" in other else ""
        phrase = f"with {words}{render(other)} for {render(node.id)}"
        yield phrase, ast.unparse(exchange(tree, node, ast.Name(other))), 1
    for node, factor in overdone(tree):
        phrase = f"with a factor {render(factor)} too many at {render(node.id)}"
        new = ast.BinOp(ast.Name(factor), ast.Mult(), node)
        yield phrase, ast.unparse(exchange(tree, node, new)), 1
    if stem == "L":
        return
    for phrase, template in SCALES.items():
        text = template.format(expression)
        yield phrase, to_query(text) if which == "q" else text, 2
    yield "with the result transposed", f"({expression}).T", 2


def mistaken(tree, known):
    """(node, symbol) of each quantity in a tree and another that may stand there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            for other in kind_of(node.id):
                sets = {set_of(other), set_of(node.id)} - {""}
                close = len(sets) < 2 or other[:-2] == node.id[:-2]
                if other in known and other != node.id and close:
                    yield node, other


def overdone(tree):
    """(node, symbol) of each quantity in a tree and a factor too many at it."""
    for node in ast.walk(tree):
        kind = kind_of(node.id) if isinstance(node, ast.Name) else ()
        if "Z1_s" in kind:
            yield node, f"phi1_{set_of(node.id)}"
        if "W1" in kind or "W2" in kind:
            yield node, "alpha1" if "W1" in kind else "alpha2"


def kind_of(symbol):
    """The quantities that a symbol is easily taken for, itself among them."""
    return next((kind.split() for kind in KINDS if symbol in kind.split()), ())


def set_of(symbol):
    """ "s" or "q", the set that a quantity belongs to; "" for weights."""
    if symbol.endswith("_q"):
        return "q"
    return "s" if symbol.endswith(("_s", "_dot")) or symbol == "phi2" else ""


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


def alter(tree, which):
    """(phrase, altered tree) of every rule that fits some node of a tree."""
    for node in ast.walk(tree):
        for phrase, new in [*algebra(node), *products(node, which), *calls(node)]:
            yield phrase, exchange(tree, node, new)


def show(node):
    """A node as a person writes it."""
    return render(ast.unparse(node))


def algebra(node):
    """(phrase, new node) for sums, signs, powers and products entry by entry."""
    match node:
        case ast.BinOp(left=a, op=ast.Add(), right=b):
            yield f"without the term {show(b)}", a
            yield f"without the term {show(a)}", b
            yield f"with − {show(b)} for + {show(b)}", ast.BinOp(a, ast.Sub(), b)
        case ast.BinOp(left=a, op=ast.Sub(), right=b):
            swapped = ast.BinOp(b, ast.Sub(), a)
            yield f"with {show(swapped)} for {show(node)}", swapped
            yield f"with + {show(b)} for − {show(b)}", ast.BinOp(a, ast.Add(), b)
            yield f"without the term − {show(b)}", a
            yield f"without the term {show(a)}", ast.UnaryOp(ast.USub(), b)
            yield f"with only {show(b)}", b
        case ast.UnaryOp(operand=a):
            yield "without the minus", a
        case ast.BinOp(left=a, op=ast.Pow()):
            yield "without the square", a
            double = ast.BinOp(ast.Constant(2), ast.Mult(), a)
            yield f"with {show(double)} for {show(node)}", double
        case ast.BinOp(left=a, op=ast.Mult(), right=b) if not is_number(a):
            yield f"without the factor {show(b)}", a
            yield f"without the factor {show(a)}", b
            yield f"with the factor {show(b)} twice", ast.BinOp(node, ast.Mult(), b)
            yield f"with the factor {show(a)} twice", ast.BinOp(a, ast.Mult(), node)
            yield "with a matrix product for ∘", ast.BinOp(a, ast.MatMult(), b)


def products(node, which):
    """(phrase, new node) for numbers in front and matrix products."""
    n = f"N_{which}"
    match node:
        case ast.BinOp(left=a, op=ast.Mult(), right=b) if is_number(a):
            for text in FACTORS["N_" in ast.unparse(a)]:
                new = parse(text.replace("N_s", n))
                phrase = f"with {show(new)} for {show(a)}"
                phrase = f"without the {show(a)}" if text == "1" else phrase
                yield phrase, ast.BinOp(new, ast.Mult(), b)
        case ast.BinOp(left=a, op=ast.MatMult(), right=b):
            for side, other in ((a, "right"), (b, "left")):
                if isinstance(side, ast.Attribute):
                    phrase, new = (
                        f"with {show(side.value)} for {show(side)}",
                        side.value,
                    )
                else:
                    new = ast.Attribute(side, "T")
                    phrase = f"with {show(new)} for {show(side)}"
                pair = (new, b) if other == "right" else (a, new)
                yield phrase, ast.BinOp(pair[0], ast.MatMult(), pair[1])
            yield "with the factors swapped", ast.BinOp(b, ast.MatMult(), a)
            yield "with ∘ for the matrix product", ast.BinOp(a, ast.Mult(), b)
            yield from biases(node, ast.unparse(a), ast.unparse(b), n)


def biases(node, a, b, n):
    """(phrase, new node) for a product with [A 1], whose last row is the bias."""
    plain = {"X1_s": "X_s", "X1_q": "X_q", "H1_1_s": "H1_s", "H1_1_q": "H1_q"}
    whole = ast.unparse(node)
    if a in plain:
        yield "without the bias", parse(f"{plain[a]} @ bar({b})")
    if a.removesuffix(".T") in plain and a.endswith(".T"):
        yield "without the bias row", parse(f"{plain[a[:-2]]}.T @ {b}")
        yield "with 0 in the bias row", parse(f"no_bias({whole})")
        yield "with the bias row averaged", parse(f"mean_bias({whole}, {n})")


def calls(node):
    """(phrase, new node) for functions."""
    match node:
        case ast.Call(func=ast.Name(id="beside"), args=[a, ast.Constant(value=c)]):
            yield f"with {1 - c} for {c}", parse(f"beside({ast.unparse(a)}, {1 - c})")
            yield f"with the {c} in front", parse(f"first({c}, {ast.unparse(a)})")
        case ast.Call(func=ast.Name(id="bar"), args=[W]):
            yield f"with the bias row of {show(W)} kept", W
            text = f"headless({ast.unparse(W)})"
            phrase = f"with the first row of {show(W)} left out, not the last"
            yield phrase, parse(text)
        case ast.Call(func=ast.Name(id="like"), args=[Z, ast.Constant(value=c)]):
            for other in {0, 1, 2} - {c}:
                new = parse(f"like({ast.unparse(Z)}, {other})")
                yield f"with {other} for {c}", new
        case ast.Call(func=ast.Name(id="sum"), args=[ast.BinOp(a, ast.Pow(), two)]):
            new = parse(f"sum({ast.unparse(a)})**{ast.unparse(two)}")
            yield "with the square of the sum for the sum of squares", new
        case ast.Call(func=ast.Name(id=name), args=[a]) if name not in (
            "sum",
            "rowsum",
        ):
            yield f"without {name}", a

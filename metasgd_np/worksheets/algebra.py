"""Rules of algebra that people break: an operation of a line, and what they write.

A rule fits a node of the line's syntax tree: a sum, a product, a number in front, a
product with [A 1]. It has the phrase that follows "made" and the text that replaces it.
"""

import ast
from collections.abc import Iterator
from copy import copy

from .lines import FUNCTIONS, parse
from .printing import is_number, render

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
RARE = {  # the same, of slips that are explained but that no sheet is screened for
    "*": (
        ("with {a}/{b} for the product", "{a} / {b}"),
        ("with {b}/{a} for the product", "{b} / {a}"),
        ("with a matrix product for ∘, {a} transposed", "{a}.T @ {b}"),
        ("with a matrix product for ∘, {b} transposed", "{a} @ {b}.T"),
    ),
    "**": (
        ("with |{a}| for the square", "abs({a})"),
        ("with the sign of {a} kept in its square", "{a} * abs({a})"),
    ),
    "(-)**": (("with the difference of the squares", "{a}**2 - {b}**2"),),
    "1 -": RULES["-"],
    "1 - **": (("with the square of {a} − {b}", "({a} - {b})**2"),),
    "sum of squares": (("with the square of the mean", "sum({a})**2 / {N}"),),
    "symbol": (("with |{a}| for {a}", "abs({a})"),),
    "alpha": (("with the mean of {a} for all", "like({a}, 0) + mean({a})"),),
    "N": (("with N − 1 for N", "({a} - 1)"),),
    "softmax": (("with softmax over the examples", "softmax({a}.T).T"),),
    "function": (
        ("with tanh for {name}", "tanh({a})"),
        ("with σ for {name}", "sigmoid({a})"),
        ("with softmax for {name}", "softmax({a})"),
        ("with log softmax for {name}", "log_softmax({a})"),
    ),
}
FACTORS = {  # numbers in place of one with an N, and of one without
    True: ("1", "2", "1/N_s", "2/N_s", "1/2", "1/(2*N_s)", "N_s", "N_s/2"),
    False: ("1", "-1", "2", "-2"),
}
SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.MatMult: "@", ast.Pow: "**"}
NONLINEAR = "tanh", "sigmoid", "softmax", "log_softmax"
WITHOUT_ONES = {"X1_s": "X_s", "X1_q": "X_q", "H1_1_s": "H1_s", "H1_1_q": "H1_q"}


def algebra_slips(expression, which, turn) -> Iterator:
    """(phrase, altered expression) by the rules of algebra."""
    tree = parse(expression)
    for node in ast.walk(tree):
        for phrase, text in [*rules(node, which), *numbers(node, which, turn)]:
            yield phrase, ast.unparse(exchange(tree, node, parse(text)))
    if turn:
        yield "with the sign turned", f"-({expression})"


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
        case ast.Call(func=ast.Name(id=name), args=[a, b]) if name in RULES:
            parts, keys = parts | {"a": a, "b": b}, [name]
        case ast.Call(func=ast.Name(id=name), args=[a]) if "sum" not in name:
            parts |= {"a": a, "name": name}
            keys = [name if name in RULES else "function"]
    for key in keys:
        yield from fill(key, parts)


def rare_slips(expression, which) -> Iterator:
    """(phrase, altered expression) by the RARE rules."""
    tree = parse(expression)
    for node in ast.walk(tree):
        for key, parts in rare_keys(node):
            for phrase, text in fill(key, parts | {"N": f"N_{which}"}, RARE):
                yield phrase, ast.unparse(exchange(tree, node, parse(text)))


def rare_keys(node):
    """(key, parts) of the RARE rules that fit a node."""
    match node:
        case ast.Name(id=symbol) if symbol not in FUNCTIONS:
            yield "N" if symbol.startswith("N_") else "symbol", {"a": node}
            if symbol.startswith("alpha"):
                yield "alpha", {"a": node}
        case ast.BinOp(left=a, op=ast.Pow()):
            yield "**", {"a": a}
            if isinstance(a, ast.BinOp) and isinstance(a.op, ast.Sub):
                yield "(-)**", {"a": a.left, "b": a.right}
        case ast.BinOp(left=a, op=ast.Sub(), right=b) if is_number(a):
            yield "1 -", {"a": a, "b": b, "whole": node}
            if isinstance(b, ast.BinOp) and isinstance(b.op, ast.Pow):
                yield "1 - **", {"a": a, "b": b.left}
        case ast.BinOp(left=a, op=ast.Mult(), right=b) if not is_number(a):
            yield "*", {"a": a, "b": b}
        case ast.Call(func=ast.Name(id="sum"), args=[ast.BinOp(left=a, op=ast.Pow())]):
            yield "sum of squares", {"a": a}
        case ast.Call(func=ast.Name(id=name), args=[a]) if name in NONLINEAR:
            yield from ((key, {"a": a, "name": name}) for key in {name, "function"})


def biases(a, b, parts):
    """(phrase, new text) for a product of [A 1] or its transpose, or with W̄."""
    left = ast.unparse(a)
    plain = WITHOUT_ONES.get(left.removesuffix(".T"))
    if plain:
        key = "[A 1].T @" if left.endswith(".T") else "[A 1] @"
        yield from fill(key, parts | {"a": parse(plain)})
    if isinstance(b, ast.Call):
        yield from fill("@ bar", parts | {"b": b.args[0]})


def fill(key, parts, table=RULES):
    """(phrase, new text) of the rules of a key, with the parts filled in."""
    trees = {name: part for name, part in parts.items() if isinstance(part, ast.AST)}
    shown = parts | {name: render(ast.unparse(part)) for name, part in trees.items()}
    texts = parts | {name: bracket(part) for name, part in trees.items()}
    for phrase, text in table.get(key, ()):
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

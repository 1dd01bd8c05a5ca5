"""Rules of algebra that people break: an operation of a line, and what they write.

A rule fits a node of the line's syntax tree: a sum, a product, a number in front, a
product with [A 1]. It has the phrase that follows "made" and the text that replaces it.
"""

import ast
from collections.abc import Iterator
from copy import copy

from .lines import FUNCTIONS, OPERATORS, parse
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
        ("with 0 in the bias row", "over(bar({whole}), 0 * bias({whole}))"),
        ("with the bias row averaged", "over(bar({whole}), bias({whole}) / {N})"),
        ("with the bias row first", "over(bias({whole}), bar({whole}))"),
    ),
    "product by *": (("with the product of the derivatives", "{a} * {b}"),),
    "product by @": (
        ("with the product of the derivatives", "{a} @ {b}"),
        ("with the product of the derivatives", "{a} @ bar({b})"),
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
SIGNS = dict(zip(OPERATORS, ("+", "-", "*", "@", "/", "**"), strict=True))
CURVED = ["tanh", "sigmoid", "relu", "step", "softplus", "softmax", "log_softmax"]
WITHOUT_ONES = {"X1_s": "X_s", "X1_q": "X_q", "H1_1_s": "H1_s", "H1_1_q": "H1_q"}


def algebra_slips(expression, which, turn) -> Iterator:
    """(phrase, altered expression) by the rules of algebra."""
    tree = parse(expression)
    for node in ast.walk(tree):
        for phrase, text in [*fill(RULES, node, which), *numbers(node, which, turn)]:
            yield phrase, ast.unparse(exchange(tree, node, parse(text)))
    if turn:
        yield "with the sign turned", f"-({expression})"


def rare_slips(expression, which) -> Iterator:
    """(phrase, altered expression) by the RARE rules."""
    tree = parse(expression)
    for node in ast.walk(tree):
        for phrase, text in fill(RARE, node, which):
            yield phrase, ast.unparse(exchange(tree, node, parse(text)))


def by_set(text, which):
    """The text with the N of a set."""
    return text.replace("N_s", "N_q") if which == "q" else text


def fill(table, node, which):
    """(phrase, new text) of the rules that fit a node, with its parts filled in."""
    for key, parts in kinds(node):
        if key in table:
            shown = {part: render(ast.unparse(tree)) for part, tree in parts.items()}
            texts = {part: bracket(tree) for part, tree in parts.items()}
            texts |= {"whole": bracket(node), "N": f"N_{which}"}
            for phrase, text in table[key]:
                yield phrase.format(**shown).replace("ᵀᵀ", ""), text.format(**texts)


def kinds(node):
    """(key of the rules, parts) for everything that a node is."""
    match node:
        case ast.Name(id=symbol) if symbol not in FUNCTIONS:
            yield "N" if symbol.startswith("N_") else "symbol", {"a": node}
            yield symbol.rstrip("12"), {"a": node}
        case ast.BinOp(left=a, op=ast.Sub(), right=b) if is_number(a):
            yield "1 -", {"a": a, "b": b}
            if isinstance(b, ast.BinOp) and isinstance(b.op, ast.Pow):
                yield "1 - **", {"a": a, "b": b.left}
        case ast.BinOp(left=a, op=op, right=b) if not is_number(a):
            key = SIGNS[type(op)]
            plain = WITHOUT_ONES.get(ast.unparse(a).removesuffix(".T"))
            if key == "@" and plain:
                transposed = ".T" if isinstance(a, ast.Attribute) else ""
                yield f"[A 1]{transposed} @", {"a": parse(plain), "b": b}
            if key == "@" and isinstance(b, ast.Call):
                yield "@ bar", {"a": a, "b": b.args[0]}
            if key == "+" and {type(a), type(b)} == {ast.BinOp}:
                yield f"product by {SIGNS[type(a.op)]}", {"a": a.left, "b": b.right}
            if key == "**" and isinstance(a, ast.BinOp) and isinstance(a.op, ast.Sub):
                yield "(-)**", {"a": a.left, "b": a.right}
            yield key, {"a": a, "b": b}
        case ast.UnaryOp(operand=a):
            yield "minus", {"a": a}
        case ast.Call(func=ast.Name(id="sum"), args=[ast.BinOp(left=a, op=ast.Pow())]):
            yield "sum of squares", {"a": a}
        case ast.Call(func=ast.Name(id=name), args=args):
            parts = dict(zip("ab", args, strict=False))
            yield name, parts
            if name in CURVED:
                yield "function", parts | {"name": node.func}


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

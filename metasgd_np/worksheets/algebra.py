"""Rewriting an expression by rules: `a - b` becomes `b - a`, wherever it stands.

A rule is a pattern with what people write in its place. Its letters stand for parts of
the expression: a, b, c, d for any but numbers, n for a number, m for one with an N in
it, s for a symbol, f for a function. In what is written, w is the whole that fits the
pattern, N the number of examples and M that of the other set; as a pattern, w is the
whole line. Inside a pattern, X1_s fits `beside(a, 1)`, since it is [X_s 1].

    >>> rules = {"a - b": {"with {b} − {a} for {a} − {b}": "b - a"}}
    >>> list(rewrite("2 / N_s * (F_s - Y_s)", rules, "s", rank=0))
    [('with Y_s − F_s for F_s − Y_s', '2 / N_s * (Y_s - F_s)', 0)]
"""

import ast
from collections.abc import Iterator
from copy import copy

from .lines import FUNCTIONS, parse
from .printing import is_number, render

CURVED = ["tanh", "sigmoid", "relu", "step", "softplus", "softmax", "log_softmax"]
PLAIN = {"X1_s": "X_s", "X1_q": "X_q", "H1_1_s": "H1_s", "H1_1_q": "H1_q"}


def rewrite(expression, rules, which, rank) -> Iterator:
    """(phrase, altered expression, rank) by every rule, wherever it fits.

    rules : {pattern: {phrase: text}};  which : "q" if the query set's N is meant
    """
    tree = parse(expression)
    N, M = ("N_q", "N_s") if which == "q" else ("N_s", "N_q")
    for node in ast.walk(tree):
        for pattern, written in rules.items():
            parts = find_parts(parse(pattern), node)
            if parts is None or (pattern == "w" and node is not tree):
                continue
            shown = {
                letter: render(ast.unparse(part)) for letter, part in parts.items()
            }
            parts |= {"w": node, "N": parse(N), "M": parse(M)}
            for phrase, text in written.items():
                new = exchange(parse(text), parts)
                words = phrase.format(**shown).replace("ᵀᵀ", "")
                yield words, ast.unparse(exchange(tree, {node: new})), rank


def find_parts(pattern, node):
    """{letter: its part} if a tree has the form of a pattern, else None."""
    if isinstance(pattern, ast.Name) and len(pattern.id) == 1:
        return {pattern.id: node} if may_stand_for(pattern.id, node) else None
    if type(pattern) is not type(node):
        return None
    if isinstance(pattern, ast.Name | ast.Constant):
        return {} if ast.unparse(pattern) == ast.unparse(node) else None
    found = {}
    for part, other in zip(*map(ast.iter_child_nodes, (pattern, node)), strict=False):
        with_ones = isinstance(part, ast.Call) and getattr(other, "id", None) in PLAIN
        whole = parse(f"beside({PLAIN[other.id]}, 1)") if with_ones else other
        parts = find_parts(part, whole)
        if parts is None:
            return None
        found |= parts
    return found


def may_stand_for(letter, node):
    """Whether a letter of a pattern fits a tree."""
    number = isinstance(node, ast.expr) and is_number(node)
    symbol = node.id if isinstance(node, ast.Name) and not number else ""
    match letter:
        case "n" | "m":
            return number and ("N_" in ast.unparse(node)) == (letter == "m")
        case "N":
            return number and isinstance(node, ast.Name)
        case "f":
            return symbol in CURVED
        case "s":
            return bool(symbol) and symbol not in FUNCTIONS
    return isinstance(node, ast.expr) and not number


def exchange(tree, new):
    """A copy of a tree in which the nodes, or symbols, in `new` are replaced."""
    key = tree.id if isinstance(tree, ast.Name) and tree not in new else tree
    if key in new:
        return new[key]
    changed = copy(tree)
    for field, child in ast.iter_fields(tree):
        if isinstance(child, ast.expr):
            setattr(changed, field, exchange(child, new))
        elif isinstance(child, list):
            setattr(changed, field, [exchange(one, new) for one in child])
    return changed

"""Judge an answer by its formula: the right value, and what a slip makes of it.

A formula is text in the letters of the chapter, "θ - α * g". Its slips need no list:
a term or factor is dropped, a sign turned, a mean taken for a sum, one quantity for
another. An exercise names only the mistakes that are more than that.
"""

import ast
from functools import lru_cache
from itertools import chain

import numpy as np

from ..activations import sigmoid
from .reading import agree, computed, own, several, typed

FUNCTIONS = {
    **{f.__name__: f for f in (np.cos, np.exp, np.log, np.log2, np.log10)},
    **{f.__name__: f for f in (np.maximum, np.mean, np.median, np.sqrt, np.sum)},
    "abs": np.abs,
    "kron": np.kron,
    "max": np.max,
    "min": np.min,
    "outer": np.outer,
    "tanh": np.tanh,
    "σ": sigmoid,
    "along": lambda a: np.sum(a, -1, keepdims=True),
}
LONG = 12  # characters
WRITTEN = {"along": "the sum over each row"}
OPPOSITE = {"mean": "sum", "sum": "mean"}
RULES = {  # {what is written: what for}, of an operation on a and b
    ast.Add: {
        "without + {b}": "{a}",
        "without {a} +": "{b}",
        "with − for +": "{a} - {b}",
    },
    ast.Sub: {
        "with + for −": "{a} + {b}",
        "without − {b}": "{a}",
        "with − {b} alone": "-{b}",
        "with {b} alone": "{b}",
        "with the sign of a difference turned": "{b} - {a}",
    },
    ast.Mult: {
        "without the factor {a}": "{b}",
        "without the factor {b}": "{a}",
        "with {b} twice as a factor": "{a} * {b} * {b}",
    },
    ast.MatMult: {"without the factor {a}": "{b}", "without the factor {b}": "{a}"},
    ast.Div: {
        "without the division by {b}": "{a}",
        "turned upside down, {b} over {a}": "{b} / {a}",
        "with {b} as a factor": "{a} * {b}",
        "without the factor {a}": "1 / {b}",
    },
    ast.Pow: {
        "without the power {b}": "{a}",
        "with {b} times for the power": "{b} * {a}",
    },
    ast.USub: {"without the minus": "{a}"},
    ast.Call: {"without {f}": "{a}", "with {g} for {f}": "{g}({a})"},
}


def evaluate(formula, values):
    """The value of a formula."""
    return eval(compiled(formula), FUNCTIONS | values)


@lru_cache(maxsize=4096)
def compiled(formula):
    """The code of a formula."""
    return compile(formula, "<formula>", "eval")


@lru_cache
def alterations(formula):
    """[(what is written, formula)] for every slip by the rules."""
    text, found = formula.encode(), []
    for node in nodes_of(formula):
        rules, parts = read_node(node)
        parts = {key: as_text(part, formula) for key, part in parts.items()}
        shown = {key: WRITTEN.get(part) or pretty(part) for key, part in parts.items()}
        operands = {
            key: part if key in "fg" else f"({part})" for key, part in parts.items()
        }
        for phrase, rule in rules.items():
            new = f"({rule.format(**operands)})".encode()
            whole = text[: node.col_offset] + new + text[node.end_col_offset :]
            found.append((phrase.format(**shown), whole.decode()))
    return found


def nodes_of(formula):
    """The nodes of a formula's syntax tree, but not those of an index."""
    waiting = [ast.parse(formula, mode="eval").body]
    for node in waiting:
        yield node
        inner = [node.value] if isinstance(node, ast.Subscript) else None
        waiting += inner or ast.iter_child_nodes(node)


def read_node(node):
    """The rules that fit a node of a syntax tree, and its parts."""
    match node:
        case ast.BinOp(left=a, op=op, right=b):
            return RULES[type(op)], {"a": a, "b": b}
        case ast.UnaryOp(op=op, operand=a):
            return RULES[type(op)], {"a": a}
        case ast.Call(func=ast.Name(id=name), args=[a]):
            other = OPPOSITE.get(name)
            rules = [*RULES[ast.Call].items()][: 2 if other else 1]
            return dict(rules), {"a": a, "f": name, "g": other}
    return {}, {}


def as_text(part, formula):
    """The text of a part of a formula."""
    if isinstance(part, ast.AST):
        return ast.get_source_segment(formula, part)
    return str(part)


def pretty(text):
    """A part of a formula as one writes it; a long one would give the answer away."""
    for plain, written in (("**2", "²"), (" * ", " "), (" @ ", "·"), ("-", "−")):
        text = text.replace(plain, written)
    return text if len(text) < LONG else "(…)"


@lru_cache
def mistaken(formula, names):
    """[(what is written, formula)] with one quantity for another."""
    text, found = formula.encode(), []
    for node in nodes_of(formula):
        if isinstance(node, ast.Name) and node.id in names:
            for other in sorted(names - {node.id}):
                start, end = text[: node.col_offset], text[node.end_col_offset :]
                whole = start + other.encode() + end
                found.append((f"with {other} for {node.id}", whole.decode()))
    return found


def near_misses(formula, values, named=None):
    """(what is wrong, the value that it gives), one by one, named mistakes first.

    named : {what is wrong: formula}
    """
    right = evaluate(formula, values)
    alike = {name for name, x in values.items() if np.ndim(x) or isinstance(x, float)}
    slips = [*alterations(formula), *mistaken(formula, frozenset(alike))]
    slips = [(f"this is the value {phrase}", wrong) for phrase, wrong in slips]
    slips.insert(0, ("the sign is turned", f"-({formula})"))
    slips.append(("is twice what it should be", f"2 * ({formula})"))
    slips.append(("is half of what it should be", f"({formula}) / 2"))
    for message, wrong in [*(named or {}).items(), *slips]:
        try:
            value = evaluate(wrong, values)
            if not agree(value, right, 1e-9) and is_finite(value):
                yield message, value
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            continue  # the shapes do not fit, or a fraction has no root


def is_finite(value):
    """Whether all entries are finite, floats or fractions."""
    return np.isfinite(np.asarray(value, dtype=float)).all()


def judge_result(found, formula, values, named=None, close=1e-9):
    """Compare what a function returned with a formula."""
    right, wrong = evaluate(formula, values), near_misses(formula, values, named)
    computed(found, right, wrong, close)


def judge_results(marks, found, formulas, values, named=None):
    """Compare the parts of what a function returned with formulas, {part: formula}."""
    rights = {part: evaluate(text, values) for part, text in formulas.items()}
    for part, result in zip(formulas, several(found, [*formulas]), strict=True):
        others = ((f"this is {name}", rights[name]) for name in rights if name != part)
        slips = near_misses(formulas[part], values, (named or {}).get(part))
        with marks.part(part):
            computed(result, rights[part], chain(others, slips))


def judge_steps(marks, values, steps, named=None, within=None):
    """Judge what was worked out in turn, each from the student's own before it.

    steps : {symbol: (formula,) or (formula, part, answer)}; no part: judged elsewhere
    named : {symbol: {what is wrong: formula}}
    """
    right, carried = dict(values), dict(values)
    for symbol, (formula, *answered) in steps.items():
        truths = [evaluate(formula, known) for known in (right, carried)]
        slips = chain.from_iterable(
            near_misses(formula, known, (named or {}).get(symbol))
            for known in [dict(carried), dict(right)]
        )
        right[symbol], carried[symbol] = truths
        if answered:
            part, answer = answered
            carried[symbol] = own(answer, truths[1])
            if part:
                truths = [truth for truth in truths if is_finite(truth)]
                with marks.part(part):
                    typed(answer, *truths, slips=slips, within=within)

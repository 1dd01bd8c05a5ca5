"""An expression as a person writes it: H̃1_sᵀ dF_s, or with its numbers filled in."""

import ast
from numbers import Rational

import numpy as np

from .lines import parse

PRETTY = {
    "theta": "θ",
    "alpha": "α",
    "phi1": "φ′",
    "phi2": "φ″",
    "H1_1": "H̃1",
    "X1": "X̃",
    "_prime": "′",
    "N_s": "N",
    "N_q": "N",
}
SIGNS = {  # sign, and the least level of what stands on its left and right
    ast.Add: (" + ", 1, 1),
    ast.Sub: (" − ", 1, 2),
    ast.Mult: ("∘", 2, 2),
    ast.MatMult: (" ", 2, 2),
    ast.Div: ("/", 2, 3),
}
CALLS = {  # those not listed are printed as name(argument)
    "beside": "[{} {}]",
    "first": "[{} {}]",
    "like": "{1}",
    "rowsum": "Σₒ {}",
    "sigmoid": "σ({})",
    "relu": "max({}, 0)",
    "step": "[{} > 0]",
    "softplus": "log(1 + exp({}))",
    "log_softmax": "log softmax({})",
    "onehot": "onehot({0})",
}


def render(expression, values=None):
    """An expression with the letters of the derivation, or with the numbers given."""

    def name(symbol, bar=False):
        if values is None:
            return pretty(symbol, bar)
        return matrix(values[symbol][:-1] if bar else values[symbol])

    return write(parse(expression), name)[0]


def write(node, name):  # noqa: PLR0911 (one for each kind of node)
    """(text, level) of a syntax tree; level 1 is a sum, 2 a product, 3 neither."""

    def inside(part, least):
        text, level = write(part, name)
        return text if level >= least else f"({text})"

    match node:
        case ast.Name(id=symbol):
            return name(symbol), 3
        case ast.Constant(value=value):
            return str(value), 3
        case ast.UnaryOp(operand=operand):
            return f"−{inside(operand, 2)}", 2 if is_number(operand) else 1
        case ast.BinOp(left=left, op=ast.Pow()):
            return f"{inside(left, 3)}²", 3
        case ast.BinOp(left=left, op=op, right=right):
            sign, before, after = SIGNS[type(op)]
            if isinstance(op, ast.Mult) and is_number(left):
                sign = " · " if isinstance(left, ast.BinOp) else " "
            return inside(left, before) + sign + inside(right, after), min(before, 2)
        case ast.Attribute(value=operand):
            return f"{inside(operand, 3)}ᵀ", 3
        case ast.Call(func=ast.Name(id="bar"), args=[ast.Name(id=symbol)]):
            return name(symbol, bar=True), 3
        case ast.Call(func=ast.Name(id="sum"), args=[summand]):
            return f"Σ {inside(summand, 3)}", 3
        case ast.Call(func=ast.Name(id=function), args=args):
            template = CALLS.get(function, function + "({})")
            return template.format(*(inside(arg, 1) for arg in args)), 3


def is_number(node):
    """Whether a syntax tree is a plain number such as 2/N."""
    names = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
    return all(name in ("N_s", "N_q") for name in names)


def pretty(symbol, bar=False):
    """A code symbol as written by hand: dalpha1 → dα1, H1_1_s → H̃1_s, W2 bar → W̄2."""
    symbol = symbol[0] + "\u0304" + symbol[1:] if bar else symbol
    for plain, letter in PRETTY.items():
        symbol = symbol.replace(plain, letter)
    return symbol


def number(value):
    """A fraction as 3/4, a float to six digits, zeros included."""
    return str(value) if isinstance(value, Rational) else f"{float(value):#.6g}"


def matrix(value):
    """[1 2; 3 4], or a bare number."""
    value = np.asarray(value)
    if value.ndim == 0:
        return number(value[()])
    rows = value.reshape(len(value), -1)
    return "[" + "; ".join(" ".join(map(number, row)) for row in rows) + "]"

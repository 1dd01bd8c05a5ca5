"""The lines of a worksheet, `symbol = expression`, each written once.

An expression is Python in the letters of the derivation. From its one text it is

    computed    evaluate("H1_1_s.T @ dF_s", values)
    printed     render("H1_1_s.T @ dF_s") = "H̃1_sᵀ dF_s", or with its numbers filled in
    recomputed  recompute(layout, values, {"dF_s": "F_s - Y_s"}): what would follow
    altered     slips.py

`*` multiplies entry by entry, `@` is the matrix product, `.T` the transpose; FUNCTIONS
has the rest. Every array may have leading axes, one entry per example.
"""

import ast
import operator
import re
from fractions import Fraction
from functools import lru_cache
from numbers import Rational

import numpy as np

from ..activations import sigmoid
from ..losses import log_softmax, one_hot
from ..network import with_column

GIVEN = ("X_s", "Y_s", "X_q", "Y_q", "W1", "W2", "alpha1", "alpha2")
PHI = {  # φ, φ′ and φ″
    "tanh": ("tanh(Z1_s)", "1 - H1_s**2", "-2 * H1_s * phi1_s"),
    "sigmoid": ("sigmoid(Z1_s)", "H1_s * (1 - H1_s)", "phi1_s * (1 - 2 * H1_s)"),
    "relu": ("relu(Z1_s)", "step(Z1_s)", "like(Z1_s, 0)"),
    "square": ("Z1_s**2", "2 * Z1_s", "like(Z1_s, 2)"),
    "identity": ("Z1_s", "like(Z1_s, 1)", "like(Z1_s, 0)"),
}
LOSS = {  # L, dF and dF_dot, each with its tag
    "squared_error": (
        ("1 / N_s * sum((F_s - Y_s)**2)", "2.4"),
        ("2 / N_s * (F_s - Y_s)", "2.5"),
        ("2 / N_s * F_dot", "4.4"),
    ),
    "sigmoid_cross_entropy": (
        ("1 / N_s * sum(softplus(F_s) - Y_s * F_s)", "8.1"),
        ("1 / N_s * (sigmoid(F_s) - Y_s)", "8.2"),
        ("1 / N_s * sigmoid(F_s) * (1 - sigmoid(F_s)) * F_dot", "8.3"),
    ),
    "softmax_cross_entropy": (
        ("-(1 / N_s * sum(onehot(Y_s, F_s) * log_softmax(F_s)))", "8.4"),
        ("1 / N_s * (softmax(F_s) - onehot(Y_s, F_s))", "8.5"),
        (
            "1 / N_s * (softmax(F_s) * F_dot"
            " - softmax(F_s) * rowsum(softmax(F_s) * F_dot))",
            "8.6",
        ),
    ),
}
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.MatMult: operator.matmul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
FUNCTIONS = {
    "beside": with_column,  # [A 1]
    "bar": lambda W: W[..., :-1, :],  # W without its bias row
    "sum": lambda A: A.sum((-2, -1)),
    "rowsum": lambda A: A.sum(-1, keepdims=True),
    "like": np.full_like,  # a number in every entry
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "relu": lambda Z: np.where(Z.real > 0, Z, 0),
    "step": lambda Z: np.where(Z.real > 0, 1, 0),
    "softplus": lambda F: np.logaddexp(0, F),
    "softmax": lambda F: np.exp(log_softmax(F)),
    "log_softmax": log_softmax,
    "onehot": lambda Y, F: one_hot(Y, F.shape[-1]).astype(F.dtype),
    # and what people do instead:
    "headless": lambda W: W[..., 1:, :],  # W without its first row
    "first": lambda column, A: with_column(A[..., ::-1], column)[..., ::-1],  # [1 A]
    "mean_bias": lambda W, N: np.concatenate(
        [W[..., :-1, :], W[..., -1:, :] / N], axis=-2
    ),
    "no_bias": lambda W: np.concatenate([W[..., :-1, :], 0 * W[..., -1:, :]], axis=-2),
    "bias_first": lambda W: np.concatenate([W[..., -1:, :], W[..., :-1, :]], axis=-2),
    "keep_bias": lambda new, W: np.concatenate(
        [new[..., :-1, :], W[..., -1:, :]], axis=-2
    ),
    "corner": lambda A: A[..., :1, :1],
    "abs": np.abs,
    "poured": lambda W: W.mT.reshape(W.shape),  # the entries of Wᵀ, row by row
    "spread": lambda W: np.broadcast_to(W.sum(-1, keepdims=True), W.shape),
}


def pass_lines(phi, phi1, L, dF):
    """(tag, symbol, expression) of the forward and backward pass on the support set."""
    return [
        ("", "X1_s", "beside(X_s, 1)"),
        ("2.1", "Z1_s", "X1_s @ W1"),
        ("2.2", "H1_s", phi),
        ("", "H1_1_s", "beside(H1_s, 1)"),
        ("2.3", "F_s", "H1_1_s @ W2"),
        (L[1], "L_s", L[0]),
        (dF[1], "dF_s", dF[0]),
        ("2.6", "dW2_s", "H1_1_s.T @ dF_s"),
        ("2.7", "dH1_s", "dF_s @ bar(W2).T"),
        ("2.8", "phi1_s", phi1),
        ("2.8", "dZ1_s", "dH1_s * phi1_s"),
        ("2.9", "dW1_s", "X1_s.T @ dZ1_s"),
    ]


def tangent_lines(phi2, dF_dot):
    """(tag, symbol, expression) of the second-order pass on the support set."""
    return [
        ("5.3", "V1", "alpha1 * dW1_q"),
        ("5.3", "V2", "alpha2 * dW2_q"),
        ("4.1", "Z1_dot", "X1_s @ V1"),
        ("4.2", "H1_dot", "phi1_s * Z1_dot"),
        ("4.3", "F_dot", "H1_dot @ bar(W2) + H1_1_s @ V2"),
        (dF_dot[1], "dF_dot", dF_dot[0]),
        ("4.5", "dW2_dot", "beside(H1_dot, 0).T @ dF_s + H1_1_s.T @ dF_dot"),
        ("4.6", "dH1_dot", "dF_dot @ bar(W2).T + dF_s @ bar(V2).T"),
        ("4.7", "phi2", phi2),
        ("4.7", "dZ1_dot", "dH1_dot * phi1_s + dH1_s * phi2 * Z1_dot"),
        ("4.8", "dW1_dot", "X1_s.T @ dZ1_dot"),
    ]


@lru_cache
def layout(activation, loss):
    """(section, tag, symbol, expression) of every line to work out, in order."""
    phi, phi1, phi2 = PHI[activation]
    L, dF, dF_dot = LOSS[loss]
    support = pass_lines(phi, phi1, L, dF)
    sections = {
        "Support set": support,
        "Step": [("5.1", f"W{i}_prime", f"W{i} - alpha{i} * dW{i}_s") for i in "12"],
        "Query set, at θ′": [
            (
                tag,
                to_query(symbol),
                re.sub(r"\bW[12]\b", r"\g<0>_prime", to_query(text)),
            )
            for tag, symbol, text in support
        ],
        "Second order, along v = α∘λ": tangent_lines(phi2, dF_dot),
        "Meta-gradient": [
            *(("5.3", f"dtheta{i}", f"dW{i}_q - dW{i}_dot") for i in "12"),
            *(("6.1", f"dalpha{i}", f"-(dW{i}_s * dW{i}_q)") for i in "12"),
        ],
    }
    return [(section, *line) for section, lines in sections.items() for line in lines]


def to_query(text):
    """The same with every support quantity replaced by the query set's."""
    return re.sub(r"_s\b", "_q", text)


@lru_cache(maxsize=4096)
def parse(expression):
    """The syntax tree of an expression."""
    return ast.parse(expression, mode="eval").body


@lru_cache(maxsize=4096)
def symbols_in(expression):
    """The symbols that an expression needs, in the order of writing."""
    nodes = ast.walk(parse(expression))
    names = (node.id for node in nodes if isinstance(node, ast.Name))
    return tuple(dict.fromkeys(name for name in names if name not in FUNCTIONS))


def evaluate(expression, values):
    """The value of an expression; ValueError if shapes do not fit."""
    return compute(parse(expression), values)


def compute(node, values):
    """The value of a syntax tree."""
    match node:
        case ast.Name(id=symbol):
            return values[symbol]
        case ast.Constant(value=number):
            return number
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](compute(left, values), compute(right, values))
        case ast.UnaryOp(operand=operand):
            return -compute(operand, values)
        case ast.Attribute(value=matrix):
            return compute(matrix, values).mT
        case ast.Call(func=ast.Name(id=name), args=args):
            return FUNCTIONS[name](*(compute(arg, values) for arg in args))


def given_values(net, theta, alpha, batch):
    """{symbol: value} of what a sheet starts from: the data, θ, α and both N."""
    given = {f"X_{w}": getattr(batch, f"X_{w}")[0] for w in "sq"}
    given |= {f"Y_{w}": getattr(batch, f"Y_{w}")[0] for w in "sq"}
    given["W1"], given["W2"] = net.unpack(theta)
    given["alpha1"], given["alpha2"] = net.unpack(alpha)
    exact = theta.dtype == object  # 2/N of exact numbers is exact
    sizes = {f"N_{w}": len(given[f"X_{w}"]) for w in "sq"}
    return given | {N: Fraction(size) if exact else size for N, size in sizes.items()}


def work(net, given):
    """`given` with the value of every line added."""
    values = dict(given)
    for *_, symbol, expression in layout(net.activation_name, net.loss_name):
        values[symbol] = evaluate(expression, values)
    return values


def recompute(net, values, altered, fixed=()):
    """The values that change if some lines are altered, and all that follows from them.

    values : all right values;  fixed : symbols that do not follow
    altered : {symbol: expression}; a given symbol is replaced in the same way
    """
    lines = layout(net.activation_name, net.loss_name)
    order = {symbol: expression for *_, symbol, expression in lines}
    changed = {
        symbol: evaluate(expression, values)
        for symbol, expression in altered.items()
        if symbol not in order
    }
    known = values | changed
    for symbol, right in order.items():
        expression = altered.get(symbol, right)
        follows = not changed.keys().isdisjoint(symbols_in(expression))
        if symbol in altered or (follows and symbol not in fixed):
            known[symbol] = changed[symbol] = evaluate(expression, known)
    return changed


# ---- printing

PRETTY = {
    "alpha": ("α", r"\alpha"),
    "dalpha": ("dα", r"d\alpha"),
    "dtheta": ("dθ", r"d\theta"),
    "phi1": ("φ′", r"\varphi'"),
    "phi2": ("φ″", r"\varphi''"),
    "H1_": ("H̃", r"\tilde H"),
    "X1": ("X̃", r"\tilde X"),
    "N": ("N", "N"),
}
SIGNS = {  # +, −, entrywise, matrix product, number times, divided by, squared, ᵀ
    "text": (" + ", " − ", "∘", " ", " · ", "/", "²", "ᵀ", "−{}"),
    "latex": (" + ", " - ", r" \circ ", r"\,", r" \cdot ", "/", "^2", r"^\top", "-{}"),
}
CALLS = {  # how a function is printed; those not listed as name(argument)
    "beside": ("[{} {}]", r"[{}\;{}]"),
    "like": ("{1}", "{1}"),
    "first": ("[{} {}]", r"[{}\;{}]"),
    "sum": ("Σ {}", r"\textstyle\sum {}"),
    "rowsum": ("Σₒ {}", r"\textstyle\sum_o {}"),
    "tanh": ("tanh({})", r"\tanh({})"),
    "sigmoid": ("σ({})", r"\sigma({})"),
    "relu": ("max({}, 0)", r"\max({}, 0)"),
    "step": ("[{} > 0]", "[{} > 0]"),
    "softplus": ("log(1 + exp({}))", r"\log(1 + \exp({}))"),
    "softmax": ("softmax({})", r"\text{{softmax}}({})"),
    "log_softmax": ("log softmax({})", r"\log\text{{softmax}}({})"),
    "onehot": ("onehot({0})", r"\text{{onehot}}({0})"),
    "headless": ("({} without its first row)", r"({}\text{{ without its first row}})"),
}


def render(expression, form="text", values=None):
    """An expression as people write it: "text" or "latex", with numbers if given."""

    def name(symbol, bar=False):
        if values is None:
            return (pretty if form == "text" else latex_symbol)(symbol, bar)
        value = values[symbol][..., :-1, :] if bar else values[symbol]
        return (matrix if form == "text" else matrix_latex)(value)

    return write(parse(expression), form, name)[0]


def write(node, form, name):  # noqa: PLR0911 (one for each kind of node)
    """(text, level) of a syntax tree; level 1 is a sum, 2 a product, 3 neither."""
    plus, minus, times, matmul, scale, over, squared, transpose, negative = SIGNS[form]

    def inside(part, level):
        text, own = write(part, form, name)
        return text if own >= level else f"({text})"

    match node:
        case ast.Name(id=symbol):
            return name(symbol), 3
        case ast.Constant(value=number):
            return str(number), 3
        case ast.UnaryOp(operand=operand):
            return negative.format(inside(operand, 2)), 2 if is_number(operand) else 1
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return inside(left, 1) + plus + inside(right, 1), 1
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return inside(left, 1) + minus + inside(right, 2), 1
        case ast.BinOp(left=left, op=ast.Pow()):
            return inside(left, 3) + squared, 3
        case ast.BinOp(left=left, op=op, right=right):
            number = isinstance(left, ast.Constant | ast.UnaryOp)
            sign = {ast.MatMult: matmul, ast.Div: over}.get(type(op), times)
            if sign == times and is_number(left):
                sign = " " if number else scale
            return inside(left, 2) + sign + inside(right, 2 + (sign == over)), 2
        case ast.Attribute(value=operand):
            return inside(operand, 3) + transpose, 3
        case ast.Call(func=ast.Name(id="bar"), args=[ast.Name(id=symbol)]):
            return name(symbol, bar=True), 3
        case ast.Call(func=ast.Name(id=function), args=args):
            template = CALLS.get(function, (function + "({})",) * 2)[form == "latex"]
            level = 3 if template.startswith(("Σ", r"\textstyle")) else 1
            return template.format(*(inside(arg, level) for arg in args)), 3


def is_number(node):
    """Whether a syntax tree is a plain number such as 2/N."""
    names = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
    return all(name in ("N_s", "N_q") for name in names)


def split(symbol):
    """(stem, digit, is a tangent, is updated, which set) of a code symbol."""
    stem, which = re.fullmatch(r"(.*?)(?:_([sq]))?", symbol).groups()
    dot, prime = stem.endswith("_dot"), stem.endswith("_prime")
    stem = stem.removesuffix("_dot").removesuffix("_prime")
    return *re.fullmatch(r"(.*?)(\d?)", stem).groups(), dot, prime, which


def pretty(symbol, bar=False):
    """A code symbol as written by hand: dalpha1 → dα1, H1_1_s → H̃1_s, W2 bar → W̄2."""
    if symbol.startswith("N_"):
        return "N"
    stem, digit, dot, prime, which = split(symbol)
    if stem + digit in PRETTY:
        word, digit = PRETTY[stem + digit][0], ""
    else:
        word = PRETTY.get(stem, (stem,))[0]
    word = word[0] + "̄" + word[1:] if bar else word
    end = "_dot" * dot + "′" * prime + (f"_{which}" if which else "")
    return word + digit + end


def latex_symbol(symbol, bar=False):
    r"""A code symbol in LaTeX: dW1_s → dW_{1,s}, Z1_dot → \dot{Z}_{1}, and so on."""
    if symbol.startswith("N_"):
        return "N"
    stem, digit, dot, prime, which = split(symbol)
    if stem + digit in PRETTY:
        word, digit = PRETTY[stem + digit][1], ""
    else:
        word = PRETTY.get(stem, (stem, stem))[1]
    word = rf"\dot{{{word}}}" if dot else word
    word = rf"\bar{{{word}}}" if bar else word
    below = ",".join(part for part in (digit, which) if part)
    return word + (f"_{{{below}}}" if below else "") + "'" * prime


def number(value):
    """A fraction as 3/4, a float to six digits."""
    return str(value) if isinstance(value, Rational) else f"{float(value):.6g}"


def rows_of(value):
    """The entries of a matrix or vector as written, row by row; a number as one."""
    value = np.asarray(value)
    rows = value.reshape(-1, 1) if value.ndim < 2 else value
    return [[number(entry) for entry in row] for row in rows]


def matrix(value):
    """[1 2; 3 4], or a bare number."""
    if np.ndim(value) == 0:
        return number(np.asarray(value)[()])
    return "[" + "; ".join(map(" ".join, rows_of(value))) + "]"


def matrix_latex(value):
    """The same as a small matrix."""
    if np.ndim(value) == 0:
        return number(np.asarray(value)[()])
    body = r" \\ ".join(map(" & ".join, rows_of(value)))
    return r"\left[\begin{smallmatrix} " + body + r" \end{smallmatrix}\right]"

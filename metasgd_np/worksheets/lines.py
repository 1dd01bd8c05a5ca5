"""The lines of a worksheet, `symbol = expression`, each written once.

An expression is Python in the letters of the derivation. From its one text it is

    computed    evaluate("H1_1_s.T @ dF_s", values)
    printed     by printing.py: H̃1_sᵀ dF_s, or with its numbers filled in
    recomputed  recompute(net, values, {"dF_s": "F_s - Y_s"}): what would follow
    altered     by slips.py

`*` multiplies entry by entry, `@` is the matrix product, `.T` the transpose; FUNCTIONS
has the rest. Every array may have leading axes, one entry per example.
"""

import ast
import operator
import re
from fractions import Fraction
from functools import lru_cache

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
        ("1 / N_s * (sigmoid(F_s) * (1 - sigmoid(F_s)) * F_dot)", "8.3"),
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
    "top": lambda W: W[..., :1, :],
    "bias": lambda W: W[..., -1:, :],
    "reverse": lambda W: W[..., ::-1, :],
    "over": lambda upper, lower: np.concatenate([upper, lower], axis=-2),
    "corner": lambda A: A[..., :1, :1],
    "abs": np.abs,
    "sqrt": np.sqrt,
    "largest": lambda A: A.max((-2, -1)),
    "columns": lambda A: A.shape[-1],
    "mean": lambda A: A.mean((-2, -1), keepdims=True),
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


@lru_cache
def expressions(activation, loss):
    """{symbol: its expression} in the order of working; a given one is its own."""
    lines = {line[2]: line[3] for line in layout(activation, loss)}
    return {symbol: symbol for symbol in GIVEN} | lines


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

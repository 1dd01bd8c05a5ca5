"""The exercises of chapter 11, reproduce the paper's table."""

from fractions import Fraction

import numpy as np

from ..deep_net import DeepNet
from .formulas import judge_steps
from .reading import (
    Wrong,
    agree,
    as_array,
    call,
    choose,
    computed,
    naming,
    number,
    require,
    several,
)
from .register import new_chapter

EXERCISES, exercise = new_chapter()

SHAPES = ("entry", "block", "scalar")
BLOCKS = ("W1", "b1", "W2", "b2")
LOOKED_AT = DeepNet.gradient, DeepNet.backward_pass, DeepNet.forward_pass, DeepNet.loss


def width_numbers(draw):
    """The widths of a network with two hidden layers, the paper's by default."""
    if draw is None:
        return {"widths": [[1, 40, 40, 1]]}
    hidden = draw.sample(range(10, 60, 5), 2)
    return {"widths": [[draw.randint(1, 3), *hidden, draw.randint(1, 3)]]}


@exercise(
    "Count",
    '"From two layers to any number" in chapter 11',
    parts=("parameters", *SHAPES),
    numbers=width_numbers,
)
def judge_count(marks, parameters, step_sizes):
    """Count (inputs + 1) × outputs per layer; a step size each, per block, or one."""
    values = dict(zip("DHKO", width_numbers(marks.draw)["widths"][0], strict=True))
    formula = "(D + 1) * H + (H + 1) * K + (K + 1) * O"
    named = {
        "this counts the weights; every unit has a bias too": "D * H + H * K + K * O",
        "a layer is missing, the one between the hidden layers": (
            "(D + 1) * H + (K + 1) * O"
        ),
        "the output has a bias too": "(D + 1) * H + (H + 1) * K + K * O",
        "one bias per unit, not one per layer": "D * H + H * K + K * O + 3",
        "a hidden layer has a bias for each unit": "D * H + H * K + K * O + 2",
        "the inputs have no bias": f"D + {formula}",
    }
    steps = {"P": (formula, "parameters", parameters)}
    judge_steps(marks, values, steps, {"P": named})
    entry, block, scalar = several(step_sizes, SHAPES)
    steps = {
        "P": (formula, "", parameters),
        "entry": ("P", "entry", entry),
        "block": ("2 * 3", "block", block),
        "scalar": ("1", "scalar", scalar),
    }
    named = {
        "block": {"a bias is a block of its own: W1, b1, W2, …": "3"},
        "scalar": {
            "that single step size is learned too": "0",
            "one for the whole network, not for each layer": "3",
        },
    }
    judge_steps(marks, values, steps, named)


class Decimal(Fraction):
    """A fraction that is printed as a decimal."""

    def __str__(self):
        return f"{float(self):g}"


def error_numbers(draw):
    """Five test errors; the half-width on 100 curves and the one that is wanted."""
    tenths, wanted, ratio = (2, 4, 6, 8, 30), 2, 8
    if draw is not None:
        tenths = [*sorted(draw.sample(range(1, 10), 4)), draw.randint(20, 40)]
        wanted, ratio = draw.randint(1, 3), draw.choice((4, 5, 6, 9))
    return {
        "errors": [[Decimal(n, 10) for n in tenths]],
        "before": Decimal(wanted * ratio, 100),
        "wanted": Decimal(wanted, 100),
    }


@exercise(
    "An interval, and how many curves it takes",
    '"What does “reached” mean?" in chapter 11',
    numbers=error_numbers,
)
def judge_errors(marks, mean, half, curves):
    """The mean, 1.96 σ / √n, and n growing with the square."""
    (mse,), before, wanted = error_numbers(marks.draw).values()
    e = np.array(mse, dtype=float)
    values = {"e": e, "n": len(e), "spread": e.std(ddof=1), "k": int(before / wanted)}
    steps = {
        "mean": ("sum(e) / n", "mean", mean),
        "curves": ("100 * k**2", "curves", curves),
    }
    fewer = "this is fewer; more curves make it narrower"
    named = {
        "mean": {"this is the median; the table prints means": "median(e)"},
        "curves": {
            "that many more; how many in all?": "100 * k**2 - 100",
            "the width goes with 1/√n: square the factor, no root": "100 * sqrt(k)",
            fewer: "100 / k**2",
        },
    }
    judge_steps(marks, values, steps, named)
    typed_half = half.replace("±", "") if isinstance(half, str) else half
    named = {
        "σ² divides by n − 1": "1.96 * spread * sqrt((n - 1) / n) / sqrt(n)",
        "this is σ; 1.96 σ / √n is asked for": "spread",
    }
    steps = {"half": ("1.96 * spread / sqrt(n)", "half", typed_half)}
    judge_steps(marks, values, steps, {"half": named}, within=0.006)


def tied_numbers(draw):
    """dα of a 1-2-1 network, the bias in the last row of each matrix."""
    first, second = [[192, 48], [-32, 16]], [[30], [66], [4]]
    if draw is not None:
        numbers = draw.sample([n for n in range(-60, 61) if abs(n) > 5], 7)
        first, second = [numbers[:2], numbers[2:4]], [[n] for n in numbers[4:]]
    return {
        "dalpha1": np.array(first, dtype=object),
        "dalpha2": np.array(second, dtype=object),
    }


@exercise(
    "Tied step sizes",
    '"A sweep of our own" in chapter 11',
    parts=(*BLOCKS, "in_all"),
    numbers=tied_numbers,
)
def judge_tied(marks, by_block, in_all):
    """A tied α has the sum of its entries' gradients."""
    values = dict(zip(("A1", "A2"), tied_numbers(marks.draw).values(), strict=True))
    try:
        four, unread = several(by_block, BLOCKS), None
    except Wrong as wrong:
        four, unread = [None] * 4, wrong
    steps, named, total = {}, {}, "sum(A1) + sum(A2)"
    for block, found in zip(BLOCKS, four, strict=True):
        matrix, bias = f"A{block[1]}", block[0] == "b"
        rows, columns = ("[-1]", "[:, -1]") if bias else ("[:-1]", "[:, :-1]")
        steps[block] = (f"sum({matrix}{rows})", "" if unread else block, found)
        named[block] = {
            "this is the sum over all blocks": total,
            "the bias is a block of its own; this is all": f"sum({matrix})",
            "the bias is the last row, not the last column": f"sum({matrix}{columns})",
            "the signs count: add them": f"sum(abs({matrix}{rows}))",
        }
    steps["all"] = ("W1 + b1 + W2 + b2", "in_all", in_all)
    named["all"] = {
        "a mean over the seven entries; take the sum": "(W1 + b1 + W2 + b2) / 7",
        "a mean over the four blocks; take the sum": "(W1 + b1 + W2 + b2) / 4",
        "the signs count: add them": "sum(abs(A1)) + sum(abs(A2))",
        "the signs count: add the sums as they are": (
            "abs(W1) + abs(b1) + abs(W2) + abs(b2)"
        ),
        "the weights alone; the biases share the step size too": "W1 + W2",
    }
    judge_steps(marks, values, steps, named)
    if unread:
        raise unread


def layer_numbers(draw):
    """W1, W2, W3 of a 1-2-1-1 net, x and y; no slope is zero."""
    W1, W2, W3 = [[1, -1], [0, 3]], [[1], [-1], [-4]], [[3], [-1]]
    x, y = 2, 1
    while draw is not None:
        entries = [draw.randint(-3, 3) for _ in range(9)]
        W1, W2 = [entries[:2], entries[2:4]], [[n] for n in entries[4:7]]
        W3, x, y = [[n] for n in entries[7:]], draw.choice((1, 2)), draw.randint(-2, 2)
        z1, z2, f = forward(*(np.array(W) for W in (W1, W2, W3)), x)
        small = abs(z2) < 8 and abs(f - y) < 12 and all(entries[4:6]) and entries[7]
        if small and all(z1) and z2 and f != y and abs(z1).max() > 1:
            break
    W1, W2, W3 = (np.array(W, dtype=object) for W in (W1, W2, W3))
    return {"W1": W1, "W2": W2, "W3": W3, "x": x, "y": y}


def forward(W1, W2, W3, x):
    """z1, z2 and f, with φ(z) = z²."""
    z1 = x * W1[0] + W1[1]
    z2 = (np.array([*(z1 * z1), 1], dtype=object) @ W2).item()
    return z1, z2, W3[0, 0] * z2 * z2 + W3[1, 0]


@exercise(
    "Three layers by hand",
    '"Backward" in chapter 11, and equations (2.5) to (2.9) in chapter 02',
    numbers=layer_numbers,
)
def judge_layers(marks, dW3, dW2, dW1):
    """(2.5) to (2.9) with one layer more; each matrix goes on from the one before."""
    W1, W2, W3, x, y = layer_numbers(marks.draw).values()
    z1, z2, f = forward(W1, W2, W3, x)
    values = {"x": x, "y": y, "z1": z1, "z2": z2, "f": f, "w2": W2[:-1, 0]}
    values |= {"w3": W3[0, 0], "bias3": W3[1, 0]}
    second, first = "outer([*z1**2, 1], {})", "outer([x, 1], {})"
    steps = {
        "dW3": ("outer([z2**2, 1], 2 * (f - y))", "dW3", dW3),
        "dF": ("dW3[-1, 0]",),
        "dW2": (second.format("dF * w3 * 2 * z2"), "dW2", dW2),
        "dh2": ("dF * w3",),
        "dz2": ("dW2[-1, 0]",),
        "dW1": (first.format("dz2 * w2 * 2 * z1"), "dW1", dW1),
    }
    named = {
        "dW3": {
            "dF is the slope 2 (f − y), not f": "outer([z2**2, 1], f)",
            "dF is the slope 2 (f − y), not the loss": "outer([z2**2, 1], (f - y)**2)",
        },
        "dW2": {
            "φ′(z2) = 2 z2 is missing": second.format("dF * w3"),
            "φ′(z2) = 2 z2; this has φ(z2)": second.format("dF * w3 * z2**2"),
            "h1 = φ(z1) comes into W2, not z1": "outer([*z1, 1], dF * w3 * 2 * z2)",
        },
        "dW1": {
            "φ′(z1) = 2 z1 is missing": first.format("dz2 * w2"),
            "this is φ′(z2); layer 1 has z1": first.format("dz2 * w2 * 2 * z2"),
            "the input of the bias is 1, not x": ("outer([x, x], dz2 * w2 * 2 * z1)"),
        },
    }
    judge_steps(marks, values, steps, named)


def backward(net, theta, X, Y, layers=(1, 2)):
    """The gradient, with φ′ of these layers in dZ1 and dZ2."""
    W1, W2, W3 = net.unpack(theta)
    ones = np.ones((len(X), 1))
    H1 = np.tanh(np.hstack([X, ones]) @ W1)
    H2 = np.tanh(np.hstack([H1, ones]) @ W2)
    slope1, slope2 = (1 - (H1, H2)[layer - 1] ** 2 for layer in layers)
    dZ3 = 2 / len(X) * (np.hstack([H2, ones]) @ W3 - Y)
    dZ2 = dZ3 @ W3[:-1].T * slope2
    dZ1 = dZ2 @ W2[:-1].T * slope1
    dW1, dW2 = np.hstack([X, ones]).T @ dZ1, np.hstack([H1, ones]).T @ dZ2
    return net.pack(dW1, dW2, np.hstack([H2, ones]).T @ dZ3)


@exercise("Find the error, and make it loud", '"Backward" in chapter 11')
def judge_error(marks, line, repaired, sizes):
    """φ′ of the wrong layer in dZ2; equal widths, or a width of 1, let it through."""
    with marks.part("line"):
        found = choose(line, [f"2.{n}" for n in range(5, 10)])
        require(found == "2.8", "compare by block: dW3 is right, dW2 is not")
    with marks.part("repaired"):
        D, H1, H2, n_out = (int(n) for n in 2 + marks.rng.permutation(6)[:4])
        for widths in ((1, 4, 4, 1), (D, H1, H1, n_out), (D, H1, H2, n_out)):
            judge_repaired(marks, repaired, widths)
    with marks.part("sizes"):
        judge_sizes(sizes)


def judge_repaired(marks, repaired, widths):
    """Compare the gradients of a net of these widths, block by block."""
    net = DeepNet(widths)
    X, Y = (marks.rng.standard_normal((7, n)) for n in (widths[0], widths[-1]))
    problem = net, marks.rng.standard_normal(net.n_params), X, Y
    found = as_array(call(repaired, *problem, without=LOOKED_AT))
    true = net.gradient(*problem[1:])
    require(
        found.size == true.size, f"has shape {found.shape}, expected {true.shape}, (P,)"
    )
    slips = {
        "dZ2 still takes φ′ of layer 1": (1, 1),
        "each dZ takes φ′ of its own layer: this dZ1 takes that of layer 2": (2, 2),
        "each dZ takes φ′ of its own layer: these are exchanged": (2, 1),
    }
    if widths[1] == widths[2]:
        for message, layers in slips.items():
            wrong = backward(*problem, layers)
            require(not agree(found.ravel(), wrong, 1e-9), message)
    blocks = net.blocks(found.ravel())
    for name, block in reversed(net.blocks(true).items()):
        with naming(name):
            computed(blocks[name], block)


def judge_sizes(sizes):
    """Look for hidden widths for which H1 and dH2 do not fit together."""
    text = sizes.replace("-", " ") if isinstance(sizes, str) else sizes
    four = several(text, ("D", "H1", "H2", "O"))
    widths = [number(width) for width in four]
    require(
        all(n > 0 and n == int(n) for n in widths), "widths are whole numbers from 1"
    )
    require(widths[1] != widths[2], "equal hidden widths: the wrong φ′ fits")
    require(
        1 not in widths[1:3], "a hidden width of 1 broadcasts: the wrong φ′ fits again"
    )

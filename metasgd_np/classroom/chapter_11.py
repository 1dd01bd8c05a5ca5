"""The exercises of chapter 11, reproduce the paper's table."""

import re
from fractions import Fraction
from itertools import pairwise

import numpy as np

from ..deep_net import DeepNet
from .exercises import Exercise
from .reading import (
    Wrong,
    agree,
    as_array,
    call,
    computed,
    entries_of,
    number,
    own,
    require,
    several,
    typed,
)

SHAPES = ("entry", "block", "scalar")
BLOCKS = ("W1", "b1", "W2", "b2")
LOOKED_AT = DeepNet.gradient, DeepNet.backward_pass, DeepNet.forward_pass, DeepNet.loss


def in_order(answer, names):
    """The parts of an answer; of a dictionary with these names, in their order."""
    if hasattr(answer, "keys") and set(names) == set(answer):
        return [answer[name] for name in names]
    return several(answer, names)


def width_numbers(draw):
    """The widths of a network with two hidden layers, the paper's by default."""
    if draw is None:
        return {"widths": [[1, 40, 40, 1]]}
    hidden = draw.sample(range(10, 60, 5), 2)
    return {"widths": [[draw.randint(1, 3), *hidden, draw.randint(1, 3)]]}


def judge_count(marks, parameters, step_sizes):
    """Count (inputs + 1) × outputs per layer; a step size each, per block, or one."""
    widths = width_numbers(marks.draw)["widths"][0]
    layers = [(n_in + 1) * n_out for n_in, n_out in pairwise(widths)]
    right, (_, H1, H2, n_out) = sum(layers), widths
    weights = right - H1 - H2 - n_out
    slips = {
        "this counts the weights; every unit has a bias too": weights,
        "a layer is missing, the one between the hidden layers": right - layers[1],
        "the output has weights too": right - layers[2],
        "the first layer has weights too": right - layers[0],
        "the output has a bias too": right - n_out,
        "one bias per unit, not one per layer": weights + 3,
        "a hidden layer has a bias for each unit, and the output has one": weights + 2,
        "the inputs have no bias": right + widths[0],
        "these are the units": sum(widths),
    }
    with marks.part("parameters"):
        typed(parameters, right, slips=slips)
    three = in_order(step_sizes, SHAPES)
    slips = {
        "block": {
            "a bias is a block of its own: W1, b1, W2, …": 3,
            "these are the blocks of two layers; this network has three": 4,
        },
        "scalar": {
            "that single step size is learned too": 0,
            "one for the whole network, not for each layer": 3,
        },
    }
    truths = {"entry": (right, own(parameters, right)), "block": (6,), "scalar": (1,)}
    for name, found in zip(SHAPES, three, strict=True):
        with marks.part(name):
            typed(found, *truths[name], slips=slips.get(name))


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


def judge_errors(marks, mean, half, curves):
    """The mean, 1.96 σ / √n, and n growing with the square."""
    (mse,), before, wanted = error_numbers(marks.draw).values()
    right = sum(mse) / 5
    with marks.part("mean"):
        slips = {
            "this is the median; the table prints means": sorted(mse)[2],
            "divide by five": sum(mse),
            "this is the middle between the smallest and the largest": (
                (min(mse) + max(mse)) / 2
            ),
        }
        typed(mean, right, slips=slips)
    with marks.part("half"):
        judge_half(half, np.array(mse, dtype=float))
    with marks.part("curves"):
        k = int(before / wanted)
        slips = {
            f"{k} times as many curves make it √{k} times narrower": 100 * k,
            "this is the factor; how many curves is that?": k * k,
            "that many more; how many in all?": 100 * k * k - 100,
            "the width goes with 1/√n: square the factor, no root": 100 * np.sqrt(k),
            "this is fewer; more curves make it narrower": Fraction(100, k * k),
            "square the factor; this is its third power": 100 * k**3,
        }
        typed(curves, 100 * k * k, slips=slips)


def judge_half(half, mse):
    """Compare 1.96 σ / √n to two decimals."""
    text = half.replace("±", "") if isinstance(half, str) else half
    found, s, root = number(text), mse.std(ddof=1), np.sqrt(len(mse))
    right = 1.96 * s / root
    if abs(found - right) <= 0.006:
        return
    slips = {
        "divide by √n: this is the spread of single curves": 1.96 * s,
        "divide by √n, not by n": 1.96 * s / len(mse),
        "this has σ² where σ belongs": 1.96 * s**2 / root,
        "1.96 is missing": s / root,
        "σ² divides by n − 1": 1.96 * mse.std() / root,
        "twice too large: half of the width is asked for, and σ² divides by n − 1": (
            2 * right
        ),
        "this is σ; 1.96 σ / √n is asked for": s,
    }
    for message, wrong in slips.items():
        require(abs(found - wrong) > 0.006, message)
    raise Wrong("is not right yet: σ² sums squared distances from the mean")


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


def judge_tied(marks, by_block, in_all):
    """A tied α has the sum of its entries' gradients."""
    matrices = tied_numbers(marks.draw).values()
    total = sum(M.sum() for M in matrices)
    with marks.part("in_all"):
        judge_total(in_all, by_block, matrices, total)
    four = dict(zip(BLOCKS, in_order(by_block, BLOCKS), strict=True))
    for n, M in enumerate(matrices, start=1):
        rows = (f"W{n}", M[:-1], M[:, :-1]), (f"b{n}", M[-1], M[:, -1])
        for name, block, columns in rows:
            slips = {
                "a mean; take the sum": Fraction(block.sum(), block.size),
                "this is the sum over all blocks": total,
                "the bias is a block of its own; this is the whole matrix": M.sum(),
                "the bias is the last row, not the last column": columns.sum(),
                "the signs count: add them": abs(block).sum(),
                "this is one entry; the step size is shared by all": block.flat[0],
            }
            with marks.part(name):
                typed(four[name], block.sum(), slips=slips)


def judge_total(in_all, by_block, matrices, total):
    """The sum of all entries, or of the student's four."""
    try:
        own_total = [sum(own(part, 0) for part in in_order(by_block, BLOCKS))]
    except Wrong:
        own_total = []
    parts = [part for M in matrices for part in (M[:-1], M[-1])]
    slips = {
        "a mean over the seven entries; take the sum": Fraction(total, 7),
        "a mean over the four blocks; take the sum": Fraction(total, 4),
        "the signs count: add them": sum(abs(part).sum() for part in parts),
        "the signs count: add the sums as they are": (
            sum(abs(part.sum()) for part in parts)
        ),
        "the weights alone; the biases share the step size too": (
            parts[0].sum() + parts[2].sum()
        ),
    }
    typed(in_all, total, *own_total, slips=slips)


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


def judge_layers(marks, dW3, dW2, dW1):
    """(2.5) to (2.9) with one layer more; each matrix goes on from the one before."""
    W1, W2, W3, x, y = layer_numbers(marks.draw).values()
    z1, z2, f = forward(W1, W2, W3, x)
    w3, dF = W3[0, 0], 2 * (f - y)

    def under(inputs, dz):
        return np.outer([*inputs, 1], dz)  # [h; 1] dz

    def second(dz):
        return under(z1 * z1, [dz])

    def first(dz2, slope=2 * z1):
        return under([x], dz2 * W2[:-1, 0] * slope)

    own_F, own_z2 = own_last(dW3, (2, 1), dF), own_last(dW2, (3, 1), dF * w3 * 2 * z2)
    with marks.part("dW3"):
        slips = {
            "(f − y)² has the slope 2 (f − y)": under([z2 * z2], [f - y]),
            "h2 = φ(z2) comes into W3, not z2": under([z2], [dF]),
            "dF is the slope 2 (f − y), not f": under([z2 * z2], [f]),
            "dF is the slope 2 (f − y), not the loss": under([z2 * z2], [(f - y) ** 2]),
            "without dF: the inputs times dF": under([z2 * z2], [1]),
        }
        typed(dW3, under([z2 * z2], [dF]), slips=slips)
    with marks.part("dW2"):
        dh2 = own_F * w3
        dz2 = dh2 * 2 * z2
        slips = {
            "φ′(z2) = 2 z2 is missing": second(dh2),
            "the sign: φ′(z2) = 2 z2 is negative if z2 is": second(-dz2),
            "φ′(z2) = 2 z2; this has φ(z2)": second(dh2 * z2 * z2),
            "φ′(z2) = 2 z2; the 2 is missing": second(dh2 * z2),
            "φ′(z2) takes z2, not h2": second(dh2 * 2 * z2 * z2),
            "h1 = φ(z1) comes into W2, not z1": under(z1, [dz2]),
            "dh2 = dF W̄3ᵀ: W3 is missing": second(own_F * 2 * z2),
            "dh2 takes W3 without its bias": second(own_F * W3[1, 0] * 2 * z2),
            "the bias row is dz2 itself: its input is 1": under(z1 * z1, [dz2])
            * np.array([[1], [1], [0]]),
        }
        typed(dW2, second(dF * w3 * 2 * z2), second(dz2), slips=slips)
    with marks.part("dW1"):
        dz2 = own_z2
        wrong = first(dz2)
        wrong[1] = x * wrong[1]
        slips = {
            "φ′(z1) = 2 z1 is missing": first(dz2, 1),
            "this is φ′(z2); layer 1 has z1": first(dz2, 2 * z2),
            "φ′(z1) = 2 z1; the 2 is missing": first(dz2, z1),
            "φ′(z1) takes z1, not h1": first(dz2, 2 * z1 * z1),
            "φ′(z1) = 2 z1; this has φ(z1)": first(dz2, z1 * z1),
            "dh1 starts from dz2, not from dh2": first(own_F * w3),
            "dh1 starts from dz2, not from dF": first(own_F),
            "the input of the bias is 1, not x": wrong,
            "dh1 = dz2 W̄2ᵀ: W2 is missing": under([x], dz2 * 2 * z1),
        }
        typed(dW1, first(dF * w3 * 2 * z2), first(own_z2), slips=slips)


def own_last(answer, shape, right):
    """The student's dz of a layer, the bias in the last row of its gradient."""
    try:
        return entries_of(answer, shape).ravel()[-1].value or right
    except (Wrong, IndexError, AttributeError):
        return right


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


def judge_error(marks, line, repaired, sizes):
    """φ′ of the wrong layer in dZ2; equal widths, or a width of 1, let it through."""
    with marks.part("line"):
        require(line is not None, "no answer yet")
        lines = set(re.findall(r"2\.\d", str(line)))
        require(len(lines) == 1, 'give the number of one line, such as "2.6"')
        require(lines == {"2.8"}, "compare by block: dW3 is right, dW2 is not")
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
        try:
            computed(blocks[name], block)
        except Wrong as wrong:
            raise Wrong(f"{name} {wrong}") from None


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


EXERCISES = {
    1: Exercise(
        "Count",
        ("parameters", "step_sizes"),
        judge_count,
        parts=("parameters", *SHAPES),
        see='"From two layers to any number" in chapter 11',
        numbers=width_numbers,
    ),
    2: Exercise(
        "An interval, and how many curves it takes",
        ("mean", "half", "curves"),
        judge_errors,
        see='"What does “reached” mean?" in chapter 11',
        numbers=error_numbers,
    ),
    3: Exercise(
        "Tied step sizes",
        ("by_block", "in_all"),
        judge_tied,
        parts=(*BLOCKS, "in_all"),
        see='"A sweep of our own" in chapter 11',
        numbers=tied_numbers,
    ),
    4: Exercise(
        "Three layers by hand",
        ("dW3", "dW2", "dW1"),
        judge_layers,
        see='"Backward" in chapter 11, and equations (2.5) to (2.9) in chapter 02',
        numbers=layer_numbers,
    ),
    5: Exercise(
        "Find the error, and make it loud",
        ("line", "repaired", "sizes"),
        judge_error,
        see='"Backward" in chapter 11',
    ),
}

"""The exercises of chapter 02, backpropagate through two layers."""

from fractions import Fraction

import numpy as np

from ..network import TwoLayerNet
from ..tasks import TaskBatch
from ..worksheets import Worksheet
from .formulas import judge_result, judge_results
from .reading import (
    agree,
    as_array,
    call,
    choose,
    computed,
    fitted,
    naming,
    number,
    require,
    several,
)
from .register import new_chapter
from .sheets import draw_sheet, judge_lines

EXERCISES, exercise = new_chapter()

BLOCKS = ("W1", "b1", "W2", "b2")
UNIT = 2  # the dead unit of exercise 4
PENCIL = {  # W1 row by row with its bias, W2, X, F − Y is a multiple of 3/2
    "theta": [1, 1, 0, -1, 1, -2, 3],
    "X": [[1], [2], [-1]],
    "Y": [[1], [8], [-1]],
}


def pencil_sheet(draw):
    """The sheet of exercise 1, with a query set of its own."""
    if draw is not None:
        return draw_sheet(draw, None)
    exact = np.vectorize(Fraction, otypes=[object])
    theta, X, Y = map(exact, PENCIL.values())
    batch = TaskBatch(X[None], Y[None], X[None] + 1, Y[None] + 1)
    return Worksheet(TwoLayerNet(1, 2, 1, activation="square"), theta, theta / 2, batch)


def pencil_numbers(draw):
    """What is given of it."""
    values = pencil_sheet(draw).values
    symbols = {"Z1": "Z1_s", "W2": "W2", "F": "F_s", "Y": "Y_s"}
    return {name: values[symbol] for name, symbol in symbols.items()}


@exercise(
    "Half a pass by hand",
    "equations (2.5), (2.7) and (2.8) in chapter 02",
    numbers=pencil_numbers,
)
def judge_by_hand(marks, dF, dH1, dZ1):
    """Judge (2.5), (2.7) and (2.8)."""
    answers = {"dF_s": ("dF", dF), "dH1_s": ("dH1", dH1), "dZ1_s": ("dZ1", dZ1)}
    judge_lines(marks, pencil_sheet(marks.draw), answers, known=("Z1_s", "F_s"))


def draw_layers(rng):
    """W̄1, b1, W̄2, b2, X, Y in sizes of their own, all different."""
    N, D, H, n_out = 3 + rng.permutation(5)[:4]
    shapes = (D, H), (H,), (H, n_out), (n_out,), (N, D), (N, n_out)
    return [rng.standard_normal(shape) for shape in shapes]


@exercise(
    "Four gradients",
    "equations (2.5) to (2.9) in chapter 02",
    parts=("dW1", "db1", "dW2", "db2"),
)
def judge_four(marks, four_gradients):
    """Compare block by block, for layers of any sizes."""
    layers = draw_layers(marks.rng)
    dF, dZ1 = "2 / N * (F - Y)", "2 / N * (F - Y) @ W2.T * (1 - H1**2)"
    formulas = {
        "dW1": f"X.T @ ({dZ1})",
        "db1": f"ones @ ({dZ1})",
        "dW2": f"H1.T @ ({dF})",
        "db2": f"ones @ ({dF})",
    }
    named = {}
    for name, formula in formulas.items():
        named[name] = {
            "without φ′, the factor 1 − H1²": formula.replace(" * (1 - H1**2)", ""),
            "φ′ is taken of Z1: 1 − tanh²(Z1) is 1 − H1², without another tanh": (
                formula.replace("H1**2", "tanh(H1)**2")
            ),
            "the mean is over the examples, (2.4), not over the outputs too": (
                f"{formula} / O"
            ),
        }
        shared = f"one entry of {name[1:]} is used by every example: a sum over them"
        if name.startswith("db"):
            named[name][f"{shared}, not a mean"] = f"{formula} / N"
    found = call(four_gradients, *layers)
    judge_results(marks, found, formulas, work_forward(*layers), named)


def work_forward(W1, b1, W2, b2, X, Y):
    """What a backward pass of tanh layers starts from."""
    N, ones, H1 = len(X), np.ones(len(X)), np.tanh(X @ W1 + b1)
    made = {"N": N, "O": len(b2), "ones": ones, "H1": H1, "F": H1 @ W2 + b2}
    return made | {"X": X, "Y": Y, "W2": W2}


@exercise("A bug that raises nothing", "equation (2.6) in chapter 02")
def judge_step(marks, right_step, wrong_blocks):
    """One step of plain descent; W2's gradient had one column for all outputs."""
    with marks.part("right_step"):
        layers = draw_layers(marks.rng)
        W1, b1, W2, b2, X, Y = layers
        W, V, rate = np.vstack([W1, b1]), np.vstack([W2, b2]), marks.rng.uniform(0.2, 1)
        values = work_forward(*layers) | {"W1": W, "V": V, "rate": rate}
        for name, inputs in (("X1", X), ("H1_1", values["H1"])):
            values[name] = np.column_stack([inputs, values["ones"]])
        new = several(call(right_step, W, V, X, Y, rate), ("W1", "W2"))
        gradient = "H1_1.T @ (2 / N * (F - Y))"
        whole = "this is the gradient, not the matrix after the step"
        named = {
            "it is as wrong_step leaves it: dW2 is one column, which NumPy "
            "spreads over the outputs": f"V - rate * along({gradient})",
            "takes the mean over the outputs, but every output has its own column": (
                f"V - rate * along({gradient}) / O * V / V"
            ),
            whole: gradient,
        }
        with naming("W2"):
            judge_result(new[1], f"V - rate * {gradient}", values, named)
        step = "X1.T @ (2 / N * (F - Y) @ W2.T * (1 - H1**2))"
        stepped = step.replace("W2.T", f"(V - rate * {gradient})[:-1].T")
        named = {
            whole: step,
            "dH1 is made from W2 as it was before the step": f"W1 - rate * {stepped}",
        }
        with naming("W1"):
            judge_result(new[0], f"W1 - rate * {step}", values, named)
    with marks.part("wrong_blocks"):
        found = {*choose(wrong_blocks, BLOCKS, several=True)}
        require(found & {"W2", "b2"}, "look at the shape of dW2 in wrong_step")
        bias = "W2 holds its bias in the last row: both are stepped"
        require(found >= {"W2", "b2"}, bias)
        first = "dZ1 starts from dF, not from dW2: compare the blocks"
        require(found == {"W2", "b2"}, first)


@exercise(
    "Predict: a dead unit",
    "equations (2.6), (2.8) and (2.9) in chapter 02",
    parts=BLOCKS,
)
def judge_dead(marks, zero):
    """A unit that is off: its column of dZ1 and of H1 is zero."""
    require(hasattr(zero, "keys"), "zero is a dictionary, one boolean array per block")
    shapes = {"W1": (2, 5), "b1": (5,), "W2": (5, 4), "b2": (4,)}
    hints = {
        "W1": "(2.8): φ′ = 0 in the unit's column of dZ1, and (2.9)",
        "b1": "(2.8): φ′ = 0 in the unit's column of dZ1",
        "W2": "(2.6): the unit's column of H1 is zero",
        "b2": "b2 is added after the unit; its gradient sums dF",
    }
    for name, shape in shapes.items():
        with marks.part(name):
            require(name in zero, "zero has no such block")
            right = np.zeros(shape)
            if name != "b2":
                right[(slice(None), UNIT) if name == "W1" else UNIT] = 1
            found = fitted(as_array(zero[name]), shape)
            require(set(np.unique(found)) <= {0, 1}, "True or False in every entry")
            require(not agree(found, 1 - right, 0), "True is where it must be zero")
            require(agree(found, right, 0), f"look again at {hints[name]}")


def fit_problem():
    """The network and the seven points of exercise 5."""
    rng = np.random.default_rng(22)
    net = TwoLayerNet(2, 5, 4, activation="tanh")
    theta = rng.standard_normal((2, net.n_params))[0]
    X, Y = rng.standard_normal((7, 2)), rng.standard_normal((7, 4))
    return {"net": net, "theta": theta, "X": X, "Y": Y}


def descend(theta, rate, steps, sign=-1):
    """The losses before each step and after the last."""
    net, _, X, Y = fit_problem().values()
    losses = [net.loss(theta, X, Y)]
    for _ in range(steps):
        theta = theta + sign * rate * net.gradient(theta, X, Y)
        losses.append(net.loss(theta, X, Y))
    return np.array(losses)


@exercise(
    "Experiment: fit seven points",
    '"One step, three elements" in chapter 01',
    parts=("fit", "rate and steps"),
)
def judge_fit(marks, fit, rate, steps):
    """Compare with plain descent from another start; then try the rate and steps."""
    with marks.part("fit"):
        n, own_rate = int(marks.rng.integers(3, 6)), marks.rng.uniform(0.05, 0.2)
        start = fit_problem()["theta"] + marks.rng.normal(size=39) / 4
        true = descend(start, own_rate, n + 1)
        found = as_array(call(fit, start, own_rate, n))
        slips = {
            "the loss after the last step is missing": true[:-2],
            "the loss before the first step is missing": true[1:-1],
            "this is the last loss alone; n + 1 are asked for": true[-2],
            "one step too many": true,
            "θ − rate·gradient, with a minus": descend(start, own_rate, n, sign=1),
            "the same loss every time: θ never moves": np.full(n + 1, true[0]),
        }
        computed(found, true[:-1], slips)
    with marks.part("rate and steps"):
        size, count = number(rate), number(steps)
        require(count == int(count) and 1 <= count <= 5000, "steps: 1 to 5,000")
        require(size > 0, "the rate is above 0")
        try:
            losses = descend(fit_problem()["theta"], size, int(count))
        except ValueError:  # θ holds nan
            losses = 1, np.inf
        require(losses[-1] < losses[0], "the loss does not fall: the rate is too large")
        ratio = losses[-1] / losses[0]
        require(
            ratio < 1 / 20, f"the loss falls to {ratio:.3f} of its start, not to 0.05"
        )

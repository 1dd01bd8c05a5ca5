"""The exercises of chapter 07, regress sinusoids."""

from fractions import Fraction

import numpy as np

from ..network import TwoLayerNet
from ..second_order import hvp
from ..worksheets import Worksheet
from .formulas import evaluate, judge_result, judge_steps, near_misses
from .reading import agree, as_array, call, computed, naming, require, several, typed
from .register import new_chapter
from .sheets import draw_sheet, judge_lines

EXERCISES, exercise = new_chapter()

ETA = Fraction(1, 8)  # the rate of the outer step in exercise 1
ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}


def outer_sheet(draw):
    """The sheet of exercise 1."""
    return Worksheet() if draw is None else draw_sheet(draw, None)


def outer_numbers(draw):
    """What is given of it."""
    values = outer_sheet(draw).values
    return {name: values[name] for name in ("alpha2", "dW2_s", "dW2_q")}


@exercise(
    "One outer step, by hand",
    "equation (6.1) in chapter 06 and (7.1) in chapter 07",
    numbers=outer_numbers,
)
def judge_outer_step(marks, d_alpha2, alpha2_new):
    """Judge (6.1), then (7.1), which goes on from the student's own gradient."""
    sheet = outer_sheet(marks.draw)
    answers = {"dalpha2": ("d_alpha2", d_alpha2)}
    judge_lines(marks, sheet, answers, known=("dW2_s", "dW2_q"))
    values = {"α": sheet.values["alpha2"], "η": ETA}
    values |= {"g": sheet.values["dW2_s"], "λ": sheet.values["dW2_q"]}
    steps = {
        "dα": ("-g * λ", "", d_alpha2),
        "α_new": ("α - η * dα", "alpha2_new", alpha2_new),
    }
    judge_steps(marks, values, steps)


@exercise("Find the error in this Adam", "equations (7.2) to (7.4) in chapter 07")
def judge_adam(marks, first_move, repaired):
    """0.1 g over the root of 0.001 g²; then (7.4) at later and first steps."""
    with marks.part("first_move"):
        formula, values = "m / sqrt(v)", {"m": 0.1, "v": 0.001}
        right = "that is the move once it is repaired; `slow_start` lacks something"
        slips = near_misses(formula, values, {right: "1"})
        typed(first_move, evaluate(formula, values), slips=slips)
    with marks.part("repaired"):
        other = {"beta1": 0.7, "beta2": 0.9, "epsilon": 0.1}
        judge_adam_step(marks.rng, repaired, int(marks.rng.integers(3, 6)), {})
        judge_adam_step(marks.rng, repaired, 1, {})
        judge_adam_step(marks.rng, repaired, 2, other)


def judge_adam_step(rng, repaired, t, options):
    """Judge the triple of one step, from moments that are not zero."""
    w, g, m, v = rng.standard_normal((4, 5))
    rate, v = rng.uniform(0.01, 0.3), v * v + 0.1
    found = several(call(repaired, w, g, m, v, t, rate, **options), ("w", "m", "v"))
    values = {"w": w, "g": g, "m": m, "v": v, "t": t, "rate": rate}
    values |= dict(zip(("β1", "β2", "ε"), (ADAM | options).values(), strict=True))
    formulas = {"m": "β1 * m + (1 - β1) * g", "v": "β2 * v + (1 - β2) * g**2"}
    moments = {symbol: evaluate(line, values) for symbol, line in formulas.items()}
    for name, result in zip(formulas, found[1:], strict=True):
        divided = "is divided by 1 − βᵗ; keep it, and divide for this step only"
        beta = "β1" if name == "m" else "β2"
        named = {
            divided: f"({formulas[name]}) / (1 - {beta}**t)",
            "comes back as it went in": name,
            "beta1 is an argument, 0.9 only its default": "0.9 * m + 0.1 * g",
            "beta2 is an argument, 0.999 only its default": "0.999 * v + 0.001 * g**2",
        }
        with naming(name):
            judge_result(result, formulas[name], values, named)
    values |= moments
    step = "w - rate * m / (1 - {b1}**{t}) / (sqrt(v / (1 - {b2}**{t})) + ε)"
    right = step.format(b1="β1", b2="β2", t="t")
    efficient = "w - rate * sqrt(1 - β2**t) / (1 - β1**t) * m / (sqrt(v) + ε)"
    if agree(as_array(found[0]), evaluate(efficient, values), 1e-9):
        return  # Kingma and Ba, section 2
    named = {
        "nothing is corrected yet: divide by 1 − βᵗ": "w - rate * m / (sqrt(v) + ε)",
        "the power of β is t, not t − 1": step.format(b1="β1", b2="β2", t="(t - 1)"),
        "β₁ belongs to m, β₂ to v": step.format(b1="β2", b2="β1", t="t"),
        "epsilon is added to the root, not inside it": (
            "w - rate * m / (1 - β1**t) / sqrt(v / (1 - β2**t) + ε)"
        ),
    }
    with naming("w"):
        close = 1e-9 if options else 1e-6  # at 1e-8 the place of epsilon is no matter
        judge_result(found[0], right, values, named, close)


def decay_numbers(draw):
    """The length of a run; no multiple of 3, so that the rate is never just a half."""
    return {"n": 2000 if draw is None else 100 * draw.choice((10, 11, 13, 14, 16, 17))}


@exercise("Decay the rate", "equation (7.5) in chapter 07", numbers=decay_numbers)
def judge_decay(marks, cosine_rate, quarter):
    """Judge (7.5), and the first t at which its cosine is −½ or less."""
    with marks.part("cosine_rate"):
        n, rate = int(marks.rng.integers(7, 13)), marks.rng.uniform(0.1, 1)
        t = np.arange(1, n + 1)
        found = [as_array(call(cosine_rate, rate, int(x), n)) for x in t]
        require(all(x.size == 1 for x in found), "return one number")
        values = {"rate": rate, "t": t, "n": n, "π": np.pi}
        named = {
            "divide by n, not by n − 1": (
                "rate * (1 + cos(π * (t - 1) / (n - 1))) / 2"
            ),
            "this falls in a line, not along a cosine": "rate * (1 - (t - 1) / n)",
            "(1 + cos)/2, not a quarter of a wave": "rate * cos(π * (t - 1) / n / 2)",
        }
        formula = "rate * (1 + cos(π * (t - 1) / n)) / 2"
        judge_result(np.ravel(found), formula, values, named)
    with marks.part("quarter"):
        (n,) = decay_numbers(marks.draw).values()
        last = 2 * n // 3 + 1  # the last t at which the rate is above a quarter
        slips = {
            "not yet: the cosine must be −1/2 or less, and t − 1 stands in it": last,
            "there is an earlier one": last + 2,
            "a quarter of the rate, not of the run": n // 4 + 1,
            "that is where a line would be; the cosine falls otherwise": 3 * n // 4 + 1,
            "that is where half the rate is left": n // 2 + 1,
        }
        typed(quarter, last + 1, slips=slips)


@exercise("One rate per block", '"The learned α under the microscope" in chapter 07')
def judge_blocks(marks, share):
    """Sum over each of W1, b1, W2, b2, in a network of any size."""
    net = TwoLayerNet(*(int(n) for n in 2 + marks.rng.permutation(4)[:3]))
    d_alpha = marks.rng.standard_normal(net.n_params)
    sums = np.array([block.sum() for block in net.blocks(d_alpha).values()])
    sizes = [block.size for block in net.blocks(d_alpha).values()]
    folded = sums[[0, 0, 2, 2]] + sums[[1, 1, 3, 3]]
    slips = {
        "one number for all, mistake 10: sum each block": 0 * d_alpha + d_alpha.sum(),
        "a mean: take the sum": np.repeat(sums / sizes, sizes),
        "nothing was written: values = … gives a new name, values[...] = … writes": (
            d_alpha
        ),
        "W1 and b1 share a number, and W2 and b2; there are four blocks": np.repeat(
            folded, sizes
        ),
    }
    found = call(share, net, d_alpha)
    require(
        np.size(found) != 4, "four sums came; each goes to every entry of its block"
    )
    computed(found, np.repeat(sums, sizes), slips)


@exercise("The best share of a step", '"What if we take more steps?" in chapter 07')
def judge_share(marks, best_share):
    """Judge s* where only W2 and b2 move, in which the loss is exactly a parabola."""
    rng, net = marks.rng, TwoLayerNet(2, 5, 3)
    theta, X, Y = (rng.standard_normal(s) for s in (net.n_params, (7, 2), (7, 3)))
    alpha = np.zeros(net.n_params)
    net.unpack(alpha)[1][...] = rng.uniform(0.1, 0.5, (6, 3))
    g = net.gradient(theta, X, Y)
    u = alpha * g
    Hu, Hg = (hvp(net, theta, X, Y, v) for v in (u, g))
    found = call(best_share, net, theta, alpha, X, Y)
    require(np.size(found) == 1, "return one number: g·u and u·Hu are sums")
    values = {"g": g, "u": u, "Hu": Hu, "Hg": Hg}
    named = {"the step is u, not g: the curvature is u·Hu": "g @ u / (g @ Hg)"}
    judge_result(found, "g @ u / (u @ Hu)", values, named, close=1e-6)

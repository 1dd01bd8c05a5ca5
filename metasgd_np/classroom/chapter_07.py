"""The exercises of chapter 07, regress sinusoids."""

from contextlib import contextmanager
from fractions import Fraction

import numpy as np

from ..network import TwoLayerNet
from ..second_order import hvp
from ..worksheets import Worksheet
from .exercises import Exercise
from .reading import (
    Wrong,
    agree,
    as_array,
    call,
    computed,
    own,
    require,
    several,
    typed,
)
from .sheets import draw_sheet, judge_lines

ETA = Fraction(1, 8)  # the rate of the outer step in exercise 1
ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}


def outer_sheet(draw):
    """The sheet of exercise 1."""
    return Worksheet() if draw is None else draw_sheet(draw, None)


def outer_numbers(draw):
    """What is given of it."""
    values = outer_sheet(draw).values
    return {name: values[name] for name in ("alpha2", "dW2_s", "dW2_q")}


def judge_outer_step(marks, d_alpha2, alpha2_new):
    """Judge (6.1), then (7.1), which goes on from the student's own gradient."""
    sheet = outer_sheet(marks.draw)
    answers = {"dalpha2": ("d_alpha2", d_alpha2)}
    judge_lines(marks, sheet, answers, known=("dW2_s", "dW2_q"))
    alpha2, g = sheet.values["alpha2"], sheet.values["dalpha2"]
    with marks.part("alpha2_new"):
        slips = {
            "you climbed: (7.1) has a minus": alpha2 + ETA * g,
            "multiply the gradient by the rate, 1/8": alpha2 - g,
            "this is the step alone; it starts from alpha2": ETA * g,
            "this is the step alone, with its sign; it starts from alpha2": -ETA * g,
            "(7.1) takes the gradient of α₂; this takes that of W₂": (
                alpha2 - ETA * sheet.values["dW2_q"]
            ),
        }
        truths = [alpha2 - ETA * gradient for gradient in (g, own(d_alpha2, g))]
        typed(alpha2_new, *truths, slips=slips)


def judge_adam(marks, first_move, repaired):
    """0.1 g over the root of 0.001 g²; then (7.4) at later and first steps."""
    with marks.part("first_move"):
        slips = {
            "m is 0.1 g; it is divided by the root of v": 0.1,
            "that is the move once it is repaired; `slow_start` lacks something": 1,
            "v is 0.001 g²: take its root": 100,
            "turned upside down: m = 0.1 g over the root of v = 0.001 g²": 0.1**0.5,
        }
        typed(first_move, 10**0.5, slips=slips)
    with marks.part("repaired"):
        other = {"beta1": 0.7, "beta2": 0.9, "epsilon": 0.1}
        judge_adam_step(marks.rng, repaired, int(marks.rng.integers(3, 6)), {})
        judge_adam_step(marks.rng, repaired, 1, {})
        judge_adam_step(marks.rng, repaired, 2, other)


def judge_adam_step(rng, repaired, t, options):
    """Judge the triple of one step, from moments that are not zero."""
    beta1, beta2, epsilon = (ADAM | options).values()
    w, g, m, v = rng.standard_normal((4, 5))
    rate, v = rng.uniform(0.01, 0.3), v * v + 0.1
    found = several(call(repaired, w, g, m, v, t, rate, **options), ("w", "m", "v"))
    first, second = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
    one, two = 1 - beta1**t, 1 - beta2**t
    for name, moment, right, divisor in (
        ("m", found[1], first, one),
        ("v", found[2], second, two),
    ):
        slips = {
            "is divided by 1 − βᵗ; keep it, and divide for this step only": (
                right / divisor
            ),
            "comes back as it went in": m if name == "m" else v,
            "beta1 is an argument, 0.9 only its default": 0.9 * m + 0.1 * g,
            "beta2 is an argument, 0.999 only its default": 0.999 * v + 0.001 * g * g,
        }
        with naming(name):
            computed(moment, right, slips)

    def step(first_by, second_by, outside=epsilon, inside=0.0):
        root = np.sqrt(second / second_by + inside)
        return w - rate * first / first_by / (root + outside)

    efficient = step(one, two, epsilon / np.sqrt(two))  # Kingma and Ba, section 2
    if agree(as_array(found[0]), efficient, 1e-9):
        return
    before, after = max(t - 1, 1), t + 1  # not 1 − β⁰, which divides by zero
    slips = {
        "nothing is corrected yet: divide by 1 − βᵗ": step(1, 1),
        "only m is corrected; v starts from zero too": step(one, 1),
        "only v is corrected; m starts from zero too": step(1, two),
        "the power of β is t, not t − 1": step(1 - beta1**before, 1 - beta2**before),
        "the power of β is t, not t + 1": step(1 - beta1**after, 1 - beta2**after),
        "β₁ belongs to m, β₂ to v": step(two, one),
        "divide by 1 − βᵗ, do not multiply": step(1 / one, 1 / two),
        "it climbs: minus the step": 2 * w - step(one, two),
        "epsilon is added to the root, not inside it": step(one, two, 0, epsilon),
        "epsilon is left out, or not taken from the arguments": step(one, two, 0),
    }
    with naming("w"):
        negative = np.isnan(as_array(found[0])).all()
        require(not negative, "the root of a negative number; v / (1 − βᵗ) is positive")
        close = 1e-9 if options else 1e-6  # at 1e-8 the place of epsilon is no matter
        computed(found[0], step(one, two), slips, close)


@contextmanager
def naming(name):
    """Put a name before what is wrong."""
    try:
        yield
    except Wrong as error:
        raise Wrong(f"{name}: {error}") from None


def decay_numbers(draw):
    """The length of a run; no multiple of 3, so that the rate is never just a half."""
    return {"n": 2000 if draw is None else 100 * draw.choice((10, 11, 13, 14, 16, 17))}


def judge_decay(marks, cosine_rate, quarter):
    """Judge (7.5), and the first t at which its cosine is −½ or less."""
    with marks.part("cosine_rate"):
        n, rate = int(marks.rng.integers(7, 13)), marks.rng.uniform(0.1, 1)
        t = np.arange(1, n + 1)
        found = [as_array(call(cosine_rate, rate, int(x), n)) for x in t]
        require(all(x.size == 1 for x in found), "return one number")
        slips = {
            "(7.5) has t − 1: the first step takes the whole rate": cosine(t, n),
            "divide by n, not by n − 1": cosine(t - 1, n - 1),
            "this falls in a line, not along a cosine": 1 - (t - 1) / n,
            "(1 + cos)/2, not a quarter of a wave": np.cos(np.pi * (t - 1) / n / 2),
            "the ½ is missing": 2 * cosine(t - 1, n),
            "the 1 + is missing": np.cos(np.pi * (t - 1) / n) / 2,
            "the rate is missing": cosine(t - 1, n) / rate,
            "π is missing, or in degrees": (1 + np.cos((t - 1) / n)) / 2,
        }
        slips = {text: rate * value for text, value in slips.items()}
        computed(np.ravel(found), rate * cosine(t - 1, n), slips)
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


def cosine(steps, n):
    """The share of the rate that is left after a number of steps."""
    return (1 + np.cos(np.pi * steps / n)) / 2


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
    right = g @ u / (u @ Hu)
    slips = {
        "the slope along u is g·u, not g·g": g @ g / (u @ Hu),
        "the step is u, not g: the curvature along it is u·Hu": g @ u / (g @ Hg),
        "u stands on both sides of the curvature: u·Hu": g @ u / (u @ Hg),
        "the slope along u is g·u, not u·u": u @ u / (u @ Hu),
        "half the share: g·u over u·Hu": right / 2,
        "twice the share: g·u over u·Hu": 2 * right,
        "turned upside down": 1 / right,
    }
    computed(found, right, slips, close=1e-6)


EXERCISES = {
    1: Exercise(
        "One outer step, by hand",
        ("d_alpha2", "alpha2_new"),
        judge_outer_step,
        see="equation (6.1) in chapter 06 and (7.1) in chapter 07",
        numbers=outer_numbers,
    ),
    2: Exercise(
        "Find the error in this Adam",
        ("first_move", "repaired"),
        judge_adam,
        see="equations (7.2) to (7.4) in chapter 07",
    ),
    3: Exercise(
        "Decay the rate",
        ("cosine_rate", "quarter"),
        judge_decay,
        see="equation (7.5) in chapter 07",
        numbers=decay_numbers,
    ),
    4: Exercise(
        "One rate per block",
        ("share",),
        judge_blocks,
        see='"The learned α under the microscope" in chapter 07',
    ),
    5: Exercise(
        "The best share of a step",
        ("best_share",),
        judge_share,
        see='"What if we take more steps?" in chapter 07',
    ),
}

"""The exercises of chapter 09, follow Reptile."""

from fractions import Fraction

import numpy as np

from ..network import TwoLayerNet
from ..second_order import hvp
from ..worksheets import Worksheet
from .formulas import evaluate, judge_result, judge_steps
from .reading import agree, as_array, call, computed, number, require
from .register import new_chapter
from .sheets import draw_sheet, judge_lines

EXERCISES, exercise = new_chapter()

ALPHA, EPSILON = Fraction(1, 4), Fraction(1, 2)  # of exercise 1


def move_sheet(draw):
    """The sheet of exercise 1."""
    return Worksheet() if draw is None else draw_sheet(draw, None)


def move_numbers(draw):
    """What is given of it."""
    values = move_sheet(draw).values
    return {name: values[name] for name in ("H1_1_s", "dF_s", "W2")}


@exercise(
    "Reptile's move, by hand",
    "equation (2.6) in chapter 02 and (9.1) in chapter 09",
    numbers=move_numbers,
)
def judge_move(marks, dW2, W2_new):
    """Judge (2.6), then one step and a move, from the student's own slope."""
    sheet = move_sheet(marks.draw)
    answers = {"dW2_s": ("dW2", dW2)}
    judge_lines(marks, sheet, answers, known=("H1_1_s", "dF_s"))
    values = {"W": sheet.values["W2"], "α": ALPHA, "ε": EPSILON}
    values |= {"inputs": sheet.values["H1_1_s"], "dF": sheet.values["dF_s"]}
    values["α_sheet"] = sheet.values["alpha2"]
    named = {
        "that is θ_J; Reptile moves the fraction ε of the way": "W - α * g",
        "this is the move; it starts from W2": "-α * ε * g",
        "the step takes the rate 1/4, then ε the half of the way": "W - ε * g",
        "the step takes the rate 1/4, not the worksheet's α": "W - α_sheet * ε * g",
        "ε is 1/2 here; it was 1/10 in the chapter": "W - α * g / 10",
    }
    steps = {
        "g": ("inputs.T @ dF", "", dW2),
        "W_new": ("W - α * ε * g", "W2_new", W2_new),
    }
    judge_steps(marks, values, steps, {"W_new": named})


@exercise("Where Reptile comes to rest", "equation (9.1) in chapter 09")
def judge_rest(marks, rest):
    """Compare with the mean of c, weighted by 1 − (1 − αh)ᴶ."""
    rng = marks.rng
    formula = "sum((1 - (1 - α * h)**J) * c) / sum(1 - (1 - α * h)**J)"
    named = {
        "for few steps the steep task pulls more": "mean(c)",
        "h weighs for J = 1 only: every step goes a share of what is left": (
            "sum(h * c) / sum(h)"
        ),
        "(1 − αh)ᴶ is the share of the way that is left, not what is gone": (
            "sum((1 - α * h)**J * c) / sum((1 - α * h)**J)"
        ),
        "divide by the sum of the weights, not by their number": (
            "mean((1 - (1 - α * h)**J) * c)"
        ),
    }
    for J in (1, int(rng.integers(2, 5)), 400):
        h = rng.uniform(0.5, 3, rng.integers(3, 6))
        c, alpha = rng.normal(size=h.shape), rng.uniform(0.05, 0.3)
        found, values = call(rest, h, c, alpha, J), {"h": h, "c": c, "α": alpha, "J": J}
        if J < 400:
            judge_result(found, formula, values, named)
        else:  # the mean of c, where many wrong ones end too
            computed(found, evaluate(formula, values))


def two_sets():
    """The network, the weights and the two sets of exercise 3."""
    net, rng = TwoLayerNet(2, 5, 3), np.random.default_rng(0)
    theta = rng.standard_normal(net.n_params)
    one = rng.standard_normal((7, 2)), rng.standard_normal((7, 3))
    return net, theta, one, (rng.standard_normal((7, 2)), rng.standard_normal((7, 3)))


@exercise(
    "Predict the move with one Hessian-vector product",
    '"Where the curvature went" in chapter 09',
)
def judge_prediction(marks, predicted_move):
    """α (g₁ + g₂) − α² H₂ g₁, at steps so long that α³ shows."""
    net, theta, one, two = two_sets()
    g1, g2 = (net.gradient(theta, *part) for part in (one, two))
    values = {
        "g1": g1,
        "g2": g2,
        "H2_g1": hvp(net, theta, *two, g1),
        "H1_g2": hvp(net, theta, *one, g2),
        "H2_g2": hvp(net, theta, *two, g2),
        "H1_g1": hvp(net, theta, *one, g1),
        "θ": theta,
    }
    formula = "α * (g1 + g2) - α**2 * H2_g1"
    depends = "the second step depends on the first, so it takes the Hessian of `two` "
    named = {
        f"{product}: {depends}and the gradient of `one`": (
            f"α * (g1 + g2) - α**2 * {product}"
        )
        for product in ("H1_g2", "H2_g2", "H1_g1")
    } | {
        "half of the α² term: the slope is expanded, not the loss": (
            "α * (g1 + g2) - α**2 / 2 * H2_g1"
        ),
        "θ − θ₂ is asked for, not θ₂": f"θ - ({formula})",
        "this is the move itself; the terms up to α² are asked for, from gradients "
        "at θ": "true_move",
    }
    for alpha in marks.rng.uniform(0.1, 0.5, 2):
        values["α"] = float(alpha)
        values["true_move"] = alpha * (g1 + net.gradient(theta - alpha * g1, *two))
        found = call(predicted_move, float(alpha))
        judge_result(found, formula, values, named, close=1e-7)


@exercise("Find the bug", '"Reptile with a pencil" in chapter 09')
def judge_reptile(marks, reptile_fixed):
    """J steps on a parabola, then the fraction ε of the way."""
    rng = marks.rng
    theta, bottom, h = (float(x) for x in rng.uniform([-2, 1, 0.5], [-1, 2, 1.5]))
    alpha, epsilon = (float(x) for x in rng.uniform(0.1, 0.4, 2))
    J = int(rng.integers(3, 6))

    def slope(at):
        return h * (at - bottom)

    def after(steps, rate=alpha):
        return bottom + (theta - bottom) * (1 - rate * h) ** steps

    values = {"θ": theta, "ε": epsilon, "θ_J": after(J), "θ_J_minus_1": after(J - 1)}
    values |= {
        "θ_1": after(1),
        "θ_J_plus_1": after(J + 1),
        "θ_J_climbed": after(J, -alpha),
    }
    values["small_steps"] = after(J, epsilon * alpha)
    named = {
        "the weights are still remembered inside the loop": (
            "θ_J_minus_1 + ε * (θ_J - θ_J_minus_1)"
        ),
        "that is all the way to θ_J; move the fraction ε": "θ_J",
        "ε once, after the loop, not in every step": "small_steps",
        "it comes to 1 − ε of the way": "θ_J + ε * (θ - θ_J)",
        "it climbs: minus α times the gradient": "θ + ε * (θ_J_climbed - θ)",
    }
    for start in (theta, np.array(theta)):  # weights are arrays: no edit in place
        found = call(reptile_fixed, start, slope, alpha, J, epsilon)
        judge_result(found, "θ + ε * (θ_J - θ)", values, named)
    still = as_array(call(reptile_fixed, theta, slope, alpha, J, 0.0))
    require(agree(still.ravel(), [theta], 1e-9), "ε = 0 must not move θ")


def many_curves():
    """The targets of exercise 5."""
    rng = np.random.default_rng(0)
    A, phase = rng.uniform(0.1, 5, (2000, 1)), rng.uniform(0, np.pi, (2000, 1))
    return A * np.sin(np.linspace(-5, 5, 100) + phase)


def ceiling_numbers(draw):
    """The share of the mean square that the floor may have."""
    shares = (Fraction(1, 100), Fraction(1, 20), Fraction(1, 5))
    return {"share": shares[0] if draw is None else draw.choice(shares)}


@exercise(
    "Experiment: how high must the ceiling be?",
    '"Two-layer network, and a ceiling" in chapter 09',
    numbers=ceiling_numbers,
)
def judge_ceiling(marks, floor, c_needed):
    """The mean of max(|y| − c, 0)²; the first whole c at which it is small."""
    with marks.part("floor"):
        rng, formula = marks.rng, "mean(maximum(abs(Y) - c, 0)**2)"
        named = {
            "the mean is over all targets, those within the ceiling too": (
                "sum(maximum(abs(Y) - c, 0)**2) / sum(abs(Y) > c)"
            ),
            "this is the root of the mean squared error": f"sqrt({formula})",
            "an output can reach every target below the ceiling, with no error": (
                "mean((abs(Y) - c)**2)"
            ),
            "this is the share; `floor` is the error itself": (
                f"{formula} / mean(Y**2)"
            ),
        }
        for shape in ((4, 6), (3, 5)):
            Y, c = rng.normal(0, 2, shape), float(rng.uniform(0.5, 1))
            Y.flat[:3] = -3, 3, 0.2
            found = call(floor, Y, c)
            require(np.size(found) == 1, "return one number, the mean over all of Y")
            judge_result(found, formula, {"Y": Y, "c": c}, named)
        high = as_array(call(floor, Y, 100.0))
        require(abs(high) < 1e-12, "a ceiling above the targets costs nothing")
    with marks.part("c_needed"):
        (share,) = ceiling_numbers(marks.draw).values()
        Y, found = many_curves(), number(c_needed)
        require(found == int(found), "a whole number is asked for")
        square = (Y * Y).mean()

        def small(c):
            return ((np.clip(Y, -c, c) - Y) ** 2).mean() < share * square

        require(found > 0, "the ceiling is above 0")
        require(small(found), "with this c the floor is not below that share")
        require(not small(found - 1), "there is a smaller one")

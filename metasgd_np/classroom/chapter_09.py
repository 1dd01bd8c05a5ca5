"""The exercises of chapter 09, follow Reptile."""

from fractions import Fraction

import numpy as np

from ..network import TwoLayerNet
from ..second_order import hvp
from ..worksheets import Worksheet
from .exercises import Exercise
from .reading import (
    agree,
    as_array,
    call,
    computed,
    number,
    own,
    require,
    typed,
)
from .sheets import draw_sheet, judge_lines

ALPHA, EPSILON = Fraction(1, 4), Fraction(1, 2)  # of exercise 1


def move_sheet(draw):
    """The sheet of exercise 1."""
    return Worksheet() if draw is None else draw_sheet(draw, None)


def move_numbers(draw):
    """What is given of it."""
    values = move_sheet(draw).values
    return {name: values[name] for name in ("H1_1_s", "dF_s", "W2")}


def judge_move(marks, dW2, W2_new):
    """Judge (2.6), then one step and a move, from the student's own slope."""
    sheet = move_sheet(marks.draw)
    answers = {"dW2_s": ("dW2", dW2)}
    judge_lines(marks, sheet, answers, known=("H1_1_s", "dF_s"))
    W2, g = sheet.values["W2"], sheet.values["dW2_s"]
    with marks.part("W2_new"):
        slips = {
            "that is θ_J; Reptile moves the fraction ε of the way": W2 - ALPHA * g,
            "away from θ_J: the sign of the move is turned": W2 + ALPHA * EPSILON * g,
            "this is the move; it starts from W2": -ALPHA * EPSILON * g,
            "the step takes the rate 1/4, then ε the half of the way": W2 - EPSILON * g,
            "the step takes the rate 1/4, not the worksheet's α": (
                W2 - EPSILON * sheet.values["alpha2"] * g
            ),
            "ε is 1/2 here; it was 1/10 in the chapter": W2 - ALPHA * g / 10,
            "the move starts from θ, not from θ_J": W2 - (ALPHA + ALPHA * EPSILON) * g,
        }
        truths = [W2 - ALPHA * EPSILON * slope for slope in (g, own(dW2, g))]
        typed(W2_new, *truths, slips=slips)


def judge_rest(marks, rest):
    """Compare with the mean of c, weighted by 1 − (1 − αh)ᴶ."""
    rng = marks.rng
    for J in (1, int(rng.integers(2, 5)), 400):
        h = rng.uniform(0.5, 3, rng.integers(3, 6))
        c, alpha = rng.normal(size=h.shape), rng.uniform(0.05, 0.3)
        left = (1 - alpha * h) ** J
        slips = {
            "for few steps the steep task pulls more": c.mean(),
            "h weighs for J = 1 only: every step goes a share of what is left": (
                weigh(h, c)
            ),
            "(1 − αh)ᴶ is the share of the way that is left, not what is gone": (
                weigh(left, c)
            ),
            "divide by the sum of the weights": ((1 - left) * c).sum(),
            "divide by the sum of the weights, not by their number": (
                ((1 - left) * c).mean()
            ),
            "one step too many": weigh(1 - left * (1 - alpha * h), c),
        }
        if J == 400:  # the mean of c, where many wrong ones end too
            slips = {}
        computed(call(rest, h, c, alpha, J), weigh(1 - left, c), slips)


def weigh(weights, c):
    """The weighted mean."""
    return (weights * c).sum() / weights.sum()


def two_sets():
    """The network, the weights and the two sets of exercise 3."""
    net, rng = TwoLayerNet(2, 5, 3), np.random.default_rng(0)
    theta = rng.standard_normal(net.n_params)
    one = rng.standard_normal((7, 2)), rng.standard_normal((7, 3))
    return net, theta, one, (rng.standard_normal((7, 2)), rng.standard_normal((7, 3)))


def judge_prediction(marks, predicted_move):
    """α (g₁ + g₂) − α² H₂ g₁, at steps so long that α³ shows."""
    net, theta, one, two = two_sets()
    g1, g2 = (net.gradient(theta, *part) for part in (one, two))
    products = {
        "H₂ g₁": hvp(net, theta, *two, g1),
        "H₁ g₂": hvp(net, theta, *one, g2),
        "H₂ g₂": hvp(net, theta, *two, g2),
        "H₁ g₁": hvp(net, theta, *one, g1),
        "H₂ (g₁ + g₂)": hvp(net, theta, *two, g1 + g2),
    }
    right = products.pop("H₂ g₁")
    for alpha in marks.rng.uniform(0.1, 0.5, 2):
        first = alpha * (g1 + g2)
        theta_1 = theta - alpha * g1
        slips = {
            f"{name}: the second step depends on the first, so it takes the Hessian of "
            "`two` and the gradient of `one`": first - alpha**2 * product
            for name, product in products.items()
        } | {
            "the sign of the α² term: the second slope changes by −α H₂ g₁": (
                first + alpha**2 * right
            ),
            "half of the α² term: the slope is expanded, not the loss": (
                first - alpha**2 / 2 * right
            ),
            "the term in α² is missing": first,
            "H₂ g₁ has the factor α²: α of each step": first - alpha * right,
            "θ − θ₂ is asked for, not θ₂ − θ": alpha**2 * right - first,
            "θ − θ₂ is asked for, not θ₂": theta - first + alpha**2 * right,
            "this is the move itself; the terms up to α² are asked for, from gradients "
            "at θ": theta - (theta_1 - alpha * net.gradient(theta_1, *two)),
        }
        found = call(predicted_move, float(alpha))
        computed(found, first - alpha**2 * right, slips, close=1e-7)


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

    def move(start, end):
        return start + epsilon * (end - start)

    slips = {
        "the weights are still remembered inside the loop": move(
            after(J - 1), after(J)
        ),
        "that is all the way to θ_J; move the fraction ε": after(J),
        "ε once, after the loop, not in every step": after(J, epsilon * alpha),
        "away from θ_J: the sign of the move is turned": 2 * theta
        - move(theta, after(J)),
        "the move starts from θ, not from θ_J": after(J) + epsilon * (after(J) - theta),
        "it comes to 1 − ε of the way": move(after(J), theta),
        "one step only: J steps lead to θ_J": move(theta, after(1)),
        "a step is missing": move(theta, after(J - 1)),
        "one step too many": move(theta, after(J + 1)),
        "it climbs: minus α times the gradient": move(theta, after(J, -alpha)),
        "θ does not move": theta,
        "this is the move; it starts from θ": epsilon * (after(J) - theta),
    }
    for start in (theta, np.array(theta)):  # weights are arrays: no edit in place
        found = call(reptile_fixed, start, slope, alpha, J, epsilon)
        computed(found, move(theta, after(J)), slips)
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


def judge_ceiling(marks, floor, c_needed):
    """The mean of max(|y| − c, 0)²; the first whole c at which it is small."""
    with marks.part("floor"):
        rng = marks.rng
        for shape in ((4, 6), (3, 5)):
            Y, c = rng.normal(0, 2, shape), float(rng.uniform(0.5, 1))
            Y.flat[:3] = -3, 3, 0.2
            over = np.maximum(np.abs(Y) - c, 0)
            slips = {
                "targets below −c are missed too: use |y|": (
                    np.maximum(Y - c, 0) ** 2
                ).mean(),
                "the mean is over all targets, those within the ceiling too": (
                    over[over > 0] ** 2
                ).mean(),
                "this is the mean of the errors; square them": over.mean(),
                "a sum; take the mean": (over**2).sum(),
                "this is the root of the mean squared error": (over**2).mean() ** 0.5,
                "an output can reach every target below the ceiling, with no error": (
                    (np.abs(Y) - c) ** 2
                ).mean(),
                "c tanh y is not the best output; F may be anything": (
                    (Y - c * np.tanh(Y)) ** 2
                ).mean(),
                "this is the share; `floor` is the error itself": (over**2).mean()
                / (Y * Y).mean(),
            }
            found = call(floor, Y, c)
            require(np.size(found) == 1, "return one number, the mean over all of Y")
            computed(found, (over**2).mean(), slips)
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


EXERCISES = {
    1: Exercise(
        "Reptile's move, by hand",
        ("dW2", "W2_new"),
        judge_move,
        see="equation (2.6) in chapter 02 and (9.1) in chapter 09",
        numbers=move_numbers,
    ),
    2: Exercise(
        "Where Reptile comes to rest",
        ("rest",),
        judge_rest,
        see="equation (9.1) in chapter 09",
    ),
    3: Exercise(
        "Predict the move with one Hessian-vector product",
        ("predicted_move",),
        judge_prediction,
        see='"Where the curvature went" in chapter 09',
    ),
    4: Exercise(
        "Find the bug",
        ("reptile_fixed",),
        judge_reptile,
        see='"Reptile with a pencil" in chapter 09',
    ),
    5: Exercise(
        "Experiment: how high must the ceiling be?",
        ("floor", "c_needed"),
        judge_ceiling,
        see='"Two-layer network, and a ceiling" in chapter 09',
        numbers=ceiling_numbers,
    ),
}

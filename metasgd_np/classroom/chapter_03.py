"""The exercises of chapter 03, check a gradient you wrote by hand."""

from contextlib import contextmanager
from fractions import Fraction
from unittest.mock import patch

import numpy as np

from ..network import TwoLayerNet
from ..worksheets import Worksheet
from .formulas import judge_result, judge_steps
from .reading import Wrong, as_array, call, choose, computed, naming, require
from .register import new_chapter

EXERCISES, exercise = new_chapter()

EPS = {kind: np.finfo(kind).eps for kind in ("float32", "float64")}


def pencil_numbers(draw):
    """x and h of f(x) = x³."""
    x, h = (
        (1, 10) if draw is None else (draw.choice((2, 3, -1)), draw.choice((2, 4, 5)))
    )
    return {"x": x, "h": Fraction(1, h)}


@exercise(
    "Two quotients, with a pencil",
    "equations (3.1) and (3.2) in chapter 03",
    numbers=pencil_numbers,
)
def judge_pencil(marks, by_central, by_complex):
    """Judge f′ + h² and f′ − h², as f‴ = 6."""
    steps = {
        "central": ("((x + h)**3 - (x - h)**3) / (2 * h)", "by_central", by_central),
        "complex": ("3 * x**2 - h**2", "by_complex", by_complex),
    }
    slope = {"this is the derivative; give the quotient": "3 * x**2"}
    forward = {"this is the forward difference": "((x + h)**3 - x**3) / h"}
    sign = {"the sign of the h² term: (ih)³ is −i h³": "3 * x**2 + h**2"}
    named = {"central": slope | forward, "complex": slope | sign}
    judge_steps(marks, pencil_numbers(marks.draw), steps, named)


class Guarded(dict):
    """A sheet's values, without the gradient that is to be found by differences."""

    def __getitem__(self, symbol):
        if symbol == "dW2_s":
            raise Wrong(
                "that is the sheet's own gradient; take differences of the loss"
            )
        return super().__getitem__(symbol)


@exercise("A difference without error", "equation (3.1) in chapter 03")
def judge_differences(marks, differences):
    """Compare central differences with h = 1 with the exact gradient, on two sheets."""
    for sheet in (Worksheet(), Worksheet.from_seed(int(marks.rng.integers(10**6)))):
        net, theta, _, batch = sheet.problem
        true, n = sheet.values["dW2_s"], net.n_params - sheet.values["W2"].size

        def loss(entry, step, net=net, theta=theta, batch=batch):
            moved = theta.copy()
            moved[entry] += step
            return net.loss(moved, batch.X_s[0], batch.Y_s[0])

        ahead, here, back = (
            np.array([[loss(n + i, h)] for i in range(len(true))]) for h in (1, 0, -1)
        )
        values = {"ahead": ahead, "here": here, "back": back}
        named = {
            "this is the forward difference": "ahead - here",
            "this is the backward difference": "here - back",
        }
        sheet.values = Guarded(sheet.values)
        found = call(differences, sheet)
        judge_result(found, "(ahead - back) / 2", values, named)


@exercise(
    "An exponent that separates right from wrong",
    'the side trip "How far to trust a check"',
    parts=("for a right derivative", "for a wrong one"),
)
def judge_exponent(marks, exponent):
    """Compare with log2 of R(t)/R(t/2), of a cubic."""
    a, b, c, d = marks.rng.uniform(0.5, 2, 4) * marks.rng.choice([-1, 1], 4)
    t = marks.rng.uniform(1e-3, 2e-3)

    def L(s):
        return a + b * s + c * s * s + d * s**3

    cases = {
        "for a right derivative": [b],
        "for a wrong one": [b / 2, -b, b + 10 * t, b + 0.75 * c * t],
    }
    named = {
        "the logarithm to base 2: R falls by halving t": "log(R / half)",
        "the logarithm to base 2, not 10": "log10(R / half)",
        "claimed is a slope: t · claimed": "log2(R_lost / half_lost)",
        "the same for every derivative": "2",
    }
    for part, claims in cases.items():
        with marks.part(part):
            for claimed in claims:
                values = {
                    "R": abs(L(t) - L(0) - t * claimed),
                    "half": abs(L(t / 2) - L(0) - t / 2 * claimed),
                    "R_lost": abs(L(t) - L(0) - claimed),
                    "half_lost": abs(L(t / 2) - L(0) - claimed),
                }
                found = as_array(call(exponent, L, claimed, t))
                size = "R is an absolute value: without | | it may change its sign"
                require(np.isfinite(found).all(), size)
                judge_result(found, "log2(R / half)", values, named, close=1e-4)


@exercise("Find the bug", '"The package\'s verdict" in chapter 03')
def judge_bug(marks, mistake, repaired):
    """The letter, and the gradient of a network of other sizes, block by block."""
    with marks.part("mistake"):
        hint = "which of the three leaves W1 and W2 right?"
        require(choose(mistake, "abc") == "c", hint)
    with marks.part("repaired"):
        D, H, n_out, N = (int(n) for n in 3 + marks.rng.permutation(5)[:4])
        net = TwoLayerNet(D, H, n_out, activation="tanh")
        theta = marks.rng.standard_normal(net.n_params)
        X, Y = (marks.rng.standard_normal((N, k)) for k in (D, n_out))
        found = call(repaired, net, theta, X, Y, without=(TwoLayerNet.gradient,))
        true = net.blocks(net.gradient(theta, X, Y))
        found = as_array(found).ravel()
        require(found.size == theta.size, f"{found.size} entries, expected (P,)")
        for name, block in net.blocks(found).items():
            slips = {"is still averaged over the examples": true[name] / N}
            with naming(f"block {name}"):
                computed(block, true[name], slips)


@contextmanager
def seen_by_exp():
    """Collect the arrays that np.exp is called with, and the type it computes in."""
    exp, seen = np.exp, []

    def recording_exp(x, *arguments, **options):
        result = exp(x, *arguments, **options)
        seen.append((np.ravel(x), np.asarray(result).dtype.name))
        return result

    with patch.object(np, "exp", recording_exp):
        yield seen


@exercise(
    "Predict and verify: the best step",
    '"Central difference" in chapter 03',
    parts=("float32", "float64"),
)
def judge_step(marks, best_step):
    """The best step is near ε^(1/3), in either precision, and one of those tried."""
    shift = marks.rng.uniform(0, 0.2)
    for kind, eps in EPS.items():
        with marks.part(kind):
            x = np.linspace(0.5 + shift, 1.3 + shift, 400, dtype=kind)
            hs = np.logspace(-9, 0, 55 + int(marks.rng.integers(9))).astype(kind)
            with seen_by_exp() as seen:
                found = as_array(call(best_step, x, hs)).ravel()
            require(found.size == 1, "return one step, the best of hs")
            step = found[0]
            require(step in (*hs, *hs.astype(float)), one_of(step))
            forward = "that is the best step of a forward difference"
            require(not 1 / 3 < step / eps ** (1 / 2) < 3, forward)
            double = "it is computed in float64 throughout; x and h come in float32"
            other = step / EPS["float64"] ** (1 / 3)
            require(kind == "float64" or not 1 / 6 < other < 6, double)
            other = step / EPS["float32"] ** (1 / 3)
            single = "it is computed in float32; x and h come in float64"
            require(kind == "float32" or not 1 / 6 < other < 6, single)
            require(1 / 6 < step / eps ** (1 / 3) < 6, "not where the error is least")
            true = [t for entries, t in seen if set(entries) <= set(x.astype(float))]
            exact = not true or "float64" in true
            require(exact, "take exp(x), the derivative itself, in float64")


def one_of(step):
    """What to say of a step that is not in hs."""
    if step == int(step) > 1:
        return "that is an index: return the step itself, hs[index]"
    return "not one of hs: measure the errors, and return the h where it is least"

"""Wrong answers that people give are named by what is wrong with them.

The answers are made by ordinary NumPy from the right values, on three sheets; the slips
that the package makes from its expressions are not asked.
"""

import random
from fractions import Fraction
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

from metasgd_np import TaskBatch, TwoLayerNet
from metasgd_np.worksheets.algebra import rewrite
from metasgd_np.worksheets.examples import default_example
from metasgd_np.worksheets.lines import LOSS, PHI, evaluate, layout, symbols_in
from metasgd_np.worksheets.rules import FAR_RULES, RARE, RARE_RULES, RULES, STRAY_RULES
from metasgd_np.worksheets.slips import generic_values, try_to_evaluate
from metasgd_np.worksheets.worksheet import Worksheet

SHEETS = {
    "default": Worksheet(),
    "seed 5": Worksheet.from_seed(5),
    "a name": Worksheet.for_name("Emmy Noether"),
}
N = 3


def ones(A, value=1, first=False):
    """[A 1], or [1 A]."""
    column = np.full((len(A), 1), Fraction(value), dtype=object)
    return np.hstack([column, A] if first else [A, column])


def changed(A, row, value):
    """A copy with one row set."""
    A = A.copy()
    A[row] = value
    return A


# (line, wrong value from the right ones, words that the message must have)
WRONG = [
    # support, forward
    ("X1_s", lambda v: ones(v.X_s, first=True), "with the 1 in front"),
    ("X1_s", lambda v: ones(v.X_s, 0), "with 0 for 1"),
    ("X1_s", lambda v: ones(v.X_q), "with X_q for X_s"),
    ("Z1_s", lambda v: v.X_s @ v.W1[:1], "without the bias"),
    ("Z1_s", lambda v: v.X1_s @ v.W1.T, "W1ᵀ for W1"),
    ("H1_s", lambda v: 2 * v.Z1_s, "with 2 Z1_s for Z1_s²"),
    ("H1_s", lambda v: v.Z1_s, "without the square"),
    ("H1_1_s", lambda v: ones(v.H1_s, first=True), "with the 1 in front"),
    ("H1_1_s", lambda v: ones(v.Z1_s), "with Z1_s for H1_s"),
    ("F_s", lambda v: v.H1_s @ v.W2[:2], "without the bias"),
    ("F_s", lambda v: v.H1_1_s.T @ v.W2, "H̃1_sᵀ for H̃1_s"),
    # support, backward
    ("L_s", lambda v: ((v.F_s - v.Y_s) ** 2).sum(), "without the 1/N"),
    ("L_s", lambda v: ((v.F_s - v.Y_s) ** 2).sum() / 2, "1/2 for 1/N"),
    ("L_s", lambda v: ((v.F_s - v.Y_s) ** 2).sum() / (2 * N), "1/(2 N) for 1/N"),
    ("L_s", lambda v: (v.F_s - v.Y_s).sum() / N, "without the square"),
    ("L_s", lambda v: (v.F_s - v.Y_s).sum() ** 2 / N, "the square of the sum"),
    ("L_s", lambda v: ((v.F_s + v.Y_s) ** 2).sum() / N, "+ Y_s for − Y_s"),
    ("dF_s", lambda v: Fraction(2, N) * (v.Y_s - v.F_s), "Y_s − F_s for F_s − Y_s"),
    ("dF_s", lambda v: v.F_s - v.Y_s, "without the 2/N"),
    ("dF_s", lambda v: (v.F_s - v.Y_s) / N, "with 1/N for 2/N"),
    ("dF_s", lambda v: 2 * (v.F_s - v.Y_s), "with 2 for 2/N"),
    ("dF_s", lambda v: Fraction(2, N) * v.F_s, "without the term − Y_s"),
    ("dW2_s", lambda v: v.H1_1_s @ v.dF_s, "H̃1_s for H̃1_sᵀ"),
    ("dW2_s", lambda v: v.H1_s.T @ v.dF_s, "without the bias row"),
    ("dW2_s", lambda v: v.H1_1_s.T @ v.dF_s / N, "1/N too many"),
    ("dW2_s", lambda v: changed(v.dW2_s, 2, v.dF_s.sum() / N), "averaged"),
    ("dW2_s", lambda v: changed(v.dW2_s, 2, 0), "0 in the bias row"),
    ("dW2_s", lambda v: -v.dW2_s, "sign turned"),
    ("dW2_s", lambda v: v.H1_1_s.T @ (v.F_s - v.Y_s), "dF_s had been made without the"),
    ("dH1_s", lambda v: v.dF_s @ v.W2.T, "bias row of W2 kept"),
    ("dH1_s", lambda v: v.dF_s @ v.W2[1:].T, "first row of W2 left out"),
    ("dH1_s", lambda v: (v.F_s - v.Y_s) @ v.W2[:2].T, "without the 2/N"),
    ("phi1_s", lambda v: v.Z1_s, "without the 2"),
    ("phi1_s", lambda v: v.H1_s, "with φ for φ′"),
    ("phi1_s", lambda v: 2 * v.H1_s, "with H1_s for Z1_s"),
    ("phi1_s", lambda v: np.full_like(v.Z1_s, 2), "with φ″ for φ′"),
    ("dZ1_s", lambda v: v.dH1_s, "without the factor φ′_s"),
    ("dZ1_s", lambda v: v.dH1_s * v.H1_s, "with H1_s for φ′_s"),
    ("dZ1_s", lambda v: v.dH1_s * v.Z1_s, "Z1_s"),
    ("dW1_s", lambda v: v.X1_s.T @ v.dH1_s, "dH1_s for dZ1_s"),
    ("dW1_s", lambda v: v.X_s.T @ v.dZ1_s, "without the bias row"),
    ("dW1_s", lambda v: (v.X1_s.T @ v.dZ1_s).T, "result transposed"),
    ("dW1_s", lambda v: v.X1_q.T @ v.dZ1_s, "X̃_q for X̃_s"),
    (
        "dW1_s",
        lambda v: v.X1_s.T @ (v.dH1_s * v.H1_s),
        "phi1_s had been made with φ for φ′",
    ),
    # the step
    ("W1_prime", lambda v: v.W1 + v.alpha1 * v.dW1_s, "+ α1∘dW1_s for − α1∘dW1_s"),
    ("W1_prime", lambda v: v.W1 - v.dW1_s, "without the factor α1"),
    ("W2_prime", lambda v: v.W2 - v.alpha2, "without the factor dW2_s"),
    ("W2_prime", lambda v: v.alpha2 * v.dW2_s, "with only α2∘dW2_s"),
    ("W1_prime", lambda v: v.W1 - v.alpha1 @ v.dW1_s, "a matrix product for ∘"),
    # query
    ("Z1_q", lambda v: v.X1_q @ v.W1, "with W1 for W1′"),
    ("Z1_q", lambda v: v.X1_s @ v.W1_prime, "with X̃_s for X̃_q"),
    ("F_q", lambda v: v.H1_1_q @ v.W2, "with W2 for W2′"),
    ("F_q", lambda v: v.H1_q @ v.W2_prime[:2], "without the bias"),
    ("L_q", lambda v: ((v.F_q - v.Y_q) ** 2).sum(), "without the 1/N"),
    ("dF_q", lambda v: (v.F_q - v.Y_q) / N, "with 1/N for 2/N"),
    ("dF_q", lambda v: Fraction(2, N) * (v.F_q - v.Y_s), "with Y_s for Y_q"),
    ("dH1_q", lambda v: v.dF_q @ v.W2[:2].T, "with W2 for W2′"),
    ("dZ1_q", lambda v: v.dH1_q * v.phi1_s, "with φ′_s for φ′_q"),
    ("dW1_q", lambda v: v.X1_q.T @ v.dH1_q, "dH1_q for dZ1_q"),
    ("dW2_q", lambda v: v.H1_1_s.T @ v.dF_q, "with H̃1_s for H̃1_q"),
    # second order
    ("V1", lambda v: v.dW1_q, "without the factor α1"),
    ("V1", lambda v: v.alpha1 * v.dW1_s, "dW1_s for dW1_q"),
    ("V2", lambda v: -v.alpha2 * v.dW2_q, "sign turned"),
    ("Z1_dot", lambda v: v.X_s @ v.V1[:1], "without the bias"),
    ("Z1_dot", lambda v: v.X1_s @ v.W1_prime, "W1′ for V1"),
    ("Z1_dot", lambda v: v.X1_s @ v.dW1_q, "V1"),
    ("H1_dot", lambda v: v.Z1_dot, "without the factor φ′_s"),
    ("H1_dot", lambda v: v.H1_s * v.Z1_dot, "with H1_s for φ′_s"),
    ("F_dot", lambda v: v.H1_1_s @ v.V2, "without the term H1_dot W̄2"),
    ("F_dot", lambda v: v.H1_dot @ v.W2[:2], "without the term H̃1_s V2"),
    ("F_dot", lambda v: v.H1_dot @ v.W2_prime[:2] + v.H1_1_s @ v.V2, "the updated W2′"),
    ("F_dot", lambda v: v.H1_dot @ v.W2[:2] + v.H1_s @ v.V2[:2], "without the bias"),
    ("F_dot", lambda v: v.H1_dot @ v.V2[:2] + v.H1_1_s @ v.V2, "with V2 for W2"),
    ("dF_dot", lambda v: v.F_dot, "without the 2/N"),
    ("dF_dot", lambda v: 2 * v.F_dot, "with 2 for 2/N"),
    ("dF_dot", lambda v: Fraction(2, N) * v.F_s, "with F_s for F_dot"),
    ("dW2_dot", lambda v: v.H1_1_s.T @ v.dF_dot, "without the term [H1_dot 0]ᵀ dF_s"),
    (
        "dW2_dot",
        lambda v: ones(v.H1_dot, 0).T @ v.dF_s,
        "without the term H̃1_sᵀ dF_dot",
    ),
    (
        "dW2_dot",
        lambda v: ones(v.H1_dot).T @ v.dF_s + v.H1_1_s.T @ v.dF_dot,
        "with 1 for 0",
    ),
    ("dH1_dot", lambda v: v.dF_dot @ v.W2[:2].T, "without the term dF_s V̄2ᵀ"),
    (
        "dH1_dot",
        lambda v: v.dF_dot @ v.W2_prime[:2].T + v.dF_s @ v.V2[:2].T,
        "the updated W2′ for W2",
    ),
    ("dH1_dot", lambda v: v.dF_s @ v.V2[:2].T, "without the term dF_dot W̄2ᵀ"),
    ("phi2", lambda v: 0 * v.phi2, "with 0 for 2"),
    ("phi2", lambda v: v.phi2 - 1, "with 1 for 2"),
    ("phi2", lambda v: v.phi1_s, "with φ′ for φ″"),
    ("dZ1_dot", lambda v: v.dH1_dot * v.phi1_s, "without the term dH1_s∘φ″∘Z1_dot"),
    ("dZ1_dot", lambda v: v.dH1_s * v.phi2 * v.Z1_dot, "without the term dH1_dot∘φ′_s"),
    (
        "dZ1_dot",
        lambda v: v.dH1_dot * v.phi1_s + v.dH1_s * v.phi2,
        "without the factor Z1_dot",
    ),
    (
        "dZ1_dot",
        lambda v: v.dH1_dot * v.phi1_s + v.dH1_s * v.phi1_s * v.Z1_dot,
        "with φ′_s for φ″",
    ),
    (
        "dW1_dot",
        lambda v: v.X1_s.T @ (v.dH1_dot * v.phi1_s),
        "mistake 7, φ″ is left out",
    ),
    ("dW1_dot", lambda v: v.X1_q.T @ v.dZ1_dot, "with X̃_q for X̃_s"),
    # the meta-gradient
    ("dtheta1", lambda v: v.dW1_q + v.dW1_dot, "+ dW1_dot for − dW1_dot"),
    ("dtheta2", lambda v: v.dW2_q, "without the term − dW2_dot (see mistake 2"),
    ("dtheta1", lambda v: v.dW1_dot - v.dW1_q, "dW1_dot − dW1_q for dW1_q − dW1_dot"),
    ("dtheta1", lambda v: v.dW1_q - v.alpha1 * v.dW1_dot, "factor α1 too many"),
    ("dtheta2", lambda v: v.dW2_s - v.dW2_dot, "dW2_s for dW2_q"),
    ("dalpha1", lambda v: v.dW1_s * v.dW1_q, "without the minus (see mistake 3"),
    ("dalpha2", lambda v: -v.dW2_s * v.dtheta2, "with dθ2 for dW2_q"),
    ("dalpha1", lambda v: -v.dW1_q, "see mistake 1"),
    ("dalpha1", lambda v: v.dtheta1, "see mistake 1"),
    ("dalpha1", lambda v: -v.dW1_s * v.dW1_s, "dW1_s for dW1_q"),
    ("dalpha2", lambda v: -v.dW2_s * v.V2, "with V2 for dW2_q"),
    ("dalpha1", lambda v: np.full_like(v.W1, total(v)), "see mistake 10"),
    # rarer slips, two in one line, one in several lines, another line's value
    ("F_s", lambda v: v.H1_1_s @ abs(v.W2), "with |W2| for W2"),
    ("dH1_s", lambda v: v.dF_s @ abs(v.W2[:2]).T, "with |W2| for W2"),
    ("L_s", lambda v: (v.F_s**2 - v.Y_s**2).sum() / N, "difference of the squares"),
    ("V2", lambda v: v.dW2_q / v.alpha2, "dW2_q/α2 for the product"),
    (
        "dW1_s",
        lambda v: -v.X1_s.T @ v.dH1_s,
        "with dH1_s for dZ1_s and with the sign turned",
    ),
    ("dalpha2", lambda v: v.dW2_s * v.dtheta2, "dθ2 for dW2_q and without the minus"),
    (
        "dtheta1",
        lambda v: v.dW1_q - second_order(v, v.dW1_q, v.dW2_q),
        "V1 and V2 had been made without the factor α1",
    ),
    ("dalpha1", lambda v: v.V1, "the value of V1"),
]


T = Fraction(2, N)
RARER = [  # by kind: what is done to a line, and words that the message must have
    # a product with [A 1]
    ("Z1_s", lambda v: v.Z1_s + v.W1[1:], "the bias added twice"),
    ("Z1_s", lambda v: v.X_s @ v.W1[:1] + 1, "1 for the bias"),
    ("Z1_s", lambda v: ones(v.X_s, first=True) @ v.W1, "the 1 in front of X_s"),
    ("Z1_q", lambda v: v.X_q @ v.W1_prime[:1] + v.W1[1:], "the bias row of W1 for"),
    ("Z1_dot", lambda v: v.X_s @ v.V1[:1] + v.W1[1:], "the bias row of W1 for"),
    ("F_s", lambda v: v.H1_s @ v.W2[:2] * v.W2[2:], "bias multiplied, not added"),
    ("F_s", lambda v: v.H1_s @ v.W2[1::-1] + v.W2[2:], "rows of W2 in reverse but"),
    ("F_s", lambda v: v.H1_1_s[:, 1:] @ v.W2[1:], "without the first term of each"),
    ("F_s", lambda v: v.H1_1_s[:, :1] @ v.W2[:1], "only the first term of each"),
    ("H1_s", lambda v: (v.X_s @ v.W1[:1]) ** 2 + v.W1[1:], "bias added afterwards"),
    # the transpose of one with a matrix, and other lines of weights
    ("dW2_s", lambda v: v.H1_1_s.T[:, 1:] @ v.dF_s[1:], "without the first term"),
    ("dW2_s", lambda v: v.H1_1_s.sum(0)[:, None] * v.dF_s.sum(), "product of the sums"),
    ("dW1_s", lambda v: changed(v.dW1_s, 1, v.dH1_s.sum(0)), "dH1_s for dZ1_s in the"),
    ("dW1_s", lambda v: changed(v.dW1_s, 1, 1), "1 in the last row"),
    ("dW2_s", lambda v: changed(-v.dW2_s, 2, v.dW2_s[2]), "turned but in the bias row"),
    ("W1_prime", lambda v: changed(v.W1, 1, v.W1_prime[1]), "but in the bias row"),
    ("W1_prime", lambda v: v.W1 - v.alpha1.T * v.dW1_s, "with α1ᵀ for α1"),
    ("W1_prime", lambda v: v.alpha1 * v.W1 - v.dW1_s, "α1 at W1, not at dW1_s"),
    ("W1_prime", lambda v: (v.W1 - v.alpha1) * v.dW1_s, "the bracket (W1 − α1)"),
    # sums, differences, squares
    ("dF_s", lambda v: T * v.F_s - v.Y_s, "without the bracket, 2/N at F_s only"),
    ("dF_s", lambda v: v.F_s - T * v.Y_s, "without the bracket, 2/N at Y_s only"),
    ("dF_s", lambda v: T * v.F_s * v.Y_s, "with ∘ for −"),
    ("dF_dot", lambda v: T * v.F_dot**2, "with F_dot² for F_dot"),
    ("H1_s", lambda v: v.Z1_s**3, "the cube of Z1_s"),
    ("phi1_s", lambda v: v.phi1_s[::-1], "with the rows in reverse"),
    ("F_dot", lambda v: (v.H1_dot @ v.W2[:2]) * (v.H1_1_s @ v.V2), "with ∘ for +"),
    ("dtheta2", lambda v: v.dW2_q - 2 * v.dW2_dot, "with 2 dW2_dot for dW2_dot"),
    ("L_s", lambda v: float(((v.F_s - v.Y_s) ** 2).sum() / N) ** 0.5, "with its root"),
    ("L_s", lambda v: 100 + ((v.F_s - v.Y_s) ** 2).sum(), "no known slip"),
    # one slip that several places share, a wrong shape from two, and two slips
    ("dH1_dot", lambda v: v.dF_dot @ v.W2.T + v.dF_s @ v.V2.T, "V2 kept"),
    ("dH1_s", lambda v: v.dF_s * v.dH1_s, "with dF_s² for dF_s"),
    (
        "dW1_s",
        lambda v: v.X1_s.T @ (v.dF_s @ abs(v.W2[:2]).T * v.phi1_s),
        "|W2| for W2",
    ),
    ("dW1_q", lambda v: v.X_q.T @ v.dH1_q, "dH1_q for dZ1_q and without the bias row"),
    (
        "W2_prime",
        lambda v: v.W2 + v.alpha2 * (v.H1_1_s.T @ (v.F_s - v.Y_s)),
        "+ α2∘dW2_s for − α2∘dW2_s, with dF_s made without the 2/N",
    ),
    (
        "H1_dot",
        lambda v: v.H1_s * (v.X1_s @ v.dW1_q),
        "with H1_s for φ′_s, with Z1_dot made with dW1_q for V1",
    ),
    (
        "F_s",
        lambda v: (v.X_s @ v.W1[:1]) ** 2 @ v.W2[:2],
        "if X1_s and H1_1_s had been made with 0 for 1",
    ),
    ("dW1_dot", lambda v: (v.X1_q.T @ v.dZ1_dot).T, "and with the result transposed"),
    ("W2_prime", lambda v: v.W2 - v.alpha2[::-1] * v.dW2_s, "with the rows in reverse"),
    ("V2", lambda v: v.W2_prime - v.W2, "dW2_s for dW2_q and with the sign turned"),
]


@pytest.mark.parametrize(("symbol", "make", "words"), RARER)
def test_rarer_kinds_of_slip_are_named(symbol, make, words):
    sheet = SHEETS["default"]
    verdict = sheet.check(symbol, make(SimpleNamespace(**sheet.values)))
    assert words in verdict.message


def expressions_of_all_networks():
    """(line's expression, values of a sheet), for every activation and loss."""
    for activation in PHI:
        for loss in LOSS:
            values = generic_values(activation, loss, (1, 2, 1, 3, 3))
            for *_, expression in layout(activation, loss):
                yield expression, values


TABLES = RULES, STRAY_RULES, RARE_RULES, FAR_RULES
EVERY_RULE = [
    {pattern: {phrase: text}}
    for table in TABLES
    for pattern, written in table.items()
    for phrase, text in written.items()
]


@pytest.mark.parametrize("rule", EVERY_RULE, ids=str)
def test_every_rule_fits_some_line(rule):
    assert any(
        try_to_evaluate(altered, values) is not None
        for expression, values in expressions_of_all_networks()
        for _, altered, _ in rewrite(expression, rule, "s", 0)
    )


def second_order(v, V1, V2):
    """dW1_dot along V1 and V2, for the square as φ."""
    H1_dot = v.phi1_s * (v.X1_s @ V1)
    dF_dot = Fraction(2, N) * (H1_dot @ v.W2[:2] + v.H1_1_s @ V2)
    dH1_dot = dF_dot @ v.W2[:2].T + v.dF_s @ V2[:2].T
    return v.X1_s.T @ (dH1_dot * v.phi1_s + v.dH1_s * 2 * (v.X1_s @ V1))


def total(v):
    """The sum of all entries of dα."""
    return v.dalpha1.sum() + v.dalpha2.sum()


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)
@pytest.mark.parametrize(("symbol", "make", "words"), WRONG)
def test_a_wrong_answer_is_named_by_what_is_wrong(sheet, symbol, make, words):
    verdict = sheet.check(symbol, make(SimpleNamespace(**sheet.values)))
    assert not verdict.right
    assert verdict.named, verdict.message
    assert words in verdict.message


@cache
def honest_sheets():
    """The default sheet, and those of some seeds and names."""
    drawn = [Worksheet.from_seed(seed) for seed in range(20, 30)]
    named = [Worksheet.for_name(name) for name in ("李明", "Ada", "O’Neil, J.", "x")]
    return [*SHEETS.values(), *drawn, *named]


def hidden_slips(sheets):
    """(sheet, symbol, phrase) of the slips that leave the value of their line alone."""
    floats = [sheet.tutor.floats for sheet in sheets]
    values = {symbol: np.stack([v[symbol] for v in floats]) for symbol in floats[0]}
    values |= {"N_s": N, "N_q": N}
    for slips in sheets[0].tutor.slips.values():
        for slip in (slip for slip in slips if slip.rank < RARE):
            wrong, right = evaluate(slip.expression, values), values[slip.symbol]
            if wrong.shape == right.shape:
                differs = abs(wrong - right).reshape(len(sheets), -1) > 1e-9
                for i in np.flatnonzero(~differs.any(1)):
                    yield i, slip.symbol, slip.phrase


def test_no_sheet_hides_a_slip():
    assert list(hidden_slips(honest_sheets())) == []


def test_positive_step_sizes_would_hide_a_slip():
    net, theta, alpha, batch = default_example()
    sheet = Worksheet(net, theta, abs(alpha), batch)
    assert (0, "V1", "with |α1| for α1") in list(hidden_slips([sheet]))


def test_with_two_examples_the_textbooks_loss_goes_unseen():
    net, theta, alpha, batch = default_example()
    halves = TaskBatch(*(array[:, :2] for array in vars(batch).values()))
    sheet = Worksheet(net, theta, alpha, halves)

    def phrases(sheet):
        return [slip.phrase for slip in sheet.tutor.slips["dF_s"]]

    assert "without the 2/N" in phrases(SHEETS["default"])
    assert "without the 2/N" not in phrases(sheet)


def test_drawn_sheets_are_small_and_exact():
    for sheet in honest_sheets():
        for line in sheet.lines:
            entries = np.ravel(line.value)
            assert any(entries), line.symbol
            for entry in map(Fraction, entries):
                assert entry.denominator <= 24
                assert abs(entry.numerator) < 2000
        assert {len(sheet.values[f"X_{which}"]) for which in "sq"} == {3}


def miscalculate(value, rng):
    """A number with an arithmetic slip: a few units or a sign off, digits swapped."""
    kind = rng.randrange(3)
    digits = str(abs(value.numerator))
    if kind == 0 and value:
        return -value
    if kind == 1 and len(set(digits)) > 1:
        numerator = (
            int(digits[::-1]) if len(digits) < 3 else int(digits[1::-1] + digits[2:])
        )
        return Fraction(numerator if value > 0 else -numerator, value.denominator)
    return value + rng.choice([-10, -3, -2, -1, 1, 2, 3, 10, Fraction(1, 2)])


def test_arithmetic_slips_accuse_nobody():
    rng = random.Random(5)
    accused, sheets = [], honest_sheets()
    for count in range(2000):
        sheet = sheets[count % len(sheets)]
        line = rng.choice([line for line in sheet.lines if line.expression])
        wrong = np.array(line.value, dtype=object)
        index = tuple(rng.randrange(size) for size in wrong.shape)
        wrong[index] = miscalculate(Fraction(wrong[index]), rng)
        verdict = sheet.check(line.symbol, wrong)
        assert verdict.right == np.array_equal(wrong, line.value)
        accused += [str(verdict)] if verdict.named else []
        if not verdict.named and not verdict.right and wrong.size > 1:
            assert f"entry {list(index)} is wrong, the others are right" in str(verdict)
    assert len(accused) <= 10, accused


def test_one_entry_is_arithmetic_though_a_slip_of_this_line_gives_it():
    sheet = SHEETS["default"]
    verdict = sheet.check("H1_s", abs(sheet.values["Z1_s"]))  # |z| = z² but for z = −2
    assert not verdict.named
    assert "entry [1, 0] is wrong, the others are right" in verdict.message


def test_zero_in_every_entry_is_said_and_accuses_nobody():
    verdict = Worksheet.from_seed(6).check("V1", [[0, 0], [0, 0]])
    assert str(verdict) == "V1 is not right: every entry is 0."
    assert not verdict.named
    assert SHEETS["default"].check("phi2", 3 * [[0, 0]]).mistakes == (7,)


def test_half_of_a_derivative_is_no_forgotten_half_of_the_loss():
    v = SHEETS["default"].values
    verdict = SHEETS["default"].check("dZ1_s", v["dH1_s"] * v["Z1_s"])
    assert "with Z1_s for φ′_s" in verdict.message
    assert verdict.mistakes == ()


def test_a_slip_of_this_line_and_of_one_before_are_named_together():
    v = SHEETS["default"].values
    wrong = (v["F_s"] - v["Y_s"]) @ v["W2_prime"][:2].T
    verdict = SHEETS["default"].check("dH1_s", wrong)
    assert "the updated W2′ for W2, with dF_s made without the 2/N" in str(verdict)


def test_no_slip_needs_the_value_of_its_own_line():
    for symbol, slips in SHEETS["default"].tutor.slips.items():
        for slip in slips:
            assert symbol not in symbols_in(slip.expression), slip


def test_of_several_explanations_the_simplest_is_given():
    v = SHEETS["default"].values
    message = str(SHEETS["default"].check("dtheta2", v["dW2_q"]))
    assert message.count("made") == 1  # not what an earlier line would explain too


@pytest.mark.parametrize("activation", PHI)
@pytest.mark.parametrize("loss", LOSS)
def test_every_network_has_slips_and_each_is_named(activation, loss):
    rng = np.random.default_rng(1)
    net = TwoLayerNet(2, 3, 2, activation, loss)
    sets = []
    for n in (4, 5):
        labels = rng.integers(2, size=(1, n) if loss.startswith("soft") else (1, n, 2))
        smooth = rng.standard_normal((1, n, 2))
        sets += [rng.standard_normal((1, n, 2)), smooth if loss[1] == "q" else labels]
    theta, alpha = rng.standard_normal((2, net.n_params))
    sheet = Worksheet(net, theta, alpha, TaskBatch(*sets))
    lines = {symbol for *_, symbol, _ in layout(activation, loss)}
    assert {symbol for symbol, slips in sheet.tutor.slips.items() if slips} == lines
    values = SimpleNamespace(**sheet.values)
    assert sheet.check("dZ1_s", values.dH1_s).named or activation == "identity"
    assert sheet.check("Z1_q", values.X1_q @ values.W1).named
    assert sheet.check("dF_s", 4 * values.dF_s).named
    assert sheet.check("F_dot", values.H1_1_s @ values.V2).named
    for name, (_, phi1, _) in PHI.items():  # the derivative of another activation
        wrong = evaluate(phi1, sheet.values)
        verdict = sheet.check("phi1_s", wrong)
        assert verdict.right or verdict.named, name

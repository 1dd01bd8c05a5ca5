"""The worksheet's values, its formulas, its exports, and its verdicts on answers."""

import re
from fractions import Fraction

import numpy as np
import pytest

from metasgd_np import TaskBatch, TwoLayerNet, meta_gradient
from metasgd_np.worksheets.lines import LOSS, PHI
from metasgd_np.worksheets.printing import matrix, render
from metasgd_np.worksheets.worksheet import Worksheet

SHEET = Worksheet()
WORKED = [line for line in SHEET.lines if line.tag]


def tanh_sheet():
    """A sheet in floats: tanh, D = 2, H = 3, O = 2, unlike numbers of examples."""
    rng = np.random.default_rng(4)
    net = TwoLayerNet(2, 3, 2)
    sizes = ((1, 4, 2), (1, 4, 2), (1, 5, 2), (1, 5, 2))
    batch = TaskBatch(*(rng.standard_normal(size) for size in sizes))
    theta, alpha = rng.standard_normal((2, net.n_params))
    return Worksheet(net, theta, 0.3 * alpha, batch)


def example(activation, loss, exact):
    """(net, θ, α, batch) in floats, or in fractions with unlike numbers of examples."""
    rng = np.random.default_rng(4)
    net = TwoLayerNet(2, 3, 2, activation, loss)

    def draw(*shape):
        if exact:
            return rng.choice(np.array([-2, -1, 1, 2], object), shape) * Fraction(1, 2)
        return rng.standard_normal(shape)

    sets = []
    for n in (4, 5):
        labels = {
            "squared_error": draw(1, n, 2),
            "sigmoid_cross_entropy": rng.integers(2, size=(1, n, 2)),
            "softmax_cross_entropy": rng.integers(2, size=(1, n)),
        }
        sets += [draw(1, n, 2), labels[loss]]
    return net, draw(net.n_params), draw(net.n_params), TaskBatch(*sets)


@pytest.mark.parametrize("activation", PHI)
@pytest.mark.parametrize("loss", LOSS)
def test_the_last_lines_are_the_meta_gradient(activation, loss):
    polynomial = activation in ("square", "identity", "relu")
    exact = polynomial and loss == "squared_error"
    sheet = Worksheet(*example(activation, loss, exact))
    net, v = sheet.problem[0], sheet.values
    right = meta_gradient(*sheet.problem)
    found = net.pack(v["dtheta1"], v["dtheta2"]), net.pack(v["dalpha1"], v["dalpha2"])
    if exact:
        assert np.array_equal(found, (right.d_theta, right.d_alpha))
        assert v["L_q"] == right.loss
        assert isinstance(v["L_q"], Fraction)
    else:
        np.testing.assert_allclose(found, (right.d_theta, right.d_alpha), rtol=1e-12)
        np.testing.assert_allclose(v["L_q"], right.loss, rtol=1e-12)


def test_every_line_in_between_is_the_networks():
    net, theta, alpha, batch = example("tanh", "squared_error", exact=False)
    v = Worksheet(net, theta, alpha, batch).values
    p = net.backward_pass(theta, batch.X_s[0], batch.Y_s[0])
    t = net.tangent_pass(p, net.pack(v["V1"], v["V2"]))
    for name in ("X1", "Z1", "H1", "H1_1", "F", "dF", "dH1", "phi1"):
        np.testing.assert_allclose(v[f"{name}_s"], getattr(p, name), rtol=1e-12)
    for name in ("Z1_dot", "H1_dot", "F_dot", "dF_dot", "dH1_dot", "phi2", "dZ1_dot"):
        np.testing.assert_allclose(v[name], getattr(t, name), rtol=1e-12)
    dW = np.split(t.hv, [9])
    np.testing.assert_allclose(v["dW1_dot"], dW[0].reshape(3, 3), rtol=1e-12)
    np.testing.assert_allclose(v["dW2_dot"], dW[1].reshape(4, 2), rtol=1e-12)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (
            "beside(H1_dot, 0).T @ dF_s + H1_1_s.T @ dF_dot",
            "[H1_dot 0]ᵀ dF_s + H̃1_sᵀ dF_dot",
        ),
        ("2 / N_s * (F_s - Y_s)", "2/N · (F_s − Y_s)"),
        ("-(dW1_s * dW1_q)", "−dW1_s∘dW1_q"),
        ("dF_q @ bar(W2_prime).T", "dF_q W̄2′ᵀ"),
        ("W1 - (alpha1 - dW1_s)", "W1 − (α1 − dW1_s)"),
        ("(dH1_s + Z1_s) * phi1_s", "(dH1_s + Z1_s)∘φ′_s"),
        ("-2 * H1_s * phi1_s", "−2 H1_s∘φ′_s"),
        ("1 / N_s * sum((F_s - Y_s)**2)", "1/N · Σ (F_s − Y_s)²"),
    ],
)
def test_an_expression_is_printed_as_people_write_it(expression, text):
    assert render(expression) == text


def test_a_formula_shows_its_numbers():
    text = render("dW2_s - bar(W2) * N_s", SHEET.values)
    assert (
        text == f"{matrix(SHEET.values['dW2_s'])} − {matrix(SHEET.values['W2'][:-1])}∘3"
    )


def test_the_default_example_is_small_and_hides_no_term():
    for line in SHEET.lines:
        for entry in np.ravel(line.value):
            assert isinstance(entry, int | Fraction), line.symbol
            assert Fraction(entry).denominator <= 4
            assert abs(Fraction(entry).numerator) <= 60
        assert any(np.ravel(line.value)), line.symbol
    net, _, alpha, batch = SHEET.problem
    assert (net.n_in, net.n_hidden, net.n_out) == (1, 2, 1)
    assert batch.X_s.shape == batch.X_q.shape == (1, 3, 1)  # else 1/N or 2/N is 1
    assert len(set(alpha)) > 2  # else α∘(Hλ) would equal H(α∘λ)


def test_a_seed_is_always_the_same_sheet_and_another_seed_another():
    one, two, other = (Worksheet.from_seed(seed) for seed in (7, 7, 8))
    assert str(one) == str(two) != str(other)


def test_a_name_is_always_the_same_sheet_on_any_machine():
    one, two, other = map(Worksheet.for_name, ("Zoë  B.", " Zoe\u0308 B.\n", "Zoe B."))
    assert str(one) == str(two) != str(other)


DRAWN = {  # once and for all: exercises and printed sheets rely on them
    "X_s": ("[1; 2; 0]", "[0; 2; -1]"),
    "Y_s": ("[3; -1; -9]", "[21/2; 4; 29/2]"),
    "X_q": ("[-1; 0; -2]", "[-2; -1; 0]"),
    "Y_q": ("[4; 4; 27/2]", "[-15; 0; -8]"),
    "W1": ("[-1 -1; 2 2]", "[1 1; -1 -2]"),
    "W2": ("[-1; -1; 2]", "[-1; 2; 2]"),
    "alpha1": ("[1/4 1/4; -3/4 -3/4]", "[-1/4 1/4; -1/2 1/4]"),
    "alpha2": ("[-1/4; -1/4; 1/4]", "[1; 1/2; -3/2]"),
}


def test_a_seed_and_a_name_are_the_same_on_every_machine():
    seed, name = Worksheet.from_seed(7), Worksheet.for_name("Ada Lovelace")
    for symbol, expected in DRAWN.items():
        assert (matrix(seed.values[symbol]), matrix(name.values[symbol])) == expected


@pytest.mark.parametrize("line", WORKED, ids=lambda line: line.symbol)
def test_the_right_answer_is_right_however_it_is_written(line):
    values = np.asarray(line.value, dtype=object)
    floats = values.astype(float)
    answers = [values, values.tolist(), floats, floats.tolist()]
    answers.append(np.vectorize(str, otypes=[object])(values).tolist())
    answers.append(np.vectorize(lambda v: round(float(v), 3))(floats))
    if values.size == 1:
        answers += [values.item(), float(values.item()), str(values.item())]
    if values.size == max(values.shape, default=1):
        answers.append(values.ravel().tolist())
    for answer in answers:
        assert SHEET.check(line.symbol, answer).right, answer


@pytest.mark.parametrize("line", WORKED, ids=lambda line: line.symbol)
def test_one_wrong_entry_is_an_arithmetic_slip_and_accuses_nobody(line):
    wrong = np.array(line.value, dtype=object)
    last = tuple(size - 1 for size in wrong.shape)
    wrong[last] = wrong[last] + Fraction(1, 97)
    verdict = SHEET.check(line.symbol, wrong)
    assert not verdict.right
    assert not verdict.named
    assert verdict.mistakes == ()
    if wrong.size > 1:
        assert f"entry {list(last)} is wrong, the others are right" in verdict.message
    else:
        assert "no known slip gives this" in verdict.message


def test_several_wrong_entries_are_listed():
    wrong = SHEET.values["dW1_dot"].copy()
    wrong[:, 0] += Fraction(1, 97)
    message = SHEET.check("dW1_dot", wrong).message
    assert "the entries [0, 0] and [1, 0] are wrong, the others are right" in message
    assert "no entry is" in SHEET.check("dW1_dot", wrong + Fraction(1, 91)).message


def test_minus_the_query_gradient_for_alpha_is_named():
    verdict = SHEET.check("dalpha1", -SHEET.values["dW1_q"])
    assert verdict.mistakes == (1,)
    assert verdict.named
    assert "it may be made without the factor dW1_s (see mistake 1, α" in str(verdict)


def test_decimals_are_right_to_the_digits_given():
    sheet = tanh_sheet()
    truth = float(sheet.values["L_q"])
    for digits in range(1, 9):
        off = truth + 2 * 10**-digits
        assert sheet.check("L_q", round(truth, digits)).right
        assert sheet.check("L_q", f"{truth:.{digits}f}").right
        assert not sheet.check("L_q", f"{off:.{digits}f}").right
    assert sheet.check("L_q", truth * (1 + 1e-12)).right


def test_a_whole_number_or_fraction_must_be_exact():
    truth = SHEET.values["L_q"]
    assert SHEET.check("L_q", truth).right
    assert not SHEET.check("L_q", truth + Fraction(1, 10**6)).right


@pytest.mark.parametrize("answer", [[[1, 2, 3]], [1, 2, 3], 5, [[[1]]]])
def test_a_wrong_shape_is_told(answer):
    verdict = SHEET.check("dW1_s", answer)
    assert not verdict.right
    assert "shape" in verdict.message
    assert "expected (2, 2)" in verdict.message


def test_a_transposed_answer_is_told():
    verdict = SHEET.check("dW2_s", SHEET.values["dW2_s"].T)
    assert "made with the result transposed" in verdict.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("three", "'three' is not a finite number"),
        (float("nan"), "nan is not a finite number"),
        ([[1, float("inf")], [0, 0]], "inf is not a finite number"),
        ([[1, None], [0, 0]], "None is not a finite number"),
        (True, "True is not a finite number"),
        (2 + 1j, "not a finite number"),
        ("1/0", "'1/0' is not a finite number"),
        ([[1, 2], [3]], "different lengths"),
        ([], "different lengths, or none"),
        ({"a": 1}, "not a finite number"),
    ],
)
def test_what_is_no_number_gets_a_sentence(answer, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        SHEET.check("dW1_s", answer)


def test_an_unknown_symbol_gets_the_list_of_symbols():
    with pytest.raises(ValueError, match=r"no line 'dW3'.*choose one of: .*dW2_s"):
        SHEET.check("dW3", 1)
    with pytest.raises(ValueError, match="no line 7"):
        SHEET.check(7, 1)


def test_a_sheet_works_one_task():
    net, theta, alpha, batch = tanh_sheet().problem
    two = TaskBatch(*(np.concatenate([a, a]) for a in vars(batch).values()))
    with pytest.raises(ValueError, match=r"2 tasks, but a worksheet takes one"):
        Worksheet(net, theta, alpha, two)
    with pytest.raises(ValueError, match=r"theta has shape \(3,\)"):
        Worksheet(net, np.ones(3), alpha, batch)
    with pytest.raises(ValueError, match="seed is -1, but it must be 0 or more"):
        Worksheet.from_seed(-1)

"""A sheet is marked as a fair examiner does: one slip costs one line.

The students are simulated in ordinary NumPy: each line is worked out from the
student's own earlier lines, some of them wrongly.
"""

import html.parser
import random
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from metasgd_np import TaskBatch, TwoLayerNet
from metasgd_np.worksheets.worksheet import Worksheet

SHEET = Worksheet()
SHEETS = [SHEET, Worksheet.from_seed(3), Worksheet.for_name("Carl Friedrich Gauß")]
TWO_N = Fraction(2, 3)


def ones(A, value=1):
    """[A 1], or [A 0]."""
    return np.hstack([A, np.full((len(A), 1), Fraction(value), dtype=object)])


def mean_square(E):
    """The mean over the examples of squared errors."""
    return (E * E).sum() / Fraction(len(E))


LINES = {  # every line from the lines before it
    "X1_s": lambda v: ones(v.X_s),
    "Z1_s": lambda v: v.X1_s @ v.W1,
    "H1_s": lambda v: v.Z1_s * v.Z1_s,
    "H1_1_s": lambda v: ones(v.H1_s),
    "F_s": lambda v: v.H1_1_s @ v.W2,
    "L_s": lambda v: mean_square(v.F_s - v.Y_s),
    "dF_s": lambda v: TWO_N * (v.F_s - v.Y_s),
    "dW2_s": lambda v: v.H1_1_s.T @ v.dF_s,
    "dH1_s": lambda v: v.dF_s @ v.W2[:2].T,
    "phi1_s": lambda v: 2 * v.Z1_s,
    "dZ1_s": lambda v: v.dH1_s * v.phi1_s,
    "dW1_s": lambda v: v.X1_s.T @ v.dZ1_s,
    "W1_prime": lambda v: v.W1 - v.alpha1 * v.dW1_s,
    "W2_prime": lambda v: v.W2 - v.alpha2 * v.dW2_s,
    "X1_q": lambda v: ones(v.X_q),
    "Z1_q": lambda v: v.X1_q @ v.W1_prime,
    "H1_q": lambda v: v.Z1_q * v.Z1_q,
    "H1_1_q": lambda v: ones(v.H1_q),
    "F_q": lambda v: v.H1_1_q @ v.W2_prime,
    "L_q": lambda v: mean_square(v.F_q - v.Y_q),
    "dF_q": lambda v: TWO_N * (v.F_q - v.Y_q),
    "dW2_q": lambda v: v.H1_1_q.T @ v.dF_q,
    "dH1_q": lambda v: v.dF_q @ v.W2_prime[:2].T,
    "phi1_q": lambda v: 2 * v.Z1_q,
    "dZ1_q": lambda v: v.dH1_q * v.phi1_q,
    "dW1_q": lambda v: v.X1_q.T @ v.dZ1_q,
    "V1": lambda v: v.alpha1 * v.dW1_q,
    "V2": lambda v: v.alpha2 * v.dW2_q,
    "Z1_dot": lambda v: v.X1_s @ v.V1,
    "H1_dot": lambda v: v.phi1_s * v.Z1_dot,
    "F_dot": lambda v: v.H1_dot @ v.W2[:2] + v.H1_1_s @ v.V2,
    "dF_dot": lambda v: TWO_N * v.F_dot,
    "dW2_dot": lambda v: ones(v.H1_dot, 0).T @ v.dF_s + v.H1_1_s.T @ v.dF_dot,
    "dH1_dot": lambda v: v.dF_dot @ v.W2[:2].T + v.dF_s @ v.V2[:2].T,
    "phi2": lambda v: 0 * v.Z1_s + 2,
    "dZ1_dot": lambda v: v.dH1_dot * v.phi1_s + v.dH1_s * v.phi2 * v.Z1_dot,
    "dW1_dot": lambda v: v.X1_s.T @ v.dZ1_dot,
    "dtheta1": lambda v: v.dW1_q - v.dW1_dot,
    "dtheta2": lambda v: v.dW2_q - v.dW2_dot,
    "dalpha1": lambda v: -v.dW1_s * v.dW1_q,
    "dalpha2": lambda v: -v.dW2_s * v.dW2_q,
}
SLIPS = {  # lines worked out wrongly, each with words of the remark
    "Z1_s": (lambda v: v.X_s @ v.W1[:1], "without the bias"),
    "H1_s": (lambda v: 2 * v.Z1_s, "2 Z1_s for Z1_s²"),
    "F_s": (lambda v: v.H1_s @ v.W2[:2], "without the bias"),
    "L_s": (lambda v: ((v.F_s - v.Y_s) ** 2).sum(), "without the 1/N"),
    "dF_s": (lambda v: v.F_s - v.Y_s, "without the 2/N"),
    "dW2_s": (lambda v: v.H1_1_s.T @ v.dF_s / 3, "1/N too many"),
    "dZ1_s": (lambda v: v.dH1_s, "without the factor φ′_s"),
    "dW1_s": (lambda v: v.X1_s.T @ v.dH1_s, "dH1_s for dZ1_s"),
    "W1_prime": (lambda v: v.W1 + v.alpha1 * v.dW1_s, "+ α1∘dW1_s"),
    "Z1_q": (lambda v: v.X1_q @ v.W1, "W1 for W1′"),
    "F_q": (lambda v: v.H1_1_q @ v.W2, "W2 for W2′"),
    "dF_q": (lambda v: TWO_N * (v.Y_q - v.F_q), "Y_q − F_q"),
    "dH1_q": (lambda v: v.dF_q @ v.W2[:2].T, "W2 for W2′"),
    "V1": (lambda v: v.dW1_q, "without the factor α1"),
    "H1_dot": (lambda v: v.Z1_dot, "without the factor φ′_s"),
    "F_dot": (lambda v: v.H1_1_s @ v.V2, "without the term H1_dot W̄2"),
    "dF_dot": (lambda v: 1 * v.F_dot, "without the 2/N"),
    "dW2_dot": (lambda v: v.H1_1_s.T @ v.dF_dot, "without the term [H1_dot 0]"),
    "dH1_dot": (lambda v: v.dF_dot @ v.W2[:2].T, "without the term dF_s V̄2ᵀ"),
    "phi2": (lambda v: 0 * v.Z1_s, "0 for 2"),
    "dZ1_dot": (lambda v: v.dH1_dot * v.phi1_s, "without the term dH1_s∘φ″"),
    "dtheta1": (lambda v: v.dW1_q + v.dW1_dot, "+ dW1_dot"),
    "dalpha2": (lambda v: v.dW2_s * v.dW2_q, "without the minus"),
}


def work(sheet, wrong):
    """A student's answers to a sheet; `wrong` has {symbol: how it is worked out}."""
    v = SimpleNamespace(**sheet.values)
    for symbol, right in LINES.items():
        setattr(v, symbol, wrong.get(symbol, right)(v))
    return {symbol: getattr(v, symbol) for symbol in LINES}


def miscalculate(symbol, rng):
    """The right line with a slip of arithmetic in one entry."""

    def wrong(v):
        value = np.array(LINES[symbol](v), dtype=object)
        index = tuple(rng.randrange(size) for size in value.shape)
        value[index] = value[index] + rng.choice([-3, -1, 2, 5])
        return value if value.shape else value[()]

    return wrong


def test_the_students_lines_are_the_sheets():
    for sheet in SHEETS:
        for symbol, value in work(sheet, {}).items():
            assert np.array_equal(value, sheet.values[symbol]), symbol


def test_all_right_is_full_marks():
    marks = SHEET.mark(work(SHEET, {}))
    assert marks.points == marks.total == len(LINES) == len(marks.lines)
    assert {line.mark for line in marks.lines} == {"right"}


@pytest.mark.parametrize("sheet", SHEETS)
@pytest.mark.parametrize(("symbol", "slip"), SLIPS.items(), ids=SLIPS)
def test_one_slip_costs_one_line_and_is_named(sheet, symbol, slip):
    wrong, words = slip
    marks = sheet.mark(work(sheet, {symbol: wrong}))
    lost = [line for line in marks.lines if not line.points]
    assert [line.symbol for line in lost] == [symbol]
    assert words in lost[0].message
    assert words in lost[0].slip
    assert lost[0].verdict.named
    assert marks.total - marks.points == 1


@pytest.mark.parametrize("seed", range(60))
def test_points_lost_are_slips_made(seed):
    rng = random.Random(seed)
    sheet = SHEETS[seed % len(SHEETS)]
    n_slips = 1 + seed % 3
    wrong = {}
    for symbol in rng.sample(list(LINES), n_slips):
        known = symbol in SLIPS and rng.random() < 0.7
        wrong[symbol] = SLIPS[symbol][0] if known else miscalculate(symbol, rng)
    marks = sheet.mark(work(sheet, wrong))
    lost = [line.symbol for line in marks.lines if not line.points]
    assert sorted(lost) == sorted(wrong)


def test_later_lines_are_right_from_the_students_own_value():
    marks = SHEET.mark(work(SHEET, {"dZ1_s": SLIPS["dZ1_s"][0]}))
    by_symbol = {line.symbol: line for line in marks.lines}
    for symbol in ("dW1_s", "W1_prime", "Z1_q", "dW1_dot", "dtheta1", "dalpha1"):
        assert by_symbol[symbol].mark == "carried"
        assert not by_symbol[symbol].verdict.right
        assert "right from your own earlier value" in by_symbol[symbol].message
    assert by_symbol["W2_prime"].mark == by_symbol["phi2"].mark == "right"


def test_large_numbers_are_followed_exactly():
    off_by_one = np.array([[1, 0], [0, 0]])
    wrong = {
        "X1_s": lambda v: ones(v.X_s) + 70,
        "dW1_dot": lambda v: LINES["dW1_dot"](v) + off_by_one,
    }
    answers = work(SHEET, wrong)
    assert max(abs(answers["dW1_dot"].ravel())) > 10**12
    marks = SHEET.mark(answers)
    lost = [line.symbol for line in marks.lines if not line.points]
    assert lost == list(wrong)


@pytest.mark.parametrize("size", [1e99, -1e99, 1e-99])
@pytest.mark.parametrize("symbol", ["X1_s", "F_s", "dW1_q", "phi2"])
def test_absurd_numbers_are_wrong_in_floats_too(symbol, size):
    for sheet in (SHEET, Worksheet(*float_example())):
        wrong = np.full(np.shape(sheet.values[symbol]), size).tolist()
        answers = {symbol: wrong, "dalpha1": sheet.values["dalpha1"]}
        marks = {line.symbol: line.mark for line in sheet.mark(answers).lines}
        assert marks[symbol] == "wrong"
        assert marks["dalpha1"] == "right"


def test_a_number_too_large_for_a_float_is_a_sentence():
    marks = SHEET.mark({"F_s": [1, 2, 10**400], "L_s": 10**5000})
    read = [line for line in marks.lines if line.mark == "not read"]
    assert [line.symbol for line in read] == ["F_s", "L_s"]
    assert all("an entry is larger than 1e100" in line.message for line in read)
    with pytest.raises(ValueError, match="larger than 1e100"):
        SHEET.check("L_s", "1e999")


def test_blank_lines_are_blank_and_do_no_harm():
    answers = work(SHEET, {})
    some = {symbol: answers[symbol] for symbol in ("F_s", "dW1_dot", "dalpha2")}
    some |= {"L_s": "", "dF_s": None, "dW2_s": "  "}
    marks = SHEET.mark(some)
    assert (marks.points, marks.total) == (3, 41)
    assert {line.mark for line in marks.lines} == {"right", "blank"}
    assert SHEET.mark({}).points == 0


def test_an_error_is_carried_through_blank_lines():
    answers = work(SHEET, {"dF_s": SLIPS["dF_s"][0]})
    for symbol in ("dH1_s", "dZ1_s", "dW1_s", "Z1_q", "H1_q"):
        del answers[symbol]
    marks = SHEET.mark(answers)
    assert [line.symbol for line in marks.lines if line.mark == "wrong"] == ["dF_s"]
    assert marks.points == 41 - 6


def test_a_slip_in_a_blank_line_costs_one_line():
    answers = work(SHEET, {"dF_s": SLIPS["dF_s"][0]})
    del answers["dF_s"]
    marks = SHEET.mark(answers)
    wrong = [line for line in marks.lines if line.mark == "wrong"]
    assert [line.symbol for line in wrong] == ["dW2_s"]
    assert (
        "it would be if dF_s had been made without the 2/N: look there"
        in wrong[0].message
    )
    assert wrong[0].slip == "dF_s made without the 2/N"
    assert marks.points == 41 - 2


def test_a_corrected_line_is_no_error_in_the_next():
    answers = work(SHEET, {"dF_s": SLIPS["dF_s"][0]})
    right = work(SHEET, {})
    for symbol in list(LINES)[list(LINES).index("dW2_s") :]:
        answers[symbol] = right[symbol]
    marks = SHEET.mark(answers)
    assert [line.symbol for line in marks.lines if not line.points] == ["dF_s"]


def test_a_line_may_start_from_one_own_value_and_one_that_was_corrected():
    rng = random.Random(0)
    answers = work(SHEET, {s: miscalculate(s, rng) for s in ("dW1_q", "dW1_dot")})
    answers["dtheta1"] = SHEET.values["dW1_q"] - answers["dW1_dot"]
    marks = {line.symbol: line.mark for line in SHEET.mark(answers).lines}
    assert marks["dW1_q"] == marks["dW1_dot"] == "wrong"
    assert marks["dtheta1"] == "carried"


def test_rounded_values_may_be_carried_on():
    v = SHEET.values
    answers = work(SHEET, {})
    thirds = np.array([["1.33"], ["0.67"], ["2.33"]])
    net, theta, alpha, batch = SHEET.problem
    batch = TaskBatch(
        batch.X_s,
        v["F_s"][None] - [[2], [1], [Fraction(7, 2)]],
        *[batch.X_q, batch.Y_q],
    )
    sheet = Worksheet(net, theta, alpha, batch)
    answers = work(sheet, {})
    answers["dF_s"] = thirds
    answers["dW2_s"] = v["H1_1_s"].T @ np.vectorize(Fraction)(thirds)  # 2 2/3 is 2.66
    marks = sheet.mark(answers)
    by_symbol = {line.symbol: line.mark for line in marks.lines}
    assert (by_symbol["dF_s"], by_symbol["dW2_s"]) == ("right", "carried")
    assert marks.points == 41


def test_what_was_rounded_on_paper_only_may_be_carried_on_exactly():
    exact = work(SHEET, {"dF_s": lambda v: (v.F_s - v.Y_s) / 7})
    answers = {
        symbol: np.vectorize(lambda x: f"{float(x):.4g}", otypes=[object])(value)
        if symbol in ("dW2_s", "dZ1_s", "W2_prime")
        else value
        for symbol, value in exact.items()
    }
    marks = SHEET.mark(answers)
    lost = [line.symbol for line in marks.lines if not line.points]
    assert lost == ["dF_s"]


def to_three_digits(x):
    """As people write it: 0.0333, 3.33, 33.3, 333 and 3333."""
    exponent = int(f"{float(x):.2e}".split("e")[1])
    return f"{float(x):.{max(0, 2 - exponent)}f}"


@pytest.mark.parametrize(
    "form", ["{:#.4g}".format, "{:.3f}".format, to_three_digits], ids=["4g", "3f", "3"]
)
@pytest.mark.parametrize("symbol", SLIPS)
def test_one_slip_costs_one_line_in_decimals_too(symbol, form):
    sheet = SHEETS[len(symbol) % len(SHEETS)]
    answers = work(sheet, {symbol: SLIPS[symbol][0]})  # rounded only when written
    rounded = np.vectorize(lambda x: form(float(x)), otypes=[object])
    marks = sheet.mark({s: rounded(value).tolist() for s, value in answers.items()})
    assert [line.symbol for line in marks.lines if not line.points] == [symbol]


def test_a_whole_number_is_exact_unless_there_are_decimals():
    own = np.array(SHEET.values["Z1_s"]) + Fraction(201, 2)
    whole = {"Z1_s": own, "phi1_s": 2 * own, "H1_s": np.vectorize(round)(own**2)}
    marks = {line.symbol: line.mark for line in SHEET.mark(whole).lines}
    assert (marks["phi1_s"], marks["H1_s"]) == ("carried", "wrong")
    whole["L_s"] = "0.5"
    marks = {line.symbol: line.mark for line in SHEET.mark(whole).lines}
    assert (marks["phi1_s"], marks["H1_s"]) == ("carried", "carried")
    whole["phi1_s"] = 2 * own + 1
    assert SHEET.mark(whole).lines[9].mark == "wrong"


def test_a_half_may_be_rounded_before_it_is_carried_on():
    for thousandths in (100, 170, 1150, 2340):
        half = Fraction(2 * thousandths + 1, 2000)
        answers = {
            "Z1_q": [[f"{(thousandths + 1) / 1000:.3f}"] * 2] * 3,
            "phi1_q": [[2 * half] * 2] * 3,
        }
        marks = {line.symbol: line.mark for line in SHEET.mark(answers).lines}
        assert (marks["Z1_q"], marks["phi1_q"]) == ("wrong", "carried")


def test_a_single_digit_is_no_excuse_in_the_next_line():
    v = SHEET.values
    answers = {
        "F_s": [[f"{round(float(x))}."] for x in v["F_s"].ravel()],
        "dF_s": v["dF_s"] + Fraction(1, 5),
    }
    assert max(abs(v["F_s"].ravel())) < 10
    marks = {line.symbol: line.mark for line in SHEET.mark(answers).lines}
    assert marks["dF_s"] == "wrong"


def test_rounding_is_followed_through_blank_lines():
    answers = work(SHEET, {"dF_s": SLIPS["dF_s"][0]})
    rounded = np.vectorize(lambda x: f"{float(x):.3f}", otypes=[object])
    some = {s: rounded(answers[s]).tolist() for s in ("dF_s", "dW1_s", "Z1_q", "L_q")}
    marks = {line.symbol: line.mark for line in SHEET.mark(some).lines}
    assert marks["dF_s"] == "wrong"
    assert marks["dW1_s"] == marks["Z1_q"] == marks["L_q"] == "carried"


def test_a_rounded_answer_that_hides_a_slip_is_not_right():
    sheet = Worksheet(*float_example())
    line = sheet.mark({"L_s": f"{float(sheet.values['L_s']):.0e}"}).lines[5]
    assert (line.symbol, line.mark) == ("L_s", "wrong")
    assert "too few digits" in line.message


def float_example():
    """A tanh network with unlike sizes: (net, θ, α, batch)."""
    rng = np.random.default_rng(4)
    net = TwoLayerNet(2, 4, 3)
    sizes = ((1, 5, 2), (1, 5, 3), (1, 6, 2), (1, 6, 3))
    theta, alpha = rng.standard_normal((2, net.n_params))
    return net, theta, alpha, TaskBatch(*(rng.standard_normal(s) for s in sizes))


def test_a_sheet_in_floats_is_marked_too():
    sheet = Worksheet(*float_example())
    answers = {line.symbol: line.value for line in sheet.lines if line.expression}
    assert sheet.mark(answers).points == 41
    v = sheet.values
    answers["dZ1_s"] = v["dH1_s"]
    answers["dW1_s"] = v["X1_s"].T @ v["dH1_s"]
    answers["W1_prime"] = v["W1"] - v["alpha1"] * answers["dW1_s"]
    marks = {line.symbol: line.mark for line in sheet.mark(answers).lines}
    assert marks["dZ1_s"] == "wrong"
    assert marks["dW1_s"] == marks["W1_prime"] == "carried"
    assert marks["Z1_q"] == "right"


def test_what_is_no_number_is_wrong_and_the_rest_is_marked():
    answers = work(SHEET, {}) | {"F_s": "see below"}
    marks = SHEET.mark(answers)
    line = next(line for line in marks.lines if line.symbol == "F_s")
    assert line.mark == "not read"
    assert "not read" in line.message
    assert marks.points == 40


def test_an_unknown_line_gets_the_list_of_lines():
    with pytest.raises(ValueError, match=r"no line 'dW3' .*choose one of: .*dW2_s"):
        SHEET.mark({"dW3": 1})


def test_a_file_is_marked(tmp_path):
    text = "\n".join(
        f"{line.symbol} = {row}"
        for line in SHEET.lines
        if (row := "; ".join(" ".join(map(str, r)) for r in np.atleast_2d(line.value)))
    )
    path = tmp_path / "answers.txt"
    path.write_text(text.replace("phi2 = 2 2; 2 2; 2 2", "phi2 = 1 1; 1 1; 1 1"))
    marks = SHEET.mark(path)
    lost = {line.symbol: line.message for line in marks.lines if not line.points}
    assert set(lost) == {"phi2"}  # the next line is right all the same
    assert "1 for 2" in lost["phi2"]
    assert str(SHEET.mark(str(path))) == str(marks)


class Table(html.parser.HTMLParser):
    """The texts of a table's cells, row by row."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if data.strip():
            self.rows[-1][-1] += data


def test_the_marks_are_a_table_in_text_and_html():
    marks = SHEET.mark(work(SHEET, {"dtheta1": SLIPS["dtheta1"][0]}))
    text = str(marks).splitlines()
    assert text[-1] == "40 of 41 points"
    assert len(text) == 42
    assert text[37].startswith(
        "✗ dtheta1   0  dtheta1 is not right: it may be made with"
    )
    table = Table()
    table.feed(marks._repr_html_())
    assert table.rows[-1][2] == "40 of 41"
    for row, line in zip(table.rows[1:-1], marks.lines, strict=True):
        assert row[1:] == [line.symbol, str(line.points), line.message]

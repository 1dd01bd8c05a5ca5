"""The worksheet's values, its formulas, its exports, and its verdicts on answers."""

import html.parser
import re
from fractions import Fraction

import numpy as np
import pytest

from metasgd_np import TaskBatch, TwoLayerNet, meta_gradient
from metasgd_np.cli import main
from metasgd_np.worksheets.formats import matrix, value_of
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


def evaluate(sheet, formula):
    """The value of a formula such as "{X1_s}ᵀ {dZ1_s}", computed as it is written."""

    def beside(A, column):
        return np.hstack([A, np.full((len(A), 1), column)])

    code = formula.replace("−", "-").replace("∘", "*").replace("·", "*")
    code = re.sub(r"\[(\{\w+\}) ([01])\]", r"beside(\1, \2)", code)
    code = re.sub(r"1/(\{N_.\}) \* Σ \((.*)\)²", r"((\2)**2).sum() / \1", code)
    code = re.sub(r"2/(\{N_.\}) \* (.*)", r"2 * (\2) / \1", code)
    code = re.sub(r"([}\)])ᵀ", r"\1.T", code)
    code = re.sub(r"(}|\.T) (?=\{)", r"\1 @ ", code)
    code = re.sub(r"\b2 (?=\{)", "2 * ", code).replace("tanh", "np.tanh")
    code = re.sub(r"\{(\w+)\}", r'value("\1")', code)
    names = {"np": np, "beside": beside, "value": lambda s: value_of(sheet, s)}
    return eval(code, names)


@pytest.mark.parametrize("sheet", [SHEET, tanh_sheet(), Worksheet.from_seed(7)])
def test_every_formula_as_written_gives_its_value(sheet):
    for line in sheet.lines:
        if not line.formula:
            continue
        found = np.broadcast_to(evaluate(sheet, line.formula), np.shape(line.value))
        if found.dtype == object:
            assert np.array_equal(found, line.value), line.symbol
        else:
            np.testing.assert_allclose(
                found.astype(float), line.value.astype(float), rtol=1e-12
            )


def test_the_last_lines_are_the_meta_gradient():
    for sheet in (SHEET, tanh_sheet()):
        net = sheet.problem[0]
        right = meta_gradient(*sheet.problem)
        v = sheet.values
        assert np.array_equal(net.pack(v["dtheta1"], v["dtheta2"]), right.d_theta)
        assert np.array_equal(net.pack(v["dalpha1"], v["dalpha2"]), right.d_alpha)
        assert v["L_q"] == right.loss


def test_the_default_example_is_small_and_hides_no_term():
    assert SHEET.is_easy()
    for line in SHEET.lines:
        for entry in np.ravel(line.value):
            assert isinstance(entry, int | Fraction), line.symbol
            assert Fraction(entry).denominator <= 100
        assert any(np.ravel(line.value)), line.symbol
    net, _, alpha, batch = SHEET.problem
    assert (net.n_in, net.n_hidden, net.n_out) == (1, 2, 1)
    assert batch.X_s.shape == batch.X_q.shape == (1, 2, 1)
    assert len(set(alpha)) > 2  # else α∘(Hλ) would equal H(α∘λ)


def test_a_seed_is_always_the_same_sheet_and_another_seed_another():
    one, two, other = (Worksheet.from_seed(seed) for seed in (7, 7, 8))
    assert str(one) == str(two) != str(other)
    assert one.is_easy()
    assert other.is_easy()


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
def test_an_unknown_wrong_answer_is_told_where_and_accuses_nobody(line):
    wrong = np.array(line.value, dtype=object)
    last = tuple(size - 1 for size in wrong.shape)
    wrong[last] = wrong[last] + Fraction(1, 97)
    verdict = SHEET.check(line.symbol, wrong)
    assert not verdict.right
    assert verdict.mistakes == ()
    assert "no known mistake gives this" in verdict.message
    if wrong.size > 1:
        assert f"entry {list(last)}" in verdict.message


def test_the_first_wrong_entry_is_the_one_told():
    wrong = SHEET.values["dW1_dot"] + Fraction(1, 97)
    assert "entry [0, 0]" in SHEET.check("dW1_dot", wrong).message


def test_minus_the_query_gradient_for_alpha_is_named():
    verdict = SHEET.check("dalpha1", -SHEET.values["dW1_q"])
    assert verdict.mistakes == (1,)
    assert "this is −g′: α was given θ's gradient (see mistake 1" in str(verdict)


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


@pytest.mark.parametrize("answer", [[[1, 2, 3]], [1, 2, 3], 5, [[[1]]], []])
def test_a_wrong_shape_is_told(answer):
    verdict = SHEET.check("dW1_s", answer)
    assert not verdict.right
    assert "shape" in verdict.message
    assert "expected (2, 2)" in verdict.message


def test_a_transposed_answer_is_told():
    verdict = SHEET.check("dW2_s", SHEET.values["dW2_s"].T)
    assert "right but transposed; expected (3, 1)" in verdict.message


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


class Cells(html.parser.HTMLParser):
    """The texts of all td cells, row by row, and the tags left open."""

    def __init__(self):
        super().__init__()
        self.rows, self.open = [], []

    def handle_starttag(self, tag, attrs):
        if tag != "meta":
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag == "td":
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "td":
            self.rows[-1][-1] += data


def html_rows(page):
    parser = Cells()
    parser.feed(page)
    assert parser.open == []
    return {row[0]: row for row in parser.rows if row}


@pytest.mark.parametrize("sheet", [SHEET, tanh_sheet()])
def test_html_has_every_line_and_the_blank_page_no_value(sheet):
    full, blank = html_rows(sheet.to_html()), html_rows(sheet.to_html(blank=True))
    for line in sheet.lines:
        assert full[line.symbol][-1] != ""
        assert (blank[line.symbol][-1] == "") == bool(line.formula)
        assert len(blank[line.symbol]) == len(full[line.symbol]) - 1
    assert html_rows(sheet._repr_html_()) == full


def test_text_and_markdown_have_every_value_and_the_blank_ones_none():
    given = {matrix(line.value) for line in SHEET.lines if not line.tag}
    for write, end in ((SHEET.to_text, "= {}"), (SHEET.to_markdown, "| {} |")):
        full, blank = write().splitlines(), write(blank=True).splitlines()
        for line in WORKED:
            value = end.format(matrix(line.value))
            assert any(row.endswith(value) for row in full), line.symbol
            if matrix(line.value) not in given:
                assert not any(row.endswith(value) for row in blank), line.symbol
            assert any(line.symbol in row for row in blank)
    assert str(SHEET) == SHEET.to_text()
    for row in SHEET.to_markdown().splitlines():
        if row.startswith("|"):
            assert row.count("|") == 7


def test_latex_is_balanced_and_ascii_in_its_mathematics():
    for sheet in (SHEET, tanh_sheet()):
        for blank in (False, True):
            document = sheet.to_latex(blank=blank)
            assert document.count("{") == document.count("}")
            assert document.count("$") % 2 == 0
            for formula in re.findall(r"\$(.*?)\$", document):
                assert formula.isascii(), formula


def test_the_command_prints_the_sheet(capsys):
    assert main(["worksheet"]) == 0
    assert capsys.readouterr().out.strip() == SHEET.to_text()
    assert main(["worksheet", "--blank", "--seed", "7", "--format", "html"]) == 0
    expected = Worksheet.from_seed(7).to_html(blank=True)
    assert capsys.readouterr().out.strip() == expected.strip()

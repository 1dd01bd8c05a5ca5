"""The sheet as text and as a page: every line in both, no value on a blank one."""

import html.parser
import re

import numpy as np
import pytest

from metasgd_np import TaskBatch, TwoLayerNet
from metasgd_np.cli import main
from metasgd_np.worksheets import Worksheet
from metasgd_np.worksheets.answers import read_file
from metasgd_np.worksheets.formats import html_page, html_sheet, key_code, text
from metasgd_np.worksheets.printing import matrix, render


def tanh_sheet():
    """A sheet in floats: tanh, D = 2, H = 3, O = 2, unlike numbers of examples."""
    rng = np.random.default_rng(4)
    sizes = ((1, 4, 2), (1, 4, 2), (1, 5, 2), (1, 5, 2))
    batch = TaskBatch(*(rng.standard_normal(size) for size in sizes))
    theta, alpha = rng.standard_normal((2, TwoLayerNet(2, 3, 2).n_params))
    return Worksheet(TwoLayerNet(2, 3, 2), theta, 0.3 * alpha, batch)


SHEET = Worksheet()
SHEETS = [SHEET, tanh_sheet(), Worksheet.from_seed(7)]
WORKED = [line for line in SHEET.lines if line.expression]


class Rows(html.parser.HTMLParser):
    """The texts of the cells of all table rows, the inputs, and the tags left open."""

    def __init__(self):
        super().__init__()
        self.rows, self.inputs, self.open = [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "input"):
            self.open.append(tag)
        if tag == "input":
            self.inputs.append(dict(attrs))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def parse(page):
    rows = Rows()
    rows.feed(page)
    assert rows.open == []
    return rows


@pytest.mark.parametrize("sheet", SHEETS)
def test_a_full_page_has_every_formula_with_its_numbers_and_value(sheet):
    page = parse(sheet.to_html())
    assert page.inputs == []
    found = {row[0].split()[0]: row[1:] for row in page.rows}
    assert list(found) == [line.symbol for line in sheet.lines]
    for line in sheet.lines:
        value = matrix(line.value)
        if line.expression:
            names = render(line.expression)
            numbers = render(line.expression, values=sheet.values)
            assert found[line.symbol] == [names, numbers, value]
        else:
            assert found[line.symbol] == [value]
    assert parse(sheet._repr_html_()).rows == page.rows


@pytest.mark.parametrize("sheet", SHEETS)
def test_a_blank_page_has_an_input_for_every_line_and_no_value(sheet):
    page = parse(sheet.to_html(blank=True))
    assert [blank["name"] for blank in page.inputs] == [
        "name",
        *(line.symbol for line in sheet.lines if line.expression),
    ]
    for line, row in zip(sheet.lines, page.rows, strict=True):
        shown = [matrix(line.value)]
        if line.expression:
            shown = [render(line.expression), ""]
        assert row[1:] == shown
    assert not any(blank.get("value") for blank in page.inputs)


def test_a_page_needs_no_network_and_knows_print_phones_and_dark_themes():
    page = SHEET.to_html(blank=True)
    assert not re.search(r"https?:|src=|@import|url\(", page)
    for part in ("size: A4", "height: 9mm", "light dark", "max-width: 40em"):
        assert part in page


def test_a_name_on_a_page_is_only_text():
    name = "<script>\"&'</script>"
    page = html_page(html_sheet(SHEET, True, name), html_sheet(SHEET, False, name))
    rows = parse(page)
    assert rows.inputs[0]["value"] == name
    assert page.count("<main") == 2
    assert page.count("<script") == 1


@pytest.mark.parametrize("sheet", SHEETS)
def test_text_has_every_value_and_a_blank_one_none(sheet):
    full, blank = sheet.to_text(), sheet.to_text(blank=True)
    assert str(sheet) == full
    for line in sheet.lines:
        ending = f"= {matrix(line.value)}" if line.expression else matrix(line.value)
        assert any(row.endswith(ending) for row in full.splitlines())
        (row,) = [
            row for row in blank.splitlines() if row.startswith(f"{line.symbol} ")
        ]
        assert row.endswith("= " if line.expression else matrix(line.value))


def test_the_blank_text_is_an_answer_file(tmp_path):
    answers = {line.symbol: matrix(line.value) for line in WORKED}
    labels = {"name": "Zoë = x", "seed": 3}
    path = tmp_path / "answers.txt"
    path.write_text(text(SHEET, True), "utf-8")
    assert read_file(path) == {"code": key_code(SHEET)}
    path.write_text(text(SHEET, True, labels, answers), "utf-8")
    start = {"code": key_code(SHEET), "name": "Zoë = x", "seed": "3"}
    assert read_file(path) == start | answers
    marks = SHEET.mark(path)
    assert marks.points == marks.total == len(WORKED)


def test_a_code_is_that_of_the_given_values():
    codes = [key_code(sheet) for sheet in (*SHEETS, Worksheet.from_seed(8))]
    assert len(set(codes)) == len(codes)
    assert key_code(Worksheet()) == codes[0]
    assert all(re.fullmatch("[A-Z2-9]{8}", code) for code in codes)
    assert not set("".join(codes)) & set("OIS015")


def test_the_command_prints_the_sheet(capsys):
    for arguments, expected in (
        ([], SHEET.to_text()),
        (["--blank", "--seed", "7", "--format", "html"], SHEETS[2].to_html(blank=True)),
        (["--name", "Ada"], Worksheet.for_name("Ada").to_text()),
    ):
        assert main(["worksheet", *arguments]) == 0
        assert capsys.readouterr().out.strip() == expected.strip()

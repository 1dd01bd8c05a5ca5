"""A worksheet as plain text, as an HTML table, and as a page to print or fill in."""

import hashlib
import html
from itertools import groupby
from pathlib import Path
from string import Template

import numpy as np

from .lines import GIVEN
from .printing import matrix, render

TITLE = "Meta-SGD by hand: one step, one task"
NOTATION = (
    "Matrices row by row: [1 2; 3 4]. The last row of W1, W2 is the bias; W̄2 is W2 "
    "without it; X̃ = [X 1]; ∘ multiplies entry by entry; _s support, _q query."
)
WRITE = "Write 3, -3/4, 1 1/2 or 0.25, and rows as [1/2 2; 3 4]."
FORM = Template(Path(__file__).with_name("form.html").read_text("utf-8"))
LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ2346789"  # none that looks like another


def key_code(sheet):
    """A short code of the given values, such as "K7QF2M3P"; equal sheets share it."""
    net = sheet.problem[0]
    given = [f"{symbol} = {matrix(sheet.values[symbol])}" for symbol in GIVEN]
    text = "\n".join([net.activation_name, net.loss_name, *given])
    digest = hashlib.sha256(text.encode()).digest()
    return "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:8])


def shape(line):
    """ "2×3", or "number"."""
    return "×".join(map(str, np.shape(line.value))) or "number"


def text(sheet, blank=False, labels=(), answers=()):
    """Plain text. A blank one is also an answer file: read_file reads it filled in.

    `labels` such as {"name": "Ada"} and `answers`, {symbol: text}, fill a blank one.
    """
    answers, out = dict(answers), [f"# {TITLE}", f"# {NOTATION}"]
    if blank:
        labels = {"code": key_code(sheet), "name": "", **dict(labels)}
        out += [f"# {WRITE}", "", *(f"{key} = {labels[key]}" for key in labels)]
    for section, lines in groupby(sheet.lines, key=lambda line: line.section):
        out += ["", f"# {section}"]
        for line in lines:
            tag = f"({line.tag})" if line.tag else ""
            start = f"{line.symbol:<9} {tag:<6} {shape(line):<7}"
            first, *rest = work_shown(sheet, line)
            if not line.expression:
                out.append(f"{start} {first}")
            elif blank:
                out.append(f"{start} = {first:<36} = {answers.get(line.symbol, '')}")
            else:
                out += [f"{start} = {first}", *(f"{'':25} = {part}" for part in rest)]
    return "\n".join(out)


def work_shown(sheet, line):
    """The formula, the same with numbers, and the value; of a given line the value."""
    value = matrix(line.value)
    if not line.expression:
        return [value]
    return [render(line.expression), render(line.expression, sheet.values), value]


def html_table(sheet, blank=False):
    """One HTML table per section; `blank` puts inputs in place of the values."""
    out = []
    for section, lines in groupby(sheet.lines, key=lambda line: line.section):
        rows = (html_row(sheet, line, blank) for line in lines)
        out += [f"<table><caption>{section}</caption>", *rows, "</table>"]
    return "\n".join(out)


def html_row(sheet, line, blank):
    """The row of one line: symbol and tag, formula, numbers, and value or input."""
    cells = [html.escape(part) for part in work_shown(sheet, line)]
    if blank and line.expression:
        cells[1:] = (
            f'<input name="{line.symbol}" placeholder="{shape(line)}" '
            f'aria-label="{line.symbol}, {shape(line)}" spellcheck="false">',
        )
    tag = f" <small>({line.tag})</small>" if line.tag else ""
    row = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row">{line.symbol}{tag}</th>{row}</tr>'


def html_sheet(sheet, blank=False, name=""):
    """A sheet as part of a page: its name and code, and the tables."""
    code, who = key_code(sheet), html.escape(name, quote=True)
    top = f"<p>{who} · code <b>{code}</b></p>" if name else f"<p>Code <b>{code}</b></p>"
    if blank:
        top = (
            f'<p><label>Name <input name="name" value="{who}"></label> Code '
            f'<b>{code}</b> <button type="button">Save the answers</button></p>'
        )
    return (
        f'<main class="{"blank" if blank else "full"}" data-code="{code}">\n'
        f"<h1>{TITLE}</h1>\n{top}\n<p>{NOTATION} {WRITE if blank else ''}</p>\n"
        f"<div>\n{html_table(sheet, blank)}\n</div>\n</main>\n"
    )


def html_page(*parts):
    """A whole HTML page of one or several parts, each on a sheet of A4."""
    return FORM.substitute(title=TITLE, body="".join(parts))

"""A worksheet as plain text, Markdown, HTML and LaTeX.

lines.py prints a line's expression, with names or with its numbers filled in.
"""

import html
from itertools import groupby

import numpy as np

from .lines import matrix, matrix_latex, render

CSS = """\
@page { size: A4; margin: 8mm 9mm; }
body { font: 7.6pt/1.1 "DejaVu Sans", "Liberation Sans", sans-serif; margin: 0; }
h1 { font-size: 10pt; margin: 0 0 1mm; } p { margin: 0 0 1mm; }
table { border-collapse: collapse; width: 100%; }
td, th { border: 0.2mm solid #bbb; padding: 0.25mm 1mm; text-align: left; }
th { background: #eee; } .blank td:last-child { width: 62mm; }
.blank tr { height: 4.75mm; }
"""
TITLE = "Meta-SGD by hand: one step, one task"
NOTATION = (
    "Matrices row by row: [1 2; 3 4]. The last row of W1, W2 is the bias; W̄2 is W2 "
    "without it; X̃ = [X 1]; ∘ multiplies entry by entry; _s support, _q query."
)


def named(line):
    """The formula with names; "" for a given value."""
    return render(line.expression) if line.expression else ""


def filled(sheet, line):
    """The formula with numbers filled in; "" for a given value."""
    return render(line.expression, "text", sheet.values) if line.expression else ""


def shape(line):
    """ "2×3", or "number"."""
    return "×".join(map(str, np.shape(line.value))) or "number"


def table(sheet, blank):
    """(heading, rows) of each section; a row: symbol, tag, formula, …, shape, value."""
    for section, lines in groupby(sheet.lines, key=lambda line: line.section):
        rows = []
        for line in lines:
            hide = blank and line.expression
            cells = [line.symbol, f"({line.tag})" if line.tag else "", named(line)]
            if not blank:
                cells.append(filled(sheet, line))
            rows.append([*cells, shape(line), "" if hide else matrix(line.value)])
        yield section, rows


def header(blank):
    """The names of a row's cells."""
    numbers = [] if blank else ["with numbers"]
    return ["symbol", "tag", "formula", *numbers, "shape", "value"]


def text(sheet, blank):
    """Plain text: one line per symbol, with its numbers and value below."""
    out = [TITLE, NOTATION]
    for section, rows in table(sheet, blank):
        out += ["", section]
        for symbol, tag, formula, *numbers, size, value in rows:
            start = f"  {symbol:<9} {tag:<6} {size:<7}"
            if not formula:
                out.append(f"{start} {value}")
            elif blank:
                out.append(f"{start} = {formula:<36} = ____________________")
            else:
                out += [f"{start} = {formula}", f"{'':26} = {numbers[0]}"]
                out.append(f"{'':26} = {value}")
    return "\n".join(out)


def markdown(sheet, blank):
    """One Markdown table per section."""
    out = [f"# {TITLE}", "", NOTATION]
    for section, rows in table(sheet, blank):
        out += ["", f"## {section}", ""]
        for cells in (header(blank), ["---"] * len(header(blank)), *rows):
            out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out) + "\n"


def html_table(sheet, blank=False):
    """One HTML table, the sections as headings inside it."""
    columns = header(blank)
    out = [f'<table class="{"blank" if blank else "full"}">']
    out.append("<tr>" + "".join(f"<th>{name}</th>" for name in columns) + "</tr>")
    for section, rows in table(sheet, blank):
        out.append(f'<tr><th colspan="{len(columns)}">{html.escape(section)}</th></tr>')
        for row in rows:
            cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
            out.append(f"<tr>{cells}</tr>")
    return "\n".join([*out, "</table>"])


def html_page(sheet, blank):
    """An HTML page that fits one A4 sheet."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{TITLE}</title>\n<style>\n{CSS}</style></head>\n"
        f"<body><h1>{TITLE}</h1>\n<p>{NOTATION}</p>\n"
        f"{html_table(sheet, blank)}\n</body></html>\n"
    )


def latex(sheet, blank):
    """A document with one long table."""
    columns = "lll" + ("" if blank else "l") + "ll"
    out = [
        r"\documentclass[8pt,a4paper]{extarticle}",
        r"\usepackage{amsmath,longtable}\def\arraystretch{1.25}",
        r"\usepackage[a4paper,landscape,margin=10mm]{geometry}",
        r"\pagestyle{empty}\setlength{\parindent}{0pt}",
        r"\begin{document}",
        rf"\textbf{{{TITLE}}}",
        "",
        rf"\begin{{longtable}}{{{columns}}}",
        " & ".join(header(blank)) + r" \\ \hline \endhead",
    ]
    for section, lines in groupby(sheet.lines, key=lambda line: line.section):
        heading = section.replace("θ′", r"$\theta'$").replace(
            "α∘λ", r"$\alpha\circ\lambda$"
        )
        out.append(rf"\multicolumn{{{len(columns)}}}{{l}}{{\textbf{{{heading}}}}} \\")
        for line in lines:
            out.append(latex_row(sheet, line, blank))
    out += [r"\end{longtable}", r"\end{document}", ""]
    return "\n".join(out)


def latex_row(sheet, line, blank):
    """One row of the LaTeX table."""
    cells = [rf"\verb|{line.symbol}|", f"({line.tag})" if line.tag else ""]
    for values in (None,) if blank else (None, sheet.values):
        formula = line.expression and render(line.expression, "latex", values)
        cells.append(f"${formula}$" if formula else "")
    cells.append(shape(line).replace("×", r"$\times$"))
    hide = blank and line.expression
    cells.append("" if hide else f"${matrix_latex(line.value)}$")
    return " & ".join(cells) + r" \\[2pt]"

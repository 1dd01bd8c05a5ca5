"""A worksheet as plain text, Markdown, HTML and LaTeX.

A line's formula is a template such as "{H1_1_s}ᵀ {dF_s}". Filled with names it is the
formula; filled with values it shows the numbers.
"""

import html
import re
from itertools import groupby
from numbers import Rational

import numpy as np

PRETTY = {
    "alpha": "α",
    "dalpha": "dα",
    "dtheta": "dθ",
    "phi1": "φ′",
    "phi2": "φ″",
    "H1_1": "H̃1",
    "X1": "X̃",
}
LATEX = {  # the operators of a formula
    "φ": r"\varphi",
    "σ": r"\sigma",
    "ᵀ": r"^{\top}",
    "∘": r" \circ ",
    "−": "-",
    "·": r"\,",
    "Σ": r"\textstyle\sum ",
    "²": "^2",
    "one-hot of": r"\text{one-hot of }",
    " at ": r"\text{ at }",
    " where ": r"\text{ where }",
    "else": r"\text{else }",
}
LATEX_STEMS = {  # the stems of its symbols, with their digit
    "alpha": (r"\alpha", ""),
    "dalpha": (r"d\alpha", ""),
    "dtheta": (r"d\theta", ""),
    "phi1": (r"\varphi'", ""),
    "phi2": (r"\varphi''", ""),
    "H1_1": (r"\tilde H", "1"),
    "X1": (r"\tilde X", ""),
}
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


def number(value):
    """A fraction as 3/4, a float to six digits."""
    return str(value) if isinstance(value, Rational) else f"{float(value):.6g}"


def matrix(value):
    """[1 2; 3 4], or a bare number."""
    value = np.asarray(value)
    if value.ndim == 0:
        return number(value[()])
    rows = value if value.ndim == 2 else value[:, None]
    return "[" + "; ".join(" ".join(map(number, row)) for row in rows) + "]"


def matrix_latex(value):
    """The same as a small matrix."""
    value = np.asarray(value)
    if value.ndim == 0:
        return number(value[()])
    rows = value if value.ndim == 2 else value[:, None]
    body = r" \\ ".join(" & ".join(map(number, row)) for row in rows)
    return r"\left[\begin{smallmatrix} " + body + r" \end{smallmatrix}\right]"


def pretty(symbol):
    """A code symbol as written by hand: dalpha1 → dα1, H1_1_s → H̃1_s, W2_bar → W̄2."""
    if symbol.startswith("N_"):
        return "N"
    base, bar, prime = symbol, "_bar" in symbol, "_prime" in symbol
    base = base.replace("_bar", "").replace("_prime", "")
    stem, which = (base[:-2], base[-2:]) if base[-2:] in ("_s", "_q") else (base, "")
    word = re.fullmatch(r"(d?alpha|dtheta)(\d)", stem)
    stem = PRETTY[word[1]] + word[2] if word else PRETTY.get(stem, stem)
    if bar:
        stem = stem[0] + "̄" + stem[1:]
    return stem + ("′" if prime else "") + which


def value_of(sheet, symbol):
    """The value that a formula's {symbol} stands for."""
    if symbol.startswith("N_"):
        return np.asarray(len(sheet.values["X" + symbol[1:]]))
    if symbol.endswith("_bar"):
        return sheet.values[symbol.removesuffix("_bar")][:-1]
    return sheet.values[symbol]


def fill(formula, write):
    """The template with every {symbol} replaced by write(symbol)."""
    return re.sub(r"\{(\w+)\}", lambda match: write(match[1]), formula)


def named(line):
    """The formula with names; "" for a given value."""
    return fill(line.formula, pretty)


def filled(sheet, line):
    """The formula with numbers filled in; "" for a given value."""
    return fill(line.formula, lambda symbol: matrix(value_of(sheet, symbol)))


def shape(line):
    """ "2×3", or "number"."""
    return "×".join(map(str, np.shape(line.value))) or "number"


def table(sheet, blank):
    """(heading, rows) of each section; a row: symbol, tag, formula, …, shape, value."""
    for section, lines in groupby(sheet.lines, key=lambda line: line.section):
        rows = []
        for line in lines:
            hide = blank and line.formula
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


def latex_symbol(symbol):
    r"""A code symbol in LaTeX: dW1_s → dW_{1,s}, Z1_dot → \dot{Z}_{1}, and so on."""
    if symbol.startswith("N_"):
        return "N"
    stem, which = re.fullmatch(r"(.*?)(?:_([sq]))?", symbol).groups()
    marks = [mark for mark in ("bar", "prime", "dot") if f"_{mark}" in stem]
    stem = re.sub("_(bar|prime|dot)", "", stem)
    if stem not in LATEX_STEMS:
        word, digit = re.fullmatch(r"(\D+)(\d?)", stem).groups()
        out = LATEX_STEMS.get(word, (word, ""))[0]
    else:
        out, digit = LATEX_STEMS[stem]
    for mark in ("bar", "dot"):
        out = rf"\{mark}{{{out}}}" if mark in marks else out
    below = ",".join(part for part in (digit, which) if part)
    return out + (f"_{{{below}}}" if below else "") + ("'" if "prime" in marks else "")


def latex_formula(formula, write):
    """A formula template in LaTeX, each symbol written by `write`."""
    formula = formula.replace("} 1]", r"}\;1]").replace("} 0]", r"}\;0]")
    for plain, command in LATEX.items():
        formula = formula.replace(plain, command)
    return fill(formula, write)


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

    def numbers(symbol):
        return matrix_latex(value_of(sheet, symbol))

    cells = [rf"\verb|{line.symbol}|", f"({line.tag})" if line.tag else ""]
    for write in (latex_symbol,) if blank else (latex_symbol, numbers):
        formula = latex_formula(line.formula, write)
        cells.append(f"${formula}$" if formula else "")
    cells.append(shape(line).replace("×", r"$\times$"))
    hide = blank and line.formula
    cells.append("" if hide else f"${matrix_latex(line.value)}$")
    return " & ".join(cells) + r" \\[2pt]"

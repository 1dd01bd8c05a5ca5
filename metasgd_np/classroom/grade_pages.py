"""Grades as a table, and as a page for every student to read."""

import csv
import html
import io
import textwrap

from .assignments import REPOSITORY
from .class_marks import plain_cell

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; max-width: 44em;
  margin: 0 auto; padding: 1em; overflow-wrap: anywhere; }}
h2 {{ font-size: 1.1em; margin: 1.6em 0 0.3em; }}
h3 {{ font-size: 1em; margin: 1.2em 0 0.3em; }}
p {{ margin: 0.3em 0; white-space: pre-wrap; }}
pre {{ white-space: pre-wrap; font-size: 0.85em; border-left: 3px solid GrayText;
  padding-left: 0.8em; }}
@media print {{ section {{ break-inside: avoid; }} }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def page(title, body):
    """A whole HTML page."""
    return PAGE.format(title=html.escape(title), body=body)


def number(points):
    """Write points without a needless ".0"."""
    return f"{points:g}"


def feedback_page(graded):
    """The page of a student on one notebook."""
    points = sum(grade.points for grade in graded.grades)
    total = sum(grade.exercise.points for grade in graded.grades)
    title = f"{graded.student}: {in_words(graded.assignment)}"
    head = f"<h1>{html.escape(title)}</h1>\n"
    head += f"<p><b>{number(points)} of {total} points</b></p>\n" * bool(total)
    head += "".join(f"<p>Note: {html.escape(r)}</p>\n" for r in graded.remarks)
    parts = (section(grade, graded.assignment) for grade in graded.grades)
    return page(title, head + "\n".join(parts))


def section(grade, assignment):
    """What a student reads on one exercise."""
    exercise = grade.exercise
    title = exercise.title.replace(". ", " ", 1)
    lines = [  # less what stands in the heading and below
        line
        for line in grade.message.splitlines()
        if not line.startswith(f"{assignment[:2]}.{title}:")
        and not line.startswith("  Go back to ")
    ]
    out = [
        f"<h2>{html.escape(exercise.title)}: {number(grade.points)} of "
        f"{exercise.points}</h2>",
        f"<p>{html.escape(textwrap.dedent(chr(10).join(lines)))}</p>",
    ]
    if grade.points < exercise.points:
        where = html.escape(exercise.reading or f"chapter {assignment[:2]}")
        link = f'<a href="{REPOSITORY}/{assignment}.ipynb">{where}</a>'
        out.append(f"<p>Go back to {link}.</p>")
    if grade.answer:
        answer = f"<pre>{html.escape(grade.answer)}</pre>"
        out.append(f"<details><summary>Your answer</summary>{answer}</details>")
    return f"<section>{''.join(out)}</section>"


def in_words(assignment):
    """The name of an assignment: 02, backpropagate two layers."""
    return f"{assignment[:2]}, {assignment[3:].replace('_', ' ')}"


def grades_table(graded):
    """The table of a class as CSV: points, remarks, then exercise by exercise."""
    file = io.StringIO()
    table = csv.writer(file)
    most = max((len(one.grades) for one in graded), default=0)
    head = ["student", "assignment", "points", "of", "to mark by hand", "remarks"]
    table.writerow([*head, *(f"exercise {i}" for i in range(1, most + 1))])
    for one in graded:
        each = [number(grade.points) for grade in one.grades]
        total = number(sum(grade.points for grade in one.grades))
        of = sum(grade.exercise.points for grade in one.grades)
        by_hand = sum(grade.exercise.by_hand for grade in one.grades) or ""
        texts = [plain_cell(one.student), one.assignment]
        remarks = plain_cell("; ".join(one.remarks))
        table.writerow([*texts, total, of, by_hand, remarks, *each])
    return "\ufeff" + file.getvalue()  # the mark by which spreadsheets know UTF-8

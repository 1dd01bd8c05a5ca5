"""Grades as a table, as a page for every student, and answers in words to be read."""

import csv
import html
import io
import re
from pathlib import Path
from string import Template
from textwrap import dedent

from .assignments import REPOSITORY, without_markers
from .class_marks import plain_cell

HEADING = re.compile(r"\d\d\.\d+ .+: (right, )?\d+ of \d+$")  # a check's first line
PAGE = Template(Path(__file__).with_name("page.html").read_text("utf-8"))


def page(title, body):
    """A whole HTML page."""
    return PAGE.substitute(title=html.escape(title), body=body)


def in_words(assignment):
    """The name of an assignment: 02, backpropagate two layers."""
    return f"{assignment[:2]}, {assignment[3:].replace('_', ' ')}"


def feedback_page(graded):
    """The page of a student on one notebook."""
    total = sum(grade.exercise.points for grade in graded.grades)
    title = f"{graded.student}: {in_words(graded.assignment)}"
    head = f"<h1>{html.escape(title)}</h1>\n"
    head += f"<p><b>{graded.points:g} of {total} points</b></p>\n" * bool(total)
    head += "".join(f"<p>Note: {html.escape(r)}.</p>\n" for r in graded.remarks)
    parts = (section(grade, graded.assignment) for grade in graded.grades)
    return page(title, head + "\n".join(parts))


def section(grade, assignment):
    """What a student reads on one exercise."""
    exercise = grade.exercise
    lines = [  # less what stands in the heading and below
        line
        for line in grade.message.splitlines()
        if not HEADING.match(line) and not line.startswith("  Go back to ")
    ]
    points = f"<small>{grade.points:g} of {exercise.points} points</small>"
    text = dedent("\n".join(lines)) or "Right."
    out = [
        f"<h2>{html.escape(exercise.title)} {points}</h2>",
        f"<p>{html.escape(text)}</p>",
    ]
    if grade.points < exercise.points:
        where = html.escape(exercise.reading or f"chapter {assignment[:2]}")
        link = f'<a href="{REPOSITORY}/{assignment}.ipynb">{where}</a>'
        out.append(f"<p>Go back to {link}.</p>")
    if answer := "\n\n".join(filter(None, [grade.code, grade.words])):
        answer = f"<pre>{html.escape(answer)}</pre>"
        out.append(f"<details><summary>Your answer</summary>{answer}</details>")
    return f"<section>{''.join(out)}</section>"


def words_page(graded):
    """The answers in words, question by question, each below the key's."""
    questions = {}
    for one in graded:
        for grade in one.grades:
            if grade.words:
                question = in_words(one.assignment), grade.exercise.title
                questions.setdefault(question, []).append((one.student, grade))
    out = ["<h1>To be read by you</h1>"]
    for (chapter, title), answers in sorted(questions.items()):
        exercise = answers[0][1].exercise
        heading = f"{chapter}: {title} ({exercise.by_hand} points)"
        key = "\n\n".join(without_markers(cell["source"]) for cell in exercise.words)
        out += [f"<h2>{html.escape(heading)}</h2>", f"<pre>{html.escape(key)}</pre>"]
        for student, grade in answers:
            out.append(f"<h3>{html.escape(student)}</h3>")
            out.append(f"<p>{html.escape(grade.words)}</p>")
    return page("To be read by you", "\n".join(out))


def grades_table(graded):
    """The table of a class as CSV: points, remarks, then exercise by exercise."""
    file = io.StringIO()
    table = csv.writer(file)
    most = max((len(one.grades) for one in graded), default=0)
    head = ["student", "assignment", "points", "of", "to mark by hand", "remarks"]
    table.writerow([*head, *(f"exercise {i}" for i in range(1, most + 1))])
    for one in graded:
        each = [f"{grade.points:g}" for grade in one.grades]
        of = sum(grade.exercise.points for grade in one.grades)
        by_hand = sum(g.exercise.by_hand for g in one.grades if g.words) or ""
        texts = [plain_cell(one.student), one.assignment]
        remarks = plain_cell("; ".join(one.remarks))
        table.writerow([*texts, f"{one.points:g}", of, by_hand, remarks, *each])
    return "\ufeff" + file.getvalue()  # the mark by which spreadsheets know UTF-8

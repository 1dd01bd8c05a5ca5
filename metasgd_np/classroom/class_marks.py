"""Mark what comes back from a class.

Whose answers a file holds is known by the code in it, whatever the file is called.
"""

import csv
import html
import io
import json
from collections import Counter
from contextlib import suppress
from pathlib import Path

from ..checks import as_path
from ..files import replacing, write_text
from ..worksheets.answers import read_file
from ..worksheets.formats import html_page
from .class_sheets import KEY, LIST, PRINT, enrol


def mark_sheets(folder: str | Path) -> list[str]:
    """Mark what came back from a class.

    Parameters
    ----------
    folder : str or Path
        As `write_sheets` made it, with answers filled in or other answer files put
        into it or its ``answers``. A new folder ``marks`` inside gets ``marks.csv``,
        ``teacher.html`` and ``feedback/``, a page for every student.

    Returns
    -------
    list of str
        Sentences on files that could not be used, and on what was written.

    Raises
    ------
    ValueError
        If it is not the folder of a class.

    Examples
    --------
    >>> mark_sheets("nowhere")
    Traceback (most recent call last):
    ValueError: nowhere has neither a class.json that can be read nor ...
    """
    folder = as_path("folder", folder)
    returned, problems = read_returned(folder)
    students = read_class(folder, returned, problems)
    files = {student.code: [] for student in students}
    problems += assign(returned, students, files)
    rows = [
        (student, *mark_student(student, files[student.code])) for student in students
    ]
    problems += [
        f"{student.name}: {note}" for student, _, notes in rows for note in notes
    ]
    number = 1
    while (out := folder / f"marks{f'-{number}' if number > 1 else ''}").exists():
        number += 1
    (out / "feedback").mkdir(parents=True)
    write_text(out / "marks.csv", marks_table(rows))
    for student, marks, notes in rows:
        page = html_page(feedback(student, marks, notes))
        write_text(out / "feedback" / f"{student.stem}.html", page)
    slips = Counter(s for _, marks, _ in rows for s in slips_of(marks)).most_common()
    if slips:
        draw_slips(slips, out / "slips.png")
    write_text(out / "teacher.html", html_page(summary(rows, slips, problems)))
    came = sum(marks is not None for _, marks, _ in rows)
    return [*problems, f"{came} of {len(rows)} sheets marked; see {out}."]


def read_returned(folder):
    """[(path, answers)] of the files that came back, and what is wrong with others."""
    returned, problems = [], []
    inside = [*folder.glob("*"), *(folder / "answers").rglob("*")]
    for path in sorted(path for path in inside if path.is_file()):
        if path.name in (LIST, PRINT, KEY) or path.name.startswith("."):
            continue
        try:
            returned.append((path, read_file(path)))
        except (ValueError, OSError) as error:
            problems.append(f"{error}.")
    return returned, problems


def read_class(folder, returned, problems):
    """The students of a class; without its list, those whose names are in files.

    A list that cannot be read is added to `problems`.
    """
    with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        listed = json.loads((folder / LIST).read_text("utf-8"))
        if listed:
            return enrol([student["name"] for student in listed])
    names = {answers["name"]: None for _, answers in returned if "name" in answers}
    if not names:
        raise ValueError(
            f"{folder} has neither a {LIST} that can be read nor answer files with "
            "names; give the folder that worksheet --names made"
        )
    if (folder / LIST).exists():
        problems.append(
            f"{folder / LIST} is damaged, so the class is made up of the names in the "
            "answer files; restore it if a student is missing."
        )
    return enrol(names)


def assign(returned, students, files):
    """Put what came back into `files`, {code: [(path, answers)]}; return problems."""
    problems = []
    codes = {s.stem: s.code for s in students} | {s.name: s.code for s in students}
    for path, answers in returned:
        code = "".join(filter(str.isalnum, answers.pop("code", ""))).upper()
        name = answers.pop("name", "")
        code = code or codes.get(path.stem) or codes.get(name, "")
        if code in files:
            files[code].append((path, answers))
        else:
            found = f"the code {code}" if code else "no code"
            problems.append(
                f"{path.name} has {found}, which is no sheet of this class; write the "
                "right one into it: code = …"
            )
    return problems


def mark_student(student, files):
    """Marks, or None, and remarks; of several files the one changed last is marked."""
    files = [(path, answers) for path, answers in files if answers]
    if not files:
        return None, ["nothing came back."]
    path, answers = max(files, key=lambda pair: pair[0].stat().st_mtime)
    remarks = []
    if any(other != answers for _, other in files):
        listed = ", ".join(sorted(path.name for path, _ in files))
        remarks.append(f"{listed} differ; {path.name}, changed last, was marked.")
    symbols = {line.symbol for line in student.sheet.lines if line.expression}
    if unknown := sorted(answers.keys() - symbols):
        remarks.append(f"{path.name} has {', '.join(unknown)}: no line of the sheet.")
    known = {symbol: answers[symbol] for symbol in answers if symbol in symbols}
    return student.sheet.mark(known), remarks


def slips_of(marks):
    """The slips in a sheet, such as "dZ1_s made without φ′"."""
    lines = marks.lines if marks else ()
    return [f"{line.symbol} {line.slip}" for line in lines if line.slip]


def marks_table(rows):
    """The table of a class as CSV: name, points, slips, remarks, then line by line."""
    sheet = rows[0][0].sheet
    symbols = [line.symbol for line in sheet.lines if line.expression]
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(["name", "points", "of", "slips", "remarks", *symbols])
    for student, marks, remarks in rows:
        points, lines = (marks.points, marks.lines) if marks else ("", ())
        texts = [student.name, "; ".join(slips_of(marks)), " ".join(remarks)]
        name, slips, notes = map(plain_cell, texts)
        by_line = [line.mark for line in lines]
        table.writerow([name, points, len(symbols), slips, notes, *by_line])
    return "\ufeff" + file.getvalue()  # the mark by which spreadsheets know UTF-8


def plain_cell(text):
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def draw_slips(slips, path):
    """Save a figure of the fifteen most frequent slips."""
    from matplotlib.figure import Figure  # noqa: PLC0415 (slow to import)

    labels, counts = zip(*reversed(slips[:15]), strict=True)
    figure = Figure(figsize=(9, 1 + 0.3 * len(labels)), layout="constrained")
    axes = figure.subplots()
    axes.barh(labels, counts, color="0.5")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("number of students")
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=120)


def feedback(student, marks, remarks):
    """The page of a student."""
    points = f"{marks.points} of {marks.total} points" if marks else "no points"
    notes = "".join(f"<p>{html.escape(note)}</p>\n" for note in remarks)
    head = f"<h1>{html.escape(student.name)}: {points}</h1>\n{notes}"
    return f"<main>{head}{marks._repr_html_() if marks else ''}\n</main>\n"


def summary(rows, slips, problems):
    """The page of the teacher: what could not be used, the slips, and the points."""
    points = [(who.name, marks.points if marks else "–") for who, marks, _ in rows]
    figure = '<p><img src="slips.png" alt="The most frequent slips"></p>\n'
    notes = "".join(f"<p>{html.escape(problem)}</p>\n" for problem in problems)
    tables = ""
    for caption, pairs in (("Slips", slips), ("Points", points)):
        cells = (f"<tr><td>{html.escape(key)}<td>{number}" for key, number in pairs)
        tables += f"<table><caption>{caption}</caption>{''.join(cells)}</table>\n"
    return f"<main><h1>The class</h1>\n{notes}{figure * bool(slips)}{tables}</main>\n"

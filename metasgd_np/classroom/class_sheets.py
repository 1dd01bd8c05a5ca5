"""Write a sheet for every student of a class."""

import csv
import json
import re
import unicodedata
from pathlib import Path
from typing import NamedTuple

from ..checks import as_path
from ..files import write_text
from ..worksheets import Worksheet
from ..worksheets.answers import decode
from ..worksheets.formats import html_page, html_sheet, key_code, text

LIST, PRINT, KEY = "class.json", "print.html", "key.html"
HEADING = re.compile(
    "(?i)((first|last|full|given|family|student|display)[ _-]?|sur|vor|nach)?names?"
    "|students?|pupils?|schüler(in|innen)?|(pré)?nom|nombres?|apellidos?"
)
JOINERS = "\u200c\u200d"  # between letters, in Persian and Hindi, and in emoji


class Student(NamedTuple):
    """A student, their sheet and its code, and what their files are called."""

    name: str
    sheet: Worksheet
    code: str
    stem: str


def write_sheets(names: str | Path, out: str | Path) -> list[str]:
    """Write the sheets of a class, each determined by the student's name.

    Parameters
    ----------
    names : str or Path
        A text file, one name per line, or a table with the heading ``name``.
    out : str or Path
        A folder, new or empty. It gets ``print.html`` (blank sheets, one per page),
        ``key.html``, ``answers/`` (empty answer files) and ``forms/`` (pages to fill
        in).

    Returns
    -------
    list of str
        Sentences on repeated names and a heading, and on what was written.

    Raises
    ------
    ValueError
        If there are no names, or the folder holds something.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     names = Path(folder, "names.txt")
    ...     _ = names.write_text("Ada")
    ...     _ = write_sheets(names, Path(folder, "class"))
    ...     Path(folder, "class", "answers", "01-Ada.txt").exists()
    True
    """
    out = as_path("out", out)
    called, remarks = read_names(as_path("names", names))
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        found = "not empty" if out.is_dir() else "a file"
        raise ValueError(f"{out} is {found}; give a new folder for the class")
    for folder in (out / "answers", out / "forms"):
        folder.mkdir(parents=True, exist_ok=True)
    students = enrol(called)
    blank = [html_sheet(student.sheet, True, student.name) for student in students]
    for student, form in zip(students, blank, strict=True):
        empty = text(student.sheet, True, {"name": student.name}) + "\n"
        write_text(out / "answers" / f"{student.stem}.txt", empty)
        write_text(out / "forms" / f"{student.stem}.html", html_page(form))
    full = [html_sheet(student.sheet, False, student.name) for student in students]
    write_text(out / PRINT, html_page(*blank))
    write_text(out / KEY, html_page(*full))
    listed = [{"name": student.name, "code": student.code} for student in students]
    write_text(out / LIST, json.dumps(listed, ensure_ascii=False, indent=1))
    return [
        *remarks,
        f"{len(students)} {'sheet' if len(students) == 1 else 'sheets'} in {out}: "
        f"{PRINT}, forms/ or answers/ for the class, {KEY} for you; put what comes "
        f"back into {out / 'answers'} and run metasgd-np mark {out}.",
    ]


def read_names(path):
    """The names of a file, each once, and a sentence on whatever was changed."""
    lines, remarks = skip_heading(path)
    names = []
    for line in lines:
        bare = re.sub(r'\A\s*"([^"]*)"\s*\Z', r"\1", line)
        kept = (c if c.isprintable() or c in JOINERS else " " for c in bare)
        name = base = unicodedata.normalize("NFC", " ".join("".join(kept).split()))
        copy = 1
        while name in names:
            copy += 1
            name = f"{base} ({copy})"
        if copy > 1:
            remarks.append(f"{base} is on the list again; this one is {name}.")
        if base:
            names.append(name)
    if not names:
        raise ValueError(f"{path.name} holds no names; write one per line")
    return names, remarks


def skip_heading(path):
    """The lines of a list of names; of a table with a heading, the names in it."""
    lines = decode(path).strip().splitlines() or [""]
    found = re.search("[,;\t]", lines[0])
    heading, *rows = csv.reader([*lines, ""], delimiter=found[0] if found else "\t")
    columns = [i for i, cell in enumerate(heading) if HEADING.fullmatch(cell.strip())]
    if not columns:
        return lines, []
    skipped = " ".join(heading[i].strip() for i in columns)
    names = [" ".join(row[i] for i in columns if i < len(row)) for row in rows]
    return names, [f"{path.name}: skipped the heading {skipped!r}."]


def enrol(names):
    """The Students of a class; their names determine everything."""
    students = []
    for number, name in enumerate(names, 1):
        sheet = Worksheet.for_name(name)
        kept = "".join(char if in_word(char) else " " for char in name)
        stem = f"{number:02}-{'-'.join(kept.split())[:30] or 'student'}"
        students.append(Student(name, sheet, key_code(sheet), stem))
    return students


def in_word(char):
    """Whether it is a letter, digit or mark, which is a vowel in many scripts."""
    return unicodedata.category(char)[0] in "LMN" and char != "\ufe0f"  # of emoji

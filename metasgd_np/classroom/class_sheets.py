"""Write a sheet for every student of a class."""

import json
import unicodedata
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..checks import as_path
from ..files import write_text
from ..worksheets import Worksheet
from ..worksheets.answers import decode
from ..worksheets.formats import html_page, html_sheet, key_code, text
from ..worksheets.lines import GIVEN

LIST, PRINT, KEY = "class.json", "print.html", "key.html"


class Student(NamedTuple):
    """A student, the code of their sheet, what files are called, the given values."""

    name: str
    code: str
    stem: str
    given: dict


def write_sheets(names: str | Path, out: str | Path) -> list[str]:
    """Write the sheets of a class, each determined by the student's name.

    Parameters
    ----------
    names : str or Path
        A text file, one name per line.
    out : str or Path
        A folder, new or empty. It gets ``print.html`` (blank sheets, one per page),
        ``key.html``, ``answers/`` (empty answer files) and ``forms/`` (pages to fill
        in).

    Returns
    -------
    list of str
        Sentences on repeated names, and on what was written.

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
    students, blank, full = [], [], []
    for number, name in enumerate(called, 1):
        student, sheet = enrol(number, name)
        students.append(student._asdict())
        blank.append(html_sheet(sheet, True, name))
        full.append(html_sheet(sheet, False, name))
        empty = text(sheet, True, {"name": name}) + "\n"
        write_text(out / "answers" / f"{student.stem}.txt", empty)
        write_text(out / "forms" / f"{student.stem}.html", html_page(blank[-1]))
    write_text(out / PRINT, html_page(*blank))
    write_text(out / KEY, html_page(*full))
    write_text(out / LIST, json.dumps(students, ensure_ascii=False, indent=1))
    return [
        *remarks,
        f"{len(students)} {'sheet' if len(students) == 1 else 'sheets'} in {out}: "
        f"{PRINT}, forms/ or answers/ for the class, {KEY} for you; put what comes "
        f"back into {out / 'answers'} and run metasgd-np mark {out}.",
    ]


def read_names(path):
    """The names of a file, each once, and a sentence for each that was changed."""
    names, remarks = [], []
    for line in decode(path).splitlines():
        kept = (char if char.isprintable() else " " for char in line)
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


def enrol(number, name):
    """The Student of a name, and the sheet."""
    sheet = Worksheet.for_name(name)
    kept = "".join(char if char.isalnum() else " " for char in name)
    stem = f"{number:02}-{'-'.join(kept.split())[:30] or 'student'}"
    given = {s: list(map(str, np.ravel(sheet.values[s]))) for s in GIVEN}
    return Student(name, key_code(sheet), stem, given), sheet

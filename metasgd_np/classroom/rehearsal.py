"""Rehearse a course: made-up submissions through the real nbgrader."""

import ast
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory

from .assignments import is_check, is_text, split_exercises, without_markers

KINDS = ("right", "blank", "half", "other", "tampered")
HEAD = (
    "Rehearsal with nbgrader: points of a right submission, a blank one, one half "
    "done,\none right in another style, and a blank one with its checks tampered with;"
    "\nanswers in words are not counted."
)


def rehearse(folder, sources):
    """Grade made-up submissions of each assignment, in a copy; yield a table."""
    yield HEAD
    yield f"{'':32}{''.join(f'{kind:>10}' for kind in KINDS)}{'of':>6}"
    wrong = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(grade_one, folder, *item) for item in sources.items()]
        try:
            for (name, source), job in zip(sources.items(), jobs, strict=True):
                found, expected = job.result(), expected_points(source)
                row = "".join(f"{found.get(kind, nan):>10g}" for kind in KINDS)
                yield f"{name:32}{row}{expected['right']:>6}"
                wrong += [
                    f"{name}, {kind}: {found.get(kind, nan):g} points, not {most}"
                    for kind, most in expected.items()
                    if found.get(kind) != most
                ]
        finally:
            for job in jobs:
                job.cancel()
    if wrong:
        raise ValueError(
            f"the rehearsal gave unexpected points ({'; '.join(wrong)}); do not "
            "release these assignments"
        )
    yield "All as expected."


def expected_points(source):
    """{kind: points} that a program should give."""
    each = [exercise.points for exercise in split_exercises(source)]
    most, half = sum(each), sum(each[: len(each) // 2])
    return dict(zip(KINDS, (most, 0, half, most, 0), strict=True))


def grade_one(folder, name, source):
    """{kind: points} of the made-up submissions of one assignment."""
    with TemporaryDirectory() as copy:
        for part in (f"source/{name}", f"release/{name}", "templates"):
            shutil.copytree(folder / part, Path(copy, part))
        for part in ("nbgrader_config.py", "gradebook.db"):
            shutil.copy(folder / part, copy)
        release = Path(copy, "release", name, f"{name}.ipynb").read_text("utf-8")
        for kind in KINDS:
            out = Path(copy, "submitted", kind, name, f"{name}.ipynb")
            out.parent.mkdir(parents=True)
            made = make_submission(kind, source, json.loads(release))
            out.write_text(json.dumps(made), "utf-8")
        run_nbgrader(copy, "autograde", name)
        run_nbgrader(copy, "generate_feedback", name)
        pages = len(list(Path(copy, "feedback").rglob("*.html")))
        if pages != len(KINDS):
            raise ValueError(
                f"nbgrader wrote {pages} pages of feedback, not {len(KINDS)}"
            )
        run_nbgrader(copy, "export", "--to", "grades.csv")
        with Path(copy, "grades.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["assignment"] == name]
    return {row["student_id"]: float(row["raw_score"] or 0) for row in rows}


def make_submission(kind, source, release):
    """A made-up submission: a release with some of the source's answers."""
    found = split_exercises(source)
    solved = {"right": len(found), "half": len(found) // 2, "other": len(found)}
    answers = {
        cell["metadata"]["nbgrader"]["grade_id"]: without_markers(cell["source"])
        for exercise in found[: solved.get(kind, 0)]
        for cell in exercise.answers
    }
    for cell in release["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if cell["id"] == "student" and kind == "other":
            cell["source"] = 'student = "Ada"'
        elif grade_id in answers:
            cell["source"] = answers[grade_id]
            if kind == "other" and not is_text(cell):
                cell["source"] = in_another_style(cell["source"])
        elif kind == "tampered" and is_check(cell):
            cell["source"] = str(cell["metadata"]["nbgrader"]["points"])
        if kind == "other" and cell["id"] == found[0].answers[-1]["id"]:
            cell["source"] += "\nX = Y = 0"  # names that later exercises use
    if kind == "tampered":  # the last check is deleted
        last = [cell for cell in release["cells"] if is_check(cell)][-1]
        release["cells"].remove(last)
    if kind == "other":  # people copy cells, with all that marks them
        release["cells"].append(release["cells"][0])
    return release


def in_another_style(source):
    """The same answer without comments, numbers and lists in NumPy."""
    tree = ast.parse(source)
    lines = ["import numpy as np", ast.unparse(tree)]
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, ast.unparse(node.value)
            if re.fullmatch(r"[-\d.,\[\] ]+", value):
                lines.append(f"{name} = np.array({name})")
    return "\n".join(lines)


def run_nbgrader(folder, *arguments):
    """Run a command of nbgrader in a folder; if it fails, a ValueError."""
    scripts = sysconfig.get_path("scripts")  # it looks for alembic on the path
    path = os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)])
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in said if "Error:" in line] or said
        raise ValueError(
            f"nbgrader {' '.join(arguments)} failed in {folder}: "
            f"{' '.join(errors[-1:]).strip()}"
        )

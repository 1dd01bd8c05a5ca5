"""Returned notebooks are graded one by one, and none can spoil another's points."""

import csv
import json
import re
import signal

import pytest

from metasgd_np.classroom import given, grading
from metasgd_np.classroom.assignments import (
    find_assignments,
    is_check,
    is_text,
    make_assignment,
    readable,
    role,
    split_exercises,
    strip_solutions,
    without_markers,
)
from metasgd_np.classroom.exercises import judge
from metasgd_np.classroom.grade_pages import section
from metasgd_np.classroom.grading import Grade, grade_exercise, grade_notebooks
from metasgd_np.classroom.returned import find_returned

NAME = "01_descend_a_gradient"
SOURCE = make_assignment(find_assignments("01")[NAME])
POINTS = [4, 2, 1, 3, 2]


def cells_of(notebook, kind):
    """The cells with the role "solution" or "grade"."""
    return [cell for cell in notebook["cells"] if role(cell, kind)]


def solved():
    """A returned notebook with every answer right."""
    notebook = json.loads(json.dumps(SOURCE))
    for cell in cells_of(notebook, "solution"):
        cell["source"] = without_markers(cell["source"])
    return notebook


def with_answer(place, text):
    """A right notebook but for one answer; {} in the text is the right one."""
    notebook = solved()
    cell = cells_of(notebook, "solution")[place]
    cell["source"] = text.replace("{}", cell["source"])
    return notebook


def tampered():
    """A blank notebook whose checks give points, but for one, which is gone."""
    notebook = strip_solutions(SOURCE)
    for cell in filter(is_check, notebook["cells"]):
        cell["source"] = "9"
    notebook["cells"] = [c for c in notebook["cells"] if c["id"] != "check-bug"]
    (imports,) = (c for c in notebook["cells"] if c["id"] == "imports")
    imports["source"] += "\ncheck = lambda *a, **b: 9"
    return notebook


def bare():
    """A right notebook as a tool saves it that keeps neither metadata nor ids."""
    notebook = solved()
    for cell in notebook["cells"]:
        del cell["id"]
        cell["metadata"] = {}
        cell["source"] = cell["source"].splitlines(keepends=True)
    return notebook


def with_a_cell(source, kind="code"):
    """A right notebook with one more cell before the first answer."""
    notebook = solved()
    cell = {"cell_type": kind, "id": "mine", "metadata": {}, "source": source}
    first = notebook["cells"].index(cells_of(notebook, "solution")[0])
    notebook["cells"].insert(first, cell | {"outputs": [], "execution_count": 1})
    return notebook


def with_a_copy():
    """A right notebook with an answer in two cells, the second a copy of the first."""
    notebook = with_answer(0, "landed = 2")
    first = cells_of(notebook, "solution")[0]
    copy = first | {"source": "slopes = [4, 1, -8]"}
    notebook["cells"].insert(notebook["cells"].index(first) + 1, copy)
    return notebook


def with_own_numbers(name):
    """A right notebook of a student with numbers of their own."""
    h, c, theta, alpha = given("01.1", name).values()
    g = h * (theta - c)
    landed = theta - alpha * g
    slopes = [g, h * (landed - c) * (1 - alpha * h), -g * h * (landed - c)]
    notebook = with_answer(0, f"landed = '{landed}'\nslopes = {[*map(str, slopes)]}")
    (cell,) = (c for c in notebook["cells"] if c["id"] == "student")
    cell["source"] = f'student = "{name}"'
    return notebook


def in_words(text, more=None):
    """A right notebook but for the answer in words; `more` is a text cell below it."""
    notebook = solved()
    (cell,) = (c for c in notebook["cells"] if c["id"] == "in-words")
    stub = cells_of(strip_solutions(SOURCE), "solution")[4]["source"]
    cell["source"] = stub.replace("YOUR ANSWER HERE", text)
    if more:
        below = {"cell_type": "markdown", "id": "mine", "metadata": {}, "source": more}
        notebook["cells"].insert(notebook["cells"].index(cell) + 1, below)
    return notebook


RETURNED = {
    "right": solved(),
    "blank": strip_solutions(SOURCE),
    "tampered": tampered(),
    "bare": bare(),
    "endless": with_answer(2, "while True:\n    pass"),
    "stubborn": with_answer(1, "{}\nimport os\nos._exit(0)"),
    "leaves": with_answer(1, "{}\nraise SystemExit"),
    "typo": with_answer(1, "def best_single_rate(h)\n    return 1, 2"),
    "shadows": with_answer(0, "{}\ncheck = X = Y = np = 3\nimport numpy as np"),
    "magic": with_answer(0, "%matplotlib inline\n{}\ndisplay(landed)"),
    "helper": with_a_cell("def double(x):\n    return 2 * x\n\n\nraise ValueError"),
    "named": with_own_numbers("Ada"),
    "script": with_answer(1, "raise ValueError('<script>alert(1)</script>')"),
    "copied": with_a_copy(),
    "wordy": in_words("It <overshoots>.\n\nBy a factor of −3.", "## 9. And so on"),
    "wordless": in_words("YOUR ANSWER HERE"),
    "noted": with_a_cell("A note to myself.", "markdown"),
    "reads": with_answer(
        1,
        "import os\nassert 'SECRET' not in os.environ, 'seen'\n"
        "assert not os.listdir(), 'files'\nopen('left', 'w').close()\n{}",
    ),
}


CELL = {"cell_type": "code", "source": "1", "metadata": {}}
UNREADABLE = {
    "torn": '{"cells": [',
    "deep": "[" * 10**5,
    "other": '{"worksheets": []}',
    "list": "[1]",
    "strange": json.dumps({"cells": [CELL | {"metadata": {"nbgrader": 3}}]}),
    "stranger": json.dumps({"cells": [CELL | {"id": ["a"]}]}),
    "strangest": json.dumps({"cells": [CELL | {"source": 1}]}),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """What `grade_notebooks` leaves of all of RETURNED, and a file that is none."""
    folder = tmp_path_factory.mktemp("class")
    for student, notebook in RETURNED.items():
        path = folder / "submitted" / student / NAME / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook), "utf-8")
    for student, text in UNREADABLE.items():
        path = folder / "submitted" / student / f"{NAME}.ipynb"
        path.parent.mkdir()
        path.write_text(text, "utf-8")
    (folder / "students.csv").write_text("id\nright\nEve_L\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grading, "CELL", 5)
        patch.setenv("SECRET", "1")
        said = grade_notebooks(folder)
    assert said[0] == "nothing came back from Eve_L."
    assert said[1].startswith(f"{len(RETURNED) + len(UNREADABLE)} notebooks graded")
    return folder / "grades"


@pytest.fixture(scope="module")
def rows(graded):
    with (graded / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def points(row):
    """The points of a row, exercise by exercise."""
    return [float(row[f"exercise {n}"]) for n in range(1, 6)]


def words(graded, student):
    """A page of feedback as a reader sees it."""
    page = (graded / "feedback" / f"{student}-{NAME}.html").read_text("utf-8")
    return " ".join(re.sub(r"<[^>]*>", " ", page.split("<body>")[1]).split())


@pytest.mark.parametrize(
    "student",
    [
        "right",
        "bare",
        "copied",
        "shadows",
        "magic",
        "helper",
        "named",
        "reads",
        "leaves",
    ],
)
def test_right_answers_get_all_points(student, rows):
    assert points(rows[student]) == POINTS
    assert (rows[student]["points"], rows[student]["of"]) == ("12", "12")


@pytest.mark.parametrize("student", ["blank", "tampered"])
def test_nothing_answered_gives_nothing(student, rows, graded):
    assert points(rows[student]) == [0] * 5
    assert words(graded, student).count("Not answered") == 5


def test_what_was_tampered_with_is_reported(rows):
    remarks = rows["tampered"]["remarks"]
    assert "imports was changed" in remarks
    assert "check-bug was missing" in remarks
    for student in ("right", "bare", "blank", "named"):
        assert rows[student]["remarks"] == ""


def test_an_endless_loop_costs_its_own_exercise(rows, graded):
    assert points(rows["endless"]) == [4, 2, 0, 3, 2]
    assert "more than 5 seconds" in words(graded, "endless")


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="has no signals")
def test_loops_and_sleeps_end_where_interrupts_are_ignored(monkeypatch):
    """As under nohup, and behind & in a script."""
    monkeypatch.setattr(grading, "CELL", 1)
    sources = ("while True: pass", "import time; time.sleep(1000)", "print(1)")
    cells = [
        {"id": str(n), "source": source, "metadata": {}}
        for n, source in enumerate(sources)
    ]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        found = grading.run_cells(cells)
    finally:
        signal.signal(signal.SIGINT, before)
    errors = [found[cell["id"]]["error"] for cell in cells]
    assert errors == ["It ran for more than 1 seconds."] * 2 + [None]


def test_what_was_found_before_a_notebook_ends_its_process_counts(rows, graded):
    assert points(rows["stubborn"]) == [4, 0, 0, 0, 0]
    assert "ended its process" in rows["stubborn"]["remarks"]
    assert "was not reached" in words(graded, "stubborn")


def test_a_cell_that_stops_is_shown_with_its_line(rows, graded):
    assert points(rows["typo"]) == [4, 0, 1, 3, 2]
    assert "SyntaxError in line 1" in words(graded, "typo")


@pytest.mark.parametrize("student", UNREADABLE)
def test_what_cannot_be_read_is_said_and_spoils_nothing_else(student, rows, graded):
    assert rows[student]["points"] == "0"
    assert "no notebook that can be read" in words(graded, student)


def test_an_answer_in_words_is_for_a_person_to_read(rows, graded):
    assert points(rows["wordy"]) == points(rows["wordless"]) == POINTS
    assert rows["wordy"]["to mark by hand"] == "2"
    assert rows["wordless"]["to mark by hand"] == ""
    assert "Your words will be read, for up to 2 points." in words(graded, "wordy")
    assert "Your words" not in words(graded, "wordless")
    page = (graded / "words.html").read_text("utf-8")
    assert page.count("<h2>") == 1
    assert page.index("Mark scheme") < page.index("<h3>")
    answer = "It &lt;overshoots&gt;.\n\nBy a factor of −3.\n\n## 9. And so on"
    assert f"<h3>wordy</h3>\n<p>{answer}</p>" in page
    assert "wordless" not in page
    assert "A note to myself." not in page
    assert "In words" not in page.split("<h3>", 1)[1]  # the question stands above


def test_feedback_names_the_exercise_and_where_to_go_back(graded):
    text = words(graded, "blank")
    assert "1. Three slopes, by hand 0 of 4 points Not answered. Go back to" in text
    page = (graded / "feedback" / f"blank-{NAME}.html").read_text("utf-8")
    assert f'/notebooks/{NAME}.ipynb">' in page
    assert "Go back to" not in words(graded, "right")


def test_the_first_line_of_a_check_is_not_repeated_below_the_heading():
    """The notebook's title may say more than the check's, as (two minutes)."""
    source = make_assignment(find_assignments()["05_learn_where_to_start"])
    exercise = split_exercises(source)[0]
    for answers in ((2, 2), ("4/3", 2), ("4/3", 4)):
        message = str(judge("05.1", answers))
        part = section(Grade(exercise, 0, message, "", ""), "05_learn_where_to_start")
        assert part.count("Before and after the step") == 1, part


def test_an_exercise_with_words_alone_has_no_answer_in_code():
    source = make_assignment(find_assignments()["05_learn_where_to_start"])
    blank = strip_solutions(source)
    exercise, asked = (split_exercises(cells)[3] for cells in (source, blank))
    stubs = {cell["id"]: cell["source"] for cell in blank["cells"]}
    text = next(cell for cell in asked.answers if is_text(cell))
    text["source"] = "Because it is a number."
    grade = grade_exercise(exercise, asked, stubs, {})
    assert grade.message.startswith("Not answered.\nYour words will be read")


def test_what_a_student_writes_is_text_on_the_page(graded):
    page = (graded / "feedback" / f"script-{NAME}.html").read_text("utf-8")
    assert page.count("&lt;script&gt;") > 1  # in the answer and in what is said of it
    assert "<script>" not in page


def test_a_second_grading_leaves_the_first(tmp_path):
    path = tmp_path / f"Ada_{NAME}.ipynb"
    path.write_text(json.dumps({"cells": []}), "utf-8")
    grade_notebooks(tmp_path)
    assert "grades-2" in grade_notebooks(tmp_path)[-1]
    first = (tmp_path / "grades" / "grades.csv").read_text("utf-8")
    assert first == (tmp_path / "grades-2" / "grades.csv").read_text("utf-8")


@pytest.mark.parametrize(
    ("path", "student"),
    [
        (f"Ada/{NAME}/{NAME}.ipynb", "Ada"),
        (f"Ada Lovelace/{NAME}.ipynb", "Ada-Lovelace"),
        (f"Ada_{NAME}.ipynb", "Ada"),
        (f"{NAME} (Ada).ipynb", "Ada"),
        ("Ada/01_my_answers.ipynb", "Ada"),
        (f"02_Ada/{NAME}.ipynb", "02-Ada"),
        (f"{NAME}.ipynb", "unnamed"),
    ],
)
def test_the_path_says_who_and_what(path, student, tmp_path):
    path = tmp_path / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert find_returned(tmp_path, [NAME]) == ([(student, NAME, path)], [])


def test_files_that_cannot_be_assigned_are_reported(tmp_path):
    for name in (f"Ada/{NAME}.ipynb", f"Ada/{NAME}/{NAME}.ipynb", "essay.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "Ada" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "Ada" / ".ipynb_checkpoints" / f"{NAME}.ipynb").touch()
    found, problems = find_returned(tmp_path, [NAME])
    assert len(found) == 1
    assert [("second" in p, "no assignment's name" in p) for p in problems] in (
        [(True, False), (False, True)],
        [(False, True), (True, False)],
    )


def test_a_course_nobody_returned_anything_to_is_an_error(tmp_path):
    (tmp_path / "nbgrader_config.py").touch()
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / f"{NAME}.ipynb").touch()
    with pytest.raises(ValueError, match="holds no notebooks"):
        grade_notebooks(tmp_path)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("%time x = 1\ny = 2", "pass\ny = 2"),
        ("if a:\n    !pip list", "if a:\n    pass"),
        ("x = (1\n%2)", None),
        ("'''\n% text\n'''", None),
        ("x =", None),
    ],
)
def test_only_lines_that_are_not_python_are_left_out(source, expected):
    assert readable(source) == (expected or source)


def test_every_check_of_the_source_is_known():
    assert [
        cell["metadata"]["nbgrader"]["points"]
        for cell in SOURCE["cells"]
        if is_check(cell)
    ] == POINTS

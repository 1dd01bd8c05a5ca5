"""A course is what nbgrader expects, gives nothing away, and passes its rehearsal."""

import csv
import json
import re
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from metasgd_np.classroom import course, given, grading, rehearsal, running
from metasgd_np.classroom.assignments import (
    FOLDERS,
    REPOSITORY,
    find_assignments,
    is_check,
    make_assignment,
    role,
    split_exercises,
    strip_solutions,
)
from metasgd_np.classroom.course import write_course
from metasgd_np.classroom.grading import grade_notebooks
from metasgd_np.classroom.rehearsal import (
    KINDS,
    expected_points,
    in_another_style,
    make_submission,
    rehearse,
)
from metasgd_np.cli import build_parser, main

ROOT = Path(__file__).parents[1]
PATHS = find_assignments()
NAME = "01_descend_a_gradient"
SOURCE = make_assignment(PATHS[NAME])


@pytest.fixture
def no_nbgrader(monkeypatch):
    monkeypatch.setattr(course, "find_spec", lambda name: None)


def cells(notebook):
    return {cell["id"]: cell for cell in notebook["cells"]}


@pytest.mark.parametrize("name", PATHS)
def test_an_assignment_is_locked_but_for_its_answers(name):
    source = make_assignment(PATHS[name])
    grading = [cell["metadata"].get("nbgrader") for cell in source["cells"]]
    assert [g for g in grading if g is None] == [None] * ("student" in cells(source))
    ids = [g["grade_id"] for g in grading if g]
    assert len(set(ids)) == len(ids)
    for cell in source["cells"]:
        marked = " BEGIN SOLUTION" in cell["source"]
        assert role(cell, "solution") == marked
        assert role(cell, "locked") != (marked or cell["id"] == "student"), cell["id"]
        assert not cell.get("outputs")


@pytest.mark.parametrize("name", PATHS)
def test_links_of_an_assignment_work_anywhere(name):
    text = "\n".join(cell["source"] for cell in make_assignment(PATHS[name])["cells"])
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links
    for link in links:
        assert link.startswith(f"{REPOSITORY}/"), link
        assert (ROOT / "notebooks" / link.removeprefix(f"{REPOSITORY}/")).exists()


@pytest.mark.parametrize("name", PATHS)
def test_an_assignment_has_titled_exercises_with_points_and_reading(name):
    source = make_assignment(PATHS[name])
    found = split_exercises(source)
    assert 3 <= len(found) <= 5
    assert [e.title[:3] for e in found] == [f"{n}. " for n in range(1, len(found) + 1)]
    checks = [cell for cell in source["cells"] if is_check(cell)]
    assert [cell for e in found for cell in e.cells if is_check(cell)] == checks
    for exercise in found:
        assert exercise.points >= 1
        assert exercise.answers
        for cell in exercise.cells:
            if role(cell, "grade"):
                about = {"title": exercise.title, "reading": exercise.reading}
                assert cell["metadata"]["metasgd_np"] == about


def test_links_lead_to_the_repository_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"{project['urls']['Homepage']}/blob/main/notebooks" == REPOSITORY


def test_the_exercises_go_with_the_wheel():
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    included = tool["hatch"]["build"]["targets"]["wheel"]["force-include"]
    ((ours, theirs),) = included.items()
    assert (ROOT / theirs, ROOT / ours) == FOLDERS


def test_the_name_of_a_student_has_an_open_cell():
    assert cells(SOURCE)["student"]["source"] == 'student = ""'
    assert [*cells(SOURCE)][:4] == ["title", "get-ready", "imports", "student"]


@pytest.mark.parametrize("name", PATHS)
def test_a_chapter_asks_for_one_reason_in_words_marked_by_hand(name):
    source = make_assignment(PATHS[name])
    ((exercise, cell),) = (
        (e, cell) for e in split_exercises(source) for cell in e.words
    )
    assert exercise.by_hand == 2
    question = cell["source"].split("\n")[0]
    assert question.startswith("In words (2 points): ")
    assert len(re.findall("^- 1 point: ", cell["source"], re.MULTILINE)) == 2
    key = course.answer_key({name: source})
    assert "and 2 by hand" in key
    assert "Mark scheme" in key
    release = cells(strip_solutions(source))["in-words"]["source"]
    assert release == f"{question}\n\nYOUR ANSWER HERE"


def test_the_key_has_the_numbers_and_answers_of_every_student():
    page = course.answer_key({NAME: SOURCE}, ["Ada & Eve", "Bob"])
    for student in ("", "Ada & Eve", "Bob"):
        h, c, theta, alpha = given("01.1", student).values()
        landed = theta - alpha * h * (theta - c)
        who = student.replace("&", "&amp;") or "no name"
        row = "".join(f"<td>{x}" for x in (who, h, c, theta, alpha, landed))
        assert f"<tr>{row}<td>" in page
    assert page.count("<td>Bob") == 2  # 01.1 and 01.4


def test_a_course_without_nbgrader(tmp_path, no_nbgrader, capsys):
    names = tmp_path / "names.txt"
    names.write_text("Ada Lovelace\nada\n../Bob\nBob\n", "utf-8")
    out = tmp_path / "course"
    assert main(["course", str(out), "--students", str(names), "--only", "1,03"]) == 0
    assert 'pip install "metasgd_np[teach]"' in capsys.readouterr().out
    made = {str(p.relative_to(out)) for p in out.rglob("*") if "sheets" not in str(p)}
    two = [NAME, "03_check_a_gradient"]
    assert made > {f"{k}/{n}/{n}.ipynb" for k in ("source", "release") for n in two}
    assert "submitted" in made
    assert not [name for name in made if "header" in name]
    assert (out / "worksheets" / "answers" / "01-Ada-Lovelace.txt").exists()
    with (out / "students.csv").open(encoding="utf-8", newline="") as file:
        ids = [row["id"] for row in csv.DictReader(file)]
    assert ids == ["Ada-Lovelace", "ada", "Bob", "Bob-2"]


def test_the_release_gives_nothing_away(tmp_path, no_nbgrader):
    list(write_course(tmp_path, only="1"))
    release = (tmp_path / "release" / NAME / f"{NAME}.ipynb").read_text("utf-8")
    source = (tmp_path / "source" / NAME / f"{NAME}.ipynb").read_text("utf-8")
    key = (tmp_path / "key.html").read_text("utf-8")
    for secret in ("2 / (min(h) + max(h))", "highest_loss = 2"):
        assert secret in source
        assert secret in key
        assert secret not in release
    assert "SOLUTION" not in release + key
    config = (tmp_path / "nbgrader_config.py").read_text("utf-8")
    compile(config, "nbgrader_config.py", "exec")


def test_a_folder_with_something_in_it_is_refused(tmp_path, no_nbgrader):
    (tmp_path / "kept").touch()
    with pytest.raises(ValueError, match="is not empty"):
        list(write_course(tmp_path, only="1"))
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_course_is_graded_by_its_own_source(tmp_path, no_nbgrader):
    list(write_course(tmp_path, only="1"))
    path = tmp_path / "source" / NAME / f"{NAME}.ipynb"
    assert make_assignment(path) == SOURCE
    text = path.read_text("utf-8").replace("Three slopes", "Four slopes")
    path.write_text(text, "utf-8")
    returned = tmp_path / "submitted" / "Ada" / f"{NAME}.ipynb"
    returned.parent.mkdir()
    returned.write_text('{"cells": []}', "utf-8")
    grade_notebooks(tmp_path)
    page = tmp_path / "grades" / "feedback" / f"Ada-{NAME}.html"
    assert "1. Four slopes, by hand <small>0 of 4 points" in page.read_text("utf-8")


@pytest.mark.parametrize("only", ["13", "1,x", "0"])
def test_a_chapter_that_does_not_exist_is_refused(only, tmp_path):
    with pytest.raises(ValueError, match="no chapter"):
        list(write_course(tmp_path / "new", only=only))
    assert not (tmp_path / "new").exists()


def answered(notebook):
    """How many of the answers are no stub."""
    given = [cell["source"] for cell in notebook["cells"] if role(cell, "solution")]
    stubs = ("NotImplementedError", "YOUR ANSWER HERE")
    return sum(not any(stub in source for stub in stubs) for source in given)


@pytest.mark.parametrize(
    ("kind", "number"), list(zip(KINDS, (6, 0, 2, 6, 0), strict=True))
)
def test_made_up_submissions(kind, number):
    made = make_submission(kind, SOURCE, strip_solutions(SOURCE))
    assert answered(made) == number
    checks = [cell["source"] for cell in made["cells"] if is_check(cell)]
    kept = [source for source in checks if source.startswith('check("01.')]
    assert (len(checks), len(kept)) == ((4, 0) if kind == "tampered" else (5, 5))
    assert "### BEGIN" not in json.dumps(made)
    assert json.dumps(made).count("X = Y = 0") == (kind == "other")
    assert (cells(made)["student"]["source"] == 'student = "Ada"') == (kind == "other")


def test_another_style_keeps_the_values():
    names = {}
    exec(
        in_another_style("a, b = 1, 2\nc = [[1, 2]]  # why\nd = {'1/2'}\ne = 0.5"),
        names,
    )
    assert (names["a"], names["c"].shape, names["d"], names["e"]) == (
        1,
        (1, 2),
        {"1/2"},
        0.5,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_rehearsal_that_gives_other_points_is_an_error(kind, monkeypatch):
    right = expected_points(SOURCE)
    assert right == {"right": 12, "blank": 0, "half": 6, "other": 12, "tampered": 0}
    monkeypatch.setattr(rehearsal, "grade_one", lambda *a: right)
    assert list(rehearse(Path(), {NAME: SOURCE}))[-1] == "All as expected."
    monkeypatch.setattr(rehearsal, "grade_one", lambda *a: right | {kind: 1})
    with pytest.raises(
        ValueError, match=f"{NAME}, {kind}: 1 points, not {right[kind]}"
    ):
        list(rehearse(Path(), {NAME: SOURCE}))


def test_the_guide_for_teachers_says_what_the_program_does():
    guide = (ROOT / "notebooks" / "TEACHING.md").read_text("utf-8")
    for number in PATHS:
        assert f"\n| {number[:2]} " in guide
    for command in re.findall(r"^metasgd-np (.*)$", guide, re.MULTILINE):
        assert build_parser().parse_args(command.split())
    limits = f"{grading.CELL} seconds per cell, {grading.NOTEBOOK} seconds per notebook"
    assert limits in " ".join(guide.split())
    assert f"{running.MEMORY >> 30} GB" in guide
    assert "Execute.timeout = 120" in course.CONFIG


@pytest.mark.skipif(find_spec("nbgrader") is None, reason="needs the extra teach")
def test_a_course_goes_through_the_real_nbgrader(tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("Ada Lovelace\nBob\n", "utf-8")
    printed = list(write_course(tmp_path / "course", names, "1"))
    assert printed[-2].split() == [NAME, "12", "0", "6", "12", "0", "12"]
    assert printed[-1] == "All as expected."
    release = tmp_path / "course" / "release" / NAME / f"{NAME}.ipynb"
    assert "NotImplementedError" in release.read_text("utf-8")
    assert (tmp_path / "course" / "gradebook.db").exists()

"""Every notebook runs afresh and shows what was committed; every exercise bites."""

import re
from pathlib import Path

import notebook_tools as tools
import numpy as np
import pytest

CHAPTERS = sorted(tools.NOTEBOOKS.glob("*.ipynb"))
SOLUTIONS = sorted((tools.NOTEBOOKS / "solutions").glob("*.ipynb"))
EXERCISES = sorted((tools.NOTEBOOKS / "exercises").glob("*.ipynb"))
PACKAGE = sorted((tools.ROOT / "metasgd_np").rglob("*.py"))
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
TAG = re.compile(r"\(([1-9]\d?\.\d{1,2})\)")


def name(path):
    """A test's id: the path inside notebooks/."""
    return str(Path(path).relative_to(tools.NOTEBOOKS))


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text_of(cell):
    """All that a code cell printed or showed as text."""
    parts = []
    for output in cell.outputs:
        if output.output_type == "stream":
            parts.append(output.text)
        elif "image/png" not in output.get("data", {"image/png": None}):
            parts.append(output.data.get("text/plain", ""))
    return "".join(parts)


def assert_same_text(found, committed, where):
    """The words are equal, the numbers to 1e-3 (kernels round differently)."""
    assert NUMBER.sub("#", found) == NUMBER.sub("#", committed), where
    np.testing.assert_allclose(
        [float(n) for n in NUMBER.findall(found)],
        [float(n) for n in NUMBER.findall(committed)],
        rtol=1e-3,
        atol=1e-6,
        err_msg=where,
    )


def is_check(cell):
    """Whether nbgrader would grade this cell."""
    return cell.metadata.get("nbgrader", {}).get("grade", False)


@pytest.mark.parametrize("path", CHAPTERS + SOLUTIONS, ids=name)
def test_it_runs_on_a_fresh_kernel_and_shows_what_was_committed(path):
    committed = tools.read(path)
    found = tools.execute(committed)
    for new, old in zip(code_cells(found), code_cells(committed), strict=True):
        assert_same_text(text_of(new), text_of(old), f"{path.name}, cell {old.id}")
        kinds = (
            [o.output_type for o in new.outputs],
            [o.output_type for o in old.outputs],
        )
        assert ("display_data" in kinds[0]) == ("display_data" in kinds[1]), old.id


@pytest.mark.parametrize("path", CHAPTERS + SOLUTIONS, ids=name)
def test_it_was_committed_after_a_clean_run(path):
    notebook = tools.read(path)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    for cell in notebook.cells:
        assert re.fullmatch(r"[a-z][a-z0-9-]*", cell.id), cell.id
        assert "execution" not in cell.metadata
        assert len(cell.source.splitlines()) <= 30 or cell.cell_type != "code"
    for cell in cells:
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text
            assert "application/vnd.jupyter.widget-view+json" not in output.get(
                "data", {}
            )
    assert not re.search(r"/(home|root|tmp|work|Users)/", path.read_text())
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("path", CHAPTERS, ids=name)
def test_it_opens_with_what_it_needs_and_links_to_its_exercises(path):
    cells = tools.read(path).cells
    opening, text = cells[0].source, "\n".join(cell.source for cell in cells)
    assert opening.startswith("# ")
    for promise in ("You will do", "You will learn", "You need"):
        assert promise in opening
    if not path.name.startswith("00"):
        assert f"exercises/{path.name}" in text
        assert (tools.NOTEBOOKS / "exercises" / path.name).exists()
        assert re.search(r"^\s*assert |assert_ok\(\)", text, re.MULTILINE)


def test_every_equation_of_the_code_is_tagged_in_exactly_one_notebook():
    tags = []
    for path in CHAPTERS:
        for cell in tools.read(path).cells:
            if cell.cell_type == "markdown":
                tags += re.findall(r"\\tag\{([^}]*)\}", cell.source)
                chapter = str(int(path.name[:2]))
                for tag in re.findall(r"\\tag\{([^}]*)\}", cell.source):
                    assert tag.split(".")[0] == chapter, (path.name, tag)
    assert len(tags) == len(set(tags))
    in_code = {tag for path in PACKAGE for tag in TAG.findall(path.read_text())}
    assert set(tags) == in_code


def test_every_chapter_has_three_to_five_exercises():
    assert [path.name for path in SOLUTIONS] == [path.name for path in CHAPTERS[1:]]
    for path in SOLUTIONS:
        checks = [cell for cell in tools.read(path).cells if is_check(cell)]
        assert 3 <= len(checks) <= 5, path.name


@pytest.mark.parametrize("path", SOLUTIONS, ids=name)
def test_a_solution_is_what_nbgrader_reads(path):
    cells = code_cells(tools.read(path))
    grade_ids = [
        c.metadata.nbgrader.grade_id for c in cells if "nbgrader" in c.metadata
    ]
    assert len(set(grade_ids)) == len(grade_ids)
    for cell in cells:
        marked = "### BEGIN SOLUTION" in cell.source
        assert cell.metadata.get("nbgrader", {}).get("solution", False) == marked
        assert len(tools.SOLUTION.findall(cell.source)) == cell.source.count(
            "### BEGIN"
        )
        if is_check(cell):
            assert "assert" in cell.source


def test_the_exercises_are_the_solutions_without_the_answers():
    assert [path.name for path in EXERCISES] == [path.name for path in SOLUTIONS]
    for exercise, solution in zip(EXERCISES, SOLUTIONS, strict=True):
        assert tools.read(exercise) == tools.strip(tools.read(solution)), exercise.name
        assert "SOLUTION" not in exercise.read_text()


@pytest.mark.parametrize("path", EXERCISES, ids=name)
def test_no_check_passes_before_the_exercise_is_done(path):
    found = tools.execute(tools.read(path), allow_errors=True)
    for cell in code_cells(found):
        failed = any(output.output_type == "error" for output in cell.outputs)
        expected = is_check(cell) or cell.metadata.get("nbgrader", {}).get("solution")
        if is_check(cell):
            assert failed, f"{path.name}: {cell.id} passes unsolved"
        elif not expected:
            assert not failed, f"{path.name}: {cell.id} fails without a reason"

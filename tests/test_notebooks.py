"""Every notebook runs and shows what was committed; every exercise needs its answer.

Notebooks run in the process of the tests, which saves starting a kernel for each. One
chapter runs on a kernel too, and one test compares the two ways of running.
"""

import builtins
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import notebook_tools as tools
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from metasgd_np import MAML
from metasgd_np.classroom.assignments import SOLUTION
from metasgd_np.classroom.exercises import find_exercise

CHAPTERS = sorted(tools.NOTEBOOKS.glob("*.ipynb"))
SIDE_TRIPS = sorted((tools.NOTEBOOKS / "side_trips").glob("*.ipynb"))
SOLUTIONS = sorted((tools.NOTEBOOKS / "solutions").glob("*.ipynb"))
EXERCISES = sorted((tools.NOTEBOOKS / "exercises").glob("*.ipynb"))
PACKAGE = sorted((tools.ROOT / "metasgd_np").rglob("*.py"))
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
TAG = re.compile(r"\(([1-9]\d?\.\d{1,2})\)")
LONGEST_FIRST = ["10", "12", "11", "07", "08", "06", "09", "05"]  # for two workers


def name(path):
    """A test's id: the path inside notebooks/."""
    return str(Path(path).relative_to(tools.NOTEBOOKS))


def place_in_queue(path):
    """Sort key: the chapters that take longest first."""
    chapter = path.name[:2] if path in CHAPTERS else "other"
    return [*LONGEST_FIRST, chapter].index(chapter)


def home_of(side_trip):
    """The chapter that a side trip's opening links back to first."""
    opening = tools.read(side_trip).cells[0].source
    link = re.search(r"\]\(\.\./(\d\d_\w+\.ipynb)\)", opening)
    assert link, f"{side_trip.name}: the first cell links to no chapter"
    return tools.NOTEBOOKS / link[1]


def text_in(path):
    """The sources of all cells."""
    return "\n".join(cell.source for cell in tools.read(path).cells)


def notebook_of(*sources):
    """A notebook of code cells."""
    return new_notebook(cells=[new_code_cell(source) for source in sources])


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
    """Whether nbgrader would grade this cell without a person."""
    grading = cell.metadata.get("nbgrader", {})
    return grading.get("grade", False) and not grading["solution"]


def assert_shows_the_same(found, committed):
    """Cell by cell, the text is the same, and there is a figure where there was one."""
    for new, old in zip(code_cells(found), code_cells(committed), strict=True):
        assert_same_text(text_of(new), text_of(old), f"cell {old.id}")
        kinds = (
            [o.output_type for o in new.outputs],
            [o.output_type for o in old.outputs],
        )
        assert ("display_data" in kinds[0]) == ("display_data" in kinds[1]), old.id


@pytest.mark.parametrize(
    "path", sorted(CHAPTERS + SIDE_TRIPS + SOLUTIONS, key=place_in_queue), ids=name
)
def test_it_runs_and_shows_what_was_committed(path):
    committed = tools.read(path)
    assert_shows_the_same(tools.run_in_process(committed), committed)


@pytest.mark.parametrize("path", [p for p in CHAPTERS if p.name[0] == "1"], ids=name)
def test_a_light_run_says_the_same_in_other_numbers(path, monkeypatch):
    monkeypatch.setenv("LIGHT", "1")
    committed = tools.read(path)
    light = tools.run_in_process(committed)
    for notebook in (light, committed):
        for cell in code_cells(notebook):
            for output in cell.outputs:
                if output.output_type == "stream":
                    output.text = " ".join(NUMBER.sub("#", output.text).split())
    assert_shows_the_same(light, committed)


def test_a_chapter_runs_on_a_fresh_kernel_and_shows_what_was_committed(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")  # as some terminals and test runs set it
    committed = tools.read(CHAPTERS[1])
    assert_shows_the_same(tools.execute(committed), committed)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.123", "0.124"),
        ("loss", "MSE"),
        ("plt.figure()", "pass"),
        ("plt.figure()", "plt.figure()\nimport warnings\nwarnings.warn('beware')"),
    ],
)
def test_a_changed_output_is_seen(old, new):
    source = "import matplotlib.pyplot as plt\nplt.figure()\nprint('loss 0.123')"
    committed = tools.run_in_process(notebook_of(source))
    assert_shows_the_same(tools.run_in_process(notebook_of(source)), committed)
    changed = tools.run_in_process(notebook_of(source.replace(old, new)))
    with pytest.raises(AssertionError):
        assert_shows_the_same(changed, committed)


def described(cell):
    """Each output's kind and text; of a warning, whether it is there."""
    found = []
    for output in cell.outputs:
        data = output.get("data", {})
        text = output.get("text") or output.get("evalue") or data.get("text/plain")
        if output.get("name") == "stderr":
            text = "UserWarning: beware" in text
        if "image/png" in data:
            text = "a figure"
        kind = output.output_type, output.get("name"), "text/html" in data
        found.append((kind, text))
    return sorted(found, key=str)


def test_a_run_in_process_gives_what_a_kernel_gives():
    notebook = notebook_of(
        "import warnings\nimport matplotlib.pyplot as plt",
        "print(1); {'b': [2], 'a': 1}",
        "2;",
        "None",
        "warnings.warn('beware')",
        "axis = plt.figure().subplots()",  # shown at the end of the cell
        "axis.plot([1, 2])\nplt.subplots()\nplt.show()\nprint('after')",
        "class Table:\n    __repr__ = lambda self: 'text'\n"
        "    _repr_html_ = lambda self: '<b>text</b>'\n\n\nTable()",
        "print('before')\n1 / 0",
        "_name = 3\n__name__, _name",
    )
    kernel = tools.execute(notebook, allow_errors=True)
    here = tools.run_in_process(notebook, allow_errors=True)
    for one, other in zip(kernel.cells, here.cells, strict=True):
        assert described(other) == described(one), one.source
        assert other.execution_count == one.execution_count


def test_a_notebook_leaves_nothing_to_the_next():
    here = Path.cwd()
    tools.run_in_process(
        notebook_of(
            "import os\nimport matplotlib.pyplot as plt\n"
            "left = plt.figure()\nplt.rcParams['font.size'] = 99\nos.chdir('/')"
        )
    )
    assert Path.cwd() == here
    tools.run_in_process(
        notebook_of(
            "import os\nimport matplotlib.pyplot as plt\n"
            "assert 'left' not in globals() and not plt.get_fignums()\n"
            "assert plt.rcParams['font.size'] == plt.rcParamsDefault['font.size']\n"
            "assert os.path.basename(os.getcwd()) == 'notebooks'"
        )
    )


@pytest.mark.parametrize("name", ["MAML", "MAML.start"])
def test_a_notebook_that_changes_the_package_is_refused(name, monkeypatch):
    monkeypatch.setattr("metasgd_np.learners.MAML", MAML)  # put back in the end
    monkeypatch.setattr(MAML, "start", MAML.start)
    source = f"import metasgd_np.learners\nmetasgd_np.learners.{name} = None"
    with pytest.raises(AssertionError, match=f"changed the package: .*{name}"):
        tools.run_in_process(notebook_of(source))


def test_a_failing_cell_is_named():
    with pytest.raises(ZeroDivisionError) as caught:
        tools.run_in_process(notebook_of("x = 0", "1 / x"))
    assert "1 / x" in caught.value.__notes__[0]


@pytest.mark.parametrize("path", CHAPTERS + SIDE_TRIPS + SOLUTIONS, ids=name)
def test_it_was_committed_after_a_clean_run(path):
    notebook = tools.read(path)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    for cell in notebook.cells:
        assert re.fullmatch(r"[a-z][a-z0-9-]*", cell.id), cell.id
        assert "execution" not in cell.metadata
        if cell.cell_type == "code" and cell.id != "program":  # 00's is one cell
            assert len(cell.source.splitlines()) <= 30, cell.id
    for cell in cells:
        if cell.id != "agreement-table":  # a report of the package, wider than a page
            lines = f"{cell.source}\n{text_of(cell)}".splitlines()
            assert max(map(len, lines)) <= 75, cell.id
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text
            assert "application/vnd.jupyter.widget-view+json" not in output.get(
                "data", {}
            )
    assert not re.search(r"/(home|root|tmp|work|Users)/", path.read_text())
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("path", CHAPTERS + SIDE_TRIPS, ids=name)
def test_it_opens_with_what_it_needs_and_checks_itself(path):
    opening = tools.read(path).cells[0].source
    assert opening.startswith("# ")
    for promise in ("You will do", "You will learn", "You need"):
        assert promise in opening
    if not path.name.startswith("00"):
        text = text_in(path)
        assert re.search(r"^\s*assert |assert_ok\(\)", text, re.MULTILINE)


@pytest.mark.parametrize(
    "path", CHAPTERS + SIDE_TRIPS + SOLUTIONS + EXERCISES, ids=name
)
def test_it_has_the_cells_that_all_notebooks_share(path):
    notebook = tools.read(path)
    expected = tools.add_shared_cells(notebook, path)
    sources = [
        [(cell.id, cell.source) for cell in n.cells] for n in (notebook, expected)
    ]
    assert sources[0] == sources[1], "run tests/notebook_tools.py run on it"


def test_each_link_opens_this_notebook():
    opened = tools.read(tools.NOTEBOOKS / "side_trips" / "trust_regions.ipynb").cells[1]
    links = re.findall(r"\]\(https://(\S+?)\)", opened.source)
    assert len(links) == len(tools.ELSEWHERE) == 3
    assert all(link.endswith("side_trips/trust_regions.ipynb") for link in links)


def test_one_thread_multiplies_whatever_the_environment_says(monkeypatch):
    for library in ("OMP", "OPENBLAS", "MKL"):
        monkeypatch.setenv(f"{library}_NUM_THREADS", "2")
    ask = "from threadpoolctl import threadpool_info\n"
    ask += "print([pool['num_threads'] for pool in threadpool_info()])"
    first, answer = tools.execute(notebook_of(tools.GET_READY, ask)).cells
    assert first.outputs == []
    assert set(re.findall(r"\d+", text_of(answer))) == {"1"}


@pytest.mark.parametrize(
    ("place", "fetched"),
    [
        ("JupyterLite", ["install -q metasgd_np"]),
        ("Colab", ["install -q git+https://github.com/metasgd-np/metasgd_np"]),
        ("elsewhere", []),
    ],
)
def test_the_first_cell_fetches_the_package_where_nothing_is_installed(
    place, fetched, monkeypatch
):
    called = []
    shell = SimpleNamespace(run_line_magic=lambda magic, line: called.append(line))
    monkeypatch.setattr(builtins, "get_ipython", lambda: shell, raising=False)
    if place == "JupyterLite":
        monkeypatch.setattr(sys, "platform", "emscripten")
    if place == "Colab":
        monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    tools.run_in_process(notebook_of(tools.GET_READY))
    assert called == fetched


@pytest.mark.parametrize("path", CHAPTERS[1:], ids=name)
def test_a_chapter_links_to_its_exercises(path):
    assert f"exercises/{path.name}" in text_in(path)
    assert (tools.NOTEBOOKS / "exercises" / path.name).exists()


@pytest.mark.parametrize("path", SIDE_TRIPS, ids=name)
def test_a_side_trip_and_its_chapter_link_to_each_other(path):
    assert f"(side_trips/{path.name})" in text_in(home_of(path))


def test_every_equation_of_the_code_is_tagged_in_exactly_one_notebook():
    tags = []
    for path in CHAPTERS + SIDE_TRIPS:
        chapter = home_of(path) if path in SIDE_TRIPS else path
        for cell in tools.read(path).cells:
            if cell.cell_type == "markdown":
                for tag in re.findall(r"\\tag\{([^}]*)\}", cell.source):
                    tags.append(tag)
                    assert tag.split(".")[0] == str(int(chapter.name[:2])), (path, tag)
    assert len(tags) == len(set(tags))
    in_code = {tag for path in PACKAGE for tag in TAG.findall(path.read_text())}
    assert set(tags) == in_code


def test_every_chapter_has_three_to_five_exercises():
    assert [path.name for path in SOLUTIONS] == [path.name for path in CHAPTERS[1:]]
    for path in SOLUTIONS:
        checks = [cell for cell in tools.read(path).cells if is_check(cell)]
        assert 3 <= len(checks) <= 5, path.name


def assert_check_is_one_line(cell):
    """The cell calls the exercise's check, with its answers, for all its points."""
    call = re.fullmatch(
        r'check\("(\d\d\.\d)", (.*?)(, student=student)?\)', cell.source
    )
    assert call, cell.source
    exercise = find_exercise(call[1])
    assert tuple(call[2].split(", ")) == exercise.answers
    assert bool(call[3]) == bool(exercise.numbers)
    assert cell.metadata.nbgrader.points == len(exercise.points)


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
        assert len(SOLUTION.findall(cell.source)) == cell.source.count("### BEGIN")
        if is_check(cell):
            assert_check_is_one_line(cell)


def test_the_exercises_are_the_solutions_without_the_answers():
    assert [path.name for path in EXERCISES] == [path.name for path in SOLUTIONS]
    for exercise, solution in zip(EXERCISES, SOLUTIONS, strict=True):
        expected = tools.add_shared_cells(tools.strip(tools.read(solution)), exercise)
        assert tools.read(exercise) == expected, exercise.name
        assert "SOLUTION" not in exercise.read_text()


@pytest.mark.parametrize("path", EXERCISES, ids=name)
def test_no_check_passes_before_the_exercise_is_done(path):
    found = tools.run_in_process(tools.read(path), allow_errors=True)
    for cell in code_cells(found):
        failed = any(output.output_type == "error" for output in cell.outputs)
        expected = is_check(cell) or cell.metadata.get("nbgrader", {}).get("solution")
        if is_check(cell):
            assert failed, f"{path.name}: {cell.id} passes unsolved"
        elif not expected:
            assert not failed, f"{path.name}: {cell.id} fails without a reason"

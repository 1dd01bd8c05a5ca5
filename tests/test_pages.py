"""00's map, the book's table and the reference page hold what the notebooks hold."""

import re
from base64 import b64decode
from io import BytesIO

import notebook_pages as pages
import notebook_tools as tools
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

from metasgd_np import TaskBatch, TwoLayerNet, adapt, hvp, meta_gradient

CELLS = {cell.id: cell.source for cell in tools.read(pages.FIRST).cells}
PAGE = pages.REFERENCE.read_text(encoding="utf-8")
PLACE = re.compile(r"\]\((\S+?\.ipynb)\): ((?:\*[^*]+\*(?:, )?)+)")


def headings_of(path):
    cells = [c for c in tools.read(path).cells if c.cell_type == "markdown"]
    return re.findall(r"^#+ (.*)$", "\n".join(c.source for c in cells), re.MULTILINE)


def test_the_minutes_on_the_map_follow_the_notebooks():
    assert CELLS["map"] == pages.fill_minutes(CELLS["map"])


def test_the_map_shows_every_notebook_there_is():
    shown = set(re.findall(r"\]\((\S+\.ipynb)\)", CELLS["map"]))
    chapters = {path.name for path in tools.NOTEBOOKS.glob("*.ipynb")}
    side_trips = {f"side_trips/{path.name}" for path in pages.side_trips()}
    assert chapters | side_trips <= shown


def test_every_link_of_00_leads_to_a_file():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", "\n".join(CELLS.values()))
    assert len(links) > 20
    assert [link for link in links if not (tools.NOTEBOOKS / link).exists()] == []


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """notebooks/ with one chapter of 300 words, two formulas and an exercise."""
    monkeypatch.setattr(tools, "NOTEBOOKS", tmp_path)
    text = new_markdown_cell("word " * 296 + "\n$$a$$\n\n$$b \\tag{1.1}$$ c", id="a")
    solution = "### BEGIN SOLUTION\nx = 1\n\ny = 2\n### END SOLUTION"
    tools.write(new_notebook(cells=[text]), tmp_path / "01_a.ipynb")
    solved = new_notebook(cells=[new_code_cell(solution, id="b")])
    tools.write(solved, tmp_path / "solutions" / "01_a.ipynb")
    return tmp_path


def test_minutes_count_words_formulas_and_solutions(folder):
    assert pages.estimate_minutes(folder / "01_a.ipynb") == 5  # 2 + 4, to the next five
    text = "|[01 A](01_a.ipynb)|b|1|2|\n|[02](02_b.ipynb)|c|3||\n|**in all**||||"
    rows = "|[01 A](01_a.ipynb)|b|5|5|", "|[02](02_b.ipynb)|c|||", "|**in all**||5|5|"
    assert pages.fill_minutes(text) == "\n".join(rows)
    assert pages.fill_minutes("|[A](01_a.ipynb)|03||") == "|[A](01_a.ipynb)|03|5|"


def test_minutes_count_a_function_of_the_program_where_it_is_derived_first():
    lines = {path.name[:2]: pages.count_derived_lines(path) for path in pages.PATH}
    program = pages.functions_of(pages.FIRST)
    assert sum(lines.values()) <= sum(map(pages.count_lines, program.values()))
    assert lines["01"] == 0 == pages.count_derived_lines(pages.FIRST)


def test_the_books_table_names_headings_that_exist():
    places = PLACE.findall(CELLS["book"])
    assert len(places) >= 12
    for notebook, headings in places:
        for heading in re.findall(r"\*([^*]+)\*", headings):
            found = headings_of(tools.NOTEBOOKS / notebook)
            assert heading in found, f"{notebook} has no heading {heading!r}"


def test_the_books_questions_have_marked_answers():
    text = "\n".join(c.source for c in tools.read(pages.PATH[0]).cells)
    assert text.count("**The book asks:**") == 3


def test_the_reference_page_has_every_tagged_equation():
    assert pages.complete_page(PAGE) == PAGE


def test_an_equation_stands_below_its_notebook_and_heading(folder):
    text = "## H\n\nso $$x = 1$$ and $$y =\n2 \\tag{1.2}$$"
    cells = [new_markdown_cell("# T\n\nlead", id="a"), new_markdown_cell(text, id="b")]
    tools.write(new_notebook(cells=cells), folder / "01_a.ipynb")
    assert pages.complete_page(f"by hand\n{pages.BELOW}old").split("\n\n") == [
        f"by hand\n{pages.BELOW.strip()}",
        "## Equations",
        "### [01 T](../01_a.ipynb)",
        "**H**",
        "$$\ny =\n2 \\tag{1.2}\n$$\n",
    ]


def test_the_pages_symbols_have_the_shapes_it_says():
    D, outputs, H, T, N, N_q, J = 2, 4, 5, 7, 8, 9, 10
    sizes = [D, D + 1, outputs, H, H + 1, T, N, N_q, J]
    assert len(set(sizes)) == len(sizes)
    rng = np.random.default_rng(0)
    shapes = (T, N, D), (T, N, outputs), (T, N_q, D), (T, N_q, outputs)
    batch = TaskBatch(*(rng.standard_normal(shape) for shape in shapes))
    net = TwoLayerNet(D, H, outputs)
    theta = alpha = rng.standard_normal(net.n_params)
    support = batch.X_s, batch.Y_s
    passes = net.backward_pass(theta, *support)
    W1, W2 = net.unpack(theta)
    arrays = {"X_s": batch.X_s, "theta": theta, "W1": W1, "W2_bar": W2[:-1]}
    arrays |= {name: getattr(passes, name) for name in ("X1", "Z1", "H1_1", "F")}
    arrays |= {"phi1": passes.phi1, "gradient": passes.gradient, "Z1_dot": passes.Z1}
    arrays |= {"loss": net.loss(theta, *support), "alpha": alpha}
    arrays["hv"] = hvp(net, theta, *support, theta)
    arrays["path"] = adapt(net, theta, alpha, *support, steps=J)
    arrays["lam"] = net.gradient(arrays["path"][-1], batch.X_q, batch.Y_q)
    arrays["d_theta"] = meta_gradient(net, theta, alpha, batch).d_theta
    for name, array in arrays.items():
        row = next(line for line in PAGE.splitlines() if f"| `{name}`" in line)
        assert str(array.shape) in row, row


def test_the_film_of_training_moves_and_is_at_most_a_megabyte():
    cell = next(c for c in tools.read(pages.FIRST).cells if c.id == "show-film")
    film = b64decode(cell.outputs[0].data["image/png"])
    assert len(film) <= 1e6
    assert Image.open(BytesIO(film)).n_frames > 10


def test_the_path_is_short():
    notebooks = [
        tools.read(path) for path in sorted(tools.NOTEBOOKS.glob("0[0-6]_*.ipynb"))
    ]
    cells = [cell for notebook in notebooks for cell in notebook.cells]
    words = sum(len(c.source.split()) for c in cells if c.cell_type == "markdown")
    code = [c.source.splitlines() for c in cells if c.cell_type == "code"]
    assert len(notebooks) == 7
    assert words <= 6500
    assert sum(bool(line.strip()) for lines in code for line in lines) <= 700

"""What notebook 00 and the reference page take from the other notebooks.

00's map says how many minutes each notebook takes; the page in notebooks/reference/
lists every tagged equation, below a part that is written by hand.
`python tests/notebook_tools.py reference` brings both up to date.
"""

import ast
import re

import notebook_tools as tools

from metasgd_np.classroom.assignments import SOLUTION

FIRST = tools.NOTEBOOKS / "00_read_me_first.ipynb"
PATH = sorted(tools.NOTEBOOKS.glob("0[1-6]_*.ipynb"))  # where 00's program is derived
REFERENCE = tools.NOTEBOOKS / "reference" / "symbols_and_equations.md"
BELOW = "<!-- Below: written by `python tests/notebook_tools.py reference` -->\n"
DISPLAYED = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
HEADING_OR_DISPLAYED = re.compile(
    r"^#+ (?P<heading>[^\n]*)|\$\$(?P<formula>.+?)\$\$", re.DOTALL | re.MULTILINE
)
MAP_ROW = re.compile(r"\|\[[^]]*\]\((\S+\.ipynb)\)\|.*?\|(\d*\|(?:\d*\|)?)$")
TOTAL = "|**in all**||"


def functions_of(path):
    """{name: source} of a notebook's functions; not of methods of its classes."""
    return {
        node.name: ast.get_source_segment(cell.source, node)
        for cell in tools.read(path).cells
        if cell.cell_type == "code"
        for node in tools.parse(cell).body
        if isinstance(node, ast.FunctionDef)
    }


def count_lines(source):
    """The lines of a source that are not blank."""
    return sum(bool(line.strip()) for line in source.splitlines())


def count_derived_lines(path):
    """Lines of those functions of 00's program that this chapter is first to define."""
    if path not in PATH:
        return 0
    earlier = set().union(*map(functions_of, PATH[: PATH.index(path)]))
    new = functions_of(FIRST).keys() & functions_of(path).keys() - earlier
    return sum(count_lines(functions_of(path)[name]) for name in new)


def estimate_minutes(path):
    """Minutes that a notebook takes with a pencil, to the nearest five; 0 without it.

    150 words a minute, and two minutes for each line worked out by hand: a displayed
    formula, a line of 00's program where it is derived, a line of a solution.
    """
    if not path.exists():
        return 0
    words = 0
    by_hand = count_derived_lines(path)
    for cell in tools.read(path).cells:
        if cell.cell_type == "markdown":
            words += len(SOLUTION.sub("", cell.source).split())
            by_hand += len(DISPLAYED.findall(cell.source))
        else:
            solutions = SOLUTION.finditer(cell.source)
            by_hand += sum(count_lines(match[0]) - 2 for match in solutions)
    return max(5, 5 * round((words / 150 + 2 * by_hand) / 5))


def fill_minutes(text):
    """A table of the map with the minutes of each notebook and of its exercises."""
    lines, totals = [], (0, 0)
    for old in text.splitlines():
        line = old
        if row := MAP_ROW.match(line):
            places = tools.NOTEBOOKS / row[1], tools.NOTEBOOKS / "solutions" / row[1]
            found = [estimate_minutes(path) for path in places]
            totals = [sum(pair) for pair in zip(totals, found, strict=True)]
            line = line[: row.start(2)] + as_columns(found[: row[2].count("|")])
        elif line.startswith(TOTAL):
            line = TOTAL + as_columns(totals)
        lines.append(line)
    return "\n".join(lines)


def as_columns(minutes):
    """The last columns of a row; a notebook that is not there leaves its own empty."""
    return "".join(f"{number or ''}|" for number in minutes)


def collect_equations():
    """The generated part of the page: tagged equations, by notebook and heading."""
    parts = ["## Equations"]
    for path in sorted(tools.NOTEBOOKS.glob("[01]*.ipynb")) + side_trips():
        title, equations = equations_of(path)
        link = f"../{path.relative_to(tools.NOTEBOOKS)}"
        parts += [f"### [{title}]({link})", *equations] if equations else []
    return "\n\n".join(parts) + "\n"


def side_trips():
    """The notebooks that nothing depends on."""
    return sorted((tools.NOTEBOOKS / "side_trips").glob("*.ipynb"))


def equations_of(path):
    """A notebook's title, and its tagged equations, each heading before its own."""
    title = heading = written = None
    found = []
    for cell in tools.read(path).cells:
        if cell.cell_type != "markdown":
            continue
        for match in HEADING_OR_DISPLAYED.finditer(cell.source):
            if match["heading"]:
                heading = match["heading"]
                title = title or heading
            elif r"\tag{" in match["formula"]:
                if heading != written:
                    found.append(f"**{heading}**")
                    written = heading
                found.append(f"$$\n{match['formula'].strip()}\n$$")
    return f"{path.name[:2]} {title}" if path.name[:2].isdigit() else title, found


def complete_page(page):
    """The reference page: its part by hand, and below it the equations of today."""
    return page.split(BELOW)[0] + BELOW + "\n" + collect_equations()


def write_pages():
    """Write the minutes of 00's map and the equations of the reference page."""
    notebook = tools.read(FIRST)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = fill_minutes(cell.source)
    tools.write(notebook, FIRST)
    page = complete_page(REFERENCE.read_text(encoding="utf-8"))
    REFERENCE.write_text(page, encoding="utf-8")

"""Find the notebooks that came back, and put each together with what was given."""

import re

from .assignments import STUDENT, is_text, role

ANSWER = {"nbgrader": {"solution": True}}


def find_returned(folder, names):
    """[(student, assignment, path)] of a folder's notebooks, and problems.

    `names` are those of the assignments.
    """
    found, problems = {}, []
    by_number = r"(?<![^/]){}(?=[a-z])\w*$"  # a file that begins with 02_, say
    patterns = {name: f"{name}|{by_number.format(name[:3])}" for name in names}
    for path in sorted(folder.rglob("*.ipynb")):
        parts = path.relative_to(folder).with_suffix("").parts
        if any(part.startswith(".") for part in parts):  # .ipynb_checkpoints
            continue
        whole = "/".join(parts)
        name = next((name for name in names if re.search(patterns[name], whole)), None)
        if name is None:
            problems.append(
                f"{path.name} has no assignment's name; call it {names[0]}.ipynb, say."
            )
            continue
        student = plain_name(re.sub(patterns[name], " ", whole))
        if (student, name) in found:
            problems.append(f"{path} is a second {name} of {student}; it was left out.")
        found.setdefault((student, name), path)
    return [(*key, path) for key, path in found.items()], problems


def plain_name(text):
    """Keep the letters and digits of a name, with hyphens between them."""
    return "-".join(re.findall(r"[^\W_]+", text)) or "unnamed"


def put_together(source, returned):
    """The cells to run: given ones as in the source, answers and others as returned."""
    found, behind = recognise(source, returned)
    code = [cell["source"] for cell in returned["cells"] if not is_text(cell)]
    if name := STUDENT.search("\n".join(code)):
        found["student"] = name[0]
    cells, remarks = [], []
    for cell in source["cells"]:
        default = cell["source"] if cell["id"] == "student" else ""
        mine = found.get(cell["id"], default)
        if role(cell, "solution") or cell["id"] == "student":  # open to students
            cells.append(cell | {"source": mine})
        else:
            cells.append(cell)
            if role(cell, "grade") and cell["id"] not in found:
                remarks.append(f"{cell['id']} was missing and has been restored")
            elif mine and not is_text(cell) and mine.strip() != cell["source"]:
                remarks.append(f"{cell['id']} was changed and has been restored")
        cells += behind.get(cell["id"], [])
    return cells, remarks


def recognise(source, returned):
    """{id: text} of the source's cells as returned, and {id: cells behind it}.

    A cell is known by its grade_id, or else its id or its text; one that nobody
    knows stays behind the cell it followed.
    """
    known, found, behind = {}, {}, {}
    for cell in source["cells"]:
        known |= {key: cell["id"] for key in keys(cell)}
    before = source["cells"][0]["id"]
    for cell in returned["cells"]:
        match = next((known[key] for key in keys(cell) if key in known), None)
        if match is None or match in found:
            more = cell | {"id": f"{before}-more", "metadata": ANSWER}
            behind.setdefault(before, []).append(more)
        else:
            before = match
            found[match] = cell["source"]
    return found, behind


def keys(cell):
    """By what a cell is recognised, the surest first."""
    grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
    found = [("grade_id", grade_id), ("id", cell.get("id"))]
    found += [("text", cell["source"].strip())] * (not role(cell, "solution"))
    return [key for key in found if key[1]]

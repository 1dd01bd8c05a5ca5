"""Find the notebooks that came back, and put each together with what was given."""

import re

from .assignments import STUDENT, find_assignments, is_text, role

ANSWER = {"nbgrader": {"solution": True}}
NO_ANSWER = {"source": ""}


def find_returned(folder):
    """[(student, assignment, path)] of the notebooks in a folder, and problems."""
    names, found, problems = list(find_assignments()), {}, []
    for path in sorted(folder.rglob("*.ipynb")):
        parts = path.relative_to(folder).with_suffix("").parts
        if any(part.startswith(".") for part in parts):  # .ipynb_checkpoints
            continue
        whole = "/".join(parts)
        name = next((name for name in names if name in whole), None)
        rest = whole.replace(name or "", " ")
        if name is None and (start := re.match(r"(\d\d)(?=_[a-z])\w*", parts[-1])):
            name = next((n for n in names if n.startswith(start[1])), None)
            rest = "/".join(parts[:-1]) or "unnamed"
        if name is None:
            problems.append(
                f"{path.name} has no assignment's name; call it {names[0]}.ipynb, say."
            )
            continue
        student = "-".join(re.findall(r"[^\W_]+", rest)) or "unnamed"
        if (student, name) in found:
            problems.append(f"{path} is a second {name} of {student}; it was left out.")
        found.setdefault((student, name), path)
    return [(*key, path) for key, path in found.items()], problems


def put_together(source, returned):
    """The cells to run: given ones as in the source, answers and others as returned.

    A cell is known by its grade_id, or else its id or its text; one that nobody
    knows stays behind the cell it followed.
    """
    known, remarks, answers, behind = {}, [], {}, {}
    for cell in source["cells"]:
        known |= {key: cell for key in keys(cell)}
    before = source["cells"][0]["id"]
    for cell in returned["cells"]:
        match = next((known[key] for key in keys(cell) if key in known), None)
        if match is None or match["id"] in answers:
            more = cell | {"id": f"{before}-more", "metadata": ANSWER}
            behind.setdefault(before, []).append(more)
            continue
        before = match["id"]
        answers[before] = cell
        changed = cell["source"].strip() != match["source"].strip()
        if changed and not role(match, "solution") and not is_text(cell):
            remarks.append(f"{before} was changed and has been restored")
    code = [cell["source"] for cell in returned["cells"] if not is_text(cell)]
    if name := STUDENT.search("\n".join(code)):
        answers["student"] = {"source": name[0]}
    graded = [cell["id"] for cell in source["cells"] if role(cell, "grade")]
    missing = [name for name in graded if name not in answers]
    remarks += [f"{name} was missing and has been restored" for name in missing]
    cells = []
    for cell in source["cells"]:
        default = cell if cell["id"] == "student" else NO_ANSWER
        mine = answers.get(cell["id"], default)["source"]
        cells.append(cell | {"source": mine} if unlocked(cell) else cell)
        cells += behind.get(cell["id"], [])
    return cells, remarks


def unlocked(cell):
    """Whether a student may change this cell of the source."""
    return role(cell, "solution") or not cell["metadata"].get("nbgrader")


def keys(cell):
    """By what a cell is recognised, the surest first."""
    grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
    found = [("grade_id", grade_id), ("id", cell.get("id"))]
    found += [("text", cell["source"].strip())] * (not role(cell, "solution"))
    return [key for key in found if key[1]]

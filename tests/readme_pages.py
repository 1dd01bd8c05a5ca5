"""What the README takes from notebook 00: the film of one step, and the map.

`python tests/notebook_tools.py reference` writes both.
"""

import base64
import re

from notebook_pages import FIRST
from notebook_tools import ROOT, read

README = ROOT / "README.md"
FILM = ROOT / ".github" / "one_step.png"
MAP = re.compile(r"(?<=<!-- map -->\n).*?(?=<!-- end of map -->)", re.DOTALL)


def find_cell(name):
    """The cell of 00 with this id."""
    return next(cell for cell in read(FIRST).cells if cell.id == name)


def read_film():
    """The film that 00 shows, an animated PNG, as bytes."""
    (output,) = find_cell("show-film").outputs
    return base64.b64decode(output.data["image/png"])


def copy_map():
    """00's tables of chapters, with links that lead there from the README."""
    paragraphs = find_cell("map").source.split("\n\n")
    path, others, *_ = (table for table in paragraphs if table.startswith("|"))
    return f"\n{path}\n\n{others}\n\n".replace("](", "](notebooks/")


def complete_readme(text):
    """The README with the map of today."""
    return MAP.sub(lambda _: copy_map(), text)


def write_readme():
    """Write the README's map and .github/one_step.png."""
    README.write_text(complete_readme(README.read_text("utf-8")), encoding="utf-8")
    FILM.write_bytes(read_film())

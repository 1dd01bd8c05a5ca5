"""For a class: the checks of the exercises, and worksheets for every student.

check("02.1", dF, dH1, dZ1)          # one exercise: points, and what went wrong
write_sheets("names.txt", "class")   # print.html, key.html, answers/, forms/
mark_sheets("class")                 # marks/: marks.csv, teacher.html, feedback/
"""

from .class_marks import mark_sheets
from .class_sheets import write_sheets
from .exercises import check, given

__all__ = ["check", "given", "mark_sheets", "write_sheets"]

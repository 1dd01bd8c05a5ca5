"""For a teacher: a sheet for every student of a class, and what comes back, marked.

write_sheets("names.txt", "class")   # print.html, key.html, answers/, forms/
mark_sheets("class")                 # marks/: marks.csv, teacher.html, feedback/
"""

from .class_marks import mark_sheets
from .class_sheets import write_sheets

__all__ = ["mark_sheets", "write_sheets"]

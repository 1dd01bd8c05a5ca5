"""For a class: the checks of the exercises, and worksheets for every student.

check("02.1", dF, dH1, dZ1)          # one exercise: points, and what went wrong
write_sheets("names.txt", "class")   # print.html, key.html, answers/, forms/
mark_sheets("class")                 # marks/: marks.csv, teacher.html, feedback/
write_course("course")               # source/, release/, key.html, for nbgrader or not
grade_notebooks("course")            # grades/: grades.csv, feedback/, words.html
"""

from .class_marks import mark_sheets
from .class_sheets import write_sheets
from .course import write_course
from .exercises import check, given
from .grading import grade_notebooks

__all__ = [
    "check",
    "given",
    "grade_notebooks",
    "mark_sheets",
    "write_course",
    "write_sheets",
]

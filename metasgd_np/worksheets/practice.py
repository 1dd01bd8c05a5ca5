"""Work a sheet line by line in a terminal or a notebook, with hints, then marks."""

from collections import Counter
from itertools import count
from pathlib import Path

import numpy as np

from ..checks import as_path
from ..files import write_text
from . import formats
from .answers import read_file
from .lines import evaluate
from .printing import matrix, number, render

HELP = (
    "Type the value (3, -3/4, 1 1/2, 0.25, rows as [1/2 2; 3 4]), or one of: hint, "
    "skip, back, quit."
)


class Practice:
    """A sheet being worked on; every answer is saved in a file as it is given.

    A file that exists is continued; ValueError if it belongs to another sheet. The
    `labels`, {"seed": 7} or {"name": "Ada"}, are kept in it to find the sheet again.
    """

    def __init__(self, sheet, path=None, labels=()):
        code = formats.key_code(sheet)
        self.sheet = sheet
        self.lines = [line for line in sheet.lines if line.expression]
        self.path = fresh_path(code) if path is None else as_path("path", path)
        saved = read_file(self.path) if self.path.exists() else {}
        if saved.get("code", code) != code:
            raise ValueError(
                f"{self.path.name} has the code {saved['code']}, but this sheet is "
                f"{code}; continue it with the sheet it was made from"
            )
        symbols = {line.symbol for line in self.lines}
        self.answers = {s: saved[s] for s in saved if s in symbols}
        self.labels = {s: saved[s] for s in ("name", "seed") if s in saved}
        self.labels |= dict(labels)
        self.hints = Counter()

    def run(self):
        """Ask for line after line; return the marks, or None after quit."""
        given = [line for line in self.sheet.lines if not line.expression]
        print("\n".join(f"{line.symbol} = {matrix(line.value)}" for line in given))
        print(HELP)
        blank = [line.symbol not in self.answers for line in self.lines]
        place = blank.index(True) if any(blank) else 0
        try:
            while place < len(self.lines):
                self.introduce(place)
                while not (move := self.ask(self.lines[place])):
                    pass
                place = max(0, place + move)
        except (EOFError, KeyboardInterrupt):
            print(f"\nSaved in {self.path}; --resume continues." * bool(self.answers))
            return None
        return self.sheet.mark(self.answers)

    def introduce(self, place):
        """Show the formula of a line, and what has been answered before."""
        line = self.lines[place]
        tag = f"   ({line.tag})" if line.tag else ""
        print(f"\n{place + 1}/{len(self.lines)}  {line.section}")
        print(f"{line.symbol} = {render(line.expression)}{tag}")
        if line.symbol in self.answers:
            print(f"Your answer is {self.answers[line.symbol]}; Enter keeps it.")

    def ask(self, line):
        """Ask once for a line; return how many lines to go on: 1, 0 or −1."""
        text = input(f"{line.symbol}, {formats.shape(line)} = ").strip()
        match text.lower():
            case "quit" | "exit" | "q":
                raise EOFError
            case "hint":
                print(self.next_hint(line))
            case "skip":
                self.answers.pop(line.symbol, None)
                self.save()
                return 1
            case "back":
                return -1
            case "" if line.symbol in self.answers:
                return 1
            case "" | "help" | "?":
                print(HELP)
            case _:
                return self.take(line, text)
        return 0

    def take(self, line, text):
        """Keep an answer and say whether it is right; 1 if it is."""
        marks = self.sheet.mark(self.answers | {line.symbol: text})
        found = next(mark for mark in marks.lines if mark.symbol == line.symbol)
        print(found.message.removeprefix("not read: "))
        if found.mark == "not read":
            return 0
        self.answers[line.symbol] = text
        self.save()
        if not found.points:
            print("Try again; or Enter keeps it and goes on from it.")
        return found.points

    def next_hint(self, line):
        """The formula, then the numbers filled in, then one entry.

        The numbers are the student's own where there are some.
        """
        own = {mark.symbol: mark.own for mark in self.sheet.mark(self.answers).lines}
        known = self.sheet.values | own
        value = np.asarray(evaluate(line.expression, known))
        index = (0,) * value.ndim
        chapter = line.tag.split(".")[0]
        where = f", derived in notebook {int(chapter):02}" if chapter else ""
        hints = [
            f"The formula is {render(line.expression)}{where}.",
            f"With numbers: {render(line.expression, values=known)}",
            f"{f'Entry {list(index)}' if index else 'The value'} is "
            f"{number(value[index])}.",
        ]
        self.hints[line.symbol] += 1
        return hints[min(self.hints[line.symbol], len(hints)) - 1]

    def save(self):
        """Write the answers so far to the file."""
        text = formats.text(self.sheet, True, self.labels, self.answers)
        write_text(self.path, text + "\n")


def fresh_path(code):
    """The name of a file that does not exist yet, in the current folder."""
    names = (f"practice-{code}{f'-{n}' if n > 1 else ''}.txt" for n in count(1))
    return next(path for path in map(Path, names) if not path.exists())

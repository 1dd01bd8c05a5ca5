"""Read numbers as people write them, and compare them with the right value.

Fractions, mixed numbers, decimals with a point or a comma, LaTeX, lists, arrays and the
sheet's own rows, [1/2 2; 3 4], are all read. A whole number or a fraction must be
exact. A decimal must be rounded rightly and keep enough digits: 0.33 is right for 1/3,
and so is 0.3333; 0.34 is not, and 0.3 could be 1/4 just as well. Among decimals, 190
may be a rounded number too.
"""

import csv
import math
import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from numbers import Rational, Real

import numpy as np

from ..checks import as_path

LARGEST = 10**100  # what follows from a larger one is soon too large for a float
ROUNDING = Fraction(1, 10**9)  # relative; a computed float may be off by this much
PRECISION = {2: Fraction(1, 250), 4: Fraction(1, 10**5)}  # half and single
FORM = "write numbers as 3, -3/4, 1 1/2 or 0.25 and rows as [1/2 2; 3 4]"
HIGH = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
LIKE_ASCII = str.maketrans(
    dict.fromkeys("−‐‑‒–—―⁃", "-")
    | dict.fromkeys("⁄∕÷", "/")
    | dict.fromkeys("≈≃≅≐", "=")
    | dict.fromkeys('⎡⎢⎣⎤⎥⎦⎛⎜⎝⎞⎟⎠|~$"`\r', " ")
    | {"\t": "&", "⋅": "*", "·": "*", "×": "*"}
)
BRACKETS = str.maketrans("({<⟨)}>⟩", "[[[[]]]]")
TRANSPOSED = re.compile(r"(?s)(.*\])\s*(?:\^|\.)?\s*\[?\s*(?:T|⊤|\\top)\s*\]?")
TYPES = (
    "array|asarray|[Mm]atrix|Immutable\\w*|[Tt]ensor|Array|Fraction|Rational|Integer"
)
REWRITTEN = (  # what stands for what, in this order
    (r"(?s)\A([^']*\])\s*'\s*\Z", r"\1T"),  # [1 2; 3 4]', transposed
    ("'", " "),
    (r"\\\\(\[[^]]*\])?", ";"),
    (r"\\(left|right|displaystyle|textstyle|q?quad|[,;:! (){}\[\]])", " "),
    (r"\\(times|cdot)", "*"),
    (r"\s*\*\s*10\s*(?:\^|\*\*)\s*[{(]?\s*([-+]?\d+)\s*[)}]?", r"e\1"),
    (r"\\\w*frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r" (\1)/(\2)"),
    (r"\\\w*frac\s*(\d)\s*(\d)", r" \1/\2"),
    (r"\\begin\{(\w*matrix|array|cases)\*?\}(\{[lcr| ]*\})?", "[["),
    (r"\\end\{\w+\*?\}", "]]"),
    (r",\s*\w+=[\w\s.:<>]+(?=[,)])", ""),  # array(…, dtype=object)
    (r"(?:Fraction|Rational)\(\s*([-+]?\d+)\s*,\s*(\d+)\s*\)", r"\1/\2"),
    (rf"(?:\w+\.)*({TYPES}|Decimal|Float|float\d*|int\d*)\s*(?=\()", ""),
    (r"\{([-+.,])\}", r"\1"),
    (r"\s*//?\s*", "/"),
    (r"(/\d+|\.\d+|[])}])\s*\.\s*\Z", r"\1"),  # the end of a sentence
    (r"(?<=[-+])\s+(?=[(\d.,])", ""),
    (r"\(\s*([^][{}()\s,;&]+)\s*\)", r"\1"),
    (r"(?s)\(\s*(\[.*\])\s*,?\s*\)", r"\1"),
)
FRACTION = re.compile(r"([-+]?)(?:(\d+)[\s_]+)?(\d+)\s*/\s*([-+]?\d+)", re.ASCII)
DECIMAL = re.compile(
    r"([-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][-+]?\d{1,3})?)(\.\.\.)?", re.ASCII
)
MONTH = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
DATE = re.compile(rf"\d{{1,4}}[-./ ]+({MONTH}|\d{{1,2}}[-./]\d+)|{MONTH}[-. ]\d+")


LINE = re.compile(  # of an answer file: a label, or a symbol and what stands last
    r"(?m)^[ \t]*(?:(code|name|seed)\b[ \t]*="
    r"|([A-Za-z]\w*)(?:.*[=≈]|[ \t]*:(?=.*\d)))(.*)"
)


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, a message, and what was recognised in it.

    `named` says whether a mistake or a slip was recognised; `mistakes` are the numbers
    of those in the catalogue.
    """

    right: bool
    message: str
    named: bool = False
    mistakes: tuple = ()

    def __str__(self):
        return self.message

    __repr__ = __str__


@dataclass(frozen=True)
class Entry:
    """A number as it was written.

    `unit` is that of its last decimal, 0 for a fraction or whole number; `slack` is
    the relative error of a computed number.
    """

    value: Fraction
    unit: Fraction = Fraction(0)
    slack: Fraction = Fraction(0)


def read_answer(answer, shape=None):
    """An array of entries from a number, a list, an array or a text of numbers.

    The `shape` of the right value decides what a comma means, and lets a plain list
    fill a table row by row. A ValueError for what is no number, or may be two.
    """
    if isinstance(answer, str):
        entries = read_text(answer, shape)
    else:
        entries = np.vectorize(read_number, otypes=[object])(plain_array(answer))
    if any(abs(entry.value) > LARGEST for entry in entries.flat):
        raise ValueError(f"an entry is larger than 1e100; {FORM}")
    if shape is None:
        return entries
    while entries.ndim > len(shape) and len(entries) == 1:  # an axis of one task
        entries = entries.reshape(entries.shape[1:])
    fits = entries.ndim < 2 and entries.size == math.prod(shape)
    return entries.reshape(shape) if fits else entries


def plain_array(answer):
    """An object array of the numbers or texts in any array or nested lists."""
    try:
        array = np.array(nested(answer), dtype=object)
    except (ValueError, TypeError):
        array = np.empty(0)
    if not array.size or any(isinstance(entry, list) for entry in array.flat):
        raise ValueError(
            "the rows of the answer have different lengths, or none; give each row the "
            "same number of entries, [[1, 2], [3, 4]]"
        )
    return array


def nested(answer):
    """Nested lists of what arrays of any library or tuples hold, types kept."""
    if hasattr(answer, "__array__") and not isinstance(answer, np.generic):
        answer = answer.detach() if hasattr(answer, "detach") else answer  # torch
        array = np.asarray(answer)
        return list(map(nested, array)) if array.ndim else array[()]
    if isinstance(answer, list | tuple | range):
        return list(map(nested, answer))
    return answer


def read_number(entry):
    """The Entry of one number of any type; a ValueError for what is not one."""
    if isinstance(entry, str):
        entries = read_text(entry, ())
        if entries.size > 1:
            raise not_a_number(entry)
        return entries.item()
    exact = isinstance(entry, Rational) and not isinstance(entry, bool | np.timedelta64)
    if exact:
        return Entry(Fraction(int(entry.numerator), int(entry.denominator)))
    found = parse_number(str(entry)) if isinstance(entry, Real | Decimal) else None
    if found is None:
        raise not_a_number(entry)
    size = entry.itemsize if isinstance(entry, np.floating) else 8
    return replace(found, slack=PRECISION.get(size, ROUNDING))


def not_a_number(entry):
    """The error for an entry that is no number."""
    shown = repr(entry) if len(repr(entry)) < 60 else repr(entry)[:56] + " …"
    if isinstance(entry, str) and DATE.fullmatch(entry.strip()):
        return ValueError(
            f"{shown} is a date, which a spreadsheet may have made of a fraction; "
            "format its cells as text and write the fraction again"
        )
    return ValueError(f"{shown} is not a finite number; {FORM}")


def parse_number(text):
    """The Entry of a fraction, mixed number or decimal in plain characters, or None."""
    if match := FRACTION.fullmatch(text):
        sign, whole, above, below = match.groups()
        if not int(below):
            return None
        value = int(whole or 0) + Fraction(int(above), int(below))
        return Entry(-value if sign == "-" else value)
    match = DECIMAL.fullmatch(text)
    if not match:
        return None
    number = Decimal(match[1].replace(",", "."))
    value = Fraction(number)
    if not set(match[1]) & set(".,eE"):
        return Entry(value)
    _, digits, exponent = number.as_tuple()
    unit = Fraction(10) ** exponent
    # 0.666… is cut off; single precision prints 2/3 as 0.6666667 and 1/3 as 0.33333334
    last = match[2] or len(digits) in (8, 9)
    return Entry(value, unit, unit / max(1, abs(value)) if last else Fraction(0))


def plain_text(text):
    """The text with one character for each dash, slash and space, without LaTeX."""
    text = re.sub("(?=[¼-¾⅐-⅞])", " ", text)  # 1½ is 1 1/2
    text = re.sub(f"(?<![{HIGH}])(?=[{HIGH}]+(?![{HIGH}⁄/]))", "^", text)
    text = unicodedata.normalize("NFKC", text).translate(LIKE_ASCII)
    for pattern, replacement in REWRITTEN:
        text = re.sub(pattern, replacement, text, flags=re.ASCII)
    return text.rpartition("=")[2].translate(BRACKETS).strip(" ;\n")


def read_text(text, shape):
    """The array of entries that a text stands for; 1-D if it is a plain list."""
    if len(text) > 2000:
        raise ValueError(f"the answer is {len(text)} characters long; {FORM}")
    plain = plain_text(text)
    if turned := TRANSPOSED.fullmatch(plain):
        return read_table(turned[1], shape and shape[::-1]).T
    return read_table(plain, shape)


def read_table(text, shape):
    """The array of entries of a list or table in plain characters."""
    rows, is_list = split_rows(text)
    width = None
    if shape is not None:
        width = shape[1] if len(shape) == 2 and not is_list else math.prod(shape)
    table = [read_row(row, width) for row in rows]
    if not table:
        raise not_a_number(text)
    if len({len(row) for row in table}) > 1:
        raise ValueError(
            f"the rows of {text!r} have different lengths; give each row the same "
            "number of entries, [1 2; 3 4]"
        )
    return np.array(table[0] if is_list else table, dtype=object)


def split_rows(text):
    """The rows of a table, and whether it is a plain list: [1, 2] but not [[1, 2]]."""
    groups = re.findall(r"\[([^][]*)\]", text)
    around = re.sub(r"\[[^][]*\]", "", text) if groups else ""
    if around.strip(" ,;&\n[]") or around.count("[") != around.count("]"):
        return [text], True
    if len(groups) > 1:
        return [" ".join(row.split()).strip(" ,") for row in groups], False
    rows = re.split(r"[;\n]", groups[0] if groups else text)
    rows = [row.strip(" ,") for row in rows if row.strip(" ,")]
    return rows, len(rows) == 1 and "[" not in around and "&" not in rows[0]


def read_row(row, width):
    """The entries of one row: `width` of them, if there is just one way to read it so.

    A comma stands between entries or before decimals; "1 1/2" is one number or two.
    """
    ways = [row.split("&")]
    if "&" not in row:
        mixed = re.sub(r"(?<![\d/.,])(\d+)\s+(?=\d+/)", r"\1_", row)
        ways = [re.split(r"\s*,\s*", row)]
        ways += [re.split(r"\s*,\s+|\s+", way) for way in (row, mixed)]
    read = [tuple(parse_number(piece.strip()) for piece in way) for way in ways]
    whole = [entries for entries in read if None not in entries]
    if not whole:
        piece = ways[-1][read[-1].index(None)]
        raise not_a_number(row if DATE.fullmatch(row) else piece)
    fitting = {entries for entries in whole if width in (None, len(entries))}
    if len(fitting) > 1:
        raise ValueError(
            f"{row!r} can be read in two ways; write decimals with a point and put "
            "commas between the entries: [1 1/2, 0.25]"
        )
    return fitting.pop() if fitting else whole[0]


def all_agree(entries, truth):
    """Whether entries are the right values, in their shape."""
    truth = np.asarray(truth, dtype=object)
    return entries.shape == truth.shape and all(map(agrees, entries.flat, truth.flat))


def in_decimals(answer):
    """Whether an answer, if it can be read, has decimals."""
    with suppress(ValueError):
        return any(entry.unit for entry in read_answer(answer).flat)
    return False


def round_whole_numbers(entries):
    """The entries, where whole numbers of three digits or more may be rounded ones."""

    def rounded(entry):
        long = abs(entry.value) >= 100 and entry.value.denominator == 1
        return replace(entry, unit=Fraction(1)) if long and not entry.unit else entry

    return np.vectorize(rounded, otypes=[object])(entries)


def fraction_of(truth):
    """The exact fraction; one that kept NumPy's whole numbers would overflow."""
    return Fraction(truth.item() if isinstance(truth, np.generic) else truth)


def agrees(entry, truth):
    """Whether an entry is the number `truth`, exactly or rightly rounded."""
    exact = fraction_of(truth)
    if is_near(entry, truth):
        return True
    if not entry.unit:
        return False
    rounded, unrounded = entry.value / entry.unit, exact / entry.unit
    gap = abs(rounded - unrounded)
    halfway = abs(rounded) > abs(unrounded) or rounded % 2 == 0  # either is usual
    return gap < Fraction(1, 2) or (gap == Fraction(1, 2) and halfway)


def is_near(entry, truth):
    """Whether an entry is `truth` to the precision of computed numbers."""
    exact = fraction_of(truth)
    computed = entry.unit or not isinstance(truth, Rational)
    slack = max(entry.slack, ROUNDING if computed else Fraction(0))
    return abs(entry.value - exact) <= slack * max(1, abs(exact))


def find_roughness(entries, truth, others=()):
    """None, or how many digits are needed, if right entries are rounded too far.

    They need two significant digits, and enough not to agree with one of the `others`,
    the wrong values of the same line that slips give.
    """
    pairs = list(zip(entries.flat, np.ravel(truth), strict=True))
    rough = [entry for entry, exact in pairs if not is_near(entry, exact)]
    wide = [
        entry
        for entry, exact in pairs
        if entry.unit > abs(exact) / 10 and 200 * abs(entry.value - exact) > abs(exact)
    ]
    fine = round_to(truth, 12)
    others = [other for other in others if not all_agree(fine, other)]
    if not wide and not (rough and any(all_agree(entries, other) for other in others)):
        return None
    digits = 2
    for more in range(2, 12):  # 2.8 may differ from a slip's value where 2.75 does not
        if any(all_agree(round_to(truth, more), other) for other in others):
            digits = more + 1
    shown = f"{float((wide or rough)[0].value):.6g}"
    return (
        f"{shown + '.' * ('.' not in shown)} keeps too few digits; give at least "
        f"{digits} significant digits, or a fraction as 3/4."
    )


def round_to(truth, digits):
    """The entries of values rounded to significant digits."""
    texts = np.vectorize(lambda value: f"{float(value):.{digits - 1}e}")(truth)
    return np.vectorize(parse_number, otypes=[object])(texts)


def read_file(path):
    """{symbol: text} of the lines that are filled in, from a text or CSV file.

    A text has lines "symbol = value" in any order, such as the printed form filled in,
    or what the HTML form saves. "code", "name" and "seed" are kept too.
    """
    path = as_path("path", path)
    text = decode(path)
    if text.lstrip().startswith("<"):
        raise ValueError(f"{path.name} is the form; open it, press Save and give that")
    if found := re.match(r'\s*"?\w+"?[ \t]*([,;\t])', text):
        pairs = csv_pairs(text, found[1])
    else:
        lines = re.sub(r"(?<=[\[;,(])[ \t]*\n", " ", text)
        pairs = [(found[1] or found[2], found[3]) for found in LINE.finditer(lines)]
    answers = {}
    for symbol, written in pairs:
        value = "" if re.fullmatch(r"[_.?…\s]*", written) else written.strip(" _\t\n")
        if value and answers.setdefault(symbol, value) != value:
            raise ValueError(f"{path.name} has two answers for {symbol}; leave one")
    if not pairs:
        raise ValueError(
            f"{path.name} holds no answers; give lines such as dF_s = [1/2; 2; -3/2], "
            "a CSV table of symbol and value, or what the form saves"
        )
    return answers


def decode(path):
    """The text of a file in any usual encoding."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise type(error)(
            f"{path} cannot be read ({error.strerror}); give the path of a text file"
        ) from None
    encodings = ["utf-16"] if data[:2] in (b"\xff\xfe", b"\xfe\xff") else []
    for encoding in (*encodings, "utf-8-sig", "cp1252"):
        with suppress(UnicodeDecodeError):
            text = re.sub("\r\n?", "\n", data.decode(encoding))
            text = re.sub(r'(?i)\A"?sep=.?"?\s*\n', "", text)  # for a spreadsheet
            if len(text) < 10**5 and not re.search(r"[\x00-\x08\x0e-\x1f]", text):
                return text
    raise ValueError(f"{path.name} is not a text file; give a text or CSV file")


def csv_pairs(text, delimiter):
    """(symbol, value) pairs of a table; a value may be spread over several cells."""
    rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row]
    names = [name.strip().lower() for name in rows[0]]
    named = [i for i, name in enumerate(names) if name in ("value", "answer")]
    start, heading = named[0] if named else 1, bool(named) or names[0] == "symbol"
    end = start + 1 if heading and any(names[start + 1 :]) else None
    return [
        (row[0].strip(), delimiter.join(row[start:end]).rstrip(delimiter))
        for row in rows[heading:]
    ]

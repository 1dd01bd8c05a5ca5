"""The rules that people break: what a part of a line is, and what they make of it.

{pattern: {phrase: what is written}}, in the letters of algebra.py; "made" goes before
the phrase. For RULES and STRAY_RULES, sheets are screened; the others only explain.
"""

STRAY = 2  # the rank of stray factors
RARE = 3  # the rank of slips that are explained only: no sheet is screened for them
FAR = 4  # the rank of those that are looked for in the line itself only

RULES = {
    "a + b": {
        "without the term {b}": "a",
        "without the term {a}": "b",
        "with − {b} for + {b}": "a - b",
    },
    "a - b": {
        "with {b} − {a} for {a} − {b}": "b - a",
        "with + {b} for − {b}": "a + b",
        "without the term − {b}": "a",
        "without the term {a}": "-b",
        "with only {b}": "b",
        "with the square of {a} − {b}": "w**2",
    },
    "beside(a, 1) @ b": {
        "without the bias": "a @ bar(b)",
        "with the bias subtracted": "beside(a, -1) @ b",
        "without the first row of {b}, as if it were the bias": "a @ headless(b)",
    },
    "beside(a, 1).T @ b": {
        "without the bias row": "a.T @ b",
        "with 0 in the bias row": "over(bar(w), 0 * bias(w))",
        "with the bias row averaged": "over(bar(w), bias(w) / N)",
        "with the bias row first": "over(bias(w), bar(w))",
    },
    "a @ bar(b)": {"with the bias of {b} added": "beside(a, 1) @ b"},
    "a * b + c * d": {"with the product of the derivatives": "a * d"},
    "a @ b + c @ d": {"with the product of the derivatives": "a @ d"},
    "a @ bar(b) + c @ d": {"with the product of the derivatives": "a @ bar(d)"},
    "a * b": {
        "without the factor {b}": "a",
        "without the factor {a}": "b",
        "with the factor {b} twice": "a * b * b",
        "with the factor {a} twice": "a * a * b",
        "with + for ∘": "a + b",
        "with − for ∘": "a - b",
        "with a matrix product for ∘": "a @ b",
    },
    "a @ b": {
        "with {a}ᵀ for {a}": "a.T @ b",
        "with {b}ᵀ for {b}": "a @ b.T",
        "with the factors swapped": "b @ a",
        "with ∘ for the matrix product": "a * b",
    },
    "a**n": {"without the square": "a", "with 2 {a} for {a}²": "2 * a"},
    "-a": {"without the minus": "a"},
    "beside(a, n)": {
        "without the column of {n}": "a",
        "with 1 for 0": "beside(a, 1)",
        "with 0 for 1": "beside(a, 0)",
        "with the {n} in front": "first(n, a)",
    },
    "bar(a)": {
        "with the bias row of {a} kept": "a",
        "with the first row of {a} left out, not the last": "headless(a)",
    },
    "like(a, n)": {f"with {new} for {{n}}": f"like(a, {new})" for new in "012"},
    "sum(a**2)": {"with the square of the sum": "sum(a)**2"},
    "f(a)": {"without the {f}": "a"},
    "w": {"with the result transposed": "w.T"},
    "m * a": {  # a number with an N in front
        f"with {new} for {{m}}".replace("*", " "): f"{new} * a"
        for new in ("2", "1/N", "2/N", "1/2", "1/(2*N)", "N", "N/2")
    }
    | {"without the {m}": "a"},
    "n * a": {
        "without the {n}": "a",
        "with −1 for {n}": "-1 * a",
        "with 2 for {n}": "2 * a",
        "with −2 for {n}": "-2 * a",
    },
}
STRAY_RULES = {
    "w": {
        "with a factor of 2 too many": "2 * w",
        "with a factor of 1/2 too many": "w / 2",
        "with a factor of 1/N too many": "w / N",
        "with a factor of N too many": "N * w",
    }
}
RARE_RULES = {
    "s": {
        "with |{s}| for {s}": "abs(s)",
        "with the sign of {s} turned": "-s",
        "with {s}² for {s}": "s**2",
        "with {s}ᵀ for {s}": "s.T",
        "with 2 {s} for {s}": "2 * s",
        "with 1/2 {s} for {s}": "s / 2",
    },
    "a + b": {"with − {a} for {a}": "b - a", "with ∘ for +": "a * b"},
    "a - b": {
        "with |{a} − {b}| for {a} − {b}": "abs(w)",
        "with ∘ for −": "a * b",
        "with {a}² − {b}²": "a**2 - b**2",
    },
    "a - b * c": {
        "with the bracket ({a} − {b})": "(a - b) * c",
        "with {b} at {a}, not at {c}": "b * a - c",
    },
    "(a - b)**n": {
        "with the difference of the squares": "a**2 - b**2",
        "with {a}∘{b} for the square": "a * b",
    },
    "a * b": {
        "with {a}/{b} for the product": "a / b",
        "with {b}/{a} for the product": "b / a",
        "with a matrix product for ∘, {a} transposed": "a.T @ b",
        "with a matrix product for ∘, {b} transposed": "a @ b.T",
    },
    "a @ b": {
        "with only the first term of each sum": "top(a.T).T @ top(b)",
        "with only the last term of each sum": "bias(a.T).T @ bias(b)",
        "without the first term of each sum": "headless(a.T).T @ headless(b)",
        "without the last term of each sum": "bar(a.T).T @ bar(b)",
        "with the product of the sums": "rowsum(a) @ rowsum(b.T).T",
    },
    "beside(a, 1) @ b": {
        "with the bias added twice": "beside(a, 2) @ b",
        "with 1 for the bias": "a @ bar(b) + 1",
        "with the 1 in front of {a}": "first(1, a) @ b",
        "with the sign of {a} turned": "beside(-a, 1) @ b",
        "with the sign of the bias lost": "a @ bar(b) + abs(bias(b))",
        "with the bias multiplied, not added": "a @ bar(b) * bias(b)",
        "with the rows of {b} in reverse but the bias": "a @ reverse(bar(b)) + bias(b)",
    },
    "beside(a, 1).T @ b": {
        "with the first example's {b} in the bias row": "over(bar(w), top(b))",
        "with the last example's {b} in the bias row": "over(bar(w), bias(b))",
    },
    "beside(a, n)": {"with −1 for 1": "beside(a, -1)"},
    "bar(a)": {"with the rows of {a} in reverse": "reverse(bar(a))"},
    "a**n": {
        "with |{a}| for the square": "abs(a)",
        "with the sign of {a} kept in its square": "a * abs(a)",
        "with the cube of {a} for its square": "a**3",
    },
    "n - a**2": {"with the square of {n} − {a}": "(n - a)**2"},
    "n - a": {
        "with {a} − {n} for {n} − {a}": "a - n",
        "with + {a} for − {a}": "n + a",
        "without the term − {a}": "like(a, n)",
        "without the {n}": "-a",
        "with only {a}": "a",
    },
    "m * (a - b)": {
        "without the bracket, {m} at {a} only": "m * a - b",
        "without the bracket, {m} at {b} only": "a - m * b",
    },
    "m * sum(a)": {
        "with its root": "sqrt(w)",
        "without the {m}, with the root": "sqrt(sum(a))",
    },
    "m * sum(a**2)": {"with the square of the mean": "(m * sum(a))**2"},
    "sum(a)": {
        "with the first example only": "sum(top(a))",
        "with the last example only": "sum(bias(a))",
        "without the first example": "sum(headless(a))",
        "without the last example": "sum(bar(a))",
        "with the largest for the sum": "largest(a)",
        "with the mean over the outputs too": "sum(a) / columns(a)",
    },
    "N": {
        "with N − 1 for N": "N - 1",
        "with the other set's N": "M",
        "with 2 N for N": "2 * N",
        "with N² for N": "N**2",
    },
    "softplus(a) - b * a": {
        "without the term (1 − {b}) log(1 − σ)": "b * softplus(-a)",
        "without the term {b} log σ": "(1 - b) * softplus(a)",
    },
    "log_softmax(a)": {"with the logarithm to base 10": "log_softmax(a) / 2.302585093"},
    "softmax(a)": {"with softmax over the examples": "softmax(a.T).T"},
    "f(a)": {
        "with tanh for {f}": "tanh(a)",
        "with σ for {f}": "sigmoid(a)",
        "with softmax for {f}": "softmax(a)",
        "with log softmax for {f}": "log_softmax(a)",
    },
}
FAR_RULES = {
    "w": {
        "with the signs lost": "abs(w)",
        "with the rows in reverse": "reverse(w)",
        "with the columns in reverse": "reverse(w.T).T",
        "with the rows in reverse but the last": "over(reverse(bar(w)), bias(w))",
        "with the rows written as columns": "poured(w)",
        "with every entry squared": "w**2",
        "with every entry inverted": "1 / w",
        "with 0 in the last row": "over(bar(w), 0 * bias(w))",
        "with 1 in the last row": "over(bar(w), 0 * bias(w) + 1)",
    }
}

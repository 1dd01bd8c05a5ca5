"""Answers to the exercises of chapter 10, as people give them, and what is said."""

HAND = "distances = {}; label = {}; moved = {}; moved_label = {}"
MEANS = """
def interval(R):
    m = np.asarray(R, float).mean(1)
    return {}
"""
QUERIES = """
def interval(R):
    return {}
"""
LOOPS = """
def kernel_gradient(x, dz):
    dk = np.zeros((3, 3))
    for a in range(3):
        for b in range(3):
            for i in range(5):
                for j in range(5):
                    {}
    return {}
"""
RIGHT = [
    (
        "10.1",
        "distances = [1/4, 5/4]; label = 'class 0'; moved = [[9/4], [1/4]]\n"
        "moved_label = 'the class 1'",
    ),
    (
        "10.3",
        "def kernel_gradient(x, dz):\n"
        "    f = np.conj(np.fft.fft2(dz, x.shape))\n"
        "    return np.fft.ifft2(np.fft.fft2(x) * f)[:3, :3]",
    ),
    ("10.1", HAND.format("[1/4, 5/4]", 0, "[9/4, 1/4]", 1)),
    ("10.1", HAND.format("{0: 1/4, 1: 5/4}", 0, "[9/4, 1/4]", 1)),
    ("10.1", HAND.format("('0.25', '1 1/4')", "'0'", "'2.25, 0.25'", "'1'")),
    ("10.1", HAND.format("'[1/4 5/4]'", "'class 0'", "[['9/4'], ['1/4']]", "[1]")),
    ("10.1", HAND.format("[.25, 1.25]", "False", "np.array([2.25, .25])", "2.25 > 1")),
    ("10.2", MEANS.format("1.96 * m.std(ddof=1) / len(m) ** 0.5")),
    ("10.2", MEANS.format("[1.96 * np.sqrt(np.var(m, ddof=1) / 100)]")),
    (
        "10.2",
        MEANS.format("float(1.96 * (((m - m.mean())**2).sum() / 99 / 100)**.5)"),
    ),
    (
        "10.2",
        "import statistics\ndef interval(R):\n"
        "    return 1.96 * statistics.stdev([sum(r) / 75 for r in R.tolist()]) / 10",
    ),
    (
        "10.3",
        LOOPS.format("dk[a, b] += dz[i, j] * x[i + a, j + b]", "dk.tolist()"),
    ),
    ("10.3", "kernel_gradient = convolve"),
    (
        "10.3",
        "def kernel_gradient(x, dz):\n    return [[(dz * x[a:a+5, b:b+5]).sum()"
        " for b in range(3)] for a in range(3)]",
    ),
    (
        "10.3",
        "def kernel_gradient(x, dz):\n"
        "    w = np.lib.stride_tricks.sliding_window_view(x, dz.shape)\n"
        "    return np.einsum('abij,ij->ab', w, dz)",
    ),
    (
        "10.3",
        "def kernel_gradient(x, dz):\n    dk = np.zeros((3, 3))\n"
        "    for i in range(5):\n        for j in range(5):\n"
        "            dk += dz[i, j] * x[i:i+3, j:j+3]\n    return dk",
    ),
    ("10.4", "alpha = [[1, 2, 3, 4], [2, 4, 6, 8], [3, 6, 9, 12]]"),
    ("10.4", "alpha = '[1 2 3 4; 2 4 6 8; -1 -2 -3 -4]'"),
    ("10.4", "alpha = np.arange(1, 4)[:, None] * np.array([.1, -.3, .7, 2])"),
    (
        "10.4",
        "r = np.random.default_rng(0); alpha = np.outer(r.random(3), r.random(4))",
    ),
    (
        "10.4",
        "alpha = np.outer(np.float32([.1, .2, .3]), np.float32([1, 1.1, 1.2, 1.3]))",
    ),
    ("10.4", "alpha = [['1/2', 1, 1, 1], [1, 2, 2, 2], [1, 2, 2, 2]]"),
]
WRONG = [
    (
        "10.1",
        HAND.format("[.5, 1.118]", 0, "[9/4, 1/4]", 1),
        "distances",
        "no root",
    ),
    ("10.1", HAND.format("[.5, 1.5]", 0, "[9/4, 1/4]", 1), "distances", "squared"),
    (
        "10.1",
        HAND.format("[1/4, 5/4]", 0, "[1/4, 5/4]", 1),
        "moved",
        "with query_before for query",
    ),
    (
        "10.1",
        HAND.format("[1/4, 5/4]", 0, "[5/4, 13/4]", 1),
        "moved",
        "with query_moved_left for query",
    ),
    ("10.1", HAND.format("[1/4, 5/4]", 1, "[9/4, 1/4]", 1), "label", "smallest"),
    ("10.1", HAND.format("[1/4, 5/4]", 0, "[9/4, 1/4]", 0), "moved_label", "smallest"),
    ("10.1", HAND.format("[5/4, 1/4]", 1, "[9/4, 1/4]", 1), "distances", "first"),
    ("10.1", HAND.format("[2, 1.5]", 0, "[9/4, 1/4]", 1), "distances", "ink"),
    ("10.1", HAND.format("[1/4]", 0, "[9/4, 1/4]", 1), "distances", "shape"),
    (
        "10.1",
        HAND.format("[1/4, 5/4]", 2, "[9/4, 1/4]", 1),
        "label",
        "give one of 0, 1",
    ),
    (
        "10.1",
        "label = 0; moved = [9/4, 1/4]; moved_label = 1; distances = None",
        "distances",
        "no answer",
    ),
    (
        "10.2",
        QUERIES.format("1.96 * R.std(ddof=1) / np.sqrt(R.size)"),
        "interval",
        "independent",
    ),
    (
        "10.2",
        QUERIES.format("1.96 * np.sqrt(R.mean() * (1 - R.mean()) / R.size)"),
        "interval",
        "independent",
    ),
    (
        "10.2",
        QUERIES.format("1.96 * R.mean(0).std(ddof=1) / np.sqrt(75)"),
        "interval",
        "axis 0",
    ),
    (
        "10.2",
        QUERIES.format("1.96 * R.std(1, ddof=1).mean() / 10"),
        "interval",
        "with spread_inside for spread",
    ),
    ("10.2", MEANS.format("1.96 * m.std() / 10"), "interval", "n − 1"),
    ("10.2", MEANS.format("m.std(ddof=1) / 10"), "interval", "1.96"),
    (
        "10.2",
        MEANS.format("1.96 * m.std(ddof=1)"),
        "interval",
        "without the division by sqrt(n)",
    ),
    ("10.2", MEANS.format("1.96 * m.std(ddof=1) / 100"), "interval", "without sqrt"),
    (
        "10.2",
        MEANS.format("1.96 * m.std(ddof=1) / np.sqrt(R.size)"),
        "interval",
        "7,500",
    ),
    (
        "10.2",
        MEANS.format("2 * 1.96 * m.std(ddof=1) / 10"),
        "interval",
        "is twice what it should be",
    ),
    (
        "10.2",
        MEANS.format("1.96 * m.var(ddof=1) / 10"),
        "interval",
        "with spread twice as a factor",
    ),
    (
        "10.2",
        MEANS.format("m.mean() - .196 * m.std(ddof=1), m.mean() + .196*m.std(ddof=1)"),
        "interval",
        "both ends",
    ),
    (
        "10.2",
        "def interval(R):\n    R -= R.mean()\n    return 0",
        "interval",
        "in line 2",
    ),
    ("10.2", "interval = 0.03", "interval", "function"),
    (
        "10.3",
        LOOPS.format("dk[a, b] += dz[i, j] * x[i - a, j - b]", "dk"),
        "kernel_gradient",
        "is not right yet",
    ),
    (
        "10.3",
        LOOPS.format("dk[a, b] += dz[i, j] * x[i + a, j + b]", "dk / 25"),
        "kernel_gradient",
        "mean",
    ),
    (
        "10.3",
        LOOPS.format("dk[a, b] = dz[i, j] * x[i + a, j + b]", "dk"),
        "kernel_gradient",
        "last place",
    ),
    (
        "10.3",
        LOOPS.format("dk[a, b] += dz[i, j] * x[i + a, j + b]", "dk[::-1, ::-1]"),
        "kernel_gradient",
        "mirrored",
    ),
    (
        "10.3",
        LOOPS.format("dk[a, b] += dz[i, j] * x[i + b, j + a]", "dk"),
        "kernel_gradient",
        "transposed",
    ),
    (
        "10.3",
        LOOPS.format("dk[a, b] += 2 * dz[i, j] * x[i + a, j + b]", "dk"),
        "kernel_gradient",
        "is twice what it should be",
    ),
    (
        "10.3",
        LOOPS.format("dk[a, b] += x[i + a, j + b]", "dk"),
        "kernel_gradient",
        "without dz",
    ),
    (
        "10.3",
        LOOPS.format("x[i, j] *= 1; dk[a, b] += dz[i, j] * x[i + a, j + b]", "dk * dz"),
        "kernel_gradient",
        "raises ValueError",
    ),
    (
        "10.3",
        "def kernel_gradient(x, dz):\n    return dz * x[:5, :5]",
        "kernel_gradient",
        "has shape (5, 5), expected (3, 3)",
    ),
    (
        "10.3",
        "def kernel_gradient(x, dz):\n    x *= 2\n    return convolve(x, dz) / 2",
        "kernel_gradient",
        "in place",
    ),
    ("10.4", "alpha = np.full((3, 4), 0.3)", "alpha", "rows are equal"),
    ("10.4", "alpha = np.outer([1, 2, 3], [1, 1, 1, 1])", "alpha", "columns are equal"),
    ("10.4", "alpha = np.outer([1, 1, 1], [1, 2, 3, 4])", "alpha", "rows are equal"),
    ("10.4", "alpha = np.arange(1, 13).reshape(3, 4)", "alpha", "rank 2"),
    (
        "10.4",
        "alpha = np.random.default_rng(3).random((3, 4)) + 1",
        "alpha",
        "rank 3",
    ),
    ("10.4", "alpha = np.outer([1, 2, 3], [1, 0, 2, 5])", "alpha", "zero"),
    ("10.4", "alpha = np.outer([1, 2, 3, 4], [1, 2, 3])", "alpha", "shape (4, 3)"),
    ("10.4", "alpha = np.eye(3, 4)", "alpha", "zero"),
    ("10.4", "alpha = [[1, 2, 3, 4], [2, 4, 6, 8], [3, 6, 9, 12.1]]", "alpha", "rank"),
    ("10.4", "alpha = 0.3", "alpha", "shape ()"),
]

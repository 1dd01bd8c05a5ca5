"""The likely cause of a wrong gradient, from the pattern of its errors.

Each pattern is left by a known mistake: a factor (the loss's 2 or 1/N), a sign,
a block transposed or left out, a weight decay in the loss but not in the gradient.
"""

import numpy as np

from ..worksheets.mistakes import ENTRIES

CLOSE = 1e-4  # relative to the largest entry: how well a pattern has to fit


def same(a, b, like=None):
    """Whether two arrays agree up to rounding, relative to the size of b or `like`."""
    size = np.abs(b if like is None else like).max(initial=0)
    return bool(a.shape == b.shape and size and np.abs(a - b).max() <= CLOSE * size)


def factor(claim, true):
    """Describe the k with claim = k · true in every entry, or "" if there is none."""
    k = (claim * true).sum() / ((true**2).sum() or 1.0)
    if not k or abs(k - 1) <= CLOSE or not same(claim, k * true):
        return ""
    if abs(k + 1) < CLOSE:
        return "minus the derivative: a flipped sign"
    size, hint = max(abs(k), 1 / abs(k)), ""
    if size > 1.5 and abs(size - round(size)) < CLOSE * size:
        one, other = ("sum", "mean") if abs(k) > 1 else ("mean", "sum")
        hint = f": a {one} where the loss has a {other}?"
        hint = ": the 2 of a square?" if round(size) == 2 else hint
    return f"{k:.6g} × the derivative in every entry{hint}"


def find_causes(claim, true, point, parts, rows):
    """Say what is wrong with a claim (P,); true (P,) is the numerical derivative.

    parts : {(quantity, block): index};  rows : their checks
    """
    wrong = {(row.quantity, row.block) for row in rows if row.verdict == "wrong"}
    wrong = {label: index for label, index in parts.items() if label in wrong}
    if len(wrong) == len(parts) > 1 and (whole := factor(claim, true)):
        return (f"yours is {whole}",)
    causes = {
        label: block_cause(claim[index], true[index]) for label, index in wrong.items()
    }
    found = [f"{' '.join(label)} {cause}" for label, cause in causes.items() if cause]
    if len(found) < len(wrong):
        index = np.concatenate([index.ravel() for index in wrong.values()])
        found += decay(claim[index] - true[index], point[index])
    return tuple(found)


def block_cause(claim, true):
    """What is wrong with one block, or ""."""
    off = np.argwhere(np.abs(claim - true) > CLOSE * np.abs(true).max())
    if len(off) == 0:
        return ""
    if true.any() and not claim.any():
        return "is zero, but the derivative is not: is it left out?"
    if true.size > 1 and (k := factor(claim, true)):
        return f"is {k}"
    if claim.ndim == 2 and same(claim, true.T.reshape(claim.shape)):
        return "is transposed: it holds the numbers of its transpose"
    if same(np.sort(claim, None), np.sort(true, None)):
        return "has the right numbers in the wrong places"
    alone = len(off) == 1 < true.size
    return f"is right but for the entry {off[0].tolist()}" if alone else ""


def decay(difference, point):
    """Report a difference (n,) proportional to the parameters (n,), as a list."""
    lam = difference @ point / (point @ point or 1.0)
    rest = np.abs(difference - lam * point).max()
    if len(point) < 3 or rest > 0.02 * np.abs(difference).max():
        return []
    kind = "forgotten" if lam < 0 else "doubled"
    return [
        f"the difference is {lam:.2g} × the parameters: it looks like a {kind} weight "
        f"decay, λ ≈ {abs(lam):.2g}"
    ]


def name_mistakes(problem, claimed, true, wrong):
    """Name the catalogue's mistakes that give this wrong (dθ, dα): a tuple of text.

    problem : (net, theta, alpha, batch, steps)
    claimed, true : pairs of (P,);  wrong : which of dθ and dα, {0}, {1} or {0, 1}
    """
    names = {i: {} for i in sorted(wrong)}  # the mistakes that explain each, in order
    for mistake in ENTRIES:
        for variant in mistake.variants:
            if variant.loss not in (None, problem[0].loss_name):
                continue
            try:
                with np.errstate(all="ignore"):
                    made = variant.meta_gradient(*problem)
            except Exception:  # some mistakes are made for two layers only
                continue
            for i, found in names.items():
                if same(claimed[i], made[i], true[i]) and not same(made[i], true[i]):
                    found[f"mistake {mistake.number}, {mistake.name}"] = variant
    first = names[min(wrong)]
    if whole := [name for name in first if all(name in f for f in names.values())]:
        return (f"this is {' or '.join(whole)}",)
    return tuple(
        f"{('dθ', 'dα')[i]} is {' or '.join(found)}"
        for i, found in names.items()
        if found
    )

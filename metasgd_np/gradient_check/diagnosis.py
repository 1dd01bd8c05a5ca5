"""What a wrong gradient looks like: the pattern of its errors, in a sentence.

Each pattern is one that a known mistake leaves: a factor (the loss's 2 or 1/N), a sign,
a block transposed or left out, a weight decay in the loss but not in the gradient.
"""

import numpy as np

from .report import listed

CLOSE = 1e-4  # of the largest entry: how well a pattern has to fit


def same(a, b):
    """Whether two arrays are equal but for rounding, and not zero."""
    size = np.abs(b).max(initial=0)
    return a.shape == b.shape and 0 < size and np.abs(a - b).max() <= CLOSE * size


def ratio(claim, true):
    """The k ≠ 0 with claim = k · true in every entry, or None."""
    k = (claim * true).sum() / ((true**2).sum() or 1.0)
    return k if k and same(claim, k * true) else None


def in_words(k):
    """A ratio with what it may mean."""
    size = max(abs(k), 1 / abs(k))
    if abs(k + 1) < CLOSE:
        return "minus the derivative: a flipped sign"
    hint = ""
    if abs(size - 2) < 2 * CLOSE:
        hint = ": the 2 of a square?"
    elif size > 1.5 and abs(size - round(size)) < CLOSE * size:
        pair = ("a sum", "a mean") if abs(k) > 1 else ("a mean", "a sum")
        hint = ": {} where the loss has {}?".format(*pair)
    return f"{k:.6g} × the derivative in every entry{hint}"


def find_causes(claim, true, point, parts, wrong):
    """Sentences on the errors of a claim (P,); true (P,) is the derivative by numbers.

    wrong : the Parts, of all `parts`, that failed; point : (P,)
    """
    k = ratio(claim, true)
    if len(wrong) == len(parts) > 1 and k:
        return (f"yours is {in_words(k)}",)
    causes = [block_cause(part, claim[part.index], true[part.index]) for part in wrong]
    found = [cause for cause in causes if cause]
    if len(found) < len(wrong):
        index = np.concatenate([part.index.ravel() for part in wrong])
        found += decay(claim[index] - true[index], point[index], wrong)
    return tuple(found)


def block_cause(part, claim, true):
    """What is wrong with one block, or ""."""
    name = f"{part.quantity} {part.block}"
    if true.any() and not claim.any():
        return f"{name} is zero, but the derivative is not: is it left out?"
    if true.size > 1:
        if k := ratio(claim, true):
            return f"{name} is {in_words(k)}"
        if claim.ndim == 2 and same(claim, true.T.reshape(claim.shape)):
            return f"{name} is transposed: the numbers of its transpose in its shape"
        if same(np.sort(claim, None), np.sort(true, None)):
            return f"{name} has the right numbers in the wrong places"
    off = np.abs(claim - true) > CLOSE * np.abs(true).max()
    if off.sum() == 1 < true.size:
        where = ", ".join(str(int(i)) for i in np.argwhere(off)[0])
        return f"{name} is right but for the entry [{where}]"
    return ""


def decay(difference, point, wrong):
    """A difference (n,) proportional to the parameters (n,), as a list of sentences."""
    lam = difference @ point / (point @ point or 1.0)
    rest = np.abs(difference - lam * point).max(initial=0)
    if len(point) < 3 or rest > 0.02 * np.abs(difference).max():
        return []
    kind = "forgotten" if lam < 0 else "doubled"
    blocks = listed((part.quantity, part.block) for part in wrong)
    return [
        f"the difference is proportional to the parameters in {blocks}: it looks like "
        f"a {kind} weight decay, λ ≈ {abs(lam):.2g}"
    ]


def name_mistakes(problem, claimed, true, wrong):
    """The catalogue's mistakes that make this wrong (dθ, dα), as a tuple of sentences.

    problem : (net, theta, alpha, batch, steps)
    claimed, true : pairs of (P,);  wrong : which of dθ and dα, {0}, {1} or {0, 1}
    """
    # Imported late: the catalogue lies in a room built on this one.
    from ..worksheets.mistakes import ENTRIES

    named = {}  # {which of the two it explains: mistakes}
    for mistake in ENTRIES:
        for variant in mistake.variants:
            if variant.loss not in (None, problem[0].loss_name):
                continue
            try:
                with np.errstate(all="ignore"):
                    made = variant.meta_gradient(*problem)
            except Exception:  # some mistakes are made for two layers only
                continue
            fits = (i for i in wrong if same(claimed[i], made[i]))
            fits = frozenset(i for i in fits if not same(made[i], true[i]))
            title = f"mistake {mistake.number}, {mistake.name}"
            named.setdefault(fits, {})[title] = None
    if whole := named.get(frozenset(wrong)):
        return (f"this is {' or '.join(whole)}",)
    return tuple(
        f"{('dθ', 'dα')[i]} is {' or '.join(named[frozenset({i})])}"
        for i in sorted(wrong)
        if frozenset({i}) in named
    )

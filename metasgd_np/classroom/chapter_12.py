"""The exercises of chapter 12, navigate to a goal that you cannot see."""

from fractions import Fraction
from math import isqrt

import numpy as np

from ..reinforcement.gaussian_loss import (
    gaussian_curvature,
    gaussian_slope,
    policy_targets,
)
from .exercises import Exercise
from .reading import (
    Wrong,
    agree,
    as_array,
    call,
    computed,
    entries_of,
    number,
    own,
    require,
    several,
    typed,
)

PLACES = 1e-4
HALF = Fraction(1, 2)


def case_numbers(draw):
    """e^s, and the mean, the action and its weight in cases A and B."""
    cases = {"A": [[3, 1, 1]], "B": [[1, 5, -1]]}
    if draw is None:
        return {"variance": 4} | cases
    sigma, first = draw.choice((2, 4)), draw.random() < 0.5
    ratios = draw.sample((1, 2, 3), 2)
    if 1 not in ratios:
        ratios[first] = 1  # an action at one σ says nothing about s
    for name, ratio in zip(cases, ratios, strict=True):
        mean = draw.randint(-3, 3)
        action = mean + draw.choice((-1, 1)) * ratio * sigma
        cases[name] = [[mean, action, draw.choice((-2, -1, 1, 2))]]
    return {"variance": sigma**2} | cases


def judge_cases(marks, ds_A, ds_B, wider):
    """(12.5), (12.6) with N = 1, and what a step against ds does to s."""
    variance, *cases = case_numbers(marks.draw).values()
    rights = {}
    for name, answer, case in zip("AB", (ds_A, ds_B), cases, strict=True):
        mean, action, psi = case[0]
        distance = abs(mean - action)
        q = distance**2
        rights[name] = right = psi * HALF * (1 - Fraction(q, variance))
        slips = {
            "twice too large: (12.5) has a factor ½": 2 * right,
            "the sign: the weight ψ may be negative": -right,
            f"e^−s is 1/{variance}, not 1/{isqrt(variance)}": (
                psi * HALF * (1 - Fraction(q, isqrt(variance)))
            ),
            "square the distance for q": psi
            * HALF
            * (1 - Fraction(distance, variance)),
            "e^−s, not e^s": psi * HALF * (1 - q * variance),
            "the weight ψ is missing": right / psi,
            "this is dM, (12.4)": psi * Fraction(mean - action, variance),
            "1 − q e^−s: the 1, the slope of s/2 in (12.3), is missing": (
                -psi * HALF * Fraction(q, variance)
            ),
            "1 − q e^−s; the slope of e^−s has a minus": psi
            * HALF
            * (1 + Fraction(q, variance)),
        }
        with marks.part(f"ds_{name}"):
            typed(answer, right, slips=slips)
    own_ds = {n: own(a, rights[n]) for n, a in zip("AB", (ds_A, ds_B), strict=True)}
    with marks.part("wider"):
        judge_wider(wider, rights, own_ds)


def judge_wider(wider, rights, own_ds):
    """A step against ds raises s where ds is negative."""
    require(wider is not None, "no answer yet")
    words = str(wider).strip("\"'. ").lower().removeprefix("case").split()
    letter = words[0].upper() if words else ""
    letter = "" if letter in ("NEITHER", "NONE", "NO") else letter
    require(letter in ("A", "B", ""), 'give "A", "B" or "neither"')
    require(str(wider).strip(), 'give "A", "B" or "neither"')
    for ds in (rights, own_ds):
        if letter == "".join(name for name in ds if ds[name] < 0):
            return
    require(not letter or rights[letter], "at ds = 0 nothing moves")
    raise Wrong("s moves against ds: where it grows, so does the variance e^s")


def system_numbers(draw):
    """ℐ, symmetric and positive definite, and ∇ℓ, no eigenvector of it."""
    fisher, slope = [[3, 1], [1, 2]], [1, 1]
    while draw is not None:
        a, b, c = draw.randint(2, 4), draw.choice((-1, 1)), draw.randint(1, 4)
        fisher, slope = [[a, b], [b, c]], draw.choice(([1, 1], [1, -1], [1, 2]))
        I_v = [row[0] * slope[0] + row[1] * slope[1] for row in fisher]
        if a * c > b * b and I_v[0] * slope[1] != I_v[1] * slope[0] and a != c:
            break
    return {
        "fisher": np.array(fisher, dtype=object),
        "slope": np.array(slope, dtype=object),
    }


def judge_conjugate(marks, eta, xi_1, u_1, v_2):
    """One step and the direction of the next, each from the student's own before it."""
    fisher, u = system_numbers(marks.draw).values()
    I_v = fisher @ u
    uu, vIv, long = (Fraction(a @ b) for a, b in ((u, u), (u, I_v), (I_v, I_v)))
    right = uu / vIv
    step = own(eta, right)
    rest, own_rest = u - right * I_v, u - step * I_v
    with marks.part("eta"):
        slips = {
            "u·u sums two squares": Fraction(u[0] ** 2) / vIv,
            "v·ℐv, not ℐv·ℐv: u must become orthogonal to v": uu / long,
            "upside down: u·u / v·ℐv": 1 / right,
            "u·u, the square of the length, not the length": float(uu) ** 0.5 / vIv,
            "u·u / v·ℐv; this is v·ℐv": vIv,
            "u·u / v·ℐv; this is u·u": uu,
        }
        to_places(eta, right, slips=slips)
    with marks.part("xi_1"):
        a, b, c = fisher[0, 0], fisher[0, 1], fisher[1, 1]
        det = Fraction(a * c - b * b)
        slips = {
            "ξ + η v; the sign": -right * u,
            "ξ + η v; this is η ℐv": right * I_v,
            "this solves the system; one step leads part of the way": (
                np.array([c * u[0] - b * u[1], a * u[1] - b * u[0]]) / det
            ),
            "this is the direction v; multiply it by η": u,
            "ξ starts at 0, not at v": u + right * u,
        }
        to_places(xi_1, right * u, step * u, slips=slips)
    with marks.part("u_1"):
        slips = {
            "the sign: u − η ℐv": -rest,
            "u − η ℐv, not u − η v": u - right * u,
            "u − η ℐv; this adds": u + right * I_v,
            "u − η ℐv; this is η ℐv": right * I_v,
            "u − η ℐv; η is missing": u - I_v,
        }
        to_places(u_1, rest, own_rest, slips=slips)
    with marks.part("v_2"):
        own_u = own_pair(u_1, rest)
        ratio = rest @ rest / uu
        slips = {
            "that is steepest descent: add the old v": rest,
            "the ratio is of u·u, not of the lengths": rest + float(ratio) ** 0.5 * u,
            "plus the old v times the ratio, not minus": rest - ratio * u,
            "the ratio is u_1·u_1 / u·u; this is upside down": rest + u / ratio,
            "the old v comes times the ratio": rest + u,
            "this is the old v times the ratio; add u_1": ratio * u,
            "the ratio belongs to the old v, not to u_1": ratio * rest + u,
            "u_1·u_1 is to be divided by u·u": rest + rest @ rest * u,
        }
        truths = (r + r @ r / uu * u for r in (rest, own_rest, own_u))
        to_places(v_2, *truths, slips=slips)


def own_pair(answer, right):
    """The student's vector, to go on from; the right one where it cannot be read."""
    try:
        entries = entries_of(answer, (2,)).ravel()
        values = [entry.value for entry in entries]
    except (Wrong, ValueError, AttributeError):
        return right
    return np.array(values, dtype=object) if len(values) == 2 else right


def to_places(answer, *truths, slips):
    """Compare numbers typed in to four places; the last one may be off by one."""
    try:
        typed(answer, *truths, slips=slips)
        wrong = Wrong("four decimals are asked for, or a fraction")
    except Wrong as error:
        wrong = error
    require(answer is not None, str(wrong))
    entries = entries_of(answer, np.shape(truths[0])).ravel()
    found = np.array([float(entry.value) for entry in entries])
    require(found.size == np.size(truths[0]), str(wrong))
    distances = (np.abs(found - np.ravel(true)).max() for true in truths)
    require(min(distances) <= PLACES, str(wrong))


def mixed_curvature(M, S, A, psi, M_dot, S_dot):
    """dM_dot and dS_dot of (12.7), (12.8) for c = 0."""
    F, F_dot = np.hstack([M, S]), np.hstack([M_dot, S_dot])
    return np.hsplit(gaussian_curvature(F, policy_targets(A, psi[:, 0]), F_dot), 2)


def judge_curvature(marks, repaired):
    """What suspect leaves out are the two mixed terms."""
    N, n_out = 3 + marks.rng.permutation(4)[:2]
    M, S, A, M_dot, S_dot = marks.rng.standard_normal((5, N, n_out))
    psi = marks.rng.standard_normal((N, 1))
    problem = M, S, A, psi, M_dot, S_dot
    right_M, right_S = mixed_curvature(*problem)
    error, factor = M - A, psi * np.exp(-S) / N
    mixed_M, mixed_S = -factor * error * S_dot, -factor * error * M_dot
    forbidden = gaussian_curvature, gaussian_slope
    found = call(repaired, *problem, without=forbidden)
    first, second = several(found, ("dM_dot", "dS_dot"))
    swapped = "the other one comes first: dM_dot, dS_dot"
    with marks.part("dM_dot"):
        slips = {
            swapped: right_S,
            "dM holds e^−s: it moves when s moves": right_M - mixed_M,
            "e^−s has the slope −e^−s": right_M - 2 * mixed_M,
            "product rule on (M − A) e^−s: no ½ here": right_M - mixed_M / 2,
            "product rule on (M − A) e^−s: this is its second term alone": mixed_M,
            "product rule on (M − A) e^−s: this term has M − A, not its square": (
                right_M - mixed_M - factor * error**2 * S_dot
            ),
            "product rule on (M − A) e^−s: M − A is missing": (
                right_M - mixed_M - factor * S_dot
            ),
            "the mixed term has e^−s, ψ and 1/N too": right_M - mixed_M - error * S_dot,
            "in dM it is s that moves e^−s: S_dot, not M_dot": right_M
            - mixed_M
            - factor * error * M_dot,
        }
        computed(first, right_M, slips)
    with marks.part("dS_dot"):
        slips = {
            swapped: right_M,
            "dS holds q: it moves when m moves": right_S - mixed_S,
            "the sign of −q e^−s in (12.5)": right_S - 2 * mixed_S,
            "(12.5) has a factor ½; with the 2 of q it gives 1": right_S + mixed_S,
            "q = (M − A)² has the slope 2 (M − A); with the ½ of (12.5) it gives 1": (
                right_S - mixed_S / 2
            ),
            "product rule on q e^−s: this is one term alone": mixed_S,
            "q has the slope 2 (M − A), not its square": right_S
            - mixed_S
            - factor * error**2 * M_dot,
            "q = (M − A)² has the slope 2 (M − A): M − A is missing": right_S
            - mixed_S
            - factor * M_dot,
            "the mixed term has e^−s, ψ and 1/N too": right_S - mixed_S - error * M_dot,
            "in dS it is m that moves q: M_dot, not S_dot": right_S
            - mixed_S
            - factor * error * S_dot,
        }
        computed(second, right_S, slips)


def reward_numbers(draw):
    """Three probabilities and rewards."""
    p, r = (5, 3, 2), (-1, -4, -10)
    while draw is not None:
        p = draw.choice(((5, 3, 2), (6, 3, 1), (2, 7, 1), (3, 1, 6)))
        r = draw.sample((-1, -4, -10, -15, 2), 3)
        share = np.array(p) / 10
        if abs(quietest(share, np.array(r)) - share @ r) > 0.2:
            break
    return {
        "p": np.array([Fraction(n, 10) for n in p]),
        "r": np.array(r, dtype=object),
    }


def quietest(p, r):
    """E[r |∇ log p|²] / E[|∇ log p|²]."""
    length = p * ((np.eye(3) - p) ** 2).sum(1)
    return r @ length / length.sum()


def contributions(p, r, V):
    """(r_a − V)(e_a − p), (actions, logits)."""
    return (r - V)[:, None] * (np.eye(len(p)) - p)


def judge_baseline(marks, mean_gradient, noise, best):
    """Σ p (r − V)(e − p), the spread around it, and the V of least spread."""
    p, r = marks.rng.dirichlet([3, 3, 3]), marks.rng.uniform(-9, 3, 3)
    V = marks.rng.uniform(1, 4)
    each = contributions(p, r, V)
    mean = p @ each
    with marks.part("mean_gradient"):
        judge_mean(mean_gradient, p, r, V)
    with marks.part("noise"):
        try:
            own_mean = as_array(call(mean_gradient, p, r, V)).ravel()
            own_mean = own_mean if own_mean.size == 3 else mean
        except Wrong:
            own_mean = mean
        found = as_array(call(noise, p, r, V))
        right, own_noise = (p @ ((each - m) ** 2).sum(1) for m in (mean, own_mean))
        second = p @ (each**2).sum(1)
        slips = {
            "distance from the mean: subtract mean_gradient first": second,
            "the actions are not equally likely: weight by p": (
                ((each - mean) ** 2).sum(1).mean()
            ),
            "the actions are not equally likely: weight the sum by p": (
                ((each - mean) ** 2).sum()
            ),
            "the squared distance, without a root": np.sqrt(right),
            "a squared distance adds up the three logits; this is their mean": right
            / 3,
            "a squared distance adds up the three logits; this has one each": p
            @ ((each - mean) ** 2),
            "V is missing: r − V": p @ ((contributions(p, r, 0) - mean) ** 2).sum(1),
            "this is the squared length of the mean": mean @ mean,
        }
        if not agree(found, own_noise, 1e-9):
            computed(found, right, slips)
    with marks.part("best"):
        p, r = (x.astype(float) for x in reward_numbers(marks.draw).values())
        if not (marks.found["noise"] and is_least(noise, p, r, number(best))):
            judge_best(best, p, r)


def is_least(noise, p, r, V):
    """Whether the student's own noise is least at V, to two decimals."""
    try:
        less, here, more = (
            as_array(call(noise, p, r, V + d)) for d in (-0.02, 0, 0.02)
        )
        return here.size == 1 and less > here < more
    except Wrong:
        return False


def judge_mean(mean_gradient, p, r, V):
    """Compare without a baseline, then with one; it must drop out."""
    right = p @ contributions(p, r, 0)
    for baseline in (0, V, -V):
        each = contributions(p, r, baseline)
        slips = {
            "the actions are not equally likely: weight them by p": each.mean(0),
            "weight them by p": each.sum(0),
            "V must drop out: subtract it from every reward, then weight": (
                right - baseline
            ),
            "V must drop out: r − V wherever r stands": p * r - p * (p @ r - baseline),
            "one for each action; sum over the actions": p[:, None] * each,
            "an action's contribution has an entry for every logit, e_a − p": (
                p * (r - baseline) * (1 - p)
            ),
            "e_a − p: minus p is missing": p * (r - baseline),
        }
        found = as_array(call(mean_gradient, p, r, baseline))
        again = as_array(call(mean_gradient, p, r, baseline))
        require(np.array_equal(found, again), "two calls differ: no sampling is needed")
        computed(found, right, slips)


def judge_best(best, p, r):
    """Where the noise is least, to two decimals."""
    length = p * ((np.eye(3) - p) ** 2).sum(1)
    right, found = quietest(p, r), number(best)
    if abs(found - right) < 0.0101:
        return
    require(
        abs(found - right) > 0.05,
        "close, but two decimals are asked for; it is not the mean of the rewards, "
        "with weights p or without",
    )
    mean = p @ contributions(p, r, 0)
    least = p @ (contributions(p, r, right) ** 2).sum(1) - mean @ mean
    slips = {
        "close, but the mean reward is not the best baseline": p @ r,
        "this is the mean of the three rewards, which are not equally likely": r.mean(),
        "this is the reward in the middle": np.median(r),
        "the sign is turned: V is subtracted from the rewards": -right,
        "divide by the mean of |∇ log p|²": r @ length,
        "weight by p and by |∇ log p|²; p is missing": r
        @ (length / p)
        / (length / p).sum(),
        "this is the least noise; at which baseline?": least,
        "without a baseline the noise is not least": 0,
    }
    for message, wrong in slips.items():
        require(abs(found - wrong) > 0.01, message)
    raise Wrong("is not right yet: set the derivative of the noise in V to zero")


def judge_missing(marks, missing):
    """m′² times the score of the whole batch, or what has the same mean."""
    m, alpha, shape = marks.rng.uniform(1.6, 2.4), 0.25, (40_000, 10)
    score = marks.rng.standard_normal(shape)
    a = m + score
    psi = -(a**2) + (a**2).mean(-1, keepdims=True)
    m_new = m - alpha * (psi * (m - a)).mean(-1)
    whole = score.sum(-1)
    right = m_new**2 * whole
    found = as_array(call(missing, a, m, m_new))
    require(
        found.shape not in (shape, shape[::-1]),
        "one value for each batch: sum over its actions",
    )
    require(found.shape, "is one number; one value for each batch is asked for")
    slips = {
        "the sign of ∇ log π: (a − m), for a variance of 1": -right,
        "the log-density of a batch is the sum over its actions, not their mean": (
            right / 10
        ),
        "without the loss m_new²: this is ∇ log π alone": whole,
        "the loss is m_new²; this has m_new": m_new * whole,
        "the loss is m_new²; this has its slope": 2 * m_new * whole,
        "the loss m_new², once; the slope of log π has no 2": 2 * right,
        "∇ log π of one action; the batch has ten": m_new**2 * score[:, 0],
        "the loss m_new² and ∇ log π, not the density itself": (
            m_new**2 * -(score**2).sum(-1) / 2
        ),
        "this holds 2 m_new already; the missing term alone": 2 * m_new + right,
        "the loss is that of the batch, m_new², not the reward": (
            (-(a**2) * score).sum(-1)
        ),
        "the loss is m_new², not m²": m**2 * whole,
    }
    if found.size != whole.size or not agree(found.ravel(), right, 1e-9):
        judge_average(found, right, slips)


def judge_average(found, right, slips):
    """Accept another term with the same mean, as with a baseline."""
    try:
        computed(found, right, slips)
    except Wrong as wrong:
        if str(wrong) in slips or found.size != right.size:
            raise
        off = found.ravel() - right
        wild = not off.std() < 3 * right.std()
        if wild or abs(off.mean()) > 5 * off.std() / np.sqrt(off.size):
            raise


EXERCISES = {
    1: Exercise(
        "The slope of s by hand",
        ("ds_A", "ds_B", "wider"),
        judge_cases,
        see="equations (12.5) and (12.6) in chapter 12",
        numbers=case_numbers,
    ),
    2: Exercise(
        "One step of conjugate gradients",
        ("eta", "xi_1", "u_1", "v_2"),
        judge_conjugate,
        see='"Solve with products alone" in the side trip trust regions',
        numbers=system_numbers,
    ),
    3: Exercise(
        "Find the error",
        ("repaired",),
        judge_curvature,
        parts=("dM_dot", "dS_dot"),
        see="equations (12.4) to (12.8) in chapter 12",
    ),
    4: Exercise(
        "A baseline, by full enumeration",
        ("mean_gradient", "noise", "best"),
        judge_baseline,
        see='"Better than expected" in chapter 12',
        numbers=reward_numbers,
    ),
    5: Exercise(
        "Put back what was left out",
        ("missing",),
        judge_missing,
        see='"What is left out" in chapter 12',
    ),
}

"""The table from its cells: means over the seeds, the verdict, and the printed text."""

from math import sqrt
from textwrap import wrap

from .base import PAPER, TEST_SHOTS
from .table1_cells import SETTINGS, TRAINED_SHOTS, label

CURVES = {100: "the paper's protocol", 2_000: "a tighter protocol"}
MARKS = """\
[c] found in two or more independent sources, [1] in one, [m] widely quoted.
The paper's network is 1-40-40-1 ReLU, trained on 60,000 batches of 4 tasks with 10
query points; it tests one seed on 100 curves. How ours were trained stands in
results.json."""


def summarise(cells, results):
    """{net: {curves: {trained shots: {label: {test shots: {…}}}}}}.

    Each innermost dict has the mean over the seeds, its 95 % interval over all their
    curves, and by_seed. cells {name: settings} and results {name: result} of a sweep.
    """
    table = {}
    for name, s in cells.items():
        for shots, by_curves in results[name]["mse"].items():
            for curves, (mean, half) in by_curves.items():
                row = table.setdefault(s["net"], {}).setdefault(curves, {})
                row = row.setdefault(f"{s['shots']}", {}).setdefault(label(s), {})
                entry = row.setdefault(shots, {"by_seed": [], "halves": []})
                entry["by_seed"].append(mean)
                entry["halves"].append(half)
    for entry in innermost(table):
        halves, n_seeds = entry.pop("halves"), len(entry["by_seed"])
        entry["mean"] = round(sum(entry["by_seed"]) / n_seeds, 6)
        entry["interval"] = round(sqrt(sum(h * h for h in halves)) / n_seeds, 6)
    return table


def innermost(table):
    """Every dict that holds the figures of one entry of the table."""
    if "by_seed" in table:
        yield table
        return
    for part in table.values():
        yield from innermost(part)


def paper_mse(method, trained, tested):
    """The paper's mean of one entry, as a number."""
    text = PAPER[trained][method][TEST_SHOTS.index(tested)]
    return float(text.split(" ")[0])


def verdict(by_trained):
    """Where Meta-SGD is not at or below the paper's figure, or not below MAML.

    by_trained : {trained shots: …} of one network and protocol, as in `summarise`
    Returns {"paper": […], "MAML": […]}, a list of [trained shots, tested shots, our
    figure, theirs] each, one for every entry missed; None for what cannot be compared.
    """
    missed = {"paper": None, "MAML": None}
    for trained in TRAINED_SHOTS:
        rows = by_trained[f"{trained}"]
        for tested in TEST_SHOTS if "Meta-SGD" in rows else ():
            ours = rows["Meta-SGD"][f"{tested}"]["mean"]
            paper = paper_mse("Meta-SGD", trained, tested)
            missed["paper"] = missed["paper"] or []
            if ours > paper:
                missed["paper"].append([trained, tested, ours, paper])
            if "MAML" in rows:
                maml = rows["MAML"][f"{tested}"]["mean"]
                missed["MAML"] = missed["MAML"] or []
                if ours >= maml:
                    missed["MAML"].append([trained, tested, ours, maml])
    return missed


def table1_text(results):
    """The results as aligned text, with the paper's figures beside them."""
    parts = []
    for net, by_curves in results["table"].items():
        for curves, by_trained in by_curves.items():
            parts.append(one_table(results, net, int(curves), by_trained))
    return "\n\n\n".join([*parts, MARKS])


def one_table(results, net, curves, by_trained):
    """The table of one network by one protocol."""
    n_seeds = len(results["configuration"]["seeds"])
    protocol = f" ({CURVES[curves]})" if curves in CURVES else ""
    rows = [("trained on", "", *(f"{k}-shot test" for k in TEST_SHOTS))]
    for trained, by_label in by_trained.items():
        rows += table_rows(int(trained), by_label, n_seeds)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "   ".join(map(str.ljust, row, widths)).rstrip()  # an empty first cell repeats
        for row in rows
    ]
    return "\n".join(
        [
            f"{SETTINGS[net].told}: test MSE, mean ± 95 % interval,",
            f"{count(n_seeds, 'seed')} of {curves:,} curves{protocol}",
            "",
            *(f"  {line}" for line in lines),
            "",
            *told_verdict(results["verdict"][net][f"{curves}"]),
        ]
    )


def count(number, noun):
    """ "1 seed", "2 seeds", …"""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def table_rows(trained, by_label, n_seeds):
    """The rows of one number of training shots: ours, over the seeds, the paper's."""
    first = f"{trained}-shot"
    for name, by_tested in by_label.items():
        entries = [by_tested[f"{k}"] for k in TEST_SHOTS]
        told = [f"{entry['mean']:.2f} ± {entry['interval']:.2f}" for entry in entries]
        yield first, name, *told
        first = ""
        if n_seeds > 1:
            ends = [(min(entry["by_seed"]), max(entry["by_seed"])) for entry in entries]
            yield "", "  its seeds", *(f"{low:.2f} to {high:.2f}" for low, high in ends)
        if name in PAPER[trained]:
            yield "", "  paper", *PAPER[trained][name]


def told_verdict(missed):
    """The verdict as lines of text."""
    n = len(TRAINED_SHOTS) * len(TEST_SHOTS)
    claims = {"paper": "at or below the paper's Meta-SGD", "MAML": "below our MAML"}
    for name, claim in claims.items():
        entries = missed[name]
        if entries is None:
            continue
        yield f"  Meta-SGD is {claim} in {n - len(entries)} of {n} entries."
        if entries:
            told = [
                f"{trained}/{tested} by {ours - theirs:.3f}"
                for trained, tested, ours, theirs in entries
            ]
            told = f"Missed (shots trained/tested): {', '.join(told)}."
            yield from wrap(told, 86, initial_indent="    ", subsequent_indent="    ")

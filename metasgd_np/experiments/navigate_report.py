"""What `navigate` found: plain numbers, and a table beside the published figures."""

# Meta-SGD (arXiv:1707.09835v2), section 4.3: return after one step ± 95 % interval.
PAPER = {
    "fixed": {"Meta-SGD": "-8.64 ± 0.68 [c]", "MAML": "-9.12 ± 0.66 [c]"},
    "varying": {"Meta-SGD": "-10.15 ± 0.62 [c]", "MAML": "-10.71 ± 0.76 [c]"},
}
# MAML (arXiv:1703.03400), section 5.3: returns after 0, 1, 2, 3 steps, fixed start.
MAML_PAPER = ("-40.41 [1]", "-11.68 [1]", "-3.33 [1]", "-3.23 [1]")


def by_steps(evaluation):
    """Mean return and interval after 0, 1, … steps, as plain numbers."""
    return {
        "mean_by_steps": [round(-m, 4) for m in evaluation.mean.tolist()],
        "interval_by_steps": [round(i, 4) for i in evaluation.interval.tolist()],
    }


def told(mean, interval):
    """ "−8.64 ± 0.68", as text."""
    return f"{mean:.2f} ± {interval:.2f}"


def table_rows(results):
    """The table's cells, row by row: a header, learners, references, published."""
    yield "", "before", "1 step", "2 steps", "3 steps"
    yield from learner_rows(results["returns"])
    yield from learner_rows({"Meta-SGD − MAML, by task": results["difference"]})
    yield from learner_rows(results["discounted_returns"], ", discounted")
    for name, cell in results["references"].items():
        yield name, told(cell["mean"], cell["interval"]), "", "", ""
    for name, cell in results["published"].items():
        yield f"{name}, Meta-SGD's paper", "", cell, "", ""
    if results["configuration"]["start"] == "fixed":
        yield "MAML, its own paper", *MAML_PAPER


def learner_rows(cells, note=""):
    """A row for each of {name: cell}: what `by_steps` gave, step by step."""
    for name, cell in cells.items():
        pairs = zip(cell["mean_by_steps"], cell["interval_by_steps"], strict=True)
        yield name + note, *(told(*pair) for pair in pairs)


def navigation_table(results):
    """The results as aligned text, with the published figures beside them."""
    c = results["configuration"]
    rows = list(table_rows(results))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"Return on a new task, {c['start']} start, before and after steps on "
        f"{c['trajectories']} trajectories each",
        f"(mean ± 95 % interval over {c['n_test']} tasks, one seed):",
        "",
    ]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  " + "   ".join(cells).rstrip())
    lines += [
        "",
        "  [c] found in two or more independent sources, [1] in one. Meta-SGD's",
        "  paper tells neither horizon nor discount, nor whether its returns are",
        f"  discounted; here {c['horizon']} steps (MAML: 100 [1]) and {c['discount']}.",
        "  Both learners train for one step. Steps two and three take half of α, as in",
        "  MAML's published evaluation.",
    ]
    return "\n".join(lines)

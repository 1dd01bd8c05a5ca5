"""Figures of few-shot classification: tasks with answers, accuracies, characters."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from ..checks import check_has, whole_number
from ..tasks import Characters, TaskBatch
from ..training import Evaluation
from .shared import STYLES, check_lines, draw_intervals, finish

STEP_TICKS = (0, 1, 2, 3, 5, 10, 20, 50, 100)


def answered_tasks(
    batch: TaskBatch, before: np.ndarray, after: np.ndarray, ways: int, shown: int = 5
) -> Figure:
    """Draw support drawings with labels, then query drawings with answers.

    Parameters
    ----------
    batch : TaskBatch
        Square images, class by class, as FewShot draws them.
    before, after : (T, N_q) array
        Predicted labels before and after adapting.
    ways : int
        Classes per task.
    shown : int, default 5
        Largest number of classes drawn.

    Returns
    -------
    Figure
        One row per task: one support drawing per class, at most two query drawings.
    """
    batch, before, after = first_classes(batch, before, after, ways, shown)
    n_tasks, n_support, n_pixels = batch.X_s.shape
    n_query, side = batch.X_q.shape[1], int(n_pixels**0.5)
    columns = n_support + 1 + n_query
    figure, axes = plt.subplots(
        n_tasks, columns, figsize=(9, 9 * n_tasks / columns + 1.3), squeeze=False
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for task, row in enumerate(axes):
        for i, axis in enumerate(row[:n_support]):
            axis.imshow(batch.X_s[task, i].reshape(side, side), cmap="Greys")
            axis.set_title(batch.Y_s[task, i], fontsize=9)
        for i, axis in enumerate(row[n_support + 1 :]):
            axis.imshow(batch.X_q[task, i].reshape(side, side), cmap="Greys")
            right = after[task, i] == batch.Y_q[task, i]
            change = f"{before[task, i]}→{after[task, i]}"
            look = {"fontsize": 9, "color": "k" if right else "#b3261e"}
            axis.set_title(change if right else f"{change} ✗", **look)
    figure.subplots_adjust(0.01, 0.02, 0.99, 0.99 - 0.75 / figure.get_figheight())
    top = 1 - 0.05 / figure.get_figheight()
    left = n_support / columns / 2
    text = {"ha": "center", "va": "top", "fontsize": 10}
    figure.text(left, top, "support set, with labels", **text)
    right = (n_support + 1 + n_query / 2) / columns
    figure.text(right, top, "query: answer before→after adapting (✗ wrong)", **text)
    return figure


def first_classes(batch, before, after, ways, shown):
    """Keep one support and at most two query drawings of each of the first classes."""

    def of_class(A, n):
        by_class = A.reshape(len(A), ways, -1, *A.shape[2:])[:, :shown, :n]
        return by_class.reshape(len(A), -1, *A.shape[2:])

    support = (of_class(A, 1) for A in (batch.X_s, batch.Y_s))
    query = (of_class(A, 2) for A in (batch.X_q, batch.Y_q))
    return TaskBatch(*support, *query), of_class(before, 2), of_class(after, 2)


def accuracy_by_steps(evaluations: dict[str, Evaluation], title: str) -> Figure:
    """Draw the query accuracy after 0, 1, … steps: mean and 95 % interval.

    The axis of the steps is logarithmic from 1 on.

    Parameters
    ----------
    evaluations : dict
        {name: Evaluation}; one without steps, scores (1, T), is a horizontal line.
    title : str
        What was tested.

    Returns
    -------
    Figure
        One panel, a line with a band per method.
    """
    check_lines("evaluations", evaluations, parts=("mean", "interval", "scores"))
    figure, axis = plt.subplots(figsize=(6.4, 4))
    for name, evaluation in evaluations.items():
        mean, half = 100 * evaluation.mean, 100 * evaluation.interval
        if len(mean) == 1:
            axis.axhline(mean[0], label=name, **STYLES[name] | {"marker": None})
        else:
            draw_intervals(axis, mean, half, label=name, ms=4, **STYLES[name])
    axis.set(xlabel="gradient steps on the support set", ylabel="query accuracy (%)")
    longest = max(len(evaluation.mean) for evaluation in evaluations.values()) - 1
    axis.set_xscale("symlog", linthresh=1, linscale=0.4)  # the first steps matter most
    axis.set_xlim(-0.2, 1.1 * max(longest, 1))
    ticks = [x for x in STEP_TICKS if x <= max(longest, 1)]
    axis.set_xticks(ticks, ticks)
    axis.set_xticks([], minor=True)
    n_tasks = evaluation.scores.shape[-1]
    title = f"{title}: mean of {n_tasks} new tasks; band: 95 % interval"
    return finish(figure, title, loc="lower right")


def contact_sheet(
    characters: Characters, alphabets: int = 8, letters: int = 3, drawings: int = 6
) -> Figure:
    """Draw a few letters of each alphabet, and a few drawings of each letter.

    Parameters
    ----------
    characters : Characters
        Where the drawings come from.
    alphabets : int, default 8
        Largest number of alphabets.
    letters : int, default 3
        Letters per alphabet.
    drawings : int, default 6
        Drawings per letter.

    Returns
    -------
    Figure
        One row per alphabet.
    """
    check_has("characters", characters, ("images", "alphabets"), "Characters")
    alphabets = whole_number("alphabets", alphabets, 1)
    letters = whole_number("letters", letters, 1)
    drawings = whole_number("drawings", drawings, 1)
    names = list(dict.fromkeys(characters.alphabets.tolist()))[:alphabets]
    columns = letters * drawings
    figure, axes = plt.subplots(
        len(names), columns, figsize=(9, 0.3 + 0.45 * len(names)), squeeze=False
    )
    for name, row in zip(names, axes, strict=True):
        classes = np.flatnonzero(characters.alphabets == name)
        shown = classes[np.linspace(0, len(classes) - 1, letters).astype(int)]
        images = characters.images[shown, :drawings]  # (letters, drawings, S, S)
        for i, axis in enumerate(row):
            letter, drawing = divmod(i, drawings)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            tint = 255 if letter % 2 else 232  # of the background
            image = np.minimum(255 - images[letter, drawing], tint)
            axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        label = {"rotation": 0, "ha": "right", "va": "center", "fontsize": 9}
        row[0].set_ylabel(name.replace("_", " "), **label)
    figure.subplots_adjust(0.2, 0.01, 0.99, 0.99, wspace=0.03, hspace=0.03)
    return figure

"""Figures of few-shot classification: tasks and answers, accuracies, α as images."""

import matplotlib.pyplot as plt
import numpy as np

from ..tasks import TaskBatch
from .learning import STYLES


def answered_tasks(batch, before, after, ways, shown=5):
    """A row a task: a support drawing a class, then query drawings, each with answers.

    batch : TaskBatch of square images, class by class, as FewShot draws them
    before, after : (T, N_q) labels answered    shown : classes, at the most
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
    """One support and at most two query drawings of each of the first classes."""

    def of_class(A, n):
        by_class = A.reshape(len(A), ways, -1, *A.shape[2:])[:, :shown, :n]
        return by_class.reshape(len(A), -1, *A.shape[2:])

    support = (of_class(A, 1) for A in (batch.X_s, batch.Y_s))
    query = (of_class(A, 2) for A in (batch.X_q, batch.Y_q))
    return TaskBatch(*support, *query), of_class(before, 2), of_class(after, 2)


def accuracy_by_steps(evaluations, title):
    """Accuracy after 0, 1, … steps with 95 % intervals; {name: Evaluation}.

    A method without steps, scores (1, T), is a horizontal line.
    """
    figure, axis = plt.subplots(figsize=(6.4, 4))
    for name, evaluation in evaluations.items():
        mean, interval = 100 * evaluation.mean, 100 * evaluation.interval
        look = STYLES[name]
        if len(mean) == 1:
            axis.axhline(mean[0], label=name, **{**look, "marker": None})
            continue
        steps = np.arange(len(mean))
        axis.plot(steps, mean, label=name, ms=4, **look)
        band = {"color": look["color"], "alpha": 0.2}
        axis.fill_between(steps, mean - interval, mean + interval, **band)
    n_tasks = evaluation.scores.shape[-1]
    axis.set(xlabel="gradient steps on the support set", ylabel="query accuracy (%)")
    axis.set(ylim=(0, 100))
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set_title(f"{title}: mean of {n_tasks} new tasks; band: 95 % interval", size=9)
    axis.legend(loc="lower right", fontsize=9)
    figure.tight_layout()
    return figure


def alpha_images(net, alpha, units=10):
    """α of the first layer, drawn as images: the mean over units, then single units.

    alpha : (P,) of a network whose inputs are square images. The units shown are those
    whose α is largest in mean size. Grey is 0, light is positive, dark is negative.
    """
    W1 = net.blocks(alpha)["W1"]  # (D, H)
    side = int(net.n_in**0.5)
    largest = np.argsort(-np.abs(W1).mean(0))[:units]  # (units,)
    figure = plt.figure(figsize=(9, 3.9), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(2, 3.4))
    panels = {
        "mean of α over\nthe units": W1.mean(1),
        "units whose α is\nnegative (%)": 100 * (W1 < 0).mean(1),
    }
    for axis, (title, pixels) in zip(left.subplots(2, 1), panels.items(), strict=True):
        limit = max(np.abs(pixels).max(), 0.1)
        low = 0 if "%" in title else -limit
        image = axis.imshow(
            pixels.reshape(side, side), cmap="gray", vmin=low, vmax=limit
        )
        axis.set(xticks=[], yticks=[])
        axis.set_ylabel(title, fontsize=9)
        left.colorbar(image, ax=axis)
    limit = np.percentile(np.abs(W1[:, largest]), 99)
    axes = right.subplots(2, -(-len(largest) // 2), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, unit in zip(axes.flat, largest, strict=False):
        pixels = W1[:, unit].reshape(side, side)
        image = axis.imshow(pixels, cmap="gray", vmin=-limit, vmax=limit)
        axis.set_title(f"unit {unit}", fontsize=9)
    right.colorbar(image, ax=axes, label="α", location="bottom", shrink=0.6)
    return figure


def contact_sheet(characters, alphabets=8, letters=3, drawings=6):
    """A row an alphabet: a few letters in different shades, a few drawings of each."""
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
            tint = 255 if letter % 2 else 232  # of the ground
            image = np.minimum(255 - images[letter, drawing], tint)
            axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        label = {"rotation": 0, "ha": "right", "va": "center", "fontsize": 9}
        row[0].set_ylabel(name.replace("_", " "), **label)
    figure.subplots_adjust(0.2, 0.01, 0.99, 0.99, wspace=0.03, hspace=0.03)
    return figure

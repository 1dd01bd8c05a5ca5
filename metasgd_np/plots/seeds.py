"""Figures of several training runs of each learner, one run per seed."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from ..training import Evaluation
from .shared import STYLES, finish

STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}  # by seeds, 95 %


def returns_over_seeds(
    evaluations: dict[str, list[Evaluation]], references: dict[str, Evaluation | float]
) -> Figure:
    """Draw the return after 0, 1, … steps: every seed, the mean, its 95 % interval.

    Parameters
    ----------
    evaluations : dict
        {name: [Evaluation, …]} of returns, a list per learner, one entry per seed.
    references : dict
        {name: Evaluation or mean return}, without steps.

    Returns
    -------
    Figure
        One panel: per learner a thin line per seed and means with Student's interval; a
        horizontal line per reference.
    """
    figure, axis = plt.subplots(figsize=(7.2, 4))
    for place, (name, seeds) in enumerate(evaluations.items()):
        scores = np.array([evaluation.mean for evaluation in seeds])  # (seeds, J + 1)
        steps, look = np.arange(scores.shape[1]) + 0.07 * place, STYLES[name]
        half = STUDENT[len(scores)] * scores.std(0, ddof=1) / np.sqrt(len(scores))
        axis.plot(steps, scores.T, color=look["color"], lw=0.6)
        look = look | {"capsize": 4, "lw": 0, "elinewidth": 1.5, "label": name}
        axis.errorbar(steps, scores.mean(0), half, **look)
    looks = (":", "-.", "--")
    for (name, found), line in zip(references.items(), looks, strict=False):
        mean = found.mean[0] if isinstance(found, Evaluation) else found
        axis.axhline(mean, color="0.4", ls=line, lw=1)
        axis.annotate(
            name,
            (1, mean),
            xycoords=("axes fraction", "data"),
            xytext=(4, -3),
            textcoords="offset points",
            annotation_clip=False,
            size=9,
        )
    axis.set(xlabel="gradient steps on the new task", ylabel="return")
    axis.set_xticks(range(scores.shape[1]))
    axis.set_ylim(top=2)  # room for an oracle near 0
    title = f"{len(scores)} seeds (thin), mean and 95 % interval"
    return finish(figure, title, loc="center right")

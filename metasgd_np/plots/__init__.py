"""Every figure longer than ten lines; each function returns a Matplotlib Figure."""

import matplotlib.pyplot as plt

from .characters import accuracy_by_steps, alpha_images, answers, contact_sheet
from .derivations import (
    arrows_on_contours,
    errors_and_cosines,
    hessian_blocks,
    loss_ratios,
    map_of_one_step,
    medians,
    output_ceiling,
    paths_on_bowls,
    shape_flow,
    taylor_terms,
)
from .learning import (
    STYLES,
    alpha_by_block,
    alpha_over_training,
    bending,
    fits,
    learning_curves,
    mse_by_steps,
    mse_over_seeds,
)
from .tables import table1

__all__ = [
    "STYLES",
    "accuracy_by_steps",
    "alpha_by_block",
    "alpha_images",
    "alpha_over_training",
    "answers",
    "arrows_on_contours",
    "bending",
    "contact_sheet",
    "errors_and_cosines",
    "fits",
    "hessian_blocks",
    "learning_curves",
    "loss_ratios",
    "map_of_one_step",
    "medians",
    "mse_by_steps",
    "mse_over_seeds",
    "output_ceiling",
    "paths_on_bowls",
    "save",
    "shape_flow",
    "table1",
    "taylor_terms",
]


def save(figure, path):
    """Write a figure as a PNG file of 100 dots per inch, and close it."""
    figure.savefig(path, dpi=100)
    plt.close(figure)

"""Figures that take more than ten lines; each function returns a Matplotlib Figure.

Matplotlib is imported with the first figure, not with the package.
"""

from importlib import import_module

MODULES = {
    "characters": ("accuracy_by_steps", "answered_tasks", "contact_sheet"),
    "comparisons": (
        "errors_and_cosines",
        "loss_ratios",
        "medians",
        "output_ceiling",
        "taylor_terms",
    ),
    "curvature": ("first_order", "hessian_blocks", "tangent_flow"),
    "derivations": (
        "arrows_on_contours",
        "map_of_one_step",
        "paths_on_bowls",
        "shape_flow",
        "support_and_query",
    ),
    "gradients": ("activation_functions", "errors_by_step", "gradients_by_task"),
    "learning": (
        "bending",
        "fits",
        "learning_curves",
        "mse_by_steps",
        "mse_over_seeds",
    ),
    "meta_gradients": ("loss_against_alpha", "turned_steps", "two_steps_back"),
    "navigation": ("landing", "return_curves", "returns_by_steps", "trajectories"),
    "shared": ("STYLES", "save"),
    "single_steps": ("film_of_training", "learning_to_step"),
    "step_sizes": ("alpha_by_block", "alpha_images", "alpha_over_training"),
    "tables": ("mse_by_shots",),
}
MODULE_OF = {name: module for module, names in MODULES.items() for name in names}
__all__ = list(MODULE_OF)


def __getattr__(name):
    """Import the module of a figure when it is first asked for."""
    if name in MODULE_OF:
        return getattr(import_module(f".{MODULE_OF[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

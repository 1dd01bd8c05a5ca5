"""Every figure longer than ten lines; each function returns a Matplotlib Figure.

Matplotlib is imported with the first figure, not with the package.
"""

from importlib import import_module

ROOMS = {
    "characters": (
        "accuracy_by_steps",
        "alpha_images",
        "answered_tasks",
        "contact_sheet",
    ),
    "derivations": (
        "arrows_on_contours",
        "errors_and_cosines",
        "hessian_blocks",
        "loss_ratios",
        "map_of_one_step",
        "medians",
        "output_ceiling",
        "paths_on_bowls",
        "shape_flow",
        "taylor_terms",
    ),
    "learning": (
        "STYLES",
        "alpha_by_block",
        "alpha_over_training",
        "bending",
        "fits",
        "learning_curves",
        "mse_by_steps",
        "mse_over_seeds",
        "save",
    ),
    "navigation": ("landing", "return_curves", "returns_by_steps", "trajectories"),
    "tables": ("mse_by_shots",),
}
ROOM_OF = {name: room for room, names in ROOMS.items() for name in names}
__all__ = list(ROOM_OF)


def __getattr__(name):
    """Import the room of a figure when it is first asked for."""
    if name in ROOM_OF:
        return getattr(import_module(f".{ROOM_OF[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

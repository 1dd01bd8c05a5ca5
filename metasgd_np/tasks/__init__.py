"""Where support and query sets come from."""

from importlib import import_module

from .batch import TaskBatch
from .few_shot import FewShot
from .images import Characters
from .sinusoids import Sinusoids

__all__ = [
    "Characters",
    "FewShot",
    "Sinusoids",
    "TaskBatch",
    "load_glyphs",
    "load_omniglot",
]


def __getattr__(name):
    """Import the loaders when first asked for: they need Matplotlib and Pillow."""
    if name in ("load_glyphs", "load_omniglot"):
        module = import_module(f".{name.removeprefix('load_')}", __name__)
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

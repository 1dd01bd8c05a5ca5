"""Where support and query sets come from."""

from .batch import TaskBatch
from .few_shot import Characters, FewShot
from .glyphs import load_glyphs
from .navigation import Navigation
from .omniglot import load_omniglot
from .sinusoid import Sinusoids

__all__ = [
    "Characters",
    "FewShot",
    "Navigation",
    "Sinusoids",
    "TaskBatch",
    "load_glyphs",
    "load_omniglot",
]

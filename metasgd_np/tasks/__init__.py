"""Where support and query sets come from."""

from .batch import TaskBatch
from .few_shot import Characters, FewShot
from .glyphs import load_glyphs
from .omniglot import load_omniglot
from .sinusoids import Sinusoids

__all__ = [
    "Characters",
    "FewShot",
    "Sinusoids",
    "TaskBatch",
    "load_glyphs",
    "load_omniglot",
]

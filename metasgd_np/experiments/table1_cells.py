"""What the table is made of: networks, methods, and the cells of a sweep over them."""

from dataclasses import dataclass
from itertools import product

from ..checks import interval, positive_number, whole_number
from ..deep_net import DeepNet
from ..network import TwoLayerNet
from .table1_nets import SpreadNet

TRAINED_SHOTS = (5, 10, 20)


@dataclass(frozen=True)
class Setting:
    """A network of the table and how it is trained, chosen on validation curves.

    alpha_decay : how fast a learned α decays (AdamW); large entries follow the shots
                  of a task closely, which costs most where there are few
    """

    net: TwoLayerNet | DeepNet
    told: str
    iterations: int
    meta_batch: int
    rate: float = 1e-2
    alpha_decay: float = 0.0


SETTINGS = {
    "two-layer": Setting(
        SpreadNet(1, 64, 1), "1-64-1 tanh", 80_000, 100, alpha_decay=0.1
    ),
    "deep": Setting(DeepNet((1, 40, 40, 1)), "1-40-40-1 tanh", 10_000, 25),
    "paper": Setting(
        DeepNet((1, 40, 40, 1), "relu"), "1-40-40-1 ReLU", 20_000, 25, rate=3e-3
    ),
}
METHODS = {
    "meta-sgd": "Meta-SGD",
    "maml": "MAML",
    "first-order-meta-sgd": "first-order Meta-SGD",
    "fomaml": "first-order MAML",
    "reptile": "Reptile",
    "joint": "joint training",
}
OF_ORDER_ONE = {"meta-sgd": "first-order-meta-sgd", "maml": "fomaml"}
LEARNS_ALPHA = ("meta-sgd", "first-order-meta-sgd")
TIED = {"entry": "", "block": ", one α a block", "scalar": ", one α in all"}


@dataclass(frozen=True)
class Table1Config:
    """What `table1` runs: every combination of the tuples, for every seed.

    Adam with cosine decay; a task has 20 query points (the paper's 10).
    """

    nets: tuple = ("deep",)
    methods: tuple = ("meta-sgd", "maml")
    alpha_shapes: tuple = ("entry",)
    inner_steps: tuple = (1,)
    alpha_start: tuple = (0.005, 0.1)
    seeds: tuple = (0,)
    iterations: int | None = None  # None: that of the network's Setting
    alpha_decay: float | None = None  # None: that of the network's Setting
    quick: bool = False

    n_query: int = 20
    n_validate: int = 1_000
    n_test: tuple = (100, 2_000)  # curves: the paper's protocol, and a tighter one

    @classmethod
    def from_options(cls, options):
        """The configuration of a command line; None means the default."""
        o = options
        values = {"alpha_start": interval("--alpha-start", o.alpha_start)}
        if o.quick:
            values |= {"quick": True, "iterations": 300, "n_validate": 50}
            values |= {"n_test": (100, 200)}
        if o.alpha_decay is not None:
            values["alpha_decay"] = number_from_zero("--alpha-decay", o.alpha_decay)
        if o.iterations is not None:
            values["iterations"] = whole_number("--iterations", o.iterations, 1)
        nets = ("deep", "two-layer") if o.full else cls.nets
        n_seeds = o.seeds if o.seeds is not None else 3 if o.full else 1
        seed = whole_number("--seed", o.seed, 0)
        steps = [whole_number("--inner-steps", n, 1) for n in o.inner_steps]
        values |= {
            "nets": once_each(o.net or nets),
            "methods": once_each(with_orders(o.methods, o.order)),
            "alpha_shapes": once_each(o.alpha),
            "inner_steps": once_each(steps),
            "seeds": tuple(range(seed, seed + whole_number("--seeds", n_seeds, 1))),
        }
        return cls(**values)


def number_from_zero(name, value):
    """`value` as a float, or an error if it is not a finite number of 0 or more."""
    return 0.0 if value == 0 else positive_number(name, value)


def once_each(values):
    """The values without repetition, in their order."""
    return tuple(dict.fromkeys(values))


def with_orders(methods, orders):
    """The methods in every order asked for; those without a choice of order as told."""
    for method in methods:
        if method not in OF_ORDER_ONE:
            yield method
            continue
        for order in orders:
            yield method if order == 2 else OF_ORDER_ONE[method]


def sweep_cells(config):
    """{name: settings} of every training run that the table needs, seed by seed."""
    c = config
    cells = {}
    for seed, net, shots, method, alpha_shape, steps in product(
        c.seeds, c.nets, TRAINED_SHOTS, c.methods, c.alpha_shapes, c.inner_steps
    ):
        how, learned = SETTINGS[net], method in LEARNS_ALPHA
        decay = how.alpha_decay if c.alpha_decay is None else c.alpha_decay
        settings = {
            "net": net,
            "method": method,
            "alpha_shape": alpha_shape if learned else None,
            "alpha_start": c.alpha_start if learned else None,
            "inner_steps": steps,
            "shots": shots,
            "seed": seed,
            "iterations": c.iterations or how.iterations,
            "meta_batch": how.meta_batch,
            "rate": how.rate,
            "alpha_decay": decay if learned else 0.0,
            "n_query": c.n_query,
            "n_validate": c.n_validate,
            "n_test": c.n_test,
        }
        cells[cell_name(settings)] = settings  # MAML's turn up once an alpha_shape
    return cells


def cell_name(settings):
    """The name of a cell's file: what tells it from the others of its run."""
    s = settings
    parts = [s["net"], s["method"], f"{s['shots']}-shot", f"seed-{s['seed']}"]
    if s["alpha_shape"] not in (None, "entry"):
        parts.append(f"alpha-{s['alpha_shape']}")
    if s["inner_steps"] != 1:
        parts.append(f"steps-{s['inner_steps']}")
    return "_".join(parts)


def label(settings):
    """What a cell's row of the table is called."""
    tied = TIED[settings["alpha_shape"] or "entry"]
    told = METHODS[settings["method"]] + tied
    steps = settings["inner_steps"]
    return told if steps == 1 else f"{told}, J = {steps}"

"""The command line: its help, its errors, how it begins and what it imports."""

import re
import subprocess
import sys
from itertools import product

import pytest
from experiment_tools import strokes

import metasgd_np
from metasgd_np import TwoLayerNet, tasks
from metasgd_np.cli import EXPERIMENTS, build_parser, main
from metasgd_np.experiments import base, navigate, table1
from metasgd_np.experiments.base import flag

ALL = (*EXPERIMENTS, "worksheet", "practice", "mark", "gradcheck")
TRAINED_BY = {  # what a run calls first, with its settings
    "sinusoid": (base, "train"),
    "classify": (base, "train"),
    "navigate": (navigate, "train_policy"),
    "table1": (table1, "compute_cell"),
}


@pytest.fixture(autouse=True)
def quick_glyphs(monkeypatch):
    """Three splits of a few classes in place of the drawn letters."""
    splits = strokes(6, 5), strokes(5, 6, 20), strokes(5, 7, 20)
    monkeypatch.setattr(tasks, "load_glyphs", lambda: splits)


def options_of(command):
    """Return {name: metadata} of a command's options that its Config makes."""
    return EXPERIMENTS[command].Config.options()


def help_of(capsys, monkeypatch, *command):
    """Return the help of a command, each paragraph and each option on one line."""
    monkeypatch.setenv("COLUMNS", "1000")
    monkeypatch.setenv("NO_COLOR", "1")
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    return capsys.readouterr().out


def help_by_option(text):
    """Return {option: what its help says}, such as {"--seed": "same seed, … (0)"}."""
    items = re.split(r"^  (?=--?\w)", text, flags=re.MULTILINE)[1:]
    split = [
        re.fullmatch(r"(\S+).*?\s{2,}(\S.*?)\s*", item, re.DOTALL) for item in items
    ]
    return {match[1]: match[2] for match in split}


def default_shown(text):
    """Return what stands in parentheses at the end of an option's help, or None."""
    match = re.search(r"\(([^()]*)\)$", text)
    return match and match[1]


# Help


@pytest.mark.parametrize("command", [(), *((name,) for name in ALL)], ids="/".join)
def test_every_command_has_a_help(command, capsys, monkeypatch):
    text = help_of(capsys, monkeypatch, *command)
    assert text.startswith("usage: metasgd-np " + " ".join(command))
    for name in ALL if not command else ():
        assert re.search(rf"^    {name}\s+\S", text, flags=re.MULTILINE)


def test_no_command_explains_itself(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert "metasgd-np COMMAND --help" in printed


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"{metasgd_np.__version__}\n"


@pytest.mark.parametrize("command", EXPERIMENTS)
def test_every_default_shown_is_the_one_used(command, capsys, tmp_path, monkeypatch):
    """Given back on the command line, the defaults change nothing, and they train."""
    config, used = EXPERIMENTS[command].Config, {}
    texts = help_by_option(help_of(capsys, monkeypatch, command))
    shown = {
        name: default_shown(texts[flag(name)])
        for name, known in options_of(command).items()
        if not (getattr(config(), name) is None or known["kind"] is bool)
    }
    arguments = " ".join(f"{flag(name)} {text}" for name, text in shown.items())
    given = vars(build_parser().parse_args([command, *arguments.split()]))
    given = {name: given[name] for name in shown}
    assert config.from_options(given) == config() == config.from_options({})

    def begin(settings, *_, **more):
        used.update(more or settings)
        raise KeyboardInterrupt

    monkeypatch.setattr(*TRAINED_BY[command], begin)
    monkeypatch.chdir(tmp_path)
    assert main([command]) == 130
    common = used.keys() & shown.keys() - {"inner_steps", "alpha_start"}
    assert "seed" in common
    assert {name: str(used[name]) for name in common} == {n: shown[n] for n in common}
    assert (tmp_path / default_shown(texts["--out"])).is_dir()


@pytest.mark.parametrize("command", EXPERIMENTS)
def test_what_presets_show_is_what_they_set(command, capsys, monkeypatch):
    config = EXPERIMENTS[command].Config
    texts = help_by_option(help_of(capsys, monkeypatch, command))
    presets = {name for name in options_of(command) if name in ("quick", "full")}
    assert presets == set(config.PRESETS)
    for preset in presets:
        changed = config.from_options({preset: True})
        *_, shown = texts[flag(preset)].partition(": ")
        values = dict(part.split(" ", 1) for part in shown.split(", "))
        for name, default in vars(config()).items():
            value = getattr(changed, name)
            if name == preset:
                assert (value, default) == (True, False)
            elif name in values:
                text = " ".join(map(str, value)) if isinstance(value, tuple) else value
                assert f"{text}" == values.pop(name)
                assert value != default
            else:
                assert value == default
        assert values == {}


# Errors


def wrong_values():
    """Yield command, arguments, exit code and error for each option with limits."""
    for command in EXPERIMENTS:
        for name, known in options_of(command).items():
            n, option = known["n"] or 1, flag(name)
            if known["least"] is not None:
                low = known["least"] - 1
                error = f"{option} is {low}, but it must be {low + 1} or more"
                yield command, [option, f"{low}"], 1, error
            if known["most"] is not None:
                high = known["most"] + 1
                error = f"{option} is {high}, but it must be {high - 1:,} at most"
                yield command, [option, f"{high}"], 1, error
            if known["kind"] in (int, float):
                noun = "a whole number" if known["kind"] is int else "a number"
                error = (
                    f"argument {option}: 'wrong' is not {noun}; metasgd-np {command}"
                )
                yield command, [option, *n * ["wrong"]], 2, error
            elif known["choices"]:
                error = f"argument {option}: invalid choice: 'wrong'"
                yield command, [option, "wrong"], 2, error


OMNIGLOT = ("--data", "omniglot")
PARTICULAR = [
    ("nothing", [], 2, "argument COMMAND: invalid choice: 'nothing'"),
    ("--nothing", [], 2, "unrecognized arguments: --nothing"),
    ("sinusoid", ["--nothing"], 2, "unrecognized arguments: --nothing"),
    ("sinusoid", ["more"], 2, "unrecognized arguments: more"),
    ("sinusoid", ["--resume", "yes"], 2, "unrecognized arguments: yes"),
    ("sinusoid", ["--ways", "5"], 2, "unrecognized arguments: --ways 5"),
    ("sinusoid", ["--full"], 2, "unrecognized arguments: --full"),
    ("sinusoid", ["--quick=3"], 2, "argument --quick: ignored explicit argument '3'"),
    ("sinusoid", ["--seed"], 2, "argument --seed: expected one argument"),
    ("sinusoid", ["--seed", ""], 2, "argument --seed: '' is not a whole number"),
    ("sinusoid", ["--seed", "1.5"], 2, "argument --seed: '1.5' is not a whole number"),
    ("sinusoid", ["--seed", "nan"], 2, "argument --seed: 'nan' is not a whole number"),
    ("sinusoid", ["--iterations", "1e3"], 2, "argument --iterations: '1e3' is not a"),
    ("sinusoid", ["--iterations", "10,0"], 2, "argument --iterations: '10,0' is not"),
    ("sinusoid", ["--iterations", "inf"], 2, "argument --iterations: 'inf' is not a"),
    ("sinusoid", ["--shots", "5", "10"], 2, "unrecognized arguments: 10"),
    ("sinusoid", ["--shots", "9" * 30], 1, f"--shots is {'9' * 30}, but it must be 1"),
    ("classify", ["--data"], 2, "argument --data: expected one argument"),
    ("classify", ["--shots", "20"], 1, "--shots is 20, but of the 20 drawings"),
    ("classify", ["--shots", "9" * 30], 1, f"--shots is {'9' * 30}, but of the 20 dr"),
    ("classify", ["--path", "there"], 1, "--path is there, but the letters of --data"),
    ("classify", ["--path", "", *OMNIGLOT], 1, "--path is empty; name the folder, or"),
    ("classify", ["--path", "no", *OMNIGLOT], 1, "no holds neither images_background"),
    ("classify", ["--normalise", "no"], 2, "unrecognized arguments: no"),
    ("classify", ["--ways", "6"], 1, "ways is 6, but strokes 6, reduced has only 5"),
    ("classify", ["--ways", "9" * 30], 1, f"ways is {'9' * 30}, but strokes"),
    ("navigate", ["--quick", "--full"], 1, "--quick and --full contradict each other"),
    ("navigate", ["--shots", "3"], 2, "unrecognized arguments: --shots 3"),
    ("navigate", ["--iterations", "2.5"], 2, "argument --iterations: '2.5' is not a w"),
    ("table1", ["--quick", "--full"], 1, "--quick and --full contradict each other"),
    ("table1", ["--net"], 2, "argument --net: expected at least one argument"),
    ("table1", ["--net", "deep", "mlp"], 2, "argument --net: invalid choice: 'mlp'"),
    ("table1", ["--methods", "maml,joint"], 2, "argument --methods: invalid choice: "),
    ("table1", ["--order", "3"], 2, "argument --order: invalid choice: 3"),
    ("table1", ["--order", "2.0"], 2, "argument --order: '2.0' is not a whole number"),
    ("table1", ["--inner-steps", "1", "0"], 1, "--inner-steps is 0, but it must be 1"),
    ("table1", ["--alpha-decay", "-1"], 1, "--alpha-decay is -1.0, but it must be a"),
    ("table1", ["--alpha-decay", "nan"], 1, "--alpha-decay is nan, but it must be a"),
    ("table1", ["--alpha-decay", "inf"], 1, "--alpha-decay is inf, but it must be a"),
    ("table1", ["--alpha-start", "1"], 2, "argument --alpha-start: expected 2 argumen"),
    ("table1", ["--alpha-start", "1", "2", "3"], 2, "unrecognized arguments: 3"),
    ("table1", ["--alpha-start", "nan", "1"], 1, "--alpha-start is (nan, 1.0), but it"),
    ("table1", ["--alpha-start", "0", "inf"], 1, "--alpha-start is (0.0, inf), but it"),
    ("table1", ["--alpha-start", "0.1", "0"], 1, "--alpha-start is (0.1, 0.0), but it"),
    ("table1", ["--workers", "-2"], 1, "--workers is -2, but it must be 1 or more"),
    ("table1", ["--scheduler", ""], 1, "--scheduler is empty; give its address, or"),
    ("gradcheck", ["--steps", "-1"], 1, "steps is -1"),
    ("gradcheck", ["--steps", "1.5"], 2, "argument --steps: '1.5' is not a whole numb"),
    ("gradcheck", ["--seed", "-1"], 1, "seed is -1, but it must be 0 or more"),
    ("gradcheck", ["--loss", "absolute"], 1, "there is no loss called 'absolute'"),
    ("gradcheck", ["--activation", ""], 1, "there is no activation called ''; choose"),
    ("worksheet", ["--format", "pdf"], 2, "argument --format: invalid choice: 'pdf'"),
    ("worksheet", ["--seed", "-1"], 1, "seed is -1, but it must be 0 or more"),
    ("worksheet", ["--seed", "x"], 2, "argument --seed: 'x' is not a whole number"),
    ("worksheet", ["--blank", "yes"], 2, "unrecognized arguments: yes"),
    ("worksheet", ["--nowhere", "there"], 2, "unrecognized arguments: --nowhere there"),
    ("worksheet", ["--out", "there"], 1, "--names and --out go together"),
    ("worksheet", ["--name", ""], 1, "name is '', but a sheet is drawn from a text"),
    ("worksheet", ["--names", "no", "--out", "x"], 1, "no cannot be read (No such fi"),
    ("worksheet", ["--names", "no", "--out", ""], 1, "out is empty; name a file or"),
    ("worksheet", ["--names", "n", "--out", "x", "--blank"], 1, "--names writes every"),
    ("practice", ["--resume", "no"], 1, "no cannot be read (No such file"),
    ("gradcheck", ["--steps", "51"], 1, "--steps is 51, but it must be 50 at most"),
    ("table1", ["--methods", "maml", "maml"], 1, "--methods is maml maml, which rep"),
    ("table1", ["--order", "2", "2"], 1, "--order is 2 2, which repeats a value"),
]


@pytest.mark.parametrize(
    ("command", "arguments", "code", "error"),
    [
        pytest.param(*case, id=" ".join([case[0], *case[1]]))
        for case in (*wrong_values(), *PARTICULAR)
    ],
)
def test_a_wrong_value_is_one_sentence_and_leaves_nothing(
    command, arguments, code, error, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(base.Experiment, "run", lambda _: pytest.fail("it ran"))
    out = ["--out", str(tmp_path / "run")] if command in EXPERIMENTS else []
    try:
        found = main([command, *arguments, *out])
    except SystemExit as stop:  # argparse
        found = stop.code
    assert found == code
    printed = capsys.readouterr().err
    assert "Traceback" not in printed
    assert f"error: {error}" in printed.splitlines()[-1]
    assert (code == 1) == (len(printed.splitlines()) == 1)
    if "ways" not in error:  # of which the data has the last word
        assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("command", "resumes"), [("sinusoid", True), ("gradcheck", False)]
)
def test_ctrl_c_ends_without_a_traceback(
    command, resumes, tmp_path, capsys, monkeypatch
):
    def press(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(TwoLayerNet, "backward_pass", press)
    monkeypatch.chdir(tmp_path)
    assert main([command]) == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == ("stopped; --resume continues from here" if resumes else "stopped")


# The way in


def test_from_the_command_line_to_a_gradient_are_at_most_eight_calls(
    tmp_path, monkeypatch
):
    calls = []

    def backward_pass(*_):
        frame = sys._getframe()
        while frame.f_code is not main.__code__:
            calls.append(frame.f_code.co_name)
            frame = frame.f_back
        raise KeyboardInterrupt

    monkeypatch.setattr(TwoLayerNet, "backward_pass", backward_pass)
    out = str(tmp_path / "run")
    assert main(["sinusoid", "--quick", "--iterations", "1", "--out", out]) == 130
    assert calls[0] == "backward_pass"
    assert len(calls) <= 8, calls
    assert "<lambda>" not in calls


HEAVY = (
    "matplotlib",
    "PIL",
    "tqdm.notebook",
    "multiprocessing",
    "socket",
    "pooch",
    "loky",
    "distributed",
)


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [("metasgd_np", HEAVY), ("metasgd_np.cli", ("matplotlib.pyplot", *HEAVY[5:]))],
)
def test_an_import_is_light(module, unwanted):
    code = f"import sys, {module}; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert module in found
    assert [
        name
        for name, heavy in product(found, unwanted)
        if name == heavy or name.startswith(f"{heavy}.")
    ] == []

"""Output in any encoding, signals, and pipes that nobody reads any more."""

import io
import os
import signal
import subprocess
import sys

import pytest
from experiment_tools import run_quick, shrink

from metasgd_np.checkpoints import Checkpoint, load
from metasgd_np.cli import EXPERIMENTS, main
from metasgd_np.terminal import Stopped, spell_output, stopping_on_signals

COMMANDS = (*EXPERIMENTS, "worksheet", "gradcheck")
POSIX = pytest.mark.skipif(os.name != "posix", reason="there are no such signals")


def start(*arguments, **options):
    """Start a command as a process of its own."""
    environment = os.environ | options.pop("environment", {})
    return subprocess.Popen(
        [sys.executable, *options.pop("python", ("-m", "metasgd_np")), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        **options,
    )


# Letters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("θ − α∘∇L", b"theta - alpha*grad L"),
        ("Σ ± σ", b"Sigma +/- sigma"),
        ("φ″ → x²", b"phi'' -> x^2"),
        ("X̃ᵀ W̄2", b"X~^T W_2"),
        ("W₁ café", b"W1 cafe"),
        ("日", b"?"),
        (os.fsdecode(b"caf\xe9"), b"caf?"),
    ],
)
def test_what_an_encoding_lacks_is_spelled(text, expected, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    spell_output()
    print(text, end="", flush=True)
    assert stream.buffer.getvalue() == expected


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        *([name, "--help"] for name in COMMANDS),
        ["worksheet"],
        ["worksheet", "--blank"],
        ["worksheet", "--format", "html"],
        ["gradcheck"],
    ],
    ids=" ".join,
)
def test_every_command_comes_out_in_any_encoding(arguments, encoding, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    try:
        code = main(arguments)
    except SystemExit as stop:
        code = stop.code
    assert code == 0
    stream.flush()
    printed = stream.buffer.getvalue().decode(encoding)
    assert len(printed) > 100
    assert printed.count("?") == printed.count("?.")  # HTML with ?. in its script


@pytest.mark.parametrize("command", EXPERIMENTS)
def test_every_table_comes_out_in_ascii(command, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        patch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
        assert run_quick(command, tmp_path / "run") == 0
        printed = sys.stdout.buffer.getvalue()
    assert b" +/- " in printed
    assert b"?" not in printed


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_process_with_another_encoding_spells_its_output(encoding):
    environment = {"PYTHONIOENCODING": encoding}
    printed, errors = start("worksheet", environment=environment).communicate(
        timeout=60
    )
    assert errors == b""
    assert b"alpha1 " in printed
    _, errors = start("table1", "--alpha", "θ", environment=environment).communicate(
        timeout=60
    )
    assert b"invalid choice: 'theta'" in errors


def test_closed_streams_do_no_harm(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["worksheet"]) == 0
    assert main(["gradcheck", "--steps", "-1"]) == 1


def test_the_backend_that_the_environment_asks_for_does_not_matter():
    script = (
        "import os; from metasgd_np.cli import import_matplotlib; import_matplotlib(); "
        "from matplotlib import get_backend; print(get_backend(), *map(os.getenv, "
        "['MPLBACKEND']))"
    )
    environment = {"MPLBACKEND": "nonsense"}
    process = start(python=("-c", script), environment=environment)
    printed, errors = process.communicate(timeout=60)
    assert printed.decode().lower().split() == ["agg", "nonsense"], errors


# Pipes and full disks


class Pipe(io.RawIOBase):
    """Output that fails with this error after a few bytes."""

    def __init__(self, error):
        self.error = error

    def writable(self):
        return True

    def write(self, data):
        raise self.error

    def fileno(self):
        raise OSError


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (BrokenPipeError(32, "Broken pipe"), 141, ""),
        (OSError(28, "No space left"), 1, "error: No space left: standard output\n"),
    ],
)
def test_output_that_cannot_be_written(error, code, message, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        stream = io.TextIOWrapper(io.BufferedWriter(Pipe(error), 100))
        patch.setattr(sys, "stdout", stream)
        assert main(["worksheet"]) == code
    assert capsys.readouterr().err == message


def run_into(stdout, argument):
    """Run a command that writes there; return its exit code and its errors."""
    process = subprocess.run(
        [sys.executable, "-m", "metasgd_np", argument],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    return process.returncode, process.stderr.decode()


@POSIX
@pytest.mark.parametrize(("argument", "code"), [("worksheet", 141), ("--help", 0)])
def test_a_pipe_that_ends_early_is_no_error(argument, code):
    reader, writer = os.pipe()
    os.close(reader)
    assert run_into(writer, argument) == (code, "")
    os.close(writer)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device here")
def test_a_full_disk_under_the_output_is_one_sentence():
    with open("/dev/full", "wb") as full:
        code, errors = run_into(full, "worksheet")
    assert code == 1
    assert errors == "error: No space left on device: standard output\n"


# Signals


@POSIX
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_save_as_ctrl_c_does(name, tmp_path, capsys, monkeypatch):
    number, keep, out = getattr(signal, name), Checkpoint.keep, tmp_path / "run"
    original = signal.signal(number, signal.SIG_DFL)  # a background job ignores it

    def end(checkpoint, state):
        keep(checkpoint, state)
        if state.iteration == 4:
            os.kill(os.getpid(), number)

    with monkeypatch.context() as patch:
        shrink(patch)
        patch.setattr(Checkpoint, "keep", end)
        assert run_quick("sinusoid", out) == 128 + number
        patch.setattr(Checkpoint, "keep", keep)
        last = capsys.readouterr().err.splitlines()[-1]
        assert last == "stopped; --resume continues from here"
        assert load(out / "meta-sgd.npz").iteration == 4
        assert run_quick("sinusoid", out, "--resume") == 0
    assert signal.signal(number, original) is signal.SIG_DFL


@POSIX
def test_an_ignored_signal_stays_ignored(monkeypatch):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping_on_signals():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            with pytest.raises(Stopped):
                os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGHUP, before)


@POSIX
def test_a_stop_that_a_library_turns_into_an_error_is_still_a_stop():
    def meddle():
        with stopping_on_signals():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            except BaseException:
                raise ImportError("initialization failed") from None

    with pytest.raises(Stopped) as raised:
        meddle()
    assert raised.value.args == (signal.SIGTERM,)
    with pytest.raises(ImportError), stopping_on_signals():
        raise ImportError


IMPORT = """
import os, signal, sys
sys.argv[0], sys.orig_argv = {argv0!r}, {argv!r}
signal.signal(signal.SIGINT, signal.default_int_handler)
import metasgd_np
print(signal.getsignal(signal.SIGINT) is signal.SIG_DFL)
"""


@pytest.mark.parametrize(
    ("argv0", "argv", "quiet"),
    [
        ("-m", ["python", "-m", "metasgd_np", "sinusoid"], "True"),
        ("/usr/bin/metasgd-np", ["python", "/usr/bin/metasgd-np"], "True"),
        ("-m", ["python", "-m", "pytest", "metasgd_np"], "False"),
        ("thesis.py", ["python", "thesis.py"], "False"),
        ("", ["python"], "False"),
    ],
)
def test_imports_leave_ctrl_c_to_the_system_for_commands_only(argv0, argv, quiet):
    script = IMPORT.format(argv0=argv0, argv=argv)
    printed, errors = start(python=("-c", script)).communicate(timeout=60)
    assert printed.decode().strip() == quiet, errors

"""The folder of a run: locked while it runs, and held to one command and its settings.

Before anything else the run writes run.json: its command and settings, the process, and
the seconds so far. It is deleted once results.json, which holds the same, is complete.
"""

import json
import os
import sys
import time
from contextlib import suppress
from itertools import count
from math import inf
from pathlib import Path
from threading import Event, Thread

from ..files import LOCK, lock_folder, remove_partial_files, write_json
from ..training import check_same_settings

RECORD, RESULTS = "run.json", "results.json"
SECONDS_BETWEEN_SAVES = 5  # of the seconds so far


class FolderTaken(ValueError):
    """The folder holds files already, or a run in progress uses it."""


class RunFolder:
    """The folder of one run; as a context manager it keeps the run's time.

    Parameters
    ----------
    path : str or path
        Made if it does not exist; it must be empty unless a run in it is resumed.
    resume : bool
        Continue the run in the folder.
    command : str
        Such as "sinusoid".
    configuration : dict
        The settings, as JSON holds them.
    keeps : str
        A pattern of the files that the command resumes from.
    keeps_settings : bool
        Whether a resumed run must repeat the settings.

    Raises
    ------
    ValueError
        If the folder cannot be written to, is in use, or holds something else.
    """

    def __init__(self, path, resume, command, configuration, keeps, keeps_settings):
        self.path, self.resume = Path(path), resume
        self.command, self.configuration = command, configuration
        self.keeps, self.keeps_settings = keeps, keeps_settings
        self.since = time.strftime("%Y-%m-%d %H:%M:%S")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if load_record(self.path) is None:  # leave no lock among other files
                self.check_contents()
            self.lock = lock_folder(self.path)
            if self.lock is None:
                raise FolderTaken(describe_holder(self.path))
            self.earlier = self.check_contents()  # seconds
            self.started, self.ended = time.perf_counter(), Event()
        except OSError as error:
            raise ValueError(
                f"cannot write to {path} ({error.strerror}); choose another folder "
                "with --out"
            ) from None

    def check_contents(self):
        """Return the seconds of the run to resume, 0 of a new one, or raise ValueError.

        If its record was deleted, a run is resumed from the files that it keeps: these
        hold their own settings.
        """
        found = self.list_files()
        if not found:
            return 0.0
        if not self.resume:
            raise FolderTaken(
                f"{self.path} already holds files; add --resume to continue the run in "
                "it, or choose another folder with --out"
            )
        record = load_record(self.path)
        other = None if record is None else record["command"]
        if record is None and any(self.path.glob(self.keeps)):
            return 0.0
        if other != self.command:
            held = f"a run of {other}" if other else f"files, such as {found[0]}"
            raise ValueError(
                f"{self.path} holds {held}, but no run of {self.command} to resume; "
                "choose another folder with --out"
            )
        if self.keeps_settings:
            check_same_settings(record["configuration"], self.configuration)
        return record["seconds"]

    @property
    def seconds(self):
        """The seconds of the run so far, those before it was resumed included."""
        return round(self.earlier + time.perf_counter() - self.started, 1)

    def save(self):
        """Write the record."""
        record = {
            "command": self.command,
            "configuration": self.configuration,
            "process": os.getpid(),
            "command_line": " ".join(["metasgd-np", *sys.argv[1:]]),
            "since": self.since,
            "seconds": self.seconds,
        }
        write_json(self.path / RECORD, record)

    def keep_time(self):
        """Save the seconds now and then, so that a killed run loses few of them."""
        while not self.ended.wait(SECONDS_BETWEEN_SAVES):
            with suppress(OSError):  # a full disk is for the run itself to report
                self.save()

    def __enter__(self):
        remove_partial_files(self.path)
        self.save()
        self.clock = Thread(target=self.keep_time, daemon=True)
        with suppress(RuntimeError):  # no thread to be had, as in a browser
            self.clock.start()
        return self

    def __exit__(self, error, *_):
        self.ended.set()
        with suppress(RuntimeError):  # it was not started
            self.clock.join()
        with suppress(OSError):
            unused = self.list_files() == [RECORD]  # so that a new run may start in it
            if error is None or (unused and issubclass(error, Exception)):
                (self.path / RECORD).unlink(missing_ok=True)
            else:
                self.save()
        self.lock.release()

    def list_files(self):
        """List the names in the folder, without the lock and what is half written."""
        names = sorted(path.name for path in self.path.iterdir())
        return [
            name for name in names if name != LOCK and not name.endswith(".partial")
        ]


def load_record(folder):
    """Return the record of the run in a folder, or None if it has none.

    It is in run.json or, of a finished run, in results.json.
    """
    path = next((folder / n for n in (RECORD, RESULTS) if (folder / n).exists()), None)
    if path is None:
        return None
    try:
        record = json.loads(path.read_bytes())
        seconds = float(record["seconds"])
        if isinstance(record["seconds"], bool | str) or not 0 <= seconds < inf:
            raise ValueError("seconds")
        configuration = dict(record["configuration"])
        command = str(record["command"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(
            f"{path} does not describe a run ({type(error).__name__}): it is truncated "
            "or was written by something else; delete it to resume from the other "
            "files, or choose another folder with --out"
        ) from None
    return record | {
        "command": command,
        "configuration": configuration,
        "seconds": seconds,
    }


def describe_holder(folder):
    """Return a sentence on the run in progress that has locked a folder."""
    record = load_record(folder) or {}
    who = "another run"
    if "process" in record:
        who = "process {process} ({command_line}) since {since}".format_map(record)
    return (
        f"{folder} is in use by {who}; wait until it ends, or choose another folder "
        "with --out"
    )


def open_folder(out, resume, command, *settings):
    """Open the folder `out`, or a default one; the settings are those of RunFolder.

    The default is results/COMMAND or, beside earlier runs, the first free one of
    results/COMMAND-2 and so on; to resume, it is the last of them.
    """
    if out is not None:
        if not os.fspath(out):
            raise ValueError("--out is empty; name a folder, or leave it out")
        return RunFolder(out, resume, command, *settings)
    names = (command if n == 1 else f"{command}-{n}" for n in count(1))
    folders = (Path("results", name) for name in names)
    if resume:
        last = next(folders)
        while (following := next(folders)).exists():
            last = following
        return RunFolder(last, resume, command, *settings)
    while True:
        with suppress(FolderTaken):
            return RunFolder(next(folders), resume, command, *settings)

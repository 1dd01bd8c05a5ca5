"""What is built installs and runs; what is declared is what is used."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from email import message_from_string
from pathlib import Path

import pytest

import metasgd_np
from metasgd_np.cli import main

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
DISTRIBUTIONS = {
    "PIL": "pillow",
    "IPython": "ipython",
}  # where it is not the module's own name


def run(*command, cwd, path=""):
    """Run a command in a folder, with `path` first on Python's path; its output."""
    environment = os.environ | {"PYTHONPATH": str(path), "MPLBACKEND": "Agg"}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(kind, source, folder):
    """Build a distribution of `source` in a folder; its path."""
    hatch = (sys.executable, "-m", "hatchling", "build")
    run(*hatch, "--target", kind, "--directory", folder, cwd=source)
    (distribution,) = folder.iterdir()
    return distribution


@pytest.fixture(scope="session")
def sdist(tmp_path_factory):
    """The folder that the source distribution unpacks to."""
    archive = build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))
    folder = tmp_path_factory.mktemp("unpacked")
    shutil.unpack_archive(archive, folder)
    return folder / archive.name.removesuffix(".tar.gz")


@pytest.fixture(scope="session")
def site(sdist, tmp_path_factory):
    """The folder into which a wheel built from the source distribution is installed."""
    wheel = build("wheel", sdist, tmp_path_factory.mktemp("wheel"))
    folder = tmp_path_factory.mktemp("site")
    install = ("-m", "pip", "install", "--no-deps", "--no-index", "--target", folder)
    run(sys.executable, *install, wheel, cwd=folder)
    return folder


def test_the_source_distribution_holds_every_file_of_the_repository(sdist):
    if not (ROOT / ".git").exists():
        pytest.skip("no repository here")
    tracked = run("git", "ls-files", "-z", cwd=ROOT).split("\0")[:-1]
    assert len(tracked) > 100
    assert [name for name in tracked if not (sdist / name).exists()] == []


def test_the_source_distribution_runs_its_own_tests(sdist):
    tests = (
        "tests/test_losses.py",
        "tests/test_readme.py::test_the_example_runs_as_printed",
    )
    printed = run(sys.executable, "-m", "pytest", "-n", "0", *tests, cwd=sdist)
    assert re.search(r"\d\d+ passed", printed)


def test_the_wheel_runs_the_main_job_in_another_folder(site, tmp_path):
    where = "import metasgd_np; print(metasgd_np.__file__)"
    found = run(sys.executable, "-c", where, cwd=tmp_path, path=site)
    assert Path(found.strip()).is_relative_to(site)
    (command,) = site.glob("*/metasgd-np*")
    printed = run(command, "sinusoid", "--quick", cwd=tmp_path, path=site)
    assert "Meta-SGD" in printed
    assert (tmp_path / "results" / "sinusoid" / "results.json").exists()


def test_the_wheel_writes_a_course(site, tmp_path):
    """Its exercises come with the package. Where nbgrader is, it is rehearsed too."""
    (command,) = site.glob("*/metasgd-np*")
    printed = run(command, "course", "course", "--only", "02", cwd=tmp_path, path=site)
    assert printed.startswith("1 assignment in course")
    name = "02_backpropagate_two_layers"
    release = tmp_path / "course" / "release" / name / f"{name}.ipynb"
    assert "SOLUTION" not in release.read_text("utf-8")


def test_the_wheel_is_typed_and_its_readme_leads_to_the_repository(site):
    assert (site / "metasgd_np" / "py.typed").exists()
    (metadata,) = site.glob("*.dist-info/METADATA")
    readme = message_from_string(metadata.read_text("utf-8")).get_payload()
    links = re.findall(r"\]\(([^)]+)\)", readme)
    assert len(links) > 10
    assert [link for link in links if not link.startswith("https://")] == []
    (picture,) = re.findall(r"!\[[^]]*\]\(([^)]+)\)", readme)
    assert picture.startswith("https://raw.githubusercontent.com/")


def test_one_version_everywhere(capsys):
    version = metasgd_np.__version__
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(r"^version: (.*)$", citation, re.MULTILINE)[1] == version
    assert re.search(r"^## (\S+)", changes, re.MULTILINE)[1] == version
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.split()[-1] == version


def names(requirements):
    """The distributions that a list of requirements names."""
    return {re.match(r"[\w-]+", requirement)[0] for requirement in requirements}


def imported(folder):
    """The distributions that a folder's Python files import, Python's own apart."""
    paths = list((ROOT / folder).rglob("*.py"))
    found = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.split(".")[0])
    found -= {"metasgd_np", *sys.stdlib_module_names, *(path.stem for path in paths)}
    return {DISTRIBUTIONS.get(name, name) for name in found}


def test_the_package_imports_what_it_declares_and_declares_what_it_imports():
    needed = names(PROJECT["dependencies"]) - {"psutil"}  # loky ends processes by it
    optional = names(EXTRAS["cluster"] + EXTRAS["bench"])
    assert imported("metasgd_np") - optional == needed


def test_what_the_tests_import_is_declared():
    declared = PROJECT["dependencies"] + [
        line for extra in EXTRAS.values() for line in extra
    ]
    assert imported("tests") - names(declared) == set()


def test_ci_tests_every_python_that_is_claimed():
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    tested = re.search(r"python: \[(.*)\]", workflow)[1].replace('"', "").split(", ")
    claimed = [
        line.rsplit(" ", 1)[1]
        for line in PROJECT["classifiers"]
        if re.search(r"Python :: 3\.\d+$", line)
    ]
    assert tested == claimed
    assert PROJECT["requires-python"] == f">={claimed[0]}"

"""The README's commands, example, pictures and links are what the project has."""

import re
import subprocess

import readme_pages as pages
from notebook_tools import ROOT
from PIL import Image, ImageSequence

from metasgd_np.cli import EXPERIMENTS, build_parser

README = pages.README.read_text(encoding="utf-8")
EXAMPLE = re.search(r"```python\n(.*?)```", README, flags=re.DOTALL)[1]
COMMANDS = set(
    re.findall(r"^ {4}([a-z]\w+)", build_parser().format_help(), re.MULTILINE)
)
OUT_OF_DATE = "run python tests/notebook_tools.py reference"


def block_after(marker):
    """The code block that follows an HTML comment."""
    return re.search(
        rf"<!-- {marker} -->\n```\w+\n(.*?)\n```", README, flags=re.DOTALL
    )[1]


def test_both_commands_set_everything_up_in_a_virtual_environment():
    for marker, last in (
        ("main job", "-m metasgd_np sinusoid"),
        ("tests", "-m pytest"),
    ):
        steps = block_after(marker).split(" && ")
        assert steps[0] == "python3 -m venv .venv"
        assert "-m pip install -r requirements.txt" in steps[1]
        assert steps[2] == f".venv/bin/python {last}"
    assert '-e ".[test]"' in block_after("tests")


def test_ci_runs_the_test_command_as_printed(tmp_path):
    script = (ROOT / ".ci" / "run").read_text()
    extraction = re.search(r"command=\$\(.*?\)\n", script, flags=re.DOTALL)[0]
    found = subprocess.run(
        ["bash", "-c", f'{extraction}printf "%s" "$command"'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == block_after("tests")
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert "run: .ci/run" in workflow


def test_the_example_runs_as_printed(capsys):
    exec(EXAMPLE.replace("iterations=5000", "iterations=300"), {})
    before, after = map(float, capsys.readouterr().out.split())
    assert after < 0.95 * before


def test_it_is_short():
    assert len(README.split()) < 900
    assert sum(map(bool, EXAMPLE.splitlines())) <= 10


def test_the_first_lines_lead_to_the_whole_program():
    opening = README.split("![")[0]
    assert f"](notebooks/{pages.FIRST.name})" in opening


def test_the_map_is_that_of_00():
    assert pages.complete_readme(README) == README, OUT_OF_DATE
    assert len(re.findall(r"^\|\[\d\d ", README, re.MULTILINE)) == 13
    assert pages.complete_readme(README.replace("|65|", "|60|")) == README


def test_the_picture_is_the_film_of_00_on_white():
    assert "](.github/one_step.png)" in README
    assert pages.FILM.read_bytes() == pages.read_film(), OUT_OF_DATE
    assert pages.FILM.stat().st_size <= 1e6
    with Image.open(pages.FILM) as film:
        frames = [frame.convert("RGBA") for frame in ImageSequence.Iterator(film)]
    assert len(frames) > 20
    white = 255, 255, 255, 255
    assert {frame.getpixel((0, 0)) for frame in frames} == {white}


def test_every_command_has_its_line():
    lines = re.findall(r"^- `(\w+)`(?: \((.*?)\):)? ", README, re.MULTILINE)
    assert {name for name, _ in lines} == COMMANDS
    durations = {name: run.duration for name, run in EXPERIMENTS.items()}
    assert {name: duration for name, duration in lines if duration} == durations


def test_links_lead_to_files_that_exist():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert len(links) > 20
    for link in links:
        assert (ROOT / link).exists(), link

"""The README's commands, example and links are what the project has."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


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


def test_the_example_runs_as_printed():
    example = re.search(r"```python\n(.*?)```", README, flags=re.DOTALL)[1]
    example = example.replace("iterations=2000", "iterations=5")
    names = {}
    exec(example, names)
    assert names["mg"].d_alpha.shape == names["theta_1"].shape == (193,)


def test_links_lead_to_files_that_exist():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert len(links) >= 6
    for link in links:
        assert (ROOT / link).exists(), link


def test_the_map_shows_every_room():
    package = ROOT / "metasgd_np"
    rooms = {path.name for path in package.glob("*.py")}
    rooms |= {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    rooms -= {"__init__.py", "__main__.py"}
    table = README[README.index("| module |") : README.index("One code path")]
    assert {room for room in rooms if f"`{room}`" not in table} == set()

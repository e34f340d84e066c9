"""What the docs show is what happens."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import weftsim
from conftest import COMMAND, ROOT


def test_examples_of_the_guide_run(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(), re.DOTALL)
    assert len(blocks) >= 4
    names: dict = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)
    assert "a step, MFU" in capsys.readouterr().out


def commands(path):
    """(command, shown output) of each `$ ` line in the console blocks of a page; a command goes on while a quote is open."""
    for block in re.findall(r"```console\n(.*?)```", path.read_text(), re.DOTALL):
        for text in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = text.splitlines()
            command = lines.pop(0)
            while command.count("'") % 2:
                command += "\n" + lines.pop(0)
            yield command, [line.rstrip() for line in lines]


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "tutorials").glob("*.md")), ids=lambda path: path.stem)
def test_tutorials_do_what_they_show(page, tmp_path):
    pytest.importorskip("matplotlib")
    package = str(Path(weftsim.__file__).parents[1])
    path = os.pathsep.join([str(COMMAND.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    places = {"SCENARIOS": str(ROOT / "scenarios"), "GALLERY": str(ROOT / "docs" / "gallery")}
    environment = {**os.environ, **places, "PATH": path, "PYTHONPATH": package, "MPLBACKEND": "Agg"}
    run = 0
    for command, shown in commands(page):
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        said = [line.rstrip() for line in (done.stdout + done.stderr).splitlines()]
        assert [line for line in shown if line not in said] == [], command
        run += 1
    assert run >= 5


def test_pages_link_to_what_is_there():
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:\s]+)[^)]*\)", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}"

"""The examples of docs/python.md run, from top to bottom."""

import re

from conftest import ROOT


def test_examples_of_the_guide_run(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(), re.DOTALL)
    assert len(blocks) >= 4
    names: dict = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)
    assert "a step, MFU" in capsys.readouterr().out

"""The types that the package promises to editors and checkers."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import weftsim
from conftest import ROOT
from weftsim import _core

PACKAGE = Path(weftsim.__file__).parent


def test_the_stub_names_what_the_module_has():
    def names(body):
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield node.name
            elif isinstance(node, ast.AnnAssign):
                yield node.target.id

    stub = ast.parse((PACKAGE / "_core.pyi").read_text()).body
    said = set(names(stub))
    has = {name for name in vars(_core) if not name.startswith("_")} | {"__version__"}
    assert said == has
    for node in stub:
        if isinstance(node, ast.ClassDef) and not issubclass(getattr(_core, node.name), Exception):
            members = {name for name in vars(getattr(_core, node.name)) if not name.startswith("_") and name not in ("name", "value")}
            assert {name for name in names(node.body) if not name.startswith("_")} == members, node.name


def test_every_public_name_is_explained():
    for name in weftsim.__all__:
        assert name == "__version__" or (getattr(weftsim, name).__doc__ or "").strip(), name
    assert (PACKAGE / "py.typed").exists()


@pytest.mark.slow
def test_mypy_agrees(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "mypy.ini").write_text("[mypy]\nignore_missing_imports = True\n[mypy-weftsim.*]\ndisallow_untyped_defs = True\n")
    command = [sys.executable, "-m", "mypy", "--config-file", tmp_path / "mypy.ini", "--cache-dir", tmp_path, PACKAGE]
    done = subprocess.run([*command, *sorted((ROOT / "docs" / "gallery").glob("*.py"))], cwd=PACKAGE.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout

"""`pip install .` and `make wheel`, in environments of their own: slow, and only where PyPI can be reached."""

import os
import subprocess
import sys
import textwrap
import venv

import pytest
from conftest import ROOT

pytestmark = pytest.mark.slow

TEN_LINES = """
    import weftsim

    job = weftsim.Scenario("sc21-1.7b")
    del job["workload.parallel.dp"]
    degrees = [1, 2, 4]
    times = [weftsim.run(job.changed({"workload.parallel.tp": tp}), trace="none").step_time_s for tp in degrees]
    for tp, seconds in zip(degrees, times):
        print(tp, round(seconds, 2), "#" * int(10 * seconds))
    assert len(set(times)) == 3
"""


def run(*command, **more):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **more)


def environment(folder):
    venv.create(folder, with_pip=True)
    return folder / "bin"


def works(binaries, folder):
    script = folder / "sweep.py"
    script.write_text(textwrap.dedent(TEN_LINES))
    bare = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "LD_"))}
    done = run(binaries / "python", script, cwd=folder, env=bare)
    assert done.returncode == 0, done.stderr
    version = run(binaries / "weftsim", "--version", cwd=folder, env=bare)
    assert version.stdout.startswith("weftsim "), version.stderr
    assert run(binaries / "weftsim", "run", "quick", "--quiet", cwd=folder, env=bare).returncode == 0


def test_pip_installs_it_into_a_fresh_environment(tmp_path):
    binaries = environment(tmp_path / "fresh")
    if run(binaries / "pip", "download", "--no-deps", "--dest", tmp_path, "pybind11").returncode != 0:
        pytest.skip("PyPI cannot be reached, and building needs scikit-build-core and pybind11")
    done = run(binaries / "pip", "install", "--quiet", ROOT)
    assert done.returncode == 0, done.stderr
    works(binaries, tmp_path)


def test_the_wheel_brings_its_libraries(tmp_path):
    binaries = environment(tmp_path / "build")
    if run(binaries / "pip", "download", "--no-deps", "--dest", tmp_path, "auditwheel").returncode != 0:
        pytest.skip("PyPI cannot be reached, and the wheel is repaired by auditwheel")
    done = run(ROOT / "tools" / "build_wheel", binaries / "python", tmp_path / "wheel", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    wheel, *others = (tmp_path / "wheel").glob("*.whl")
    assert not others and "manylinux" in wheel.name
    fresh = environment(tmp_path / "fresh")
    assert run(fresh / "pip", "install", "--quiet", wheel).returncode == 0
    site = next((tmp_path / "fresh" / "lib").glob("python3*/site-packages"))
    assert not list(site.rglob("weftsim-measure*"))  # programs that need a GPU or MPI are no part of it
    needed = run("ldd", next((site / "weftsim").glob("_core*.so"))).stdout
    assert "not found" not in needed
    inside = [line for line in needed.splitlines() if "weftsim.libs" in line]
    assert {name for name in ("hdf5", "yaml-cpp", "fmt", "muparser", "tbb") if any(f"lib{name}" in line for line in inside)} == {"hdf5", "yaml-cpp", "fmt", "muparser", "tbb"}
    works(fresh, tmp_path)

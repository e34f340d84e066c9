"""One test per exit code, with the real command: what it answers, and that wrong input leaves nothing behind.

Exit code 1, our own fault, cannot be asked for from outside: tests/bindings/command_line_test.cpp has it.
"""

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import h5py
import pytest
from conftest import COMMAND, weftsim

SCENARIO = """\
schema: weftsim/1
name: two-hosts
cluster:
  gpus: 16
  accelerator: a100-sxm-80g
  host: {preset: dgx-a100}
  fabric:
    type: leaf-spine
    radix: 40
    link: {bandwidth: "200 Gb/s", latency: "300 ns"}
workload:
  model: gpt-1.7b
  parallel:
    tp: 2
    pp: 2
  micro_batch: 4
  global_batch: 128
"""


@pytest.fixture
def scenario(tmp_path: Path):
    """Writes the scenario with some of its text replaced, and returns its path."""

    def write(*replacements: tuple[str, str]) -> Path:
        text = SCENARIO
        for old, new in replacements:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path = tmp_path / "job.yaml"
        path.write_text(text)
        return path

    return write


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def refused(path: Path, *arguments: object) -> str:
    """Runs the file with every kind of output asked for; returns the message after checking that there is nothing else."""
    folder = path.parent
    before = files(folder)
    done = weftsim("run", path, "--out", folder / "RUN.h5", "--json", folder / "run.json", "--timeline", folder / "run.svg", *arguments)
    assert done.code == 2, done.stderr
    assert done.stdout == ""
    assert files(folder) == before
    return done.stderr


def test_0_done(scenario, tmp_path):
    done = weftsim("run", scenario(), "--out", tmp_path / "RUN.h5", "--json", tmp_path / "run.json", "--timeline", tmp_path / "run.svg")
    assert (done.code, done.stderr) == (0, "")
    assert files(tmp_path) == {"job.yaml", "RUN.h5", "run.json", "run.svg"}
    for name in ("RUN.h5", "run.json", "run.svg"):
        assert name in done.stdout


# What is wrong; the line that must be named; what the message must say, the advice included.
WRONG = {
    "unknown key": ([("    radix:", "    radux:")], 9, r"cluster\.fabric: unknown key 'radux' \(known: .*radix.*\)\. Did you mean 'radix'\?"),
    "duplicate key": ([("    tp: 2\n", "    tp: 2\n    tp: 4\n")], 15, r"duplicate key 'tp' \(first in line 14\)\. Keep one of them\."),
    "missing unit": ([('"200 Gb/s"', '"200"')], 10, r"bandwidth '200' has no unit \(GB/s and Gb/s differ by 8\)\. Write '200 GB/s' or '200 Gb/s'\."),
    "bare number": ([('"200 Gb/s"', "200")], 10, r"bandwidth '200' has no unit"),
    "missing key": ([("  gpus: 16\n", "")], 3, r"cluster: missing key 'gpus'"),
    "gpus that do not divide": ([("gpus: 16", "gpus: 12")], 4, r"12 GPUs are no multiple of a host of 8\. Use 8 or 16\."),
    "parallelism that does not divide": ([("tp: 2", "tp: 3")], 13, r"16 GPUs are not divisible by tp \* pp = 3 \* 2 = 6\. Change tp or pp"),
    "layers that do not divide": ([("pp: 2", "pp: 16"), ("tp: 2", "tp: 1")], 13, r"24 layers are not divisible by pp .* 16.*layers_per_stage: balanced"),
    "batch that does not divide": ([("global_batch: 128", "global_batch: 130")], 17, r"global_batch 130 is not divisible by .*Choose 128 or 144\."),
    "unknown preset": ([("dgx-a100", "dgx-a10")], 6, r"'dgx-a10'.*Did you mean 'dgx-a100'\?"),
    "unknown model": ([("gpt-1.7b", "gpt-1.8b")], 12, r"'gpt-1\.8b'.*Did you mean 'gpt-1\.7b'\?"),
    "a list for a map": ([("{preset: dgx-a100}", "[dgx-a100]")], 6, r"host"),
    "an open bracket": ([("{preset: dgx-a100}", "{preset: dgx-a100")], 7, r"."),
    "a tab": ([("    tp: 2", "\ttp: 2")], 14, r"[Tt]ab"),
    "units that the device lacks": ([("  micro_batch: 4", "  micro_batch: 4\n  precision: fp8")], 17, r"a100-sxm-80g has no fp8 units \(it has: .*bf16.*\)\."),
    "of a later release": ([("    tp: 2\n", "    tp: 2\n    ep: 2\n")], 15, r"not supported yet"),
}


@pytest.mark.parametrize("case", WRONG)
def test_2_wrong_input(scenario, case):
    replacements, line, says = WRONG[case]
    path = scenario(*replacements)
    message = refused(path)
    assert re.search(rf"^{re.escape(str(path))}:{line}: .*{says}", message, re.MULTILINE), message
    assert all(problem.startswith(f"{path}:") for problem in message.splitlines())


# A file that ends in the middle, at any place: never another code, never a trace.
@pytest.mark.parametrize("length", [0, 1, 17, 60, 130, 200, 260, len(SCENARIO) - 30])
def test_2_truncated_file(scenario, length):
    path = scenario()
    path.write_text(SCENARIO[:length])
    assert re.match(rf"{re.escape(str(path))}:\d+: .+\. ?.+\.$", refused(path), re.MULTILINE)


# 100 MB of brackets are refused before they are parsed; what passes for a file by its size is refused by its depth.
@pytest.mark.parametrize("size", [100_000_000, 1_000_000])
@pytest.mark.parametrize("bracket", ["[", "{"])
def test_2_brackets(tmp_path, size, bracket):
    path = tmp_path / "brackets.yaml"
    path.write_text(bracket * size)
    begin = time.monotonic()
    assert re.match(rf"{re.escape(str(path))}:1: .+\. .+[.?]$", refused(path))
    assert time.monotonic() - begin < 5
    path.unlink()


def test_2_all_problems_at_once(scenario):
    message = refused(scenario(("radix:", "radux:"), ('"200 Gb/s"', '"200"'), ("micro_batch: 4", "micro_batch: four")))
    lines = [int(re.match(r".*?\.yaml:(\d+): ", problem)[1]) for problem in message.splitlines()]
    assert lines == sorted(lines)
    assert {9, 10, 16} <= set(lines)


def test_2_missing_file(tmp_path):
    message = refused(tmp_path / "nowhere.yaml")
    assert message.startswith(f"{tmp_path}/nowhere.yaml: no such file")


def test_2_a_folder_is_no_scenario(tmp_path):
    (tmp_path / "folder.yaml").mkdir()
    assert "folder.yaml" in refused(tmp_path / "folder.yaml")


def test_2_wrong_value_of_an_option(scenario):
    message = refused(scenario(), "--network", "fluit")
    assert re.search(r"network: unknown .*'fluit' \(known: analytic, fluid, packet\)\. Did you mean 'fluid'\?$", message), message


# Where a key was replaced on the command line, that is the place of the error.
def test_2_wrong_override(scenario):
    message = refused(scenario(), "--set", "cluster.gpus=12")
    assert message.splitlines()[0].startswith("--set cluster.gpus: ")


# Found only when the fabric is wired, after the trace was opened: still nothing is left.
def test_2_fabric_that_cannot_be_wired(scenario):
    message = refused(scenario(("radix: 40", "radix: 3")))
    assert "radix" in message


# 24 layers of 16,384 are 77 billion parameters; a rank has a quarter, which is 36 GiB of weights alone.
def test_3_the_simulated_system_cannot_go_on(scenario, tmp_path):
    path = scenario(("model: gpt-1.7b", "model: {preset: gpt-1.7b, hidden: 16384, heads: 128, kv_heads: 128, ffn_hidden: 65536}"))
    path.write_text(path.read_text() + "on_oom: error\n")
    done = weftsim("run", path, "--out", tmp_path / "RUN.h5")
    assert done.code == 3, done.stderr
    assert "does not fit in memory: rank 0 needs" in done.stderr
    assert "recompute: full" in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "RUN.h5").exists()


# The same job without that key runs and warns.
def test_3_only_when_asked_for(scenario):
    done = weftsim("run", scenario(("model: gpt-1.7b", "model: {preset: gpt-1.7b, hidden: 16384, heads: 128, kv_heads: 128, ffn_hidden: 65536}")))
    assert done.code == 0
    assert "warning: " in done.stderr and "does not fit in memory" in done.stderr
    assert "DOES NOT FIT" in done.stdout


@pytest.mark.parametrize("option", ["--out", "--json", "--timeline"])
def test_4_a_folder_that_does_not_exist(scenario, tmp_path, option):
    done = weftsim("run", scenario(), option, tmp_path / "nowhere" / "file")
    assert done.code == 4
    assert re.match(rf"{tmp_path}/nowhere/file: cannot be written \(.+\)\.", done.stderr)
    assert files(tmp_path) == {"job.yaml"}


def test_4_standard_output_is_full(scenario):
    if not Path("/dev/full").exists():
        pytest.skip("this machine has no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run([COMMAND, "run", scenario()], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 4
    assert "standard output cannot be written" in done.stderr


# The ten rows are within 10 %, which is the default, and not within 0.01 %.
def test_5_outside_the_tolerance():
    only = ("validate", "--only", "sc21_table1")
    inside, outside = weftsim(*only), weftsim(*only, "--tolerance", "0.0001")
    assert (inside.code, outside.code) == (0, 5)
    assert inside.stdout == outside.stdout


def test_130_ctrl_c(scenario, tmp_path):
    path = scenario()
    run = subprocess.Popen(
        [COMMAND, "run", path, "--no-fold", "--set", "workload.steps=10000", "--out", tmp_path / "RUN.h5"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(tmp_path / "RUN.h5.partial", 1, run)
    time.sleep(0.2)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=20)
    assert (run.returncode, out, err) == (130, "", "weftsim: interrupted.\n")
    assert files(tmp_path) == {"job.yaml", "RUN.h5.partial"}


def wait_for(path: Path, size: int, run: subprocess.Popen) -> None:
    """Until the file has grown that large, while the process runs."""
    end = time.monotonic() + 60
    while not path.exists() or path.stat().st_size < size:
        assert run.poll() is None, "ended too soon"
        assert time.monotonic() < end, "too slow"
        time.sleep(0.05)


# The main job, every kernel of 1,536 ranks, for minutes. Killed after 3.5 s, when rows must have been flushed (every 2 s).
def test_a_killed_run_leaves_a_partial_trace_that_opens(tmp_path):
    trace = tmp_path / "RUN.h5"
    run = subprocess.Popen([COMMAND, "run", "sc21-145b", "--no-fold", "--trace", "full", "--set", "workload.steps=20", "--quiet", "--out", trace])
    try:
        wait_for(tmp_path / "RUN.h5.partial", 1, run)
        time.sleep(3.5)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    assert run.returncode == -signal.SIGKILL
    assert files(tmp_path) == {"RUN.h5.partial"}
    with h5py.File(tmp_path / "RUN.h5.partial") as file:
        assert file.attrs["schema"] == "weftsim/1"
        assert not file.attrs["complete"]
        assert "summary" not in file
        rows = {len(column) for column in file["ops"].values()}
        assert len(rows) == 1 and rows.pop() > 1000
        assert (file["ops/end_ps"][:] >= file["ops/start_ps"][:]).all()


def test_json_errors_keep_standard_output_clean(scenario):
    done = weftsim("run", scenario(("radix:", "radux:")), "--json", "-")
    assert (done.code, done.stdout) == (2, "")
    assert json.loads(weftsim("run", scenario(), "--json", "-").stdout)["name"] == "two-hosts"

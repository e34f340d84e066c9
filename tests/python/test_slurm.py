"""`weftsim sweep --slurm` on a real Slurm: three nodes on this machine."""

import csv
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import COMMAND, SMALL, weftsim
from slurm_cluster import CannotStart, SlurmCluster

POINTS = 1800


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    try:
        with SlurmCluster(tmp_path_factory.mktemp("slurm") / "cluster") as running:
            yield running
    except CannotStart as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def grid(tmp_path_factory) -> Path:
    """POINTS scenarios, a third of them wrong: a batch of 18 is not divisible by dp 8 and 4."""
    path = tmp_path_factory.mktemp("grid") / "the grid.yaml"
    axes = {
        "workload.parallel.tp": [1, 2, 4],
        "workload.global_batch": [16, 18],
        "cluster.fabric.switch_latency": [f"{i} ns" for i in range(1, POINTS // 6 + 1)],
    }
    path.write_text(json.dumps({"schema": "weftsim-sweep/1", "base": SMALL | {"network": "analytic"}, "axes": axes}))
    return path


@pytest.fixture(scope="module")
def alone(grid, tmp_path_factory) -> Path:
    """The tables of a sweep on one machine that nobody disturbed."""
    out = tmp_path_factory.mktemp("alone") / "out"
    assert weftsim("sweep", grid, "--out", out, "--quiet").code == 5
    return out


def start(cluster, *arguments) -> subprocess.Popen:
    return subprocess.Popen([COMMAND, "sweep", *map(str, arguments)], env=cluster.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen) -> tuple[int, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out + err


def written(out: Path) -> list[Path]:
    """Record files of tasks that have begun to work."""
    return [path for path in out.glob("records/*-*.rec") if path.stat().st_size]


def wait_until(condition, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def same_tables(one: Path, other: Path) -> bool:
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in ("results.csv", "results.h5"))


def test_a_task_is_killed_and_its_rest_submitted_again(cluster, grid, alone, tmp_path):
    out = tmp_path / "out"
    process = start(cluster, grid, "--out", out, "--slurm", "--shards", 3, "--sbatch", "--job-name='my job' --time=10")
    wait_until(lambda: written(out))
    os.kill(int(written(out)[0].stem.rpartition("-")[2]), signal.SIGKILL)
    code, text = finished(process)
    assert code == 5, text  # the wrong points
    assert "some tasks ended with FAILED" in text and "once more (1 of 2)" in text
    assert same_tables(out, alone)
    shards = [line.split() for line in (out / "slurm/1/shards.txt").read_text().splitlines()]
    assert len(shards) == 3 and len({point for shard in shards for point in shard}) == sum(map(len, shards)) == POINTS * 2 // 3
    assert (out / "slurm/2/shards.txt").exists()


def test_a_node_is_lost_and_the_follower_killed(cluster, grid, alone, tmp_path):
    out = tmp_path / "out"
    process = start(cluster, grid, "--out", out, "--slurm", "--shards", 3)
    wait_until(lambda: len(written(out)) == 3)
    cluster.lose("n2")
    process.kill()
    process.wait()
    early = weftsim("sweep", "--collect", out, "--json", "-")
    assert early.code == 5 and json.loads(early.stdout)["missing"], early.stderr
    with open(out / "results.csv", newline="") as file:
        assert {row["status"] for row in csv.DictReader(file)} == {"ok", "invalid", "missing"}
    code, text = finished(start(cluster, grid, "--out", out, "--slurm", "--resume"))
    assert code == 5, text
    assert "is still at work" in text and "once more" not in text  # Slurm itself gave the task to another node
    assert same_tables(out, alone)
    assert len(written(out)) == 4
    assert not (out / "slurm/2").exists()


def test_interrupted_follower_leaves_the_array_running(cluster, grid, alone, tmp_path):
    out = tmp_path / "out"
    process = start(cluster, grid, "--out", out, "--slurm")
    wait_until(lambda: (out / "slurm/array.json").exists())
    process.send_signal(signal.SIGINT)
    code, text = finished(process)
    assert code == 130 and "goes on" in text
    wait_until(lambda: not cluster.ask("squeue", "--noheader").strip())
    assert weftsim("sweep", "--collect", out, "--quiet").code == 5
    assert same_tables(out, alone)


def test_a_cancelled_array_is_not_submitted_again(cluster, grid, tmp_path):
    out = tmp_path / "out"
    process = start(cluster, grid, "--out", out, "--slurm", "--shards", 2)
    wait_until(lambda: written(out))
    cluster.ask("scancel", json.loads((out / "slurm/array.json").read_text())["job"])
    code, text = finished(process)
    assert code == 5 and "was cancelled" in text and "missing" in text
    assert not (out / "slurm/2").exists()


def test_what_sbatch_refuses(cluster, grid, tmp_path):
    done = start(cluster, grid, "--out", tmp_path / "out", "--slurm", "--sbatch", "--partition=none")
    code, text = finished(done)
    assert code == 4 and "sbatch refused" in text and "invalid partition" in text


def test_no_slurm_here(grid, tmp_path):
    environment = os.environ | {"PATH": "/nowhere"}
    done = subprocess.run([COMMAND, "sweep", grid, "--out", tmp_path / "out", "--slurm"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 4 and "this machine has no sbatch" in done.stderr

"""`weftsim sweep` and `weftsim compare` as a user meets them: kills, two at once, thousands of points, the files."""

import concurrent.futures
import csv
import json
import multiprocessing
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import h5py
import pytest
from conftest import COMMAND, ROOT, SMALL, weftsim

COLUMNS = "status reason step_time_s low_s high_s tokens_per_s mfu memory_bytes max_link_utilization switches modules power_w price_usd signature".split()


def sweep_file(folder: Path, axes: dict, **rest) -> Path:
    """A sweep of the small scenario on the analytic network (JSON is YAML)."""
    path = folder / "sweep.yaml"
    base = SMALL | {"network": "analytic"}
    path.write_text(json.dumps({"schema": "weftsim-sweep/1", "base": base, "axes": axes} | rest, indent=1))
    return path


def rows(folder: Path) -> list[dict]:
    with open(folder / "results.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_results(tmp_path):
    axes = {"workload.parallel.tp": [1, 2, 4], "net": {"zip": {"cluster.fabric.oversubscription": [1, 4], "cluster.fabric.radix": [40, 40]}}}
    done = weftsim("sweep", sweep_file(tmp_path, axes, where=["tp <= 2"]), "--out", tmp_path / "out", "--json", "-")
    assert done.code == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["points"], summary["ok"], len(summary["excluded"])) == (6, 4, 2)
    found = rows(tmp_path / "out")
    assert list(found[0]) == ["point", "workload.parallel.tp", "net", *COLUMNS]
    assert [row["point"] for row in found] == list("012345")
    assert [row["workload.parallel.tp"] for row in found] == list("112244")
    assert [row["status"] for row in found] == ["ok"] * 4 + ["invalid"] * 2
    assert found[4]["reason"] == "where: tp <= 2"
    for row in found[:4]:
        assert float(row["low_s"]) < float(row["step_time_s"]) < float(row["high_s"])
        assert re.fullmatch("[0-9a-f]{16}", row["signature"])
    with h5py.File(tmp_path / "out" / "results.h5") as file:
        assert file.attrs["schema"] == "weftsim-sweep/1"
        points = file["points"]
        assert points["step_time_s"][1] == float(found[1]["step_time_s"]) and points["step_time_s"].attrs["units"] == "s"
        assert points["axes/net"][1] == b"4 / 40"
        whole = json.loads(points["summary"][1])
        assert whole["step_time_s"] == points["step_time_s"][1]
        assert not {"wall_s", "cpu_s", "peak_rss_bytes"} & set(whole)


@pytest.fixture
def grid(tmp_path) -> Path:
    return sweep_file(
        tmp_path,
        {
            "workload.micro_batch": [1, 2, 4],
            "cluster.fabric.link.bandwidth": {"range": {"from": "100 Gb/s", "to": "199 Gb/s", "step": 1}},
            "workload.schedule": ["1f1b", "gpipe"],
        },
    )


# Wherever it is killed: after --resume the tables are, byte for byte, those of a sweep that nobody disturbed.
def test_killed_twenty_times_and_resumed(tmp_path, grid):
    whole = tmp_path / "whole"
    begin = time.monotonic()
    assert weftsim("sweep", grid, "--out", whole).code == 0
    lasted = time.monotonic() - begin
    choice = random.Random(1)
    out, kills = tmp_path / "out", 0
    while kills < 20:
        process = subprocess.Popen([COMMAND, "sweep", grid, "--out", out, "--resume", "--quiet"], stderr=subprocess.PIPE)
        time.sleep(choice.uniform(0, 0.12 * lasted))
        process.send_signal(signal.SIGKILL)
        assert process.wait() in (0, -signal.SIGKILL), process.stderr.read()
        kills += process.returncode != 0
        if process.returncode == 0:  # it was through before the kill: once more from the beginning
            for path in (out / "records").iterdir():
                path.unlink()
        else:
            assert not (out / "results.csv").exists() or len(rows(out)) == 600
    done = weftsim("sweep", grid, "--out", out, "--resume", "--json", "-")
    assert done.code == 0, done.stderr
    for name in ("results.csv", "results.h5"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert not list(out.glob("*.partial"))


def test_two_at_once_on_one_folder(tmp_path, grid):
    out = tmp_path / "out"
    first = subprocess.Popen([COMMAND, "sweep", grid, "--out", out, "--quiet"])
    while not list(out.glob("records/*.rec")) or not next(out.glob("records/*.rec")).stat().st_size:
        assert first.poll() is None
        time.sleep(0.01)
    second = weftsim("sweep", grid, "--out", out, "--resume")
    assert (second.code, second.stderr) == (2, f"{out}: another sweep is at work here. Wait until it has ended, or give another --out.\n")
    assert first.wait() == 0
    assert len(rows(out)) == 600


# 3 % of the points have a batch that dp does not divide.
@pytest.mark.slow
def test_ten_thousand_points_of_which_three_percent_are_wrong(tmp_path):
    batches = [32 + (i % 100 < 3) for i in range(100)]
    axes = {
        "cluster.fabric.link.bandwidth": {"range": {"from": "101 Gb/s", "to": "200 Gb/s", "step": 1}},
        "batch": {"zip": {"workload.global_batch": batches, "cluster.fabric.switch_latency": [f"{i + 1} ns" for i in range(100)]}},
    }
    done = weftsim("sweep", sweep_file(tmp_path, axes), "--out", tmp_path / "out", "--json", "-")
    assert done.code == 5, done.stderr
    found = rows(tmp_path / "out")
    wrong = [row for row in found if row["status"] != "ok"]
    assert (len(found), len(wrong)) == (10_000, 300)
    assert all(re.search(r"sweep.yaml:\d+: workload: global_batch 33 is not divisible", row["reason"]) for row in wrong)
    assert [p["point"] for p in json.loads(done.stdout)["invalid"]] == [int(row["point"]) for row in wrong]


# What any scheduler can do: shards as lines of a file, in any order, one of them killed, then collected.
def test_shards_by_hand(tmp_path, grid):
    whole, out, shards = tmp_path / "whole", tmp_path / "out", tmp_path / "shards.txt"
    assert weftsim("sweep", grid, "--out", whole, "--quiet").code == 0
    shards.write_text("\n".join(" ".join(map(str, range(first, 600, 3))) for first in range(3)))
    for number in (2, 0):
        assert weftsim("sweep", grid, "--out", out, "--shard", f"{shards}:{number}", "--quiet").code == 0
    early = weftsim("sweep", grid, "--collect", out, "--json", "-")
    assert early.code == 5
    assert [p["point"] for p in json.loads(early.stdout)["missing"]] == list(range(1, 600, 3))
    assert weftsim("sweep", grid, "--out", out, "--shard", f"{shards}:1", "--quiet").code == 0
    assert weftsim("sweep", grid, "--collect", out).code == 0
    assert (out / "results.h5").read_bytes() == (whole / "results.h5").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--sbatch", "--time=1"], "--sbatch has no effect without --slurm"),
        (["--dry-run", "--slurm"], "give one of them"),
        (["--shard", "nowhere.txt:0"], "nowhere.txt: no such file of shards"),
        (["--shard", "shards.txt"], "is no FILE:N"),
        (["--slurm", "--retries", "-1"], "a negative number makes no sense"),
        (["--collect", "nowhere"], "nowhere: is no folder"),
    ],
)
def test_wrong_options(tmp_path, grid, arguments, problem):
    done = weftsim("sweep", grid, *arguments)
    assert done.code == 2 and problem in done.stderr


def test_collect_of_an_unknown_sweep(tmp_path):
    (tmp_path / "out").mkdir()
    done = weftsim("sweep", "--collect", tmp_path / "out")
    assert done.code == 2 and "does not say which sweep" in done.stderr
    done = weftsim("sweep")
    assert (done.code, done.stderr) == (2, "weftsim sweep: SWEEP is missing. See 'weftsim sweep --help'.\n")


def test_dry_run_leaves_nothing(tmp_path, grid):
    done = weftsim("sweep", grid, "--dry-run", "--out", tmp_path / "out")
    assert done.code == 0, done.stderr
    assert "600 points: 600 would run, in about " in done.stdout
    assert not (tmp_path / "out").exists()


def test_wrong_input(tmp_path, grid):
    assert weftsim("sweep", grid, "--out", tmp_path / "out", "--quiet").code == 0
    again = weftsim("sweep", grid, "--out", tmp_path / "out")
    assert (again.code, again.stdout) == (2, "")
    assert "--resume" in again.stderr
    wrong = sweep_file(tmp_path, {"workload.micro_batch": 4})
    done = weftsim("sweep", wrong)
    assert done.code == 2
    assert re.match(rf"{re.escape(str(wrong))}:\d+: axes.workload.micro_batch: is '4', not a list of values", done.stderr)


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios" / "sweeps").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_sweeps(path, tmp_path):
    done = weftsim("sweep", path, "--out", tmp_path / "out")
    assert done.code == 0, done.stderr + done.stdout
    assert all(row["status"] == "ok" or row["reason"].startswith("where: ") for row in rows(tmp_path / "out"))


def test_compare_rows_runs_and_scenarios(tmp_path, small_file):
    axes = {"cluster.fabric.oversubscription": [1, 4]}
    assert weftsim("sweep", sweep_file(tmp_path, axes, base=SMALL), "--out", tmp_path / "out").code == 0
    table = tmp_path / "out" / "results.csv"
    assert weftsim("run", small_file, "--out", tmp_path / "run.h5").code == 0
    of_rows = weftsim("compare", f"{table}:0", f"{table}:1", "--json", "-").json()
    steps = [float(row["step_time_s"]) for row in rows(tmp_path / "out")]
    assert of_rows["step_time_ratio"] == pytest.approx(steps[1] / steps[0], rel=1e-12)
    low, high = of_rows["step_time_ratio_interval"]
    assert low <= of_rows["step_time_ratio"] <= high
    difference = sum(part["difference"] for part in of_rows["breakdown_s"].values())
    assert difference == pytest.approx(steps[1] - steps[0], abs=1e-9)
    same = weftsim("compare", tmp_path / "run.h5", small_file, "--json", "-").json()
    assert (same["step_time_ratio"], same["step_time_ratio_interval"]) == (1, [1, 1])
    assert weftsim("compare", tmp_path / "out" / "results.h5", small_file).code == 2


def test_from_python(tmp_path, small):
    weftsim = pytest.importorskip("weftsim")
    content = {"schema": "weftsim-sweep/1", "base": small, "axes": {"workload.micro_batch": [1, 2, 3]}}
    seen = []
    done = weftsim.sweep(content, tmp_path / "out", progress=seen.append)
    assert (done["ok"], [p["point"] for p in done["invalid"]]) == (2, [2])
    assert seen and all(0 < fraction <= 1 for fraction in seen)
    assert weftsim.sweep(content, tmp_path / "out", resume=True)["reused"] == 2
    ratio = weftsim.compare(weftsim.run(small, trace="none"), f"{tmp_path}/out/results.csv:1")
    assert ratio["step_time_ratio"] != 1
    with pytest.raises(weftsim.InputError, match="--resume"):
        weftsim.sweep(content, tmp_path / "out")
    with pytest.raises(ZeroDivisionError):
        weftsim.sweep(content, tmp_path / "other", progress=lambda fraction: 1 / 0)


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_any_executor(tmp_path, small, kind):
    weftsim = pytest.importorskip("weftsim")
    content = {"schema": "weftsim-sweep/1", "base": small, "axes": {"workload.micro_batch": [1, 2, 3, 4], "cluster.fabric.link.latency": ["1 us", "2 us"]}}
    alone = weftsim.sweep(content, tmp_path / "alone")
    if kind == "threads":
        executor = concurrent.futures.ThreadPoolExecutor(2)
    else:
        executor = concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))
    seen = []
    with executor:
        done = weftsim.sweep(content, tmp_path / "out", executor=executor, shards=3, progress=seen.append)
        again = weftsim.sweep(content, tmp_path / "out", executor=executor, resume=True)
        with pytest.raises(weftsim.InputError, match="--resume"):
            weftsim.sweep(content, tmp_path / "out", executor=executor)
    assert (done["ok"], len(done["invalid"]), done["missing"]) == (alone["ok"], 2, [])
    assert again["reused"] == 6
    assert seen[-1] == 1 and seen == sorted(seen)
    for name in ("results.csv", "results.h5"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


class OneFails(concurrent.futures.ThreadPoolExecutor):
    """An executor that loses its first task."""

    lost = False

    def submit(self, function, *arguments):
        if not self.lost:
            self.lost = True
            return super().submit(lambda: 1 / 0)
        return super().submit(function, *arguments)


def test_what_a_task_raises_is_raised_and_the_rest_kept(tmp_path, small):
    weftsim = pytest.importorskip("weftsim")
    content = {"schema": "weftsim-sweep/1", "base": small, "axes": {"workload.micro_batch": [1, 2, 4]}}
    with OneFails(1) as executor, pytest.raises(ZeroDivisionError):
        weftsim.sweep(content, tmp_path / "out", executor=executor)
    assert weftsim.sweep(content, tmp_path / "out", resume=True)["reused"] == 2

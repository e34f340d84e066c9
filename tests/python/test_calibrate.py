"""Measuring this machine: `weftsim calibrate` and `weftsim selfcheck` end to end, on a reduced budget and with a wide tolerance."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import COMMAND, weftsim

WORKER = Path(os.environ.get("WEFTSIM_MEASURE_CPU", COMMAND.with_name("weftsim-measure-cpu")))
measures = pytest.mark.skipif(
    not (WORKER.exists() and shutil.which("mpirun")) or (os.cpu_count() or 1) < 2,
    reason="weftsim-measure-cpu (OpenBLAS, MPI), mpirun or a second core is missing: nothing can be measured here",
)


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibrated")
    profile = folder / "here.json"
    done = weftsim("calibrate", "--device", "cpu", "--budget", "20s", "--out", profile, "--json", "-")
    return profile, done


@measures
def test_a_calibration_makes_a_profile_and_says_how_well_it_fits(calibrated):
    profile, done = calibrated
    result = done.json()
    assert result["platform"] == "cpu" and result["provenance"]["mpi"]
    assert result["errors"]["all"]["n"] == len(result["rows"]) > 30
    assert {"predicted", "measured", "error", "interval", "inside_interval"} <= set(result["rows"][0])
    assert result["errors"]["all"]["inside_interval"] > 0.5
    shown = weftsim("profile", "show", profile)
    assert shown.code == 0 and "calibrated by measurements" in shown.stdout
    samples = profile.with_suffix(".samples.jsonl").read_text().splitlines()
    assert json.loads(samples[0])["schema"] == "weftsim-samples/1"


@measures
def test_what_was_not_calibrated_is_run_beside_its_prediction(calibrated):
    profile, _ = calibrated
    # A shared machine may be several times slower from one second to the next: what is tested is that all of it runs.
    done = weftsim("selfcheck", "--device", "cpu", "--profile", profile, "--budget", "10s", "--tolerance", "5", "--json", "-")
    assert done.code in (0, 5), done.stderr
    result = json.loads(done.stdout)
    steps = [row for row in result["rows"] if row["kind"] == "training step"]
    assert [row["what"] for row in steps] == ["step dp2 tp1 pp1", "step dp1 tp2 pp1", "step dp1 tp1 pp2"]
    assert all(0 < row["predicted"] and 0 < row["measured"] for row in result["rows"])
    assert result["errors"]["product fp32"]["n"] > 5
    assert result["within_tolerance"] == (done.code == 0)
    # No error is below none.
    assert weftsim("selfcheck", "--device", "cpu", "--profile", profile, "--budget", "4s", "--tolerance", "0").code == 5


@measures
def test_a_calibration_that_was_interrupted_goes_on(tmp_path):
    profile = tmp_path / "here.json"
    command = [COMMAND, "calibrate", "--device", "cpu", "--budget", "30s", "--out", profile]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    journal = profile.with_suffix(".samples.jsonl")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (journal.exists() and len(journal.read_text().splitlines()) > 5):
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "The same command goes on from there." in said and not profile.exists()
    before = journal.read_text().splitlines()
    done = weftsim("calibrate", "--device", "cpu", "--budget", "15s", "--out", profile)
    assert done.code == 0, done.stderr
    assert "what it holds is not measured again" in done.stderr and "operations are in" in done.stderr
    assert journal.read_text().splitlines()[: len(before) - 1] == before[:-1]


@measures
def test_samples_are_fitted_again_to_the_same_profile(calibrated, tmp_path):
    profile, _ = calibrated
    again = tmp_path / "here.json"
    assert weftsim("calibrate", "--from", profile.with_suffix(".samples.jsonl"), "--out", again).code == 0
    assert again.read_text() == profile.read_text()


@measures
def test_a_calibrated_cpu_answers_for_collectives(calibrated, tmp_path):
    profile, _ = calibrated
    scenario = tmp_path / "two.yaml"
    scenario.write_text(
        "schema: weftsim/1\nname: two\ncluster:\n  gpus: 2\n"
        f"  accelerator: {profile}\n"
        '  host: {gpus_per_host: 2, scale_up: {kind: nvswitch, domain: 2, bandwidth: "5 GB/s", latency: "1 us"},'
        ' nics: {count: 1, bandwidth: "1 Gb/s", latency: "1 us"}}\n'
        "  fabric: {type: none}\n"
    )
    rows = weftsim("collective", scenario, "--min", "8", "--max", "64M", "--json", "-").json()["rows"]
    assert all(row["time_s"] > 0 for row in rows) and rows[-1]["algorithm"].startswith("Open MPI")
    assert [row["time_s"] for row in rows] == sorted(row["time_s"] for row in rows)


def test_without_the_worker_it_says_what_is_missing(tmp_path):
    environment = {**os.environ, "WEFTSIM_MEASURE_CPU": str(tmp_path / "nothing"), "WEFTSIM_MEASURE_CUDA": str(tmp_path / "none")}
    for verb in ("calibrate", "selfcheck"):
        for device, missing in (("cpu", "nothing"), ("cuda", "none"), ("auto", "none")):
            profile = ["--profile", "a100-sxm-80g"] if verb == "selfcheck" else []
            done = subprocess.run(
                [COMMAND, verb, "--device", device, "--ranks", "1", *profile], capture_output=True, text=True, env=environment, cwd=tmp_path
            )
            assert done.returncode == 4, done.stderr
            assert f"{missing}' is not installed" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--budget", "soon"], "--budget: 'soon' is no time. Write '90s', '5m' or '1h'."),
        (["--from", "nothing.log"], "nothing.log"),
        (["--from", "a.jsonl", "b.log"], "Give it alone"),
        (["--from", "gemm.csv"], "Say which profile to start from"),
        (["--from", "gemm.csv", "--accelerator", "h100-sxm"], "too few to fit anything"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, arguments, problem):
    (tmp_path / "gemm.csv").write_text("dtype,m,n,k,time_us\nbf16,1024,1024,1024,9.5\n")
    if "--budget" in arguments and not WORKER.exists():
        pytest.skip("weftsim-measure-cpu is missing: it is asked before")
    command = [COMMAND, "calibrate", "--device", "cpu", "--ranks", "1", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert problem in done.stderr


# A law: every product runs at 600 TFLOP/s after 4 us. The profile that is made of such a table knows it.
def test_products_of_a_log_replace_those_of_the_profile(tmp_path):
    sizes = [256, 512, 1024, 2048, 4096, 8192]
    lines = ["dtype,m,n,k,time_us"]
    lines += [f"bf16,{m},{n},{k},{4 + 2 * m * n * k / 600e6:.6g}" for m in sizes for n in sizes for k in sizes]
    (tmp_path / "gemm.csv").write_text("\n".join(lines) + "\n")
    out = tmp_path / "mine.json"
    result = weftsim("calibrate", "--from", tmp_path / "gemm.csv", "--accelerator", "h100-sxm", "--out", out, "--json", "-").json()
    assert result["errors"]["product bf16"]["median_abs_error"] < 0.05
    before, after = (json.loads(weftsim("profile", "show", name, "--json", "-").stdout) for name in ("h100-sxm", out))
    assert after["scale_up"] == before["scale_up"] and after["attention"] == before["attention"]
    assert [table["used_for"] for table in after["gemm"]] == [["bf16", "fp16"], ["fp8"]]
    assert "gemm.csv" in json.dumps(after["provenance"])


# Each all-reduce takes 30 us and its bytes at 40 GB/s, with the noise of two digits. What the halves predict of each other lies in its interval.
def test_a_log_over_two_hosts_has_intervals(tmp_path):
    lines = ["# Collective test starting: all_reduce_perf", "# nThread 1 nGpus 8", "# Using devices"]
    for rank in range(16):
        lines.append(f"#  Rank {rank:2} Group  0 Pid {rank} on node{rank // 8} device {rank % 8} [0000:{rank:02x}:00] NVIDIA H100 80GB HBM3")
    lines.append("#       size         count      type   redop    root     time   algbw   busbw #wrong     time   algbw   busbw #wrong")
    lines.append("#        (B)    (elements)                               (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)")
    for size in (2**i for i in range(10, 34)):
        time = float(f"{30 + size * 15 / 8 / 40e3:.2g}")
        half = f"{time:.2f} {size / time / 1e3:.2f} {size / time / 1e3 * 15 / 8:.2f} 0"
        lines.append(f"{size} {size // 4} float sum -1 {half} {half}")
    lines += ["# Out of bounds values : 0 OK", "# Avg bus bandwidth    : 20"]
    log, out = tmp_path / "nodes.log", tmp_path / "nodes.json"
    log.write_text("\n".join(lines) + "\n")
    result = weftsim("calibrate", "--from", log, "--network", "8x400G InfiniBand", "--out", out, "--json", "-").json()
    assert result["errors"]["all"]["n"] == 24
    assert result["errors"]["all"]["inside_interval"] > 0.7
    assert weftsim("calibrate", "--from", log, "--out", out).code == 2, "the rate of the NICs is in no log"

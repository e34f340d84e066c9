"""The command line as a user meets it."""

import json
import re
import time

import pytest
from conftest import ROOT, weftsim

import weftsim as package


def test_version():
    done = weftsim("--version")
    assert done.code == 0
    assert package.__version__ in done.stdout


def test_run_without_a_file_runs_the_built_in_example():
    summary = weftsim("run", "--json", "-").json()
    assert summary["step_time_s"] > 0


def test_json_on_standard_output_is_json_and_nothing_else(small_file):
    done = weftsim("run", small_file, "--json", "-")
    assert json.loads(done.stdout)["name"] == "small"


def test_quiet_prints_nothing(small_file):
    done = weftsim("run", small_file, "--quiet")
    assert (done.code, done.stdout) == (0, "")


def test_signature_is_the_same_on_any_number_of_threads(small_file):
    one, two = (weftsim("run", small_file, "--threads", n, "--json", "-").json() for n in (1, 2))
    assert len(one["signature"]) == 16
    assert one["signature"] == two["signature"]


def test_main_job_has_one_signature_on_one_and_two_threads():
    one, two = (weftsim("run", "sc21-145b", "--threads", n, "--json", "-").json() for n in (1, 2))
    assert one["signature"] == two["signature"]


def test_trace_level_does_not_change_the_signature(small_file, tmp_path):
    signatures = {weftsim("run", small_file, "--out", tmp_path / "run.h5", "--trace", level, "--json", "-").json()["signature"] for level in ("none", "summary", "ops", "full")}
    assert len(signatures) == 1


def test_folded_and_unfolded_agree_in_step_time(small_file):
    folded = weftsim("run", small_file, "--json", "-").json()
    unfolded = weftsim("run", small_file, "--no-fold", "--json", "-").json()
    assert folded["step_time_s"] == unfolded["step_time_s"]


def test_command_and_module_agree(small, small_file):
    summary = weftsim("run", small_file, "--json", "-").json()
    result = package.run(small)
    assert summary["signature"] == result.signature
    assert summary.keys() == result.summary.keys()


def test_set_replaces_a_key(small_file):
    summary = weftsim("run", small_file, "--set", "workload.global_batch=32", "--json", "-").json()
    assert summary["tokens_per_s"] * summary["step_time_s"] == pytest.approx(32 * 1024)


# Exit code 2: the input is wrong. Every problem is a line with its place.
def test_wrong_input_names_file_and_line(tmp_path, small_file):
    text = small_file.read_text().replace('"radix"', '"radux"')
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text)
    line = text[: text.index('"radux"')].count("\n") + 1
    done = weftsim("run", wrong)
    assert done.code == 2
    assert f"wrong.yaml:{line}:" in done.stderr
    assert "Did you mean 'radix'?" in done.stderr


def test_unknown_option_is_wrong_input(small_file):
    assert weftsim("run", small_file, "--netwrok", "fluid").code == 2


def test_output_that_cannot_be_written_is_the_machines_fault(small_file):
    done = weftsim("run", small_file, "--out", "/nowhere/run.h5")
    assert done.code == 4
    assert "/nowhere" in done.stderr


def test_check_accepts_what_run_accepts(small_file):
    assert weftsim("check", small_file).code == 0


def test_list_names_what_is_shipped():
    done = weftsim("list")
    assert done.code == 0
    for name in ("gpt3-175b", "a100-sxm-80g", "dgx-a100"):
        assert name in done.stdout


# One data-parallel job on three fabrics: full bisection twice, then a quarter of the up-links. The last is slower by what its
# gradients wait for, and the summary names the links between leaves and spines.
def test_oversubscribed_leaves_make_the_job_slower_and_are_named():
    names = ("dp-fat-tree", "dp-leaf-spine", "dp-leaf-spine-4to1")
    tree, full, quarter = (weftsim("run", name, "--json", "-").json() for name in names)
    assert quarter["step_time_s"] > 1.01 * full["step_time_s"]
    assert tree["step_time_s"] == pytest.approx(full["step_time_s"], rel=0.02)
    worst = quarter["network_stats"]["full_links"][0]
    assert worst["kind"] == "leaf_spine"
    assert worst["limiting_share"] > 0.01
    assert worst["name"] in weftsim("run", names[2]).stdout
    assert all(link["kind"] != "leaf_spine" for link in full["network_stats"]["full_links"])


# Issue 2: under 2 s folded, under 1 GiB. Measured 0.1 s; the limit is that of the promise.
def test_main_job_is_quick_when_folded():
    begin = time.monotonic()
    summary = weftsim("run", "sc21-145b", "--json", "-").json()
    assert time.monotonic() - begin < 2
    assert summary["peak_rss_bytes"] < 2**30


# docs/trace.md promises that its Python runs: on a trace in the working directory.
def test_examples_of_the_trace_guide_run(monkeypatch, capsys, small_file, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert weftsim("run", small_file, "--out", "run.h5").code == 0
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "trace.md").read_text(), re.DOTALL)
    assert len(blocks) >= 2
    names: dict = {}
    for block in blocks:
        exec(compile(block, "docs/trace.md", "exec"), names)
    assert "s a step" in capsys.readouterr().out


# Issue 2: under 15 s and 1 GiB also when every rank is simulated.
@pytest.mark.slow
def test_main_job_is_the_same_folded_and_unfolded():
    main_job = ROOT / "scenarios" / "sc21-145b.yaml"
    folded = weftsim("run", main_job, "--json", "-").json()
    begin = time.monotonic()
    unfolded = weftsim("run", main_job, "--no-fold", "--json", "-").json()
    assert time.monotonic() - begin < 15
    assert unfolded["peak_rss_bytes"] < 2**30
    assert folded["step_time_s"] == unfolded["step_time_s"]

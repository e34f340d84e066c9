"""Every shipped scenario runs and its summary is consistent."""

import json

import pytest
from conftest import ROOT, weftsim

# Names of scenarios that take more than a second or two.
SLOW = {f"megascale-{gpus}" for gpus in (3072, 6144, 8192, 12288)} | {"llama3-405b-8k", "llama3-405b-16k"}


def scenarios():
    for path in sorted((ROOT / "scenarios").glob("*.yaml")):
        yield pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in SLOW else [])


@pytest.mark.parametrize("path", list(scenarios()))
def test_scenario_runs(path, tmp_path):
    done = weftsim("run", path, "--json", tmp_path / "summary.json")
    assert done.code == 0, done.stderr
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert sum(summary["breakdown_s"].values()) == pytest.approx(summary["step_time_s"], rel=1e-9)
    path = summary["critical_path"]
    assert sum(item["seconds"] for item in path) == pytest.approx(summary["step_time_s"], rel=1e-9)
    assert {(item["op"], item["rank"]) for item in path if item["seconds"] <= 0} == set()
    assert 0 < summary["mfu"] <= summary["hfu"] < 1
    if summary["step_time_interval_s"] is not None:
        low, high = summary["step_time_interval_s"]
        assert low <= summary["step_time_s"] <= high


def test_there_are_scenarios():
    assert list((ROOT / "scenarios").glob("*.yaml"))

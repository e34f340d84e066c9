"""Every shipped scenario runs and its summary is consistent."""

import json

import pytest
from conftest import ROOT, weftsim

SLOW: set[str] = set()  # names of scenarios that take more than ten seconds


def scenarios():
    for path in sorted((ROOT / "scenarios").glob("*.yaml")):
        yield pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in SLOW else [])


@pytest.mark.parametrize("path", list(scenarios()))
def test_scenario_runs(path, tmp_path):
    done = weftsim("run", path, "--json", tmp_path / "summary.json")
    assert done.code == 0, done.stderr
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert sum(summary["breakdown_s"].values()) == pytest.approx(summary["step_time_s"], rel=1e-9)
    assert 0 < summary["mfu"] <= summary["hfu"] < 1
    if summary["step_time_interval_s"] is not None:
        low, high = summary["step_time_interval_s"]
        assert low <= summary["step_time_s"] <= high


def test_there_are_scenarios():
    assert list((ROOT / "scenarios").glob("*.yaml"))

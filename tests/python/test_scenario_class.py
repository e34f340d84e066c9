"""Scenario, Fabric, pickling and the gallery."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import weftsim
from conftest import ROOT


def test_a_file_a_name_and_a_dict_are_one_scenario():
    file = weftsim.Scenario(ROOT / "scenarios" / "sc21-1.7b.yaml")
    for same in (weftsim.Scenario("sc21-1.7b"), weftsim.Scenario(file.to_dict())):
        assert same == file and dict(same) == file.to_dict()
    want = weftsim.run(ROOT / "scenarios" / "sc21-1.7b.yaml", trace="none").signature
    assert weftsim.run(file, trace="none").signature == want
    assert weftsim.run(file.resolved(), trace="none").signature == want


def test_keys_are_paths(small):
    job = weftsim.Scenario(small)
    job["workload.micro_batch"] = 2
    assert job["workload.micro_batch"] == 2 and small["workload"]["micro_batch"] == 1
    assert job.changed({"workload.overlap.dp": False})["workload.overlap.dp"] is False and "workload.overlap" not in job
    del job["workload.micro_batch"]
    assert "workload.micro_batch" not in job
    with pytest.raises(KeyError):
        job["workload.micro_batch.more"]
    with pytest.raises(KeyError, match="not a map"):
        job["name.more"] = 1


def test_what_is_wrong_is_said_as_elsewhere(small):
    job = weftsim.Scenario(small)
    job["cluster.fabric.radixx"] = 3
    with pytest.raises(weftsim.InputError, match="Did you mean 'radix'"):
        job.check()
    with pytest.raises(weftsim.InputError, match="unknown scenario"):
        weftsim.Scenario("sc21-145")


def test_fabric_is_a_graph(small):
    networkx = pytest.importorskip("networkx")
    fabric = weftsim.Scenario(small).fabric()
    graph = fabric.to_networkx()
    assert graph.number_of_edges() == len(fabric.links) and fabric.report
    assert networkx.is_strongly_connected(graph)
    assert {data["kind"] for _, data in graph.nodes(data=True)} >= {"gpu", "nic", "leaf"}
    assert min(data["capacity_Bps"] for *_, data in graph.edges(data=True)) > 0


def test_scenarios_and_results_can_be_pickled(small):
    job = pickle.loads(pickle.dumps(weftsim.Scenario(small)))
    result = weftsim.run(job)
    again = pickle.loads(pickle.dumps(result))
    assert again.summary == result.summary and again.step_time_s == result.step_time_s
    for name, column in result.trace.ops.items():
        assert np.array_equal(column, again.trace.ops[name])
    assert again.trace.ops.labels == result.trace.ops.labels


def test_progress_true_is_a_line_in_a_terminal_only(small, capsys):
    weftsim.run(small, progress=True, trace="none")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("script", sorted((ROOT / "docs" / "gallery").glob("*.py")), ids=lambda path: path.stem)
def test_scripts_of_the_gallery_run(script, tmp_path):
    pytest.importorskip("matplotlib")
    package = str(Path(weftsim.__file__).parents[1])
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": package}
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("*.svg"))

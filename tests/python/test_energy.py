"""Watts of a parts table of one's own in the JSON of `run` and `topo`, worked out by hand."""

import copy
import json

import pytest
import weftsim
from conftest import SMALL
from conftest import weftsim as command

PARTS = """
schema: weftsim-parts/1
switches: [{name: leaf, capacity: "8 Tb/s", power_w: 250, source: ours}]
modules: [{optics: dsp, bandwidth: "200 Gb/s", power_w: 5, source: ours}]
gpus: [{name: a100-sxm-80g, power_w: 400, source: ours}]
hosts: [{name: dgx-a100, power_w: 6000, source: ours}]
cooling: [{name: air, pue: 1.5, source: ours}]
"""
# 16 GPUs of 400 W; two hosts of 6,000 W with 8 of them, which leaves 2,800 W each; one leaf for all 16 NICs; a module at
# both ends of 16 cables; (1.5 - 1) times the sum of these, 12,410 W, for cooling.
POWER = {"gpus": 6400, "hosts": 5600, "switches": 250, "optics": 160, "cooling": 6205, "total": 18615}


@pytest.fixture
def scenario(tmp_path):
    (tmp_path / "parts.yaml").write_text(PARTS)
    scenario = copy.deepcopy(SMALL)
    scenario["cluster"]["site"] = {"parts": str(tmp_path / "parts.yaml")}
    return scenario


def test_watts_of_topo_and_run(scenario, tmp_path):
    (tmp_path / "small.yaml").write_text(json.dumps(scenario))
    topo = command("topo", tmp_path / "small.yaml", "--json", "-", "--quiet").json()
    run = command("run", tmp_path / "small.yaml", "--json", "-", "--quiet").json()
    assert topo["power_w"] == run["bill_of_materials"]["power_w"] == POWER
    assert run["energy_j_per_step"] == pytest.approx(18615 * run["step_time_s"], rel=1e-12)
    assert weftsim.Scenario(scenario).fabric().report["power_w"] == POWER


# 12,410 W of equipment, by the PUE; the step takes as long as before.
@pytest.mark.parametrize(("pue", "watts"), [(1, 12410), (2, 24820)])
def test_energy_goes_with_the_pue(scenario, pue, watts):
    scenario["cluster"]["site"]["pue"] = pue
    result = weftsim.run(scenario, trace="none")
    assert result.bill_of_materials["power_w"]["total"] == watts
    assert result.energy_j_per_step / result.step_time_s == pytest.approx(watts, rel=1e-12)
    assert result.step_time_s == weftsim.run(SMALL, trace="none").step_time_s


# What a switch draws is not known here: nor is the sum, nor the energy; the rest stays.
def test_a_part_without_watts_leaves_no_energy(scenario, tmp_path):
    (tmp_path / "parts.yaml").write_text(PARTS.replace("power_w: 250, ", ""))
    result = weftsim.run(scenario, trace="none")
    assert result.bill_of_materials["power_w"] == {**POWER, "switches": None, "cooling": None, "total": None}
    assert result.energy_j_per_step is None


# Half of the cluster's power is the other job's, but which half nobody can say.
def test_jobs_that_share_a_cluster_have_no_energy_of_their_own(scenario):
    workload = scenario.pop("workload")
    scenario["jobs"] = [{**workload, "name": name, "gpus": 8} for name in ("one", "other")]
    result = weftsim.run(scenario, trace="none")
    assert result.bill_of_materials["power_w"] == POWER
    assert result.energy_j_per_step is None


def test_watts_of_a_sweep(scenario, tmp_path):
    done = weftsim.sweep({"schema": "weftsim-sweep/1", "base": scenario, "axes": {"cluster.site.pue": [1, 2]}}, tmp_path / "out")
    assert done.to_pandas()["power_w"].tolist() == [12410, 24820]

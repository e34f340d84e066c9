"""Shipped fabrics print the published counts; failures slow a job or name the pair that they cut off."""

import json
import subprocess

import pytest
from conftest import COMMAND


def weftsim(*arguments):
    return subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True)


def topo(name, *changes):
    sets = [word for change in changes for word in ("--set", change)]
    done = weftsim("topo", name, "--json", "-", *sets)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# leaf, spine, core, scale-up switches; modules per GPU. Sources: the comments of the scenarios.
PUBLISHED = {
    "dgx-a100-superpod": (56, 80, 28, 0, 6),
    "dgx-h100-superpod": (32, 16, 0, 0, 2),
    "gh200-256": (0, 0, 0, 132, 9),
    "gh200-multi": (128, 128, 64, 16 * 132, 12),
    "hpn-pod": (240, 120, 0, 0, None),
    "rail-planes": (512, 256, 0, 0, 2),
    "nvl72-pod": (None, None, 0, 8 * 9, None),
    "tpu-v4-4096": (0, 0, 0, 0, 0),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_the_published_ones(name):
    found = topo(name)
    leaf, spine, core, scale_up, modules = PUBLISHED[name]
    for kind, number in {"leaf": leaf, "spine": spine, "core": core, "scale_up": scale_up}.items():
        assert number is None or found["switches"][kind] == number, kind
    assert modules is None or found["modules_per_gpu"] == modules


def test_storage_makes_up_the_published_modules():
    assert topo("dgx-a100-superpod")["all_networks"]["modules_per_gpu"] == 7
    three_tiers = topo("dgx-h100-superpod", "cluster.gpus=4096", "cluster.fabric.tiers=3")
    assert three_tiers["modules_per_gpu"] == 3
    assert three_tiers["all_networks"]["modules_per_gpu"] == 3.5


def test_three_tiers_need_1280_switches_where_rail_planes_need_768():
    assert topo("rail-planes")["switches"]["total"] == 768
    assert topo("rail-planes", "cluster.fabric.planes=1", "cluster.fabric.tiers=3")["switches"]["total"] == 1280


def test_unknown_prices_are_null_and_a_table_of_ones_own_fills_them(tmp_path):
    assert topo("dgx-h100-superpod")["price_usd"]["total"] is None
    parts = tmp_path / "parts.yaml"
    parts.write_text(
        """
schema: weftsim-parts/1
switches: [{name: QM9700, capacity: "25.6 Tb/s", power_w: 747, price_usd: 1000, source: ours}]
modules: [{optics: dsp, bandwidth: "800 Gb/s", power_w: 17, price_usd: 100, source: ours}]
fibres: [{bandwidth: "400 Gb/s", price_usd: 10, source: ours}]
gpus: [{name: h100-sxm, power_w: 700, source: ours}]
hosts: [{name: dgx-h100, power_w: 10200, price_usd: 10000, source: ours}]
cooling: [{name: air, pue: 1.5, source: ours}]
"""
    )
    found = topo("dgx-h100-superpod", f"cluster.site.parts={parts}")
    assert found["price_usd"]["switches"] == 60_000
    assert found["price_usd"]["total"] == 60_000 + 2560 * 100 + 2560 * 10 + 128 * 10_000
    assert found["power_w"]["cooling"] == pytest.approx(found["power_w"]["total"] / 3)


@pytest.mark.parametrize(
    "change, message",
    [
        ("cluster.fabric.failures=[leaf-99]", "'leaf-99' names nothing of this fabric"),
        ("cluster.site.cooling=wind", "unknown cooling 'wind' (known: air, chilled, cold-plate, immersion)"),
        ("cluster.site.parts=none.yaml", "parts 'none.yaml': no such file"),
        ("cluster.fabric.planes=3", "3 planes do not divide the 8 NICs"),
        ("cluster.fabric.routing=valiant", "valiant is for a dragonfly"),
    ],
)
def test_what_cannot_be_is_refused(change, message):
    done = weftsim("topo", "dgx-h100-superpod", "--set", change)
    assert done.returncode == 2
    assert message in done.stderr


PAIR = ["--set", "cluster.gpus=128", "--set", "cluster.fabric.radix=64", "--pattern", "permutation", "--json", "-"]


def makespan(*changes):
    sets = [word for change in changes for word in ("--set", change)]
    done = weftsim("traffic", "dgx-h100-superpod", *PAIR, *sets)
    return done, json.loads(done.stdout)["makespan_s"] if done.returncode == 0 else None


def test_a_lost_ToR_slows_a_dual_ToR_pod_and_cuts_off_hosts_of_a_single_one():
    done, whole = makespan("cluster.host.nics.ports=2")
    assert done.returncode == 0, done.stderr
    done, broken = makespan("cluster.host.nics.ports=2", "cluster.fabric.failures=[leaf-0]")
    assert done.returncode == 0, done.stderr
    assert broken > 1.2 * whole
    done, _ = makespan("cluster.fabric.failures=[leaf-0]")
    assert done.returncode == 3
    assert "with leaf-0 out of order" in done.stderr


def test_a_drawing_is_coloured_by_the_load_of_a_run(tmp_path):
    trace, drawing = tmp_path / "run.h5", tmp_path / "f.svg"
    assert weftsim("run", "dp-leaf-spine-4to1", "--out", trace, "--trace", "summary", "--quiet").returncode == 0
    done = weftsim("topo", "dp-leaf-spine-4to1", "--svg", drawing, "--load", trace, "--quiet")
    assert done.returncode == 0, done.stderr
    assert "link load 0 %" in drawing.read_text() and 'style="stroke:#' in drawing.read_text()
    done = weftsim("topo", "dp-leaf-spine", "--svg", drawing, "--load", trace)
    assert done.returncode == 2 and "its links are not the" in done.stderr


def test_graphml_of_a_fabric_is_a_fabric(tmp_path):
    graph, scenario = tmp_path / "f.graphml", tmp_path / "f.yaml"
    assert weftsim("topo", "leaf-spine-16x16", "--graphml", graph, "--quiet").returncode == 0
    scenario.write_text(f"schema: weftsim/1\nname: f\ncluster: {{gpus: 256, fabric: {{type: file, links: {graph}}}}}\n")
    built, read = topo("leaf-spine-16x16"), topo(scenario)
    assert read["switches"] == built["switches"]
    assert read["cables"] == built["cables"]
    assert read["bisection_bandwidth_bps"] == pytest.approx(built["bisection_bandwidth_bps"])


def test_a_repair_lets_a_job_go_on_and_none_stops_it():
    whole = json.loads(weftsim("run", "dp-leaf-spine", "--json", "-").stdout)["step_time_s"]
    late = weftsim("run", "dp-leaf-spine", "--json", "-", "--set", "cluster.fabric.failures=[{switch: leaf-3, at: 900 ms, for: 500 ms}]")
    assert late.returncode == 0, late.stderr
    assert whole + 0.3 < json.loads(late.stdout)["step_time_s"] < whole + 0.6
    never = weftsim("run", "dp-leaf-spine", "--set", "cluster.fabric.failures=[{switch: leaf-3, at: 900 ms}]")
    assert never.returncode == 3
    assert "with leaf-3 out of order" in never.stderr

"""What `network: packet` leaves behind: queues, pauses and rates over time, as a file, a picture and a page."""

import csv
import json
import xml.etree.ElementTree

import h5py
import numpy as np
import pytest
from conftest import SMALL, weftsim

INCAST = ["leaf-spine-16x16", "--pattern", "incast", "--senders", 24, "--size", "2 MiB", "--set", "network=packet"]
ROCE = ["--set", "cluster.fabric.transport=roce", "--set", "cluster.fabric.packet.buffer=8 MiB"]


@pytest.fixture(scope="module")
def incast(tmp_path_factory):
    folder = tmp_path_factory.mktemp("incast")
    done = weftsim("traffic", *INCAST, *ROCE, "--trace", folder / "run.h5", "--queues", folder / "queues.svg", "--out", folder / "fct.csv",
                   "--json", folder / "run.json")
    assert done.code == 0, done.stderr
    return folder, done.stdout


def test_the_file_agrees_with_the_summary_and_the_list_of_flows(incast):
    folder, _ = incast
    summary = json.loads((folder / "run.json").read_text())
    with open(folder / "fct.csv", newline="") as file:
        flows = list(csv.DictReader(file))
    with h5py.File(folder / "run.h5") as file:
        assert file.attrs["complete"] == 1
        assert json.loads(file["summary"][()]) == summary
        assert file["flows/end_ps"][:].tolist() == [round(float(flow["finish_s"]) * 1e12) for flow in flows]
        queues, rates = file["queues"], file["rates"]
        assert queues["marks"][:].sum() == summary["marks"] > 0
        assert queues["max_bytes"][:].max() == summary["max_queue_bytes"]
        assert queues["paused_ps"][:].sum() * 1e-12 == pytest.approx(summary["paused_s"], rel=1e-9)
        assert (queues["paused_ps"][:].sum(axis=0) > 0).sum() == summary["paused_links"] > 0
        assert (queues["mean_bytes"][:] <= queues["max_bytes"][:]).all()
        names = queues["name"].asstr()[:].tolist()
        worst = summary["queues"][0]
        assert queues["mean_bytes"][:, names.index(worst["name"])].mean() == pytest.approx(worst["mean_bytes"], rel=1e-9)
        links = file["links/name"].asstr()[:]
        assert [links[link] for link in queues["link"][:]] == names
        arrived = np.bincount(rates["flow"][:], weights=rates["bytes"][:])
        assert arrived.tolist() == [int(flow["bytes"]) for flow in flows]
        assert rates["src"][:].tolist() == [int(flows[flow]["src"]) for flow in rates["flow"][:]]
        assert file["links/load"][:].sum() == pytest.approx(summary["packet_hops"] * (4096 + 82), rel=1e-9)


def test_the_terminal_names_the_worst_queue_and_the_picture_draws_it(incast):
    folder, text = incast
    summary = json.loads((folder / "run.json").read_text())
    assert f"{summary['pauses']:,} of {summary['paused_links']} links" in text
    assert summary["queues"][0]["name"] in text
    words = [element.text for element in xml.etree.ElementTree.parse(folder / "queues.svg").iter() if element.tag.endswith("text")]
    assert summary["queues"][0]["name"] in words
    assert {"median", "slowest tenth", "fastest tenth"} <= set(words)


def test_the_trace_does_not_change_the_result(incast):
    folder, _ = incast
    done = weftsim("traffic", *INCAST, *ROCE, "--json", "-", "--quiet")
    plain = json.loads(done.stdout)
    traced = json.loads((folder / "run.json").read_text())
    for key in ("signature", "marks", "pauses", "paused_s", "max_queue_bytes"):
        assert plain[key] == traced[key]
    assert plain["queues"] == []


def test_csv_tables_hold_queues_and_rates(incast, tmp_path):
    folder, _ = incast
    assert weftsim("export", folder / "run.h5", "--csv", tmp_path).code == 0
    with open(tmp_path / "queues.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    with h5py.File(folder / "run.h5") as file:
        assert max(float(row["max_bytes"]) for row in rows) == file["queues/max_bytes"][:].max()
        assert sum(float(row["marks"]) for row in rows) == file["queues/marks"][:].sum()
        with open(tmp_path / "rates.csv", newline="") as table:
            assert sum(int(row["bytes"]) for row in csv.DictReader(table)) == file["rates/bytes"][:].sum()


def test_a_training_step_has_them_too(tmp_path):
    (tmp_path / "small.yaml").write_text(json.dumps({**SMALL, "network": "packet"}))
    done = weftsim("run", tmp_path / "small.yaml", "--out", tmp_path / "run.h5", "--queues", tmp_path / "queues.svg", "--json", tmp_path / "run.json")
    assert done.code == 0, done.stderr
    stats = json.loads((tmp_path / "run.json").read_text())["network_stats"]
    with h5py.File(tmp_path / "run.h5") as file:
        assert file["queues/max_bytes"][:].max() == stats["max_queue_bytes"]
        crossed = (file["links/load"][:].sum(axis=0) > 0).sum()
        assert crossed > 0
        assert set(file["rates/flow"][:]) == {-1}
        assert (file["rates/src"][:] != file["rates/dst"][:]).all()
        assert file["rates/bytes"][:].sum() == pytest.approx(stats["bytes"], rel=1e-6)


def test_queues_are_those_of_packets(tmp_path):
    for verb, *rest in (["run", "quick"], ["traffic", "leaf-spine-16x16", "--pattern", "permutation"]):
        done = weftsim(verb, *rest, "--queues", tmp_path / "queues.svg")
        assert done.code == 2
        assert "--queues draws those of packets. Add --network packet" in done.stderr
    assert not (tmp_path / "queues.svg").exists()


def test_a_fluid_list_of_flows_has_flows_and_loads(tmp_path):
    done = weftsim("traffic", "leaf-spine-16x16", "--pattern", "permutation", "--trace", tmp_path / "run.h5", "--json", tmp_path / "run.json")
    assert done.code == 0, done.stderr
    summary = json.loads((tmp_path / "run.json").read_text())
    with h5py.File(tmp_path / "run.h5") as file:
        assert "queues" not in file
        assert len(file["flows/id"]) == summary["flows"]
        assert file["links/load"][:].sum() >= 2 * summary["bytes"] * (1 - 1e-9)

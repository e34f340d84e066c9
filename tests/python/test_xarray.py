"""Loads, queues and sweeps as labelled arrays, and what packets did as columns."""

import csv
import json
import pickle
import sys

import h5py
import numpy as np
import pytest
import weftsim
from conftest import SMALL
from weftsim._sweep_result import UNITS

xarray = pytest.importorskip("xarray")
MATRICES = ("mean_bytes", "max_bytes", "paused_ps", "marks", "drops")


@pytest.fixture(scope="module")
def packets():
    return weftsim.run(SMALL, network="packet")


# The command line writes the same run into a file: every column and matrix of it is the same here.
@pytest.fixture(scope="module")
def packet_file(tmp_path_factory):
    from conftest import weftsim as command

    folder = tmp_path_factory.mktemp("packets")
    (folder / "small.yaml").write_text(json.dumps(SMALL))
    done = command("run", folder / "small.yaml", "--network", "packet", "--out", folder / "run.h5")
    assert done.code == 0, done.stderr
    with h5py.File(folder / "run.h5") as file:
        yield file


def test_queues_and_rates_are_those_of_the_file(packets, packet_file):
    trace = packets.trace
    assert trace.queues.rows > 0 and trace.rates.rows > 0
    for name, table in (("queues", trace.queues), ("rates", trace.rates)):
        for column in table:
            stored = packet_file[name][column]
            stored = stored.asstr()[:] if stored.dtype.kind in "OS" else stored[:]
            assert (table[column] == stored).all(), column
    for name in MATRICES:
        assert (trace.queue_series[name] == packet_file["queues"][name][:]).all(), name
    assert trace.queue_bin_ps == packet_file["queues/max_bytes"].attrs["bin_width_ps"]
    assert trace.rate_bin_ps == packet_file["rates/bytes"].attrs["bin_width_ps"]
    assert trace.queue_series["max_bytes"].max() == packets.network_stats["max_queue_bytes"] > 0
    assert (trace.link_load == packet_file["links/load"][:]).all()


def test_queues_are_read_only_and_outlive_the_run():
    series = weftsim.run(SMALL, network="packet").trace.queue_series["max_bytes"]
    assert not series.flags.owndata and series.max() > 0
    with pytest.raises(ValueError, match="read-only"):
        series[0, 0] = 1


def test_queues_and_rates_as_pandas(packets):
    assert list(packets.trace.to_pandas("queues").columns) == ["link", "name", "src", "dst", "capacity_Bps"]
    assert packets.trace.to_pandas("rates")["bytes"].sum() == packets.trace.rates["bytes"].sum() > 0


def test_a_fluid_run_has_no_queues():
    trace = weftsim.run(SMALL).trace
    assert (trace.queues.rows, trace.rates.rows) == (0, 0)
    assert trace.to_xarray("queues").sizes == {"time": 0, "queue": 0}


# No link carries more than its capacity, but a packet of 4,096 bytes and 82 of headers counts whole where its transmission begins.
def test_link_load_is_labelled(packets):
    for trace, overhang in ((packets.trace, 4096 + 82), (weftsim.run(SMALL).trace, 1)):
        load = trace.to_xarray()
        assert load.dims == ("time", "link")
        assert (load.name, load.attrs["units"]) == ("load", "byte")
        assert (load.values == trace.link_load).all() and load.sum() > 0
        assert np.shares_memory(load.values, trace.link_load)
        assert load.time.attrs["units"] == "s" and load.capacity_Bps.attrs["units"] == "byte s-1"
        assert load.time[0] == 0
        assert np.diff(load.time) == pytest.approx(load.attrs["bin_width_ps"] * 1e-12)
        busiest = load.isel(link=int(load.sum("time").argmax("link")))
        row = int(np.flatnonzero(trace.links["name"] == str(busiest.link.item()))[0])
        assert busiest.capacity_Bps == trace.links["capacity_Bps"][row]
        assert (load <= load.capacity_Bps * load.attrs["bin_width_ps"] * 1e-12 + overhang).all()


def test_queues_are_labelled(packets):
    queues = packets.trace.to_xarray("queues")
    assert set(queues.data_vars) == set(MATRICES)
    assert queues.paused_ps.attrs["units"] == "ps" and queues.mean_bytes.attrs["units"] == "byte"
    worst = packets.network_stats["queues"][0]
    assert queues.mean_bytes.sel(queue=worst["name"]).mean() == pytest.approx(worst["mean_bytes"], rel=1e-9)
    links = packets.trace.links["name"][queues.link.values]
    assert list(links) == list(queues.queue.values)
    assert pickle.loads(pickle.dumps(packets)).trace.to_xarray("queues").equals(queues)


def test_unknown_table_says_what_is_known(packets):
    with pytest.raises(ValueError, match="no table over time 'ops' .known: links, queues"):
        packets.trace.to_xarray("ops")


@pytest.mark.parametrize("package", ["xarray", "pandas"])
def test_a_missing_package_is_named(monkeypatch, packets, package):
    monkeypatch.setitem(sys.modules, package, None)
    ask = packets.trace.to_xarray if package == "xarray" else packets.trace.to_pandas
    with pytest.raises(ModuleNotFoundError, match=f"needs the package {package}, which is not installed. Install it: pip install {package}"):
        ask()


AXES = {
    "workload.micro_batch": [4, 1, 3],
    "speed": {"key": "cluster.fabric.link.bandwidth", "values": ["200 Gb/s", "100 Gb/s"]},
}


def swept(out, **keys):
    return weftsim.sweep({"schema": "weftsim-sweep/1", "base": SMALL | {"network": "analytic"}, "axes": AXES} | keys, out)


# 3 does not divide the batch of 16: its points are no scenarios.
def test_a_sweep_lies_over_its_axes(tmp_path):
    done = swept(tmp_path / "out")
    table = done.to_xarray()
    assert dict(table.sizes) == {"workload.micro_batch": 3, "speed": 2}
    assert table["workload.micro_batch"].values.tolist() == [4, 1, 3]  # numbers, in the order of the file
    assert table.speed.values.tolist() == ["200 Gb/s", "100 Gb/s"]
    with open(tmp_path / "out" / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    for row in rows:
        point = table.sel({"workload.micro_batch": int(row["workload.micro_batch"]), "speed": row["speed"]})
        assert (point.status, point.signature, point.point) == (row["status"], row["signature"], int(row["point"]))
        if row["status"] == "ok":
            assert point.step_time_s == float(row["step_time_s"])
        else:
            assert row["workload.micro_batch"] == "3" and np.isnan(point.step_time_s) and "micro_batch" in str(point.reason.values)
    assert float(table.step_time_s.sel({"workload.micro_batch": 1, "speed": "100 Gb/s"})) == weftsim.run(
        SMALL, network="analytic", overrides={"cluster.fabric.link.bandwidth": "100 Gb/s"}, trace="none"
    ).step_time_s


def test_units_are_those_of_the_file(tmp_path):
    done = swept(tmp_path / "out")
    table = done.to_xarray()
    assert list(done.to_pandas().columns) == ["point", *AXES, *UNITS]
    with h5py.File(done["results"]["h5"]) as file:
        for name, unit in UNITS.items():
            stored = file["points"][name].attrs.get("units", "") if unit else ""
            assert table[name].attrs.get("units", "") == stored, name


def test_a_sample_lies_along_its_points(tmp_path):
    table = swept(tmp_path / "out", sample={"count": 4, "seed": 1}).to_xarray()
    assert dict(table.sizes) == {"point": 4}
    assert set(table["workload.micro_batch"].values) <= {4, 1, 3}
    assert table.speed.dims == ("point",)


def test_a_finished_sweep_is_opened_by_resume(tmp_path):
    done = swept(tmp_path / "out")
    again = weftsim.sweep({"schema": "weftsim-sweep/1", "base": SMALL | {"network": "analytic"}, "axes": AXES}, tmp_path / "out", resume=True)
    assert again["reused"] == done["ok"] == 4
    assert again.to_xarray().equals(done.to_xarray())

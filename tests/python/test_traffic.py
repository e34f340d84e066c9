"""`weftsim.traffic` and `weftsim.validate`: what the command line says, as Python."""

import json

import h5py
import numpy as np
import pandas
import pytest
import weftsim as package
from conftest import weftsim

FLOWS = {"id": ["a", "b", "c"], "src": [0, 1, 2], "dst": [9, 9, 3], "bytes": [4_096_000, 8_192_000, 0], "start_s": [0, 1e-3, 0]}
FABRIC = "leaf-spine-16x16"


def test_a_pattern_gives_what_the_command_line_gives(tmp_path):
    result = package.traffic(FABRIC, pattern="incast", senders=8, size="2 MiB", network="packet", overrides={"cluster.fabric.transport": "roce"})
    done = weftsim("traffic", FABRIC, "--pattern", "incast", "--senders", 8, "--size", "2 MiB", "--network", "packet", "--set",
                   "cluster.fabric.transport=roce", "--trace", tmp_path / "run.h5", "--json", tmp_path / "run.json", "--quiet")
    assert done.code == 0, done.stderr
    said = json.loads((tmp_path / "run.json").read_text())
    for key in ("signature", "makespan_s", "mean_fct_s", "packet_hops", "marks", "pauses", "queues"):
        assert getattr(result, key) == said[key], key
    with h5py.File(tmp_path / "run.h5") as file:
        for name in ("src", "dst", "bytes", "start_ps", "end_ps"):
            assert np.array_equal(result.trace.flows[name], file["flows"][name][:]), name
        assert np.array_equal(result.trace.link_load, file["links/load"][:])
        assert np.array_equal(result.trace.queue_series["max_bytes"], file["queues/max_bytes"][:])
        assert np.array_equal(result.trace.rates["bytes"], file["rates/bytes"][:])


@pytest.mark.parametrize("kind", ["file", "dict", "frame"])
def test_flows_come_as_a_file_a_dict_or_a_frame(kind, tmp_path):
    frame = pandas.DataFrame(FLOWS)
    frame.to_csv(tmp_path / "flows.csv", index=False)
    flows = {"file": tmp_path / "flows.csv", "dict": FLOWS, "frame": frame}[kind]
    result = package.traffic(FABRIC, flows)
    assert result.flows == 3
    assert result.trace.flows["bytes"].tolist() == FLOWS["bytes"]
    # 400 Gb/s, and 80 ns in which a and b could meet are long gone.
    seconds = (result.trace.flows["end_ps"] - result.trace.flows["start_ps"]) * 1e-12
    assert seconds[:2] == pytest.approx(np.array(FLOWS["bytes"][:2]) / 50e9, rel=0.2)
    assert result.makespan_s == pytest.approx(result.trace.flows["end_ps"].max() * 1e-12, rel=1e-12)


def test_wrong_flows_are_named():
    with pytest.raises(package.InputError, match="dst"):
        package.traffic(FABRIC, {**FLOWS, "dst": [9, 9, 999]})
    with pytest.raises(package.InputError, match="size"):
        package.traffic(FABRIC, pattern="permutation", size="much")
    with pytest.raises(ValueError, match="either flows or a pattern"):
        package.traffic(FABRIC)


def test_what_progress_raises_ends_the_run():
    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        package.traffic(FABRIC, pattern="web-search", progress=stop)


def test_validate_gives_what_the_command_line_gives(tmp_path):
    said = package.validate(only="sc21-1*")
    assert weftsim("validate", "--only", "sc21-1*", "--json", tmp_path / "said.json", "--quiet").code == 0
    assert said == json.loads((tmp_path / "said.json").read_text())
    assert all(row["error"] == pytest.approx(row["predicted"] / row["measured"] - 1) for row in said["rows"])
    with pytest.raises(package.InputError):
        package.validate(data=tmp_path)

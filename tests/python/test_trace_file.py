"""The HDF5 trace opens with h5py and pandas, also while weftsim's own HDF5 is loaded."""

import json

import h5py
import numpy as np
import pandas
import pytest
import weftsim as package
from conftest import weftsim

OPS = "job rank stream kind name layer micro_batch start_ps end_ps bytes flops".split()
FLOWS = "id src dst bytes start_ps end_ps cause".split()
RANKS = "rank gpu host tp pp dp cp ep".split()


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    from conftest import SMALL

    folder = tmp_path_factory.mktemp("trace")
    (folder / "small.yaml").write_text(json.dumps(SMALL))
    done = weftsim("run", folder / "small.yaml", "--out", folder / "run.h5", "--trace", "ops", "--no-fold")
    assert done.code == 0, done.stderr
    assert [path.name for path in folder.glob("run.h5*")] == ["run.h5"]
    with h5py.File(folder / "run.h5") as file:
        yield file


def test_root_attributes(trace):
    assert trace.attrs["schema"] == "weftsim/1"
    assert trace.attrs["weftsim_version"] == package.__version__
    assert trace.attrs["network"] == "fluid"
    assert "weftsim/1" in trace.attrs["scenario_yaml"]
    assert int(trace.attrs["seed"]) >= 0
    assert trace.attrs["complete"]


@pytest.mark.parametrize(("group", "columns"), [("ops", OPS), ("flows", FLOWS), ("ranks", RANKS)])
def test_columns_have_one_length_and_units(trace, group, columns):
    assert set(columns) <= set(trace[group])
    assert len({trace[group][name].shape for name in columns}) == 1
    assert all("units" in trace[group][name].attrs for name in columns)


def test_summary_says_the_step_time_and_breakdown(trace):
    summary = json.loads(trace["summary"][()])
    assert sum(summary["breakdown_s"].values()) == pytest.approx(summary["step_time_s"], rel=1e-9)


def test_ranks_are_a_grid(trace):
    ranks = pandas.DataFrame({name: trace["ranks"][name][:] for name in RANKS})
    assert (ranks["rank"] == np.arange(16)).all()
    assert (ranks["host"] == ranks["gpu"] // 8).all()
    assert not ranks.duplicated(["tp", "pp", "dp", "cp", "ep"]).any()


def test_links_carry_what_the_load_says(trace):
    links = trace["links"]
    assert links["load"].shape[1] == len(links["id"])
    assert (links["load"][:] >= 0).all()


def test_file_and_module_hold_the_same_trace(trace, small):
    in_memory = package.run(small, fold=False).trace.ops
    for name in ("rank", "start_ps", "end_ps", "bytes"):
        assert (trace["ops"][name][:] == in_memory[name]).all()


def test_uncompressed_rows_are_the_same(tmp_path):
    from conftest import SMALL

    (tmp_path / "small.yaml").write_text(json.dumps(SMALL))
    for name, flags in (("packed.h5", []), ("plain.h5", ["--uncompressed"])):
        assert weftsim("run", tmp_path / "small.yaml", "--out", tmp_path / name, *flags, "--quiet").code == 0
    with h5py.File(tmp_path / "packed.h5") as packed, h5py.File(tmp_path / "plain.h5") as plain:
        assert packed["ops/start_ps"].compression == "gzip"
        assert plain["ops/start_ps"].compression is None
        for group in ("ops", "flows", "memory"):
            for column in packed[group]:
                assert np.array_equal(packed[group][column][:], plain[group][column][:]), column
        assert np.array_equal(packed["links/load"][:], plain["links/load"][:])

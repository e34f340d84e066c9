"""weftsim.run: the summary as attributes, the trace as NumPy columns."""

import gc
import json
import os
import signal
import threading
import time

import numpy as np
import pytest
import weftsim

BREAKDOWN = {"compute", "tp_comm", "cp_comm", "ep_comm", "pp_comm", "dp_comm", "pp_bubble", "optimizer", "host", "other"}


@pytest.fixture(scope="module")
def result():
    from conftest import SMALL

    return weftsim.run(SMALL, fold=False)


def test_summary_keys_are_attributes(result):
    assert result.name == "small"
    assert result.gpus == 16
    assert result.version == weftsim.__version__
    assert 0 < result.step_time_s < 10
    assert 0 < result.mfu <= result.hfu < 1
    assert result.memory_per_gpu_bytes["fits"] is True
    assert [job["step_time_s"] for job in result.jobs] == [result.step_time_s]


def test_unknown_attribute_says_what_is_known(result):
    with pytest.raises(AttributeError, match="step_time_s"):
        result.step_time


def test_breakdown_sums_to_the_step_time(result):
    assert BREAKDOWN <= result.breakdown_s.keys()
    assert sum(result.breakdown_s.values()) == pytest.approx(result.step_time_s, rel=1e-9)
    assert min(result.breakdown_s.values()) >= 0


def test_to_json_is_the_summary(result):
    assert json.loads(result.to_json()) == result.summary


def test_mfu_is_model_flops_over_peak(result):
    per_gpu = result.model_flops_per_step / result.step_time_s / result.gpus
    assert result.model_tflops_per_gpu == pytest.approx(per_gpu / 1e12)
    assert result.mfu == pytest.approx(per_gpu / 312e12)  # A100, dense bf16


def test_columns_of_a_table_have_one_length(result):
    trace = result.trace
    for table in (trace.ops, trace.flows, trace.memory, trace.ranks, trace.links):
        assert {len(column) for column in table.values()} == {table.rows}
    assert result.trace.ops.rows > 0


def test_operations_lie_within_the_run(result):
    ops = result.trace.ops
    assert (ops["start_ps"] >= 0).all()
    assert (ops["end_ps"] >= ops["start_ps"]).all()
    assert ops["end_ps"].max() == pytest.approx(sum(result.steps_s) * 1e12, rel=1e-9)


def test_every_rank_is_there_without_folding(result):
    assert set(np.unique(result.trace.ops["rank"])) == set(range(16))


# A stream does one thing at a time: sorted by start, each operation ends before the next begins.
def test_a_compute_stream_runs_one_operation_at_a_time(result):
    ops = result.trace.ops
    on_compute = ops["stream"] == ops.label_of("stream", "compute")
    for rank in np.unique(ops["rank"]):
        rows = np.flatnonzero(on_compute & (ops["rank"] == rank))
        rows = rows[np.argsort(ops["start_ps"][rows], kind="stable")]
        assert (ops["end_ps"][rows][:-1] <= ops["start_ps"][rows][1:]).all()


# Kernels are what the categories compute and optimizer count.
def test_kernels_of_the_full_trace_add_up_to_the_breakdown(small):
    result = weftsim.run(small, fold=False, trace="full")
    ops = result.trace.ops
    kernels = ops["kind"] == ops.label_of("kind", "kernel")
    seconds = (ops["end_ps"] - ops["start_ps"])[kernels].sum() * 1e-12 / result.gpus
    assert seconds == pytest.approx(result.breakdown_s["compute"] + result.breakdown_s["optimizer"], rel=1e-9)
    flops = ops["flops"][kernels].sum()
    assert flops == pytest.approx(result.hardware_tflops_per_gpu * 1e12 * result.gpus * result.step_time_s, rel=1e-2)


def test_categories_have_labels(result):
    ops = result.trace.ops
    for name in ("stream", "kind", "name"):
        assert ops[name].max() < len(ops.labels[name])
    assert {"forward", "backward"} <= {ops.labels["kind"][kind] for kind in np.unique(ops["kind"])}


def test_flows_point_at_their_operation(result):
    flows = result.trace.flows
    assert (flows["cause"] >= -1).all()
    assert (flows["cause"] < result.trace.ops.rows).all()


def test_ranks_are_a_grid_also_when_folded(small):
    ranks = weftsim.run(small, fold=True).trace.ranks
    assert (ranks["rank"] == np.arange(16)).all()
    assert (ranks["host"] == ranks["gpu"] // 8).all()
    assert len(set(zip(ranks["tp"], ranks["pp"], ranks["dp"]))) == 16


# No link carries more than its capacity in any time bin.
def test_no_link_is_loaded_above_its_capacity(result):
    trace = result.trace
    assert trace.link_load.shape[1] == trace.links.rows > 0
    capacity = trace.links["capacity_Bps"] * trace.link_load_bin_ps * 1e-12
    assert (trace.link_load <= capacity * (1 + 1e-6)).all()
    assert trace.link_load.sum() > 0


def test_columns_are_read_only_views(result):
    start = result.trace.ops["start_ps"]
    assert not start.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        start[0] = 1


def test_a_column_outlives_its_result(small):
    column = weftsim.run(small).trace.ops["end_ps"]
    before = column.sum()
    gc.collect()
    assert column.sum() == before


def test_pandas_frame_has_the_columns(result):
    frame = result.trace.to_pandas("ops")
    assert list(frame.columns) == list(result.trace.ops)
    assert len(frame) == result.trace.ops.rows
    assert "forward" in set(frame["kind"])
    assert frame.groupby("rank")["flops"].sum().gt(0).all()


def test_unknown_table_says_what_is_known(result):
    with pytest.raises(ValueError, match="ops, flows, memory, ranks, links"):
        result.trace.to_pandas("op")


def test_same_input_same_signature(small):
    assert weftsim.run(small).signature == weftsim.run(small).signature


def test_folded_and_unfolded_agree_in_step_time(small, result):
    assert weftsim.run(small, fold=True).step_time_s == result.step_time_s


def test_no_trace_means_empty_tables(small):
    assert weftsim.run(small, trace="none").trace.ops.rows == 0


def test_network_and_overrides_replace_keys(small):
    result = weftsim.run(small, network="analytic", overrides={"workload.global_batch": 32, "name": "other"})
    assert result.network == "analytic"
    assert result.name == "other"
    assert result.tokens_per_s * result.step_time_s == pytest.approx(32 * 1024)


def test_path_and_dict_give_the_same(small, small_file):
    assert weftsim.run(small_file).signature == weftsim.run(small).signature


def test_progress_is_told_the_fraction_done(small):
    seen = []
    weftsim.run(small, progress=seen.append)
    assert all(0 <= fraction <= 1 for fraction in seen)
    assert seen == sorted(seen)


def test_what_progress_raises_ends_the_run(small):
    def stop(fraction):
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        weftsim.run(small, progress=stop, overrides={"workload.steps": 50})


def test_ctrl_c_stops_a_long_run(small):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell started the tests in the background
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        for _ in range(200):  # each is short: the signal comes in one of them or between two
            weftsim.run(small, fold=False, overrides={"workload.steps": 100}, trace="none")
    assert time.monotonic() - begin < 5


def test_catalogue_names_what_is_shipped():
    assert "gpt3-175b" in weftsim.list_models()
    assert "dgx-a100" in weftsim.list_hosts()
    assert "a100-sxm-80g" in weftsim.list_profiles()
    assert {"analytic", "fluid"} <= set(weftsim.list_networks())
    assert "sc21-145b" in weftsim.list_scenarios()

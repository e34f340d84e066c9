"""Wrong input becomes exceptions that say what to do."""

import pytest
import weftsim


def test_all_problems_of_a_dict_are_listed_at_once(small):
    small["cluster"]["fabric"]["bandwith"] = "200 Gb/s"
    small["workload"]["micro_batch"] = 0
    with pytest.raises(weftsim.InputError) as caught:
        weftsim.run(small)
    assert len(caught.value.problems) >= 2
    assert all(problem.startswith("<dict>") for problem in caught.value.problems)
    assert "bandwith" in str(caught.value)
    assert str(caught.value) == "\n".join(caught.value.problems)


def test_input_error_is_a_value_error():
    assert issubclass(weftsim.InputError, ValueError)
    assert issubclass(weftsim.SimulationError, RuntimeError)
    assert issubclass(weftsim.MachineError, RuntimeError)
    assert weftsim.InputError.__module__ == "weftsim"


def test_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(weftsim.InputError, match="nowhere.yaml"):
        weftsim.run(tmp_path / "nowhere.yaml")


def test_bare_number_where_a_unit_is_due(small):
    small["cluster"]["fabric"]["link"]["bandwidth"] = 200
    with pytest.raises(weftsim.InputError, match="unit"):
        weftsim.run(small)


def test_unknown_override_is_an_error(small):
    with pytest.raises(weftsim.InputError, match="paralel"):
        weftsim.run(small, overrides={"workload.paralel.tp": 2})


def test_unknown_network_names_the_known_ones(small):
    with pytest.raises(weftsim.InputError, match="fluid"):
        weftsim.run(small, network="fluit")


def test_unknown_trace_level_names_the_known_ones(small):
    with pytest.raises(ValueError, match="none, summary, ops, full"):
        weftsim.run(small, trace="everything")


# 30 layers of 16,384: about 100 billion parameters on 16 GPUs of 80 GiB.
def test_out_of_memory_stops_when_asked_to(small):
    small["on_oom"] = "error"
    small["workload"]["model"].update(layers=30, hidden=16384, heads=128, ffn_hidden=65536)
    with pytest.raises(weftsim.SimulationError, match="memory"):
        weftsim.run(small)

"""weftsim profile, and the built-in example on every device that ships."""

import xml.etree.ElementTree as ElementTree

import pytest
from conftest import ROOT, weftsim

CATALOGUE = weftsim("list", "--json", "-").json()


def test_show_is_the_profile_and_show_of_that_file_is_the_same(tmp_path):
    shown = weftsim("profile", "show", "h100-sxm", "--json", "-")
    copy = tmp_path / "copy.json"
    copy.write_text(shown.stdout)
    assert weftsim("profile", "show", copy, "--json", "-").stdout == shown.stdout
    assert "calibrated by measurements" in weftsim("profile", "show", "h100-sxm").stdout
    assert "NOT calibrated" in weftsim("profile", "show", "t4").stdout


def test_diff_names_fields_and_times_that_differ():
    difference = weftsim("profile", "diff", "a100-sxm-80g", "a800-sxm-80g", "--json", "-").json()
    fields = {entry["field"]: (entry["a"], entry["b"]) for entry in difference["fields"]}
    assert fields["/scale_up/bandwidth_Bps"] == (300e9, 200e9)
    assert "/multiprocessors" not in fields
    times = {entry["operation"]: entry["b_s"] / entry["a_s"] for entry in difference["operations"]}
    assert times["bf16 product 4096^3"] == 1
    assert times["all_reduce of 256 MiB, 8 ranks"] > 1.1


def test_plot_has_the_measured_points_and_the_surface(tmp_path):
    picture = tmp_path / "surface.svg"
    table = tmp_path / "gemm_h100-sxm.csv"
    table.write_text("dtype,m,n,k,time_us\nbf16,4096,4096,4096,210\nfp8,4096,4096,4096,140\n")
    done = weftsim("profile", "plot", "h100-sxm", "--data", tmp_path, "-o", picture, "--json", "-").json()
    assert done["measured_points"] == 2
    svg = picture.read_text()
    ElementTree.fromstring(svg)
    assert svg.count(": measured ") == 2  # tooltips


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (("profile", "paint", "t4"), "'paint' is no action. Write show, diff or plot."),
        (("profile", "diff", "t4"), "1 profiles are given, 2 wanted."),
        (("profile", "plot", "t4"), "no file is given for the picture. Write -o FILE.svg."),
        (("profile", "show", "h100"), "no shipped profile has this name"),
    ],
)
def test_wrong_input_is_said_in_a_sentence(arguments, sentence):
    done = weftsim(*arguments)
    assert done.code == 2
    assert sentence in done.stderr


@pytest.mark.parametrize(
    "old, new, sentence",
    [
        ('"vendor": "NVIDIA",\n', "", "vendor: this key is missing. Add it."),
        ('"multiprocessors": 132', '"multiprocessors": NaN', "this is no JSON"),
        ("weftsim-device/2", "weftsim-device/3", "is newer than this program"),
    ],
)
def test_a_damaged_profile_is_refused_with_advice(tmp_path, old, new, sentence):
    text = weftsim("profile", "show", "h100-sxm", "--json", "-").stdout
    assert old in text
    damaged = tmp_path / "damaged.json"
    damaged.write_text(text.replace(old, new, 1))
    done = weftsim("profile", "show", damaged)
    assert done.code == 2
    assert sentence in done.stderr and "damaged.json" in done.stderr


@pytest.mark.parametrize("device", CATALOGUE["profiles"])
def test_the_built_in_example_runs_on_every_device(device):
    summary = weftsim("run", "--set", f"cluster.accelerator={device}", "--json", "-").json()
    low, high = summary["step_time_interval_s"]
    assert low < summary["step_time_s"] < high
    assert CATALOGUE["calibrated"][device] != summary["outside_calibrated_range"]
    width = (high / low) ** 0.5
    assert width < 1.2 if CATALOGUE["calibrated"][device] else width > 1.1


def test_the_documents_name_every_device():
    text = (ROOT / "docs" / "profiles.md").read_text()
    assert [name for name in CATALOGUE["profiles"] if f"`{name}`" not in text] == []

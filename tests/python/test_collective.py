"""`weftsim collective` and weftsim.collective."""

import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from conftest import ROOT, weftsim

import weftsim as package


def rows_of(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if not line.startswith("#")]


def test_table_has_the_columns_of_nccl_tests(small_file):
    rows = rows_of(weftsim("collective", small_file, "--op", "all_gather", "--min", "1K", "--max", "1M", "--factor", "4").stdout)
    assert [int(row[0]) for row in rows] == [4**k * 1024 for k in range(6)]
    assert all(len(row) == 13 and row[2:5] == ["bfloat16", "none", "-1"] for row in rows)


def test_python_and_command_line_say_the_same(small_file, small):
    options = ("--op", "reduce_scatter", "--max", "64M", "--ranks", "8", "--dtype", "fp32", "--algo", "ring", "--proto", "simple")
    printed = weftsim("collective", small_file, *options, "--json", "-").json()
    called = package.collective(small, "reduce_scatter", max="64M", ranks=8, dtype="fp32", algo="ring", proto="simple")
    assert called == printed
    assert all((row["algorithm"], row["protocol"]) == ("Ring", "Simple") for row in called["rows"])


def test_plot(small_file, tmp_path):
    measured = tmp_path / "measured.csv"
    measured.write_text("set,gpu_type,n_gpus,n_nodes,op,message_bytes,time_us\nlab <1>,A100_SXM4_80GB,8,1,all_reduce,1048576,60\n")
    plot = tmp_path / "busbw.svg"
    done = weftsim("collective", small_file, "--ranks", "8", "--measured", measured, "--plot", plot)
    assert done.code == 0
    picture = ElementTree.parse(plot).getroot()
    tooltips = [title.text for title in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert any(text.startswith("lab <1>, 1.049 MB: 60 us") for text in tooltips)
    assert len(tooltips) == 31 + 1


def ring(ranks):
    """A ring all-gather, as a function gives it."""
    for k in range(ranks - 1):
        for rank in range(ranks):
            yield k, rank, (rank + 1) % ranks, (rank - k) % ranks


def test_own_collective_of_a_function_is_that_of_a_file(small, small_file, tmp_path):
    file = tmp_path / "ring.txt"
    file.write_text("op all_gather\nranks 4\nchunks 4\n" + "".join(f"{k} {a} -> {b} {c}\n" for k, a, b, c in ring(4)))
    of_function = package.collective(small, "all_gather", ranks=4, custom=ring, max="1M")
    assert of_function == package.collective(small, "all_gather", custom=file, max="1M")
    assert of_function == weftsim("collective", small_file, "--custom", file, "--max", "1M", "--json", "-").json()
    built_in = package.collective(small, "all_gather", ranks=4, steps="ring", max="1M")
    assert [row["time_s"] for row in of_function["rows"]] == [row["time_s"] for row in built_in["rows"]]


def test_own_collective_is_checked_before_it_is_timed(small):
    def forgetful(ranks):
        return list(ring(ranks))[:-1]

    with pytest.raises(package.InputError, match=r"^<forgetful>:14: all_gather: rank 0 lacks rank 1's part of chunk 1 after step 2"):
        package.collective(small, "all_gather", ranks=4, custom=forgetful)
    with pytest.raises(ValueError, match="Give ranks=N"):
        package.collective(small, "all_gather", custom=ring)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--max", "8X"), "--max: '8X' is no size"),
        (("--ranks", "17"), "--ranks: 17 ranks, but the cluster has 16 GPUs. Use from 1 to 16."),
        (("--algo", "rong"), "--algo: 'rong' is not known"),
        (("--steps", "pat"), "'pat' is no algorithm for all_reduce"),
        (("--steps", "ring", "--algo", "ring"), "Keep one kind"),
        (("--measured", "x.csv"), "--measured belongs to --plot"),
    ],
)
def test_what_is_wrong_is_said(small_file, options, message):
    done = weftsim("collective", small_file, *options)
    assert done.code == 2
    assert message in done.stderr


def test_a_cluster_alone_will_do(small, tmp_path):
    del small["workload"]
    file = tmp_path / "cluster.yaml"
    file.write_text(json.dumps(small))
    assert weftsim("collective", file, "--max", "1K", "--op", "all_to_all").code == 0


def test_example_of_the_guide(tmp_path):
    guide = (ROOT / "docs" / "custom-collectives.md").read_text()
    file = tmp_path / "ring.txt"
    file.write_text(re.search(r"```\n(# A ring all-reduce.*?)```", guide, re.DOTALL)[1])
    assert weftsim("collective", "sc21-145b", "--custom", file, "--max", "1K").code == 0
    file.write_text(file.read_text().replace("3   2 -> 0   2\n", ""))
    assert weftsim("collective", "sc21-145b", "--custom", file).stderr.split("ring.txt", 1)[1] in guide

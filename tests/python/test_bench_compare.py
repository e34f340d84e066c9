"""tools/bench_compare: ratios between two files that `make bench` wrote."""
import json
import subprocess
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "bench_compare"


def write(path, rows, machine="cpu"):
    keys = ("what", "size", "value", "unit")
    run = {"version": "1", "commit": path.stem, "machine": machine, "cores": 2, "rows": [dict(zip(keys, row)) for row in rows]}
    path.write_text(json.dumps(run))
    return str(path)


def compare(*paths):
    return subprocess.run([TOOL, *paths], capture_output=True, text=True)


# Twice the rate is twice as good, twice the time half as good; what only one file has is counted, not compared.
def test_more_a_second_and_less_time_are_better(tmp_path):
    before = write(tmp_path / "a.json", [("flows", "n", 100, "flows/s"), ("solve", "n", 10, "ms"), ("gone", "n", 1, "B")])
    after = write(tmp_path / "b.json", [("flows", "n", 200, "flows/s"), ("solve", "n", 20, "ms")])
    lines = compare(before, after).stdout.splitlines()
    ratio = {line.split()[0]: line.split()[-1] for line in lines if line.startswith(("flows", "solve", "gone"))}
    assert ratio == {"flows": "2.00", "solve": "0.50"}
    assert lines[-1] == "measured only before: 1, only after: 0"


def test_two_machines_are_called_two_machines(tmp_path):
    rows = [("flows", "n", 100, "flows/s")]
    assert "Two different machines" in compare(write(tmp_path / "a.json", rows), write(tmp_path / "b.json", rows, "other")).stdout


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "a.json").write_text("speed")
    result = compare(str(tmp_path / "a.json"), str(tmp_path / "a.json"))
    assert result.returncode == 1
    assert "cannot be read" in result.stderr and "make bench" in result.stderr

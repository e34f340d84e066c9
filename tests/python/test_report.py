"""`weftsim report`: the numbers of the page are those of the files, and a browser shows them."""

import csv
import json
import re
import shutil
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import SMALL, weftsim


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """sweep/results.h5 with a wrong point and names that HTML would take for its own; run.h5."""
    folder = tmp_path_factory.mktemp("report")
    axes = {
        "workload.parallel.tp": [1, 2, 4],
        "net": {"zip": {"cluster.fabric.oversubscription": [1, 4], "cluster.fabric.radix": [40, 40]}, "labels": ["</script><b>1:1", "4:1 & \"more\""]},
        "workload.global_batch": [16, 18],
    }
    (folder / "sweep.yaml").write_text(json.dumps({"schema": "weftsim-sweep/1", "base": SMALL, "axes": axes}))
    (folder / "run.yaml").write_text(json.dumps(SMALL))
    assert weftsim("sweep", folder / "sweep.yaml", "--out", folder / "sweep", "--quiet").code == 5
    assert weftsim("run", folder / "run.yaml", "--out", folder / "run.h5", "--quiet").code == 0
    return folder


def data_of(page: Path) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.DOTALL)[1])


def test_the_page_of_a_sweep_holds_its_table(files, tmp_path):
    page = tmp_path / "page.html"
    done = weftsim("report", files / "sweep" / "results.csv", "-o", page)
    assert (done.code, done.stdout) == (0, f"wrote {page}\n"), done.stderr
    [sweep] = data_of(page)["sweeps"]
    with open(files / "sweep" / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(sweep["axes"]) == ["workload.parallel.tp", "net", "workload.global_batch"]
    for axis, labels in sweep["axes"].items():
        assert labels == [row[axis] for row in rows]
    assert sweep["status"] == [row["status"] for row in rows]
    assert sweep["reason"] == [row["reason"] for row in rows]
    for name, values in sweep["figures"].items():
        assert values == [float(row[name]) if row[name] else None for row in rows], name
    for p, row in enumerate(rows):
        parts = [values[p] for values in sweep["breakdown_s"].values()]
        if row["status"] == "ok":
            assert sum(parts) == pytest.approx(float(row["step_time_s"]), rel=1e-9)
        else:
            assert set(parts) == {None}


def test_the_page_of_a_run_holds_its_summary_and_its_last_step(files, tmp_path):
    page = tmp_path / "page.html"
    assert weftsim("report", files / "run.h5", "-o", page, "--quiet").code == 0
    [run] = data_of(page)["runs"]
    with h5py.File(files / "run.h5") as file:
        assert run["summary"] == json.loads(file["summary"][()])
        load, capacity = file["links/load"][:], file["links/capacity_Bps"][:]
        share = load / (capacity * file["links/load"].attrs["bin_width_ps"] * 1e-12)
        kinds = [file["links/kind"].attrs["labels"][i] for i in file["links/kind"][:]]
        peak = {rank: int(file["memory/bytes"][:][file["memory/rank"][:] == rank].max()) for rank in set(file["memory/rank"][:])}
        ops, labels = file["ops"], list(file["ops/kind"].attrs["labels"])
        drawn = {"forward", "backward", "recompute", "optimizer", "dp_collective"}
        first_rank = int(ops["rank"][:].min())
        passes = [labels[k] for k, rank in zip(ops["kind"][:], ops["rank"][:]) if rank == first_rank and labels[k] in drawn]
    assert {rank["rank"]: rank["bytes"] for rank in run["memory"]} == peak
    over_time = run["memory_over_time"]
    assert sorted(curve["stage"] for curve in over_time["ranks"]) == sorted({rank["stage"] for rank in run["memory"]})
    for curve in over_time["ranks"]:
        assert max(curve["bytes"]) == peak[curve["rank"]]
        assert peak[curve["rank"]] == max(rank["bytes"] for rank in run["memory"] if rank["stage"] == curve["stage"])
        assert min(curve["bytes"]) >= 0
    for kind in run["links"]["kinds"]:
        mine = [i for i, name in enumerate(kinds) if name == kind["kind"]]
        assert kind["links"] == len(mine)
        assert kind["peak"] == pytest.approx(share[:, mine].max(), rel=1e-12)
        assert kind["over_time"] == pytest.approx(share[:, mine].mean(axis=1), rel=1e-9)
    lines = run["links"]["drawing"]["lines"]
    assert sum(line["links"] for line in lines) == sum(kind not in ("scale_up", "pcie") for kind in kinds)
    outside = [i for i, kind in enumerate(kinds) if kind not in ("scale_up", "pcie")]
    assert max(line["peak"] for line in lines) == pytest.approx(np.max(share[:, outside]), rel=1e-12)
    timeline = run["timeline"]
    assert [row["stage"] for row in timeline["rows"]] == [0, 1]
    assert sorted(box[1] for box in timeline["boxes"] if box[0] == 0) == sorted(passes)
    assert max(box[5] for box in timeline["boxes"]) == pytest.approx(timeline["seconds"], rel=1e-9)
    assert timeline["seconds"] == run["summary"]["steps_s"][-1]


def test_several_files_make_one_page(files, tmp_path):
    page = tmp_path / "page.html"
    assert weftsim("report", files / "run.h5", files / "sweep" / "results.h5", "-o", page).code == 0
    data = data_of(page)
    assert (len(data["runs"]), len(data["sweeps"]), data["title"]) == (1, 1, "run, sweep")


# Nothing of it is fetched from anywhere.
def test_the_page_stands_alone(files, tmp_path):
    page = tmp_path / "page.html"
    assert weftsim("report", files / "run.h5", "-o", page).code == 0
    form = re.sub(r'<script type="application/json".*?</script>', "", page.read_text(), flags=re.DOTALL).replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|src=|@import|url\(", form)


def test_wrong_files(files, tmp_path):
    done = weftsim("report", files / "sweep.yaml")
    assert done.code == 2 and "cannot be opened as HDF5" in done.stderr
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    done = weftsim("report", tmp_path / "empty.h5")
    assert done.code == 2 and "is no trace that is whole, and no results of a sweep" in done.stderr
    shutil.copy(files / "sweep" / "results.h5", tmp_path / "short.h5")
    with h5py.File(tmp_path / "short.h5", "r+") as file:
        file["points/mfu"].resize((3,))
    done = weftsim("report", tmp_path / "short.h5")
    assert done.code == 2 and "mfu has 3 rows where 12 are due" in done.stderr
    shutil.copy(files / "run.h5", tmp_path / "code.h5")
    with h5py.File(tmp_path / "code.h5", "r+") as file:
        file["ops/kind"][0] = 200
    done = weftsim("report", tmp_path / "code.h5")
    assert done.code == 2 and "/ops/kind has 200, which has no label" in done.stderr
    done = weftsim("report")
    assert (done.code, done.stderr) == (2, "weftsim report: FILE is missing. See 'weftsim report --help'.\n")


# ---- in a browser

CHECK = """<script>
const say = {errors: []};
addEventListener("error", event => say.errors.push(event.message));
addEventListener("load", () => {
  try { (%s)(say); } catch (error) { say.errors.push(String(error)); }
  const out = document.createElement("pre");
  out.id = "said";
  out.textContent = JSON.stringify(say);
  document.body.append(out);
});
</script>"""


@pytest.fixture
def browser():
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not found:
        pytest.skip("there is no Chromium here to look at pages with (Debian: chromium)")

    def ask(page: Path, script: str) -> dict:
        """What `script`, a function of an object, says about the page once that is shown."""
        page.write_text(page.read_text().replace("<head>", "<head>" + CHECK % script, 1))
        done = subprocess.run([found, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={page.parent}/profile", "--dump-dom", page.as_uri()],
                              capture_output=True, text=True, timeout=120, check=False)
        said = re.search(r'<pre id="said">(.*?)</pre>', done.stdout, re.DOTALL)
        assert said, done.stderr[-2000:]
        said = json.loads(said[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
        assert said["errors"] == []
        return said

    return ask


LOOK_AT_SWEEP = """say => {
  const rows = () => [...document.querySelectorAll("#points tbody tr")].map(row => Object.fromEntries([...row.cells].filter(cell => cell.dataset.column).map(cell => [cell.dataset.column, cell.dataset.value])));
  say.rows = rows();
  document.querySelector("#points th[data-column=step_time_s]").click();
  say.ascending = rows().map(row => row.step_time_s);
  document.querySelector("#points th[data-column=step_time_s]").click();
  say.descending = rows().map(row => row.step_time_s);
  say.curves = document.querySelectorAll("#curves circle").length;
  say.curveAxes = [...document.querySelectorAll("#curve-x option")].map(option => option.value);
  say.front = document.querySelectorAll("#pareto circle.front").length;
  [...document.querySelectorAll(".chip")].find(chip => chip.textContent === "4").click();
  say.filtered = rows().map(row => row["workload.parallel.tp"]);
  const words = document.querySelector("#words");
  words.value = "more";
  words.dispatchEvent(new Event("input"));
  say.found = rows().length;
  say.bold = document.querySelectorAll("#page td b").length;
}"""


def test_a_browser_shows_sorts_and_filters_a_sweep(files, tmp_path, browser):
    page = tmp_path / "page.html"
    assert weftsim("report", files / "sweep" / "results.h5", "-o", page).code == 0
    said = browser(page, LOOK_AT_SWEEP)
    with open(files / "sweep" / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(said["rows"]) == len(rows) == 12
    for row, seen in zip(rows, said["rows"]):
        for column in ("point", "workload.parallel.tp", "net", "status"):
            assert seen[column] == row[column]
        for column in ("step_time_s", "tokens_per_s", "mfu", "memory_bytes", "switches"):
            assert (float(seen[column]) if seen[column] else None) == (float(row[column]) if row[column] else None)
    ok = sorted(float(row["step_time_s"]) for row in rows if row["status"] == "ok")
    assert [float(step) for step in said["ascending"] if step] == ok
    assert [float(step) for step in said["descending"] if step] == ok[::-1]
    assert said["ascending"][-1] == said["descending"][-1] == ""  # what has no result comes last
    assert said["curves"] == len(ok) and said["front"] >= 1
    assert said["curveAxes"] == ["workload.parallel.tp", "net", "workload.global_batch"]
    assert sorted(said["filtered"]) == list("11112222") and said["found"] == 4
    assert said["bold"] == 0  # labels are text


LOOK_AT_RUN = """say => {
  say.sections = [...document.querySelectorAll("article section")].map(section => section.className);
  say.step = document.querySelector(".tile b").dataset.value;
  say.bars = [...document.querySelectorAll("section.breakdown rect")].map(bar => bar.dataset.value);
  const boxes = () => document.querySelectorAll("section.timeline rect.box").length;
  say.boxes = boxes();
  const picture = document.querySelector("svg.zoom"), place = picture.getBoundingClientRect();
  for (let i = 0; i < 8; ++i) picture.dispatchEvent(new WheelEvent("wheel", {deltaY: -300, clientX: place.left + place.width / 2, clientY: place.top + 9, cancelable: true}));
  say.zoomed = boxes();
  picture.dispatchEvent(new MouseEvent("dblclick"));
  say.whole = boxes();
  say.links = document.querySelectorAll("section.fabric line.link").length;
  say.parts = Object.fromEntries([...document.querySelectorAll("section.bill tr")].map(row => [row.cells[0].textContent, row.cells[1].dataset.value]));
}"""


def test_a_browser_shows_flows_with_their_queues(tmp_path, browser):
    sets = ["--set", "network=packet", "--set", "cluster.fabric.transport=roce"]
    done = weftsim("traffic", "leaf-spine-16x16", "--pattern", "incast", *sets, "--trace", tmp_path / "run.h5", "--quiet")
    assert done.code == 0, done.stderr
    page = tmp_path / "page.html"
    assert weftsim("report", tmp_path / "run.h5", "-o", page).code == 0
    [flows] = data_of(page)["traffic"]
    said = browser(page, """say => {
      say.sections = [...document.querySelectorAll("article > section")].map(section => section.className);
      say.makespan = document.querySelector(".tile b").dataset.value;
      say.curves = ["queue", "still", "rate"].map(name => document.querySelectorAll(`polyline.${name}`).length);
    }""")
    assert said["sections"] == ["sizes", "fabric", "queues"]
    assert float(said["makespan"]) == flows["summary"]["makespan_s"]
    assert said["curves"] == [len(flows["queues"]["longest"]), 1, 3]
    with h5py.File(tmp_path / "run.h5") as file:
        assert max(flows["queues"]["longest"][0]["max_bytes"]) <= file["queues/max_bytes"][:].max()
        assert sum(flows["queues"]["standing_still"]) == pytest.approx(
            file["queues/paused_ps"][:].sum() / file["queues/paused_ps"].attrs["bin_width_ps"], rel=1e-9)


def test_a_browser_shows_a_run_and_zooms_its_pipeline(files, tmp_path, browser):
    page = tmp_path / "page.html"
    assert weftsim("report", files / "run.h5", "-o", page).code == 0
    said = browser(page, LOOK_AT_RUN)
    [run] = data_of(page)["runs"]
    assert said["sections"] == ["breakdown", "timeline", "fabric", "memory", "bill", "interval"]
    assert float(said["step"]) == run["summary"]["step_time_s"]
    assert [float(value) for value in said["bars"]] == [value for value in run["summary"]["breakdown_s"].values() if value > 0]
    assert 0 < said["zoomed"] < said["boxes"] == said["whole"]
    assert said["links"] == len(run["links"]["drawing"]["lines"])
    assert float(said["parts"]["switches, total"]) == run["summary"]["bill_of_materials"]["switches"]["total"]

"""Schedules and topologies of one's own, Model and Cluster."""

import pickle
import subprocess

import pytest
import weftsim
from conftest import ROOT, weftsim as command


def one_f_one_b(shape, stage):
    ahead = min(shape.stages - 1 - stage, shape.micro_batches)
    for m in range(ahead):
        yield "F", m
    for m in range(ahead, shape.micro_batches):
        yield "F", m
        yield "B", m - ahead
    for m in range(shape.micro_batches - ahead, shape.micro_batches):
        yield "B", m


def gpipe(shape, stage):
    for kind in "FB":
        for m in range(shape.micro_batches):
            yield kind, m


def interleaved(shape, stage):
    """As Megatron's: the steady state is slots of two passes."""
    group, total = shape.stages * shape.chunks, shape.micro_batches * shape.chunks

    def nth(kind, k):
        chunk = k % group // shape.stages
        return kind, k // group * shape.stages + k % shape.stages, chunk if kind == "F" else shape.chunks - 1 - chunk

    ahead = min(total, 2 * (shape.stages - 1 - stage) + (shape.chunks - 1) * shape.stages)
    yield from (nth("F", k) for k in range(ahead))
    yield from ([nth("F", k), nth("B", k - ahead)] for k in range(ahead, total))
    yield from (nth("B", k) for k in range(total - ahead, total))


@pytest.mark.parametrize("name, own, chunks", [("1f1b", one_f_one_b, 1), ("gpipe", gpipe, 1), ("interleaved", interleaved, 2)])
def test_an_own_schedule_is_the_built_in_one_when_it_says_the_same(small, name, own, chunks):
    job = weftsim.Scenario(small).changed({"workload.parallel.virtual_stages": chunks})
    want = weftsim.run(job.changed({"workload.schedule": name}), trace="none")
    got = weftsim.run(job.changed({"workload.schedule": own}), trace="none")
    assert got.signature == want.signature and got.memory_per_gpu_bytes == want.memory_per_gpu_bytes


def test_an_own_schedule_follows_the_other_keys(small):
    job = weftsim.Scenario(small).changed({"workload.schedule": one_f_one_b})
    for batch in (32, "32"):  # the table is made anew
        want = weftsim.run(small, overrides={"workload.global_batch": batch}, trace="none").signature
        assert weftsim.run(job, overrides={"workload.global_batch": batch}, trace="none").signature == want
    assert weftsim.run(small, overrides={"workload.schedule": gpipe}, trace="none").signature != want
    assert job.resolved()["workload.schedule"][1].startswith("F0 B0 F1 B1")
    assert weftsim.run(pickle.loads(pickle.dumps(job)), trace="none").signature == weftsim.run(small, trace="none").signature


def test_zero_gathers_weights_at_the_first_forward_pass_of_any_order(small):
    """Micro-batches backwards: the same work, and the first one that runs gathers, whatever its number."""
    job = weftsim.Scenario(small).changed({"workload.parallel": {"tp": 4, "pp": 2, "zero": 1}, "workload.overlap": {"dp": True}})

    def backwards(shape, stage):
        return [(kind, shape.micro_batches - 1 - m) for kind, m in one_f_one_b(shape, stage)]

    times = [weftsim.run(job.changed({"workload.schedule": order}), trace="none").step_time_s for order in (one_f_one_b, backwards)]
    assert times[0] == times[1]


@pytest.mark.parametrize(
    "own, said",
    [
        (lambda shape, stage: ["F0", "B0"], "stage 0: F1 is missing (2 of 16 passes are there). Add it."),
        (lambda shape, stage: [*gpipe(shape, stage), "F3"], "stage 1: F3 stands there twice. Leave one out."),
        (lambda shape, stage: reversed(list(gpipe(shape, stage))), "stage 0: B7 stands before its forward pass. Put it behind."),
        (lambda shape, stage: ["X3"], "'X3' is no pass. Write F3"),
        (lambda shape, stage: ["F-1"], "'F-1' is no pass"),
        (lambda shape, stage: ["F0.1"], "'F0.1': micro-batches are 0 to 7, chunks 0 to 0."),
    ],
)
def test_a_schedule_that_cannot_run_is_refused(small, own, said):
    small["workload"]["schedule"] = own
    with pytest.raises(weftsim.InputError) as caught:
        weftsim.run(small)
    assert said in str(caught.value) and "workload: schedule" in str(caught.value)


def test_a_deadlock_is_explained(small):
    """Stage 0 wants B0 before F1, stage 1 wants F1 before B0."""
    small["workload"]["global_batch"] = 4
    small["workload"]["schedule"] = ["F0 B0 F1 B1", "F0 F1 B0 B1"]
    with pytest.raises(weftsim.InputError, match="deadlock: stage 0 waits at B0 for B0 of stage 1, stage 1 waits at F1 for F1 of stage 0. Change the order"):
        weftsim.run(small)
    small["workload"]["schedule"] = ["F0 F1 B0 B1"]
    with pytest.raises(weftsim.InputError, match="there are 1 rows, but the pipeline has 2 stages"):
        weftsim.run(small)


def test_an_exchange_that_no_one_answers_is_explained(small):
    """Messages in other orders: a blocking exchange waits for ever, sending ahead does not."""
    job = weftsim.Scenario(small).changed({"workload.schedule": lambda shape, stage: [(k, m if stage == 0 else 7 - m) for k in "FB" for m in range(8)]})
    with pytest.raises(weftsim.SimulationError, match="deadlock.*Check the schedule"):
        weftsim.run(job, trace="none")
    assert weftsim.run(job, overrides={"workload.overlap": {"pp": True}}, trace="none").step_time_s > 0


def test_what_a_function_raises_comes_out(small):
    def broken(shape, stage):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        weftsim.run(small, overrides={"workload.schedule": broken})


def test_a_schedule_may_be_a_table_or_a_python_file(small_file, tmp_path):
    want = command("run", small_file, "--json", "-").json()["signature"]
    (tmp_path / "mine.py").write_text((ROOT / "tests" / "python" / "test_own.py").read_text().split("def one_f_one_b")[1].split("\n\n\n")[0].join(["def schedule", "\n"]))
    assert command("run", small_file, "--json", "-", "--set", "workload.schedule=mine.py").json()["signature"] == want
    table = "# two stages\n" + "\n".join(weftsim.Scenario(small_file).changed({"workload.schedule": one_f_one_b}).resolved()["workload.schedule"]) + "\n"
    (tmp_path / "mine.txt").write_text(table)
    assert command("run", small_file, "--json", "-", "--set", "workload.schedule=mine.txt").json()["signature"] == want
    (tmp_path / "broken.py").write_text("def schedule(shape, stage):\n    return [('F', missing)]\n")
    said = command("run", small_file, "--set", "workload.schedule=broken.py")
    assert said.code == 2 and "broken.py: NameError: name 'missing' is not defined. Correct it." in said.stderr
    said = command("run", small_file, "--set", "workload.schedule=nowhere.py")
    assert said.code == 2 and "no such file" in said.stderr


CABLES = [("h0", "a", "100 Gb/s", "1 us"), ("h1", "a", "100 Gb/s", "1 us"), ("h2", "b", "100 Gb/s", "1 us"), ("h3", "b", "100 Gb/s", "1 us"), ("a", "b", "50 Gb/s", "1 us")]


def test_a_fabric_of_ones_own():
    """Two leaves of two end points; the cable between them is the bisection."""
    fabric = weftsim.Fabric.of_links(CABLES, radix=3)
    assert fabric.report["bisection_bandwidth_bps"] == 50e9 and fabric.report["switches"]["leaf"] == 2
    with pytest.raises(weftsim.InputError, match="'a' has 3 links out, more than the 2 ports of a switch"):
        weftsim.Fabric.of_links(CABLES, radix=2)
    with pytest.raises(weftsim.InputError, match="some GPUs have no way to each other"):
        weftsim.Fabric.of_links(CABLES[:-1])
    with pytest.raises(weftsim.InputError, match="has no unit"):
        weftsim.Fabric.of_links([("h0", "h1", "100", "1 us")])


def test_a_graph_is_a_fabric():
    networkx = pytest.importorskip("networkx")
    graph = networkx.Graph()
    for a, b, bandwidth, latency in CABLES:
        graph.add_edge(a, b, bandwidth=bandwidth, latency=latency)
    fabric = weftsim.Fabric.of_links(graph)
    assert fabric.report == weftsim.Fabric.of_links(CABLES).report
    assert fabric.links == weftsim.Fabric.of_links(networkx.DiGraph(graph.to_directed())).links or len(fabric.links) == 10
    graph.add_edge("a", "c")
    with pytest.raises(weftsim.InputError, match="'a' to 'c' has no 'bandwidth'"):
        weftsim.Fabric.of_links(graph)


def star(nics):
    for nic in range(nics):
        yield f"h{nic}", "s", "200 Gb/s", "300 ns"


def test_an_own_topology_joins_the_nics_of_real_hosts(small):
    """One switch for all NICs, as a leaf-spine has it for two hosts: the same links, the same time."""
    small["cluster"]["fabric"]["type"] = "leaf-spine"
    small["cluster"]["fabric"]["link"] = {"bandwidth": "200 Gb/s", "latency": "300 ns"}
    want = weftsim.run(small, trace="none")
    assert want.bill_of_materials["switches"]["total"] - want.bill_of_materials["switches"]["scale_up"] >= 1
    own = weftsim.Scenario(small).changed({"cluster.fabric": {"type": "file", "links": star, "switch_latency": "130 ns", "routing": "ecmp", "transport": "infiniband"}})
    got = weftsim.run(own, trace="none")
    assert got.step_time_s == want.step_time_s
    assert own.fabric().report["hosts"] == 2 and own.resolved().fabric().links == own.fabric().links
    assert len(pickle.loads(pickle.dumps(own)).fabric().links) == len(own.fabric().links)
    twice = weftsim.run(own, overrides={"cluster.gpus": 32, "workload.global_batch": 32}, trace="none")  # the function is asked again
    assert twice.gpus == 32
    own["cluster.fabric.links"] = CABLES
    with pytest.raises(weftsim.InputError, match="2 hosts have 16 NICs, but the links join 4 end points"):
        own.check()


def test_a_pair_without_a_way_ends_a_run(small):
    job = weftsim.Scenario(small).changed({"cluster.fabric": {"type": "file", "links": lambda nics: ((f"h{n}", f"s{n // 8}", "200 Gb/s", "1 us") for n in range(nics))}})
    with pytest.raises(weftsim.SimulationError, match="no way"):
        weftsim.run(job, trace="none")


def test_models_and_clusters_make_a_scenario(small):
    model, cluster = weftsim.Model(**small["workload"]["model"]), weftsim.Cluster(**small["cluster"])
    job = weftsim.Scenario({**small, "cluster": cluster, "workload": {**small["workload"], "model": model}})
    assert weftsim.run(job, trace="none").signature == weftsim.run(small, trace="none").signature
    job["cluster.gpus"] = 32
    assert job.changed({"workload.model.layers": 4})["workload.model.layers"] == 4 and cluster["gpus"] == 16 and model["layers"] == 8
    assert cluster.fabric().report["gpus"] == 16 and cluster.check() == []
    assert weftsim.Cluster(4, "a100-sxm-80g", "dgx-a100").scenario().fabric().report["gpus"] == 4
    assert pickle.loads(pickle.dumps(job)) == job


def test_a_model_knows_itself():
    assert weftsim.Model("gpt3-175b").parameters == pytest.approx(174.6e9, rel=1e-3)
    half = weftsim.Model("gpt3-175b", layers=48)
    assert half.resolved()["layers"] == 48 and half.resolved()["hidden"] == 12288 and half.check() == []
    with pytest.raises(weftsim.InputError, match="Did you mean 'gpt3-175b'"):
        weftsim.Model("gpt3-175").check()
    with pytest.raises(weftsim.InputError, match="Did you mean 'layers'"):
        weftsim.Model(layerz=3).check()
    with pytest.raises(weftsim.InputError, match="unknown accelerator 'a101'"):
        weftsim.Cluster(8, "a101", "dgx-a100").check()


def test_a_sweep_takes_functions_in_its_base(small, tmp_path):
    small["workload"]["schedule"] = gpipe
    said = weftsim.sweep({"schema": "weftsim-sweep/1", "base": small, "axes": {"workload.model.layers": [8, 16]}}, tmp_path / "out")
    assert said["ok"] == 2


def test_shells_and_man_know_every_verb():
    script = command("completion", "bash").stdout
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    asked = "COMP_WORDS=(weftsim run --tr); COMP_CWORD=2; _weftsim; echo ${COMPREPLY[*]}; COMP_WORDS=(weftsim run --trace f); COMP_CWORD=3; _weftsim; echo ${COMPREPLY[*]}"
    done = subprocess.run(["bash"], input=f"{script}\n{asked}\n", text=True, capture_output=True, check=False)
    assert done.stdout.split() == ["--trace", "full"], done.stderr
    page = command("man").stdout
    verbs = [line.split()[0] for line in command("--help").stdout.split("Verbs\n")[1].split("\n\n")[0].splitlines()]
    assert len(verbs) > 10 and all(f".SS weftsim {verb}\n" in page for verb in verbs)
    assert command("completion", "csh").code == 2

"""`weftsim schema`: the JSON Schema accepts what the reader accepts and refuses a slip."""

import copy
import json

import jsonschema
import pytest
import yaml
from conftest import ROOT, SMALL, weftsim

SCENARIOS = sorted(p for p in (ROOT / "scenarios").glob("**/*.yaml") if p.parent.name in ("scenarios", "fabrics"))


@pytest.fixture(scope="module")
def validator():
    schema = json.loads(weftsim("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_shipped_scenario_is_valid(validator, path):
    validator.validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("path", SCENARIOS[::7], ids=lambda path: path.stem)
def test_what_check_writes_is_valid(validator, path):
    done = weftsim("check", path)
    if done.code == 0:
        text = done.stdout[done.stdout.index("schema: weftsim/1") :]
        validator.validate(yaml.safe_load(text))


def change(path, value):
    scenario = copy.deepcopy(SMALL)
    *way, last = path.split(".")
    place = scenario
    for key in way:
        place = place[key]
    place[last] = value
    return scenario


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("cluster.fabrik", {}),
        ("cluster.fabric.link.bandwith", "1 GB/s"),
        ("workload.micro_batchs", 1),
        ("workload.model.layer", 8),
        ("cluster.fabric.type", "fat_tree"),
        ("cluster.fabric.link.bandwidth", 200),
        ("cluster.fabric.link.latency", "300 nm"),
        ("cluster.gpus", 0),
        ("workload.global_batch", "many"),
        ("workload.parallel.ep", 2),
        ("workload.schedule", "zero-bubble-h1"),
        ("jobs", [{"name": "a"}]),
    ],
)
def test_a_slip_is_refused_by_schema_and_reader(validator, tmp_path, path, value):
    scenario = change(path, value)
    assert not validator.is_valid(scenario)
    (tmp_path / "slip.yaml").write_text(json.dumps(scenario))
    assert weftsim("check", tmp_path / "slip.yaml").code == 2


@pytest.mark.parametrize(("path", "value"), [("cluster.fabric.radix", [40, 80]), ("workload.parallel.ep", 1), ("name", 7)])
def test_what_the_reader_takes_is_valid(validator, path, value):
    validator.validate(change(path, value))

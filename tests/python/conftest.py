import copy
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = Path(os.environ.get("WEFTSIM", ROOT / "build" / "weftsim")).resolve()

# Two hosts, every kind of parallelism: runs in well under a second.
SMALL = {
    "schema": "weftsim/1",
    "name": "small",
    "cluster": {
        "gpus": 16,
        "accelerator": "a100-sxm-80g",
        "host": {"preset": "dgx-a100"},
        "fabric": {
            "type": "leaf-spine",
            "radix": 40,
            "link": {"bandwidth": "200 Gb/s", "latency": "300 ns", "optics": "dsp"},
            "switch_latency": "130 ns",
            "routing": "ecmp",
            "transport": "infiniband",
        },
    },
    "workload": {
        "model": {"layers": 8, "hidden": 2048, "heads": 16, "ffn_hidden": 8192, "vocab": 51200, "seq_len": 1024},
        "parallel": {"tp": 4, "pp": 2},
        "schedule": "1f1b",
        "micro_batch": 1,
        "global_batch": 16,
        "precision": "bf16",
        "recompute": "none",
        "optimizer": "adam",
        "software": "megatron-2021",
    },
    "network": "fluid",
}


@pytest.fixture
def small() -> dict:
    """The small scenario, as a dict of its own that a test may change."""
    return copy.deepcopy(SMALL)


@pytest.fixture
def small_file(tmp_path: Path) -> Path:
    """The small scenario as a file (JSON is YAML)."""
    path = tmp_path / "small.yaml"
    path.write_text(json.dumps(SMALL, indent=1))
    return path


@dataclass
class Outcome:
    code: int
    stdout: str
    stderr: str

    def json(self) -> dict:
        assert self.code == 0, self.stderr
        return json.loads(self.stdout)


def weftsim(*arguments: object) -> Outcome:
    """Runs the command line."""
    done = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)

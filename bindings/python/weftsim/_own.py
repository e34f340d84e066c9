"""Schedules and topologies of one's own: functions and graphs become plain data of a scenario."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from weftsim import _core


class ScheduleShape(NamedTuple):
    """What a schedule is asked for: pipeline stages, chunks (virtual stages) of a rank, micro-batches."""

    stages: int
    chunks: int
    micro_batches: int


Pass = str | tuple[str, int] | tuple[str, int, int]  # "F3", ("F", 3), ("B", 3, 1): micro-batch 3, chunk 1
Schedule = Callable[[ScheduleShape, int], Iterable[Pass | list[Pass]]]
Cable = tuple[Any, Any, str, str]  # from, to, bandwidth, latency; both directions


def schedule_rows(schedule: Schedule, shape: ScheduleShape) -> list[str]:
    """What each stage does, as a scenario holds it: ``"F0 F1+B0 B1"``. A list of passes is one slot."""

    def word(slot: Pass | list[Pass]) -> str:
        if isinstance(slot, list):
            return "+".join(map(word, slot))
        return slot if isinstance(slot, str) else slot[0] + ".".join(map(str, slot[1:]))

    return [" ".join(map(word, schedule(shape, stage))) for stage in range(shape.stages)]


def link_rows(links: Any) -> list[str]:
    """The rows ``from,to,gbps,latency_ns`` of a NetworkX graph (attributes ``bandwidth`` and ``latency``) or of cables.

    A `networkx.DiGraph` has directed links; every other edge is a cable, one link each way.
    """
    directed = bool(getattr(links, "is_directed", lambda: False)())
    if hasattr(links, "edges"):
        links = [(a, b, _attribute(a, b, data, "bandwidth"), _attribute(a, b, data, "latency")) for a, b, data in links.edges(data=True)]
    rows = []
    for a, b, bandwidth, latency in links:
        figures = (repr(_core.bytes_per_second(bandwidth) * 8e-9), repr(_core.picoseconds(latency) * 1e-3))
        rows.append(_row(a, b, *figures))
        if not directed:
            rows.append(_row(b, a, *figures))
    return rows


def _attribute(a: Any, b: Any, data: Mapping[str, Any], name: str) -> str:
    if name not in data:
        raise _core.InputError(f"the edge from {a!r} to {b!r} has no {name!r}. Give it, as in graph.add_edge(a, b, bandwidth='400 Gb/s', latency='300 ns').")
    return data[name]


def _row(*cells: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


Resolve = Callable[[dict[str, Any]], Mapping[str, Any]]  # fills in presets and defaults of a scenario


def plain(data: Mapping[str, Any], resolve: Resolve) -> dict[str, Any]:
    """A copy as plain dicts and lists, whose functions and graphs have become rows."""
    copy = _copied(data)
    fabric = copy["cluster"].get("fabric") if isinstance(copy.get("cluster"), dict) else None
    if isinstance(fabric, dict) and _is_own(fabric.get("links", "")):
        links = fabric["links"]
        fabric["links"] = link_rows(links(_end_points(copy, resolve)) if callable(links) else links)
    if any(callable(job.get("schedule")) for job in _jobs(copy)):
        _put_in_schedules(copy, resolve)
    return copy


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(entry) for key, entry in value.items()}
    return [_copied(entry) for entry in value] if isinstance(value, list) else value


def _is_own(links: Any) -> bool:
    return not isinstance(links, str) and not (isinstance(links, list) and all(isinstance(row, str) for row in links))


def _jobs(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    jobs = data.get("jobs", [data.get("workload")])
    return [job for job in jobs if isinstance(job, dict)] if isinstance(jobs, list) else []


def _end_points(data: Mapping[str, Any], resolve: Resolve) -> int:
    """NICs of the cluster; GPUs, where they have no host."""
    cluster = data["cluster"]
    if "host" not in cluster:
        return cluster.get("gpus", 0)
    host = resolve({"schema": "weftsim/1", "cluster": {"gpus": 1, "host": cluster["host"]}})["cluster"]["host"]
    ends = 1 if host["gpus_per_host"] == 1 and host["scale_up"]["kind"] == "none" else host["nics"]["count"]
    return -(-cluster.get("gpus", 0) // host["gpus_per_host"]) * ends


def _put_in_schedules(data: dict[str, Any], resolve: Resolve) -> None:
    """With gpipe instead, all that the shapes depend on is derived, and checked."""
    trial = _copied(data)
    for job in _jobs(trial):
        if callable(job.get("schedule")):
            kept = {key: value for key, value in job.get("parallel", {}).items() if key not in ("virtual_stages", "layers_per_stage")}
            job["schedule"], job["parallel"] = "gpipe", {**kept, "layers_per_stage": "balanced"}
    for job, whole in zip(_jobs(data), _jobs(resolve(trial))):
        if callable(job.get("schedule")):
            micro_batches = whole["global_batch"] // (whole["parallel"]["dp"] * whole["micro_batch"])
            shape = ScheduleShape(whole["parallel"]["pp"], job.get("parallel", {}).get("virtual_stages", 1), micro_batches)
            job["schedule"] = schedule_rows(job["schedule"], shape)

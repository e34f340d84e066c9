import csv
import io
import os
from collections.abc import Callable, Mapping
from typing import Any

from weftsim import _core
from weftsim._progress import Bar
from weftsim._result import Result, Trace
from weftsim._run import _as_text
from weftsim._scenario import text_of


def traffic(
    scenario: str | os.PathLike[str] | Mapping[str, Any],
    flows: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    *,
    pattern: str | None = None,
    size: int | str = "1 MiB",
    senders: int | None = None,
    receiver: int = 0,
    end_points: int = 0,
    load: float = 0.6,
    flow_count: int = 10_000,
    network: str | None = None,
    exact: bool = False,
    trace: bool = True,
    seed: int | None = None,
    progress: Callable[[float], object] | bool | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Result:
    """Sends a list of flows, or a pattern of them, through a fabric, as ``weftsim traffic``.

    Parameters
    ----------
    scenario
        Path of a scenario file (a cluster alone will do), a shipped name, or the same content as a dict or `Scenario`.
    flows
        Path of a FLOWS.csv, or its columns as a dict or data frame: ``id, src, dst, bytes, start_s`` (or ``start_ps``), and optionally
        ``path, after, tag, repeat``.
    pattern
        Makes the flows instead: ``"permutation"``, ``"incast"``, ``"all-to-all"`` or ``"web-search"``.
    size
        Of permutation, incast and all-to-all: bytes of a flow.
    senders, receiver
        Of incast: how many send, chosen by the seed (None: 16, or all others where there are fewer), and to which GPU.
    end_points
        Of all-to-all: among so many GPUs, evenly spread; 0: all.
    load, flow_count
        Of web-search: the mean rate of all flows over what all GPUs can send, and how many flows.
    network
        ``"analytic"``, ``"fluid"`` or ``"packet"``; None: as the scenario says.
    exact
        Simulate every message of a ring, also while no other flow is on its links.
    trace
        Keep loads of links over time, and of packets queues and rates. Packets then take a tenth longer.
    seed
        Seed of all random choices; None: as the scenario says.
    progress
        Called now and then with the fraction done, 0 to 1. What it raises ends the run. True: a line in the terminal or notebook.
    overrides
        Keys of the scenario to replace, ``{"cluster.fabric.routing": "adaptive"}``.

    Returns
    -------
    Result
        The summary as attributes (``makespan_s, mean_fct_s, p99_fct_s, busiest_link, packet_hops``, …). ``trace.flows`` has a row for each
        flow of the list, ``src, dst`` (GPUs), ``bytes, start_ps, end_ps``; ``trace.links, link_load, queues, queue_series, rates`` are as in `run`.

    Raises
    ------
    InputError
        The scenario or the flows are wrong; ``error.problems`` lists everything that is.
    SimulationError
        Flows cannot go on: no route, or packets that wait for each other for ever.
    """
    if (flows is None) == (pattern is None):
        raise ValueError("traffic: give either flows or a pattern.")
    arguments = _core.TrafficArguments()
    if isinstance(flows, (str, os.PathLike)):
        arguments.flows_path = os.fspath(flows)
    elif flows is not None:
        arguments.flows_text = _as_csv(flows)
    arguments.pattern, arguments.size = pattern or "", f"{size} B" if isinstance(size, int) else size
    arguments.senders, arguments.receiver, arguments.end_points = senders, receiver, end_points
    arguments.load, arguments.flow_count = load, flow_count
    arguments.exact, arguments.trace, arguments.seed = exact, trace, seed
    arguments.progress = Bar() if progress is True else progress or None
    replaced = {**(overrides or {}), **({} if network is None else {"network": network})}
    arguments.overrides = [f"{key}={_as_text(value)}" for key, value in replaced.items()]
    if isinstance(scenario, Mapping):
        summary, columns = _core.traffic_text(*text_of(scenario), arguments)
    else:
        summary, columns = _core.traffic_file(os.fspath(scenario), arguments)
    return Result(summary, Trace(columns))


def _as_csv(columns: Any) -> str:
    """A dict of columns or a data frame as the text of a FLOWS.csv."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(columns[name] for name in columns), strict=True))
    return out.getvalue()

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from weftsim import _core
from weftsim._progress import Bar
from weftsim._result import Result, Trace
from weftsim._scenario import Scenario, has_functions, text_of


def run(
    scenario: str | os.PathLike[str] | Mapping[str, Any],
    *,
    network: str | None = None,
    trace: str = "ops",
    fold: bool = True,
    seed: int | None = None,
    progress: Callable[[float], object] | bool | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Result:
    """Simulates the training step(s) of a scenario.

    Parameters
    ----------
    scenario
        Path of a scenario file, a shipped name, or the same content as a dict or `Scenario`.
    network
        ``"analytic"``, ``"fluid"`` or ``"packet"``; None: as the scenario says.
    trace
        How much to record: ``"none"``, ``"summary"``, ``"ops"`` (operations, flows, memory)
        or ``"full"`` (every kernel).
    fold
        Simulate ranks that provably do the same once. The step time is the same without;
        the trace then holds every rank.
    seed
        Seed of all random choices; None: as the scenario says.
    progress
        Called now and then with the fraction done, 0 to 1. What it raises ends the run.
        True: a line in the terminal or notebook.
    overrides
        Keys of the scenario to replace, ``{"workload.parallel.tp": 4}``.

    Returns
    -------
    Result
        The summary as attributes, the trace as NumPy columns.

    Raises
    ------
    InputError
        The scenario is wrong; ``error.problems`` lists everything that is.
    SimulationError
        The simulated system cannot go on: deadlock, no route, out of memory with ``on_oom: error``.
    """
    arguments = _core.RunArguments()
    arguments.trace_level = _trace_level(trace)
    arguments.fold = fold
    arguments.seed = seed
    arguments.progress = Bar() if progress is True else progress or None
    replaced = dict(overrides or {})
    if network is not None:
        replaced["network"] = network
    if any(callable(value) for value in replaced.values()) or has_functions(scenario):  # what they make depends on the other keys
        scenario, replaced = Scenario(scenario).changed({key: _parsed(value) for key, value in replaced.items()}), {}
    arguments.overrides = [f"{key}={_as_text(value)}" for key, value in replaced.items()]

    if isinstance(scenario, Mapping):
        summary, columns = _core.run_text(*text_of(scenario), arguments)
    else:
        summary, columns = _core.run_file(os.fspath(scenario), arguments)
    return Result(summary, Trace(columns))


def _trace_level(name: str) -> _core.TraceLevel:
    known = _core.TraceLevel.__members__
    if name not in known:
        raise ValueError(f"trace: unknown level {name!r} (known: {', '.join(known)}).")
    return known[name]


def _parsed(value: Any) -> Any:
    """A text means what it would mean on the command line."""
    return _core.parse_yaml(f"value: {value}", "override")["value"] if isinstance(value, str) else value


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

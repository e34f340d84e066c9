import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from weftsim import _core
from weftsim._result import Result


def sweep(
    sweep: str | os.PathLike[str] | Mapping[str, Any],
    out: str | os.PathLike[str],
    *,
    resume: bool = False,
    jobs: int = 0,
    seed: int | None = None,
    progress: Callable[[float], object] | None = None,
) -> dict[str, Any]:
    """Simulates many scenarios, as ``weftsim sweep``.

    Parameters
    ----------
    sweep
        Path of a sweep file, or the same content as a dict.
    out
        The folder that gets ``results.csv`` and ``results.h5``.
    resume
        Run only what the folder does not have yet; otherwise it must have no results.
    jobs
        Scenarios at once; 0: as many as the machine gives.
    seed
        Seed of all random choices; None: as the base says.
    progress
        Called now and then with the fraction done, 0 to 1. What it raises ends the sweep; what is done is kept.

    Returns
    -------
    dict
        ``points``, ``ok``, ``reused``; ``failed``, ``invalid`` and ``excluded``, lists with ``point`` and ``reason``;
        ``results``, the paths of the two tables.

    Raises
    ------
    InputError
        The sweep is wrong, or not one of its points is a scenario.
    """
    arguments = _core.SweepArguments()
    arguments.directory = os.fspath(out)
    arguments.resume, arguments.jobs, arguments.seed, arguments.progress = resume, jobs, seed, progress
    if isinstance(sweep, Mapping):
        text = json.dumps(sweep, indent=1, ensure_ascii=False)
        return json.loads(_core.sweep_text(text, "<dict>", arguments))
    return json.loads(_core.sweep_file(os.fspath(sweep), arguments))


def compare(a: Result | str | os.PathLike[str], b: Result | str | os.PathLike[str]) -> dict[str, Any]:
    """The ratio of the step times of ``b`` and ``a``, its interval, and where the difference comes from.

    Each is a `Result`, the path of a trace, a row of a sweep (``"out/results.csv:12"``) or a scenario, which is run.
    The dict is that of ``weftsim compare --json``.
    """
    return json.loads(_core.compare(_summary(a), _summary(b)))


def _summary(what: Result | str | os.PathLike[str]) -> str:
    return json.dumps(what.summary) if isinstance(what, Result) else _core.summary_of(os.fspath(what))

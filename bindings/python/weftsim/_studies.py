import json
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from weftsim import _core
from weftsim._result import Result
from weftsim._scenario import text_of
from weftsim._sweep_result import SweepResult


def sweep(
    sweep: str | os.PathLike[str] | Mapping[str, Any],
    out: str | os.PathLike[str],
    *,
    resume: bool = False,
    jobs: int = 0,
    seed: int | None = None,
    progress: Callable[[float], object] | None = None,
    executor: Any = None,
    shards: int = 0,
) -> SweepResult:
    """Simulates many scenarios, as ``weftsim sweep``.

    Parameters
    ----------
    sweep
        Path of a sweep file, or the same content as a dict.
    out
        The folder that gets ``results.csv`` and ``results.h5``.
    resume
        Run only what the folder does not have yet, which of a finished sweep is nothing; otherwise it must have no results.
    jobs
        Scenarios at once; 0: as many as the machine gives.
    seed
        Seed of all random choices; None: as the base says.
    progress
        Called now and then with the fraction done, 0 to 1. What it raises ends the sweep; what is done is kept.
    executor
        Anything with ``submit(function, *arguments)`` that gives futures with ``done()`` and ``result()``: of concurrent.futures, Dask,
        submitit, … Each task simulates a shard with ``jobs`` threads (0: one), needs weftsim where it runs, and returns what it found, so
        that ``out`` has to be seen from here only. What a task raises is raised here once all others have ended; ``resume`` goes on.
    shards
        Tasks of the executor, sized to take about as long; 0: 32.

    Returns
    -------
    SweepResult
        A dict: ``points``, ``ok``, ``reused``; ``failed``, ``invalid`` and ``excluded``, lists with ``point`` and ``reason``;
        ``results``, the paths of the two tables, which ``to_pandas()`` and ``to_xarray()`` read.

    Raises
    ------
    InputError
        The sweep is wrong, or not one of its points is a scenario.
    """
    arguments = _core.SweepArguments()
    arguments.directory = os.fspath(out)
    arguments.resume, arguments.jobs, arguments.seed, arguments.progress = resume, jobs, seed, progress
    if isinstance(sweep, Mapping):
        base = sweep.get("base")
        whole = {**sweep, "base": json.loads(text_of(base)[0])} if isinstance(base, Mapping) else sweep
        source: tuple[str, ...] = (json.dumps(whole, indent=1, ensure_ascii=False), "<dict>")
    else:
        source = (os.path.abspath(sweep),)
    if executor is None:
        return SweepResult(json.loads(_opened(source).run(arguments)))
    return _sweep_on(executor, source, arguments, shards or 32)


def _opened(source: tuple[str, ...]) -> _core.Sweep:
    return _core.Sweep.from_file(*source) if len(source) == 1 else _core.Sweep.from_text(*source)


def _sweep_on(executor: Any, source: tuple[str, ...], arguments: _core.SweepArguments, shards: int) -> SweepResult:
    opened, progress, arguments.progress = _opened(source), arguments.progress, None
    records = Path(arguments.directory) / "records"
    tasks = [executor.submit(_records_of, source, shard, arguments.seed, arguments.jobs or 1) for shard in opened.shards(arguments, shards)]
    pending, failures = list(tasks), []
    records.mkdir(parents=True, exist_ok=True)
    for name in ("results.csv", "results.h5"):  # out of date from now on
        (records.parent / name).unlink(missing_ok=True)
    while pending:
        ended = [task for task in pending if task.done()]
        pending = [task for task in pending if task not in ended]
        for task in ended:
            try:
                _write_whole(records / f"task-{uuid.uuid4().hex}.rec", task.result())
            except Exception as failure:  # noqa: BLE001: whatever ends a task; the others go on
                failures.append(failure)
        if progress and ended:
            progress(1 - len(pending) / len(tasks))
        if pending and not ended:
            time.sleep(0.05)
    if failures:
        raise failures[0]
    return SweepResult(json.loads(opened.collect(arguments)))


def _records_of(source: tuple[str, ...], points: list[int], seed: int | None, jobs: int) -> bytes:
    """The work of one task, wherever it runs."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = _core.SweepArguments()
        arguments.directory, arguments.seed, arguments.jobs = folder, seed, jobs
        _opened(source).run_points(points, arguments)
        return b"".join(path.read_bytes() for path in Path(folder).glob("records/*.rec"))


def _write_whole(path: Path, content: bytes) -> None:
    path.with_suffix(".partial").write_bytes(content)
    path.with_suffix(".partial").rename(path)


def validate(
    *,
    data: str | os.PathLike[str] | None = None,
    only: str = "",
    threads: int = 0,
    progress: Callable[[float], object] | None = None,
) -> dict[str, Any]:
    """Predicts published measurements again, as ``weftsim validate``.

    Parameters
    ----------
    data
        A folder with ``training.csv``, ``collectives.csv``, ``gemm_*.csv`` or ``attention.csv``; None: what is shipped.
    only
        Only rows whose id, set or table matches this glob.
    threads
        Predictions at once; 0: as many as the machine gives.
    progress
        Called now and then with the fraction done, 0 to 1. What it raises ends the work.

    Returns
    -------
    dict
        ``rows`` with ``predicted``, ``measured``, ``error`` (predicted / measured - 1), ``interval``; ``by_set`` and ``over_sets`` with
        their statistics; ``skipped`` with reasons.

    Raises
    ------
    InputError
        The folder holds none of the tables, or a broken one.
    """
    return json.loads(_core.validate("" if data is None else os.fspath(data), only, threads, progress))


def compare(a: Result | str | os.PathLike[str], b: Result | str | os.PathLike[str]) -> dict[str, Any]:
    """The ratio of the step times of ``b`` and ``a``, its interval, and where the difference comes from.

    Each is a `Result`, the path of a trace, a row of a sweep (``"out/results.csv:12"``) or a scenario, which is run.
    The dict is that of ``weftsim compare --json``.
    """
    return json.loads(_core.compare(_summary(a), _summary(b)))


def _summary(what: Result | str | os.PathLike[str]) -> str:
    return json.dumps(what.summary) if isinstance(what, Result) else _core.summary_of(os.fspath(what))

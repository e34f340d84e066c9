import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from weftsim import _core
from weftsim._run import _as_text
from weftsim._scenario import text_of

Step = tuple[int, int, int, int] | tuple[int, int, int, int, str]


def collective(
    scenario: str | os.PathLike[str] | Mapping[str, Any],
    op: str = "all_reduce",
    *,
    min: int | str = 8,
    max: int | str = "8G",
    factor: int = 2,
    ranks: int | None = None,
    stride: int = 1,
    root: int = 0,
    dtype: str = "bf16",
    algo: str | None = None,
    proto: str | None = None,
    collnet: bool = False,
    channels: int | None = None,
    steps: str | None = None,
    custom: str | os.PathLike[str] | Callable[[int], Iterable[Step]] | None = None,
    chunks: int | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Times one collective of the first GPUs of a cluster at many sizes, as ``weftsim collective``.

    Parameters
    ----------
    scenario
        Path of a scenario file (a cluster alone will do), a shipped name, or the same content as a dict or `Scenario`.
    op
        ``all_reduce``, ``all_gather``, ``reduce_scatter``, ``broadcast``, ``reduce``, ``all_to_all``,
        ``send_receive``, ``gather`` or ``scatter``. An own collective must be of this operation.
    min, max, factor
        Sizes, as nccl-tests reads them: bytes, or text with K, M, G of 1024.
    ranks
        So many GPUs from the first on; None: all.
    stride
        GPUs from rank to rank: 8 takes one of each host of eight.
    root
        Of broadcast, reduce, gather and scatter.
    dtype
        ``bf16``, ``fp16``, ``fp32``, ``fp64``, ``fp8``, ``int8``, ``int32`` or ``int64``.
    algo, proto, channels
        Force NCCL's choice, as ``NCCL_ALGO``, ``NCCL_PROTO`` and the numbers of channels do.
    collnet
        InfiniBand switches may reduce (SHARP), as ``NCCL_COLLNET_ENABLE`` allows.
    steps
        Carry out this algorithm step by step on the fabric instead.
    custom
        An own collective: the path of a file, or a function of the number of ranks that gives the steps,
        ``(step, from, to, chunk)`` (a copy) or ``(step, from, to, chunk, "reduce")``. It is checked first.
    chunks
        With such a function: into how many chunks the elements are cut; None: one a rank (of all_to_all: one a pair).
    overrides
        Keys of the scenario to replace, ``{"cluster.gpus": 64}``.

    Returns
    -------
    dict
        ``op``, ``ranks``, ``hosts`` and ``rows``, each with ``bytes, time_s, algbw_GBps, busbw_GBps, algorithm, protocol, channels``.

    Raises
    ------
    InputError
        The scenario, or the collective, is wrong; ``error.problems`` lists everything that is.
    """
    arguments = _core.CollectiveArguments()
    arguments.op, arguments.min, arguments.max = op, str(min), str(max)
    arguments.factor, arguments.ranks, arguments.root = factor, ranks or 0, root
    arguments.dtype, arguments.algo, arguments.proto = dtype, algo or "", proto or ""
    arguments.collnet, arguments.stride = collnet, stride
    arguments.channels, arguments.steps = channels or 0, steps or ""
    arguments.overrides = [f"{key}={_as_text(value)}" for key, value in (overrides or {}).items()]
    if callable(custom):
        if ranks is None:
            raise ValueError("custom: a function needs to know the ranks. Give ranks=N.")
        arguments.custom_name = f"<{getattr(custom, '__name__', 'custom')}>"
        arguments.custom_text = _as_lines(custom, op, ranks, chunks, root)
    elif custom is not None:
        arguments.custom_name = os.fspath(custom)
        arguments.custom_text = Path(custom).read_text(encoding="utf-8")

    if isinstance(scenario, Mapping):
        return json.loads(_core.collective_text(*text_of(scenario), arguments))
    return json.loads(_core.collective_file(os.fspath(scenario), arguments))


def _as_lines(steps: Callable[[int], Iterable[Step]], op: str, ranks: int, chunks: int | None, root: int) -> str:
    """The text that a file of this collective would hold."""
    header = [f"op {op}", f"ranks {ranks}", f"chunks {chunks or (ranks * ranks if op == 'all_to_all' else ranks)}"]
    if op in ("broadcast", "reduce", "gather", "scatter"):
        header.append(f"root {root}")
    lines = [f"{number} {source} -> {to} {' '.join(map(str, rest))}" for number, source, to, *rest in steps(ranks)]
    return "\n".join(header + lines) + "\n"

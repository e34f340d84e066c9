import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from weftsim import _core, _xarray
from weftsim._optional import needed

if TYPE_CHECKING:
    import pandas
    import xarray


class Columns(Mapping[str, np.ndarray]):
    """A table of the trace: column names to read-only NumPy arrays, entry i of each is row i.

    The arrays look into the simulator's memory and keep it alive; nothing is copied.

    Attributes
    ----------
    labels : dict of str to tuple of str
        For columns that hold categories as integers: what each integer stands for.
    units : dict of str to str
        Unit of each column: ``ps``, ``byte``, or ``1`` for counts and indices.
    """

    def __init__(self, columns: Mapping[str, tuple[np.ndarray, str, list[str] | None]]):
        self._arrays = {name: array for name, (array, _, _) in columns.items()}
        self.units = {name: unit for name, (_, unit, _) in columns.items()}
        self.labels = {name: tuple(labels) for name, (_, _, labels) in columns.items() if labels is not None}

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    @property
    def rows(self) -> int:
        """Length of every column."""
        return len(next(iter(self._arrays.values())))

    def label_of(self, name: str, text: str) -> int:
        """The integer that stands for ``text`` in the category column ``name``."""
        return self.labels[name].index(text)

    def to_pandas(self) -> "pandas.DataFrame":
        """The table as a data frame, categories as pandas categoricals."""
        pandas = needed("pandas", "to_pandas")

        def series(name: str) -> Any:
            if name in self.labels:
                return pandas.Categorical.from_codes(self[name], categories=list(self.labels[name]))
            return self[name]

        return pandas.DataFrame({name: series(name) for name in self}, copy=False)

    def __repr__(self) -> str:
        return f"<{self.rows} rows: {', '.join(self)}>"


class Trace:
    """What happened when, by simulated rank (with folding one rank stands for all that do the same).

    Times are integer picoseconds from the start of the simulation.

    Attributes
    ----------
    ops : Columns
        ``job, rank, stream, kind, name, layer, micro_batch, chunk, start_ps, end_ps, bytes, flops``;
        -1 where an operation belongs to no single layer, micro-batch or chunk.
    flows : Columns
        ``src, dst`` (ranks), ``bytes, start_ps, end_ps, cause`` (row of ops, -1: none).
    memory : Columns
        ``rank, time_ps, bytes``: the memory in use from then on.
    ranks : Columns
        ``rank, gpu, host, tp, pp, dp, cp, ep``: every rank, also those that folding left out.
    links : Columns
        ``name, src, dst, kind, capacity_Bps``: the links of the network, one direction each.
    link_load : numpy.ndarray
        Bytes carried, time bins x links (rows of ``links``).
    link_load_bin_ps : int
        Width of a time bin, picoseconds.
    queues : Columns
        With ``network: packet``, as all that follows: ``link`` (row of links), ``name, src, dst, capacity_Bps`` of each
        directed cable in front of which packets ever queued or stood still. Empty otherwise.
    queue_series : dict of str to numpy.ndarray
        Time bins x queues (rows of ``queues``): ``mean_bytes, max_bytes`` in the queue, ``paused_ps`` (by the far end, or
        without credit; picoseconds), ``marks, drops`` (packets).
    queue_bin_ps : int
        Width of a time bin of ``queue_series``, picoseconds.
    rates : Columns
        ``flow`` (-1: all messages between two GPUs), ``src, dst`` (GPUs), ``start_ps`` of a time bin and the ``bytes`` of
        payload that arrived in it.
    rate_bin_ps : int
        Width of a time bin of ``rates``, picoseconds.
    """

    def __init__(self, core: _core.Trace):
        self.ops = Columns(core.ops())
        self.flows = Columns(core.flows())
        self.memory = Columns(core.memory())
        self.ranks = Columns(core.ranks())
        self.links = Columns(core.links())
        self.link_load, self.link_load_bin_ps = core.link_load()
        self.queues = Columns(core.queues())
        self.queue_series, self.queue_bin_ps = core.queue_series()
        self.rates = Columns(core.rates())
        self.rate_bin_ps = core.rate_bin_ps()

    def to_pandas(self, table: str = "ops") -> "pandas.DataFrame":
        """A table (``"ops"``, ``"flows"``, ``"memory"``, ``"ranks"``, ``"links"``, ``"queues"``, ``"rates"``) as a data frame."""
        tables = self._tables()
        if table not in tables:
            raise ValueError(f"unknown table {table!r} (known: {', '.join(tables)}).")
        return tables[table].to_pandas()

    @overload
    def to_xarray(self, table: Literal["links"] = "links") -> "xarray.DataArray": ...
    @overload
    def to_xarray(self, table: Literal["queues"]) -> "xarray.Dataset": ...
    def to_xarray(self, table: str = "links") -> "xarray.DataArray | xarray.Dataset":
        """What links and queues did over time, as labelled arrays. Needs xarray.

        ``time`` is the start of a time bin in seconds, ``attrs["bin_width_ps"]`` the width of a bin; the columns of the
        table are coordinates. Every array has its unit in ``attrs["units"]``.

        Parameters
        ----------
        table
            ``"links"``: the `DataArray` ``link_load``, bytes over (time, link). ``"queues"``: the `Dataset` ``queue_series``
            over (time, queue): ``mean_bytes, max_bytes`` (byte), ``paused_ps`` (ps), ``marks, drops`` (packets).
        """
        if table == "links":
            return _xarray.load_array(self)
        if table == "queues":
            return _xarray.queue_dataset(self)
        raise ValueError(f"no table over time {table!r} (known: links, queues).")

    def _tables(self) -> dict[str, Columns]:
        return {name: value for name, value in vars(self).items() if isinstance(value, Columns)}

    def __repr__(self) -> str:
        return f"<Trace: {', '.join(f'{columns.rows} {name}' for name, columns in self._tables().items())}>"


class Result:
    """What a run predicts. Every key of the JSON summary is an attribute (SI units).

    Attributes
    ----------
    step_time_s : float
        Mean over steps, seconds. ``steps_s`` holds each.
    step_time_interval_s : list of float
        90 % interval of the step time, from the calibration's residuals, seconds.
    breakdown_s : dict
        Where the step time goes, seconds: ``compute``, ``tp_comm``, …; sums to ``step_time_s``.
    mfu, hfu : float
        Model and hardware FLOP/s over the dense peak of the precision.
    tokens_per_s : float
        Tokens a second of the whole job.
    memory_per_gpu_bytes : dict
        Of the worst rank, bytes; ``fits`` says whether it stays below ``capacity``.
    network_stats : dict
        Flows, bytes, link utilisation.
    jobs : list of dict
        The same figures for every job; those above are the first job's.
    signature : str
        Hash of the simulated result: equal for equal scenario, seed and version.
    summary : dict
        All of it.
    trace : Trace
        What happened when.
    """

    summary: dict[str, Any]
    trace: Trace

    def __init__(self, summary_json: str, trace: Trace):
        self.summary = json.loads(summary_json)
        self.trace = trace
        self._json = summary_json

    def to_json(self) -> str:
        """The summary as ``weftsim run --json`` writes it."""
        return self._json

    def __getattr__(self, name: str) -> Any:
        summary = self.__dict__.get("summary", {})
        if name not in summary:
            raise AttributeError(f"a Result has no {name!r} (known: {', '.join(summary)}).")
        return summary[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.summary]

    def __repr__(self) -> str:
        return f"<Result {self.name!r}: step {self.step_time_s:.4g} s, MFU {self.mfu:.1%}>"

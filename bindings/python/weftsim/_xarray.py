"""The tables over time as labelled arrays."""

from typing import TYPE_CHECKING, Any

import numpy as np

from weftsim._optional import needed

if TYPE_CHECKING:
    import xarray

    from weftsim._result import Columns, Trace

QUEUE_UNITS = {"mean_bytes": "byte", "max_bytes": "byte", "paused_ps": "ps", "marks": "1", "drops": "1"}


def load_array(trace: "Trace") -> "xarray.DataArray":
    xarray = needed("xarray", "Trace.to_xarray")
    coordinates = {**_time(len(trace.link_load), trace.link_load_bin_ps), **_along("link", trace.links)}
    attributes = {"units": "byte", "bin_width_ps": trace.link_load_bin_ps}
    return xarray.DataArray(trace.link_load, coordinates, ("time", "link"), "load", attributes)


def queue_dataset(trace: "Trace") -> "xarray.Dataset":
    xarray = needed("xarray", "Trace.to_xarray")
    bins = len(trace.queue_series["max_bytes"])
    variables = {name: (("time", "queue"), values, {"units": QUEUE_UNITS[name]}) for name, values in trace.queue_series.items()}
    coordinates = {**_time(bins, trace.queue_bin_ps), **_along("queue", trace.queues)}
    return xarray.Dataset(variables, coordinates, {"bin_width_ps": trace.queue_bin_ps})


def _time(bins: int, width_ps: int) -> dict[str, Any]:
    return {"time": ("time", np.arange(bins) * width_ps * 1e-12, {"units": "s", "long_name": "start of the time bin"})}


def _along(dimension: str, table: "Columns") -> dict[str, Any]:
    """The names as index of the dimension, the other columns beside them."""
    return {dimension if name == "name" else name: (dimension, values, {"units": table.units[name]}) for name, values in table.items()}

from typing import TYPE_CHECKING, Any

from weftsim._optional import needed

if TYPE_CHECKING:
    import pandas
    import xarray

# The columns of results.csv behind those of the axes; texts have no unit.
UNITS = {
    "status": "", "reason": "", "step_time_s": "s", "low_s": "s", "high_s": "s", "tokens_per_s": "1/s", "mfu": "1", "memory_bytes": "B",
    "max_link_utilization": "1", "switches": "1", "modules": "1", "power_w": "W", "price_usd": "USD", "signature": "",
}  # fmt: skip


class SweepResult(dict[str, Any]):
    """What `sweep` says of its points, and the way to its table.

    Keys are ``points``, ``ok``, ``reused``; ``failed``, ``invalid``, ``excluded`` and ``missing``, lists with ``point`` and ``reason``;
    ``results``, the paths of the two tables.
    """

    def to_pandas(self) -> "pandas.DataFrame":
        """``results.csv``, a row a point in the order of the sweep. Needs pandas.

        Columns are ``point``, the axes (numbers where all their values are), and the figures: seconds, bytes, watts, dollars as
        their names say; NaN where one is not known.
        """
        pandas = needed("pandas", "SweepResult.to_pandas")
        table = pandas.read_csv(self["results"]["csv"], dtype=str, keep_default_na=False)
        for name in table.columns[: -len(UNITS)]:  # the point and the axes
            table[name] = _numbers(pandas, table[name])
        for name in [name for name, unit in UNITS.items() if unit]:
            table[name] = table[name].replace("", "nan").astype(float)
        return table

    def to_xarray(self) -> "xarray.Dataset":
        """The table over the swept axes. Needs xarray.

        A variable a column of ``results.csv``, unit in ``attrs["units"]``: ``step_time_s``, its 90 % interval ``low_s`` to ``high_s``
        (s), ``tokens_per_s`` (1/s), ``mfu`` (1), ``memory_bytes`` of the fullest rank (B), ``power_w`` (W), ``price_usd`` (USD), …; NaN
        where a figure is not known. An axis is a dimension, in the order of the sweep file. Of a random sample of the product, which
        has no such shape, everything lies along one dimension ``point``, with the axes as coordinates.
        """
        xarray = needed("xarray", "SweepResult.to_xarray")
        table = self.to_pandas()
        axes = list(table.columns[1 : -len(UNITS)])
        values = {name: table[name].unique() for name in axes}
        shape = tuple(len(of_axis) for of_axis in values.values())
        if _is_product(table, values):
            dimensions, coordinates = tuple(axes), {name: (name, of_axis) for name, of_axis in values.items()}
        else:
            dimensions, shape = ("point",), (len(table),)
            coordinates = {name: ("point", table[name].to_numpy()) for name in ["point", *axes]}
        variables = {
            name: (dimensions, table[name].to_numpy().reshape(shape), {"units": UNITS[name]} if UNITS.get(name) else {})
            for name in ["point", *UNITS]
            if name not in coordinates
        }
        return xarray.Dataset(variables, coordinates)


def _numbers(pandas: Any, texts: "pandas.Series") -> "pandas.Series":
    try:
        return pandas.to_numeric(texts)
    except ValueError:
        return texts.astype(object)


def _is_product(table: "pandas.DataFrame", values: dict[str, Any]) -> bool:
    """Are the rows all combinations of these values, the last axis fastest?"""
    repeat = len(table)
    for name, of_axis in values.items():
        if repeat % len(of_axis):
            return False
        repeat //= len(of_axis)
        place = (table.index // repeat) % len(of_axis)
        if not (of_axis[place] == table[name].to_numpy()).all():
            return False
    return repeat == 1

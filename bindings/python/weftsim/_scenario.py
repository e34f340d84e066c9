import copy
import json
import os
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weftsim import _core

if TYPE_CHECKING:
    import networkx


class Scenario(MutableMapping[str, Any]):
    """A scenario as a dict whose keys may be paths: ``s["workload.micro_batch"] = 2``.

    Parameters
    ----------
    source
        The path of a scenario file, the name of a shipped scenario or fabric, or a dict. It is copied.

    Values are those of the file: quantities are texts with a unit (``"400 Gb/s"``). Nothing is checked before
    `check`, or before it is run. It can be pickled and given to every function that takes a scenario.
    """

    def __init__(self, source: "str | os.PathLike[str] | Mapping[str, Any]"):
        self._folder = ""  # paths in the scenario are relative to it
        if isinstance(source, Scenario):
            self._data, self._folder = copy.deepcopy(source._data), source._folder
        elif isinstance(source, Mapping):
            self._data = copy.deepcopy(dict(source))
        elif Path(source).exists() or os.sep in os.fspath(source) or Path(source).suffix in (".yaml", ".yml", ".json"):
            self._folder = os.path.dirname(os.path.abspath(source))
            self._data = _core.parse_yaml(Path(source).read_text(), os.fspath(source))
            self._data.setdefault("name", Path(source).stem)
        else:
            self._data = _core.parse_yaml(_core.shipped_text(os.fspath(source)), os.fspath(source))
            self._data.setdefault("name", os.fspath(source))

    def __getitem__(self, path: str) -> Any:
        value: Any = self._data
        for key in path.split("."):
            if not isinstance(value, Mapping) or key not in value:
                raise KeyError(path)
            value = value[key]
        return value

    def __setitem__(self, path: str, value: Any) -> None:
        *way, last = path.split(".")
        place = self._data
        for key in way:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise KeyError(f"{path}: {key} is {place!r}, not a map of keys")
        place[last] = value

    def __delitem__(self, path: str) -> None:
        *way, last = path.split(".")
        place = self[".".join(way)] if way else self._data
        del place[last]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        return f"<Scenario {self.get('name', '?')!r}: {', '.join(self)}>"

    def changed(self, keys: Mapping[str, Any]) -> "Scenario":
        """A copy with these keys replaced: ``s.changed({"workload.parallel.tp": 4})``."""
        other = Scenario(self)
        other.update(keys)
        return other

    def to_dict(self) -> dict[str, Any]:
        """A copy as plain dicts and lists."""
        return copy.deepcopy(self._data)

    def check(self) -> list[str]:
        """Warnings of what looks like a slip, as ``weftsim check``. Raises `InputError` with everything that is wrong."""
        return _core.checked(*self._text(), "workload" in self or "jobs" in self)[1]

    def resolved(self) -> "Scenario":
        """The same scenario with every preset and default written out."""
        text, _ = _core.checked(*self._text(), "workload" in self or "jobs" in self)
        return Scenario(_core.parse_yaml(text, "resolved"))

    def fabric(self) -> "Fabric":
        """The cluster's network as built."""
        return Fabric(self)

    def _text(self) -> tuple[str, str]:
        return json.dumps(self._data, indent=1, ensure_ascii=False), os.path.join(self._folder, "<scenario>")


class Fabric:
    """The network of a scenario's cluster as it is built, GPUs to core switches.

    Attributes
    ----------
    nodes : list of (name, kind)
        ``kind`` is ``gpu``, ``nic``, ``leaf``, ``spine``, …
    links : list of (from, to, kind, capacity_Bps, latency_ps)
        One direction each; ``from`` and ``to`` are places in ``nodes``; bytes a second, picoseconds.
    report : dict
        What ``weftsim topo --json`` says: switches, cables, bisection, power (W), price (USD), checks.
    """

    def __init__(self, scenario: "Scenario | str | os.PathLike[str] | Mapping[str, Any]"):
        self.nodes, self.links, report = _core.fabric(*Scenario(scenario)._text())
        self.report: dict[str, Any] = json.loads(report)

    def to_networkx(self) -> "networkx.MultiDiGraph":
        """Nodes by name with ``kind``; edges with ``kind``, ``capacity_Bps`` and ``latency_ps``."""
        import networkx

        graph = networkx.MultiDiGraph()
        graph.add_nodes_from((name, {"kind": kind}) for name, kind in self.nodes)
        graph.add_edges_from(
            (self.nodes[a][0], self.nodes[b][0], {"kind": kind, "capacity_Bps": capacity, "latency_ps": latency}) for a, b, kind, capacity, latency in self.links
        )
        return graph

    def __repr__(self) -> str:
        return f"<Fabric: {len(self.nodes)} nodes, {len(self.links)} links>"

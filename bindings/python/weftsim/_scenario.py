import copy
import json
import os
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weftsim import _core, _own
from weftsim._optional import needed

if TYPE_CHECKING:
    import networkx


class Keys(MutableMapping[str, Any]):
    """A dict whose keys may be paths: ``s["workload.micro_batch"] = 2``."""

    _data: dict[str, Any]

    def __getitem__(self, path: str) -> Any:
        value: Any = self._data
        for key in path.split("."):
            if not isinstance(value, Mapping) or key not in value:
                raise KeyError(path)
            value = value[key]
        return value

    def __setitem__(self, path: str, value: Any) -> None:
        *way, last = path.split(".")
        place: Any = self._data
        for key in way:
            place = place.setdefault(key, {})
            if not isinstance(place, dict | Keys):
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

    def to_dict(self) -> dict[str, Any]:
        """A copy as plain dicts and lists."""
        return copy.deepcopy(_own.plain(self._data, _resolved))


class Model(Keys):
    """``workload.model``: a shipped model or the path of a config.json, and keys that change it.

    >>> weftsim.Model("gpt3-175b", layers=48).parameters
    >>> weftsim.Model(layers=8, hidden=2048, heads=16, vocab=51200, seq_len=1024)
    """

    def __init__(self, preset: "str | os.PathLike[str] | None" = None, **keys: Any):
        self._data = {**({"preset": os.fspath(preset)} if preset is not None else {}), **keys}

    def resolved(self) -> "Model":
        """The same with everything written out. Raises `InputError` with everything that is wrong."""
        return Model(**_core.parse_yaml(self._said()[0], "model"))

    @property
    def parameters(self) -> float:
        """How many there are, vocabulary not padded."""
        return self._said()[1]

    def check(self) -> list[str]:
        """Warnings. Raises `InputError` with everything that is wrong."""
        return self._said()[2]

    def _said(self) -> tuple[str, float, list[str]]:
        return _core.model(_json({"model": self._data}), "<model>")

    def __repr__(self) -> str:
        return f"Model({', '.join(f'{key}={value!r}' for key, value in self._data.items())})"


class Cluster(Keys):
    """``cluster`` of a scenario: GPUs, the hosts around them and the network between hosts.

    Parameters
    ----------
    gpus
        Of the whole cluster.
    accelerator
        A shipped profile (`list_profiles`), or the path of one.
    host
        A shipped host (`list_hosts`), or its keys.
    fabric
        ``{"type": "leaf-spine", …}``; None: one host, or nothing between hosts. ``links`` of ``"type": "file"`` may be a NetworkX graph, a list
        of ``(from, to, bandwidth, latency)``, or a function of the number of end points that gives either.
    keys
        ``site``, ``groups``.
    """

    def __init__(
        self, gpus: int, accelerator: str | None = None, host: str | Mapping[str, Any] | None = None, fabric: Mapping[str, Any] | None = None, **keys: Any
    ):
        given = {"gpus": gpus, "accelerator": accelerator, "host": {"preset": host} if isinstance(host, str) else host, "fabric": fabric}
        self._data = {key: value for key, value in given.items() if value is not None} | keys

    def scenario(self) -> "Scenario":
        """A scenario without workload, as `collective` takes it."""
        return Scenario({"schema": "weftsim/1", "name": "cluster", "cluster": self._data})

    def check(self) -> list[str]:
        """Warnings of what looks like a slip. Raises `InputError` with everything that is wrong."""
        return self.scenario().check()

    def fabric(self) -> "Fabric":
        """The network as built."""
        return Fabric(self.scenario())

    def __repr__(self) -> str:
        return f"Cluster({', '.join(f'{key}={value!r}' for key, value in self._data.items())})"


class Scenario(Keys):
    """A scenario as a dict whose keys may be paths: ``s["workload.micro_batch"] = 2``.

    Parameters
    ----------
    source
        The path of a scenario file, the name of a shipped scenario or fabric, or a dict. It is copied.

    Values are those of the file: quantities are texts with a unit (``"400 Gb/s"``); ``cluster`` may be a `Cluster` and ``workload.model`` a
    `Model`; ``workload.schedule`` may be a function and ``cluster.fabric.links`` a function or a graph. Nothing is checked before
    `check`, or before it is run. It can be pickled, if its functions can, and given to every function that takes a scenario.
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

    def __repr__(self) -> str:
        return f"<Scenario {self.get('name', '?')!r}: {', '.join(self)}>"

    def changed(self, keys: Mapping[str, Any]) -> "Scenario":
        """A copy with these keys replaced: ``s.changed({"workload.parallel.tp": 4})``."""
        other = Scenario(self)
        other.update(keys)
        return other

    def check(self) -> list[str]:
        """Warnings of what looks like a slip, as ``weftsim check``. Raises `InputError` with everything that is wrong."""
        return _core.checked(*self._text(), "workload" in self or "jobs" in self)[1]

    def resolved(self) -> "Scenario":
        """The same scenario with every preset and default written out."""
        text, source = self._text()
        return Scenario(_resolved(json.loads(text), source))

    def fabric(self) -> "Fabric":
        """The cluster's network as built."""
        return Fabric(self)

    def _text(self) -> tuple[str, str]:
        source = os.path.join(self._folder, "<scenario>")
        return _json(_own.plain(self._data, lambda data: _resolved(data, source))), source


def _json(data: Any) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False, default=lambda value: value.to_dict() if isinstance(value, Keys) else str(value))


def _resolved(data: Mapping[str, Any], source: str = "<scenario>") -> dict[str, Any]:
    text, _ = _core.checked(_json(data), source, "workload" in data or "jobs" in data)
    return _core.parse_yaml(text, "resolved")


def has_functions(scenario: Any) -> bool:
    """Does it hold a schedule or a topology that is a function?"""
    return callable(scenario) or (isinstance(scenario, Mapping) and any(has_functions(value) for value in scenario.values())) or (
        isinstance(scenario, list) and any(has_functions(value) for value in scenario)
    )


def text_of(scenario: "Scenario | Mapping[str, Any]") -> tuple[str, str]:
    """The text of a scenario, and its name in messages."""
    return scenario._text() if isinstance(scenario, Scenario) else (Scenario(scenario)._text()[0], "<dict>")


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

    @classmethod
    def of_links(cls, links: Any, **keys: Any) -> "Fabric":
        """A network of one's own: a NetworkX graph (edges with ``bandwidth`` and ``latency``) or cables ``(from, to, bandwidth, latency)``.

        End points are called h0, h1, …, and everything else is a switch. ``radix=64`` refuses a switch with more links;
        ``routing``, ``switch_latency``, ``transport`` as in a scenario. Raises `InputError`, also where a pair has no way.
        """
        rows = _own.link_rows(links)
        ends = {name for row in rows for name in row.split(",")[:2] if name[:1] == "h" and name[1:].isdigit()}
        fabric = cls({"schema": "weftsim/1", "cluster": {"gpus": max(1, len(ends)), "fabric": {"type": "file", "links": rows, **keys}}})
        for check in fabric.report["checks"]:
            if check["name"] == "connected" and not check["ok"]:
                raise _core.InputError(f"links: {check['text']}. Join all of h0 to h{len(ends) - 1}, by switches.")
        return fabric

    def to_networkx(self) -> "networkx.MultiDiGraph":
        """Nodes by name with ``kind``; edges with ``kind``, ``capacity_Bps`` and ``latency_ps``."""
        networkx = needed("networkx", "Fabric.to_networkx")
        graph = networkx.MultiDiGraph()
        graph.add_nodes_from((name, {"kind": kind}) for name, kind in self.nodes)
        graph.add_edges_from(
            (self.nodes[a][0], self.nodes[b][0], {"kind": kind, "capacity_Bps": capacity, "latency_ps": latency}) for a, b, kind, capacity, latency in self.links
        )
        return graph

    def __repr__(self) -> str:
        return f"<Fabric: {len(self.nodes)} nodes, {len(self.links)} links>"

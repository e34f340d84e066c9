from collections.abc import Callable
from typing import ClassVar

import numpy as np

__version__: str

class InputError(ValueError):
    problems: list[str]

class SimulationError(RuntimeError): ...
class MachineError(RuntimeError): ...

class TraceLevel:
    none: ClassVar[TraceLevel]
    summary: ClassVar[TraceLevel]
    ops: ClassVar[TraceLevel]
    full: ClassVar[TraceLevel]
    __members__: ClassVar[dict[str, TraceLevel]]

class RunArguments:
    overrides: list[str]
    seed: int | None
    trace_level: TraceLevel
    fold: bool
    progress: Callable[[float], object] | None

class CollectiveArguments:
    overrides: list[str]
    op: str
    min: str
    max: str
    dtype: str
    algo: str
    proto: str
    steps: str
    custom_text: str
    custom_name: str
    factor: int
    ranks: int
    root: int
    channels: int

class SweepArguments:
    directory: str
    resume: bool
    jobs: int
    seed: int | None
    progress: Callable[[float], object] | None

Column = tuple[np.ndarray, str, list[str] | None]  # values, unit, labels of categories

class Trace:
    def ops(self) -> dict[str, Column]: ...
    def flows(self) -> dict[str, Column]: ...
    def memory(self) -> dict[str, Column]: ...
    def ranks(self) -> dict[str, Column]: ...
    def links(self) -> dict[str, Column]: ...
    def link_load(self) -> tuple[np.ndarray, int]: ...

def run_file(path: str, arguments: RunArguments) -> tuple[str, Trace]: ...
def run_text(text: str, source_name: str, arguments: RunArguments) -> tuple[str, Trace]: ...
def collective_file(path: str, arguments: CollectiveArguments) -> str: ...
def collective_text(text: str, source_name: str, arguments: CollectiveArguments) -> str: ...
def sweep_file(path: str, arguments: SweepArguments) -> str: ...
def sweep_text(text: str, source_name: str, arguments: SweepArguments) -> str: ...
def summary_of(what: str) -> str: ...
def compare(a: str, b: str) -> str: ...
def list_models() -> list[str]: ...
def list_hosts() -> list[str]: ...
def list_scenarios() -> list[str]: ...
def list_profiles() -> list[str]: ...
def list_networks() -> list[str]: ...
def list_software() -> list[str]: ...

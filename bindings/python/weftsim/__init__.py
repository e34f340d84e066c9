"""weftsim: what would this training job do on that cluster, and what should I change?

>>> import weftsim
>>> result = weftsim.run("scenarios/sc21-145b.yaml")
>>> result.step_time_s, result.mfu
>>> result.trace.to_pandas("ops")
"""

from weftsim._core import (
    InputError, MachineError, SimulationError, __version__,
    list_hosts, list_models, list_networks, list_profiles, list_scenarios, list_software,
)
from weftsim._collective import collective
from weftsim._own import ScheduleShape
from weftsim._result import Columns, Result, Trace
from weftsim._run import run
from weftsim._scenario import Cluster, Fabric, Model, Scenario
from weftsim._studies import compare, sweep, validate
from weftsim._sweep_result import SweepResult
from weftsim._traffic import traffic

__all__ = [
    "Cluster", "Columns", "Fabric", "InputError", "MachineError", "Model", "Result", "Scenario", "ScheduleShape", "SimulationError", "SweepResult", "Trace", "__version__", "collective", "compare",
    "list_hosts", "list_models", "list_networks", "list_profiles", "list_scenarios", "list_software", "run", "sweep", "traffic", "validate",
]

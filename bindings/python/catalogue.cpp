#include <pybind11/stl.h>
#include "bindings/python/bindings.hpp"
#include "kernels/device_profile.hpp"
#include "kernels/software_profile.hpp"
#include "sim/network.hpp"
#include "workloads/scenario_reader.hpp"

namespace py = pybind11;

namespace python {

void bind_catalogue(py::module_& module) {
  module.def("list_models", &workloads::shipped_models, "Names of the shipped models (``workload.model``).");
  module.def("list_hosts", &workloads::shipped_hosts, "Names of the shipped hosts (``cluster.host.preset``).");
  module.def("list_scenarios", &workloads::shipped_scenarios, "Names of the shipped scenarios.");
  module.def("list_profiles", &kernels::shipped_device_profiles, "Names of the shipped accelerators (``cluster.accelerator``).");
  module.def("list_software", &kernels::shipped_software_profiles, "Names of the shipped software profiles (``workload.software``).");
  module.def(
      "list_networks", [] { return std::vector<std::string>(sim::network_names().begin(), sim::network_names().end()); },
      "Names of the network models (``network``).");
}

}  // namespace python

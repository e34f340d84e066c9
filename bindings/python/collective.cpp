#include <pybind11/stl.h>
#include <nlohmann/json.hpp>
#include "bindings/python/bindings.hpp"
#include "sim/error.hpp"
#include "workloads/collective/collective_report.hpp"
#include "workloads/scenario_reader.hpp"

namespace py = pybind11;

namespace python {
namespace {

using namespace workloads::collective;

// As the command line's options; texts, so that what is wrong is said by the same words.
struct CollectiveArguments {
  std::vector<std::string> overrides;
  std::string op, min, max, dtype, algo, proto, steps;
  std::string custom_text, custom_name;
  int factor = 2, ranks = 0, stride = 1, root = 0, channels = 0;
  bool collnet = false;

  CollectiveSpec spec() const {
    CollectiveSpec spec;
    const auto known = kernels::collectives::op_named(op);
    if (!known) throw sim::InputError("op: '" + op + "' is not known. See the help of weftsim.collective.");
    spec.op = *known;
    if (!custom_text.empty()) spec.custom.emplace(custom_text, custom_name);
    spec.min_bytes = nccl_size(min, "min");
    spec.max_bytes = nccl_size(max, "max");
    spec.factor = factor;
    spec.ranks = ranks;
    spec.stride = stride;
    spec.root = root;
    spec.type = element_type_named(dtype);
    spec.nccl.algorithm = algo;
    spec.nccl.protocol = proto;
    spec.nccl.collnet = collnet;
    spec.steps = steps;
    spec.channels = channels;
    return spec;
  }
};

std::string run(const workloads::Scenario& scenario, const CollectiveArguments& arguments) {
  const py::gil_scoped_release unlock;
  return collective_json(run_collective(scenario, arguments.spec())).dump();
}

workloads::ReadOptions read_options(const CollectiveArguments& arguments) {
  return {.overrides = arguments.overrides, .workload_required = false};
}

}  // namespace

void bind_collective(py::module_& module) {
  py::class_<CollectiveArguments>(module, "CollectiveArguments")
      .def(py::init<>())
      .def_readwrite("overrides", &CollectiveArguments::overrides)
      .def_readwrite("op", &CollectiveArguments::op)
      .def_readwrite("min", &CollectiveArguments::min)
      .def_readwrite("max", &CollectiveArguments::max)
      .def_readwrite("dtype", &CollectiveArguments::dtype)
      .def_readwrite("algo", &CollectiveArguments::algo)
      .def_readwrite("proto", &CollectiveArguments::proto)
      .def_readwrite("collnet", &CollectiveArguments::collnet)
      .def_readwrite("stride", &CollectiveArguments::stride)
      .def_readwrite("steps", &CollectiveArguments::steps)
      .def_readwrite("custom_text", &CollectiveArguments::custom_text)
      .def_readwrite("custom_name", &CollectiveArguments::custom_name)
      .def_readwrite("factor", &CollectiveArguments::factor)
      .def_readwrite("ranks", &CollectiveArguments::ranks)
      .def_readwrite("root", &CollectiveArguments::root)
      .def_readwrite("channels", &CollectiveArguments::channels);
  module.def(
      "collective_file",
      [](const std::string& path, const CollectiveArguments& arguments) {
        return run(workloads::read_scenario(path, read_options(arguments)), arguments);
      },
      py::arg("path"), py::arg("arguments"), "Times a collective on the cluster of a scenario file; returns JSON.");
  module.def(
      "collective_text",
      [](const std::string& text, const std::string& source_name, const CollectiveArguments& arguments) {
        return run(workloads::read_scenario_text(text, source_name, read_options(arguments)), arguments);
      },
      py::arg("text"), py::arg("source_name"), py::arg("arguments"), "Times a collective on the cluster of a scenario given as text.");
}

}  // namespace python

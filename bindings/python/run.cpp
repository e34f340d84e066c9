#include <pybind11/functional.h>
#include <pybind11/stl.h>
#include <memory>
#include <optional>
#include "bindings/python/bindings.hpp"
#include "bindings/python/column_trace.hpp"
#include "bindings/python/watch.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/summary.hpp"

namespace py = pybind11;

namespace python {
namespace {

struct RunArguments {
  std::vector<std::string> overrides;  // "a.b.c=value"
  std::optional<std::uint64_t> seed;
  workloads::TraceLevel trace_level = workloads::TraceLevel::ops;
  bool fold = true;
  py::object progress = py::none();  // a callable that takes the fraction done, or None
};

py::tuple run(workloads::Scenario scenario, const RunArguments& arguments) {
  if (arguments.seed) scenario.seed = *arguments.seed;
  const auto trace = std::make_shared<RunTrace>();
  Watch watch(arguments.progress);
  workloads::RunOptions options;
  options.fold = arguments.fold;
  options.critical_path = true;
  options.trace_level = arguments.trace_level;
  if (arguments.trace_level != workloads::TraceLevel::none) options.trace = &trace->columns;
  options.progress = std::ref(watch);
  std::string summary;
  try {
    py::gil_scoped_release unlock;
    workloads::Result result = workloads::run(scenario, options);
    summary = workloads::summary_json(result);
    trace->ranks = std::move(result.ranks);
    trace->links = std::move(result.links);
    trace->load = std::move(result.link_load);
    trace->queues = std::move(result.queues);
    trace->rates = std::move(result.rates);
  } catch (const workloads::Interrupted&) {
    watch.rethrow();
    throw;
  }
  return py::make_tuple(summary, trace);
}

workloads::ReadOptions read_options(const RunArguments& arguments) {
  workloads::ReadOptions options;
  options.overrides = arguments.overrides;
  return options;
}

}  // namespace

void bind_run(py::module_& module) {
  using workloads::TraceLevel;
  py::enum_<TraceLevel>(module, "TraceLevel")
      .value("none", TraceLevel::none)
      .value("summary", TraceLevel::summary)
      .value("ops", TraceLevel::ops)
      .value("full", TraceLevel::full);
  py::class_<RunArguments>(module, "RunArguments")
      .def(py::init<>())
      .def_readwrite("overrides", &RunArguments::overrides)
      .def_readwrite("seed", &RunArguments::seed)
      .def_readwrite("trace_level", &RunArguments::trace_level)
      .def_readwrite("fold", &RunArguments::fold)
      .def_readwrite("progress", &RunArguments::progress);
  module.def(
      "run_file",
      [](const std::string& path, const RunArguments& arguments) {
        return run(workloads::read_scenario(path, read_options(arguments)), arguments);
      },
      py::arg("path"), py::arg("arguments"), "Runs a scenario file; returns (JSON summary, Trace).");
  module.def(
      "run_text",
      [](const std::string& text, const std::string& source_name, const RunArguments& arguments) {
        return run(workloads::read_scenario_text(text, source_name, read_options(arguments)), arguments);
      },
      py::arg("text"), py::arg("source_name"), py::arg("arguments"), "Runs a scenario given as YAML or JSON text.");
}

}  // namespace python

#include <pybind11/functional.h>
#include <pybind11/stl.h>
#include <memory>
#include <nlohmann/json.hpp>
#include "bindings/python/bindings.hpp"
#include "bindings/python/column_trace.hpp"
#include "bindings/python/watch.hpp"
#include "kernels/csv_table.hpp"
#include "sim/error.hpp"
#include "workloads/network_report.hpp"
#include "workloads/quantity.hpp"
#include "workloads/run.hpp"  // Interrupted
#include "workloads/scenario_reader.hpp"
#include "workloads/traffic/flow_file.hpp"
#include "workloads/traffic/patterns.hpp"
#include "workloads/traffic/traffic_run.hpp"
#include "workloads/traffic/traffic_summary.hpp"
#include "workloads/traffic/traffic_trace.hpp"

namespace py = pybind11;

namespace python {
namespace {

using namespace workloads::traffic;

struct TrafficArguments {
  std::vector<std::string> overrides;
  std::string flows_path, flows_text;  // a file, or the same as text; neither: a pattern
  std::string pattern, size;
  std::optional<int> senders;
  int receiver = 0, end_points = 0, flow_count = 10'000;
  double load = 0.6;
  bool exact = false, trace = true;
  std::optional<std::uint64_t> seed;
  py::object progress = py::none();

  PatternSpec spec(std::uint64_t seed_of_all) const {
    PatternSpec spec;
    spec.pattern = pattern;
    spec.seed = seed_of_all;
    const auto bytes = workloads::parse_bytes(size);
    if (!bytes.value) throw sim::InputError("size: " + bytes.problem);
    spec.size = *bytes.value;
    spec.senders = senders;
    spec.receiver = receiver;
    spec.end_points = end_points;
    spec.load = load;
    spec.flows = flow_count;
    return spec;
  }
  FlowList flows(const workloads::Scenario& scenario, const topology::Fabric& fabric) const {
    if (!flows_path.empty()) return read_flows(flows_path, fabric);
    if (!flows_text.empty()) return read_flows(kernels::CsvTable(flows_text, "<flows>"), fabric);
    return make_pattern(spec(scenario.seed), scenario.cluster);
  }
};

py::tuple run(workloads::Scenario scenario, const TrafficArguments& arguments) {
  if (arguments.seed) scenario.seed = *arguments.seed;
  const auto trace = std::make_shared<RunTrace>();
  Watch watch(arguments.progress);
  std::string summary;
  try {
    const py::gil_scoped_release unlock;
    const topology::Fabric fabric(scenario.cluster);
    const FlowList list = arguments.flows(scenario, fabric);
    TrafficOutcome outcome =
        run_traffic(scenario, fabric, list, {.exact = arguments.exact, .trace = arguments.trace, .progress = std::ref(watch)});
    summary = traffic_json(scenario, list, outcome, summarize(list, outcome)).dump();
    record_flows(list, outcome, trace->columns);
    trace->links = workloads::make_link_rows(fabric);
    if (outcome.trace) {
      trace->load = std::move(outcome.trace->load);
      trace->queues = std::move(outcome.trace->queues);
      trace->rates = std::move(outcome.trace->rates);
    }
  } catch (const workloads::Interrupted&) {
    watch.rethrow();
    throw;
  }
  return py::make_tuple(summary, trace);
}

workloads::ReadOptions read_options(const TrafficArguments& arguments) {
  return {.overrides = arguments.overrides, .workload_required = false};
}

}  // namespace

void bind_traffic(py::module_& module) {
  py::class_<TrafficArguments>(module, "TrafficArguments")
      .def(py::init<>())
      .def_readwrite("overrides", &TrafficArguments::overrides)
      .def_readwrite("flows_path", &TrafficArguments::flows_path)
      .def_readwrite("flows_text", &TrafficArguments::flows_text)
      .def_readwrite("pattern", &TrafficArguments::pattern)
      .def_readwrite("size", &TrafficArguments::size)
      .def_readwrite("senders", &TrafficArguments::senders)
      .def_readwrite("receiver", &TrafficArguments::receiver)
      .def_readwrite("end_points", &TrafficArguments::end_points)
      .def_readwrite("flow_count", &TrafficArguments::flow_count)
      .def_readwrite("load", &TrafficArguments::load)
      .def_readwrite("exact", &TrafficArguments::exact)
      .def_readwrite("trace", &TrafficArguments::trace)
      .def_readwrite("seed", &TrafficArguments::seed)
      .def_readwrite("progress", &TrafficArguments::progress);
  module.def(
      "traffic_file",
      [](const std::string& path, const TrafficArguments& arguments) {
        return run(workloads::read_scenario(path, read_options(arguments)), arguments);
      },
      py::arg("path"), py::arg("arguments"), "Sends flows through the fabric of a scenario file; returns (JSON summary, Trace).");
  module.def(
      "traffic_text",
      [](const std::string& text, const std::string& source_name, const TrafficArguments& arguments) {
        return run(workloads::read_scenario_text(text, source_name, read_options(arguments)), arguments);
      },
      py::arg("text"), py::arg("source_name"), py::arg("arguments"), "Sends flows through the fabric of a scenario given as text.");
}

}  // namespace python

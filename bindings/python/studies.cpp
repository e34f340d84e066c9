#include <pybind11/stl.h>
#include <functional>
#include <memory>
#include "bindings/python/bindings.hpp"
#include "bindings/python/watch.hpp"
#include "workloads/run.hpp"
#include "workloads/studies/compare.hpp"
#include "workloads/studies/sweep_cost.hpp"
#include "workloads/studies/sweep_run.hpp"
#include "workloads/studies/validate.hpp"

namespace py = pybind11;

namespace python {
namespace {

struct SweepArguments {
  std::string directory;
  bool resume = false;
  int jobs = 0;
  std::optional<std::uint64_t> seed;
  py::object progress = py::none();
};

// Calls `work` with the options, without the interpreter's lock.
template <class Work>
auto watched(const SweepArguments& arguments, const Work& work) {
  Watch watch(arguments.progress);
  const workloads::SweepOptions options{arguments.directory, arguments.resume, arguments.jobs, arguments.seed, std::ref(watch)};
  try {
    const py::gil_scoped_release unlock;
    return work(options);
  } catch (const workloads::Interrupted&) {
    watch.rethrow();
    throw;
  }
}

using Points = std::vector<std::size_t>;

// The points that have to run, in shards that take about as long.
std::vector<Points> shards_of(const workloads::Sweep& sweep, const SweepArguments& arguments, std::size_t count) {
  return watched(arguments, [&](const workloads::SweepOptions& options) {
    const Points points = points_to_run(sweep, options);
    std::vector<Points> shards = workloads::share_out(costs_of(sweep, points, options), count);
    for (Points& shard : shards)
      for (std::size_t& i : shard) i = points[i];
    return shards;
  });
}

}  // namespace

void bind_studies(py::module_& module) {
  py::class_<SweepArguments>(module, "SweepArguments")
      .def(py::init<>())
      .def_readwrite("directory", &SweepArguments::directory)
      .def_readwrite("resume", &SweepArguments::resume)
      .def_readwrite("jobs", &SweepArguments::jobs)
      .def_readwrite("seed", &SweepArguments::seed)
      .def_readwrite("progress", &SweepArguments::progress);
  py::class_<workloads::Sweep>(module, "Sweep")
      .def_static(
          "from_file", [](const std::string& path) { return std::make_unique<workloads::Sweep>(workloads::Sweep::from_file(path)); },
          py::arg("path"))
      .def_static(
          "from_text",
          [](const std::string& text, const std::string& name) {
            return std::make_unique<workloads::Sweep>(workloads::Sweep::from_text(text, name));
          },
          py::arg("text"), py::arg("source_name"))
      .def(
          "run",
          [](const workloads::Sweep& sweep, const SweepArguments& arguments) {
            return watched(arguments, [&](const auto& options) { return sweep_json(sweep, options, run_sweep(sweep, options)); });
          },
          py::arg("arguments"), "Runs all points and writes the tables; returns JSON.")
      .def("shards", &shards_of, py::arg("arguments"), py::arg("count"), "Points that have to run, in lists that take about as long.")
      .def(
          "run_points",
          [](const workloads::Sweep& sweep, const Points& points, const SweepArguments& arguments) {
            watched(arguments, [&](const auto& options) { return run_points(sweep, points, options), 0; });
          },
          py::arg("points"), py::arg("arguments"), "Runs some points into a record file of this process.")
      .def(
          "collect",
          [](const workloads::Sweep& sweep, const SweepArguments& arguments) {
            return watched(arguments, [&](const auto& options) { return sweep_json(sweep, options, collect_sweep(sweep, options)); });
          },
          py::arg("arguments"), "Writes the tables of what there is; returns JSON.");
  module.def(
      "summary_of", [](const std::string& what) { return workloads::summary_of(what, 0); }, py::arg("what"),
      py::call_guard<py::gil_scoped_release>(), "The JSON summary of a trace, a row of a sweep or a scenario.");
  module.def(
      "validate",
      [](const std::string& data, const std::string& only, int threads, const py::object& progress) {
        Watch watch(progress);
        try {
          const py::gil_scoped_release unlock;
          return validation_json(workloads::validate({data, only, threads, std::ref(watch)}));
        } catch (const workloads::Interrupted&) {
          watch.rethrow();
          throw;
        }
      },
      py::arg("data"), py::arg("only"), py::arg("threads"), py::arg("progress"), "Predicts measured rows again; returns JSON.");
  module.def(
      "compare", [](const std::string& a, const std::string& b) { return comparison_json(workloads::compare(a, b)); }, py::arg("a"),
      py::arg("b"), "Compares two JSON summaries; returns JSON.");
}

}  // namespace python

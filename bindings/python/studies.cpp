#include <pybind11/stl.h>
#include <functional>
#include "bindings/python/bindings.hpp"
#include "bindings/python/watch.hpp"
#include "workloads/run.hpp"
#include "workloads/studies/compare.hpp"
#include "workloads/studies/sweep_run.hpp"

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

std::string run(const workloads::Sweep& sweep, const SweepArguments& arguments) {
  Watch watch(arguments.progress);
  const workloads::SweepOptions options{arguments.directory, arguments.resume, arguments.jobs, arguments.seed, std::ref(watch)};
  try {
    const py::gil_scoped_release unlock;
    return sweep_json(sweep, options, run_sweep(sweep, options));
  } catch (const workloads::Interrupted&) {
    watch.rethrow();
    throw;
  }
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
  module.def(
      "sweep_file", [](const std::string& path, const SweepArguments& a) { return run(workloads::Sweep::from_file(path), a); },
      py::arg("path"), py::arg("arguments"), "Runs a sweep file; returns JSON.");
  module.def(
      "sweep_text",
      [](const std::string& text, const std::string& name, const SweepArguments& a) {
        return run(workloads::Sweep::from_text(text, name), a);
      },
      py::arg("text"), py::arg("source_name"), py::arg("arguments"), "Runs a sweep given as text; returns JSON.");
  module.def(
      "summary_of", [](const std::string& what) { return workloads::summary_of(what, 0); }, py::arg("what"),
      py::call_guard<py::gil_scoped_release>(), "The JSON summary of a trace, a row of a sweep or a scenario.");
  module.def(
      "compare", [](const std::string& a, const std::string& b) { return comparison_json(workloads::compare(a, b)); }, py::arg("a"),
      py::arg("b"), "Compares two JSON summaries; returns JSON.");
}

}  // namespace python

#include "bindings/python/bindings.hpp"
#include "workloads/version.hpp"

PYBIND11_MODULE(_core, module) {
  module.doc() = "The compiled part of weftsim; use `import weftsim`.";
  module.attr("__version__") = std::string(workloads::version);
  python::bind_errors(module);
  python::bind_trace(module);
  python::bind_run(module);
  python::bind_collective(module);
  python::bind_traffic(module);
  python::bind_studies(module);
  python::bind_catalogue(module);
  python::bind_scenario(module);
}

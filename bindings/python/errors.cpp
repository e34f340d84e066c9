#include <pybind11/stl.h>
#include "bindings/python/bindings.hpp"
#include "sim/error.hpp"

namespace py = pybind11;

namespace python {
namespace {

// Exception classes live as long as the interpreter, so they are never released.
PyObject* input_error = nullptr;
PyObject* simulation_error = nullptr;
PyObject* machine_error = nullptr;

PyObject* add_exception(py::module_& module, const char* name, PyObject* base, const char* doc) {
  const std::string full_name = std::string("weftsim.") + name;
  PyObject* type = PyErr_NewExceptionWithDoc(full_name.c_str(), doc, base, nullptr);
  if (type == nullptr) throw py::error_already_set();
  module.attr(name) = py::handle(type);
  return type;
}

void translate(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const sim::InputError& error) {
    py::object object = py::handle(input_error)(error.what());
    object.attr("problems") = error.problems();
    PyErr_SetObject(input_error, object.ptr());
  } catch (const sim::SimulationError& error) {
    PyErr_SetString(simulation_error, error.what());
  } catch (const sim::MachineError& error) {
    PyErr_SetString(machine_error, error.what());
  }
}

}  // namespace

void bind_errors(py::module_& module) {
  input_error =
      add_exception(module, "InputError", PyExc_ValueError, "The scenario is wrong. `problems` lists everything that is, a string each.");
  simulation_error = add_exception(module, "SimulationError", PyExc_RuntimeError,
                                   "The simulated system cannot go on: deadlock, no route, out of memory with `on_oom: error`.");
  machine_error = add_exception(module, "MachineError", PyExc_RuntimeError, "This machine lacks something, for example disk space.");
  py::register_exception_translator(&translate);
}

}  // namespace python

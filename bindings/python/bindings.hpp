#pragma once
#include <pybind11/pybind11.h>

// One function a concept; module.cpp calls each once.
namespace python {

void bind_errors(pybind11::module_& module);
void bind_trace(pybind11::module_& module);
void bind_run(pybind11::module_& module);
void bind_collective(pybind11::module_& module);
void bind_traffic(pybind11::module_& module);
void bind_studies(pybind11::module_& module);
void bind_catalogue(pybind11::module_& module);
void bind_scenario(pybind11::module_& module);

}  // namespace python

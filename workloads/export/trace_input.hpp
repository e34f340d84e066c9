#pragma once
#include <string>
#include "workloads/hdf5_reader.hpp"

namespace workloads {

// Opens a trace of `weftsim run`, whole or partial. Throws sim::InputError for any other file.
hdf5::Reader open_trace(const std::string& path);

}  // namespace workloads

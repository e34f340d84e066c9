#include "workloads/export/trace_input.hpp"
#include <fmt/format.h>
#include "sim/error.hpp"
#include "workloads/export/trace_state.hpp"

namespace workloads {

hdf5::Reader open_trace(const std::string& path) {
  hdf5::Reader trace(path);
  if (!trace.has_attribute("/", "complete") || !trace.has("ops"))
    throw sim::InputError(fmt::format("{}: is HDF5, but no trace of a run. Give a file that `weftsim run --out` wrote.", path));
  return trace;
}

bool trace_is_whole(const std::string& path) { return open_trace(path).number_attribute("/", "complete") == 1; }

}  // namespace workloads

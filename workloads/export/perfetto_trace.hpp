#pragma once
#include <cstddef>
#include <string>

namespace workloads {

struct PerfettoCounts {
  std::size_t slices = 0, ranks = 0, links_shown = 0, links_used = 0;
};

// A trace as Perfetto's protocol buffers (ui.perfetto.dev, trace_processor): a process a rank, a thread a stream, operations as slices
// that nest; counters of the memory of each rank and of the load of the `most_links` links that carried most. Perfetto counts
// nanoseconds: picoseconds are rounded. All operations are in memory at once, 60 bytes each.
// Throws sim::InputError, sim::MachineError.
PerfettoCounts write_perfetto_trace(const std::string& trace, const std::string& path, std::size_t most_links);

}  // namespace workloads

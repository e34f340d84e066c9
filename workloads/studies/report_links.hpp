#pragma once
#include <nlohmann/json_fwd.hpp>

namespace workloads {

namespace hdf5 {
class Reader;
}

// Loads of the links of a trace: of each kind over time, and between boxes of a drawing that has hosts below and the top of the fabric
// above. A box holds neighbours where a tier has more than 64 nodes; a line joins two boxes and holds both directions.
nlohmann::ordered_json report_links(const hdf5::Reader& file);

}  // namespace workloads

#pragma once
#include <nlohmann/json_fwd.hpp>
#include "topology/report.hpp"

// JSON of what a fabric is made of (docs/topologies.md). Figures without a source are null, not zero.
namespace workloads {

nlohmann::ordered_json counts_json(const topology::Counts& counts);  // hosts … modules_per_gpu
nlohmann::ordered_json bill_json(const topology::Bill& bill);        // with power and price: the bill of materials
nlohmann::ordered_json balance_json(const std::vector<topology::TierBalance>& tiers);
nlohmann::ordered_json topology_json(const topology::TopologyReport& report);

}  // namespace workloads

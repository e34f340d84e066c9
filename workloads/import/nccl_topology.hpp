#pragma once
#include <string>
#include <vector>

namespace workloads {

struct ImportedPart {
  std::string yaml;                   // for `cluster.host` or `workload.model`
  std::vector<std::string> left_out;  // what the file says and the YAML does not, a sentence each
};

// A host from the XML that NCCL writes with NCCL_TOPO_DUMP_FILE: GPUs, NVLink (switches or a mesh), NICs, PCIe. Several hosts of one
// NVLink domain make one host and its domain; hosts must be alike. What the XML does not say (latencies) comes from the preset `base`,
// or is named. Rates of a link by generation: nvlink.csv, pcie.csv. Throws sim::InputError with every problem.
ImportedPart import_nccl_topology(const std::string& path, const std::string& base);

}  // namespace workloads

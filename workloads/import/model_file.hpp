#pragma once
#include "workloads/import/nccl_topology.hpp"  // ImportedPart

namespace workloads {

// A model in our keys from a config.json of Hugging Face. Throws sim::InputError.
ImportedPart import_hugging_face(const std::string& path);

}  // namespace workloads

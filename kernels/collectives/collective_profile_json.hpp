#pragma once
#include <string>
#include <vector>
#include "kernels/collectives/collective_profile.hpp"
#include "kernels/strict_json.hpp"

// The lists of a profile's JSON that hold models, tables and transports, one entry a line.
namespace kernels {

// Rows of bytes and microseconds: bytes ascend, times do not fall.
std::vector<TimedBytes> read_timed_bytes(JsonObject& from, std::string_view key);
std::string line_of(const std::vector<TimedBytes>& points);
std::vector<CollectiveModel> read_models(JsonObject& scale_up, JsonProblems& problems);
std::vector<VersionFactor> read_versions(JsonObject& scale_up, JsonProblems& problems);
std::vector<CollectiveTable> read_tables(JsonObject& scale_up, JsonProblems& problems);
std::vector<TransportProfile> read_transports(JsonObject& network, JsonProblems& problems);
std::vector<std::string> lines_of(const std::vector<CollectiveModel>& models);
std::vector<std::string> lines_of(const std::vector<VersionFactor>& versions);
std::vector<std::string> lines_of(const std::vector<CollectiveTable>& tables);
std::vector<std::string> lines_of(const std::vector<TransportProfile>& transports);

}  // namespace kernels

#include "kernels/collectives/collective_profile_json.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace kernels {
namespace {

constexpr double longest = 1e4;  // seconds of one operation
constexpr CollectiveOp all_ops[] = {CollectiveOp::all_reduce, CollectiveOp::all_gather, CollectiveOp::reduce_scatter,
                                    CollectiveOp::broadcast,  CollectiveOp::all_to_all, CollectiveOp::send_receive,
                                    CollectiveOp::reduce,     CollectiveOp::gather,     CollectiveOp::scatter};
constexpr NcclAlgorithm all_algorithms[] = {NcclAlgorithm::tree,      NcclAlgorithm::ring, NcclAlgorithm::nvls,
                                            NcclAlgorithm::nvls_tree, NcclAlgorithm::pat,  NcclAlgorithm::direct};
constexpr NcclProtocol all_protocols[] = {NcclProtocol::ll, NcclProtocol::ll128, NcclProtocol::simple};
constexpr Transport all_transports[] = {Transport::infiniband, Transport::roce, Transport::efa};

struct Field {
  const char* key;
  double CollectiveModel::*value;
};
constexpr Field fields[] = {{"base_s", &CollectiveModel::base_s},     {"step_s", &CollectiveModel::step_s},
                            {"growth_s", &CollectiveModel::growth_s}, {"per_byte_s", &CollectiveModel::per_byte_s},
                            {"root_s", &CollectiveModel::root_s},     {"copy_s", &CollectiveModel::copy_s}};

}  // namespace

std::vector<CollectiveModel> read_models(JsonObject& scale_up, JsonProblems& problems) {
  std::vector<CollectiveModel> models;
  scale_up.list("models", [&](const JsonNode& node, const std::string& path) {
    JsonObject entry(node, path, problems);
    CollectiveModel model;
    model.op = named(entry, "op", entry.text("op"), all_ops);
    model.algorithm = named(entry, "algorithm", entry.text("algorithm"), all_algorithms);
    model.protocol = named(entry, "protocol", entry.text("protocol"), all_protocols);
    for (const Field& field : fields) model.*field.value = entry.number(field.key, 0, longest);
    entry.finish();
    models.push_back(model);
  });
  return models;
}

std::vector<TransportProfile> read_transports(JsonObject& network, JsonProblems& problems) {
  std::vector<TransportProfile> transports;
  network.list("transports", [&](const JsonNode& node, const std::string& path) {
    JsonObject entry(node, path, problems);
    TransportProfile t;
    t.transport = named(entry, "transport", entry.text("transport"), all_transports);
    t.efficiency = entry.number("efficiency", 0, 1);
    t.source = entry.text("source");
    for (const auto& row : entry.rows("bytes_ratio", 2)) {
      if (!t.points.empty() && row[0] <= t.points.back().bytes)
        entry.problem("bytes_ratio", fmt::format("the row of {} bytes does not ascend. Sort the rows.", row[0]));
      t.points.push_back({row[0], row[1]});
    }
    entry.finish();
    transports.push_back(std::move(t));
  });
  return transports;
}

std::vector<std::string> lines_of(const std::vector<CollectiveModel>& models) {
  std::vector<std::string> lines;
  for (const auto& m : models) {
    std::string line =
        fmt::format(R"({{"op": "{}", "algorithm": "{}", "protocol": "{}")", name_of(m.op), name_of(m.algorithm), name_of(m.protocol));
    for (const Field& field : fields) line += fmt::format(R"(, "{}": {})", field.key, m.*field.value);
    lines.push_back(line + "}");
  }
  return lines;
}

std::vector<std::string> lines_of(const std::vector<TransportProfile>& transports) {
  std::vector<std::string> lines;
  for (const auto& t : transports) {
    std::vector<std::string> rows;
    for (const auto& p : t.points) rows.push_back(fmt::format("[{:.0f}, {}]", p.bytes, p.ratio));
    lines.push_back(fmt::format(R"({{"transport": "{}", "efficiency": {}, "source": {}, "bytes_ratio": [{}]}})", name_of(t.transport),
                                t.efficiency, nlohmann::json(t.source).dump(), fmt::join(rows, ", ")));
  }
  return lines;
}

}  // namespace kernels

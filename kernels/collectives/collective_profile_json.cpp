#include "kernels/collectives/collective_profile_json.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

namespace kernels {
namespace {

constexpr double longest = 1e4;  // seconds of one operation
constexpr double largest_factor = 100;
constexpr CollectiveOp all_ops[] = {CollectiveOp::all_reduce, CollectiveOp::all_gather, CollectiveOp::reduce_scatter,
                                    CollectiveOp::broadcast,  CollectiveOp::all_to_all, CollectiveOp::send_receive,
                                    CollectiveOp::reduce,     CollectiveOp::gather,     CollectiveOp::scatter};
constexpr NcclProtocol all_protocols[] = {NcclProtocol::ll, NcclProtocol::ll128, NcclProtocol::simple};
constexpr Transport all_transports[] = {Transport::infiniband, Transport::roce, Transport::efa};

struct Field {
  const char* key;
  double CollectiveModel::*value;
};
constexpr Field fields[] = {{"base_s", &CollectiveModel::base_s},     {"step_s", &CollectiveModel::step_s},
                            {"growth_s", &CollectiveModel::growth_s}, {"per_byte_s", &CollectiveModel::per_byte_s},
                            {"root_s", &CollectiveModel::root_s},     {"copy_s", &CollectiveModel::copy_s}};

// What runs: a CollectiveModel, VersionFactor or CollectiveTable.
template <class Entry>
void read_choice(JsonObject& from, Entry& entry) {
  entry.algorithm = named(from, "algorithm", from.text("algorithm"), every_nccl_algorithm);
  entry.protocol = named(from, "protocol", from.text("protocol"), all_protocols);
}

}  // namespace

std::vector<TimedBytes> read_timed_bytes(JsonObject& from, std::string_view key) {
  std::vector<TimedBytes> points;
  for (const auto& row : from.rows(key, 2)) {
    const TimedBytes point{row[0], row[1] * 1e-6};
    if (!points.empty() && (point.bytes <= points.back().bytes || point.seconds < points.back().seconds))
      from.problem(key, fmt::format("the row of {} bytes does not ascend. Bytes must grow and times must not fall.", row[0]));
    points.push_back(point);
  }
  return points;
}

std::string line_of(const std::vector<TimedBytes>& points) {
  std::vector<std::string> rows;
  for (const auto& p : points) rows.push_back(fmt::format("[{:.0f}, {:.12g}]", p.bytes, p.seconds * 1e6));
  return fmt::format("[{}]", fmt::join(rows, ", "));
}

std::vector<CollectiveModel> read_models(JsonObject& scale_up, JsonProblems& problems) {
  std::vector<CollectiveModel> models;
  scale_up.list("models", [&](const JsonNode& node, const std::string& path) {
    JsonObject entry(node, path, problems);
    CollectiveModel model;
    model.op = named(entry, "op", entry.text("op"), all_ops);
    read_choice(entry, model);
    for (const Field& field : fields) model.*field.value = entry.number(field.key, 0, longest);
    entry.finish();
    models.push_back(model);
  });
  return models;
}

std::vector<VersionFactor> read_versions(JsonObject& scale_up, JsonProblems& problems) {
  std::vector<VersionFactor> versions;
  scale_up.list("versions", [&](const JsonNode& node, const std::string& path) {
    JsonObject entry(node, path, problems);
    VersionFactor v;
    v.nccl = entry.text("nccl");
    read_choice(entry, v);
    v.factor = entry.positive("factor", largest_factor);
    entry.finish();
    versions.push_back(std::move(v));
  });
  return versions;
}

std::vector<CollectiveTable> read_tables(JsonObject& scale_up, JsonProblems& problems) {
  const auto key = [](const CollectiveTable& t) { return std::tie(t.op, t.ranks, t.algorithm, t.protocol); };
  std::vector<CollectiveTable> tables;
  scale_up.list("tables", [&](const JsonNode& node, const std::string& path) {
    JsonObject entry(node, path, problems);
    CollectiveTable table;
    table.op = named(entry, "op", entry.text("op"), all_ops);
    table.ranks = static_cast<int>(entry.whole("ranks", 2, 1 << 20));
    read_choice(entry, table);
    table.points = read_timed_bytes(entry, "bytes_microseconds");
    if (table.points.empty()) entry.problem("bytes_microseconds", "a table needs rows. Add them or remove the table.");
    entry.finish();
    if (std::ranges::any_of(tables, [&](const auto& other) { return key(other) == key(table); }))
      problems.add(node.line, path,
                   fmt::format("{} of {} ranks by {} {} has a table already. Keep one of them.", name_of(table.op), table.ranks,
                               name_of(table.algorithm), name_of(table.protocol)));
    tables.push_back(std::move(table));
  });
  std::ranges::sort(tables, [&](const auto& a, const auto& b) { return key(a) < key(b); });
  return tables;
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

std::vector<std::string> lines_of(const std::vector<VersionFactor>& versions) {
  std::vector<std::string> lines;
  for (const auto& v : versions)
    lines.push_back(fmt::format(R"({{"nccl": "{}", "algorithm": "{}", "protocol": "{}", "factor": {}}})", v.nccl, name_of(v.algorithm),
                                name_of(v.protocol), v.factor));
  return lines;
}

std::vector<std::string> lines_of(const std::vector<CollectiveTable>& tables) {
  std::vector<std::string> lines;
  for (const auto& t : tables)
    lines.push_back(fmt::format(R"({{"op": "{}", "ranks": {}, "algorithm": "{}", "protocol": "{}", "bytes_microseconds": {}}})",
                                name_of(t.op), t.ranks, name_of(t.algorithm), name_of(t.protocol), line_of(t.points)));
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

#include "kernels/calibrate/fit/platform.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <span>
#include "kernels/data_sheet.hpp"
#include "kernels/strict_json.hpp"
#include "sim/embedded_file.hpp"
#include "sim/error.hpp"

namespace kernels::calibrate {
namespace embedded {
std::span<const sim::EmbeddedFile> files();
}
namespace {

struct Platforms {
  std::vector<Platform> platforms;
  std::vector<std::pair<std::string, std::string>> sheets;  // by device
};

Platforms read_platforms() {
  const sim::EmbeddedFile& file = embedded::files().front();
  const std::string where = "kernels/calibrate/" + std::string(file.path);
  const JsonNode root = parse_json(file.contents, where);
  JsonProblems problems(where);
  JsonObject top(root, "", problems);
  top.text("schema");
  Platforms all;
  top.list("platforms", [&](const JsonNode& node, const std::string& path) {
    JsonObject entry(node, path, problems);
    Platform platform{.name = entry.text("name")};
    JsonObject drift = entry.object("drift_sigma"), attention = entry.object("attention");
    platform.drift_sigma = drift.positive("value", 1);
    platform.drift_source = drift.text("source");
    platform.backward_flops = attention.positive("backward_flops");
    platform.backward_rate = attention.positive("backward_rate");
    platform.attention_source = attention.text("source");
    for (JsonObject* object : {&drift, &attention, &entry}) object->finish();
    all.platforms.push_back(std::move(platform));
  });
  top.list("devices", [&](const JsonNode& node, const std::string& path) {
    JsonObject entry(node, path, problems);
    all.sheets.emplace_back(entry.text("device"), entry.text("data_sheet"));
    entry.finish();
  });
  top.finish();
  problems.throw_if_any();
  return all;
}

const Platforms& platforms() {
  static const Platforms all = read_platforms();
  return all;
}

}  // namespace

Platform platform_named(std::string_view name) {
  for (const Platform& platform : platforms().platforms)
    if (platform.name == name) return platform;
  throw sim::InputError(fmt::format("platform '{}': it is not known (known: cpu, cuda). Measure again.", name));
}

std::string data_sheet_of(std::string_view device) {
  for (const auto& [known, sheet] : platforms().sheets)
    if (known == device) return sheet;
  return {};
}

std::string fact_of(const Machine& machine, std::string_view name) {
  const auto found = std::find_if(machine.facts.begin(), machine.facts.end(), [&](const auto& fact) { return fact.first == name; });
  return found == machine.facts.end() ? std::string() : found->second;
}

DeviceProfile base_profile(const Machine& machine) {
  if (const std::string sheet = data_sheet_of(machine.device); !sheet.empty()) return load_device_profile(sheet);
  const Platform platform = platform_named(machine.platform);
  DeviceProfile p;
  p.vendor = "measured here";
  p.multiprocessors = std::max(1, machine.multiprocessors);
  p.memory.capacity_bytes = machine.memory_bytes;
  p.memory.bandwidth_Bps = machine.memory_clock_Bps;
  p.memory.efficiency = 1;
  p.attention.model = {0, 1, 1, 0};
  p.attention.backward_flops = platform.backward_flops;
  p.attention.backward_rate = platform.backward_rate;
  p.attention.source = platform.attention_source;
  p.scale_up.efficiency = 1;
  p.network.nic_efficiency = 1;
  p.network.source = "assumption: no network was measured";
  return p;
}

}  // namespace kernels::calibrate

#include "kernels/fit/data_sheet.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <span>
#include "kernels/strict_json.hpp"
#include "sim/embedded_file.hpp"
#include "sim/error.hpp"

namespace kernels {
namespace embedded {
std::span<const sim::EmbeddedFile> files();
}
namespace fit {
namespace {

Precision precision_named(JsonObject& entry, std::string_view key, std::string_view name) {
  for (const auto p : {Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16})
    if (name_of(p) == name) return p;
  entry.problem(key, fmt::format("'{}' is no precision. Write fp32, tf32, fp16 or bf16.", name));
  return Precision::bf16;
}

DataSheet read_device(JsonObject entry, JsonProblems& problems) {
  DataSheet sheet;
  DeviceProfile& p = sheet.profile;
  p.name = entry.text("name");
  p.description = entry.text("description");
  p.vendor = entry.text("vendor");
  sheet.gemm_table = entry.text("gemm_table");
  sheet.gemm_source = entry.text("gemm_source");
  sheet.measured_on = entry.text("measured_on");
  entry.list("gpu_types", [&](const JsonNode& node, const std::string&) { sheet.gpu_types.push_back(node.text); });
  p.gemm.table_precision = precision_named(entry, "gemm_precision", entry.text("gemm_precision"));
  entry.list("gemm_used_for", [&](const JsonNode& node, const std::string&) {
    p.gemm.used_for.push_back(precision_named(entry, "gemm_used_for", node.text));
  });
  p.multiprocessors = static_cast<int>(entry.whole("multiprocessors", 1, 1 << 20));
  JsonObject peaks = entry.object("peak_flops");
  for (const auto precision : {Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16})
    p.peak_flops[static_cast<std::size_t>(precision)] = peaks.positive(name_of(precision));
  peaks.finish();
  JsonObject memory = entry.object("memory");
  p.memory = {memory.positive("capacity_bytes"), memory.positive("bandwidth_Bps"), memory.positive("efficiency", 1)};
  memory.finish();
  p.scale_up.bandwidth_Bps = entry.positive("scale_up_bandwidth_Bps");
  JsonObject batched = entry.object("batched_gemm");
  p.batched_gemm = {batched.positive("peak_fraction", 1), batched.text("source")};
  batched.finish();
  JsonObject attention = entry.object("attention");
  p.attention.backward_flops = attention.positive("backward_flops");
  p.attention.backward_rate = attention.positive("backward_rate");
  p.attention.source = attention.text("source");
  attention.finish();
  entry.list("sources", [&](const JsonNode& node, const std::string& path) {
    JsonObject source(node, path, problems);
    p.provenance.push_back({source.text("what"), source.text("source"), source.text("how"), source.whole("rows")});
    source.finish();
  });
  entry.finish();
  return sheet;
}

std::vector<DataSheet> all_sheets() {
  std::vector<DataSheet> sheets;
  for (const auto& file : embedded::files()) {
    if (!file.path.starts_with("datasheets/")) continue;
    const std::string name = "kernels/" + std::string(file.path);
    const JsonNode root = parse_json(file.contents, name);
    JsonProblems problems(name);
    JsonObject top(root, "", problems);
    if (top.text("schema") != "weftsim-datasheets/1")
      top.problem("schema", "this is no file of data sheets. Write 'weftsim-datasheets/1'.");
    top.list("devices", [&](const JsonNode& node, const std::string& path) {
      sheets.push_back(read_device(JsonObject(node, path, problems), problems));
    });
    top.finish();
    problems.throw_if_any();
  }
  return sheets;
}

}  // namespace

std::vector<std::string> data_sheet_names() {
  std::vector<std::string> names;
  for (const auto& sheet : all_sheets()) names.push_back(sheet.profile.name);
  return names;
}

DataSheet load_data_sheet(std::string_view device) {
  for (auto& sheet : all_sheets())
    if (sheet.profile.name == device) return sheet;
  const auto names = data_sheet_names();
  throw sim::InputError(
      fmt::format("device '{}': there is no data sheet of this name (known: {}).{} Write one of them, or add it to kernels/datasheets/.",
                  device, fmt::join(names, ", "), did_you_mean(device, names)));
}

}  // namespace fit
}  // namespace kernels

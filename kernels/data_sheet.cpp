#include "kernels/data_sheet.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <span>
#include "kernels/device_profile_format.hpp"
#include "sim/embedded_file.hpp"
#include "sim/error.hpp"

namespace kernels {
namespace embedded {
std::span<const sim::EmbeddedFile> files();
}
namespace {

constexpr std::string_view folder = "datasheets/", ending = ".json", schema = "weftsim-datasheet/1";

std::string_view device_of(const sim::EmbeddedFile& file) {
  return file.path.substr(folder.size(), file.path.size() - folder.size() - ending.size());
}

std::vector<Precision> read_precisions(JsonObject& object, std::string_view key) {
  std::vector<Precision> precisions;
  object.list(key, [&](const JsonNode& node, const std::string&) {
    for (const auto p : all_precisions)
      if (name_of(p) == node.text) return precisions.push_back(p);
    object.problem(key, fmt::format("'{}' is no precision. Write fp32, tf32, fp16, bf16 or fp8.", node.text));
  });
  return precisions;
}

// A class of errors that no held-out row tells.
Residual assumed(std::string what, double sigma) {
  const double wide = 1.645 * sigma;  // 90 %
  return {.what = std::move(what), .sigma = sigma, .low = std::exp(-wide), .high = std::exp(wide)};
}

MeasuredBy read_measured(JsonObject object, DeviceProfile& p, JsonProblems& problems) {
  MeasuredBy measured{object.text("device"), object.text("gemm_table"), object.text("gemm_source"), {}};
  object.list("gpu_types", [&](const JsonNode& node, const std::string&) { measured.gpu_types.push_back(node.text); });
  object.list("gemm", [&](const JsonNode& node, const std::string& path) {
    JsonObject entry(node, path, problems);
    const auto used_for = read_precisions(entry, "used_for");
    GemmTable table{.precision = used_for.empty() ? Precision::bf16 : used_for.front(), .used_for = used_for};
    table.quantise.bytes_per_element = entry.number("quantise_bytes_per_element", 0, 1000);
    entry.finish();
    p.gemm.push_back(std::move(table));
  });
  JsonObject common = object.object("common_sigma");
  for (const std::string_view what : {"gemm", "attention", "memory_bound"})
    p.residuals.push_back(assumed(fmt::format("{}_common", what), common.positive(what, 1)));
  p.provenance.push_back({"residuals of all operations of a class alike (.._common)", common.text("source"), "assumption", 0});
  common.finish();
  JsonObject batched = object.object("batched_gemm");
  p.batched_gemm = {batched.positive("peak_fraction", 1), batched.text("source")};
  batched.finish();
  JsonObject attention = object.object("attention");
  p.attention.backward_flops = attention.positive("backward_flops");
  p.attention.backward_rate = attention.positive("backward_rate");
  p.attention.source = attention.text("source");
  attention.finish();
  object.finish();
  return measured;
}

TakenFrom read_like(JsonObject object) {
  TakenFrom like{object.text("device"), object.positive("sigma", 1), object.text("source")};
  if (object.has("product_time")) like.product_time = object.positive("product_time", 10);
  object.finish();
  return like;
}

}  // namespace

DataSheet parse_data_sheet(std::string_view json, const std::string& file) {
  const JsonNode root = parse_json(json, file);
  JsonProblems problems(file);
  JsonObject top(root, "", problems);
  DataSheet sheet;
  DeviceProfile& p = sheet.profile;
  if (top.text("schema") != schema) top.problem("schema", fmt::format("this is no data sheet. Write '{}'.", schema));
  read_names(top, p);
  read_hardware(top, p);
  p.scale_up.bandwidth_Bps = top.positive("scale_up_bandwidth_Bps");
  if (top.has("measured")) sheet.measured = read_measured(top.object("measured"), p, problems);
  if (top.has("like")) sheet.like = read_like(top.object("like"));
  if (sheet.measured.has_value() == sheet.like.has_value())
    top.problem("like", "a data sheet has either 'measured' or 'like'. Say which measured device this one is like.");
  top.list("sources", [&](const JsonNode& node, const std::string& path) {
    JsonObject source(node, path, problems);
    p.provenance.push_back({source.text("what"), source.text("source"), source.text("how"), 0});
    source.finish();
  });
  top.finish();
  problems.throw_if_any();
  return sheet;
}

bool is_data_sheet(std::string_view json) {
  const auto at = json.find("\"schema\"");
  return at != std::string_view::npos && json.substr(at, 64).find("weftsim-datasheet/") != std::string_view::npos;
}

std::vector<std::string> data_sheet_names() {
  std::vector<std::string> names;
  for (const auto& file : embedded::files())
    if (file.path.starts_with(folder)) names.emplace_back(device_of(file));
  return names;
}

DataSheet load_data_sheet(std::string_view device) {
  for (const auto& file : embedded::files())
    if (file.path.starts_with(folder) && device_of(file) == device)
      return parse_data_sheet(file.contents, "kernels/" + std::string(file.path));
  const auto names = data_sheet_names();
  throw sim::InputError(
      fmt::format("device '{}': there is no data sheet of this name (known: {}).{} Write one of them, or add it to kernels/datasheets/.",
                  device, fmt::join(names, ", "), did_you_mean(device, names)));
}

DeviceProfile uncalibrated_profile(const DataSheet& sheet, const DeviceProfile& like) {
  DeviceProfile p = like;
  p.name = sheet.profile.name;
  p.description = sheet.profile.description;
  p.vendor = sheet.profile.vendor;
  p.calibrated = false;
  p.multiprocessors = sheet.profile.multiprocessors;
  p.peak_flops = sheet.profile.peak_flops;
  p.memory = sheet.profile.memory;
  p.scale_up.bandwidth_Bps = sheet.profile.scale_up.bandwidth_Bps;
  p.scale_up.tables.clear();  // seconds of other links
  p.scale_up.models.clear();
  p.scale_up.versions.clear();
  p.network.sets.clear();
  std::erase_if(p.gemm, [&](const GemmTable& table) { return p.peak(table.precision) <= 0; });
  for (GemmTable& table : p.gemm)
    for (double& correction : table.correction)  // four digits, as profiles store them
      correction = std::stod(fmt::format("{:.4g}", correction * sheet.like->product_time));
  p.provenance = sheet.profile.provenance;
  p.provenance.push_back(
      {"products, attention, collectives: formulas and corrections of " + like.name, sheet.like->source, "assumption", 0});
  p.residuals = {assumed(std::string(transferred), sheet.like->sigma)};
  return p;
}

}  // namespace kernels

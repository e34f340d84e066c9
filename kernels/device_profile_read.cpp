#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <tuple>
#include "kernels/collectives/collective_profile_json.hpp"
#include "kernels/device_profile_format.hpp"

namespace kernels {
namespace {

constexpr double largest_size = 1e12;      // tokens, heads, ... of a point
constexpr double largest_utilisation = 2;  // above 1 only where operands stay in a cache
constexpr double largest_correction = 100;
constexpr double longest = 1e4;  // seconds of one operation

void read_schema(JsonObject& top) {
  const std::string schema = top.text("schema");
  if (schema == fmt::format("{}{}", device_schema_name, device_schema_version) || !top.has("schema")) return;
  const bool ours = schema.starts_with(device_schema_name);
  const int version = ours ? std::atoi(schema.c_str() + device_schema_name.size()) : 0;
  if (version > device_schema_version)
    top.problem("schema", fmt::format("'{}' is newer than this program, which reads '{}{}'. Install a newer weftsim.", schema,
                                      device_schema_name, device_schema_version));
  else
    top.problem("schema", fmt::format("'{}' is no device profile ('{}{}'). Give a file made by weftsim fit or calibrate.", schema,
                                      device_schema_name, device_schema_version));
}

std::vector<Provenance> read_provenance(JsonObject& top, JsonProblems& problems) {
  std::vector<Provenance> all;
  top.list("provenance", [&](const JsonNode& node, const std::string& path) {
    JsonObject entry(node, path, problems);
    Provenance p{.what = entry.text("what"), .source = entry.text("source"), .how = entry.text("how"), .rows = entry.whole("rows")};
    entry.finish();
    all.push_back(std::move(p));
  });
  return all;
}

std::vector<std::int64_t> read_axis(JsonObject& gemm, std::string_view key) {
  std::vector<std::int64_t> axis;
  gemm.list(key, [&](const JsonNode& node, const std::string&) {
    const bool whole = node.kind == JsonNode::Kind::number && node.number >= 1 && node.number <= largest_size;
    if (!whole || (!axis.empty() && node.number <= double(axis.back())))
      gemm.problem(key, fmt::format("sides are whole numbers from 1 to {}, ascending. Correct the list.", largest_size));
    else
      axis.push_back(std::llround(node.number));
  });
  return axis;
}

GemmTable read_gemm(JsonObject gemm) {
  GemmTable g;
  g.precision = named(gemm, "precision", gemm.text("precision"), all_precisions);
  gemm.list("used_for",
            [&](const JsonNode& node, const std::string&) { g.used_for.push_back(named(gemm, "used_for", node.text, all_precisions)); });
  JsonObject tiles = gemm.object("tiles");
  g.tiles.floor_seconds = tiles.number("floor_seconds", 0, longest);
  g.tiles.prologue_k = tiles.number("prologue_k", 0, largest_size);
  g.tiles.memory_efficiency = tiles.positive("memory_efficiency", largest_utilisation);
  g.tiles.wave_rounding = tiles.number("wave_rounding", 0, 1);
  JsonObject peaks = tiles.object("tile_peak");
  for (std::size_t i = 0; i < g.tiles.tile_peak.size(); ++i) g.tiles.tile_peak[i] = peaks.positive(tile_names[i], largest_utilisation);
  peaks.finish();
  tiles.finish();
  JsonObject quantise = gemm.object("quantise");
  g.quantise = {quantise.number("floor_seconds", 0, longest), quantise.number("bytes_per_element", 0, 1000)};
  quantise.finish();
  g.m = read_axis(gemm, "m");
  g.n = read_axis(gemm, "n");
  g.k = read_axis(gemm, "k");
  const auto rows = gemm.rows("correction", std::max<std::size_t>(g.k.size(), 1));
  if (rows.size() != (g.k.empty() ? 0 : g.m.size() * g.n.size()))
    gemm.problem("correction",
                 fmt::format("{} rows for {} m and {} n. Give a row of all k for each m and n.", rows.size(), g.m.size(), g.n.size()));
  for (const auto& row : rows)
    for (const double c : row) {
      if (c < 1 / largest_correction || c > largest_correction)
        gemm.problem("correction", fmt::format("{} is no ratio of measured to formula (at most {}). Fit again.", c, largest_correction));
      g.correction.push_back(c);
    }
  gemm.finish();
  return g;
}

AttentionProfile read_attention(JsonObject attention) {
  AttentionProfile a;
  JsonObject model = attention.object("model");
  a.model.floor_seconds = model.number("floor_seconds", 0, longest);
  a.model.peak_fraction = model.positive("peak_fraction", largest_utilisation);
  a.model.memory_efficiency = model.positive("memory_efficiency", largest_utilisation);
  a.model.diagonal_tokens = model.number("diagonal_tokens", 0, largest_size);
  model.finish();
  a.backward_flops = attention.positive("backward_flops", 100);
  a.backward_rate = attention.positive("backward_rate", 100);
  a.source = attention.text("source");
  for (const auto& row : attention.rows("points", 6)) {
    if (*std::max_element(row.begin(), row.end() - 1) > largest_size || row[5] > largest_utilisation || row[3] > row[2])
      attention.problem("points", fmt::format("batch {} seq_len {}: a size is too large, or there are more kv_heads than heads, or "
                                              "utilisation is above {}. Correct the row.",
                                              row[0], row[1], largest_utilisation));
    else
      a.points.push_back(
          {std::llround(row[0]), std::llround(row[1]), std::llround(row[2]), std::llround(row[3]), std::llround(row[4]), row[5]});
  }
  attention.finish();
  return a;
}

ScaleUpProfile read_scale_up(JsonObject object, JsonProblems& problems) {
  ScaleUpProfile s;
  s.bandwidth_Bps = object.positive("bandwidth_Bps");
  s.efficiency = object.positive("efficiency", 1);
  s.base_seconds = object.number("base_seconds", 0, longest);
  s.step_seconds = object.number("step_seconds", 0, longest);
  s.nccl = object.text("nccl");
  s.generation = object.text("generation");
  s.models = read_models(object, problems);
  s.versions = read_versions(object, problems);
  s.tables = read_tables(object, problems);
  if (object.has("library")) s.library = object.text("library");
  object.finish();
  return s;
}

NetworkProfile read_network(JsonObject object, JsonProblems& problems) {
  NetworkProfile n;
  n.base_seconds = object.number("base_seconds", 0, longest);
  n.inter_step_seconds = object.number("inter_step_seconds", 0, longest);
  n.intra_step_seconds = object.number("intra_step_seconds", 0, longest);
  n.nic_efficiency = object.positive("nic_efficiency", 1);
  n.source = object.text("source");
  object.list("sets", [&](const JsonNode& node, const std::string& path) {
    JsonObject entry(node, path, problems);
    NetworkSet set;
    set.source = entry.text("source");
    set.network = entry.text("network");
    set.traffic = entry.text("traffic");
    set.ranks = static_cast<int>(entry.whole("ranks", 2, 1 << 24));
    set.hosts = static_cast<int>(entry.whole("hosts", 2, 1 << 24));
    set.host_Bps = entry.positive("host_Bps");
    set.efficiency = entry.positive("efficiency", largest_utilisation);
    set.latency_seconds = entry.number("latency_seconds", 0, longest);
    set.median_abs_error = entry.number("median_abs_error");
    entry.finish();
    n.sets.push_back(std::move(set));
  });
  n.transports = read_transports(object, problems);
  object.finish();
  return n;
}

std::vector<Residual> read_residuals(JsonObject& top, JsonProblems& problems) {
  std::vector<Residual> all;
  top.list("residuals", [&](const JsonNode& node, const std::string& path) {
    JsonObject entry(node, path, problems);
    Residual r;
    r.what = entry.text("what");
    r.n = entry.whole("n");
    r.held_out = entry.whole("held_out");
    r.median_abs_error = entry.number("median_abs_error");
    r.p90_abs_error = entry.number("p90_abs_error");
    r.bias = entry.number("bias", -100, 100);
    r.sigma = entry.number("sigma");
    r.mean_abs_error = entry.number("mean_abs_error");
    r.p95_abs_error = entry.number("p95_abs_error");
    r.low = entry.positive("low", 1e6);
    r.high = entry.positive("high", 1e6);
    entry.finish();
    all.push_back(std::move(r));
  });
  return all;
}

}  // namespace

void read_names(JsonObject& top, DeviceProfile& p) {
  p.name = top.text("name");
  p.description = top.text("description");
  p.vendor = top.text("vendor");
}

void read_hardware(JsonObject& top, DeviceProfile& p) {
  p.multiprocessors = static_cast<int>(top.whole("multiprocessors", 1, 1 << 20));
  JsonObject peaks = top.object("peak_flops");
  for (const auto precision : all_precisions)
    if (precision == Precision::fp32 || peaks.has(name_of(precision)))
      p.peak_flops[static_cast<std::size_t>(precision)] = peaks.positive(name_of(precision), 1e21);
  peaks.finish();
  JsonObject memory = top.object("memory");
  p.memory = {memory.positive("capacity_bytes"), memory.positive("bandwidth_Bps"), memory.positive("efficiency", 1), {}};
  if (memory.has("bytes_microseconds")) p.memory.points = read_timed_bytes(memory, "bytes_microseconds");
  memory.finish();
}

DeviceProfile parse_device_profile(std::string_view json, const std::string& file) {
  const JsonNode root = parse_json(json, file);
  JsonProblems problems(file);
  JsonObject top(root, "", problems);
  DeviceProfile p;
  read_schema(top);
  problems.throw_if_any();  // of another schema nothing else is worth saying
  read_names(top, p);
  p.calibrated = top.boolean("calibrated");
  p.provenance = read_provenance(top, problems);
  read_hardware(top, p);
  top.list("gemm", [&](const JsonNode& node, const std::string& path) { p.gemm.push_back(read_gemm(JsonObject(node, path, problems))); });
  if (top.has("gemm") && p.gemm.empty()) top.problem("gemm", "a profile needs a table of products. Fit again.");
  JsonObject batched = top.object("batched_gemm");
  p.batched_gemm = {batched.positive("peak_fraction", 1), batched.text("source")};
  batched.finish();
  p.attention = read_attention(top.object("attention"));
  p.scale_up = read_scale_up(top.object("scale_up"), problems);
  p.network = read_network(top.object("network"), problems);
  p.residuals = read_residuals(top, problems);
  top.finish();
  problems.throw_if_any();
  return p;
}

}  // namespace kernels

#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <span>
#include <utility>
#include "kernels/collectives/nccl_tuning.hpp"
#include "kernels/strict_json.hpp"
#include "sim/embedded_file.hpp"

// tuning/nccl-VERSION.json -> NcclTuning.
namespace kernels {
namespace embedded {
std::span<const sim::EmbeddedFile> files();
}
namespace {

constexpr std::string_view folder = "tuning/", schema = "weftsim-nccl/1";

std::vector<double> numbers(JsonObject& object, std::string_view key) {
  std::vector<double> all;
  object.list(key, [&](const JsonNode& node, const std::string&) {
    if (node.kind != JsonNode::Kind::number || node.number < 0) object.problem(key, "an entry is no number from zero on. Correct it.");
    all.push_back(node.number);
  });
  return all;
}
std::array<double, 3> three(JsonObject& object, std::string_view key) {
  const auto all = numbers(object, key);
  if (all.size() == 3) return {all[0], all[1], all[2]};
  object.problem(key, fmt::format("{} numbers, and 3 are due. Give one each.", all.size()));
  return {};
}

NcclGeneration read_generation(JsonObject entry) {
  NcclGeneration g;
  g.name = entry.text("name");
  g.link_GBps = entry.positive("link_GBps");
  g.bus_GBps = entry.positive("bus_GBps");
  g.channels = static_cast<int>(entry.whole("channels", 1, 1024));
  g.search_channels = static_cast<int>(entry.whole("search_channels", 1, 1024));
  g.net_overhead_us = entry.number("net_overhead_us");
  g.collnet_direct = entry.positive("collnet_direct");
  g.ring_plateau = entry.positive("ring_plateau");
  g.ll_GBps = three(entry, "ll_GBps");
  g.ring_ll128_GBps = three(entry, "ring_ll128_GBps");
  g.tree_ll128_GBps = three(entry, "tree_ll128_GBps");
  g.tree_GBps = three(entry, "tree_GBps");
  g.nvls_tree_GBps = three(entry, "nvls_tree_GBps");
  g.nvls_efficiency = entry.number("nvls_efficiency", 0, 1);
  g.nvls_GBps = numbers(entry, "nvls_GBps");
  entry.finish();
  return g;
}

NcclTuning parse(std::string_view json, const std::string& file) {
  const JsonNode root = parse_json(json, file);
  JsonProblems problems(file);
  JsonObject top(root, "", problems);
  if (top.text("schema") != schema) top.problem("schema", fmt::format("these are no constants of NCCL. Write '{}'.", schema));
  NcclTuning t;
  t.version = top.text("version");
  t.source = top.text("source");
  top.text("notes");
  JsonObject base = top.object("base_us"), nvlink = top.object("nvlink_us"), net = top.object("net_us"), pat = top.object("pat_us"),
             collnet = top.object("collnet_us");
  t.tree_base_us = three(base, "tree");
  t.ring_base_us = three(base, "ring");
  t.pat_base_us = three(base, "pat");
  t.tree_nvlink_us = three(nvlink, "tree");
  t.ring_nvlink_us = three(nvlink, "ring");
  t.tree_net_us = three(net, "tree");
  t.ring_net_us = three(net, "ring");
  t.pat_per_rank_us = pat.number("per_rank");
  t.pat_net_divisor = pat.positive("net_divisor");
  t.pat_bandwidth_factor = pat.positive("bandwidth_factor");
  t.collnet_direct_us = collnet.number("direct_nvlink");
  t.collnet_direct_rank_us = collnet.number("direct_rank");
  t.collnet_direct_net_us = collnet.number("direct_net");
  t.collnet_chain_us = collnet.number("chain_nvlink");
  t.collnet_chain_net_us = collnet.number("chain_net");
  for (JsonObject* object : {&base, &nvlink, &net, &pat, &collnet}) object->finish();
  t.tree_across_hosts = top.positive("tree_across_hosts", 1);
  t.nvls_us = top.number("nvls_us");
  t.nvls_net_us = top.number("nvls_net_us");
  t.nvls_tree_net_us = top.number("nvls_tree_net_us");
  const std::string factor = top.text("nvls_factor");
  t.nvls_by_ring_steps = factor == "ring steps";
  if (!t.nvls_by_ring_steps && factor != "five sixths") top.problem("nvls_factor", "write 'ring steps' or 'five sixths'.");
  JsonObject correction = top.object("tree_correction");
  for (const auto p : {NcclProtocol::ll, NcclProtocol::ll128, NcclProtocol::simple})
    t.tree_correction[static_cast<std::size_t>(p)] = numbers(correction, name_of(p));
  correction.finish();
  t.threads = three(top, "threads");
  t.bytes_per_thread = three(top, "bytes_per_thread");
  t.point_to_point_ll_bytes = top.number("point_to_point_ll_bytes");
  top.list("generations", [&](const JsonNode& node, const std::string& path) {
    t.generations.push_back(read_generation(JsonObject(node, path, problems)));
  });
  if (t.generations.empty()) top.problem("generations", "there is none. Give at least one.");
  top.finish();
  problems.throw_if_any();
  return t;
}

std::pair<int, int> number_of(std::string_view version) {
  std::pair<int, int> number{0, 0};
  const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), number.first);
  if (error == std::errc() && end != version.data() + version.size())
    std::from_chars(end + 1, version.data() + version.size(), number.second);
  return number;
}

const std::vector<NcclTuning>& all_tunings() {
  static const std::vector<NcclTuning> all = [] {
    std::vector<NcclTuning> read;
    for (const auto& file : embedded::files())
      if (file.path.starts_with(folder)) read.push_back(parse(file.contents, "kernels/collectives/" + std::string(file.path)));
    std::sort(read.begin(), read.end(), [](const auto& a, const auto& b) { return number_of(a.version) < number_of(b.version); });
    return read;
  }();
  return all;
}

}  // namespace

const NcclTuning& nccl_tuning(std::string_view version) {
  const auto& all = all_tunings();
  if (version.empty()) return all.back();
  for (auto tuning = all.rbegin(); tuning != all.rend(); ++tuning)
    if (number_of(tuning->version) <= number_of(version)) return *tuning;
  return all.front();
}

std::vector<std::string> nccl_versions() {
  std::vector<std::string> versions;
  for (const auto& tuning : all_tunings()) versions.push_back(tuning.version);
  return versions;
}

}  // namespace kernels

#include "workloads/traffic/patterns.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include "kernels/csv_table.hpp"
#include "sim/error.hpp"
#include "sim/random.hpp"
#include "workloads/scenario_presets.hpp"  // embedded_text
#include "workloads/scenario_text.hpp"     // did_you_mean

namespace workloads::traffic {
namespace {

constexpr std::uint64_t stream = 0x74726166666963;  // "traffic"
constexpr std::int64_t most_flows = 50'000'000;

struct SizePoint {
  double bytes = 0, cumulative = 0;
};
const std::vector<SizePoint>& web_search_points() {
  static const std::vector<SizePoint> points = [] {
    const kernels::CsvTable table(std::string(embedded_text("traffic/web_search.csv").value()), "web_search.csv");
    std::vector<SizePoint> read;
    for (std::size_t row = 0; row < table.rows(); ++row) read.push_back({table.number(row, 0), table.number(row, 1)});
    return read;
  }();
  return points;
}

int below(const sim::Random& random, std::uint64_t entity, std::uint64_t draw, int limit) {
  return std::min(limit - 1, static_cast<int>(random.uniform(entity, draw) * limit));
}

// What a GPU can send, on average over all.
sim::BytesPerSecond injection(const topology::ClusterSpec& cluster) {
  const topology::LinkFile& file = cluster.fabric.link_file;
  double all = 0;
  for (const topology::FileLink& link : file.links)
    if (link.from < static_cast<std::uint32_t>(file.end_points)) all += link.bandwidth.value();
  if (cluster.fabric.type == topology::FabricType::file) return sim::BytesPerSecond{all / file.end_points};
  if (cluster.host.nics.count == 0) return cluster.host.scale_up.bandwidth;
  for (int host = 0; host < cluster.hosts(); ++host) all += cluster.host_spec(host).nics.bandwidth.value();
  return sim::BytesPerSecond{all / cluster.hosts()} * cluster.host.nics.count / cluster.host.gpus_per_host;
}

void permutation(const PatternSpec& spec, const topology::ClusterSpec& cluster, FlowList& list) {
  std::vector<int> to(static_cast<std::size_t>(cluster.gpus));
  std::iota(to.begin(), to.end(), 0);
  const sim::Random random(spec.seed, stream);
  for (int i = cluster.gpus; i-- > 1;) std::swap(to[i], to[below(random, static_cast<std::uint64_t>(i), 0, i)]);
  for (int gpu = 0; gpu < cluster.gpus; ++gpu) list.flows.push_back({gpu, to[gpu], spec.size, {}});
}

void incast(const PatternSpec& spec, const topology::ClusterSpec& cluster, FlowList& list) {
  if (spec.receiver < 0 || spec.receiver >= cluster.gpus)
    throw sim::InputError(
        fmt::format("weftsim traffic: --receiver: there is no GPU {}. Name one from 0 to {}.", spec.receiver, cluster.gpus - 1));
  const int senders = spec.senders.value_or(std::clamp(cluster.gpus - 1, 1, 16));
  if (senders < 1 || senders >= cluster.gpus)
    throw sim::InputError(fmt::format("weftsim traffic: --senders: {} of {} GPUs cannot send to another. Use 1 to {}.", senders,
                                      cluster.gpus, cluster.gpus - 1));
  std::vector<int> others(static_cast<std::size_t>(cluster.gpus));
  std::iota(others.begin(), others.end(), 0);
  others.erase(others.begin() + spec.receiver);
  const sim::Random random(spec.seed, stream);
  const auto count = static_cast<int>(others.size());
  for (int i = 0; i < senders; ++i) std::swap(others[i], others[i + below(random, static_cast<std::uint64_t>(i), 0, count - i)]);
  std::sort(others.begin(), others.begin() + senders);
  for (int i = 0; i < senders; ++i) list.flows.push_back({others[i], spec.receiver, spec.size, {}});
}

void all_to_all(const PatternSpec& spec, const topology::ClusterSpec& cluster, FlowList& list) {
  const std::int64_t n = spec.end_points == 0 ? cluster.gpus : spec.end_points;
  if (n < 2 || n > cluster.gpus)
    throw sim::InputError(fmt::format("weftsim traffic: --end-points: {} of {} GPUs. Use 2 to {}.", n, cluster.gpus, cluster.gpus));
  if (n * (n - 1) > most_flows)
    throw sim::InputError(
        fmt::format("weftsim traffic: --end-points: {} GPUs make {} flows, more than {}. Use fewer.", n, n * (n - 1), most_flows));
  const auto gpu = [&](std::int64_t i) { return static_cast<int>(i * cluster.gpus / n); };
  for (std::int64_t from = 0; from < n; ++from)
    for (std::int64_t to = 0; to < n; ++to)
      if (from != to) list.flows.push_back({gpu(from), gpu(to), spec.size, {}});
}

void web_search(const PatternSpec& spec, const topology::ClusterSpec& cluster, FlowList& list) {
  if (!(spec.load > 0 && spec.load <= 10))
    throw sim::InputError(fmt::format("weftsim traffic: --load: {:g} is not above 0 and at most 10. Use 0.6 for 60 %.", spec.load));
  if (spec.flows < 1 || spec.flows > most_flows)
    throw sim::InputError(fmt::format("weftsim traffic: --flows-count: {} is not from 1 to {}.", spec.flows, most_flows));
  const double flows_per_second = spec.load * injection(cluster).value() * cluster.gpus / web_search_mean();
  const sim::Random random(spec.seed, stream);
  double now = 0;
  for (int flow = 0; flow < spec.flows; ++flow) {
    const auto entity = static_cast<std::uint64_t>(flow);
    now -= std::log(1 - random.uniform(entity, 0)) / flows_per_second;
    const int from = below(random, entity, 1, cluster.gpus), other = below(random, entity, 2, cluster.gpus - 1);
    list.flows.push_back({from, other + (other >= from), web_search_size(random.uniform(entity, 3)), sim::Time::seconds(now)});
  }
}

struct Pattern {
  const char* name;
  void (*make)(const PatternSpec&, const topology::ClusterSpec&, FlowList&);
};
constexpr std::array patterns = {Pattern{"permutation", permutation}, Pattern{"incast", incast}, Pattern{"all-to-all", all_to_all},
                                 Pattern{"web-search", web_search}};

}  // namespace

sim::Bytes web_search_size(double probability) {
  const auto& points = web_search_points();
  std::size_t next = 1;
  while (next + 1 < points.size() && points[next].cumulative <= probability) ++next;
  const auto &low = points[next - 1], &high = points[next];
  const double part = (probability - low.cumulative) / (high.cumulative - low.cumulative);
  return sim::Bytes{std::max<std::int64_t>(1, std::llround(low.bytes + part * (high.bytes - low.bytes)))};
}

double web_search_mean() {
  const auto& points = web_search_points();
  double mean = 0;
  for (std::size_t i = 1; i < points.size(); ++i)
    mean += (points[i].cumulative - points[i - 1].cumulative) * (points[i].bytes + points[i - 1].bytes) / 2;
  return mean;
}

FlowList make_pattern(const PatternSpec& spec, const topology::ClusterSpec& cluster) {
  if (cluster.gpus < 2) throw sim::InputError("weftsim traffic: --pattern: one GPU has nobody to send to. Use a cluster of at least 2.");
  for (const Pattern& pattern : patterns) {
    if (pattern.name != spec.pattern) continue;
    FlowList list;
    list.source = spec.pattern;
    pattern.make(spec, cluster, list);
    return list;
  }
  throw sim::InputError(fmt::format("weftsim traffic: --pattern: unknown value '{}' (known: {}).{}", spec.pattern,
                                    fmt::join(pattern_names(), ", "), did_you_mean(spec.pattern, pattern_names())));
}

const std::vector<std::string>& pattern_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Pattern& pattern : patterns) all.emplace_back(pattern.name);
    return all;
  }();
  return names;
}

}  // namespace workloads::traffic

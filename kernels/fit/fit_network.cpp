#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include "kernels/collectives/network_collective.hpp"
#include "kernels/collectives/ring.hpp"
#include "kernels/fit/fit_device_profile.hpp"
#include "kernels/fit/numerics.hpp"

namespace kernels::fit {
namespace {

constexpr double small_bytes = 256 * 1024, large_bytes = 1 << 30, mebibyte = 1 << 20;
constexpr double held_back = 0.9;  // of NCCL's own bandwidth: who reaches it was not held back by NICs

using Rows = std::vector<CollectiveRow>;

// The part of the NIC rates that the large messages of one set reach. A ring moves 2(n-1)/n bytes through each
// host; if that is more than the NICs can carry, the rows ran the tree of two hosts, which moves each byte once.
NetworkSet large_messages(const Rows& rows) {
  const CollectiveRow& first = rows.front();
  NetworkSet set{.source = first.source,
                 .network = first.network,
                 .traffic = "ring",
                 .ranks = first.ranks,
                 .hosts = first.hosts,
                 .host_Bps = nic_rate_of(first.network)};
  std::vector<double> rates, latencies;
  for (const auto& row : rows) {
    if (row.bytes >= large_bytes) rates.push_back(row.bytes / row.seconds / set.host_Bps);
    if (row.bytes <= 4096) latencies.push_back(row.seconds);
  }
  const double traffic = ring_traffic(first.op, set.ranks), rate = median(rates);
  const bool tree = first.op == CollectiveOp::all_reduce && set.hosts == 2 && rate * traffic > 1;
  if (tree) set.traffic = "two-host tree";
  set.efficiency = rounded(tree ? rate : rate * traffic);
  set.latency_seconds = rounded(median(latencies));
  return set;
}

bool is_infiniband(const NetworkSet& set) { return set.network.find("InfiniBand") != std::string::npos; }

// Small messages go by a tree: base + 2 log2(hosts) inter + 2(ranks of a host - 1) intra (NCCL's own form). Rows of one host fix base
// and intra. (Taking the time inside the host from the tables instead leaves no base, and 2 % more error from 1 MiB on.)
void fit_latency(const Rows& small, NetworkProfile& network) {
  std::vector<std::vector<double>> terms;
  std::vector<double> ones;
  for (const auto& row : small) {
    const double per_host = double(row.ranks) / row.hosts;
    terms.push_back({1e-6 / row.seconds, 2e-6 * std::ceil(std::log2(row.hosts)) / row.seconds, 2e-6 * (per_host - 1) / row.seconds});
    ones.push_back(1);
  }
  const auto x = nonnegative_least_squares(terms, ones);
  network.base_seconds = rounded(x[0] * 1e-6);
  network.inter_step_seconds = rounded(x[1] * 1e-6);
  network.intra_step_seconds = rounded(x[2] * 1e-6);
}

GroupShape shape_of(const CollectiveRow& row) {
  const int per_host = row.ranks / row.hosts;
  return {.ranks = row.ranks,
          .hosts = row.hosts,
          .per_host = per_host,
          .nic_rate_Bps = nic_rate_of(row.network) / per_host,
          .transport = transport_of(row.network)};
}

// The rows of a set are of one log.
NcclSettings version_of(const Rows& set) { return {.version = set.front().nccl}; }

// As the simulator predicts it on an empty fabric.
double predicted_seconds(const OperationTimes& times, const CollectiveRow& row) {
  return empty_fabric_seconds(plan_network_collective(row.op, shape_of(row), row.bytes, times), shape_of(row), times.profile().network);
}

// The part of the NICs' rate that the large messages of a set reach with the algorithm that NCCL chooses; zero if its own
// bandwidth inside the host holds them back as much.
double efficiency_of(const Rows& rows, DeviceProfile profile) {
  profile.network.transports.clear();
  profile.network.nic_efficiency = 1;
  const OperationTimes times(profile, version_of(rows));
  std::vector<double> seen, limits;
  for (const auto& row : rows) {
    if (row.bytes < large_bytes) continue;
    const double flow = plan_network_collective(row.op, shape_of(row), row.bytes, times).flow_bytes / nic_rate_of(row.network);
    seen.push_back(flow / row.seconds);
    limits.push_back(predicted_seconds(times, row) / row.seconds);
  }
  return seen.empty() || median(limits) > held_back ? 0 : std::min(1.0, median(seen));
}

using Sets = std::vector<const Rows*>;

// Of a value and its neighbours (at an end of its two nearest): single outliers go, steps stay. Logs hold some: first
// sizes that warm up, buffers set up on the way.
double median_of_three(const std::vector<double>& values, std::size_t i) {
  if (values.size() < 3) return values[i];
  const std::size_t first = std::clamp<std::size_t>(i, 1, values.size() - 2) - 1;
  return median({values[first], values[first + 1], values[first + 2]});
}

// One transport: the best efficiency of the device's own sets (what others lose is their configuration: no topology
// file, other traffic), and the ratio to the form at each octave, each set at its own efficiency: the median over sets.
TransportProfile fit_transport(Transport transport, const Sets& sets, const std::string& own, const DeviceProfile& profile) {
  TransportProfile fitted{.transport = transport, .efficiency = 0, .source = {}, .points = {}};
  std::map<int, std::vector<double>> logs;
  for (const Rows* rows : sets) {
    const double efficiency = efficiency_of(*rows, profile);
    if (own.starts_with(rows->front().gpu_type)) fitted.efficiency = std::max(fitted.efficiency, rounded(efficiency));
    DeviceProfile alone = profile;
    alone.network.transports = {{.transport = transport, .efficiency = efficiency, .source = {}, .points = {}}};
    const OperationTimes times(alone, version_of(*rows));
    for (const auto& row : *rows)
      logs[static_cast<int>(std::lround(std::log2(row.bytes)))].push_back(std::log(row.seconds / predicted_seconds(times, row)));
    fitted.source += (fitted.source.empty() ? "" : "; ") + fmt::format("{} ({} ranks)", rows->front().source, rows->front().ranks);
  }
  std::vector<double> bytes, ratios;
  for (const auto& [octave, values] : logs) {
    bytes.push_back(std::ldexp(1.0, octave));
    ratios.push_back(std::exp(median(values)));
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) fitted.points.push_back({bytes[i], rounded(median_of_three(ratios, i))});
  return fitted;
}

void fit_transports(const std::map<Transport, Sets>& sets, const std::string& own, DeviceProfile& profile) {
  std::vector<TransportProfile> fitted;
  profile.network.transports.clear();
  for (const auto& [transport, rows] : sets)
    if (!rows.empty()) fitted.push_back(fit_transport(transport, rows, own, profile));
  profile.network.transports = std::move(fitted);
}

// The rows of a set, predicted by what the others of its transport say; of a set that is alone, each half by the other one.
std::vector<HeldOut> predicted_unseen(const Rows& set, const Sets& all, const std::string& own, DeviceProfile profile) {
  const Transport transport = transport_of(set.front().network);
  std::vector<HeldOut> held_out;
  const auto predict = [&](const Sets& seen, const Rows& wanted, std::string_view unseen) {
    fit_transports({{transport, seen}}, own, profile);
    const OperationTimes times(profile, version_of(wanted));
    for (const auto& row : wanted) held_out.push_back({row, unseen, predicted_seconds(times, row)});
  };
  if (all.size() > 1) {
    Sets others = all;
    std::erase(others, &set);
    predict(others, set, "cluster");
    return held_out;
  }
  for (const int half : {0, 1}) {
    Rows seen, wanted;
    for (const auto& row : set) (half_of(fmt::format("{} {:.0f}", row.source, row.bytes)) == half ? wanted : seen).push_back(row);
    if (seen.empty()) continue;
    predict({&seen}, wanted, "half");
  }
  return held_out;
}

// The best set shows what NICs can do; what others lose is their configuration.
NetworkProfile fitted(const std::vector<std::pair<NetworkSet, Rows>>& sets, const Rows& one_host) {
  NetworkProfile network;
  Rows small = one_host;
  const bool any_infiniband = std::any_of(sets.begin(), sets.end(), [](const auto& s) { return is_infiniband(s.first); });
  for (const auto& [set, rows] : sets) {
    network.nic_efficiency = std::max(network.nic_efficiency, std::min(set.efficiency, 1.0));
    network.sets.push_back(set);
    if (is_infiniband(set) || !any_infiniband) small.insert(small.end(), rows.begin(), rows.end());
  }
  std::erase_if(small, [](const CollectiveRow& row) { return row.bytes > small_bytes || row.op != CollectiveOp::all_reduce; });
  fit_latency(small, network);
  return network;
}

}  // namespace

std::vector<HeldOut> fit_network(const CsvTable& table, const DataSheet& measured, DeviceProfile& profile) {
  const auto& gpu_types = measured.measured->gpu_types;
  return fit_network(usable_rows(table, gpu_types), gpu_types.front(), profile);
}

std::vector<HeldOut> fit_network(std::vector<CollectiveRow> all, const std::string& own, DeviceProfile& profile) {
  std::map<std::tuple<std::string, int, int, CollectiveOp>, Rows> groups;
  Rows one_host;
  std::int64_t count = 0;
  for (auto& row : all) {
    if (row.hosts == 1)
      one_host.push_back(std::move(row));
    else if (row.ranks % row.hosts == 0 && nic_rate_of(row.network) > 0)
      groups[{row.source, row.ranks, row.hosts, row.op}].push_back(std::move(row));
  }
  std::vector<std::pair<NetworkSet, Rows>> sets;
  for (auto& [key, rows] : groups) {
    NetworkSet set = large_messages(rows);
    if (set.efficiency <= 0 || rows.size() < 10) continue;  // nothing large was measured, or no curve
    count += std::int64_t(rows.size());
    sets.emplace_back(std::move(set), std::move(rows));
  }
  if (sets.empty()) {  // no measurement of several hosts: one host's latency, and the NIC at its rate
    profile.network = {.base_seconds = profile.scale_up.base_seconds,
                       .inter_step_seconds = profile.scale_up.step_seconds,
                       .intra_step_seconds = profile.scale_up.step_seconds,
                       .nic_efficiency = 1,
                       .source = "assumption: no measurement across hosts; NICs at their rate",
                       .sets = {},
                       .transports = {}};
    return {};
  }
  profile.network = fitted(sets, one_host);
  std::map<Transport, Sets> by_transport;
  for (const auto& [set, rows] : sets) by_transport[transport_of(set.network)].push_back(&rows);

  std::vector<HeldOut> held_out;
  std::map<std::string, std::vector<double>> logs;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    if (!own.starts_with(sets[i].second.front().gpu_type)) continue;  // relatives lend their rows
    std::vector<double> errors;
    for (const HeldOut& h : predicted_unseen(sets[i].second, by_transport[transport_of(sets[i].first.network)], own, profile)) {
      if (h.row.bytes >= mebibyte) errors.push_back(std::abs(std::exp(h.log()) - 1));
      const std::string what = h.row.bytes < mebibyte ? "below_1_MiB" : std::string(name_of(h.row.op));
      logs[fmt::format("network_{}{}", what, h.unseen == "half" ? ", half of a set" : "")].push_back(h.log());
      held_out.push_back(h);
    }
    profile.network.sets[i].median_abs_error = rounded(median(errors));
  }
  fit_transports(by_transport, own, profile);
  profile.network.source =
      "nic_efficiency: the best of the sets below; latencies: all_reduce up to 256 KiB of one host and of InfiniBand sets; "
      "median_abs_error "
      "of a set from 1 MiB on, predicted from the other sets of its transport, or where there are none half from half";
  for (const auto& [what, values] : logs) profile.residuals.push_back(residual_of(what, std::int64_t(values.size()), values));
  profile.provenance.push_back({"network", "the sets listed there", "fit", count});
  return held_out;
}

}  // namespace kernels::fit

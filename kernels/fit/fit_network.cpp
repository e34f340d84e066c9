#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include "kernels/collectives/network_collective.hpp"
#include "kernels/collectives/scale_up_table.hpp"
#include "kernels/fit/fit_device_profile.hpp"
#include "kernels/fit/numerics.hpp"

namespace kernels::fit {
namespace {

constexpr double small_bytes = 256 * 1024, large_bytes = 1 << 30, mebibyte = 1 << 20;

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
  const double traffic = ring_traffic(CollectiveOp::all_reduce, set.ranks), rate = median(rates);
  const bool tree = set.hosts == 2 && rate * traffic > 1;
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

// As the simulator predicts an all_reduce on an empty fabric.
double predicted_seconds(const OperationTimes& times, const CollectiveRow& row, double host_Bps) {
  const int per_host = row.ranks / row.hosts;
  const GroupShape shape{
      .ranks = row.ranks, .hosts = row.hosts, .per_host = per_host, .nic_rate_Bps = host_Bps / per_host, .route_latency_s = 0};
  const auto plan = plan_network_collective(row.op, shape, row.bytes, times);
  return plan.before_s + plan.latency_s + plan.after_s + plan.flow_bytes / (host_Bps * times.profile().network.nic_efficiency);
}

// The best set shows what the transport can do; what others lose (no topology file, other traffic) is
// their configuration, which a scenario does not describe.
NetworkProfile fitted(const std::vector<std::pair<NetworkSet, Rows>>& sets, const Rows& one_host, const std::string& left_out) {
  NetworkProfile network;
  Rows small = one_host;
  const bool any_infiniband =
      std::any_of(sets.begin(), sets.end(), [&](const auto& s) { return is_infiniband(s.first) && s.first.source != left_out; });
  for (const auto& [set, rows] : sets) {
    if (set.source == left_out) continue;
    network.nic_efficiency = std::max(network.nic_efficiency, std::min(set.efficiency, 1.0));
    network.sets.push_back(set);
    if (is_infiniband(set) || !any_infiniband) small.insert(small.end(), rows.begin(), rows.end());
  }
  std::erase_if(small, [](const CollectiveRow& row) { return row.bytes > small_bytes; });
  fit_latency(small, network);
  return network;
}

}  // namespace

void fit_network(const CsvTable& table, const DataSheet& measured, DeviceProfile& profile) {
  std::map<std::tuple<std::string, int, int>, Rows> groups;
  Rows one_host;
  std::int64_t count = 0;
  for (auto& row : usable_rows(table, measured.gpu_types)) {
    if (row.op != CollectiveOp::all_reduce) continue;
    if (row.hosts == 1)
      one_host.push_back(std::move(row));
    else if (row.ranks % row.hosts == 0 && nic_rate_of(row.network) > 0)
      groups[{row.source, row.ranks, row.hosts}].push_back(std::move(row));
  }
  std::vector<std::pair<NetworkSet, Rows>> sets;
  for (auto& [key, rows] : groups) {
    NetworkSet set = large_messages(rows);
    if (set.efficiency <= 0) continue;  // nothing large was measured
    count += std::int64_t(rows.size());
    sets.emplace_back(std::move(set), std::move(rows));
  }
  if (sets.empty()) {  // no measurement of several hosts: one host's latency, and the NIC at its rate
    profile.network = {profile.scale_up.base_seconds,
                       profile.scale_up.step_seconds,
                       profile.scale_up.step_seconds,
                       1,
                       "assumption: no measurement across hosts; NICs at their rate",
                       {}};
    return;
  }
  std::vector<double> logs;  // of each set, predicted from the others
  for (auto& [set, rows] : sets) {
    DeviceProfile without = profile;
    without.network = fitted(sets, one_host, sets.size() > 1 ? set.source : "");
    const OperationTimes times(without);
    std::vector<double> errors;
    for (const auto& row : rows) {
      const double log_ratio = std::log(predicted_seconds(times, row, set.host_Bps) / row.seconds);
      if (row.bytes < mebibyte) continue;
      logs.push_back(log_ratio);
      errors.push_back(std::abs(std::exp(log_ratio) - 1));
    }
    set.median_abs_error = rounded(median(errors));
  }
  profile.network = fitted(sets, one_host, "");
  profile.network.source =
      "nic_efficiency: the best of the sets below, others lose to their configuration; latencies: rows up to 256 KiB of one host and of "
      "InfiniBand sets; "
      "median_abs_error of a set from 1 MiB on, predicted from the other sets";
  profile.residuals.push_back(residual_of("network_all_reduce", std::int64_t(logs.size()), logs));
  profile.provenance.push_back({"network", "the sets listed there", "fit", count});
}

}  // namespace kernels::fit

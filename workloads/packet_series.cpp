#include "workloads/packet_series.hpp"
#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

namespace workloads {
namespace {

constexpr std::size_t most_queues = 6;

std::vector<PacketSeries::Queue> longest_queues(const QueueTable& table) {
  const std::size_t queues = table.queues.size();
  std::vector<double> waited(queues);
  for (std::size_t i = 0; i < table.mean_bytes.size(); ++i) waited[i % queues] += table.mean_bytes[i];
  std::vector<std::size_t> worst(queues);
  std::iota(worst.begin(), worst.end(), 0);
  std::stable_sort(worst.begin(), worst.end(), [&](std::size_t a, std::size_t b) { return waited[a] > waited[b]; });
  worst.resize(std::min(worst.size(), most_queues));
  std::vector<PacketSeries::Queue> longest;
  for (const std::size_t queue : worst) {
    longest.push_back({table.queues[queue].source + " -> " + table.queues[queue].destination, {}});
    for (std::size_t i = queue; i < table.max_bytes.size(); i += queues) longest.back().max_bytes.push_back(table.max_bytes[i]);
  }
  return longest;
}

// In bins at least as wide as those of the queues. Rows are by flow, then time.
std::vector<PacketSeries::Rates> rates_of_flows(const RateTable& table, sim::Time bin_width) {
  const std::int64_t width = std::max({bin_width.ps(), table.bin_width.ps(), std::int64_t{1}});
  const auto bin_of = [&](const RateRow& row) { return std::tuple(row.flow, row.source, row.destination, row.from.ps() / width); };
  std::map<std::int64_t, std::vector<double>> by_bin;
  const double seconds = static_cast<double>(width) * 1e-12;
  for (std::size_t i = 0; i < table.rows.size();) {
    const RateRow& first = table.rows[i];
    double bytes = 0;
    for (; i < table.rows.size() && bin_of(table.rows[i]) == bin_of(first); ++i) bytes += static_cast<double>(table.rows[i].bytes);
    by_bin[first.from.ps() / width].push_back(bytes / seconds);
  }
  std::vector<PacketSeries::Rates> rates;
  for (auto& [bin, all] : by_bin) {
    std::sort(all.begin(), all.end());
    const auto at = [&, &sorted = all](std::size_t tenths) { return sorted[sorted.size() * tenths / 10]; };
    rates.push_back({(static_cast<double>(bin) + 0.5) * seconds, at(1), at(5), at(9)});
  }
  return rates;
}

}  // namespace

PacketSeries packet_series(const QueueTable& queues, const RateTable& rates) {
  PacketSeries series{.bin_s = queues.bin_width.in_seconds(), .queues = queues.queues.size()};
  series.bins = series.queues ? queues.max_bytes.size() / series.queues : 0;
  series.longest = longest_queues(queues);
  series.standing_still.resize(series.bins);
  const double width_ps = static_cast<double>(queues.bin_width.ps());
  for (std::size_t i = 0; i < queues.paused_ps.size(); ++i) series.standing_still[i / series.queues] += queues.paused_ps[i] / width_ps;
  series.rates = rates_of_flows(rates, queues.bin_width);
  return series;
}

}  // namespace workloads

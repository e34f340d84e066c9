#pragma once
#include <cstdint>
#include <vector>
#include "sim/network.hpp"  // FlowObserver
#include "sim/units.hpp"

namespace workloads {

// Bytes per link and time bin, for a run of unknown length in a fixed amount of memory: when time
// runs out of the bins, neighbours are merged and the bins are twice as wide. Conserves bytes.
// Assumes that a flow moves evenly between two changes of its rate, which in the fluid network is exact.
class LinkLoadHistogram final : public sim::FlowObserver {
 public:
  explicit LinkLoadHistogram(std::size_t links, std::size_t bins = 256, sim::Time first_width = sim::Time::picoseconds(1'000'000));
  void on_progress(std::span<const sim::LinkShare> shares, double bytes, sim::Time from, sim::Time to) override;

  std::size_t links() const { return links_; }
  std::size_t bins_used() const { return used_; }  // up to the last moment seen
  sim::Time bin_width() const { return sim::Time::picoseconds(width_ps_); }
  double bytes(std::size_t bin, std::size_t link) const { return bytes_[bin * links_ + link]; }
  const std::vector<double>& by_bin() const { return bytes_; }  // bins x links

 private:
  void widen();

  std::size_t links_, bins_, used_ = 0;
  std::int64_t width_ps_;
  std::vector<double> bytes_;
};

}  // namespace workloads

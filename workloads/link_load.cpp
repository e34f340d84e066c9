#include "workloads/link_load.hpp"
#include <algorithm>

namespace workloads {

LinkLoadHistogram::LinkLoadHistogram(std::size_t links, std::size_t bins, sim::Time first_width)
    : links_(links), bins_(bins + bins % 2), width_ps_(first_width.ps()), bytes_(bins_ * links) {}

void LinkLoadHistogram::on_progress(std::span<const sim::LinkShare> shares, double bytes, sim::Time from, sim::Time to) {
  const std::int64_t last_ps = std::max(to.ps() - 1, from.ps());  // the last picosecond that carries; `to` is not inside
  while (last_ps / width_ps_ >= static_cast<std::int64_t>(bins_)) widen();
  const auto first = static_cast<std::size_t>(from.ps() / width_ps_), last = static_cast<std::size_t>(last_ps / width_ps_);
  used_ = std::max(used_, last + 1);
  const double duration = static_cast<double>(to.ps() - from.ps());
  for (std::size_t bin = first; bin <= last; ++bin) {
    const std::int64_t begin = std::max(from.ps(), static_cast<std::int64_t>(bin) * width_ps_);
    const std::int64_t end = std::min(to.ps(), static_cast<std::int64_t>(bin + 1) * width_ps_);
    const double part = first == last ? 1 : static_cast<double>(end - begin) / duration;
    for (const auto& [link, share] : shares) bytes_[bin * links_ + link.value()] += bytes * share * part;
  }
}

// Rows 2i and 2i+1 become row i; reading never falls behind writing.
void LinkLoadHistogram::widen() {
  for (std::size_t bin = 0; bin < bins_ / 2; ++bin)
    for (std::size_t link = 0; link < links_; ++link)
      bytes_[bin * links_ + link] = bytes_[2 * bin * links_ + link] + bytes_[(2 * bin + 1) * links_ + link];
  std::fill(bytes_.begin() + static_cast<std::ptrdiff_t>(bins_ / 2 * links_), bytes_.end(), 0.0);
  width_ps_ *= 2;
  used_ = (used_ + 1) / 2;
}

}  // namespace workloads

#include "sim/packet/packet_log.hpp"
#include <bit>

namespace sim {

PacketLog::PacketLog(std::size_t links, const PacketLogSpec& spec)
    : per_link_(std::clamp<std::size_t>(spec.most_queue_bins / std::max<std::size_t>(links, 1), 2, spec.bins) & ~std::size_t{1}),
      shift_(static_cast<int>(std::bit_width(static_cast<std::uint64_t>(spec.first_bin.ps() - 1)))),
      rate_shift_(shift_),
      most_rates_(spec.most_rate_bins),
      bins_(links * per_link_),
      states_(links) {}

void PacketLog::make_room(Time end) {
  while (((end.ps() - 1) >> shift_) >= static_cast<std::int64_t>(per_link_)) widen();
  used_ = std::max(used_, static_cast<std::size_t>((end.ps() - 1) >> shift_) + 1);
  std::size_t rates = 0;
  for (const auto& part : rates_) rates += part.size();
  if (rates > most_rates_) merge_rates();
}

// Bins 2i and 2i+1 become bin i; reading never falls behind writing.
void PacketLog::widen() {
  for (std::size_t link = 0; link < states_.size(); ++link) {
    QueueBin* const bins = &bins_[link * per_link_];
    for (std::size_t i = 0; i < per_link_; ++i) {
      const QueueBin old = std::exchange(bins[i], {});
      QueueBin& merged = bins[i / 2];
      merged.byte_ps += old.byte_ps;
      merged.longest = std::max(merged.longest, old.longest);
      merged.carried += old.carried;
      merged.paused_ps += old.paused_ps;
      merged.marks += old.marks;
      merged.drops += old.drops;
    }
  }
  ++shift_;
  used_ = (used_ + 1) / 2;
}

std::uint32_t PacketLog::stream(std::uint32_t label, std::uint32_t source, std::uint32_t destination) {
  const auto added = [&](std::uint32_t& number, bool is_new) {
    if (!is_new) return number;
    number = static_cast<std::uint32_t>(streams_.size());
    streams_.push_back({label, source, destination});
    open_.emplace_back();
    return number;
  };
  if (label == no_label) {
    const auto [at, is_new] = of_ends_.try_emplace({source, destination});
    return added(at->second, is_new);
  }
  if (label >= of_label_.size()) of_label_.resize(std::max<std::size_t>(label + 1, 2 * of_label_.size()), no_label);
  return added(of_label_[label], of_label_[label] == no_label);
}

// Calls add(bin, picoseconds) for each bin between two times.
template <class Add>
void PacketLog::spread(std::uint32_t link, Time from, Time to, Add&& add) {
  QueueBin* const bins = &bins_[link * per_link_];
  for (std::int64_t ps = from.ps(); ps < to.ps();) {
    const std::int64_t number = ps >> shift_, end = std::min(to.ps(), (number + 1) << shift_);
    add(bins[number], end - ps);
    ps = end;
  }
}

void PacketLog::queue(std::uint32_t link, Time now, std::int64_t bytes) {
  LinkState& state = states_[link];
  if (state.queue > 0)
    spread(link, state.since, now, [&](QueueBin& bin, std::int64_t ps) {
      bin.byte_ps += static_cast<double>(state.queue) * static_cast<double>(ps);
      bin.longest = std::max(bin.longest, state.queue);
    });
  state.since = now;
  state.queue = bytes;
  QueueBin& here = bin(link, now);
  here.longest = std::max(here.longest, bytes);
}

void PacketLog::wait(std::uint32_t link, Time from, Time to, std::int64_t bytes, std::int64_t queue) {
  spread(link, from, to, [&](QueueBin& bin, std::int64_t ps) { bin.byte_ps += static_cast<double>(bytes) * static_cast<double>(ps); });
  QueueBin& here = bin(link, from);
  here.longest = std::max(here.longest, queue);
}

void PacketLog::pause(std::uint32_t link, Time now, bool paused) {
  Time& since = states_[link].paused_since;
  if (since != never) spread(link, since, now, [](QueueBin& bin, std::int64_t ps) { bin.paused_ps += ps; });
  since = paused ? now : never;
}

void PacketLog::arrive(std::size_t part, std::uint32_t stream, Time now, std::int64_t bytes) {
  Open& open = open_[stream];
  const std::int64_t number = now.ps() >> rate_shift_;
  if (number != open.number) {
    if (open.bytes > 0) rates_[part].push_back({stream, Time::picoseconds(open.number << rate_shift_), open.bytes});
    open = {number, 0};
  }
  open.bytes += bytes;
}

// All into one list, by stream and time, in bins twice as wide.
void PacketLog::merge_rates() {
  ++rate_shift_;
  std::vector<RateBin>& all = rates_.front();
  for (std::size_t part = 1; part < rates_.size(); ++part) {
    all.insert(all.end(), rates_[part].begin(), rates_[part].end());
    rates_[part].clear();
  }
  for (RateBin& rate : all) rate.from = Time::picoseconds(rate.from.ps() >> rate_shift_ << rate_shift_);
  std::sort(all.begin(), all.end(),
            [](const RateBin& a, const RateBin& b) { return std::pair(a.stream, a.from) < std::pair(b.stream, b.from); });
  std::size_t kept = 0;
  for (const RateBin& rate : all)
    if (kept > 0 && all[kept - 1].stream == rate.stream && all[kept - 1].from == rate.from)
      all[kept - 1].bytes += rate.bytes;
    else
      all[kept++] = rate;
  all.resize(kept);
  for (Open& open : open_) open.number >>= 1;
  most_rates_ = std::max(most_rates_, 2 * kept);
}

void PacketLog::finish(Time end) {
  make_room(end + Time::picoseconds(1));
  for (std::uint32_t link = 0; link < states_.size(); ++link) {
    if (states_[link].queue > 0) queue(link, end, 0);
    if (states_[link].paused_since != never) pause(link, end, false);
  }
  for (std::uint32_t stream = 0; stream < open_.size(); ++stream)
    if (open_[stream].bytes > 0)
      rates_.front().push_back({stream, Time::picoseconds(open_[stream].number << rate_shift_), open_[stream].bytes});
  open_.clear();
  --rate_shift_;
  merge_rates();
}

}  // namespace sim

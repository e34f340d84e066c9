#include "tests/bench/packet_error.hpp"
#include <fmt/format.h>
#include <algorithm>

namespace bench {

void PacketError::add(sim::Time packets, sim::Time fluid) {
  const double error = packets / fluid - 1;
  ++flows_;
  if (error < 0) {
    ++flows_early_;
    early_ -= error;
  } else {
    late_ += error;
    delay_ += (packets - fluid).in_seconds();
  }
}

double PacketError::mean() const { return flows_ > 0 ? (early_ + late_) / static_cast<double>(flows_) : 0; }

std::string PacketError::reason() const {
  const auto flows_late = static_cast<double>(flows_ - flows_early_);
  const double delay = delay_ / std::max(flows_late, 1.0);
  const double stored = packet_time.in_seconds() * static_cast<double>((std::max<std::size_t>(links_of_way, 1) - 1) * messages_of_chain);
  const char* cause = early_ > late_                         ? "uneven rates"
                      : stored >= delay / 2                  ? "store and forward"
                      : queue_time.in_seconds() >= delay / 2 ? "queues"
                      : counts.marks > 0                     ? "rates after cuts"
                                                             : "idle links";
  return fmt::format(
      "{} ({} of {} early, by {:.2g} % in the mean; the others late by {:.2g} us, {:.2g} %; packets on further links {:.2g} us, "
      "longest "
      "queue {:.2g} us; {} marks, {} pauses)",
      cause, flows_early_, flows_, 100 * early_ / std::max(static_cast<double>(flows_early_), 1.0), 1e6 * delay,
      100 * late_ / std::max(flows_late, 1.0), 1e6 * stored, 1e6 * queue_time.in_seconds(), counts.marks, counts.pauses);
}

}  // namespace bench

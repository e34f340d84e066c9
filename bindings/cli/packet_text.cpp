#include "bindings/cli/packet_text.hpp"
#include <fmt/format.h>
#include <algorithm>
#include "bindings/report/diagram.hpp"  // size_text, time_text

namespace cli {
namespace {

// With groups of three digits.
std::string count(std::uint64_t number) {
  std::string text = fmt::to_string(number);
  for (auto place = static_cast<std::ptrdiff_t>(text.size()) - 3; place > 0; place -= 3) text.insert(static_cast<std::size_t>(place), ",");
  return text;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> packet_lines(const sim::PacketCounts& packets,
                                                              const std::vector<workloads::QueueUse>& queues) {
  std::vector<std::pair<std::string, std::string>> lines;
  lines.emplace_back("packets",
                     fmt::format("{} hops; {} dropped, {} marked; longest queue {}", count(packets.packet_hops), count(packets.drops),
                                 count(packets.marks), report::size_text(static_cast<double>(packets.max_queue_bytes))));
  if (packets.pauses > 0)
    lines.emplace_back("pauses", fmt::format("{} of {} links, {} in all", count(packets.pauses), count(packets.paused_links),
                                             report::time_text(packets.paused.in_seconds())));
  constexpr std::size_t most = 3;
  constexpr double worth_saying_bytes = 1000, worth_saying_share = 0.01;  // less is a packet now and then
  for (std::size_t i = 0; i < std::min(queues.size(), most); ++i) {
    if (queues[i].mean_bytes < worth_saying_bytes && queues[i].paused_share < worth_saying_share) break;
    lines.emplace_back(i == 0 ? "queues" : "", fmt::format("{}: {} on average, {} at most, stood still {:.1f} % of the time",
                                                           queues[i].name, report::size_text(queues[i].mean_bytes),
                                                           report::size_text(queues[i].max_bytes), 100 * queues[i].paused_share));
  }
  return lines;
}

}  // namespace cli

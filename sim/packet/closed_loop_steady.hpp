#pragma once
#include "sim/packet/closed_loop.hpp"

namespace sim {

// What is compared to find that nothing changes any more (closed_loop_steady.cpp).
struct ClosedLoop::Steady {
  static constexpr std::int64_t first_jump = 2;  // times what was looked at
  struct Look {
    Time at;
    std::vector<std::uint32_t> delivered;  // packets, by flow
    std::vector<std::int64_t> queues;      // bytes, by link
  };
  std::vector<Look> looks;            // since something changed, at most three
  std::vector<std::uint32_t> before;  // delivered within two periods before the first jump, by flow; empty: there was none
  Time period, next;                  // look
  std::int64_t stretch = first_jump;
  bool settled = false;
  Time jumped;  // in all
};

}  // namespace sim

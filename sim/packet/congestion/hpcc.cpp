#include <array>
#include "sim/packet/congestion_control.hpp"

namespace sim {
namespace {

// Li et al., HPCC: High Precision Congestion Control, SIGCOMM 2019, algorithm 1. Switches tell their queue and what they have sent; the
// sender keeps the bytes in flight on the fullest link at `utilization` of bandwidth times round trip.
class Hpcc final : public CongestionControl {
 public:
  explicit Hpcc(const HpccSpec& spec) : spec_(spec) {}

  Allowance start(std::uint32_t flow, const FlowPath& path, Time) override {
    State& s = states_[flow] = {};
    s.round_trip = path.round_trip.in_seconds();
    s.line_rate = path.line_rate.value();
    s.most = s.window = s.reference = s.line_rate * s.round_trip + static_cast<double>(path.packet);
    s.step = s.most * (1 - spec_.utilization) / spec_.expected_flows;
    return allowance(s);
  }
  Allowance before_packet(std::uint32_t flow, std::int64_t, Time) override { return allowance(states_[flow]); }
  Allowance on_acknowledgement(std::uint32_t flow, const Acknowledgement& ack) override {
    State& s = states_[flow];
    const bool first = s.hops == 0;
    if (!first) measure(s, ack.hops);
    s.hops = std::min(ack.hops.size(), s.last.size());
    std::copy_n(ack.hops.begin(), s.hops, s.last.begin());
    if (first) return allowance(s);
    const bool new_round = ack.sequence >= s.round_ends_at;
    if (new_round) s.round_ends_at = ack.next;
    adapt(s, new_round);
    return allowance(s);
  }
  void skip(std::uint32_t flow, Time by, std::uint32_t packets) override {
    State& s = states_[flow];
    s.round_ends_at += packets;
    for (std::size_t i = 0; i < s.hops; ++i) s.last[i].at += by;
  }
  bool wants_telemetry() const override { return true; }

 private:
  static constexpr std::size_t most_hops = 12;
  struct State {
    double round_trip = 0, line_rate = 0, window = 0, reference = 0, most = 0, step = 0, in_flight = 1;
    int stage = 0;
    std::uint32_t round_ends_at = 0;
    std::size_t hops = 0;
    std::array<HopRecord, most_hops> last;
  };

  static void measure(State& s, std::span<const HopRecord> hops) {
    double fullest = 0, interval = 0;
    for (std::size_t i = 0; i < std::min(hops.size(), s.hops); ++i) {
      const double elapsed = (hops[i].at - s.last[i].at).in_seconds(), capacity = hops[i].capacity.value();
      if (elapsed <= 0 || hops[i].link != s.last[i].link) continue;  // another way
      const double rate = static_cast<double>(hops[i].bytes_sent - s.last[i].bytes_sent) / elapsed;
      const double queue = static_cast<double>(std::min(hops[i].queue_bytes, s.last[i].queue_bytes));
      const double used = queue / (capacity * s.round_trip) + rate / capacity;
      if (used > fullest) fullest = used, interval = elapsed;
    }
    const double weight = std::min(interval, s.round_trip) / s.round_trip;
    s.in_flight = (1 - weight) * s.in_flight + weight * fullest;
  }
  void adapt(State& s, bool new_round) const {
    const bool full = s.in_flight >= spec_.utilization || s.stage >= spec_.stages;
    s.window = (full ? s.reference / (s.in_flight / spec_.utilization) : s.reference) + s.step;
    s.window = std::clamp(s.window, s.step, s.most);
    if (!new_round) return;
    s.stage = full ? 0 : s.stage + 1;
    s.reference = s.window;
  }
  static Allowance allowance(const State& s) { return {std::min(s.window / s.round_trip, s.line_rate), s.window}; }

  HpccSpec spec_;
  StateByFlow<State> states_;
};

}  // namespace

std::unique_ptr<CongestionControl> make_hpcc(const HpccSpec& spec) { return std::make_unique<Hpcc>(spec); }

}  // namespace sim

#include <cmath>
#include "sim/packet/congestion_control.hpp"

namespace sim {
namespace {

// Kumar et al., Swift: Delay is Simple and Effective for Congestion Control in the Datacenter, SIGCOMM 2020, without its host delay.
// A window that grows below a target delay and shrinks above it, at most once a round trip; below one packet it is a pace.
class Swift final : public CongestionControl {
 public:
  explicit Swift(const SwiftSpec& spec) : spec_(spec) {
    const double most = 1 / std::sqrt(spec.least_scaled_window) - 1 / std::sqrt(spec.most_scaled_window);
    scale_ = spec.scaling_range.in_seconds() / most;
  }

  Allowance start(std::uint32_t flow, const FlowPath& path, Time) override {
    const double packets = path.line_rate.value() * path.round_trip.in_seconds() / static_cast<double>(path.packet);
    State& s = states_[flow] = {};
    s.path = path;
    s.window = std::ceil(packets) + 1;
    s.round_trip = path.round_trip;
    s.most = 2 * s.window + spec_.base_target.in_seconds() * path.line_rate.value() / static_cast<double>(path.packet);
    return allowance(s);
  }
  Allowance before_packet(std::uint32_t flow, std::int64_t, Time) override { return allowance(states_[flow]); }
  Allowance on_acknowledgement(std::uint32_t flow, const Acknowledgement& ack) override {
    State& s = states_[flow];
    s.round_trip = ack.round_trip;
    const double delay = ack.round_trip.in_seconds(), target = this->target(s);
    if (delay < target) {
      s.window += spec_.increase / std::max(1.0, s.window);
    } else if (ack.now - s.cut_at >= ack.round_trip) {
      s.window *= std::max(1 - spec_.beta * (delay - target) / delay, 1 - spec_.most_decrease);
      s.cut_at = ack.now;
    }
    s.window = std::clamp(s.window, spec_.least_scaled_window, s.most);
    return allowance(s);
  }
  void skip(std::uint32_t flow, Time by, std::uint32_t) override { states_[flow].cut_at += by; }

 private:
  struct State {
    FlowPath path;
    double window = 1, most = 1;  // packets
    Time round_trip, cut_at;
  };
  // Flows that share a queue with many get a small window and a higher target.
  double target(const State& s) const {
    const double scaled = scale_ * (1 / std::sqrt(s.window) - 1 / std::sqrt(spec_.most_scaled_window));
    return (spec_.base_target + spec_.per_hop * s.path.hops).in_seconds() + std::clamp(scaled, 0.0, spec_.scaling_range.in_seconds());
  }
  static Allowance allowance(const State& s) {
    const double packet = static_cast<double>(s.path.packet);
    if (s.window >= 1) return {s.path.line_rate.value(), s.window * packet};
    return {s.window * packet / s.round_trip.in_seconds(), packet};
  }

  SwiftSpec spec_;
  double scale_ = 0;
  StateByFlow<State> states_;
};

}  // namespace

std::unique_ptr<CongestionControl> make_swift(const SwiftSpec& spec) { return std::make_unique<Swift>(spec); }

}  // namespace sim

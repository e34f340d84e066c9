#include <cmath>
#include "sim/packet/congestion_control.hpp"

namespace sim {
namespace {

// Zhu et al., Congestion Control for Large-Scale RDMA Deployments, SIGCOMM 2015. The receiver answers marks with at most one
// notification a period; the sender then cuts its rate, and raises it again by time and by bytes. Timers are looked at when the flow
// sends or hears something, not in between.
class Dcqcn final : public CongestionControl {
 public:
  explicit Dcqcn(const DcqcnSpec& spec) : spec_(spec) {}

  Allowance start(std::uint32_t flow, const FlowPath& path, Time now) override {
    const double line = path.line_rate.value();
    State& s = states_[flow] = {};
    s.line = s.rate = s.target = line;
    s.alpha_since = s.raised_at = now;
    return {s.rate};
  }
  Allowance before_packet(std::uint32_t flow, std::int64_t bytes, Time now) override {
    State& s = states_[flow];
    s.bytes += bytes;
    pass_time(s, now);
    return {s.rate};
  }
  Allowance on_acknowledgement(std::uint32_t flow, const Acknowledgement& ack) override {
    State& s = states_[flow];
    pass_time(s, ack.now);
    if (ack.marked && ack.now >= s.deaf_until) {
      s.deaf_until = ack.now + spec_.notification_period;
      if (spec_.clamp_target || s.by_time + s.by_bytes > 0) s.target = s.rate;
      s.rate = std::max(s.rate * (1 - s.alpha / 2), spec_.least_rate.value());
      s.alpha = (1 - spec_.gain) * s.alpha + spec_.gain;
      s.by_time = s.by_bytes = 0;
      s.bytes = 0;
      s.alpha_since = s.raised_at = ack.now;
    }
    return {s.rate};
  }
  void skip(std::uint32_t flow, Time by, std::uint32_t) override {
    State& s = states_[flow];
    s.alpha_since += by;
    s.raised_at += by;
    s.deaf_until += by;
  }

 private:
  struct State {
    double line = 0, rate = 0, target = 0, alpha = 1;
    Time alpha_since, raised_at, deaf_until;
    std::int64_t bytes = 0;
    int by_time = 0, by_bytes = 0;  // increases since the last cut
  };

  void pass_time(State& s, Time now) const {
    for (; now - s.alpha_since >= spec_.alpha_period; s.alpha_since += spec_.alpha_period) s.alpha *= 1 - spec_.gain;
    if (s.rate >= s.line) {  // nothing to raise
      s.raised_at = now;
      s.bytes = 0;
      return;
    }
    for (; now - s.raised_at >= spec_.increase_period; s.raised_at += spec_.increase_period) {
      ++s.by_time;
      raise(s);
    }
    for (; spec_.increase_bytes > 0 && s.bytes >= spec_.increase_bytes; s.bytes -= spec_.increase_bytes) {
      ++s.by_bytes;
      raise(s);
    }
  }
  void raise(State& s) const {
    if (std::min(s.by_time, s.by_bytes) > spec_.fast_recovery)
      s.target += spec_.fast_increase_share * s.line;
    else if (std::max(s.by_time, s.by_bytes) > spec_.fast_recovery)
      s.target += spec_.increase_share * s.line;
    s.target = std::min(s.target, s.line);
    s.rate = (s.rate + s.target) / 2;
    if (s.rate > s.line * (1 - 1e-6)) s.rate = s.line;
  }

  DcqcnSpec spec_;
  StateByFlow<State> states_;
};

}  // namespace

std::unique_ptr<CongestionControl> make_dcqcn(const DcqcnSpec& spec) { return std::make_unique<Dcqcn>(spec); }

}  // namespace sim

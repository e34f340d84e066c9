#include "sim/packet/congestion_control.hpp"

namespace sim {
namespace {

// Zhu et al., Congestion Control for Large-Scale RDMA Deployments, SIGCOMM 2015, with the timers of the vendor's NICs: once a period each,
// alpha learns whether a notification came, and the rate is cut if one came. The first notification starts the timers; a flow that
// never hears one sends at line rate. Timers are looked at when the flow sends or hears something, not in between.
class Dcqcn final : public CongestionControl {
 public:
  explicit Dcqcn(const DcqcnSpec& spec) : spec_(spec) {}

  Allowance start(std::uint32_t flow, const FlowPath& path, Time) override {
    State& s = states_[flow] = {};
    s.line = s.target = path.line_rate.value();
    s.packet = static_cast<double>(path.packet);
    s.round_trip = path.round_trip.in_seconds();
    set_rate(s, s.line);
    return s.allowance;
  }
  Allowance before_packet(std::uint32_t flow, std::int64_t bytes, Time now) override {
    State& s = states_[flow];
    if (now >= s.next) pass_time(s, now);
    if (spec_.increase_bytes > 0) count(s, bytes);
    return s.allowance;
  }
  Allowance on_acknowledgement(std::uint32_t flow, const Acknowledgement& ack) override {
    State& s = states_[flow];
    if (ack.now >= s.next) pass_time(s, ack.now);
    if (ack.marked && ack.now >= s.deaf_until) {
      s.deaf_until = ack.now + spec_.notification_period;
      s.cut_heard = true;
      s.alpha_heard = s.next != never;  // alpha begins at 1
      if (s.next == never) {
        s.alpha_at = ack.now + spec_.alpha_period;
        s.cut_at = ack.now + spec_.cut_period;
        s.next = std::min(s.alpha_at, s.cut_at);
      }
    }
    return s.allowance;
  }
  void skip(std::uint32_t flow, Time by, std::uint32_t) override {
    State& s = states_[flow];
    s.deaf_until += by;
    for (Time* timer : {&s.next, &s.alpha_at, &s.cut_at, &s.raise_at})
      if (*timer != never) *timer += by;
  }

 private:
  struct alignas(64) State {  // what each packet needs comes first
    Allowance allowance;
    Time next = never, deaf_until;  // the first timer that ends; until when the receiver says nothing
    double line = 0, target = 0, alpha = 1;
    double packet = 0, round_trip = 0;
    Time alpha_at = never, cut_at = never, raise_at = never;  // when the timers end
    std::int64_t bytes = 0;                                   // since the last increase by bytes
    int by_time = 0, by_bytes = 0;                            // increases since the last cut
    bool alpha_heard = false, cut_heard = false;              // a notification, in the period that runs
  };

  // With a window: what is sent at this rate in a round trip through empty queues, and a packet more for what is rounded off.
  void set_rate(State& s, double rate) const {
    s.allowance.rate = rate;
    if (spec_.window) s.allowance.window = rate * s.round_trip + s.packet;
  }
  void pass_time(State& s, Time now) const {
    for (; s.next <= now; s.next = std::min({s.alpha_at, s.cut_at, s.raise_at})) {
      if (s.raise_at == s.next) {
        s.raise_at += spec_.increase_period;
        raise(s, s.by_time);
      } else if (s.alpha_at == s.next) {
        s.alpha_at += spec_.alpha_period;
        s.alpha += spec_.gain * (s.alpha_heard - s.alpha);
        s.alpha_heard = false;
      } else {
        s.cut_at += spec_.cut_period;
        if (s.cut_heard) cut(s);
      }
    }
  }
  void count(State& s, std::int64_t bytes) const {
    if (s.allowance.rate >= s.line) return;  // nothing to raise
    for (s.bytes += bytes; s.bytes >= spec_.increase_bytes; s.bytes -= spec_.increase_bytes) raise(s, s.by_bytes);
  }
  void cut(State& s) const {
    if (spec_.clamp_target || s.by_time + s.by_bytes > 0) s.target = s.allowance.rate;
    set_rate(s, std::max(s.allowance.rate * (1 - s.alpha / 2), spec_.least_rate.value()));
    s.by_time = s.by_bytes = 0;
    s.bytes = 0;
    s.cut_heard = false;
    s.raise_at = s.next + spec_.increase_period;
  }
  void raise(State& s, int& count) const {
    const int bytes = spec_.increase_bytes > 0 ? s.by_bytes : s.by_time;
    if (std::min(s.by_time, bytes) > spec_.fast_recovery)
      s.target += spec_.fast_increase_share * s.line;
    else if (std::max(s.by_time, bytes) >= spec_.fast_recovery)
      s.target += spec_.increase_share * s.line;
    s.target = std::min(s.target, s.line);
    const double rate = (s.allowance.rate + s.target) / 2;
    set_rate(s, rate > s.line * (1 - 1e-6) ? s.line : rate);
    ++count;
  }

  DcqcnSpec spec_;
  StateByFlow<State> states_;
};

}  // namespace

std::unique_ptr<CongestionControl> make_dcqcn(const DcqcnSpec& spec) { return std::make_unique<Dcqcn>(spec); }

}  // namespace sim

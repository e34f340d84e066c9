#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>
#include "sim/units.hpp"

namespace sim {

// What a switch writes into a packet as it leaves (in-band telemetry).
struct HopRecord {
  Time at;
  std::int64_t bytes_sent = 0;  // by the link so far
  std::int64_t queue_bytes = 0;
  BytesPerSecond capacity;
  std::uint32_t link = 0;
};

// What a sender knows of a flow before its first packet.
struct FlowPath {
  BytesPerSecond line_rate;  // of its host
  Time round_trip;           // of a full packet and its acknowledgement through empty queues
  std::int64_t packet = 0;   // bytes of a full one, on the wire
  int hops = 0;
};

struct Acknowledgement {
  Time now, round_trip;
  std::int64_t bytes = 0;      // on the wire
  std::uint32_t sequence = 0;  // of the packet that it answers
  std::uint32_t next = 0;      // the packet that the sender would send now
  std::int64_t bytes_in_flight = 0;
  bool marked = false;              // by a switch with too long a queue
  std::span<const HopRecord> hops;  // where telemetry is asked for
};

// How fast a flow may send: at this rate, and no more than `window` bytes that are not acknowledged.
struct Allowance {
  double rate = 0;  // bytes per second, headers included
  double window = std::numeric_limits<double>::infinity();
};

// Finds the rate of each sender from what comes back. One short file each; state by flow lies in the implementation.
// Called once per packet and acknowledgement at the sender, never by switches.
class CongestionControl {
 public:
  virtual ~CongestionControl() = default;
  virtual Allowance start(std::uint32_t flow, const FlowPath& path, Time now) = 0;
  virtual Allowance before_packet(std::uint32_t flow, std::int64_t bytes, Time now) = 0;
  virtual Allowance on_acknowledgement(std::uint32_t flow, const Acknowledgement& ack) = 0;
  virtual void end(std::uint32_t) {}
  // Nothing changed for so long, in which the flow sent so many packets: times and sequences that are kept move by that.
  virtual void skip(std::uint32_t flow, Time by, std::uint32_t packets) = 0;
  virtual bool wants_telemetry() const { return false; }
};

// Constants and where they come from: workloads/packet/packet.json.
struct DcqcnSpec {
  double gain = 0, increase_share = 0, fast_increase_share = 0;  // the last two: of the line rate
  BytesPerSecond least_rate;
  Time alpha_period, cut_period, increase_period;  // of the sender's timers
  Time notification_period;                        // a receiver notifies a sender so often at most; zero: of every mark
  std::int64_t increase_bytes = 0;                 // zero: by time alone
  int fast_recovery = 0;
  bool window = false;       // no more in flight than rate times round trip
  bool clamp_target = true;  // each cut lowers what the rate goes back to; else only the first one after a rise
};
struct SwiftSpec {
  Time base_target, per_hop, scaling_range;
  double increase = 0, beta = 0, most_decrease = 0, least_scaled_window = 0, most_scaled_window = 0;
};
struct HpccSpec {
  double utilization = 0;
  int stages = 0, expected_flows = 1;
};
std::unique_ptr<CongestionControl> make_dcqcn(const DcqcnSpec& spec);
std::unique_ptr<CongestionControl> make_swift(const SwiftSpec& spec);
std::unique_ptr<CongestionControl> make_hpcc(const HpccSpec& spec);

// State of each flow by its number.
template <class State>
class StateByFlow {
 public:
  State& operator[](std::uint32_t flow) {
    if (flow >= states_.size()) states_.resize(std::max<std::size_t>(flow + 1, 2 * states_.size()));
    return states_[flow];
  }

 private:
  std::vector<State> states_;
};

}  // namespace sim

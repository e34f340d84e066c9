#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>
#include "sim/units.hpp"

namespace sim {

// What the queue in front of one link did in one bin of time.
struct QueueBin {
  double byte_ps = 0;        // bytes times the picoseconds that they were there
  std::int64_t longest = 0;  // bytes
  std::int64_t carried = 0;  // bytes of packets whose transmission began
  std::int64_t paused_ps = 0;
  std::uint32_t marks = 0, drops = 0;
};

// What came out at the end of one flow, or between one pair of ends, in one bin of time.
struct RateBin {
  std::uint32_t stream = 0;
  Time from;
  std::int64_t bytes = 0;
};

struct PacketLogSpec {
  std::size_t bins = 256;                       // at most; fewer where there are many links
  std::size_t most_queue_bins = 4 << 20;        // of all links: 160 MiB
  std::size_t most_rate_bins = 4 << 20;         // of all streams; where they are more, bins of rates are twice as wide
  Time first_bin = Time::picoseconds(1 << 20);  // rounded up to a power of two
};

// The queues of all links and the rates of all flows over time, for a run of unknown length in a fixed amount of memory: where time runs
// out of the bins, neighbours are merged and bins are twice as wide. A packet network that is given one tells it; without, it costs
// nothing.
//
// Each link and each stream is told of by one thread at a time, in the order of its time, and before the end that `make_room` was given.
// So results do not depend on the number of threads.
class PacketLog {
 public:
  explicit PacketLog(std::size_t links, const PacketLogSpec& spec = {});

  // By one thread, while the others rest.
  void set_parts(std::size_t parts) { rates_.resize(std::max(rates_.size(), parts)); }
  void make_room(Time end);
  // Flows of one label are one stream; those without (`no_label`) are told apart by the nodes where they begin and end.
  std::uint32_t stream(std::uint32_t label, std::uint32_t source, std::uint32_t destination);
  void finish(Time end);  // nothing is told after it

  // By the thread that has the link.
  void queue(std::uint32_t link, Time now, std::int64_t bytes);                               // as long as that from now on
  void wait(std::uint32_t link, Time from, Time to, std::int64_t bytes, std::int64_t queue);  // of one packet that finds such a queue
  void carry(std::uint32_t link, Time now, std::int64_t bytes) { bin(link, now).carried += bytes; }
  void pause(std::uint32_t link, Time now, bool paused);
  void mark(std::uint32_t link, Time now) { ++bin(link, now).marks; }
  void drop(std::uint32_t link, Time now) { ++bin(link, now).drops; }
  // By the thread that has the last link of the stream.
  void arrive(std::size_t part, std::uint32_t stream, Time now, std::int64_t bytes);

  static constexpr std::uint32_t no_label = ~0u;
  struct Stream {
    std::uint32_t label, source, destination;
  };
  std::size_t links() const { return states_.size(); }
  std::size_t bins_used() const { return used_; }
  Time bin_width() const { return Time::picoseconds(std::int64_t{1} << shift_); }
  const QueueBin& at(std::size_t link, std::size_t bin) const { return bins_[link * per_link_ + bin]; }
  const std::vector<Stream>& streams() const { return streams_; }
  Time rate_bin_width() const { return Time::picoseconds(std::int64_t{1} << rate_shift_); }
  const std::vector<RateBin>& rates() const { return rates_.front(); }  // after `finish`: by stream, then time

 private:
  struct LinkState {
    Time since, paused_since = never;
    std::int64_t queue = 0;
  };
  struct Open {  // the bin of a stream that still fills
    std::int64_t number = -1, bytes = 0;
  };
  QueueBin& bin(std::uint32_t link, Time t) { return bins_[link * per_link_ + static_cast<std::size_t>(t.ps() >> shift_)]; }
  template <class Add>
  void spread(std::uint32_t link, Time from, Time to, Add&& add);
  void widen();
  void merge_rates();

  std::size_t per_link_, used_ = 0;
  int shift_, rate_shift_;
  std::size_t most_rates_;
  std::vector<QueueBin> bins_;  // by link
  std::vector<LinkState> states_;
  std::vector<Stream> streams_;
  std::vector<Open> open_;               // by stream
  std::vector<std::uint32_t> of_label_;  // streams
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> of_ends_;
  std::vector<std::vector<RateBin>> rates_{1};  // by part
};

}  // namespace sim

#pragma once
#include <cstddef>
#include <string>
#include "sim/packet/packet_fabric.hpp"
#include "sim/units.hpp"

namespace bench {

// How far completion times with packets are from those of the fluid network, and what the packets met.
class PacketError {
 public:
  void add(sim::Time packets, sim::Time fluid);

  double mean() const;  // of the absolute relative errors
  // The cause by what was measured; the first of these that holds:
  //   uneven rates       flows that end early have the larger part of the error: others of their bottleneck wait for them
  //   store and forward  a packet on each link but the first, for each message of a chain, takes half of the mean delay or more
  //   queues             the longest one takes half of the mean delay or more
  //   rates after cuts   packets were marked: senders hold back while links are idle
  //   idle links         nothing of all that
  std::string reason() const;

  double makespan = 0;  // relative
  sim::PacketCounts counts;
  std::size_t links_of_way = 0;       // of the longest
  std::size_t messages_of_chain = 1;  // that wait for each other
  sim::Time packet_time, queue_time;  // a packet and the longest queue at the rate of a link

 private:
  std::size_t flows_ = 0, flows_early_ = 0;
  double early_ = 0, late_ = 0;  // sums of relative errors, both positive
  double delay_ = 0;             // of the late ones, seconds
};

}  // namespace bench

#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <vector>
#include "sim/random.hpp"
#include "sim/units.hpp"

namespace sim {

// Which of several equal links a switch gives each flowlet to: packets of a flow with shorter gaps between them. A table of a fixed size
// for each set of links, found by a hash, as in switches: flows of one hash count as one.
class Flowlets {
 public:
  explicit Flowlets(std::size_t links) : tables_(links) {}

  // `set`: the first link of the set. `choose()` gives the link of a new flowlet; `fits(link)`: it is still one of the set.
  template <class Fits, class Choose>
  std::uint32_t take(std::uint32_t set, std::uint32_t flow, Time now, Time gap, Fits&& fits, Choose&& choose) {
    auto& table = tables_[set];
    if (!table) table = std::make_unique<Table>();
    Entry& entry = (*table)[static_cast<std::size_t>(Random(set, flow).bits(0, 0) % table->size())];
    if (entry.link == none || now - entry.last > gap || !fits(entry.link)) entry.link = choose();
    entry.last = now;
    return entry.link;
  }
  void move(Time by) {
    for (auto& table : tables_)
      if (table)
        for (Entry& entry : *table) entry.last += by;
  }

 private:
  static constexpr std::uint32_t none = ~0u;
  struct Entry {
    Time last;
    std::uint32_t link = none;
  };
  using Table =
      std::array<Entry, 256>;  // of the tables that Junos gives a group of links, the smallest (flowset table size: 256 to 32,768)
  std::vector<std::unique_ptr<Table>> tables_;  // by the first link of the set
};

}  // namespace sim

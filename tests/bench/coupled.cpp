#include "sim/coupled_network.hpp"
#include "tests/bench/common_cases.hpp"
#include "tests/bench/report.hpp"

namespace bench {
namespace {
using namespace sim;

std::vector<CollectiveEdge> edges_of(const Case& ring) {
  std::vector<CollectiveEdge> edges;
  for (const Transfer& t : ring.transfers) {
    CollectiveEdge edge{{}, link_latency * static_cast<std::int64_t>(t.path.size()), {}, (t.from + ring.hosts - 1) % ring.hosts};
    for (const LinkId link : t.path) edge.shares.push_back({link});
    edges.push_back(std::move(edge));
  }
  return edges;
}

// `disturbed`: half-way a flow of 1 kB crosses one link of the ring.
void all_reduce(const Case& ring, const std::vector<CollectiveEdge>& edges, bool disturbed) {
  const std::vector<LinkSpec> links(ring.links, {BytesPerSecond{link_bytes_per_second}});
  CoupledNetwork network(make_network("fluid", links), links);
  network.start(CollectiveSpec{edges, ring.messages, Bytes{ring.transfers[0].bytes}});
  if (disturbed) {
    network.advance_to(Time::picoseconds(network.next_event().ps() / 2));
    network.start(FlowSpec{Bytes{1000}, {}, edges[0].shares});
  }
  for (Time t = network.next_event(); t != never; t = network.next_event()) network.advance_to(t);
}
}  // namespace

void coupled(Report& report) {
  const auto add = [&](std::string_view what, std::string_view name, std::string_view size, bool disturbed) {
    if (!report.wants(what)) return;
    const Case ring = make_case(name);
    const std::vector<CollectiveEdge> edges = edges_of(ring);
    report.add({std::string(what), std::string(size), cpu_seconds([&] { all_reduce(ring, edges, disturbed); }) * 1e3, "ms"});
  };
  add("ring all-reduce, one variable", "T2c_ring", "1,024 ranks", false);
  add("ring all-reduce, one variable", "T4c_ring", "65,536 ranks", false);
  add("ring all-reduce, expanded half-way", "T2c_ring", "1,024 ranks", true);
}

}  // namespace bench

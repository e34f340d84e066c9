#include <fmt/format.h>
#include <malloc.h>
#include <thread>
#include "sim/max_min.hpp"
#include "sim/random.hpp"
#include "tests/bench/report.hpp"

namespace bench {
namespace {
using namespace sim;
using namespace sim::literals;

// Random flows on a three-tier fabric of as many hosts: up, across and down six of its links.
class RandomFlows {
 public:
  explicit RandomFlows(std::uint32_t hosts) : hosts_(hosts) {}
  std::vector<LinkSpec> links() const { return std::vector<LinkSpec>(6 * hosts_, {50_GBps}); }
  std::span<const LinkShare> next() {
    const std::uint64_t bits = random_.bits(0, draw_++);
    for (std::uint32_t tier = 0; tier < 6; ++tier)
      route_[tier].link = LinkId{tier * hosts_ + static_cast<std::uint32_t>((bits >> (10 * tier)) % hosts_)};
    return route_;
  }

 private:
  std::uint32_t hosts_;
  Random random_{1, 2};
  std::uint64_t draw_ = 0;
  LinkShare route_[6];
};

// Flows end and others begin, one by one, while n share 1,024 hosts; one solve after each change.
double microseconds_per_change(std::uint32_t n) {
  RandomFlows flows(1024);
  MaxMin rates(flows.links());
  for (std::uint32_t id = 0; id < n; ++id) rates.attach(FlowId{id}, flows.next(), {}, 1);
  rates.solve();
  constexpr std::uint32_t flows_replaced = 200;
  std::uint32_t oldest = 0;
  const double seconds = cpu_seconds([&] {
    for (std::uint32_t i = 0; i < flows_replaced; ++i, oldest = (oldest + 1) % n) {
      rates.detach(FlowId{oldest});
      rates.solve();
      rates.attach(FlowId{oldest}, flows.next(), {}, 1);
      rates.solve();
    }
  });
  return seconds / (2 * flows_replaced) * 1e6;
}

// n flows begin at once.
void from_scratch(Report& report, std::uint32_t n, const std::string& size) {
  double best = 1e300, bytes = 0;
  for (int run = 0; run < 3; ++run) {
    RandomFlows flows(1024);
    const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    MaxMin rates(flows.links());
    for (std::uint32_t id = 0; id < n; ++id) rates.attach(FlowId{id}, flows.next(), {}, 1);
    best = std::min(best, cpu_seconds_once([&] { rates.solve(); }));
    bytes = static_cast<double>(mallinfo2().uordblks + mallinfo2().hblkhd - before);
  }
  report.add({"max-min from scratch", size, best * 1e3, "ms"});
  report.add({"max-min: memory of a flow", size, bytes / n, "B"});
}

// 64 islands (pods that do not talk to each other) of 64 hosts, all flows at once.
double islands_wall_milliseconds(int threads) {
  constexpr std::uint32_t islands = 64, hosts = 64, flows = 200'000;
  std::vector<std::vector<LinkShare>> routes(flows);
  RandomFlows island(hosts);
  for (std::uint32_t id = 0; id < flows; ++id)
    for (const LinkShare& s : island.next()) routes[id].push_back({LinkId{id % islands * 6 * hosts + s.link.value()}});
  const std::vector<LinkSpec> links(islands * 6 * hosts, {50_GBps});
  double best = 1e300;
  for (int run = 0; run < 5; ++run) {
    MaxMin rates(links, threads);
    for (std::uint32_t id = 0; id < flows; ++id) rates.attach(FlowId{id}, routes[id], {}, 1);
    best = std::min(best, wall_seconds_once([&] { rates.solve(); }));
  }
  return best * 1e3;
}
}  // namespace

void solver(Report& report) {
  if (report.wants("max-min: one flow begins or ends"))
    for (const auto& [n, size] : {std::pair{256u, "256 flows, 1,024 hosts"}, {1'024u, "1,024 on 1,024"}, {4'096u, "4,096 on 1,024"}})
      report.add({"max-min: one flow begins or ends", size, microseconds_per_change(n), "us"});
  if (report.wants("max-min from scratch"))
    for (const auto& [n, size] : {std::pair{10'000u, "1e4 flows"}, {100'000u, "1e5 flows"}, {1'000'000u, "1e6 flows"}})
      from_scratch(report, n, size);
  if (report.wants("max-min on threads"))
    for (const int threads : {1, 2, 4, 8}) {
      if (threads > 1 && threads > static_cast<int>(std::thread::hardware_concurrency())) break;
      report.add({"max-min on threads, 200,000 flows", fmt::format("{} thread{}", threads, threads > 1 ? "s" : ""),
                  islands_wall_milliseconds(threads), "ms wall"});
    }
}

}  // namespace bench

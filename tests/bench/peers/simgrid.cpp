// SimGrid on the common cases, by plain max-min fairness: a flow first waits for the latency of its route, then shares.
// SimGrid weighs flows by the latency of their links; so the links of a list have none and the flows start later.
#include <simgrid/s4u.hpp>
#include "tests/bench/peers/peer.hpp"

namespace {
namespace s4u = simgrid::s4u;
using bench::Case;

struct Platform {
  Platform(const Case& input, double latency) {
    s4u::NetZone* zone = s4u::create_full_zone("fabric");
    for (std::uint32_t i = 0; i < input.hosts; ++i) hosts.push_back(zone->create_host("h" + std::to_string(i), 1e9));
    std::vector<s4u::Link*> links;
    for (std::uint32_t i = 0; i < input.links; ++i)
      links.push_back(zone->create_link("l" + std::to_string(i), bench::link_bytes_per_second)->set_latency(latency)->seal());
    std::vector<bool> routed(std::size_t{input.hosts} * input.hosts);
    for (const bench::Transfer& t : input.transfers) {
      if (routed[std::size_t{t.from} * input.hosts + t.to]) continue;
      routed[std::size_t{t.from} * input.hosts + t.to] = true;
      std::vector<s4u::LinkInRoute> route;
      for (const sim::LinkId link : t.path) route.emplace_back(links[link.value()]);
      zone->add_route(hosts[t.from]->get_netpoint(), hosts[t.to]->get_netpoint(), nullptr, nullptr, route, false);
    }
    zone->seal();
  }
  std::vector<s4u::Host*> hosts;
};

bench::PeerRun run_list(s4u::Engine& engine, const Case& input) {
  const Platform platform(input, 0);
  const auto begin = [&](std::size_t i) {
    return (input.transfers[i].start + bench::link_latency * static_cast<std::int64_t>(input.transfers[i].path.size())).in_seconds();
  };
  std::vector<std::size_t> order(input.transfers.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return begin(a) < begin(b); });
  std::vector<s4u::CommPtr> flows(input.transfers.size());
  s4u::Actor::create("source", platform.hosts[0], [&] {
    for (const std::size_t i : order) {
      s4u::this_actor::sleep_until(begin(i));
      const bench::Transfer& t = input.transfers[i];
      flows[i] = s4u::Comm::sendto_async(platform.hosts[t.from], platform.hosts[t.to], static_cast<std::uint64_t>(t.bytes));
    }
    for (const s4u::CommPtr& flow : flows) flow->wait();
  });
  bench::PeerRun result{.cpu_seconds = bench::cpu_seconds_once([&] { engine.run(); }), .tolerance = 5e-4};
  for (std::size_t i = 0; i < flows.size(); ++i) {
    result.durations.push_back(flows[i]->get_finish_time() - input.transfers[i].start.in_seconds());
    result.makespan = std::max(result.makespan, flows[i]->get_finish_time());
  }
  return result;
}

// An actor per rank. Flows that share a link have routes of equal latency here, so their weights do no harm.
bench::PeerRun run_ring(s4u::Engine& engine, const Case& input) {
  const Platform platform(input, bench::link_latency.in_seconds());
  const std::uint32_t n = input.hosts;
  static int token = 0;
  for (std::uint32_t rank = 0; rank < n; ++rank)
    s4u::Actor::create("rank", platform.hosts[rank], [&input, rank, n] {
      s4u::Mailbox* out = s4u::Mailbox::by_name(std::to_string((rank + 1) % n));
      s4u::Mailbox* in = s4u::Mailbox::by_name(std::to_string(rank));
      int* received = nullptr;
      for (std::uint32_t message = 0; message < input.messages; ++message) {
        const s4u::CommPtr receive = in->get_async(&received);
        const s4u::CommPtr send = out->put_async(&token, static_cast<std::uint64_t>(input.transfers[rank].bytes));
        send->wait();
        receive->wait();
      }
    });
  const double seconds = bench::cpu_seconds_once([&] { engine.run(); });
  return {.cpu_seconds = seconds, .makespan = s4u::Engine::get_clock(), .tolerance = 1e-9};
}

bench::PeerRun run(const Case& input) {
  std::vector<std::string> settings = {"bench_simgrid", "--log=root.threshold:warning", "--cfg=network/model:CM02"};
  for (const char* factor : {"latency-factor:1", "bandwidth-factor:1", "weight-S:0", "TCP-gamma:0", "crosstraffic:0"})
    settings.push_back(std::string("--cfg=network/") + factor);
  std::vector<char*> arguments;
  for (std::string& setting : settings) arguments.push_back(setting.data());
  int count = static_cast<int>(arguments.size());
  s4u::Engine engine(&count, arguments.data());
  return input.messages > 1 ? run_ring(engine, input) : run_list(engine, input);
}
}  // namespace

int main(int argc, char** argv) {
  constexpr const char* cases[] = {"T1a_perm", "T1a1_perm1M", "T1b_ws", "T1d_a2a", "T1e_incast", "T1c_ring", "T2c_ring"};
  return bench::compare_all("SimGrid", cases, argc, argv, run);
}

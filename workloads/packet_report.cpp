#include "workloads/packet_report.hpp"
#include <algorithm>
#include <nlohmann/json.hpp>

namespace workloads {
namespace {

std::vector<std::uint32_t> network_link_of_cable(const topology::Fabric& fabric) {
  std::vector<std::uint32_t> of_cable(fabric.links().size());
  for (std::uint32_t i = 0; i < fabric.network_links().size(); ++i)
    for (const std::uint32_t cable : fabric.members(sim::LinkId{i})) of_cable[cable] = i;
  return of_cable;
}

LinkLoad load_by_network_link(const sim::PacketLog& log, const topology::Fabric& fabric) {
  const std::size_t links = fabric.network_links().size();
  LinkLoad load{log.bin_width(), std::vector<double>(log.bins_used() * links)};
  for (std::uint32_t link = 0; link < links; ++link)
    for (const std::uint32_t cable : fabric.members(sim::LinkId{link}))
      for (std::size_t bin = 0; bin < log.bins_used(); ++bin)
        load.bytes[bin * links + link] += static_cast<double>(log.at(cable, bin).carried);
  return load;
}

QueueTable queue_table(const sim::PacketLog& log, const topology::Fabric& fabric) {
  QueueTable table{.bin_width = log.bin_width()};
  const std::vector<std::uint32_t> of_cable = network_link_of_cable(fabric);
  std::vector<std::uint32_t> shown;
  for (std::uint32_t cable = 0; cable < log.links(); ++cable)
    for (std::size_t bin = 0; bin < log.bins_used(); ++bin)
      if (const sim::QueueBin& in = log.at(cable, bin); in.longest > 0 || in.paused_ps > 0 || in.drops > 0) {
        shown.push_back(cable);
        break;
      }
  for (const std::uint32_t cable : shown) {
    const topology::Link& link = fabric.links()[cable];
    table.queues.push_back(
        {static_cast<std::int32_t>(of_cable[cable]), fabric.nodes()[link.from].name, fabric.nodes()[link.to].name, link.capacity.value()});
  }
  const double width = static_cast<double>(log.bin_width().ps());
  for (std::size_t bin = 0; bin < log.bins_used(); ++bin)
    for (const std::uint32_t cable : shown) {
      const sim::QueueBin& in = log.at(cable, bin);
      table.mean_bytes.push_back(in.byte_ps / width);
      table.max_bytes.push_back(static_cast<double>(in.longest));
      table.paused_ps.push_back(static_cast<double>(in.paused_ps));
      table.marks.push_back(in.marks);
      table.drops.push_back(in.drops);
    }
  return table;
}

RateTable rate_table(const sim::PacketLog& log) {
  RateTable table{.bin_width = log.rate_bin_width()};
  for (const sim::RateBin& rate : log.rates()) {
    const sim::PacketLog::Stream& stream = log.streams()[rate.stream];
    const bool labelled = stream.label != sim::PacketLog::no_label;
    table.rows.push_back({labelled ? static_cast<std::int32_t>(stream.label) : -1, static_cast<std::int32_t>(stream.source),
                          static_cast<std::int32_t>(stream.destination), rate.from, rate.bytes});
  }
  return table;
}

}  // namespace

NetworkTrace make_network_trace(sim::PacketLog& log, const topology::Fabric& fabric, sim::Time end) {
  log.finish(end);
  return {load_by_network_link(log, fabric), queue_table(log, fabric), rate_table(log)};
}

std::vector<QueueUse> worst_queues(const NetworkTrace& trace, std::size_t most) {
  const QueueTable& table = trace.queues;
  const std::size_t queues = table.queues.size(), bins = queues ? table.max_bytes.size() / queues : 0;
  const double seconds = table.bin_width.in_seconds() * static_cast<double>(bins);
  std::vector<QueueUse> uses;
  for (std::size_t queue = 0; queue < queues; ++queue) {
    QueueUse use{.name = table.queues[queue].source + " -> " + table.queues[queue].destination};
    for (std::size_t i = queue; i < table.max_bytes.size(); i += queues) {
      use.mean_bytes += table.mean_bytes[i] / static_cast<double>(bins);
      use.max_bytes = std::max(use.max_bytes, table.max_bytes[i]);
      use.paused_share += table.paused_ps[i] * 1e-12 / seconds;
      use.marks += static_cast<std::uint64_t>(table.marks[i]);
      use.drops += static_cast<std::uint64_t>(table.drops[i]);
    }
    uses.push_back(std::move(use));
  }
  std::stable_sort(uses.begin(), uses.end(), [](const QueueUse& a, const QueueUse& b) { return a.mean_bytes > b.mean_bytes; });
  uses.resize(std::min(uses.size(), most));
  return uses;
}

nlohmann::ordered_json packets_json(const std::optional<sim::PacketCounts>& packets, const std::vector<QueueUse>& queues) {
  using Json = nlohmann::ordered_json;
  const auto counted = [&](auto member) { return packets ? Json((*packets).*member) : Json(); };
  Json worst = packets ? Json::array() : Json();
  for (const QueueUse& queue : queues)
    worst.push_back({{"name", queue.name},
                     {"mean_bytes", queue.mean_bytes},
                     {"max_bytes", queue.max_bytes},
                     {"paused_share", queue.paused_share},
                     {"marks", queue.marks},
                     {"drops", queue.drops}});
  return {{"packet_hops", counted(&sim::PacketCounts::packet_hops)},
          {"skipped_hops", counted(&sim::PacketCounts::skipped_hops)},
          {"drops", counted(&sim::PacketCounts::drops)},
          {"pauses", counted(&sim::PacketCounts::pauses)},
          {"paused_links", counted(&sim::PacketCounts::paused_links)},
          {"paused_s", packets ? Json(packets->paused.in_seconds()) : Json()},
          {"marks", counted(&sim::PacketCounts::marks)},
          {"max_queue_bytes", counted(&sim::PacketCounts::max_queue_bytes)},
          {"queues", worst}};
}

}  // namespace workloads

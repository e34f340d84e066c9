#include "workloads/packet_tables.hpp"
#include <fmt/format.h>
#include "sim/error.hpp"

namespace workloads {
namespace {

template <class T, class Rows, class Value>
hdf5::Column<T> write_column(hid_t group, const char* name, const char* units, const Rows& rows, Value value) {
  hdf5::Column<T> column(group, name, units);
  for (const auto& row : rows) column.push(value(row));
  column.append();
  return column;
}

void check_length(const hdf5::Reader& file, const std::string& what, std::size_t length, std::size_t expected) {
  if (length != expected)
    throw sim::InputError(
        fmt::format("{}: {} has {} values where {} are due. The file is damaged; write it again.", file.path(), what, length, expected));
}

sim::Time bin_width(const hdf5::Reader& file, const std::string& dataset) {
  const double width = file.number_attribute(dataset, "bin_width_ps");
  if (!(width >= 1 && width < 9e18)) throw sim::InputError(fmt::format("{}: {} has no width of its bins.", file.path(), dataset));
  return sim::Time::picoseconds(static_cast<std::int64_t>(width));
}

void set_bin_width(hid_t where, sim::Time width) { hdf5::set_attribute(where, "bin_width_ps", width.ps()); }

}  // namespace

void write_queues(hid_t file, const QueueTable& table) {
  const hdf5::Handle group = hdf5::create_group(file, "queues");
  write_column<std::int32_t>(group.id(), "link", "1", table.queues, [](const QueueRow& row) { return row.link; });
  std::vector<std::string> names, sources, destinations;
  for (const QueueRow& row : table.queues) {
    names.push_back(row.source + " -> " + row.destination);
    sources.push_back(row.source);
    destinations.push_back(row.destination);
  }
  hdf5::write_texts(group.id(), "name", names);
  hdf5::write_texts(group.id(), "src", sources);
  hdf5::write_texts(group.id(), "dst", destinations);
  write_column<double>(group.id(), "capacity_Bps", "byte s-1", table.queues, [](const QueueRow& row) { return row.capacity_Bps; });
  const auto matrix = [&](const char* name, const char* units, const std::vector<double>& values) {
    set_bin_width(hdf5::write_matrix(group.id(), name, values, table.queues.size(), units).id(), table.bin_width);
  };
  matrix("mean_bytes", "byte", table.mean_bytes);
  matrix("max_bytes", "byte", table.max_bytes);
  matrix("paused_ps", "ps", table.paused_ps);
  matrix("marks", "1", table.marks);
  matrix("drops", "1", table.drops);
}

void write_rates(hid_t file, const RateTable& table) {
  const hdf5::Handle group = hdf5::create_group(file, "rates");
  write_column<std::int32_t>(group.id(), "flow", "1", table.rows, [](const RateRow& row) { return row.flow; });
  write_column<std::int32_t>(group.id(), "src", "1", table.rows, [](const RateRow& row) { return row.source; });
  write_column<std::int32_t>(group.id(), "dst", "1", table.rows, [](const RateRow& row) { return row.destination; });
  write_column<std::int64_t>(group.id(), "start_ps", "ps", table.rows, [](const RateRow& row) { return row.from.ps(); });
  const auto bytes = write_column<std::int64_t>(group.id(), "bytes", "byte", table.rows, [](const RateRow& row) { return row.bytes; });
  set_bin_width(bytes.id(), table.bin_width);
}

QueueTable read_queues(const hdf5::Reader& file) {
  QueueTable table{.bin_width = bin_width(file, "/queues/max_bytes")};
  const std::vector<double> links = file.numbers("/queues/link"), capacities = file.numbers("/queues/capacity_Bps");
  const std::vector<std::string> sources = file.texts("/queues/src"), destinations = file.texts("/queues/dst");
  for (const std::size_t length : {capacities.size(), sources.size(), destinations.size()})
    check_length(file, "a column of /queues", length, links.size());
  for (std::size_t i = 0; i < links.size(); ++i)
    table.queues.push_back({static_cast<std::int32_t>(links[i]), sources[i], destinations[i], capacities[i]});
  table.max_bytes = file.numbers("/queues/max_bytes");
  const std::size_t bins = links.empty() ? 0 : table.max_bytes.size() / links.size();
  check_length(file, "/queues/max_bytes", table.max_bytes.size(), bins * links.size());
  for (const auto& [name, values] : {std::pair("mean_bytes", &table.mean_bytes), std::pair("paused_ps", &table.paused_ps),
                                     std::pair("marks", &table.marks), std::pair("drops", &table.drops)}) {
    *values = file.numbers(fmt::format("/queues/{}", name));
    check_length(file, name, values->size(), table.max_bytes.size());
  }
  return table;
}

RateTable read_rates(const hdf5::Reader& file) {
  RateTable table{.bin_width = bin_width(file, "/rates/bytes")};
  const auto column = [&](const char* name) { return file.numbers(fmt::format("/rates/{}", name)); };
  const std::vector<double> flow = column("flow"), source = column("src"), destination = column("dst"), from = column("start_ps"),
                            bytes = column("bytes");
  for (const auto* other : {&source, &destination, &from, &bytes}) check_length(file, "a column of /rates", other->size(), flow.size());
  for (std::size_t i = 0; i < flow.size(); ++i)
    table.rows.push_back({static_cast<std::int32_t>(flow[i]), static_cast<std::int32_t>(source[i]),
                          static_cast<std::int32_t>(destination[i]), sim::Time::picoseconds(static_cast<std::int64_t>(from[i])),
                          static_cast<std::int64_t>(bytes[i])});
  return table;
}

}  // namespace workloads

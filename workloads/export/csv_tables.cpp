#include "workloads/export/csv_tables.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <memory>
#include "sim/error.hpp"
#include "workloads/export/output_file.hpp"
#include "workloads/export/trace_input.hpp"
#include "workloads/packet_tables.hpp"
#include "workloads/whole_file.hpp"

namespace workloads {
namespace {

using hdf5::Reader;
constexpr std::size_t block = hdf5::block_rows;

// As docs/trace.md lists them; HDF5 gives names sorted. Columns of a later version follow.
constexpr std::array<std::string_view, 26> order = {
    "id",     "job",  "rank",  "gpu",         "host",  "tp",      "pp",       "dp",     "cp",    "ep",    "name",  "src",          "dst",
    "stream", "kind", "layer", "micro_batch", "chunk", "time_ps", "start_ps", "end_ps", "bytes", "flops", "cause", "capacity_Bps", ""};

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

// A column of which a block at a time is in memory.
class CsvColumn {
 public:
  CsvColumn(const Reader& trace, std::string dataset) : trace_(trace), dataset_(std::move(dataset)), kind_(trace.kind(dataset_)) {
    if (kind_ == Reader::Kind::texts)
      texts_ = trace.texts(dataset_);
    else if (trace.has_attribute(dataset_, "labels"))
      labels_ = trace.texts_attribute(dataset_, "labels");
    rows_ = kind_ == Reader::Kind::texts ? texts_.size() : trace.rows(dataset_);
    for (std::string& text : texts_) text = csv_field(text);
    for (std::string& label : labels_) label = csv_field(label);
  }
  std::size_t rows() const { return rows_; }
  void load(std::size_t first, std::size_t count) {
    first_ = first;
    if (kind_ == Reader::Kind::integers) integers_ = trace_.column<std::int64_t>(dataset_, first, count);
    if (kind_ == Reader::Kind::reals) reals_ = trace_.column<double>(dataset_, first, count);
  }
  void append(fmt::memory_buffer& out, std::size_t row) const {
    const auto to = std::back_inserter(out);
    if (kind_ == Reader::Kind::reals)
      fmt::format_to(to, "{}", reals_[row - first_]);
    else if (kind_ == Reader::Kind::texts)
      fmt::format_to(to, "{}", texts_[row]);
    else if (labels_.empty())
      fmt::format_to(to, "{}", integers_[row - first_]);
    else
      fmt::format_to(to, "{}", label(integers_[row - first_]));
  }

 private:
  const std::string& label(std::int64_t code) const {
    if (code >= 0 && static_cast<std::uint64_t>(code) < labels_.size()) return labels_[static_cast<std::size_t>(code)];
    throw sim::InputError(fmt::format("{}: {} has {}, which has no label. Simulate it again.", trace_.path(), dataset_, code));
  }
  const Reader& trace_;
  std::string dataset_;
  Reader::Kind kind_;
  std::size_t rows_ = 0, first_ = 0;
  std::vector<std::string> texts_, labels_;
  std::vector<std::int64_t> integers_;
  std::vector<double> reals_;
};

std::vector<std::string> ordered_columns(const Reader& trace, const std::string& group) {
  std::vector<std::string> names = trace.names(group);
  std::erase_if(names, [&](const std::string& name) { return trace.kind(group + "/" + name) == Reader::Kind::other; });
  const auto place = [](const std::string& name) { return std::find(order.begin(), order.end(), name) - order.begin(); };
  std::stable_sort(names.begin(), names.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
  return names;
}

void write_table(const Reader& trace, const std::string& group, const std::string& path) {
  const std::vector<std::string> names = ordered_columns(trace, group);
  std::vector<std::unique_ptr<CsvColumn>> columns;
  for (const std::string& name : names) columns.push_back(std::make_unique<CsvColumn>(trace, group + "/" + name));
  const std::size_t rows = columns.empty() ? 0 : columns.front()->rows();
  for (const auto& column : columns)
    if (column->rows() != rows)
      throw sim::InputError(fmt::format("{}: the columns of {} differ in length. Simulate it again.", trace.path(), group));
  OutputFile file(path);
  file.write(fmt::format("{}\n", fmt::join(names, ",")));
  fmt::memory_buffer text;
  for (std::size_t first = 0; first < rows; first += block) {
    const std::size_t count = std::min(block, rows - first);
    for (const auto& column : columns) column->load(first, count);
    text.clear();
    for (std::size_t row = first; row < first + count; ++row)
      for (std::size_t c = 0; c < columns.size(); ++c) {
        columns[c]->append(text, row);
        text.push_back(c + 1 < columns.size() ? ',' : '\n');
      }
    file.write({text.data(), text.size()});
  }
  file.finish();
}

void write_link_load(const Reader& trace, const std::string& path) {
  const std::size_t links = trace.rows("links/id");
  const std::vector<double> load = trace.numbers("links/load");
  const auto width = static_cast<std::int64_t>(trace.number_attribute("links/load", "bin_width_ps"));
  OutputFile file(path);
  std::string text = "time_ps,link,bytes\n";
  for (std::size_t i = 0; links > 0 && i < load.size(); ++i) {
    if (load[i] > 0) text += fmt::format("{},{},{}\n", static_cast<std::int64_t>(i / links) * width, i % links, load[i]);
    if (text.size() > 1 << 20) file.write(text), text.clear();
  }
  file.write(text);
  file.finish();
}

// Time bins in which something waited or stood still.
void write_queues(const Reader& trace, const std::string& path) {
  const QueueTable table = read_queues(trace);
  const std::size_t queues = table.queues.size();
  OutputFile file(path);
  std::string text = "time_ps,src,dst,mean_bytes,max_bytes,paused_ps,marks,drops\n";
  for (std::size_t i = 0; i < table.max_bytes.size(); ++i) {
    const QueueRow& queue = table.queues[i % queues];
    if (table.max_bytes[i] > 0 || table.paused_ps[i] > 0 || table.drops[i] > 0)
      text += fmt::format("{},{},{},{},{},{},{},{}\n", static_cast<std::int64_t>(i / queues) * table.bin_width.ps(), queue.source,
                          queue.destination, table.mean_bytes[i], table.max_bytes[i], table.paused_ps[i], table.marks[i], table.drops[i]);
    if (text.size() > 1 << 20) file.write(text), text.clear();
  }
  file.write(text);
  file.finish();
}

}  // namespace

std::vector<std::string> write_csv_tables(const std::string& path, const std::string& folder) {
  const Reader trace = open_trace(path);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw sim::MachineError(fmt::format("{}: no such folder can be made ({}).", folder, error.message()));
  std::vector<std::string> written;
  const auto file = [&](const std::string& name) { return written.emplace_back((std::filesystem::path(folder) / name).string()); };
  for (const char* group : {"ops", "flows", "memory", "ranks", "links", "rates"})
    if (trace.has(group)) write_table(trace, group, file(fmt::format("{}.csv", group)));
  if (trace.has("links")) write_link_load(trace, file("link_load.csv"));
  if (trace.has("queues")) write_queues(trace, file("queues.csv"));
  if (trace.has("summary")) write_whole_file(file("summary.json"), trace.texts("summary").at(0) + "\n");
  return written;
}

}  // namespace workloads

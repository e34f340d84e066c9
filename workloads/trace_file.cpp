#include "workloads/trace_file.hpp"
#include <ctime>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <fmt/format.h>
#include "sim/error.hpp"
#include "workloads/hdf5.hpp"
#include "workloads/packet_tables.hpp"
#include "workloads/whole_file.hpp"

namespace workloads {
namespace {

using hdf5::Column;
using Clock = std::chrono::steady_clock;
constexpr auto flush_interval = std::chrono::seconds(2);
constexpr std::size_t batch_rows = 16384;  // about 1.5 MB

const std::vector<std::string> stream_labels(sim::stream_names.begin(), sim::stream_names.end());
const std::vector<std::string> kind_labels(sim::op_kind_names.begin(), sim::op_kind_names.end());

// Names become numbers; they must outlive this. An attribute of the earliest file format holds 64 KB, which is 4,096 strings:
// names past that share the label "(other)".
class Labels {
 public:
  static constexpr std::size_t most = 4000;
  std::int32_t of(std::string_view name) {
    if (const auto known = numbers_.find(name); known != numbers_.end()) return known->second;
    if (texts_.size() == most) texts_.push_back("(other)");
    if (texts_.size() > most) return static_cast<std::int32_t>(most);
    texts_.emplace_back(name);
    return numbers_[name] = static_cast<std::int32_t>(texts_.size()) - 1;
  }
  // Writes them if there are new ones.
  void write(hid_t dataset) {
    if (texts_.size() == written_) return;
    hdf5::set_attribute(dataset, "labels", texts_);
    written_ = texts_.size();
  }

 private:
  std::unordered_map<std::string_view, std::int32_t> numbers_;
  std::vector<std::string> texts_;
  std::size_t written_ = 0;
};

struct OpColumns {
  explicit OpColumns(hdf5::Handle group) : group_(std::move(group)) {
    hdf5::set_attribute(stream.id(), "labels", stream_labels);
    hdf5::set_attribute(kind.id(), "labels", kind_labels);
  }
  void push(const sim::OpRecord& op) {
    job.push(static_cast<std::int32_t>(op.job));
    rank.push(static_cast<std::int32_t>(op.rank));
    stream.push(static_cast<std::uint8_t>(op.stream));
    kind.push(static_cast<std::uint8_t>(op.kind));
    name.push(names.of(op.name));
    layer.push(op.layer);
    micro_batch.push(op.micro_batch);
    chunk.push(op.chunk);
    start_ps.push(op.start.ps());
    end_ps.push(op.end.ps());
    bytes.push(op.bytes.count());
    flops.push(op.flops);
  }
  void append() {
    for (auto* column : {&job, &rank, &name, &layer, &micro_batch, &chunk}) column->append();
    for (auto* column : {&stream, &kind}) column->append();
    for (auto* column : {&start_ps, &end_ps, &bytes}) column->append();
    flops.append();
    names.write(name.id());
  }

 private:
  hdf5::Handle group_;
  hid_t g_ = group_.id();
  Labels names;
  Column<std::int32_t> job{g_, "job", "1"}, rank{g_, "rank", "1"};
  Column<std::uint8_t> stream{g_, "stream", "1"}, kind{g_, "kind", "1"};
  Column<std::int32_t> name{g_, "name", "1"}, layer{g_, "layer", "1"}, micro_batch{g_, "micro_batch", "1"}, chunk{g_, "chunk", "1"};
  Column<std::int64_t> start_ps{g_, "start_ps", "ps"}, end_ps{g_, "end_ps", "ps"}, bytes{g_, "bytes", "byte"};
  Column<double> flops{g_, "flops", "1"};
};

struct FlowColumns {
  explicit FlowColumns(hdf5::Handle group) : group_(std::move(group)) {}
  void push(const sim::FlowRecord& flow) {
    id.push(count++);
    job.push(static_cast<std::int32_t>(flow.job));
    source.push(static_cast<std::int32_t>(flow.source));
    destination.push(static_cast<std::int32_t>(flow.destination));
    bytes.push(flow.bytes.count());
    start_ps.push(flow.start.ps());
    end_ps.push(flow.end.ps());
    cause.push(flow.cause);
  }
  void append() {
    for (auto* column : {&id, &bytes, &start_ps, &end_ps, &cause}) column->append();
    for (auto* column : {&job, &source, &destination}) column->append();
  }

 private:
  hdf5::Handle group_;
  hid_t g_ = group_.id();
  std::int64_t count = 0;
  Column<std::int64_t> id{g_, "id", "1"};
  Column<std::int32_t> job{g_, "job", "1"}, source{g_, "src", "1"}, destination{g_, "dst", "1"};
  Column<std::int64_t> bytes{g_, "bytes", "byte"}, start_ps{g_, "start_ps", "ps"}, end_ps{g_, "end_ps", "ps"}, cause{g_, "cause", "1"};
};

struct MemoryColumns {
  explicit MemoryColumns(hdf5::Handle group) : group_(std::move(group)) {}
  void push(const sim::MemoryRecord& sample) {
    job.push(static_cast<std::int32_t>(sample.job));
    rank.push(static_cast<std::int32_t>(sample.rank));
    time_ps.push(sample.time.ps());
    bytes.push(sample.bytes.count());
  }
  void append() {
    job.append();
    rank.append();
    time_ps.append();
    bytes.append();
  }

 private:
  hdf5::Handle group_;
  hid_t g_ = group_.id();
  Column<std::int32_t> job{g_, "job", "1"}, rank{g_, "rank", "1"};
  Column<std::int64_t> time_ps{g_, "time_ps", "ps"}, bytes{g_, "bytes", "byte"};
};

template <class T, class Rows, class Member>
void write_column(hid_t group, const std::string& name, std::string_view units, const Rows& rows, Member value) {
  Column<T> column(group, name, units);
  for (const auto& row : rows) column.push(value(row));
  column.append();
}

hdf5::Handle create_partial(const std::string& path, const std::string& partial) {
  const auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty() && !std::filesystem::is_directory(folder))
    throw sim::MachineError(fmt::format("{}: cannot be written (there is no folder '{}'). Make it first.", path, folder.string()));
  if (std::filesystem::is_directory(path)) throw sim::MachineError(fmt::format("{}: cannot be written (it is a folder).", path));
  return hdf5::create_file(partial);
}

}  // namespace

struct TraceFile::Tables {
  explicit Tables(hdf5::Handle created) : file(std::move(created)) {}
  void flush(const std::string& partial) {
    ops.append();
    flows.append();
    memory.append();
    hdf5::checked(H5Fflush(file.id(), H5F_SCOPE_GLOBAL), partial);
    flushed = Clock::now();
  }
  // The order is that of closing: columns before the file.
  hdf5::Handle file;
  OpColumns ops{hdf5::create_group(file.id(), "ops")};
  FlowColumns flows{hdf5::create_group(file.id(), "flows")};
  MemoryColumns memory{hdf5::create_group(file.id(), "memory")};
  Clock::time_point flushed = Clock::now();
};

namespace {

// HDF5 may be built without locks of its own: one thread of this program at a time is inside.
std::mutex& hdf5_lock() {
  static std::mutex lock;
  return lock;
}

// Rows on their way to the writer, by table; a table's order is that of recording.
struct Batch {
  std::vector<sim::OpRecord> ops;
  std::vector<sim::FlowRecord> flows;
  std::vector<sim::MemoryRecord> memory;
  std::size_t rows() const { return ops.size() + flows.size() + memory.size(); }
  void clear() { ops.clear(), flows.clear(), memory.clear(); }
};

}  // namespace

// The recorder fills one batch while the thread writes the other; who is faster waits.
struct TraceFile::Writer {
  Writer(std::unique_ptr<Tables> opened, std::string name)
      : tables(std::move(opened)), partial(std::move(name)), thread([this] { work(); }) {}
  ~Writer() {
    {
      const std::lock_guard lock(mutex);
      ending = true;
    }
    changed.notify_all();
    thread.join();
    const std::lock_guard inside(hdf5_lock());
    tables.reset();
  }

  void hand_over() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return !full; });
    if (failed) std::rethrow_exception(failed);
    std::swap(filling, writing);
    full = true;
    lock.unlock();
    changed.notify_all();
  }
  // Until all that was recorded is in the file's columns. The thread then rests, and HDF5 may be used from here.
  void drain() {
    hand_over();
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return !full; });
    if (failed) std::rethrow_exception(failed);
  }

  std::unique_ptr<Tables> tables;
  Batch filling;

 private:
  void work() {
    for (std::unique_lock lock(mutex);;) {
      changed.wait(lock, [&] { return full || ending; });
      if (full && !failed) {
        lock.unlock();
        std::exception_ptr problem;
        try {
          write();
        } catch (...) {
          problem = std::current_exception();
        }
        lock.lock();
        failed = problem;
      }
      if (full) writing.clear();
      full = false;
      changed.notify_all();
      if (ending) return;
    }
  }
  void write() {
    const std::lock_guard inside(hdf5_lock());
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // of this thread
    for (const auto& op : writing.ops) tables->ops.push(op);
    for (const auto& flow : writing.flows) tables->flows.push(flow);
    for (const auto& sample : writing.memory) tables->memory.push(sample);
    if (Clock::now() - tables->flushed >= flush_interval) tables->flush(partial);
  }

  std::string partial;
  Batch writing;
  std::mutex mutex;
  std::condition_variable changed;
  bool full = false, ending = false;
  std::exception_ptr failed;
  std::thread thread;  // last: it uses the others
};

// Flushed at once: from here on the partial file opens, whatever happens.
TraceFile::TraceFile(std::string path, const TraceHeader& header) : path_(std::move(path)), partial_(path_ + ".partial") {
  const std::lock_guard inside(hdf5_lock());
  const hdf5::Uncompressed plain(!header.compressed);
  auto tables = std::make_unique<Tables>(create_partial(path_, partial_));
  const hid_t root = tables->file.id();
  hdf5::set_attribute(root, "schema", "weftsim/1");
  hdf5::set_attribute(root, "weftsim_version", header.weftsim_version);
  hdf5::set_attribute(root, "scenario_yaml", header.scenario_yaml);
  hdf5::set_attribute(root, "seed", header.seed);
  hdf5::set_attribute(root, "network", header.network);
  hdf5::set_attribute(root, "complete", std::uint8_t{0});
  tables->flush(partial_);
  writer_ = std::make_unique<Writer>(std::move(tables), partial_);
}

TraceFile::~TraceFile() {
  if (!writer_) return;
  try {
    writer_->drain();
    const std::lock_guard inside(hdf5_lock());
    writer_->tables->flush(partial_);
  } catch (const sim::MachineError&) {
    // The disk is full, and who wrote last has already been told.
  }
}

std::int64_t TraceFile::record(const sim::OpRecord& op) {
  writer_->filling.ops.push_back(op);
  hand_over_if_due();
  return op_rows_++;
}

void TraceFile::record(const sim::FlowRecord& flow) {
  writer_->filling.flows.push_back(flow);
  hand_over_if_due();
}

void TraceFile::record(const sim::MemoryRecord& sample) {
  writer_->filling.memory.push_back(sample);
  hand_over_if_due();
}

void TraceFile::hand_over_if_due() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);  // some ms late, but a quarter of the time that Clock::now() takes
  const std::int64_t now_ms = now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
  if (writer_->filling.rows() < batch_rows && now_ms - handed_over_ms_ < 500) return;
  writer_->hand_over();
  handed_over_ms_ = now_ms;
}

void TraceFile::write_ranks(std::span<const RankRow> ranks) {
  writer_->drain();
  const std::lock_guard inside(hdf5_lock());
  const hdf5::Handle group = hdf5::create_group(writer_->tables->file.id(), "ranks");
  const auto column = [&](const char* name, std::int32_t RankRow::*field) {
    write_column<std::int32_t>(group.id(), name, "1", ranks, [field](const RankRow& row) { return row.*field; });
  };
  column("job", &RankRow::job);
  column("rank", &RankRow::rank);
  column("gpu", &RankRow::gpu);
  column("host", &RankRow::host);
  column("tp", &RankRow::tp);
  column("pp", &RankRow::pp);
  column("dp", &RankRow::dp);
  column("cp", &RankRow::cp);
  column("ep", &RankRow::ep);
}

void TraceFile::write_links(std::span<const LinkRow> links, const LinkLoad& load) {
  writer_->drain();
  const std::lock_guard inside(hdf5_lock());
  const hdf5::Handle group = hdf5::create_group(writer_->tables->file.id(), "links");
  const auto texts = [&](const char* name, std::string LinkRow::*field) {
    std::vector<std::string> all;
    for (const auto& link : links) all.push_back(link.*field);
    hdf5::write_texts(group.id(), name, all);
  };
  Column<std::int32_t> id(group.id(), "id", "1");
  for (std::size_t i = 0; i < links.size(); ++i) id.push(static_cast<std::int32_t>(i));
  id.append();
  texts("name", &LinkRow::name);
  texts("src", &LinkRow::source);
  texts("dst", &LinkRow::destination);
  Labels kinds;
  Column<std::int32_t> kind(group.id(), "kind", "1");
  for (const auto& link : links) kind.push(kinds.of(link.kind));
  kind.append();
  kinds.write(kind.id());
  write_column<double>(group.id(), "capacity_Bps", "byte s-1", links, [](const LinkRow& link) { return link.capacity_Bps; });
  const hdf5::Handle matrix = hdf5::write_matrix(group.id(), "load", load.bytes, links.size(), "byte");
  hdf5::set_attribute(matrix.id(), "bin_width_ps", load.bin_width.ps());
}

void TraceFile::write_packets(const QueueTable& queues, const RateTable& rates) {
  writer_->drain();
  const std::lock_guard inside(hdf5_lock());
  write_queues(writer_->tables->file.id(), queues);
  write_rates(writer_->tables->file.id(), rates);
}

// `complete` goes last into the file, and the name after it.
void TraceFile::finish(const std::string& summary_json) {
  writer_->drain();
  {
    const std::lock_guard inside(hdf5_lock());
    Tables& tables = *writer_->tables;
    hdf5::write_text(tables.file.id(), "summary", summary_json);
    tables.flush(partial_);
    hdf5::set_attribute(tables.file.id(), "complete", std::uint8_t{1});
    hdf5::Handle file = std::move(tables.file);
    writer_->tables.reset();
    file.close(partial_);
  }
  writer_.reset();
  rename_whole(partial_, path_);
}

}  // namespace workloads

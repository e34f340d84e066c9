#include "workloads/export/perfetto_trace.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>
#include "sim/error.hpp"
#include "workloads/export/output_file.hpp"
#include "workloads/export/protobuf.hpp"
#include "workloads/export/trace_input.hpp"

namespace workloads {
namespace {

using hdf5::Reader;

// Numbers of fields of Perfetto's protos/perfetto/trace: trace_packet.proto, track_event/*.proto, interned_data.proto.
namespace trace {
constexpr int packet = 1;
}
namespace packet {
constexpr int timestamp = 8, sequence = 10, track_event = 11, interned_data = 12, sequence_flags = 13, track_descriptor = 60;
}
namespace track {
constexpr int uuid = 1, process = 3, thread = 4, parent = 5, name = 2, counter = 8;
}
namespace process {
constexpr int pid = 1, name = 6;
}
namespace thread {
constexpr int pid = 1, tid = 2, name = 5;
}
namespace counter {
constexpr int unit = 3, unit_name = 6;
constexpr std::uint64_t size_bytes = 3;
}  // namespace counter
namespace event {
constexpr int category_iids = 3, debug_annotations = 4, type = 9, name_iid = 10, track = 11, counter_value = 30, double_counter_value = 44;
constexpr std::uint64_t begin = 1, end = 2, count = 4;
}  // namespace event
namespace annotation {
constexpr int name_iid = 1, integer = 4, real = 5;
}
namespace interned {
constexpr int categories = 1, names = 2, annotations = 3, iid = 1, text = 2;
}
constexpr std::uint64_t state_cleared = 1, needs_state = 2;

std::uint64_t nanoseconds(std::int64_t ps) { return ps <= 0 ? 0 : (static_cast<std::uint64_t>(ps) + 500) / 1000; }

// Packets of one sequence, buffered.
class Packets {
 public:
  explicit Packets(const std::string& path) : file_(path) {}
  void add(Protobuf& packet) {
    packet.number(packet::sequence, 1);
    Protobuf wrapped;
    buffer_ += wrapped.message(trace::packet, packet).bytes();
    if (buffer_.size() > 1 << 20) file_.write(std::exchange(buffer_, {}));
  }
  void describe(const Protobuf& track) {
    Protobuf packet;
    add(packet.message(packet::track_descriptor, track));
  }
  void event(std::int64_t ps, const Protobuf& event) {
    Protobuf packet;
    add(packet.number(packet::timestamp, nanoseconds(ps)).number(packet::sequence_flags, needs_state).message(packet::track_event, event));
  }
  void finish() {
    file_.write(buffer_);
    file_.finish();
  }

 private:
  OutputFile file_;
  std::string buffer_;
};

template <class T>
std::vector<T> whole(const Reader& file, const std::string& dataset) {
  return file.column<T>(dataset, 0, file.rows(dataset));
}

struct Ops {
  explicit Ops(const Reader& file) : count(file.rows("ops/start_ps")) {
    for (const auto& [values, of] : {std::pair{&job, "job"},
                                     {&rank, "rank"},
                                     {&stream, "stream"},
                                     {&kind, "kind"},
                                     {&name, "name"},
                                     {&layer, "layer"},
                                     {&micro_batch, "micro_batch"},
                                     {&chunk, "chunk"}})
      *values = file.column<std::int32_t>(fmt::format("ops/{}", of), 0, count);
    for (const auto& [values, of] : {std::pair{&start, "start_ps"}, {&end, "end_ps"}, {&bytes, "bytes"}})
      *values = file.column<std::int64_t>(fmt::format("ops/{}", of), 0, count);
    flops = file.column<double>("ops/flops", 0, count);
  }
  std::size_t count;
  std::vector<std::int32_t> job, rank, stream, kind, name, layer, micro_batch, chunk;
  std::vector<std::int64_t> start, end, bytes;
  std::vector<double> flops;
};

enum Annotation : std::uint64_t { of_layer = 1, of_micro_batch, of_chunk, of_bytes, of_flops };

class Export {
 public:
  Export(const Reader& file, const std::string& path) : file_(file), packets_(path) {}

  PerfettoCounts write(std::size_t most_links) {
    intern();
    write_ops();
    write_memory();
    if (file_.has("links")) write_links(most_links);
    packets_.finish();
    return counts_;
  }

 private:
  using RankId = std::pair<std::int32_t, std::int32_t>;  // job, rank
  struct Lane {
    std::uint64_t track = 0;
    std::vector<std::int64_t> open;  // ends of the slices that contain what comes next
  };

  void intern() {
    Protobuf data;
    const auto table = [&](int field, const std::vector<std::string>& texts) {
      for (std::size_t i = 0; i < texts.size(); ++i) {
        Protobuf entry;
        data.message(field, entry.number(interned::iid, i + 1).text(interned::text, texts[i]));
      }
      return static_cast<std::int32_t>(texts.size());
    };
    kinds_ = table(interned::categories, labels("ops/kind"));
    names_ = table(interned::names, labels("ops/name"));
    table(interned::annotations, {"layer", "micro_batch", "chunk", "bytes", "flops"});
    Protobuf packet;
    packets_.add(packet.number(packet::sequence_flags, state_cleared).message(packet::interned_data, data));
  }
  // A partial file that was stopped early has no names yet.
  std::vector<std::string> labels(const std::string& dataset) const {
    return file_.has_attribute(dataset, "labels") ? file_.texts_attribute(dataset, "labels") : std::vector<std::string>{};
  }

  // The process of a rank is described when the rank is met first.
  std::uint64_t process_of(RankId id) {
    const auto [at, is_new] = pid_of_.try_emplace(id, pid_of_.size() + 2);  // 1 is the network
    if (is_new)
      describe_process(at->second, id.first == 0 ? fmt::format("rank {}", id.second) : fmt::format("job {} rank {}", id.first, id.second));
    return at->second;
  }
  void describe_process(std::uint64_t pid, const std::string& name) {
    Protobuf process, track;
    process.number(process::pid, pid).text(process::name, name);
    packets_.describe(track.number(track::uuid, pid).message(track::process, process));
  }
  // Uuids of processes are their pids; all other tracks count from here, above any number of ranks.
  std::uint64_t next_track() { return (1ull << 32) + tracks_++; }
  std::uint64_t describe_thread(std::uint64_t pid, const std::string& name) {
    const std::uint64_t uuid = next_track();
    Protobuf thread, track;
    thread.number(thread::pid, pid).number(thread::tid, (1u << 24) + tracks_).text(thread::name, name);
    packets_.describe(track.number(track::uuid, uuid).number(track::parent, pid).message(track::thread, thread));
    return uuid;
  }
  std::uint64_t describe_counter(std::uint64_t pid, const std::string& name, const Protobuf& unit) {
    const std::uint64_t uuid = next_track();
    Protobuf track;
    packets_.describe(track.number(track::uuid, uuid).number(track::parent, pid).text(track::name, name).message(track::counter, unit));
    return uuid;
  }

  void write_ops() {
    const Ops ops(file_);
    const std::vector<std::string> streams = labels("ops/stream");
    for (std::size_t i = 0; i < ops.count; ++i) check(ops, i, static_cast<std::int32_t>(streams.size()));
    std::vector<std::size_t> order(ops.count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto track = [&](std::size_t i) { return std::tuple(ops.job[i], ops.rank[i], ops.stream[i]); };
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      const auto key = [&](std::size_t i) {
        return std::tuple(track(i), ops.start[i], std::numeric_limits<std::int64_t>::max() - ops.end[i], i);
      };
      return key(a) < key(b);
    });
    std::vector<Lane> lanes;
    for (std::size_t n = 0; n < order.size(); ++n) {
      const std::size_t i = order[n];
      if (n == 0 || track(i) != track(order[n - 1])) close_all(lanes);
      begin(ops, i, lane_of(ops, i, lanes, streams[static_cast<std::size_t>(ops.stream[i])]));
    }
    close_all(lanes);
    counts_.slices = ops.count;
    counts_.ranks = pid_of_.size();
  }
  void check(const Ops& ops, std::size_t i, std::int32_t streams) const {
    const auto within = [](std::int32_t code, std::int32_t known) { return code >= 0 && code < known; };
    if (!within(ops.stream[i], streams) || !within(ops.kind[i], kinds_) || !within(ops.name[i], names_) || ops.start[i] < 0 ||
        ops.end[i] < ops.start[i])
      throw sim::InputError(fmt::format("{}: row {} of ops has a label or a time that cannot be. Simulate it again.", file_.path(), i));
  }

  // Slices of a track must nest. One that begins in another and ends after it goes to the next lane, a thread of its own.
  Lane& lane_of(const Ops& ops, std::size_t i, std::vector<Lane>& lanes, const std::string& stream) {
    for (Lane& lane : lanes) {
      while (!lane.open.empty() && lane.open.back() <= ops.start[i]) close(lane);
      if (lane.open.empty() || ops.end[i] <= lane.open.back()) return lane;
    }
    const std::uint64_t pid = process_of({ops.job[i], ops.rank[i]});
    lanes.push_back({describe_thread(pid, lanes.empty() ? stream : fmt::format("{} {}", stream, lanes.size() + 1)), {}});
    return lanes.back();
  }
  void begin(const Ops& ops, std::size_t i, Lane& lane) {
    lane.open.push_back(ops.end[i]);
    Protobuf slice;
    slice.number(event::type, event::begin).number(event::track, lane.track);
    slice.number(event::category_iids, static_cast<std::uint64_t>(ops.kind[i]) + 1)
        .number(event::name_iid, static_cast<std::uint64_t>(ops.name[i]) + 1);
    const auto note = [&](Annotation name, std::int64_t value) {
      Protobuf entry;
      slice.message(event::debug_annotations,
                    entry.number(annotation::name_iid, name).number(annotation::integer, static_cast<std::uint64_t>(value)));
    };
    if (ops.layer[i] >= 0) note(of_layer, ops.layer[i]);
    if (ops.micro_batch[i] >= 0) note(of_micro_batch, ops.micro_batch[i]);
    if (ops.chunk[i] >= 0) note(of_chunk, ops.chunk[i]);
    if (ops.bytes[i] > 0) note(of_bytes, ops.bytes[i]);
    if (ops.flops[i] > 0) {
      Protobuf entry;
      slice.message(event::debug_annotations, entry.number(annotation::name_iid, of_flops).real(annotation::real, ops.flops[i]));
    }
    packets_.event(ops.start[i], slice);
  }
  void close(Lane& lane) {
    Protobuf slice;
    packets_.event(lane.open.back(), slice.number(event::type, event::end).number(event::track, lane.track));
    lane.open.pop_back();
  }
  void close_all(std::vector<Lane>& lanes) {
    for (Lane& lane : lanes)
      while (!lane.open.empty()) close(lane);
    lanes.clear();
  }

  void write_memory() {
    const std::size_t rows = file_.rows("memory/time_ps");
    const auto job = file_.column<std::int32_t>("memory/job", 0, rows), rank = file_.column<std::int32_t>("memory/rank", 0, rows);
    const auto time = file_.column<std::int64_t>("memory/time_ps", 0, rows), bytes = file_.column<std::int64_t>("memory/bytes", 0, rows);
    std::map<RankId, std::uint64_t> tracks;
    for (std::size_t i = 0; i < rows; ++i) {
      const auto [at, is_new] = tracks.try_emplace({job[i], rank[i]});
      Protobuf unit, value;
      if (is_new) at->second = describe_counter(process_of(at->first), "memory", unit.number(counter::unit, counter::size_bytes));
      value.number(event::type, event::count)
          .number(event::track, at->second)
          .number(event::counter_value, static_cast<std::uint64_t>(bytes[i]));
      packets_.event(time[i], value);
    }
  }

  void write_links(std::size_t most) {
    const std::vector<std::string> names = file_.texts("links/name");
    const std::vector<double> load = file_.numbers("links/load");
    const double width = file_.number_attribute("links/load", "bin_width_ps");
    const std::size_t links = names.size(), bins = links ? load.size() / links : 0;
    std::vector<double> sum(links);
    for (std::size_t i = 0; i < bins * links; ++i) sum[i % links] += load[i];
    std::vector<std::size_t> shown;
    for (std::size_t link = 0; link < links; ++link)
      if (sum[link] > 0) shown.push_back(link);
    counts_.links_used = shown.size();
    std::stable_sort(shown.begin(), shown.end(), [&](std::size_t a, std::size_t b) { return sum[a] > sum[b]; });
    shown.resize(std::min(most, shown.size()));
    counts_.links_shown = shown.size();
    if (!shown.empty()) describe_process(1, "network");
    for (const std::size_t link : shown) {
      Protobuf unit;
      const std::uint64_t track = describe_counter(1, names[link], unit.text(counter::unit_name, "GB/s"));
      double before = -1;
      for (std::size_t bin = 0; bin <= bins; ++bin) {
        const double rate = bin == bins ? 0 : load[bin * links + link] / (width * 1e-3);  // bytes/ns = GB/s
        if (rate == std::exchange(before, rate)) continue;
        Protobuf value;
        value.number(event::type, event::count).number(event::track, track).real(event::double_counter_value, rate);
        packets_.event(static_cast<std::int64_t>(static_cast<double>(bin) * width), value);
      }
    }
  }

  const Reader& file_;
  Packets packets_;
  PerfettoCounts counts_;
  std::int32_t kinds_ = 0, names_ = 0;
  std::uint64_t tracks_ = 0;
  std::map<RankId, std::uint64_t> pid_of_;
};

}  // namespace

PerfettoCounts write_perfetto_trace(const std::string& trace, const std::string& path, std::size_t most_links) {
  const Reader file = open_trace(trace);
  return Export(file, path).write(most_links);
}

}  // namespace workloads

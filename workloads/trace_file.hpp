#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>
#include "sim/trace_sink.hpp"
#include "workloads/trace_rows.hpp"  // RankRow, LinkRow, LinkLoad

namespace workloads {

struct TraceHeader {  // root attributes
  std::string weftsim_version, scenario_yaml, network;
  std::uint64_t seed = 0;
  bool compressed = true;  // rows; quicker and many times as large without
};

// The trace of a run as an HDF5 file (docs/trace.md). Written to PATH.partial, flushed every two
// seconds, renamed to PATH by `finish`: a run that is killed leaves a partial file that opens, and
// never a finished-looking one. Used by one thread; another one of its own compresses and writes, at
// most two batches behind. A write that fails (disk full) throws sim::MachineError from a later call,
// `finish` at the latest, and the file is then only good for being destroyed.
class TraceFile final : public sim::TraceSink {
 public:
  TraceFile(std::string path, const TraceHeader& header);
  ~TraceFile() override;  // without `finish`: leaves PATH.partial with complete = 0

  std::int64_t record(const sim::OpRecord& op) override;
  void record(const sim::FlowRecord& flow) override;
  void record(const sim::MemoryRecord& sample) override;

  void write_ranks(std::span<const RankRow> ranks);                        // once
  void write_links(std::span<const LinkRow> links, const LinkLoad& load);  // once
  void write_packets(const QueueTable& queues, const RateTable& rates);    // once, of a packet network
  void finish(const std::string& summary_json);                            // last; PATH is there after it

 private:
  struct Tables;
  struct Writer;
  void hand_over_if_due();

  std::string path_, partial_;
  std::int64_t op_rows_ = 0;
  std::int64_t handed_over_ms_ = 0;  // of the coarse monotonic clock
  std::unique_ptr<Writer> writer_;
};

}  // namespace workloads

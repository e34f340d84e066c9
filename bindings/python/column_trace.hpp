#pragma once
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>
#include "sim/trace_sink.hpp"
#include "workloads/trace_rows.hpp"

namespace python {

// Gives equal strings equal numbers, in order of first appearance; keeps its own copies.
class Labels {
 public:
  std::int32_t number_of(std::string_view label);
  const std::vector<std::string>& all() const { return all_; }

 private:
  std::map<std::string, std::int32_t, std::less<>> numbers_;
  std::vector<std::string> all_;
};

// Keeps the trace of a run in memory, a vector a column (as the tables of the HDF5 file). Entry i
// of all vectors of a table is its row i. Not to be written to while Python looks at it: vectors move.
class ColumnTrace final : public sim::TraceSink {
 public:
  struct Ops {
    std::vector<std::int32_t> job, rank;
    std::vector<std::uint8_t> stream, kind;               // index into sim::stream_names, sim::op_kind_names
    std::vector<std::int32_t> name;                       // index into names()
    std::vector<std::int32_t> layer, micro_batch, chunk;  // -1: none
    std::vector<std::int64_t> start_ps, end_ps, bytes;
    std::vector<double> flops;
  };
  struct Flows {
    std::vector<std::int32_t> job, src, dst;  // ranks of the job
    std::vector<std::int64_t> bytes, start_ps, end_ps;
    std::vector<std::int64_t> cause;  // row of the operation; -1: none
  };
  struct Memory {
    std::vector<std::int32_t> job, rank;
    std::vector<std::int64_t> time_ps, bytes;
  };

  std::int64_t record(const sim::OpRecord& op) override;
  void record(const sim::FlowRecord& flow) override;
  void record(const sim::MemoryRecord& sample) override;

  const Ops& ops() const { return ops_; }
  const Flows& flows() const { return flows_; }
  const Memory& memory() const { return memory_; }
  const std::vector<std::string>& names() const { return names_.all(); }

 private:
  Ops ops_;
  Flows flows_;
  Memory memory_;
  Labels names_;
};

// All that a run leaves behind it beside its summary.
struct RunTrace {
  ColumnTrace columns;
  std::vector<workloads::RankRow> ranks;
  std::vector<workloads::LinkRow> links;
  workloads::LinkLoad load;
  workloads::QueueTable queues;  // of a packet network, as the next
  workloads::RateTable rates;
};

}  // namespace python

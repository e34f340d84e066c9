#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include "sim/units.hpp"

// Where a run leaves its trace. An interface, so that sim/ and the executor know no file format.
namespace sim {

enum class OpKind : std::uint8_t {
  forward,
  backward,
  recompute,
  kernel,
  tp_collective,
  cp_collective,
  ep_collective,
  dp_collective,
  pp_send,
  pp_recv,
  optimizer
};

inline constexpr std::array<std::string_view, 11> op_kind_names = {"forward",       "backward",      "recompute",     "kernel",
                                                                   "tp_collective", "cp_collective", "ep_collective", "dp_collective",
                                                                   "pp_send",       "pp_recv",       "optimizer"};

enum class Stream : std::uint8_t { compute, tensor, pipeline, data };
inline constexpr std::array<std::string_view, 4> stream_names = {"compute", "tensor", "pipeline", "data"};

struct OpRecord {
  std::uint32_t job = 0;
  std::uint32_t rank = 0;
  Stream stream = Stream::compute;
  OpKind kind = OpKind::kernel;
  std::string_view name;    // must live as long as the sink: names are interned by their address or text
  std::int32_t layer = -1;  // -1: not of one layer
  std::int32_t micro_batch = -1;
  std::int32_t chunk = -1;  // virtual stage
  Time start, end;
  Bytes bytes;
  double flops = 0;
};

struct FlowRecord {
  std::uint32_t source = 0;  // ranks
  std::uint32_t destination = 0;
  Bytes bytes;
  Time start, end;
  std::int64_t cause = -1;  // row of the operation whose output it carries; -1: none
  std::uint32_t job = 0;
};

struct MemoryRecord {
  std::uint32_t rank = 0;
  Time time;
  Bytes bytes;
  std::uint32_t job = 0;
};

class TraceSink {
 public:
  virtual ~TraceSink() = default;
  virtual std::int64_t record(const OpRecord& op) = 0;  // returns its row
  virtual void record(const FlowRecord& flow) = 0;
  virtual void record(const MemoryRecord& sample) = 0;
};

}  // namespace sim

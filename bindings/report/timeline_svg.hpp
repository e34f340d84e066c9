#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include "sim/trace_sink.hpp"

// The picture of one step: a row for each pipeline stage, a box for each pass of a micro-batch.
namespace report {

struct TimelineBox {
  std::uint32_t rank = 0;
  sim::OpKind kind = sim::OpKind::forward;
  std::int32_t micro_batch = -1, chunk = -1;
  sim::Time start, end;
};

// Keeps what the picture shows of the wanted ranks of the first job: passes, optimizer, data-parallel
// collectives. Hands everything on to `next`, which may be null.
class TimelineRecorder final : public sim::TraceSink {
 public:
  TimelineRecorder(std::vector<std::uint32_t> ranks, sim::TraceSink* next);
  std::int64_t record(const sim::OpRecord& op) override;
  void record(const sim::FlowRecord& flow) override;
  void record(const sim::MemoryRecord& sample) override;

  const std::vector<std::uint32_t>& ranks() const { return ranks_; }
  const std::vector<TimelineBox>& boxes() const { return boxes_; }

 private:
  std::vector<std::uint32_t> ranks_;
  sim::TraceSink* next_;
  std::vector<TimelineBox> boxes_;
  std::int64_t rows_ = 0;
};

struct TimelineSpec {
  std::string title;                 // any text
  std::vector<std::uint32_t> ranks;  // a row each, from the top
  sim::Time from, to;                // what is shown: one step
  double bubble_share = 0;           // for the title
};

// At most some 20,000 boxes: neighbours of one kind that are too narrow to be told apart become one.
std::string timeline_svg(std::span<const TimelineBox> boxes, const TimelineSpec& spec);

}  // namespace report

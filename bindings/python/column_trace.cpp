#include "bindings/python/column_trace.hpp"

namespace python {

std::int32_t Labels::number_of(std::string_view label) {
  const auto known = numbers_.find(label);
  if (known != numbers_.end()) return known->second;
  const auto number = static_cast<std::int32_t>(all_.size());
  all_.emplace_back(label);
  numbers_.emplace(label, number);
  return number;
}

std::int64_t ColumnTrace::record(const sim::OpRecord& op) {
  const auto row = static_cast<std::int64_t>(ops_.rank.size());
  ops_.job.push_back(static_cast<std::int32_t>(op.job));
  ops_.rank.push_back(static_cast<std::int32_t>(op.rank));
  ops_.stream.push_back(static_cast<std::uint8_t>(op.stream));
  ops_.kind.push_back(static_cast<std::uint8_t>(op.kind));
  ops_.name.push_back(names_.number_of(op.name));
  ops_.layer.push_back(op.layer);
  ops_.micro_batch.push_back(op.micro_batch);
  ops_.chunk.push_back(op.chunk);
  ops_.start_ps.push_back(op.start.ps());
  ops_.end_ps.push_back(op.end.ps());
  ops_.bytes.push_back(op.bytes.count());
  ops_.flops.push_back(op.flops);
  return row;
}

void ColumnTrace::record(const sim::FlowRecord& flow) {
  flows_.job.push_back(static_cast<std::int32_t>(flow.job));
  flows_.src.push_back(static_cast<std::int32_t>(flow.source));
  flows_.dst.push_back(static_cast<std::int32_t>(flow.destination));
  flows_.bytes.push_back(flow.bytes.count());
  flows_.start_ps.push_back(flow.start.ps());
  flows_.end_ps.push_back(flow.end.ps());
  flows_.cause.push_back(flow.cause);
}

void ColumnTrace::record(const sim::MemoryRecord& sample) {
  memory_.job.push_back(static_cast<std::int32_t>(sample.job));
  memory_.rank.push_back(static_cast<std::int32_t>(sample.rank));
  memory_.time_ps.push_back(sample.time.ps());
  memory_.bytes.push_back(sample.bytes.count());
}

}  // namespace python

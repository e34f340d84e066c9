#include "workloads/plan.hpp"
#include <algorithm>
#include <utility>

namespace workloads {

// lead of op i in its segment: max over j >= i of (host time to issue i..j) - (device time of i..j-1),
// so that device work is never late when the host is that much ahead of the device.
Block make_block(Ops ops) {
  Block block{.ops = std::move(ops)};
  block.lead.resize(block.ops.size());
  std::uint32_t first = 0;
  const auto end_segment = [&](std::uint32_t last) {
    Segment segment{first, last, {}, {}};
    sim::Time lead = sim::Time::picoseconds(std::numeric_limits<std::int64_t>::min() / 4);
    for (std::uint32_t i = last; i-- > first;) {
      const Op& op = block.ops[i];
      lead = std::max(op.host, op.host + lead - op.device);
      block.lead[i] = lead;
      segment.device += op.device;
      segment.host += op.host;
      block.device_by_class[static_cast<std::size_t>(op.op_class)] += op.device;
    }
    block.segments.push_back(segment);
    first = last + 1;
  };
  for (const Op& op : block.ops) {
    block.collective_bytes += op.bytes;
    block.flops += op.flops;
  }
  for (std::uint32_t i = 0; i < block.ops.size(); ++i)
    if (block.ops[i].op_class == OpClass::collective) end_segment(i);
  end_segment(static_cast<std::uint32_t>(block.ops.size()));
  return block;
}

}  // namespace workloads

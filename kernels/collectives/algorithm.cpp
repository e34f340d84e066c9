#include "kernels/collectives/algorithm.hpp"
#include <fmt/format.h>
#include <algorithm>
#include "kernels/collectives/algorithms/algorithms.hpp"
#include "sim/error.hpp"
#include "sim/words.hpp"

namespace kernels::collectives {
namespace {

using enum CollectiveOp;
constexpr std::size_t most_steps = std::size_t{1} << 23;  // 400 MB

// Every algorithm that can be named.
const std::vector<Algorithm>& table() {
  static const std::vector<Algorithm> all = {
      {"ring", ring, {all_reduce, all_gather, reduce_scatter, broadcast, reduce}, Hosts::any, Channels::asked},
      {"tree", tree, {all_reduce}, Hosts::any, Channels::asked},
      {"collnet_direct", collnet_direct, {all_reduce}},
      {"collnet_chain", collnet_chain, {all_reduce}},
      {"nvls", nvls, {all_reduce, all_gather, reduce_scatter}, Hosts::one},
      {"nvls_tree", nvls_tree, {all_reduce}},
      {"pat", pat, {all_gather, reduce_scatter}, Hosts::any, Channels::asked},
      {"direct", direct, {all_reduce, all_gather, reduce_scatter, broadcast, reduce, all_to_all, send_receive, gather, scatter}},
      {"pxn", pxn, {all_to_all}},
      {"hierarchical", hierarchical, {all_reduce, all_gather, reduce_scatter}, Hosts::equal},
      {"halving_doubling", halving_doubling, {all_reduce}},
  };
  return all;
}

bool one_buffer_a_rank(CollectiveOp op) { return op == all_to_all || op == send_receive; }

}  // namespace

// The boundary i * count / parts without its product.
Range part_of(Range whole, std::int64_t parts, std::int64_t i) {
  const auto boundary = [&](std::int64_t k) { return k * (whole.count / parts) + k * (whole.count % parts) / parts; };
  return {whole.offset + boundary(i), boundary(i + 1) - boundary(i)};
}

std::optional<CollectiveOp> op_named(std::string_view name) {
  const auto found = std::find_if(every_op.begin(), every_op.end(), [&](CollectiveOp op) { return name_of(op) == name; });
  return found == every_op.end() ? std::nullopt : std::optional(*found);
}

std::vector<std::string> op_names() {
  std::vector<std::string> names;
  for (const CollectiveOp op : every_op) names.emplace_back(name_of(op));
  return names;
}

bool reduces(CollectiveOp op) { return op == all_reduce || op == reduce_scatter || op == reduce; }

Layout::Layout(const Request& request) : request_(request) {
  elements_ = one_buffer_a_rank(request.op) ? request.count * request.ranks : request.count;
  if (request.op != all_to_all || request.counts.empty()) return;
  offsets_ = {0};
  for (const std::int64_t count : request.counts) offsets_.push_back(offsets_.back() + count);
  elements_ = offsets_.back();
}

Range Layout::at_start(int rank) const {
  switch (request_.op) {
    case all_reduce:
    case reduce_scatter:
    case reduce:
      return whole();
    case broadcast:
    case scatter:
      return rank == request_.root ? whole() : Range{};
    case all_to_all: {
      const std::int64_t begin = block(rank, 0).offset;
      return {begin, block(rank, request_.ranks - 1).end() - begin};
    }
    case all_gather:
    case gather:
    case send_receive:
      break;
  }
  return own(rank);
}

std::vector<Range> Layout::at_end(int rank) const {
  switch (request_.op) {
    case all_reduce:
    case all_gather:
    case broadcast:
      return {whole()};
    case reduce:
    case gather:
      return {rank == request_.root ? whole() : Range{}};
    case reduce_scatter:
    case scatter:
      return {own(rank)};
    case send_receive:
      return {own((rank + request_.ranks - 1) % request_.ranks)};
    case all_to_all:
      break;
  }
  std::vector<Range> blocks;
  for (int source = 0; source < request_.ranks; ++source) blocks.push_back(block(source, rank));
  return blocks;
}

Range Layout::block(int source, int destination) const {
  switch (request_.op) {
    case all_gather:
      return own(source);
    case broadcast:
      return source == request_.root ? whole() : Range{};
    case gather:
      return destination == request_.root ? own(source) : Range{};
    case scatter:
      return source == request_.root ? own(destination) : Range{};
    case send_receive:
      return destination == (source + 1) % request_.ranks ? own(source) : Range{};
    default:
      break;
  }
  if (offsets_.empty()) return part_of(own(source), request_.ranks, destination);
  const std::size_t at = static_cast<std::size_t>(source) * request_.ranks + destination;
  return {offsets_[at], request_.counts[at]};
}

void Schedule::add(const Step& step) {
  if (step.range.count == 0) return;
  if (steps.size() == most_steps)
    throw sim::InputError(
        fmt::format("collective: an algorithm of {} ranks step by step has more than {} steps. Use fewer ranks, channels or pieces.", ranks,
                    most_steps));
  steps.push_back(step);
}

int Schedule::add_switch(std::vector<int> below) {
  switches.push_back(std::move(below));
  return nodes() - 1;
}

std::span<const Algorithm> algorithms() { return table(); }

const Algorithm& algorithm_named(std::string_view name) {
  std::vector<std::string> known;
  for (const Algorithm& algorithm : table()) {
    if (algorithm.name == name) return algorithm;
    known.emplace_back(algorithm.name);
  }
  throw sim::InputError(
      fmt::format("collective: unknown algorithm '{}' (known: {}).{}", name, fmt::join(known, ", "), sim::did_you_mean(name, known)));
}

std::string why_not(const Algorithm& algorithm, const Request& request) {
  if (std::find(algorithm.ops.begin(), algorithm.ops.end(), request.op) == algorithm.ops.end())
    return fmt::format("'{}' is no algorithm for {}", algorithm.name, name_of(request.op));
  const HostMap hosts(request);
  if (algorithm.hosts == Hosts::one && hosts.hosts() > 1) return fmt::format("'{}' stays inside one scale-up domain", algorithm.name);
  if (algorithm.hosts == Hosts::equal && hosts.size(hosts.hosts() - 1) != hosts.size(0))
    return fmt::format("'{}' needs equally many ranks on every host", algorithm.name);
  return {};
}

Schedule make_schedule(const Algorithm& algorithm, const Request& request) {
  if (const std::string reason = why_not(algorithm, request); !reason.empty())
    throw sim::InputError(fmt::format("collective: {}. Choose another algorithm.", reason));
  Schedule schedule{.ranks = request.ranks, .elements = Layout(request).elements()};
  if (request.ranks > 1) algorithm.build(request, schedule);
  return schedule;
}

}  // namespace kernels::collectives

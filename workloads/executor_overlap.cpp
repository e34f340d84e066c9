#include <algorithm>
#include <cmath>
#include "workloads/executor.hpp"

// Collectives of the data-parallel stream, posted and waited for later. Kernels and collectives that run beside each other
// share multiprocessors and memory, so both take longer (Program::overlap).
namespace workloads {

void Executor::post_collective(std::uint32_t rank, const Step& step) {
  RankState& state = states_[rank];
  const std::uint32_t group = plan_.ranks[rank].groups[static_cast<std::size_t>(step.group)];
  if (group == nobody) return;
  auto& posted = state.posted_calls;
  if (posted.count++ == 0) {
    posted.first = state.calls[static_cast<std::size_t>(step.group)];
    posted.from = state.device;
    posted.busy_ps = busy_ps(rank);
  }
  join(group, rank, step.collective, step.bytes, std::max(state.host, state.device));
}

bool Executor::await(std::uint32_t rank) {
  RankState& state = states_[rank];
  auto& posted = state.posted_calls;
  if (posted.count == 0) return true;
  const std::uint32_t group = plan_.ranks[rank].groups[static_cast<std::size_t>(GroupRole::data)];
  GroupState& g = groups_[group];
  Call& last = g.calls[posted.first + posted.count - 1 - g.first];
  if (last.end == sim::never) {
    last.waiters.push_back(rank);
    state.posted = true;
    return false;
  }
  const sim::Time end = end_beside_kernels(rank, g);
  const bool waits = end > state.device;
  wait_until(rank, end, Category::dp_comm);
  if (path_ && waits) path_->follow(rank, path_->after(last.finish, rank, Category::dp_comm, end - last.end));
  for (std::uint32_t i = 0; i < posted.count; ++i) see(group, posted.first + i);
  posted.count = 0;
  return true;
}

// The rank ran ahead without knowing when its collectives would run. Where it waits for them it makes up for what its kernels
// lost, so what it sent to other stages in between left a little early. Returns the end of the last collective.
sim::Time Executor::end_beside_kernels(std::uint32_t rank, const GroupState& group) {
  RankState& state = states_[rank];
  const auto& posted = state.posted_calls;
  const Slowdown& overlap = plan_.programs[plan_.ranks[rank].program].overlap;
  const auto elapsed = static_cast<double>((state.device - posted.from).ps());
  const double busy = elapsed > 0 ? static_cast<double>(busy_ps(rank) - posted.busy_ps) / elapsed : 0;  // share of the time
  const double compute = 1 + busy * (overlap.compute - 1), collective = 1 + busy * (overlap.collective - 1);

  double lost = 0, end = 0;  // ps from `posted.from`: of the kernels; of the last collective
  for (std::uint32_t i = 0; i < posted.count; ++i) {
    const Call& call = group.calls[posted.first + i - group.first];
    const double begin = std::max(end, static_cast<double>((call.start - posted.from).ps()));
    const auto alone = static_cast<double>((call.end - call.start).ps());
    const double kernels_left = std::max(0.0, elapsed + lost - begin);
    const double together = std::min(alone * collective, kernels_left * compute);
    lost += together * (1 - 1 / compute);
    end = begin + together + alone - together / collective;
  }
  const sim::Time longer = sim::Time::picoseconds(std::llround(lost));
  state.device += longer;
  outcome_.ranks[rank].exposed_ps[static_cast<std::size_t>(Category::compute)] += longer.ps();
  if (path_) path_->spent(rank, Category::compute, longer);
  return posted.from + sim::Time::picoseconds(std::llround(end));
}

std::int64_t Executor::busy_ps(std::uint32_t rank) const {
  const auto& exposed = outcome_.ranks[rank].exposed_ps;
  return exposed[static_cast<std::size_t>(Category::compute)] + exposed[static_cast<std::size_t>(Category::optimizer)];
}

}  // namespace workloads

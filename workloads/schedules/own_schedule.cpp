#include "workloads/schedules/own_schedule.hpp"
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <utility>
#include "sim/error.hpp"
#include "workloads/quantity.hpp"

namespace workloads {
namespace {

std::string shown(const Pass& pass, const ScheduleShape& shape) {
  const std::string chunk = shape.chunks > 1 ? fmt::format(".{}", pass.chunk) : "";
  return fmt::format("{}{}{}", pass.kind == PassKind::forward ? 'F' : 'B', pass.micro_batch, chunk);
}

Pass pass_of(std::string_view word, const ScheduleShape& shape) {
  const std::size_t dot = std::min(word.find('.'), word.size());
  const auto number = [](std::string_view text) { return text.empty() || text[0] == '-' ? std::nullopt : parse_integer(text); };
  const auto micro_batch = number(word.substr(std::min<std::size_t>(1, word.size()), dot - std::min<std::size_t>(1, dot)));
  const auto chunk = dot == word.size() ? std::optional<std::int64_t>(0) : number(word.substr(dot + 1));
  const bool letter = word.starts_with('F') || word.starts_with('B');
  if (!letter || !micro_batch || !chunk)
    throw sim::InputError(
        fmt::format("'{}' is no pass. Write F3 (forward of micro-batch 3), B3, or F3.1 for its chunk 1.", word.substr(0, 40)));
  if (*micro_batch >= shape.micro_batches || *chunk >= shape.chunks)
    throw sim::InputError(fmt::format("'{}': micro-batches are 0 to {}, chunks 0 to {}. Correct it.", word.substr(0, 40),
                                      shape.micro_batches - 1, shape.chunks - 1));
  return {word[0] == 'F' ? PassKind::forward : PassKind::backward, static_cast<int>(*micro_batch), static_cast<int>(*chunk)};
}

// The pass of another stage that makes the input of `pass`; nothing at the ends of the model.
std::optional<std::pair<int, Pass>> input_of(const Pass& pass, int stage, const ScheduleShape& shape) {
  const int back = pass.kind == PassKind::forward ? -1 : 1;
  const int from = (stage + back + shape.stages) % shape.stages;
  const bool wraps = pass.kind == PassKind::forward ? stage == 0 : stage == shape.stages - 1;
  const int chunk = wraps ? pass.chunk + back : pass.chunk;
  if (chunk < 0 || chunk >= shape.chunks) return std::nullopt;
  return std::pair{from, Pass{pass.kind, pass.micro_batch, chunk}};
}

using Stages = std::vector<std::vector<Slot>>;

// Every pass once, forward before backward.
void check_stage(const std::vector<Slot>& slots, int stage, const ScheduleShape& shape, std::vector<std::string>& problems) {
  std::set<Pass> done;
  bool in_order = true;  // said once
  for (const Slot& slot : slots)
    for (const Pass& pass : slot) {
      const bool early = pass.kind == PassKind::backward && !done.contains({PassKind::forward, pass.micro_batch, pass.chunk});
      if (early && std::exchange(in_order, false))
        problems.push_back(fmt::format("stage {}: {} stands before its forward pass. Put it behind.", stage, shown(pass, shape)));
      if (!done.insert(pass).second)
        problems.push_back(fmt::format("stage {}: {} stands there twice. Leave one out.", stage, shown(pass, shape)));
    }
  const std::size_t all = 2U * static_cast<std::size_t>(shape.micro_batches) * static_cast<std::size_t>(shape.chunks);
  if (done.size() == all) return;
  for (const PassKind kind : {PassKind::forward, PassKind::backward})
    for (int m = 0; m < shape.micro_batches; ++m)
      for (int c = 0; c < shape.chunks; ++c)
        if (const Pass pass{kind, m, c}; !done.contains(pass)) {
          problems.push_back(
              fmt::format("stage {}: {} is missing ({} of {} passes are there). Add it.", stage, shown(pass, shape), done.size(), all));
          return;
        }
}

// Lets each stage run for as long as its slots have their inputs; whoever is not at the end then waits for ever.
void check_order(const Stages& stages, const ScheduleShape& shape, std::vector<std::string>& problems) {
  std::vector<std::size_t> at(stages.size());
  std::vector<std::set<Pass>> done(stages.size());
  const auto missing = [&](int stage) -> std::optional<std::pair<int, Pass>> {
    for (const Pass& pass : stages[static_cast<std::size_t>(stage)][at[static_cast<std::size_t>(stage)]]) {
      const auto input = shape.stages > 1 ? input_of(pass, stage, shape) : std::nullopt;
      if (input && !done[static_cast<std::size_t>(input->first)].contains(input->second)) return input;
    }
    return std::nullopt;
  };
  for (bool goes_on = true; goes_on;) {
    goes_on = false;
    for (std::size_t s = 0; s < stages.size(); ++s)
      for (; at[s] < stages[s].size() && !missing(static_cast<int>(s)); ++at[s], goes_on = true)
        done[s].insert(stages[s][at[s]].begin(), stages[s][at[s]].end());
  }
  std::string stuck;
  for (std::size_t s = 0; s < stages.size(); ++s)
    if (at[s] < stages[s].size()) {
      const auto [from, pass] = *missing(static_cast<int>(s));
      stuck += fmt::format("{}stage {} waits at {} for {} of stage {}", stuck.empty() ? "" : ", ", s,
                           shown(stages[s][at[s]].front(), shape), shown(pass, shape), from);
    }
  if (!stuck.empty()) problems.push_back(fmt::format("deadlock: {}. Change the order of one of them.", stuck));
}

}  // namespace

std::vector<Slot> slots_of(std::string_view row, const ScheduleShape& shape) {
  std::vector<Slot> slots;
  std::istringstream words{std::string(row)};
  for (std::string word; words >> word;) {
    Slot& slot = slots.emplace_back();
    for (std::size_t begin = 0; begin <= word.size();) {
      const std::size_t plus = std::min(word.find('+', begin), word.size());
      slot.push_back(pass_of(std::string_view(word).substr(begin, plus - begin), shape));
      begin = plus + 1;
    }
  }
  return slots;
}

std::vector<std::string> problems_of_schedule(const std::vector<std::string>& rows, const ScheduleShape& shape) {
  if (static_cast<int>(rows.size()) != shape.stages)
    return {fmt::format("there are {} rows, but the pipeline has {} stages. Write one row a stage.", rows.size(), shape.stages)};
  std::vector<std::string> problems;
  Stages stages;
  for (int s = 0; s < shape.stages; ++s) {
    try {
      check_stage(stages.emplace_back(slots_of(rows[static_cast<std::size_t>(s)], shape)), s, shape, problems);
    } catch (const sim::InputError& error) {
      problems.push_back(fmt::format("stage {}: {}", s, error.what()));
    }
    if (problems.size() > 20) break;
  }
  if (problems.empty()) check_order(stages, shape, problems);
  return problems;
}

}  // namespace workloads

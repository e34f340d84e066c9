#include "workloads/selfcheck/step_program.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <map>
#include "kernels/calibrate/fit/bare_loops.hpp"
#include "sim/error.hpp"

namespace workloads::selfcheck {
namespace {

using namespace kernels::calibrate;

[[noreturn]] void refuse(std::string_view what) {
  throw sim::InputError(fmt::format("selfcheck: {} cannot be run by bare loops. Leave it out of the scenario.", what));
}

class Translator {
 public:
  Translator(const Plan& plan, int warm_up, int repeats) : plan_(plan) {
    program_.ranks = static_cast<int>(plan.ranks.size());
    program_.warm_up = warm_up;
    program_.repeats = repeats;
  }

  kernels::calibrate::Program translate() && {
    program_.programs.resize(plan_.ranks.size());
    for (const Rank& rank : plan_.ranks) {
      rank_ = &rank;
      steps_ = &program_.programs[static_cast<std::size_t>(rank.number)];
      const workloads::Program& program = plan_.programs[rank.program];
      if (program.eager) refuse("overlap.pp");
      for (const Step& step : program.steps) add(program, step);
    }
    return std::move(program_);
  }

 private:
  void add(const workloads::Program& program, const Step& step) {
    switch (step.kind) {
      case StepKind::run:
        for (const Op& op : program.blocks[step.block].ops) add(op);
        return;
      case StepKind::exchange:
      case StepKind::send:
      case StepKind::receive:
        order(Stream::compute, Stream::communication);
        for (std::uint32_t i = 0; i < step.transfers; ++i) add(program.transfers[step.block + i]);
        order(Stream::communication, Stream::compute);
        return;
      case StepKind::collective:
        collective(step.group, step.collective, step.bytes, true);
        return;
      case StepKind::post:
        collective(step.group, step.collective, step.bytes, false);
        return;
      case StepKind::await:
        order(Stream::communication, Stream::compute);
        return;
    }
  }

  void add(const Op& op) {
    if (op.op_class == OpClass::collective) {
      if (op.meeting != Meeting::tensor) refuse("context parallelism");
      if (op.hidden > sim::Time{}) refuse("overlap.tp");
      collective(GroupRole::tensor, op.collective, op.bytes, true);
    } else if (op.product.m > 0) {
      run(Product{op.product}, Stream::compute);
    } else if (op.traffic > 0) {
      run(MemoryPass{loop_of(op.name), op.traffic}, Stream::compute);
    } else if (op.op_class == OpClass::attention) {
      refuse("flash attention");
    } else {
      run(Launch{}, Stream::compute);
    }
  }

  void add(const Transfer& transfer) {
    const Channel& channel = plan_.channels[rank_->channels[static_cast<std::size_t>(transfer.role)]];
    run(Message{plan_.ranks[channel.source].number, plan_.ranks[channel.destination].number, static_cast<double>(channel.bytes.count())},
        Stream::communication);
  }

  void collective(GroupRole role, kernels::CollectiveOp op, sim::Bytes bytes, bool waits) {
    const std::uint32_t group = rank_->groups[static_cast<std::size_t>(role)];
    if (group == nobody) return;
    std::vector<int> members;
    for (const std::uint32_t r : plan_.groups[group].ranks) members.push_back(plan_.ranks[r].number);
    std::sort(members.begin(), members.end());
    order(Stream::compute, Stream::communication);
    run(Collective{op, members, static_cast<double>(bytes.count())}, Stream::communication);
    if (waits) order(Stream::communication, Stream::compute);
  }

  void order(Stream earlier, Stream later) { steps_->emplace_back(Order{earlier, later}); }
  void run(const Operation& operation, Stream stream) {
    const auto [found, is_new] = index_.try_emplace(kernels::calibrate::to_json(operation), program_.operations.size());
    if (is_new) program_.operations.push_back(operation);
    steps_->emplace_back(Run{found->second, stream});
  }

  const Plan& plan_;
  const Rank* rank_ = nullptr;
  std::vector<ProgramStep>* steps_ = nullptr;
  kernels::calibrate::Program program_;
  std::map<std::string, std::size_t> index_;  // of operations
};

std::string step_json(const ProgramStep& step) {
  if (const auto* run = std::get_if<Run>(&step)) return fmt::format(R"({{"run":{},"stream":"{}"}})", run->operation, name_of(run->stream));
  if (const auto* order = std::get_if<Order>(&step))
    return fmt::format(R"({{"order":["{}","{}"]}})", name_of(order->earlier), name_of(order->later));
  return R"({"synchronize":true})";
}

}  // namespace

kernels::calibrate::Program step_program(const Plan& plan, int warm_up, int repeats) {
  return Translator(plan, warm_up, repeats).translate();
}

std::string to_json(const kernels::calibrate::Program& program) {
  std::vector<std::string> operations, programs;
  for (const Operation& operation : program.operations) operations.push_back(kernels::calibrate::to_json(operation));
  for (const auto& steps : program.programs) {
    std::vector<std::string> lines;
    for (const ProgramStep& step : steps) lines.push_back(step_json(step));
    programs.push_back(fmt::format("[{}]", fmt::join(lines, ",")));
  }
  return fmt::format(
      "{{\"schema\":\"weftsim-program/1\",\"ranks\":{},\"warm_up\":{},\"repeats\":{},\n\"operations\":[\n{}],\n\"programs\":[\n{}]}}\n",
      program.ranks, program.warm_up, program.repeats, fmt::join(operations, ",\n"), fmt::join(programs, ",\n"));
}

}  // namespace workloads::selfcheck

// Pipelines with free communication against their closed forms (Narayanan et al., SC'21, section 2).
#include <gmock/gmock.h>
#include <set>
#include "sim/error.hpp"
#include "workloads/executor.hpp"
#include "workloads/folding.hpp"
#include "workloads/program_builder.hpp"

namespace {
using namespace workloads;
using namespace sim::literals;

// A layer takes 1 ms forward and 2 ms backward; everything else is free.
class FixedOps final : public ModelOps {
 public:
  Ops layer_forward(int) const override { return {kernel(1_ms)}; }
  Ops layer_backward(int) const override { return {kernel(2_ms)}; }
  Ops embedding_forward() const override { return {}; }
  Ops embedding_backward() const override { return {}; }
  Ops head_forward() const override { return {}; }
  Ops head_backward() const override { return {}; }
  Ops optimizer(double) const override { return {}; }
  Ops shard_copies(double) const override { return {}; }

 private:
  static Op kernel(sim::Time device) { return {.name = "layer", .op_class = OpClass::gemm, .device = device}; }
};

struct Pipeline {
  int stages = 4, chunks = 1, micro_batches = 8;
  ScheduleKind schedule = ScheduleKind::one_f_one_b;
  bool eager = true;
  int steps = 1;
};

const kernels::OperationTimes& any_device() {
  static const kernels::OperationTimes times(kernels::load_device_profile("a100-sxm-80g"));
  return times;
}

JobSpec job_of(const Pipeline& p) {
  JobSpec job;
  job.model = {.name = "fixed",
               .layers = p.stages * p.chunks,
               .hidden = 64,
               .heads = 1,
               .kv_heads = 1,
               .ffn_hidden = 256,
               .vocab = 128,
               .seq_len = 64};
  job.parallel = {.tp = 1, .pp = p.stages, .dp = 1, .virtual_stages = p.chunks};
  job.parallel.layers_of_chunk.assign(p.stages * p.chunks, 1);
  job.schedule = p.schedule;
  job.micro_batch = 1;
  job.global_batch = p.micro_batches;
  job.overlap_pp = p.eager;
  job.overlap_dp = false;
  return job;
}

// One rank a stage, neighbours joined by channels of `bytes` over `shares`.
Plan plan_of(const Pipeline& p, sim::Bytes bytes = {}, std::vector<sim::LinkSpec> links = {}) {
  const JobSpec job = job_of(p);
  const kernels::SoftwareProfile software;
  const JobSettings settings = settings_of(job, software);
  Plan plan{.jobs = {{"fixed", {}, p.steps, p.stages > 1}}, .links = std::move(links)};
  for (int s = 0; s < p.stages; ++s) {
    plan.programs.push_back(build_program(settings, FixedOps{}, s, {}));
    plan.ranks.push_back({.program = static_cast<std::uint32_t>(s), .number = s, .pp = s});
  }
  const auto join = [&](int from, ChannelRole out, int to, ChannelRole in) {
    plan.ranks[from].channels[static_cast<std::size_t>(out)] = plan.ranks[to].channels[static_cast<std::size_t>(in)] =
        static_cast<std::uint32_t>(plan.channels.size());
    plan.channels.push_back({.source = static_cast<std::uint32_t>(from),
                             .destination = static_cast<std::uint32_t>(to),
                             .messages = static_cast<std::uint32_t>(p.chunks * p.micro_batches),
                             .bytes = bytes});
    if (!plan.links.empty()) plan.channels.back().shares = {{sim::LinkId{0}}};
  };
  for (int s = 0; s + (p.chunks > 1 ? 0 : 1) < p.stages; ++s) {
    join(s, ChannelRole::activation_out, (s + 1) % p.stages, ChannelRole::activation_in);
    join((s + 1) % p.stages, ChannelRole::gradient_out, s, ChannelRole::gradient_in);
  }
  return plan;
}

Outcome outcome_of(const Plan& plan) {
  sim::CoupledNetwork network(sim::make_network("fluid", plan.links), plan.links);
  return Executor(plan, network, any_device(), {}).run();
}

sim::Time step_time(const Pipeline& p) { return outcome_of(plan_of(p)).end; }

class Bubble : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(, Bubble, testing::Values(false, true), [](const auto& p) { return p.param ? "eager" : "blocking"; });

// m micro-batches of 3 ms, and (p-1) more for the bubble: (p-1)/m of the ideal.
TEST_P(Bubble, of_gpipe_and_1f1b_is_p_minus_1_over_m) {
  for (const ScheduleKind kind : {ScheduleKind::gpipe, ScheduleKind::one_f_one_b})
    for (const int p : {1, 2, 3, 4, 8})
      for (const int m : {1, 2, 8, 13})
        EXPECT_EQ(step_time({.stages = p, .micro_batches = m, .schedule = kind, .eager = GetParam()}), (m + p - 1) * 3_ms)
            << "p " << p << " m " << m;
}

// v chunks of 3 ms a micro-batch; the bubble is p-1 chunks: (p-1)/(v m) of the ideal.
TEST_P(Bubble, of_interleaved_is_p_minus_1_over_v_m) {
  for (const int p : {2, 4, 8})
    for (const int v : {2, 3, 5})
      for (const int groups : {2, 3, 6}) {
        const int m = groups * p;
        EXPECT_EQ(step_time({.stages = p, .chunks = v, .micro_batches = m, .schedule = ScheduleKind::interleaved, .eager = GetParam()}),
                  (m * v + p - 1) * 3_ms)
            << "p " << p << " v " << v << " m " << m;
      }
}

// Every schedule, stage by stage: each pass once, a backward after its forward.
TEST(Schedule, runs_every_pass_once_and_backward_after_forward) {
  for (const auto& [kind, p, v] :
       {std::tuple{ScheduleKind::gpipe, 4, 1}, {ScheduleKind::one_f_one_b, 4, 1}, {ScheduleKind::interleaved, 4, 3}})
    for (int stage = 0; stage < p; ++stage) {
      std::set<Pass> seen;
      for (const Slot& slot : schedule_of(kind)({p, v, 8}, stage))
        for (const Pass& pass : slot) {
          EXPECT_TRUE(seen.insert(pass).second);
          EXPECT_TRUE(pass.kind == PassKind::forward || seen.contains({PassKind::forward, pass.micro_batch, pass.chunk}));
        }
      EXPECT_EQ(seen.size(), 2u * 8 * v);
    }
}

// 1F1B keeps p - stage micro-batches alive, GPipe all of them.
TEST(Schedule, one_f_one_b_keeps_few_micro_batches_alive) {
  const auto most_alive = [](ScheduleKind kind, int stage) {
    int alive = 0, most = 0;
    for (const Slot& slot : schedule_of(kind)({4, 1, 16}, stage))
      for (const Pass& pass : slot) most = std::max(most, alive += pass.kind == PassKind::forward ? 1 : -1);
    return most;
  };
  for (int stage = 0; stage < 4; ++stage) {
    EXPECT_EQ(most_alive(ScheduleKind::one_f_one_b, stage), 4 - stage);
    EXPECT_EQ(most_alive(ScheduleKind::gpipe, stage), 16);
  }
}

// All time of every rank is in one category; the bubble of each is (p-1) micro-batches.
TEST(Executor, exposed_time_sums_to_the_step) {
  const Outcome outcome = outcome_of(plan_of({.stages = 4, .micro_batches = 8}));
  for (const RankOutcome& rank : outcome.ranks) {
    std::int64_t sum = 0;
    for (const std::int64_t ps : rank.exposed_ps) sum += ps;
    EXPECT_EQ(sum, outcome.end.ps());
    EXPECT_EQ(rank.exposed_ps[static_cast<std::size_t>(Category::pp_bubble)], (9_ms).ps());
    EXPECT_EQ(rank.exposed_ps[static_cast<std::size_t>(Category::compute)], (24_ms).ps());
  }
}

// Two stages, one micro-batch, 1 MB over 1 GB/s both ways: 3 ms twice, and two transfers of 1 ms between.
TEST(Executor, awaited_messages_are_pp_comm_while_in_flight) {
  const Outcome outcome = outcome_of(plan_of({.stages = 2, .micro_batches = 1}, 1_MB, {{1_GBps}}));
  EXPECT_EQ(outcome.end, 8_ms);
  const auto exposed = [&](int rank, Category c) {
    return sim::Time::picoseconds(outcome.ranks[rank].exposed_ps[static_cast<std::size_t>(c)]);
  };
  EXPECT_EQ(exposed(0, Category::pp_comm), 1_ms);    // of the gradient; before that the other stage was late
  EXPECT_EQ(exposed(0, Category::pp_bubble), 4_ms);  // the activation is on its way 1 ms, the other stage works 3 ms
  EXPECT_EQ(exposed(1, Category::pp_comm), 1_ms);
}

// Three equal steps take three times one, through messages that are used again.
TEST(Executor, steps_repeat) {
  for (const bool eager : {false, true}) {
    const Outcome outcome = outcome_of(plan_of({.stages = 3, .micro_batches = 4, .eager = eager, .steps = 5}));
    EXPECT_EQ(outcome.step_ends[0].size(), 5u);
    EXPECT_LE(outcome.end, 5 * 18_ms);
    EXPECT_GE(outcome.end, 5 * 12_ms);
  }
}

// A send that nobody receives: the program ends with an explanation, not with a result.
TEST(Executor, deadlock_is_explained) {
  Plan plan = plan_of({.stages = 2, .micro_batches = 2, .eager = false});
  auto& steps = plan.programs[1].steps;
  std::erase_if(steps, [](const Step& s) { return s.kind == StepKind::exchange; });
  try {
    outcome_of(plan);
    FAIL();
  } catch (const sim::SimulationError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("deadlock"));
    EXPECT_THAT(error.what(), testing::HasSubstr("rank 0 waits to send message 0 to rank 1"));
  }
}

// Host time: 3 kernels of 10 us each, issued every 40 us: the device waits 30 us before each but the first, and that is `host`.
TEST(Executor, slow_host_is_exposed_and_a_fast_one_is_not) {
  const auto run = [](sim::Time host) {
    Plan plan{.jobs = {{"host", {}, 1, false}}};
    Ops ops(3, Op{.name = "kernel", .op_class = OpClass::memory_bound, .device = 10_us, .host = host});
    plan.programs.push_back({.steps = {{.kind = StepKind::run, .op_kind = sim::OpKind::forward}}});
    plan.programs[0].blocks.push_back(make_block(ops));
    plan.ranks.push_back({});
    return outcome_of(plan);
  };
  EXPECT_EQ(run(40_us).end, 130_us);
  EXPECT_EQ(run(40_us).ranks[0].exposed_ps[static_cast<std::size_t>(Category::host)], (100_us).ps());
  EXPECT_EQ(run(1_us).end, 31_us);
}
}  // namespace

#include "workloads/scenario_reader.hpp"
#include <gmock/gmock.h>
#include <fmt/format.h>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include "sim/error.hpp"
#include "tests/temporary_folder.hpp"
#include "workloads/scenario_fields.hpp"

namespace workloads {
namespace {
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Line numbers in the tests below count from the first line of this text.
const std::string valid = R"(schema: weftsim/1
name: base
cluster:
  gpus: 64
  accelerator: a100-sxm-80g
  host: {preset: dgx-a100}
  fabric:
    type: fat-tree
    radix: 40
    link: {bandwidth: "200 Gb/s"}
    routing: adaptive
workload:
  model: gpt3-175b
  parallel: {tp: 8, pp: 4, dp: 2}
  schedule: 1f1b
  micro_batch: 1
  global_batch: 64
  software: megatron-2021
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::vector<std::string> problems_of(const std::string& text, const ReadOptions& options = {}) {
  try {
    read_scenario_text(text, "t.yaml", options);
  } catch (const sim::InputError& error) {
    return error.problems();
  }
  return {};
}
std::vector<std::string> problems_with(const std::string& from, const std::string& to) { return problems_of(replaced(valid, from, to)); }
std::vector<std::string> problems_set(std::vector<std::string> overrides) {
  return problems_of(valid, {.overrides = std::move(overrides)});
}

TEST(ScenarioReader, fills_the_specs_from_preset_model_and_text) {
  const Scenario s = read_scenario_text(valid, "t.yaml");
  EXPECT_EQ(s.name, "base");
  EXPECT_EQ(s.cluster.gpus, 64);
  EXPECT_EQ(s.cluster.host.scale_up.bandwidth.value(), 300e9);
  EXPECT_EQ(s.cluster.host.nics.count, 8);
  EXPECT_EQ(s.cluster.fabric.link.bandwidth.value(), 25e9);
  ASSERT_EQ(s.jobs.size(), 1U);
  EXPECT_EQ(s.jobs[0].gpus, 64);
  EXPECT_EQ(s.jobs[0].model.hidden, 12288);
  EXPECT_THAT(s.jobs[0].parallel.layers_of_chunk, ElementsAre(24, 24, 24, 24));
  EXPECT_EQ(s.jobs[0].micro_batches(), 32);
  EXPECT_THAT(s.warnings, IsEmpty());
}

TEST(ScenarioReader, dp_is_derived_when_left_out) {
  EXPECT_EQ(read_scenario_text(replaced(valid, ", dp: 2", ""), "t.yaml").jobs[0].parallel.dp, 2);
}

TEST(ScenarioReader, presets_are_overridden_key_by_key) {
  const Scenario s = read_scenario_text(replaced(valid, "{preset: dgx-a100}", "{preset: dgx-a100, nics: {count: 4}}"), "t.yaml");
  EXPECT_EQ(s.cluster.host.nics.count, 4);
  EXPECT_EQ(s.cluster.host.nics.bandwidth.value(), 25e9);
  const Scenario m = read_scenario_text(replaced(valid, "model: gpt3-175b", "model: {preset: gpt3-175b, seq_len: 4096}"), "t.yaml");
  EXPECT_EQ(m.jobs[0].model.seq_len, 4096);
  EXPECT_EQ(m.jobs[0].model.layers, 96);
}

TEST(ScenarioReader, a_side_network_has_the_cables_of_the_fabric_unless_it_names_its_own) {
  const std::string storage = "routing: adaptive\n    storage: {type: leaf-spine, radix: 40}";
  const Scenario s = read_scenario_text(replaced(valid, "routing: adaptive", storage), "t.yaml");
  EXPECT_EQ(s.cluster.fabric.storage.link.bandwidth.value(), 25e9);
  const std::string own = replaced(storage, "40}", "40, link: {bandwidth: \"100 Gb/s\"}}");
  EXPECT_EQ(read_scenario_text(replaced(valid, "routing: adaptive", own), "t.yaml").cluster.fabric.storage.link.bandwidth.value(), 12.5e9);
}

TEST(ScenarioReader, json_is_a_scenario_too) {
  const std::string json = R"({"schema":"weftsim/1","cluster":{"gpus":8,"accelerator":"a100-sxm-80g","host":{"preset":"dgx-a100"}},
    "workload":{"model":"gpt2","parallel":{"tp":2,"sequence_parallel":false},"global_batch":64,"jitter":{"gpu":0.0,"slow":[]}},"network":"fluid"})";
  EXPECT_EQ(read_scenario_text(json, "dict").jobs[0].parallel.dp, 4);
}

TEST(ScenarioReader, the_resolved_text_reads_to_the_same_scenario) {
  const std::string two_jobs = R"(schema: weftsim/1
name: "two: \"jobs\""
cluster:
  gpus: 64
  accelerator: a100-sxm-80g
  host: {preset: dgx-a100}
  fabric: {type: leaf-spine, radix: [40, 64], oversubscription: 1.5, link: {bandwidth: "200 Gb/s", latency: "123456 ps"}, hash: {seed: 18446744073}}
jobs:
  - {name: a, gpus: 32, placement: [1, 0, 3, 2], model: llama3-8b, global_batch: 32, attention: flash, overlap: {dp: true, pp: false}}
  - {name: b, gpus: 16, placement: spread, start: "1.5 s", model: gpt2, global_batch: 16, optimizer: lion, recompute: full}
network: analytic
on_oom: error
)";
  for (const std::string& text : {valid, two_jobs}) {
    const std::string once = to_yaml(read_scenario_text(text, "t.yaml"));
    EXPECT_EQ(to_yaml(read_scenario_text(once, "other.yaml")), once);
  }
  const Scenario s = read_scenario_text(to_yaml(read_scenario_text(two_jobs, "t.yaml")), "t.yaml");
  EXPECT_EQ(s.jobs[0].overlap_pp, false);
  EXPECT_EQ(s.jobs[0].overlap_tp, std::nullopt);
  EXPECT_THAT(s.jobs[0].hosts, ElementsAre(1, 0, 3, 2));
  EXPECT_EQ(s.jobs[1].start, sim::Time::picoseconds(1'500'000'000'000));
}

// Remainder 2 of 98 layers on 4 stages goes to the two in the middle: embedding and logits sit at the ends.
TEST(ScenarioReader, balanced_spares_the_first_and_the_last_stage) {
  const std::string text = replaced(valid, "dp: 2}", "dp: 2, layers_per_stage: balanced}");
  const auto chunks = [&](int layers) {
    return read_scenario_text(text, "t", {.overrides = {fmt::format("workload.model.layers={}", layers)}}).jobs[0].parallel.layers_of_chunk;
  };
  EXPECT_THAT(chunks(97), ElementsAre(24, 25, 24, 24));
  EXPECT_THAT(chunks(98), ElementsAre(24, 25, 25, 24));
  EXPECT_THAT(chunks(99), ElementsAre(25, 25, 25, 24));
}

// ---- one test a rejected input ----

TEST(ScenarioErrors, unknown_key_names_the_nearest_with_its_line) {
  EXPECT_THAT(problems_with("routing:", "ruoting:"),
              ElementsAre(AllOf(HasSubstr("t.yaml:11: cluster.fabric: unknown key 'ruoting' (known: type, radix,"),
                                EndsWith("Did you mean 'routing'?"))));
}
TEST(ScenarioErrors, bare_number_where_a_unit_is_due) {
  EXPECT_THAT(
      problems_with("\"200 Gb/s\"", "200"),
      ElementsAre(
          "t.yaml:10: cluster.fabric.link: bandwidth '200' has no unit (GB/s and Gb/s differ by 8). Write '200 GB/s' or '200 Gb/s'."));
}
TEST(ScenarioErrors, duplicate_key) {
  EXPECT_THAT(problems_with("    radix: 40\n", "    radix: 40\n    radix: 64\n"),
              ElementsAre("t.yaml:10: duplicate key 'radix' (first in line 9). Keep one of them."));
}
TEST(ScenarioErrors, missing_keys) {
  EXPECT_THAT(problems_with("  gpus: 64\n", ""), ElementsAre("t.yaml:3: cluster: missing key 'gpus' (GPUs of the cluster). Add it."));
  EXPECT_THAT(problems_with("  global_batch: 64\n", ""),
              ElementsAre("t.yaml:12: workload: missing key 'global_batch' (sequences). Add it."));
  EXPECT_THAT(problems_with("  accelerator: a100-sxm-80g\n", ""), ElementsAre(HasSubstr("t.yaml:3: cluster: missing key 'accelerator'")));
  EXPECT_THAT(problems_with("    type: fat-tree\n", ""), ElementsAre(HasSubstr("t.yaml:7: cluster.fabric: missing key 'type'")));
  EXPECT_THAT(problems_with("    link: {bandwidth: \"200 Gb/s\"}\n", ""),
              ElementsAre("t.yaml:7: cluster.fabric.link.bandwidth: it is missing. Give the bandwidth of one cable per direction."));
}
TEST(ScenarioErrors, all_problems_at_once_in_the_order_of_the_lines) {
  std::string text = replaced(valid, "gpus: 64", "gpus: 63");
  text = replaced(text, "radix: 40", "radix: [40");
  text = replaced(text, "[40", "4o");
  text = replaced(text, "schedule: 1f1b", "schedule: 1f1");
  EXPECT_THAT(
      problems_of(text),
      ElementsAre(HasSubstr("t.yaml:4: cluster.gpus: 63 GPUs are no multiple of a host of 8. Use 56 or 64."),
                  HasSubstr("t.yaml:9: cluster.fabric: radix '4o' is not a whole number."),
                  HasSubstr("t.yaml:14: workload.parallel: tp * pp * dp = 8 * 4 * 2 is not the 63 GPUs"),
                  HasSubstr("t.yaml:15: workload: unknown schedule '1f1' (known: gpipe, 1f1b, interleaved). Did you mean '1f1b'?")));
}
TEST(ScenarioErrors, keys_of_a_later_release) {
  EXPECT_THAT(problems_set({"workload.parallel.ep=2"}),
              ElementsAre(HasSubstr("'ep' is not supported yet (expert parallel, only 1). Leave it out.")));
  EXPECT_THAT(problems_set({"workload.trace=step.et"}), ElementsAre(HasSubstr("'trace' is not supported yet")));
}
TEST(ScenarioErrors, neutral_values_of_later_keys_are_accepted) {
  EXPECT_THAT(
      problems_set({"cluster.fabric.planes=1", "cluster.fabric.parallel_links=1", "cluster.fabric.tors_per_host=1", "cluster.fabric.pods=1",
                    "cluster.fabric.pxn=false", "cluster.fabric.failures=[]", "cluster.host.nics.ports=1", "workload.parallel.cp=1",
                    "workload.parallel.ep=1", "workload.parallel.zero=0", "workload.jitter={gpu: 0, slow: []}", "workload.moe={skew: 0}"}),
      IsEmpty());
}
TEST(ScenarioErrors, names_of_a_later_release) {
  EXPECT_THAT(problems_set({"workload.schedule=zbv"}), ElementsAre(HasSubstr("schedule 'zbv' is not supported yet")));
}
TEST(ScenarioErrors, unknown_names) {
  EXPECT_THAT(problems_set({"network=fluidd"}),
              ElementsAre("--set network: unknown network 'fluidd' (known: analytic, fluid, packet). Did you mean 'fluid'?"));
  EXPECT_THAT(problems_with("gpt3-175b", "gpt3-175"),
              ElementsAre(AllOf(HasSubstr("t.yaml:13: workload: unknown model 'gpt3-175'"), EndsWith("Did you mean 'gpt3-175b'?"))));
  EXPECT_THAT(problems_with("dgx-a100", "dgx-a10"), ElementsAre(HasSubstr("t.yaml:6: cluster.host: unknown host preset 'dgx-a10'")));
  EXPECT_THAT(problems_with("a100-sxm-80g", "a100-sxm-8g"), ElementsAre(HasSubstr("t.yaml:5: cluster: unknown accelerator 'a100-sxm-8g'")));
  EXPECT_THAT(problems_with("a100-sxm-80g", "./mine.json"), ElementsAre(HasSubstr("accelerator './mine.json': no such file.")));
  EXPECT_THAT(problems_with("megatron-2021", "megatron-21"), ElementsAre(HasSubstr("t.yaml:18: workload: unknown software 'megatron-21'")));
  EXPECT_THAT(problems_with("weftsim/1", "weftsim/9"),
              ElementsAre("t.yaml:1: unknown schema 'weftsim/9' (known: weftsim/1). Write schema: weftsim/1."));
}
TEST(ScenarioErrors, values_of_the_wrong_kind) {
  EXPECT_THAT(problems_with("gpus: 64", "gpus: 064"),
              ElementsAre(HasSubstr("t.yaml:4: cluster: gpus '064' begins with a zero, which some readers take for octal.")));
  EXPECT_THAT(problems_with("gpus: 64", "gpus: \"64\""), ElementsAre(HasSubstr("gpus '64' is text in quotes, not a whole number.")));
  EXPECT_THAT(problems_with("gpus: 64", "gpus: 64.5"), ElementsAre(HasSubstr("gpus '64.5' is not a whole number.")));
  EXPECT_THAT(problems_with("gpus: 64", "gpus: -64"), ElementsAre(HasSubstr("gpus '-64' is out of range (at least 1, at most 10000000).")));
  EXPECT_THAT(problems_with("gpus: 64", "gpus: 99999999999"), ElementsAre(HasSubstr("out of range")));
  EXPECT_THAT(problems_with("gpus: 64", "gpus:"), ElementsAre("t.yaml:4: cluster: gpus has no value. Give it one, or leave the key out."));
  EXPECT_THAT(problems_with("gpus: 64", "gpus: [64]"), ElementsAre(HasSubstr("gpus is [64], not a whole number.")));
  EXPECT_THAT(problems_with("radix: 40", "radix: []"), ElementsAre(HasSubstr("radix is an empty list.")));
  EXPECT_THAT(problems_with("dp: 2}", "dp: 2, sequence_parallel: yes}"),
              ElementsAre(HasSubstr("sequence_parallel 'yes' is neither true nor false. Write true or false.")));
  EXPECT_THAT(problems_with("radix: 40", "radix: 40\n    oversubscription: nan"),
              ElementsAre(HasSubstr("oversubscription 'nan' is not a number.")));
  EXPECT_THAT(problems_with("host: {preset: dgx-a100}", "host: dgx-a100"),
              ElementsAre(HasSubstr("t.yaml:6: cluster: host is 'dgx-a100', not a map of keys.")));
  EXPECT_THAT(problems_with("\"200 Gb/s\"", "\"0 Gb/s\""), ElementsAre(HasSubstr("bandwidth '0 Gb/s' is zero.")));
  EXPECT_THAT(problems_with("\"200 Gb/s\"", "\"-1 Gb/s\""), ElementsAre(HasSubstr("bandwidth '-1 Gb/s' is negative.")));
}
TEST(ScenarioErrors, layouts_that_do_not_fit) {
  EXPECT_THAT(
      problems_with("dp: 2", "dp: 3"),
      ElementsAre("t.yaml:14: workload.parallel: tp * pp * dp = 8 * 4 * 3 is not the 64 GPUs of the job. Write dp: 2, or leave dp out."));
  EXPECT_THAT(
      problems_with("pp: 4, dp: 2", "pp: 3"),
      ElementsAre(
          "t.yaml:14: workload.parallel: 64 GPUs are not divisible by tp * pp = 8 * 3 = 24. Change tp or pp, or take 48 or 72 GPUs."));
  EXPECT_THAT(problems_with("global_batch: 64", "global_batch: 65"),
              ElementsAre("t.yaml:17: workload: global_batch 65 is not divisible by dp * micro_batch = 2 * 1 = 2. Choose 64 or 66."));
  EXPECT_THAT(problems_set({"workload.model.layers=97"}),
              ElementsAre("t.yaml:14: workload.parallel: 97 layers are not divisible by pp * virtual_stages = 4 * 1. Write "
                          "layers_per_stage: balanced, or a list of 4 numbers."));
  EXPECT_THAT(problems_with("dp: 2}", "dp: 2, layers_per_stage: [24, 24, 24]}"),
              ElementsAre(HasSubstr("layers_per_stage has 3 entries, not pp * virtual_stages = 4 * 1 = 4")));
  EXPECT_THAT(problems_with("dp: 2}", "dp: 2, layers_per_stage: [24, 24, 24, 23]}"),
              ElementsAre(HasSubstr("layers_per_stage adds up to 95, not to the 96 layers")));
  EXPECT_THAT(problems_with("dp: 2}", "dp: 2, layers_per_stage: evn}"),
              ElementsAre(HasSubstr("unknown layers_per_stage 'evn' (known: even, balanced, or a list). Did you mean 'even'?")));
  EXPECT_THAT(problems_with("dp: 2}", "dp: 2, rank_order: tp-dp-pp}"),
              ElementsAre(HasSubstr("rank_order 'tp-dp-pp' does not name tp, cp, ep, dp and pp once each.")));
  EXPECT_THAT(problems_set({"workload.model.heads=90", "workload.model.hidden=12240"}),
              ElementsAre(HasSubstr("kv_heads 96 does not divide heads 90"), HasSubstr("tp 8 does not divide the 90 heads")));
  EXPECT_THAT(problems_set({"workload.model.hidden=12289"}), ElementsAre(HasSubstr("hidden 12289 is not divisible by heads 96")));
}

TEST(ScenarioErrors, switches_of_infiniband_alone_reduce) {
  const std::string sharp = valid + "  nccl: {collnet: true}\n";
  EXPECT_TRUE(read_scenario_text(sharp, "t.yaml").jobs[0].nccl.collnet);
  EXPECT_THAT(
      problems_of(replaced(sharp, "routing: adaptive", "routing: adaptive\n    transport: roce")),
      ElementsAre("t.yaml:20: workload.nccl.collnet: switches of InfiniBand alone reduce. Write transport: infiniband, or leave it out."));
}

TEST(ScenarioErrors, schedules_that_do_not_fit) {
  EXPECT_THAT(problems_with("schedule: 1f1b", "schedule: interleaved"),
              ElementsAre(HasSubstr("t.yaml:15: workload: interleaved needs virtual_stages of at least 2.")));
  EXPECT_THAT(problems_with("dp: 2}", "dp: 2, virtual_stages: 2}"),
              ElementsAre(HasSubstr("virtual_stages 2 needs schedule: interleaved.")));
  EXPECT_THAT(
      problems_set({"workload.schedule=interleaved", "workload.parallel.virtual_stages=2", "workload.global_batch=68"}),
      ElementsAre(
          "--set workload.schedule: workload: interleaved needs micro-batches (global_batch / dp / micro_batch = 34) divisible by pp 4. "
          "Choose global_batch 64 or 72, or schedule: 1f1b."));
  EXPECT_THAT(problems_set({"workload.schedule=interleaved", "workload.parallel={tp: 8, virtual_stages: 2}"}),
              ElementsAre(HasSubstr("interleaved needs pp of at least 2.")));
}
// What is wrong with a cluster is said by topology::problems; the reader adds the line.
TEST(ScenarioErrors, clusters_that_do_not_fit) {
  EXPECT_THAT(problems_with("type: fat-tree", "type: none"),
              ElementsAre(HasSubstr("t.yaml:8: cluster.fabric.type: none does not join 8 hosts")));
  EXPECT_THAT(problems_set({"cluster.fabric.rails=9"}),
              ElementsAre(HasSubstr("--set cluster.fabric.rails: cluster.fabric.rails: 9 rails, but a host has 8 NICs.")));
  EXPECT_THAT(problems_set({"cluster.fabric.radix=[40, 40, 40]"}), ElementsAre(HasSubstr("cluster.fabric.radix: 3 values for 2 tiers.")));
  EXPECT_THAT(problems_set({"cluster.fabric.type=leaf-spine", "cluster.fabric.tiers=3"}),
              ElementsAre(HasSubstr("cluster.fabric.tiers: leaf-spine has 2 tiers.")));
  EXPECT_THAT(problems_set({"cluster.host.scale_up.domain=12"}),
              ElementsAre(HasSubstr("cluster.host.scale_up.domain: 12 GPUs neither divide a host of 8")));
  EXPECT_THAT(problems_set({"cluster.host.nics.count=0"}), Contains(HasSubstr("a fabric needs NICs, but hosts have 0.")));
  EXPECT_THAT(problems_of("schema: weftsim/1\ncluster:\n  gpus: 16\n  host: {preset: dgx-a100}\n", {.workload_required = false}),
              ElementsAre("t.yaml:2: cluster: missing key 'fabric' (the network between the 2 hosts). Add it."));
  EXPECT_THAT(
      problems_of("schema: weftsim/1\ncluster:\n  gpus: 1\n  host: {gpus_per_host: 1, scale_up: {kind: nvswitch}, nics: {count: 1}}\n",
                  {.workload_required = false}),
      ElementsAre(HasSubstr("t.yaml:4: cluster.host.scale_up: missing key 'latency'"),
                  HasSubstr("t.yaml:4: cluster.host.nics: missing key 'latency'"),
                  HasSubstr("t.yaml:4: cluster.host.nics.bandwidth: it is missing.")));
}
// Else NVLink would silently join two hosts.
TEST(ScenarioErrors, fewer_gpus_a_host_than_the_preset_needs_a_smaller_domain) {
  EXPECT_THAT(problems_with("{preset: dgx-a100}", "{preset: dgx-a100, gpus_per_host: 4}"),
              ElementsAre("t.yaml:6: cluster.host: gpus_per_host 4 is less than the domain of 8 GPUs in preset 'dgx-a100'. Write scale_up: "
                          "{domain: 4} too."));
  EXPECT_THAT(problems_with("{preset: dgx-a100}", "{preset: dgx-a100, gpus_per_host: 4, scale_up: {domain: 4}}"), IsEmpty());
}
TEST(ScenarioErrors, jobs_that_do_not_fit) {
  const std::string jobs = valid.substr(0, valid.find("workload:"));
  const std::string job = "gpus: 32, model: gpt2, global_batch: 32";
  EXPECT_THAT(problems_of(valid + "jobs:\n  - {name: a, " + job + "}\n"),
              ElementsAre("t.yaml:19: both 'workload' and 'jobs' are given. Keep one of them."));
  EXPECT_THAT(problems_of(jobs),
              ElementsAre("t.yaml:1: missing key 'workload' (what to simulate), or 'jobs' for several at once. Add it."));
  EXPECT_THAT(problems_of(jobs + "jobs: []\n"), ElementsAre(HasSubstr("jobs is not a list of jobs.")));
  EXPECT_THAT(problems_of(jobs + fmt::format("jobs:\n  - {{name: a, {0}}}\n  - {{name: b, {0}}}\n  - {{name: b, {0}}}\n", job)),
              ElementsAre("t.yaml:12: jobs: the jobs need 96 GPUs, the cluster has 64. Take fewer, or enlarge cluster.gpus.",
                          "t.yaml:15: jobs.2: name 'b' is taken by an earlier job. Choose another."));
  EXPECT_THAT(
      problems_of(jobs + "jobs:\n  - {name: a, placement: [0, 0, 9], " + job + "}\n"),
      ElementsAre(HasSubstr("jobs.0: placement names a host twice."), HasSubstr("placement names host 9, but there are 8 (0 to 7)."),
                  HasSubstr("placement names 2 hosts with 16 GPUs for a job of 32.")));
  EXPECT_THAT(problems_of(jobs + "jobs:\n  - {" + job + "}\n"), ElementsAre(HasSubstr("t.yaml:13: jobs.0: missing key 'name'")));
}
TEST(ScenarioErrors, overrides) {
  EXPECT_THAT(
      problems_set({"cluster.fabric.radx=3"}),
      ElementsAre(AllOf(HasSubstr("--set cluster.fabric.radx: cluster.fabric: unknown key 'radx'"), EndsWith("Did you mean 'radix'?"))));
  EXPECT_THAT(problems_set({"gpus"}), ElementsAre(HasSubstr("--set gpus: is not an assignment.")));
  EXPECT_THAT(problems_set({"cluster.gpus=[1"}),
              ElementsAre(HasSubstr("--set cluster.gpus: a key must be a word, not a list or a map. Is a bracket before it not closed?")));
  EXPECT_THAT(problems_set({"cluster.fabric.link.bandwidth=100 Gb/s", "workload.model.seq_len=1024", "workload.parallel.dp=2"}), IsEmpty());
  EXPECT_THAT(problems_set({"cluster..gpus=3"}), Contains(HasSubstr("unknown key ''")));
  const std::string jobs = valid.substr(0, valid.find("workload:")) + "jobs:\n  - {name: a, gpus: 32, model: gpt2, global_batch: 32}\n";
  EXPECT_EQ(read_scenario_text(jobs, "t", {.overrides = {"jobs.0.gpus=16"}}).jobs[0].gpus, 16);
  EXPECT_THAT(problems_of(jobs, {.overrides = {"jobs.1.gpus=16"}}),
              ElementsAre("--set jobs.1.gpus: '1' is no entry of the list (known: 0 to 0)."));
}

TEST(ScenarioWarnings, what_is_possible_but_looks_like_a_slip) {
  const auto warnings = [](std::vector<std::string> overrides) {
    return read_scenario_text(valid, "t.yaml", {.overrides = std::move(overrides)}).warnings;
  };
  EXPECT_THAT(warnings({"cluster.host.scale_up.bandwidth=600 GB/s"}),
              ElementsAre("--set cluster.host.scale_up.bandwidth: cluster.host.scale_up.bandwidth: 600 GB/s: NVLink of a100-sxm-80g is 300 "
                          "GB/s a direction "
                          "(data sheets print both directions together)"));
  EXPECT_THAT(warnings({"cluster.host.nics.bandwidth=400 GB/s"}),
              Contains(HasSubstr("400 GB/s is 3200 Gb/s, more than a port of today carries. Was Gb/s meant?")));
  EXPECT_THAT(warnings({"workload.parallel={tp: 1, pp: 4, dp: 16, sequence_parallel: true}"}),
              ElementsAre(HasSubstr("has no effect with tp 1")));
  EXPECT_THAT(warnings({"cluster.fabric.link.bandwidth=100 Gb/s"}), ElementsAre(HasSubstr("100 Gb/s is less than the 200 Gb/s of a NIC")));
}

TEST(ScenarioReader, a_fabric_alone_needs_no_workload_and_no_accelerator) {
  const std::string text =
      "schema: weftsim/1\ncluster:\n  gpus: 64\n  host: {preset: single-gpu}\n  fabric: {type: leaf-spine, radix: 32, link: {bandwidth: "
      "\"400 Gb/s\"}}\n";
  const Scenario s = read_scenario_text(text, "t.yaml", {.workload_required = false});
  EXPECT_EQ(s.cluster.hosts(), 64);
  EXPECT_TRUE(s.jobs.empty());
  EXPECT_EQ(to_yaml(read_scenario_text(to_yaml(s), "t.yaml", {.workload_required = false})), to_yaml(s));
}

class ScenarioFiles : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  static std::string problem(const std::string& path) {
    try {
      read_scenario_file(path);
    } catch (const sim::InputError& error) {
      return error.what();
    }
    return "";
  }
  weftsim::test::TemporaryFolder temporary_;
  std::filesystem::path folder_ = temporary_.path();
};

TEST_F(ScenarioFiles, missing_file_and_directory) {
  EXPECT_EQ(problem((folder_ / "none.yaml").string()), (folder_ / "none.yaml").string() + ": no such file.");
  EXPECT_EQ(problem(folder_.string()), folder_.string() + ": is a directory. Name a file in it.");
  EXPECT_THAT(problem("/dev/zero"), HasSubstr("longer than 4 MiB"));
}

TEST_F(ScenarioFiles, hugging_face_configs_beside_the_scenario) {
  write(
      "llama.json",
      R"({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 8192, "tie_word_embeddings": false, "rope_theta": 1e6})");
  const std::string path = write("s.yaml", replaced(valid, "model: gpt3-175b", "model: llama.json"));
  const ModelSpec m = read_scenario_file(path).jobs[0].model;
  EXPECT_EQ(m.name, "llama");
  EXPECT_EQ(m.kv_heads, 8);
  EXPECT_EQ(m.ffn_hidden, 14336);
  EXPECT_TRUE(m.gated_mlp && m.rms_norm && !m.linear_bias && !m.tied_embeddings && m.positions == Positions::rotary);
  EXPECT_EQ(read_scenario_file(path, {.overrides = {"workload.model.seq_len=4096"}}).jobs[0].model.seq_len, 4096);

  write(
      "gpt2.json",
      R"({"model_type": "gpt2", "n_embd": 1600, "n_head": 25, "n_layer": 48, "n_positions": 1024, "vocab_size": 50257, "n_inner": null})");
  const std::string gpt2 = write("g.yaml", replaced(replaced(valid, "gpt3-175b", "gpt2.json"), "tp: 8, pp: 4, dp: 2", "tp: 1, pp: 4"));
  EXPECT_EQ(read_scenario_file(gpt2).jobs[0].model.ffn_hidden, 6400);

  write("moe.json", R"({"model_type": "mixtral", "num_local_experts": 8, "hidden_size": 4096})");
  EXPECT_THAT(problem(write("m.yaml", replaced(valid, "gpt3-175b", "moe.json"))), HasSubstr("mixtures of experts are not supported yet"));
  write("odd.json", R"({"model_type": "rwkv", "hidden_size": 4096})");
  EXPECT_THAT(problem(write("o.yaml", replaced(valid, "gpt3-175b", "odd.json"))),
              HasSubstr("unknown model_type 'rwkv' (known: llama, mistral, qwen2, gemma, gpt2, opt, bloom, mpt, bert, t5)"));
  write("part.json", R"({"model_type": "gpt2", "n_embd": 1600})");
  EXPECT_THAT(problem(write("p.yaml", replaced(valid, "gpt3-175b", "part.json"))), HasSubstr("the config has no 'n_layer'"));
  EXPECT_THAT(problem(write("n.yaml", replaced(valid, "gpt3-175b", "absent.json"))), HasSubstr("model 'absent.json': no such file."));
}

TEST(Shipped, every_scenario_reads_without_a_warning_and_round_trips) {
  EXPECT_THAT(shipped_scenarios(), AllOf(Contains("sc21-145b"), Contains("quick"), Contains("dp-leaf-spine-4to1")));
  for (const std::string& name : shipped_scenarios()) {
    const Scenario s = read_shipped_scenario(name);
    EXPECT_EQ(s.name, name);
    EXPECT_THAT(s.warnings, IsEmpty()) << name;
    EXPECT_EQ(to_yaml(read_scenario_text(to_yaml(s), name)), to_yaml(s)) << name;
  }
  EXPECT_THROW(read_shipped_scenario("sc21"), sim::InputError);
  EXPECT_EQ(read_scenario("quick").name, "quick");
  EXPECT_THROW(read_scenario("quick.yaml"), sim::InputError);
}

TEST(Shipped, every_host_is_complete) {
  for (const std::string& name : shipped_hosts()) {
    const std::string text = "schema: weftsim/1\ncluster: {gpus: 1, host: {preset: " + name + "}}\n";
    EXPECT_NO_THROW(read_scenario_text(text, name, {.workload_required = false})) << name;
  }
}

// Visitor of the fields that collects the names of the keys.
struct KeyLister {
  static constexpr bool writing = false;
  std::vector<std::string> keys;
  template <class T>
  void field(std::string_view key, T&& value, const Field& = {}) {
    keys.emplace_back(key);
    if constexpr (requires(KeyLister & v) { describe(v, value); }) describe(*this, value);
  }
  template <class Describe>
  void group(std::string_view key, Describe&& nested) {
    keys.emplace_back(key);
    nested(*this);
  }
  void later(std::string_view, std::string_view, std::string_view) {}
};

TEST(ScenarioDocs, every_key_is_explained) {
  std::ifstream file(WEFTSIM_SOURCE_DIR "/docs/scenario.md");
  const std::string docs{std::istreambuf_iterator<char>(file), {}};
  KeyLister lister;
  topology::ClusterSpec cluster;
  JobSpec job;
  describe(lister, cluster);
  describe(lister, job);
  for (const std::string& key : lister.keys) EXPECT_THAT(docs, HasSubstr(key));
  for (const std::string& host : shipped_hosts()) EXPECT_THAT(docs, HasSubstr("`" + host + "`"));
}

TEST(Shipped, models_are_known_by_their_names) {
  for (const std::string& name : shipped_models()) EXPECT_EQ(shipped_model(name)->name, name);
  EXPECT_FALSE(shipped_model("gpt5").has_value());
}

}  // namespace
}  // namespace workloads

#include "workloads/training_row.hpp"
#include <gmock/gmock.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include "workloads/scenario_reader.hpp"
#include "workloads/training_row_tables.hpp"

namespace workloads {
namespace {
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Row = std::map<std::string, std::string>;

RowCells cells_of(const Row& row) {
  return [&row](std::string_view column) {
    const auto found = row.find(std::string(column));
    return found == row.end() ? std::string{} : found->second;
  };
}

// Row 7 of SC'21 Table 1 in the columns of training.csv.
Row sc21_145b() {
  return {{"id", "T1"},
          {"year", "2021"},
          {"model", "GPT 145B"},
          {"params_B", "145.6"},
          {"layers", "80"},
          {"hidden", "12288"},
          {"heads", "96"},
          {"kv_heads", "96"},
          {"ffn_hidden", "49152"},
          {"vocab", "51200"},
          {"seq_len", "2048"},
          {"gpu_type", "A100_SXM4_80GB"},
          {"n_gpus", "1536"},
          {"gpus_per_node", "8"},
          {"tp", "8"},
          {"pp", "8"},
          {"dp", "24"},
          {"cp", "1"},
          {"ep", "1"},
          {"virtual_stages", "2"},
          {"micro_batch", "2"},
          {"global_batch", "2304"},
          {"precision", "FP16"},
          {"recompute", "full"},
          {"sequence_parallel", "False"},
          {"zero_stage", "0"},
          {"network", "NVLink3 NVSwitch + 8x200G HDR IB (Selene)"},
          {"framework", "Megatron-LM"}};
}

TEST(TrainingRow, a_published_row_becomes_the_scenario_that_it_states) {
  const Row row = sc21_145b();
  const ConvertedRow converted = scenario_of_training_row(cells_of(row));
  ASSERT_TRUE(converted.scenario) << converted.reason;
  EXPECT_THAT(converted.flags, IsEmpty());
  const Scenario& s = *converted.scenario;
  EXPECT_EQ(s.cluster.accelerator, "a100-sxm-80g");
  EXPECT_EQ(s.cluster.fabric.rails, 8);
  EXPECT_EQ(s.cluster.fabric.radix, std::vector<int>{40});
  EXPECT_EQ(s.cluster.fabric.tiers, 3);  // 192 hosts x 8 NICs = 1536 > 40 * 40 / 2 = 800 ports
  EXPECT_EQ(s.cluster.host.nics.bandwidth.value(), 25e9);
  EXPECT_EQ(s.jobs[0].schedule, ScheduleKind::interleaved);
  EXPECT_EQ(s.jobs[0].parallel.dp, 24);
  EXPECT_EQ(s.jobs[0].software, "megatron-2021");
  EXPECT_EQ(s.jobs[0].recompute, Recompute::full);
  EXPECT_EQ(s.jobs[0].precision, Precision::fp16);
}

TEST(TrainingRow, what_is_not_stated_is_filled_in_and_flagged) {
  Row row = sc21_145b();
  row["vocab"] = "";
  row["recompute"] = "";
  row["network"] = "";
  row["layers"] = "81";
  const ConvertedRow converted = scenario_of_training_row(cells_of(row));
  ASSERT_TRUE(converted.scenario) << converted.reason;
  EXPECT_EQ(converted.scenario->jobs[0].model.vocab, 51200);
  EXPECT_EQ(converted.scenario->jobs[0].parallel.layers_of_chunk.front(), 5);
  EXPECT_THAT(converted.flags, Contains("vocab not stated: 51200"));
  EXPECT_THAT(converted.flags, Contains(HasSubstr("recompute not stated")));
  EXPECT_THAT(converted.flags, Contains("NICs not stated: those of dgx-a100"));
}

// 18 hosts of 4 GPUs share one NVLink domain.
TEST(TrainingRow, nvl72_is_one_domain_of_several_hosts) {
  Row row = sc21_145b();
  row["network"] = "NVLink5 NVL72";
  row["gpus_per_node"] = "4";
  const ConvertedRow converted = scenario_of_training_row(cells_of(row));
  ASSERT_TRUE(converted.scenario) << converted.reason;
  EXPECT_EQ(converted.scenario->cluster.host.scale_up.domain, 72);
}

TEST(TrainingRow, what_cannot_be_expressed_has_a_reason) {
  const auto reason = [](const std::string& column, const std::string& value) {
    Row row = sc21_145b();
    row[column] = value;
    const ConvertedRow converted = scenario_of_training_row(cells_of(row));
    EXPECT_FALSE(converted.scenario) << column;
    return converted.reason;
  };
  EXPECT_EQ(reason("moe_experts", "8"), "mixtures of experts are not supported yet.");
  EXPECT_EQ(reason("ep", "2"), "ep 2 is not supported yet.");
  EXPECT_EQ(reason("zero_stage", "4"), "zero_stage '4' is not supported.");
  EXPECT_EQ(reason("zero_stage", "1-3"), "zero_stage '1-3' is not supported.");
  EXPECT_THAT(reason("zero_stage", "3 (Megatron-FSDP)"), HasSubstr("ZeRO stage 3 shards gradients that a pipeline accumulates"));
  EXPECT_EQ(reason("recompute", "some"), "recompute 'some' is not supported yet.");
  EXPECT_EQ(reason("precision", "INT8"), "precision 'INT8' is not supported yet.");
  EXPECT_THAT(reason("precision", "NVFP4"), HasSubstr("a100-sxm-80g has no nvfp4 units"));
  EXPECT_EQ(reason("gpu_type", "TPU v9"), "unknown accelerator 'TPU v9'.");
  EXPECT_EQ(reason("framework", "JAX"), "framework 'JAX' is not in our table of software profiles.");
  EXPECT_EQ(reason("layers", ""), "layers is not stated ('').");
  EXPECT_EQ(reason("global_batch", "many"), "global_batch is not stated ('many').");
  EXPECT_THAT(reason("global_batch", "2305"), HasSubstr("is not divisible by dp * micro_batch"));
}

TEST(TrainingRow, adapters_are_read_from_free_text) {
  const auto nics = [](std::string_view text, double usual) {
    const auto found = nics_of_network(text, usual);
    return found ? std::pair{found->count, found->gigabits} : std::pair{0, 0.0};
  };
  EXPECT_EQ(nics("NVLink3 NVSwitch + 8x200G HDR IB (Selene)", 200), std::pair(8, 200.0));
  EXPECT_EQ(nics("8x400G", 400), std::pair(8, 400.0));
  EXPECT_EQ(nics("4x100G", 200), std::pair(4, 100.0));
  EXPECT_EQ(nics("NVLink3 NVSwitch + 800 Gb/s per node (as in the repository's validation configs)", 200), std::pair(4, 200.0));
  EXPECT_EQ(nics("NVLink3 NVSwitch + 1600 Gb/s RoCE per node", 200), std::pair(8, 200.0));
  EXPECT_EQ(nics("NVLink2 8-GPU node + 100G RDMA per node (recalled)", 100), std::pair(1, 100.0));
  EXPECT_EQ(
      nics("NVLINK Gen4 900 GB/s + NVSWITCH Gen3 | Storage: 4x ConnectX-7 IB NDR 800Gb/s; Compute: 8x ConnectX-7 IB NDR 400Gb/s", 400),
      std::pair(8, 400.0));
  EXPECT_EQ(nics("NVLINK 4.0 | 1x Ethernet 100Gb/Sec; 8x NVIDIA Quantum-2 CX7 InfiniBand (400Gb/s)", 400), std::pair(8, 400.0));
  EXPECT_EQ(nics("NVLINK Gen4 900 GB/s + NVSWITCH Gen3", 400), std::pair(0, 0.0));
  EXPECT_EQ(nics("NVLink5 NVL72", 400), std::pair(0, 0.0));
  EXPECT_EQ(nics("", 400), std::pair(0, 0.0));
}

TEST(TrainingRow, one_table_maps_frameworks_to_software) {
  EXPECT_EQ(software_of_framework("Megatron-LM", 2021), "megatron-2021");
  EXPECT_EQ(software_of_framework("Megatron-LM", 2022), "megatron-2022");
  EXPECT_EQ(software_of_framework("Megatron-LM", 2024), "megatron-core");
  EXPECT_EQ(software_of_framework("Megatron-LM (2021-22), 1F1B", 2024), "megatron-deepspeed");
  EXPECT_EQ(software_of_framework("Megatron-LM + TE 2.11", 2025), "megatron-lm");
  EXPECT_EQ(software_of_framework("Megatron-LM 2020", 2020), "megatron-2020");
  EXPECT_EQ(software_of_framework("NeMo/Megatron-Core ", 2023), "nemo");
  EXPECT_EQ(software_of_framework("Megatron-Core r0.8.0", 2024), "megatron-core");
  EXPECT_EQ(software_of_framework("Megatron-Bridge 26.02 NeMo Container", 2026), "megatron-bridge");
  EXPECT_EQ(software_of_framework("llm-foundry / PyTorch FSDP", 2023), "fsdp");
  EXPECT_EQ(software_of_framework("something", 2023), "");
  EXPECT_EQ(software_of_framework("NeMo/Megatron-Core ", 2023, "GPT-3 175B (MLPerf)"), "mlperf-nvidia");
  EXPECT_EQ(software_of_framework("TensorFlow 1 + Horovod + XLA", 2020, "BERT-large"), "bert-nvidia");
}

TEST(TrainingRow, precision_names_the_scaling_of_fp8) {
  const auto job = [](const std::string& precision, const std::string& gpu = "H100_SXM5_80GB") {
    Row row = sc21_145b();
    row["gpu_type"] = gpu;
    row["precision"] = precision;
    row["zero_stage"] = "1";
    const ConvertedRow converted = scenario_of_training_row(cells_of(row));
    EXPECT_TRUE(converted.scenario) << converted.reason;
    return converted.scenario->jobs[0];
  };
  EXPECT_EQ(job("FP8").precision, Precision::fp8);
  EXPECT_EQ(job("FP8").parallel.zero, 1);
  EXPECT_EQ(job("FP8-CS").fp8_recipe, Fp8Recipe::current);
  EXPECT_EQ(job("FP8-MX", "B200_SXM").precision, Precision::mxfp8);
  EXPECT_EQ(job("MXFP8", "B200_SXM").precision, Precision::mxfp8);
  EXPECT_EQ(job("NVFP4", "B200_SXM").precision, Precision::nvfp4);
}

TEST(TrainingRow, context_parallel_ranks_share_sequences) {
  Row row = sc21_145b();
  row["cp"] = "2";
  row["dp"] = "12";
  const ConvertedRow converted = scenario_of_training_row(cells_of(row));
  ASSERT_TRUE(converted.scenario) << converted.reason;
  EXPECT_EQ(converted.scenario->jobs[0].parallel.cp, 2);
}

// Four of the eight GPUs of a DGX-1: the links between them are those of the whole host.
TEST(TrainingRow, a_part_of_a_host_keeps_its_wiring) {
  Row row = sc21_145b();
  for (const auto& [column, value] : {std::pair{"gpu_type", "V100_SXM2_16GB"},
                                      {"n_gpus", "4"},
                                      {"tp", "4"},
                                      {"pp", "1"},
                                      {"dp", "1"},
                                      {"virtual_stages", "1"},
                                      {"gpus_per_node", "8"}})
    row[column] = value;
  const ConvertedRow converted = scenario_of_training_row(cells_of(row));
  ASSERT_TRUE(converted.scenario) << converted.reason;
  EXPECT_EQ(converted.scenario->cluster.gpus, 4);
  EXPECT_EQ(converted.scenario->cluster.host.scale_up.domain, 8);
}

// NVIDIA's BERT projects the masked positions, Megatron's all of them.
TEST(TrainingRow, bert_is_an_encoder) {
  Row row = sc21_145b();
  row["model"] = "BERT-large";
  const ModelSpec megatron = scenario_of_training_row(cells_of(row)).scenario->jobs[0].model;
  EXPECT_EQ(megatron.architecture, Architecture::encoder);
  EXPECT_EQ(megatron.predicted_positions, 1);
  row["framework"] = "TensorFlow 1 + Horovod + XLA";
  EXPECT_EQ(scenario_of_training_row(cells_of(row)).scenario->jobs[0].model.predicted_positions, 0.15625);
}

// One CSV line; cells in quotes may hold commas and doubled quotes.
std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> found(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      found.emplace_back();
    } else {
      found.back() += c;
    }
  }
  return found;
}

TEST(TrainingRow, every_measured_row_gives_a_scenario_or_a_reason) {
  const std::string path = WEFTSIM_SOURCE_DIR "/../shared/measured/training.csv";
  std::ifstream file(path);
  if (!file) GTEST_SKIP() << "the shared measurements are not here (" << path << ")";
  std::string line;
  std::getline(file, line);
  const auto header = split(line);
  std::map<std::string, int> expressed, in_set;
  while (std::getline(file, line)) {
    const auto texts = split(line);
    Row row;
    for (std::size_t i = 0; i < header.size() && i < texts.size(); ++i) row[header[i]] = texts[i];
    const ConvertedRow converted = scenario_of_training_row(cells_of(row));
    EXPECT_NE(converted.scenario.has_value(), !converted.reason.empty()) << row["id"];
    if (converted.scenario) {
      EXPECT_NO_THROW(read_scenario_text(converted.yaml, row["id"])) << row["id"];
    }
    expressed[row["set"]] += converted.scenario.has_value();
    in_set[row["set"]] += 1;
    if (!converted.scenario) RecordProperty(row["id"], converted.reason);
  }
  // Sets whose every row our models cover.
  for (const char* set : {"sc21-table1", "vtrain-multi", "vtrain-single"}) EXPECT_EQ(expressed[set], in_set[set]) << set;
}

}  // namespace
}  // namespace workloads

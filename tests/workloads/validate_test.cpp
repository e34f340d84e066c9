#include "workloads/studies/validate.hpp"
#include <gmock/gmock.h>
#include <stdlib.h>
#include <nlohmann/json.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include "sim/error.hpp"
#include "tests/temporary_folder.hpp"
#include "workloads/run.hpp"  // Interrupted

namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using workloads::ErrorStatistics;
using workloads::validate;
using workloads::Validation;
using workloads::ValidationRow;

// Measured is 1 s, so the error is predicted - 1; the interval is 10 % either way.
ValidationRow row(const std::string& set, double predicted, const std::string& grade = "A") {
  return {.set = set,
          .id = "x",
          .grade = grade,
          .quantity = "step_time_s",
          .predicted = predicted,
          .measured = 1,
          .low = 0.9 * predicted,
          .high = 1.1 * predicted};
}

// Errors +0.1, -0.2, 0, +0.3: without signs 0, 0.1, 0.2, 0.3. The median is half way between 0.1 and 0.2; the 90th percentile is
// 0.7 of the way from the third to the fourth (3 · 0.9 = 2.7). Inside: 0.99..1.21, 0.72..0.88, 0.9..1.1, 1.17..1.43 hold 1 twice.
TEST(ErrorStatisticsOf, four_rows_by_hand) {
  Validation validation{.rows = {row("a", 1.1), row("a", 0.8), row("a", 1.0), row("a", 1.3)}, .skipped = {}};
  const ErrorStatistics s = validation.by_set().at("a");
  EXPECT_EQ(s.n, 4);
  EXPECT_NEAR(s.median_abs_error, 0.15, 1e-12);
  EXPECT_NEAR(s.mean_abs_error, 0.15, 1e-12);
  EXPECT_NEAR(s.mean_error, 0.05, 1e-12);
  EXPECT_NEAR(s.p90_abs_error, 0.27, 1e-12);
  EXPECT_NEAR(s.max_abs_error, 0.3, 1e-12);
  EXPECT_NEAR(s.inside_interval, 0.5, 1e-12);
}

TEST(ErrorStatisticsOf, one_row_and_none) {
  const ValidationRow one = row("a", 1.25);
  const ErrorStatistics s = workloads::statistics_of({&one});
  EXPECT_DOUBLE_EQ(s.median_abs_error, 0.25);
  EXPECT_DOUBLE_EQ(s.p90_abs_error, 0.25);
  EXPECT_EQ(workloads::statistics_of({}).n, 0);
}

// Two releases are one set with errors +0.1, +0.3, -0.1: mean 0.5/3, signed 0.1. The other set has +0.5.
// Their mean: (0.5/3 + 0.5)/2 = 1/3, signed 0.3. The 100 rows of grade B do not count.
TEST(OverSets, releases_of_one_product_are_one_set) {
  Validation validation{
      .rows = {row("nemo-bridge 25.09", 1.1), row("nemo-bridge 25.09", 1.3), row("nemo-bridge 26.02", 0.9), row("sc21-table1", 1.5)},
      .skipped = {}};
  for (int i = 0; i < 100; ++i) validation.rows.push_back(row("other", 3, "B"));
  const ErrorStatistics s = validation.over_sets();
  EXPECT_EQ(s.n, 4);
  EXPECT_NEAR(s.mean_abs_error, 1.0 / 3, 1e-12);
  EXPECT_NEAR(s.mean_error, 0.3, 1e-12);
  EXPECT_NEAR(s.max_abs_error, 0.5, 1e-12);
  EXPECT_EQ(validation.by_set().size(), 4u) << "they are still shown one by one";
}

TEST(OverSets, without_grade_A_counts_all) {
  const Validation validation{.rows = {row("a", 1.1, "B"), row("b", 1.3, "C")}, .skipped = {}};
  EXPECT_NEAR(validation.over_sets().mean_abs_error, 0.2, 1e-12);
}

TEST(OverSets, a_name_of_digits_is_a_set_of_its_own) {
  const Validation validation{.rows = {row("2024", 1.1), row("2025", 1.3), row("mlperf v4.1", 1.1), row("mlperf v5.0", 1.3)},
                              .skipped = {}};
  EXPECT_NEAR(validation.over_sets().mean_abs_error, 0.2, 1e-12);
  EXPECT_NEAR(validation.over_sets().max_abs_error, 0.3, 1e-12);
}

// Median at most the tolerance, and at least 70 % inside: of ten rows, seven.
TEST(Within, wants_the_median_and_the_intervals) {
  Validation validation;
  EXPECT_FALSE(validation.within(1)) << "no rows are no success";
  for (int i = 0; i < 7; ++i) validation.rows.push_back(row("a", 1.05));
  for (int i = 0; i < 3; ++i) validation.rows.push_back(row("a", 1.5));
  EXPECT_TRUE(validation.within(0.06));
  EXPECT_FALSE(validation.within(0.04));
  validation.rows.push_back(row("a", 1.5));  // 7 of 11
  EXPECT_FALSE(validation.within(0.06));
}

// Ten rows within 10 % mean and 20 % worst.
TEST(Validate, the_shipped_rows_are_as_good_as_promised) {
  const Validation validation = validate({.only = "sc21_table1"});
  ASSERT_EQ(validation.rows.size(), 10u);
  const ErrorStatistics s = validation.over_sets();
  EXPECT_LE(s.mean_abs_error, 0.10);
  EXPECT_LE(s.max_abs_error, 0.20);
  EXPECT_TRUE(validation.skipped.empty());
}

// Megatron-LM of 2023 on 256 to 1,024 A100s: within 10 %, inside the intervals, and slower than linear as published.
TEST(Validate, published_systems_are_predicted) {
  const Validation validation = validate({.only = "megascale-???"});
  ASSERT_EQ(validation.rows.size(), 3u);
  for (const ValidationRow& row : validation.rows) {
    EXPECT_EQ(row.set, "published_systems");
    EXPECT_LT(std::abs(row.error()), 0.1) << row.id;
    EXPECT_TRUE(row.inside()) << row.id;
  }
  EXPECT_GT(3 * validation.rows[2].predicted, validation.rows[0].predicted);
  EXPECT_EQ(validate({.only = "palm-540b"}).rows.size(), 1u);
}

TEST(Validate, only_takes_globs_on_id_or_set) {
  const auto ids = [](const std::string& glob) {
    std::vector<std::string> all;
    for (const auto& one : validate({.only = glob}).rows) all.push_back(one.id);
    return all;
  };
  EXPECT_THAT(ids("sc21-1.?b"), ElementsAre("sc21-1.7b"));
  EXPECT_THAT(ids("sc21-3*b"), ElementsAre("sc21-3.6b", "sc21-39b", "sc21-310b"));
  EXPECT_EQ(ids("sc21_table1").size(), 10u);
  EXPECT_THAT(ids("sc21"), ElementsAre()) << "a glob is the whole name";
}

TEST(Validate, is_the_same_on_any_number_of_threads) {
  EXPECT_EQ(validation_json(validate({.only = "sc21-*8b", .threads = 1})), validation_json(validate({.only = "sc21-*8b", .threads = 4})));
}

TEST(Validate, stops_when_progress_says_so) {
  EXPECT_THROW(validate({.progress = [](double) { return false; }}), workloads::Interrupted);
}

// A folder of tables of its own.
class Tables : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder / name) << text; }
  // A table of one row.
  void write(const std::string& name, const std::vector<std::pair<std::string, std::string>>& cells) const {
    std::string names, values;
    for (const auto& [column, value] : cells) {
      names += (names.empty() ? "" : ",") + column;
      values += (values.empty() ? "" : ",") + value;
    }
    write(name, names + "\n" + values + "\n");
  }
  Validation read() const { return validate({.data = folder.string(), .threads = 1}); }
  std::string problem() const {
    try {
      static_cast<void>(read());
    } catch (const sim::InputError& error) {
      return error.what();
    }
    return "";
  }
  weftsim::test::TemporaryFolder temporary;
  fs::path folder = temporary.path();
};

const std::vector<std::pair<std::string, std::string>> gpt = {{"model", "GPT 1.7B"},
                                                              {"params_B", "1.7"},
                                                              {"layers", "24"},
                                                              {"hidden", "2304"},
                                                              {"heads", "24"},
                                                              {"vocab", "51200"},
                                                              {"seq_len", "2048"},
                                                              {"gpu_type", "A100_SXM4_80GB"},
                                                              {"n_gpus", "32"},
                                                              {"gpus_per_node", "8"},
                                                              {"tp", "1"},
                                                              {"pp", "1"},
                                                              {"dp", "32"},
                                                              {"micro_batch", "16"},
                                                              {"global_batch", "512"},
                                                              {"precision", "FP16"},
                                                              {"recompute", "full"},
                                                              {"network", "8x200G HDR IB"},
                                                              {"framework", "Megatron-LM"},
                                                              {"year", "2021"},
                                                              {"iter_time_s", "3.528"},
                                                              {"source", "a paper"}};

// The first row of SC'21, as a row of a table: the same prediction as the shipped scenario.
TEST_F(Tables, a_training_row_is_predicted_as_the_scenario_it_is) {
  write("training.csv", gpt);
  const Validation validation = read();
  ASSERT_EQ(validation.rows.size(), 1u) << validation.skipped.at(0).reason;
  const ValidationRow& predicted = validation.rows[0];
  EXPECT_DOUBLE_EQ(predicted.measured, 3.528);
  EXPECT_NEAR(predicted.predicted, validate({.only = "sc21-1.7b"}).rows.at(0).predicted, 1e-9);
  EXPECT_EQ(predicted.hosts, 4);
  EXPECT_EQ(predicted.quantity, "step_time_s");
  EXPECT_EQ(predicted.family, "dense");
  EXPECT_EQ(predicted.source, "a paper");
}

// INTERFACES, section 4: without set, id or grade the set is file stem and GPU, the id the key columns, the grade A.
TEST_F(Tables, what_a_file_does_not_name_is_named_by_its_keys) {
  write("training.csv", gpt);
  write("gemm_a100-sxm-80g.csv", "dtype,m,n,k,time_us\nbf16,4096,4096,4096,600\n");
  write("collectives.csv",
        "gpu_type,n_gpus,n_nodes,op,dtype,message_bytes,time_us,network\nA100_SXM4_80GB,8,1,all_reduce,float32,1048576,60,NVSwitch\n");
  write("attention.csv",
        "gpu_type,batch,seq_len,heads,kv_heads,head_dim,causal,direction,dtype,time_us\nA100_SXM4_80GB,4,2048,32,32,128,True,fwd,bf16,"
        "1000\n");
  std::map<std::string, ValidationRow> by_quantity;
  for (const ValidationRow& one : read().rows) by_quantity[one.quantity] = one;
  ASSERT_EQ(by_quantity.size(), 4u);
  EXPECT_EQ(by_quantity["step_time_s"].set, "training A100_SXM4_80GB");
  EXPECT_EQ(by_quantity["step_time_s"].id, "GPT 1.7B A100_SXM4_80GB 32 1 1 32 16 512 FP16");
  EXPECT_EQ(by_quantity["gemm_time_s"].set, "gemm_a100-sxm-80g");
  EXPECT_EQ(by_quantity["gemm_time_s"].id, "bf16 4096x4096x4096");
  EXPECT_EQ(by_quantity["collective_time_s"].set, "collectives A100_SXM4_80GB");
  EXPECT_EQ(by_quantity["collective_time_s"].id, "all_reduce 8 1048576");
  EXPECT_EQ(by_quantity["attention_time_s"].set, "attention A100_SXM4_80GB");
  EXPECT_EQ(by_quantity["attention_time_s"].id, "fwd bf16 4 2048 32 32 128 True");
  for (const auto& [quantity, one] : by_quantity) {
    EXPECT_EQ(one.grade, "A") << quantity;
    EXPECT_GT(one.predicted, 0) << quantity;
    EXPECT_LT(one.low, one.predicted) << quantity;
    EXPECT_GT(one.high, one.predicted) << quantity;
  }
}

TEST_F(Tables, named_columns_win) {
  auto named = gpt;
  named.insert(named.begin(), {{"set", "mine"}, {"id", "T1"}, {"grade", "C"}});
  write("training.csv", named);
  const ValidationRow only = read().rows.at(0);
  EXPECT_THAT((std::vector{only.set, only.id, only.grade}), ElementsAre("mine", "T1", "C"));
}

// What cannot be predicted is listed with the reason, never left out in silence.
TEST_F(Tables, what_cannot_be_predicted_is_skipped_with_its_reason) {
  auto other = gpt;
  for (auto& [column, value] : other)
    if (column == "gpu_type") value = "TPU_v9";
  write("training.csv", other);
  write("gemm_tpu.csv", "dtype,m,n,k,time_us\nbf16,1,1,1,5\n");
  const Validation validation = read();
  EXPECT_TRUE(validation.rows.empty());
  ASSERT_EQ(validation.skipped.size(), 2u);
  EXPECT_EQ(validation.skipped[0].reason, "no profile of tpu is shipped yet");
  EXPECT_THAT(validation.skipped[1].reason, HasSubstr("TPU_v9"));
}

TEST_F(Tables, a_folder_without_tables_is_wrong_input) {
  EXPECT_THAT(problem(), HasSubstr("holds none of training.csv, collectives.csv, gemm_*.csv, attention.csv."));
  write("notes.csv", "a,b\n1,2\n");
  EXPECT_THAT(problem(), StartsWith(folder.string()));
  fs::remove_all(folder);
  EXPECT_THAT(problem(), HasSubstr("cannot be read as a folder"));
}

TEST_F(Tables, a_broken_table_names_file_and_line) {
  const std::string file = (folder / "gemm_a100-sxm-80g.csv").string();
  const auto says = [&](const std::string& text) {
    write("gemm_a100-sxm-80g.csv", text);
    return problem();
  };
  EXPECT_THAT(says("dtype,m,n,k,time_us\nbf16,1,1,1,5\nbf16,1,1,1\n"),
              StartsWith(file + ":3: 4 fields where the first line names 5 columns."));
  EXPECT_THAT(says("dtype,m,n,k,time_us\nbf16,1,1,1,fast\n"), StartsWith(file + ":2: column 'time_us': 'fast' is no number."));
  EXPECT_THAT(says("dtype,m,n,k,time_us\nbf16,1,1,1,-5\n"), StartsWith(file + ":2: column 'time_us': -5 must be above zero."));
  EXPECT_THAT(says("dtype,m,n,k,time_us\nbf16,1.5,1,1,5\n"), StartsWith(file + ":2: column 'm': 1.5 is no whole number"));
  EXPECT_THAT(says("dtype,m,n,k,time\nbf16,1,1,1,5\n"), StartsWith(file + ":1: column 'time_us' is missing"));
  EXPECT_THAT(says(""), HasSubstr("the file is empty"));
}

// INTERFACES, section 4, word by word; median and inside beside what is promised for sets.
TEST_F(Tables, json_has_the_promised_keys) {
  write("training.csv", gpt);
  write("gemm_tpu.csv", "dtype,m,n,k,time_us\nbf16,1,1,1,5\n");
  const auto json = nlohmann::json::parse(validation_json(read()));
  for (const char* key : {"set", "id", "grade", "gpu_type", "hosts", "precision", "family", "source", "quantity", "predicted", "measured",
                          "error", "interval", "inside_interval"})
    EXPECT_TRUE(json["rows"][0].contains(key)) << key;
  const double error = json["rows"][0]["error"];
  EXPECT_NEAR(error, json["rows"][0]["predicted"].get<double>() / 3.528 - 1, 1e-12);
  for (const char* key : {"n", "median_abs_error", "mean_abs_error", "mean_error", "p90_abs_error", "max_abs_error"})
    EXPECT_TRUE(json["by_set"]["training A100_SXM4_80GB"].contains(key)) << key;
  for (const char* key : {"mean_abs_error", "mean_error", "inside_interval"}) EXPECT_TRUE(json["over_sets"].contains(key)) << key;
  EXPECT_EQ(json["skipped"][0]["id"], "bf16 1x1x1");
  EXPECT_TRUE(json["skipped"][0].contains("reason"));
}

}  // namespace

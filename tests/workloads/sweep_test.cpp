#include "workloads/studies/sweep.hpp"
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <random>
#include <set>
#include "sim/error.hpp"

namespace workloads {
namespace {
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Every line of `axes` is one of the file; the first is line 4.
std::string sweep_text(const std::string& axes, const std::string& rest = "") {
  return "schema: weftsim-sweep/1\nbase: quick\naxes:\n" + axes + rest;
}
Sweep sweep_of(const std::string& axes, const std::string& rest = "") { return Sweep::from_text(sweep_text(axes, rest), "s.yaml"); }

std::string problem_of(const std::string& text) {
  try {
    Sweep::from_text(text, "s.yaml");
  } catch (const sim::InputError& error) {
    return error.what();
  }
  return "";
}

TEST(Sweep, the_last_axis_is_the_fastest) {
  const Sweep sweep = sweep_of("  workload.parallel.tp: [1, 2]\n  workload.micro_batch: [1, 2, 4]\n");
  ASSERT_EQ(sweep.size(), 6u);
  EXPECT_THAT(sweep.labels(0), ElementsAre("1", "1"));
  EXPECT_THAT(sweep.labels(1), ElementsAre("1", "2"));
  EXPECT_THAT(sweep.labels(5), ElementsAre("2", "4"));
  EXPECT_EQ(sweep.scenario(5).jobs[0].micro_batch, 4);
  EXPECT_EQ(sweep.scenario(5).jobs[0].parallel.tp, 2);
}

TEST(Sweep, ranges_count_by_step_or_by_factor_and_keep_their_unit) {
  const Sweep sweep = sweep_of(
      "  cluster.fabric.link.bandwidth: {range: {from: \"100 Gb/s\", to: \"400 Gb/s\", step: 100}}\n"
      "  batch: {key: workload.global_batch, range: {from: 64, to: 300, factor: 2}}\n");
  EXPECT_THAT(sweep.axes()[0].labels, ElementsAre("100 Gb/s", "200 Gb/s", "300 Gb/s", "400 Gb/s"));
  EXPECT_THAT(sweep.axes()[1].labels, ElementsAre("64", "128", "256"));
  EXPECT_EQ(sweep.axes()[1].name, "batch");
  EXPECT_DOUBLE_EQ(sweep.scenario(11).cluster.fabric.link.bandwidth.value(), 50e9);
}

TEST(Sweep, a_zip_moves_its_keys_together_under_one_name) {
  const Sweep sweep = sweep_of(
      "  net: {zip: {cluster.fabric.oversubscription: [1, 3], cluster.fabric.radix: [40, 64]}, labels: [full, thin]}\n"
      "  cut: {zip: {workload.micro_batch: [1, 2], workload.optimizer: [adam, sgd]}}\n");
  ASSERT_EQ(sweep.size(), 4u);
  EXPECT_THAT(sweep.labels(2), ElementsAre("thin", "1 / adam"));
  EXPECT_EQ(sweep.scenario(2).cluster.fabric.radix, std::vector<int>{64});
  EXPECT_EQ(sweep.scenario(2).cluster.fabric.oversubscription, std::vector<double>{3});
}

TEST(Sweep, values_may_be_maps_and_lists) {
  const Sweep sweep = sweep_of("  workload.parallel: [{tp: 1}, {tp: 2, pp: 2}]\n");
  EXPECT_THAT(sweep.labels(1), ElementsAre("{tp: 2, pp: 2}"));
  EXPECT_EQ(sweep.scenario(1).jobs[0].parallel.pp, 2);
}

// A condition knows axes, whole keys, last parts of keys, quantities and texts.
TEST(Sweep, conditions_exclude_points_and_say_so) {
  const std::string axes =
      "  workload.parallel.tp: [1, 2, 4]\n  workload.parallel.pp: [1, 2]\n  cluster.fabric.link.bandwidth: [\"100 Gb/s\", \"25 GB/s\"]\n";
  const auto kept = [&](const std::string& condition) {
    const Sweep sweep = sweep_of(axes, "where: ['" + condition + "']\n");
    std::size_t count = 0;
    for (std::size_t p = 0; p < sweep.size(); ++p) count += sweep.excluded_because(p).empty();
    return count;
  };
  EXPECT_EQ(kept("tp * pp <= 4"), 10u);
  EXPECT_EQ(kept("workload.parallel.tp % 4 == 0 || pp == 2"), 8u);
  EXPECT_EQ(kept("tp == 4 and not (pp == 2)"), 2u);
  EXPECT_EQ(kept("bandwidth >= \"200 Gb/s\""), 6u);
  EXPECT_EQ(kept("cluster.fabric.link.bandwidth >= \"200 Gb/s\""), 6u);
  EXPECT_EQ(kept("max(tp, pp) < 2 or log2(tp) == 2"), 6u);
  const Sweep sweep = sweep_of(axes, "where: [\"tp < 4\", 'pp < 2']\n");
  EXPECT_EQ(sweep.excluded_because(2), "where: pp < 2");
  EXPECT_EQ(sweep.excluded_because(8), "where: tp < 4");
}

// 20 of 10^9 points, each once, in order; another seed takes others.
TEST(Sweep, samples_a_product_that_is_never_written_out) {
  std::string axes;
  for (const char* key : {"a", "b", "c"}) axes += fmt::format("  {}: {{range: {{from: 0, to: 999, step: 1}}}}\n", key);
  const auto points = [&](int seed) {
    const Sweep sweep = sweep_of(axes, fmt::format("sample: {{count: 20, seed: {}}}\n", seed));
    EXPECT_EQ(sweep.size(), 20u);
    std::vector<std::vector<std::string>> labels;
    for (std::size_t p = 0; p < sweep.size(); ++p) labels.push_back(sweep.labels(p));
    return labels;
  };
  const auto one = points(1);
  EXPECT_EQ(std::set(one.begin(), one.end()).size(), 20u);
  EXPECT_EQ(one, points(1));
  EXPECT_NE(one, points(2));
  EXPECT_EQ(sweep_of("  workload.micro_batch: [1, 2]\n", "sample: {count: 20}\n").size(), 2u);
}

TEST(Sweep, errors_name_the_line) {
  EXPECT_EQ(problem_of("schema: weftsim/1\nbase: quick\naxes: {a: [1]}\n"),
            "s.yaml:1: unknown schema 'weftsim/1' (known: weftsim-sweep/1). Is it a sweep?");
  EXPECT_THAT(problem_of("schema: weftsim-sweep/1\nbase: quik\naxes: {a: [1]}\n"), StartsWith("s.yaml:2: base 'quik': no such file"));
  EXPECT_THAT(problem_of("schema: weftsim-sweep/1\nbase: quik\naxes: {a: [1]}\n"), HasSubstr("Did you mean 'quick'?"));
  EXPECT_THAT(problem_of("schema: weftsim-sweep/1\nbase: quick\n"), HasSubstr("s.yaml:1: missing key 'axes'"));
  EXPECT_THAT(problem_of(sweep_text("  a: 8\n")), StartsWith("s.yaml:4: axes.a: is '8', not a list of values. Write [8]."));
  EXPECT_THAT(problem_of(sweep_text("  a: [1]\n  b: []\n")), StartsWith("s.yaml:5: axes.b: has no values."));
  EXPECT_THAT(problem_of(sweep_text("  a: {valeus: [1]}\n")), HasSubstr("unknown key 'valeus'"));
  EXPECT_THAT(problem_of(sweep_text("  a: {zip: {b: [1, 2], c: [1]}}\n")), HasSubstr("axes.a.zip: 'b' has 2 values and 'c' 1."));
  EXPECT_THAT(problem_of(sweep_text("  a: [1]\n  b: {key: a, values: [1]}\n")), StartsWith("s.yaml:5: axes.b: 'a' is set twice."));
  EXPECT_THAT(problem_of(sweep_text("  status: [1]\n")), HasSubstr("is the name of a column of the results"));
  EXPECT_THAT(problem_of(sweep_text("  a: {range: {from: 8, to: 1, step: 1}}\n")), HasSubstr("does not go upwards"));
  EXPECT_THAT(problem_of(sweep_text("  a: {range: {from: 1, to: 1e9, step: 1}}\n")), HasSubstr("more than 10,000 values"));
  EXPECT_THAT(problem_of(sweep_text("  a: {range: {from: \"1 s\", to: \"2 ms\", step: 1}}\n")), HasSubstr("several units"));
  EXPECT_THAT(problem_of(sweep_text("  a: [1]\n", "sample: {count: 0}\n")), HasSubstr("count '0' is out of range"));
  const std::string thousand = ": {range: {from: 0, to: 1999, step: 1}}\n";
  EXPECT_THAT(problem_of(sweep_text("  a" + thousand + "  b" + thousand)), HasSubstr("has 4000000 points (at most 1000000 are run)."));
}

TEST(Sweep, conditions_that_cannot_be_read_name_the_line) {
  const auto where = [](const std::string& condition) {
    return problem_of(sweep_text(
        "  workload.parallel.tp: [1]\n  cluster.host.nics.bandwidth: [\"1 Gb/s\"]\n  cluster.fabric.link.bandwidth: [\"1 Gb/s\"]\n",
        "where: [\"" + condition + "\"]\n"));
  };
  EXPECT_EQ(where("tp <= 4"), "");
  EXPECT_EQ(where("tp = 4"), "s.yaml:7: where: 'tp = 4' has a single '='. Write '==' to compare.");
  EXPECT_THAT(where("tpp <= 4"), StartsWith("s.yaml:7: where: unknown name 'tpp' (known: workload.parallel.tp, tp"));
  EXPECT_THAT(where("tp <= "), StartsWith("s.yaml:7: where: 'tp <= ' cannot be read: "));
  EXPECT_THAT(where("(tp"), HasSubstr("cannot be read"));
  EXPECT_THAT(where("tp, 1"), HasSubstr("more than one result"));
  EXPECT_THAT(where("bandwidth > 1"), HasSubstr("is the last part of several keys"));
  EXPECT_THAT(where("fabric > 1"), HasSubstr("unknown name 'fabric'"));
  EXPECT_THAT(where("(tp - 1) / (tp - 1)"), HasSubstr("is not a number here"));
  EXPECT_THAT(where(std::string(1001, '1')), HasSubstr("1001 characters long"));
}

// What is wrong with a point is told where its value was written.
TEST(Sweep, a_wrong_point_names_the_line_of_the_sweep) {
  const Sweep sweep = sweep_of("  workload.micro_batch: [1,\n    four]\n  workload.parallel.tpp: [1]\n");
  try {
    sweep.scenario(1);
    FAIL() << "no problem found";
  } catch (const sim::InputError& error) {
    ASSERT_EQ(error.problems().size(), 2u);
    EXPECT_THAT(error.problems()[0], StartsWith("s.yaml:5: workload: micro_batch 'four'"));
    EXPECT_THAT(error.problems()[1], StartsWith("s.yaml:6: workload.parallel: unknown key 'tpp'"));
  }
}

// Whatever a file holds: a sweep or an InputError.
TEST(Sweep, survives_broken_files) {
  const std::string whole = sweep_text(
      "  workload.parallel.tp: [1, 2]\n  net: {zip: {cluster.fabric.radix: [40, 64]}, labels: [a, b]}\n"
      "  link: {key: cluster.fabric.link.bandwidth, range: {from: \"100 Gb/s\", to: \"400 Gb/s\", factor: 2}}\n",
      "where: [\"tp * 2 <= 64\", \"radix > 1 && net != 'c'\"]\nsample: {count: 4, seed: 1}\n");
  std::mt19937 random(1);
  const std::string_view bytes = "{}[]:,\"'\n #&*!0189.-abtpx\0\xff";
  int sweeps = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string text = whole;
    for (auto edits = 1 + random() % 4; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      if (random() % 3 == 0)
        text.erase(at, 1 + random() % 8);
      else
        text[at] = bytes[random() % bytes.size()];
      if (text.empty()) text = " ";
    }
    try {
      const Sweep sweep = Sweep::from_text(text, "s.yaml");
      for (std::size_t p = 0; p < std::min<std::size_t>(sweep.size(), 4); ++p) static_cast<void>(sweep.excluded_because(p));
      ++sweeps;
    } catch (const sim::InputError&) {}
  }
  EXPECT_GT(sweeps, 100);  // else nothing but the first line of defence was tried
}

TEST(Sweep, survives_broken_conditions) {
  std::mt19937 random(2);
  const std::vector<std::string> words = {"tp", "1",  "2.5", "(",  ")",   "*",   "/",    "+",     "-",    "^", "%",
                                          "<",  "<=", "==",  "!=", "&&",  "||",  "!",    "?",     ":",    ",", "=",
                                          "'a", "'",  "and", "or", "not", "max", "log2", "1e999", "sum(", "$", "\\"};
  for (int i = 0; i < 20000; ++i) {
    std::string expression;
    for (auto n = 1 + random() % 12; n > 0; --n) expression += words[random() % words.size()] + (random() % 2 ? " " : "");
    try {
      const Condition condition(expression, Place{});
      condition.holds(std::vector<std::string>(condition.names().size(), "3"));
    } catch (const sim::InputError&) {}
  }
  const std::string deep = std::string(480, '(') + "1" + std::string(480, ')');
  EXPECT_TRUE(Condition(deep, Place{}).holds({}));
}

}  // namespace
}  // namespace workloads

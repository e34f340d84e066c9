#include "kernels/calibrate/journal.hpp"
#include <gmock/gmock.h>
#include <random>
#include "sim/error.hpp"

namespace kernels::calibrate {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;

const Machine machine{.device = "a \"quoted\" CPU",
                      .platform = "cpu",
                      .facts = {{"blas", "OpenBLAS 0.3.21"}, {"mpi", "Open MPI v4.1.4"}},
                      .ranks = 2,
                      .hosts = 1,
                      .multiprocessors = 1,
                      .memory_bytes = 25276502016};
const Operation product = Product{{.m = 64, .n = 32, .k = 16, .precision = Precision::fp32}};
const Operation reduce = Collective{CollectiveOp::all_reduce, {0, 1}, 4096};
const Beside pair{std::get<Product>(product), std::get<Collective>(reduce)};

std::string text() {
  return to_line(machine) +
         to_line(Sample{.operation = product,
                        .seconds = 2e-6,
                        .low = 1.9e-6,
                        .high = 2.1e-6,
                        .samples = 12,
                        .throttled = 3,
                        .outliers = 1,
                        .flushed = true}) +
         to_line(Sample{.operation = reduce, .skipped = "no \"reason\"\n"}) +
         to_line(BesideSample{.pair = pair,
                              .product_alone = 1,
                              .collective_alone = 2,
                              .product_beside = 3,
                              .collective_beside = 4,
                              .product_runs = 2,
                              .collective_runs = 1,
                              .samples = 10,
                              .throttled = 0});
}

std::string problem_of(const std::string& journal) {
  try {
    parse_journal(journal, "s.jsonl");
  } catch (const sim::InputError& error) {
    return error.what();
  }
  return "";
}

// A machine that is slow for a while is slow in one round of three.
TEST(Journal, rounds_of_an_operation_are_one_sample) {
  const auto line = [](const Operation& operation, double seconds) {
    return to_line(Sample{.operation = operation, .seconds = seconds, .low = 0.9 * seconds, .high = 1.1 * seconds, .samples = 10});
  };
  const Journal journal = parse_journal(to_line(machine) + line(product, 2) + line(reduce, 5) + line(product, 9) +
                                            to_line(Sample{.operation = reduce, .skipped = "no memory"}) + line(product, 3),
                                        "s.jsonl");
  ASSERT_EQ(journal.samples.size(), 2);
  EXPECT_EQ(journal.samples[0].seconds, 3);
  EXPECT_EQ(journal.samples[0].rounds, 3);
  EXPECT_DOUBLE_EQ(journal.samples[0].low, 1.8);
  EXPECT_DOUBLE_EQ(journal.samples[0].high, 9.9);
  EXPECT_EQ(journal.samples[0].samples, 30);
  EXPECT_EQ(journal.samples[1].seconds, 5);
  EXPECT_EQ(journal.times_of(product), 3);
}

// As often at 440 ns as at 85 ns: one of both is where they usually were, and only that counts. Whoever asks for 85 ns gets that.
TEST(Journal, communication_counts_where_the_ranks_usually_were) {
  const auto line = [](const Operation& operation, double seconds, double apart) {
    return to_line(
        Sample{.operation = operation, .seconds = seconds, .low = seconds, .high = seconds, .samples = 10, .skipped = {}, .apart = apart});
  };
  const Operation other = Message{0, 1, 8};
  const std::string text = to_line(machine) + line(reduce, 5, 440e-9) + line(product, 1, 0) + line(reduce, 2, 85e-9) +
                           line(other, 3, 85e-9) + line(reduce, 7, 430e-9) + line(other, 4, 90e-9) + line(reduce, 6, 450e-9);
  const Journal journal = parse_journal(text, "s.jsonl");
  EXPECT_EQ(journal.apart, 430e-9) << "one of them, not their mean";
  EXPECT_EQ(journal.samples[0].seconds, 6);
  const Journal far = parse_journal(text, "s.jsonl", 440e-9), near = parse_journal(text, "s.jsonl", 85e-9);
  ASSERT_EQ(far.samples.size(), 3);
  EXPECT_EQ(far.samples[0].seconds, 6);
  EXPECT_EQ(far.samples[1].seconds, 1) << "a product has no partner";
  EXPECT_EQ(far.samples[2].skipped, "the ranks' cores were 85 ns apart, not 440 ns.");
  EXPECT_EQ(near.samples[0].seconds, 2);
  EXPECT_EQ(near.samples[2].seconds, 3.5);
  EXPECT_TRUE(as_far_apart(440e-9, 0)) << "not known";
  EXPECT_FALSE(as_far_apart(440e-9, 85e-9));
}

TEST(Journal, is_read_as_it_was_written) {
  const Journal journal = parse_journal(text(), "s.jsonl");
  EXPECT_EQ(journal.machine, machine);
  ASSERT_EQ(journal.samples.size(), 2);
  EXPECT_EQ(journal.samples[0].operation, product);
  EXPECT_EQ(journal.samples[0].seconds, 2e-6);
  EXPECT_EQ(journal.samples[0].throttled, 3);
  EXPECT_TRUE(journal.samples[0].flushed);
  EXPECT_EQ(journal.samples[1].skipped, "no \"reason\"\n");
  ASSERT_EQ(journal.beside.size(), 1);
  EXPECT_EQ(journal.beside[0].pair, pair);
  EXPECT_EQ(journal.beside[0].collective_beside, 4);
  EXPECT_EQ(journal.whole_bytes, text().size());
  EXPECT_TRUE(journal.holds(product));
  EXPECT_TRUE(journal.holds(pair));
  EXPECT_FALSE(journal.holds(Launch{}));
}

TEST(Journal, cut_off_at_any_byte_keeps_the_whole_lines) {
  const std::string whole = text();
  const std::size_t first = whole.find('\n') + 1;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::string cut = whole.substr(0, length);
    if (length < first) {
      EXPECT_THAT(problem_of(cut), HasSubstr("s.jsonl:1: the journal has no first line")) << length;
      continue;
    }
    const Journal journal = parse_journal(cut, "s.jsonl");
    EXPECT_EQ(journal.whole_bytes, cut.rfind('\n') + 1) << length;
    EXPECT_EQ(static_cast<std::ptrdiff_t>(journal.samples.size() + journal.beside.size() + 1), std::count(cut.begin(), cut.end(), '\n'));
  }
}

// Whatever is done to the bytes: read, or refused with the file and a line.
TEST(Journal, that_is_damaged_is_never_more_than_an_input_error) {
  std::mt19937 random(7);
  const std::string whole = text();
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = whole;
    for (auto changes = 1 + random() % 3; changes-- > 0;) {
      const std::size_t at = random() % damaged.size();
      if (random() % 3 == 0)
        damaged.erase(at, 1 + random() % 20);
      else
        damaged[at] = static_cast<char>(random());
    }
    const std::string problem = problem_of(damaged);
    EXPECT_TRUE(problem.empty() || problem.starts_with("s.jsonl:")) << problem;
  }
}

TEST(Journal, names_the_line_that_is_wrong) {
  const std::string first = to_line(machine);
  EXPECT_THAT(problem_of("{\"schema\":\"weftsim-device/2\"}\n"),
              HasSubstr("s.jsonl:1: schema: this is 'weftsim-device/2', not 'weftsim-samples/1'"));
  EXPECT_THAT(problem_of(first + "{}\n"), HasSubstr("s.jsonl:2: operation: this key is missing"));
  EXPECT_THAT(problem_of(first + "\n"), HasSubstr("s.jsonl:2: this is no JSON"));
  const std::string sample = to_line(Sample{.operation = product, .seconds = 2, .low = 3, .high = 4, .samples = 1});
  EXPECT_THAT(problem_of(first + first), HasSubstr("s.jsonl:2"));
  EXPECT_THAT(problem_of(first + sample), HasSubstr("s.jsonl:2: seconds: 2 does not lie between low and high"));
}

TEST(Journal, of_another_machine_says_what_differs) {
  Machine other = machine;
  EXPECT_THAT(differences(machine, other), testing::IsEmpty());
  other.ranks = 4;
  other.facts = {{"blas", "OpenBLAS 0.3.26"}, {"mpi", "Open MPI v4.1.4"}, {"cores", "8"}};
  EXPECT_THAT(differences(machine, other),
              ElementsAre("ranks: '2' there, '4' here", "blas: 'OpenBLAS 0.3.21' there, 'OpenBLAS 0.3.26' here",
                          "cores: 'nothing' there, '8' here"));
}

TEST(Plan, has_operations_and_pairs_in_order) {
  const std::string plan = to_line(Planned(product)) + to_line(Planned(pair)) + to_line(Planned(reduce));
  EXPECT_THAT(parse_plan(plan, "p.jsonl"), ElementsAre(Planned(product), Planned(pair), Planned(reduce)));
  EXPECT_THROW(parse_plan(plan.substr(0, plan.size() - 1), "p.jsonl"), sim::InputError);  // may be cut off
  EXPECT_THROW(parse_plan("{\"beside\":{\"product\":{}}}\n", "p.jsonl"), sim::InputError);
}

}  // namespace
}  // namespace kernels::calibrate

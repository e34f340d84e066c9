#include <gmock/gmock.h>
#include <fmt/format.h>
#include <random>
#include "kernels/collectives/algorithm_check.hpp"
#include "kernels/collectives/custom_collective.hpp"
#include "sim/error.hpp"

namespace kernels::collectives {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A ring of three.
const std::string ring_of_three =
    "op all_reduce   # the sum of all on all\n"
    "ranks 3\n"
    "chunks 3\n"
    "\n"
    "0 0 -> 1 0 reduce\n"
    "0 1->2 1 reduce\n"
    "0 2 -> 0 2 reduce\r\n"
    "1 1 -> 2 0 reduce\n"
    "1 2 -> 0 1 reduce\n"
    "1 0 -> 1 2 reduce\n"
    "2 2 -> 0 0\n"
    "2 0 -> 1 1 copy\n"
    "2 1 -> 2 2\n"
    "3 0 -> 1 0\n"
    "3 1 -> 2 1\n"
    "3 2 -> 0 2\n";

std::vector<std::string> problems_of(const std::string& text) {
  try {
    CustomCollective(text, "my.txt");
  } catch (const sim::InputError& error) {
    return error.problems();
  }
  return {};
}
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(CustomCollective, is_read) {
  const CustomCollective ring(ring_of_three, "my.txt");
  EXPECT_EQ(ring.op(), CollectiveOp::all_reduce);
  EXPECT_EQ(ring.ranks(), 3);
  const Schedule schedule = ring.schedule(10);
  EXPECT_EQ(schedule.steps.size(), 12u);
  EXPECT_EQ(schedule.steps[1].range, (Range{3, 3}));  // chunk 1 of 10 elements in three: 3 to 5
  const Request request{.op = CollectiveOp::all_reduce, .ranks = 3, .per_host = 3, .count = 10};
  EXPECT_FALSE(find_mistake(schedule, Layout(request)));
}

TEST(CustomCollective, ranges_of_chunks_and_a_root) {
  EXPECT_THAT(problems_of("op broadcast\nranks 3\nchunks 4\nroot 2\n0 2 -> 0 0-3\n0 2 -> 1 0-1\n1 0 -> 1 2-3\n"), ElementsAre());
  EXPECT_THAT(problems_of("op all_to_all\nranks 2\nchunks 4\n0 0 -> 1 1\n0 1 -> 0 2\n"), ElementsAre());
}

// Chunks of an all-gather stay within the part of their rank, whatever the count.
TEST(CustomCollective, chunks_fit_into_the_parts_of_ranks) {
  const CustomCollective gather(
      "op all_gather\nranks 3\nchunks 6\n0 0 -> 1 0-1\n0 0 -> 2 0-1\n0 1 -> 0 2-3\n0 1 -> 2 2-3\n0 2 -> 0 4-5\n0 2 -> 1 4-5\n", "my.txt");
  for (const std::int64_t count : {1, 5, 7, 12, 100}) {
    const Request request{.op = CollectiveOp::all_gather, .ranks = 3, .per_host = 3, .count = count};
    EXPECT_FALSE(find_mistake(gather.schedule(count), Layout(request))) << count;
  }
}

TEST(CustomCollective, what_is_incorrect_is_refused_before_it_is_timed) {
  EXPECT_THAT(problems_of(replaced(ring_of_three, "3 2 -> 0 2\n", "")),
              ElementsAre("my.txt:15: all_reduce: rank 0 lacks rank 1's part of chunk 2 after step 3. Correct the steps."));
  EXPECT_THAT(problems_of(replaced(ring_of_three, "1 1 -> 2 0 reduce", "1 1 -> 2 0 copy")),
              ElementsAre("my.txt:16: all_reduce: rank 0 lacks rank 2's part of chunk 0 after step 3. Correct the steps."));
  EXPECT_THAT(problems_of("op all_gather\nranks 2\nchunks 2\n0 0 -> 1 1\n"),
              ElementsAre("my.txt:4: all_gather: rank 0 has nothing of chunk 1 to send to rank 1 in step 0. Correct the steps."));
  EXPECT_THAT(problems_of("op all_gather\nranks 2\nchunks 2"),
              ElementsAre("my.txt:3: all_gather: rank 1 lacks rank 0's part of chunk 0. Correct the steps."));
}

TEST(CustomCollective, says_line_and_advice) {
  const auto first = [](const std::string& text) { return problems_of(text).at(0); };
  EXPECT_EQ(
      first("op all_reduc\n"),
      "my.txt:1: op: 'all_reduc' is not known (known: all_reduce, all_gather, reduce_scatter, broadcast, reduce, all_to_all, send_receive, "
      "gather, scatter). Did you mean 'all_reduce'?");
  EXPECT_EQ(first(""), "my.txt:1: op: is missing. Write 'op …' before the first step.");
  EXPECT_EQ(first("op reduce\nop reduce\n"), "my.txt:2: op: is given twice. Keep one.");
  EXPECT_EQ(first("ranks 0\n"), "my.txt:1: ranks: '0' is no whole number from 1 to 4096. Correct it.");
  EXPECT_EQ(first("ranks 99999999999999999999\n"),
            "my.txt:1: ranks: '99999999999999999999' is no whole number from 1 to 4096. Correct it.");
  EXPECT_EQ(first("chunks\n"), "my.txt:1: chunks: 0 words follow it. Give one.");
  EXPECT_THAT(first("rank 3\n"), HasSubstr("my.txt:1: 'rank' is neither a step nor one of op, ranks, chunks, root. Did you mean 'ranks'?"));
  EXPECT_EQ(first("op all_reduce\nranks 2\nchunks 2\nroot 1\n"), "my.txt:4: root: all_reduce has none. Leave it out.");
  EXPECT_EQ(first("op broadcast\nranks 2\nchunks 2\nroot 2\n"), "my.txt:4: root: 2 is no rank (there are 0 to 1). Correct it.");
  EXPECT_EQ(first("op all_gather\nranks 2\nchunks 3\n"),
            "my.txt:3: chunks: all_gather of 2 ranks is cut into a multiple of 2 chunks, not 3. Correct it.");
  EXPECT_THAT(first("op all_reduce\nranks 4096\nchunks 1048576\n"), HasSubstr("more than can be checked"));
  const std::string head = "op all_reduce\nranks 2\nchunks 2\n";
  EXPECT_EQ(first(head + "0 0 1 0\n"),
            "my.txt:4: no step. Write: step, from -> to, chunk, and copy or reduce, as in '0  0 -> 1  2 reduce'.");
  EXPECT_EQ(first(head + "0 0 -> 2 0\n"), "my.txt:4: to: '2' is no whole number from 0 to 1. Correct it.");
  EXPECT_EQ(first(head + "0 0 -> 1 2\n"), "my.txt:4: chunk: '2' is no whole number from 0 to 1. Correct it.");
  EXPECT_EQ(first(head + "0 0 -> 1 1-0\n"), "my.txt:4: chunk: 1 to 0 is none. Write the lower one first.");
  EXPECT_EQ(first(head + "0 0 -> 1 0 add\n"), "my.txt:4: 'add' is neither copy nor reduce. Write one of them.");
  EXPECT_THAT(first(head + "0 1 -> 1 0\n"), HasSubstr("from and to are both rank 1"));
  EXPECT_EQ(first(head + "0 0 -> 1 0\nranks 3\n"), "my.txt:5: ranks: stands after the first step. Put it before.");
}

TEST(CustomCollective, all_problems_at_once) {
  EXPECT_THAT(problems_of("op all_reduce\nranks 2\nchunks 2\n0 0 -> 9 0\n1 0 -> 1 9\n"), testing::SizeIs(2));
  std::string many = "op all_reduce\nranks 2\nchunks 2\n";
  for (int i = 0; i < 100; ++i) many += "0 7 -> 1 0\n";
  EXPECT_THAT(problems_of(many), testing::SizeIs(20));
}

// Whatever the text, the answer is a collective or an InputError.
TEST(CustomCollective, survives_mangled_text) {
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) { return random() % n; };
  const std::string alphabet(
      "0123456789 ->#\n\0\xff"
      "abcopranksreducecopy",
      37);
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = ring_of_three;
    for (std::size_t edits = 1 + below(4); edits-- > 0;) {
      const std::size_t at = below(text.size());
      const std::size_t length = std::min(below(8), text.size() - at);
      switch (below(3)) {
        case 0:
          text.erase(at, length);
          break;
        case 1:
          text.insert(at, text.substr(below(text.size()), below(30)));
          break;
        default:
          text[at] = alphabet[below(alphabet.size())];
      }
    }
    const auto problems = problems_of(text);
    refused += !problems.empty();
    for (const std::string& problem : problems) ASSERT_TRUE(problem.starts_with("my.txt:")) << problem;
  }
  EXPECT_GT(refused, 10'000);
}

}  // namespace
}  // namespace kernels::collectives

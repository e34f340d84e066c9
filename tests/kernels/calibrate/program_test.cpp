#include <gmock/gmock.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include "kernels/calibrate/program_player.hpp"
#include "sim/error.hpp"
#include "tests/kernels/calibrate/fake_backend.hpp"

namespace kernels::calibrate {
namespace {
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using weftsim::test::FakeBackend;
using weftsim::test::FakeRanks;
using weftsim::test::Script;

// Operations: 0 a product, 1 an all-reduce of both ranks, 2 a message 0 -> 1, 3 a message 1 -> 0, 4 a longer message 0 -> 1.
std::string program_of(const std::string& rank_0, const std::string& rank_1) {
  return fmt::format(R"({{"schema":"weftsim-program/1","ranks":2,"warm_up":1,"repeats":3,"operations":[
{{"product":{{"m":64,"n":64,"k":64,"batch":1,"precision":"fp32"}}}},
{{"collective":{{"op":"all_reduce","members":[0,1],"bytes":4096}}}},
{{"message":{{"source":0,"destination":1,"bytes":8}}}},
{{"message":{{"source":1,"destination":0,"bytes":8}}}},
{{"message":{{"source":0,"destination":1,"bytes":64}}}}],
"programs":[[{}],[{}]]}})",
                     rank_0, rank_1);
}
// "2 0c <": message 2, the product on the stream of kernels, kernels wait for communication.
std::string steps(std::string_view words) {
  std::string all;
  for (const char word : words) {
    if (word == ' ') continue;
    if (!all.empty()) all += ",";
    if (word == '<')
      all += R"({"order":["communication","compute"]})";
    else if (word == '>')
      all += R"({"order":["compute","communication"]})";
    else if (word == '|')
      all += R"({"synchronize":true})";
    else
      all += fmt::format(R"({{"run":{},"stream":"{}"}})", word, word == '0' ? "compute" : "communication");
  }
  return all;
}

std::string problem_of(const std::string& json) {
  try {
    check_program(parse_program(json, "p.json"), "p.json");
  } catch (const sim::InputError& error) {
    return error.what();
  }
  return "";
}
std::string hang_of(std::string_view rank_0, std::string_view rank_1) { return problem_of(program_of(steps(rank_0), steps(rank_1))); }

TEST(Program, whose_ranks_meet_is_accepted) {
  EXPECT_EQ(hang_of("0 > 1 <", "0 > 1 <"), "");
  EXPECT_EQ(hang_of("0 > 2 < 0", "2 < 0"), "");
  EXPECT_EQ(hang_of("> 2 3 <", "> 3 2 <"), "") << "each sends first: messages side by side";
  EXPECT_EQ(hang_of("0 > 2 0 > 2 3 < 0 > 3 < 0 1", "2 < 0 0 > 3 2 < 0 0 > 3 1"), "")
      << "a pipeline of two stages, one forward, one backward";
}

TEST(Program, that_would_hang_is_refused) {
  EXPECT_THAT(hang_of("2", ""), HasSubstr("rank 0 would wait for ever in message 0 to 1 8 B, which rank 1 never calls"));
  EXPECT_THAT(hang_of("2 2", "2"), HasSubstr("which rank 1 never calls"));
  EXPECT_THAT(hang_of("1 < 2", "2 < 1"), HasSubstr("rank 1 would wait for ever in message 0 to 1 8 B, which rank 0 does not reach"));
  EXPECT_THAT(hang_of("2 < 3", "3 < 2"), HasSubstr("does not reach"));
  EXPECT_THAT(hang_of("2 | 3", "3 | 2"), HasSubstr("does not reach"));
  EXPECT_THAT(hang_of("2", "4"), HasSubstr("calls message 0 to 1"));
}

TEST(Program, that_is_wrong_is_refused_with_its_place) {
  EXPECT_THAT(problem_of("{}"), HasSubstr("p.json:1: schema: this key is missing"));
  EXPECT_THAT(problem_of(program_of(R"({"run":5,"stream":"compute"})", "")),
              HasSubstr("p.json:7: programs[0][0].run: 5 lies outside 0 to 4"));
  EXPECT_THAT(problem_of(program_of(R"({"run":0,"stream":"copy"})", "")), HasSubstr("'copy' is not known (known: compute, communication)"));
  EXPECT_THAT(problem_of(program_of(R"({"order":["compute"]})", "")), HasSubstr("no pair of streams"));
  EXPECT_THAT(problem_of(program_of(R"({"walk":0})", "")), HasSubstr("unknown key 'walk'"));
  EXPECT_THAT(problem_of(program_of(R"({"synchronize":false})", "")), HasSubstr("only true"));
  std::string more_ranks = program_of("", "");
  more_ranks.replace(more_ranks.find("\"ranks\":2"), 9, "\"ranks\":1");
  EXPECT_THAT(problem_of(more_ranks), HasSubstr("rank 1 is not there"));
  EXPECT_THAT(problem_of(more_ranks), HasSubstr("2 programs for 1 ranks"));
}

// Kernels of 2 ms (rank 1: 3 ms) and an all-reduce of 1 ms after the first of two kernels. Side by side with the second
// kernel it costs nothing: 4 and 6 ms. Waited for between both it is seen: 5 and 7 ms.
TEST(Player, times_the_step_and_what_is_exposed) {
  Script script;
  script.seconds = [](const Operation& operation, int rank, int) {
    return std::holds_alternative<Product>(operation) ? (rank == 1 ? 3e-3 : 2e-3) : 1e-3;
  };
  const auto played = [&](std::string_view both) {
    const Program program = parse_program(program_of(steps(both), steps(both)), "p.json");
    return FakeRanks(2, script).run([&](FakeBackend& backend) { return play(program, backend); });
  };
  const ProgramResult beside = played("0 > 1 0");
  EXPECT_THAT(beside.step_seconds, ElementsAre(DoubleNear(6e-3, 1e-9), DoubleNear(6e-3, 1e-9), DoubleNear(6e-3, 1e-9)));
  ASSERT_EQ(beside.ranks.size(), 2);
  EXPECT_THAT(beside.ranks[0].compute, DoubleNear(4e-3, 1e-9));
  EXPECT_THAT(beside.ranks[0].waiting, DoubleNear(0, 1e-9));
  EXPECT_THAT(beside.ranks[1].compute, DoubleNear(6e-3, 1e-9));
  const ProgramResult exposed = played("0 > 1 < 0");
  EXPECT_THAT(exposed.step_seconds[0], DoubleNear(7e-3, 1e-9));
  EXPECT_THAT(exposed.ranks[1].waiting, DoubleNear(1e-3, 1e-9));

  const auto json = nlohmann::json::parse(to_json(exposed, script.machine));
  EXPECT_EQ(json.at("step_seconds").size(), 3);
  EXPECT_NEAR(json.at("median").get<double>(), 7e-3, 1e-9);
  EXPECT_NEAR(json.at("ranks").at(1).at("waiting").get<double>(), 1e-3, 1e-9);
}

TEST(Player, throws_throttled_repeats_away_but_not_for_ever) {
  Script script;
  script.throttled = [](int, int sample) { return sample < 2; };
  const Program program = parse_program(program_of(steps("0"), steps("0")), "p.json");
  const auto play_it = [&](FakeBackend& backend) { return play(program, backend); };
  EXPECT_EQ(FakeRanks(2, script).run(play_it).throttled, 2);
  script.throttled = [](int, int) { return true; };
  const ProgramResult always = FakeRanks(2, script).run(play_it);
  EXPECT_EQ(always.throttled, 3);
  EXPECT_EQ(always.step_seconds.size(), 3);
}

TEST(PlayerDeathTest, ends_a_run_in_which_nothing_moves) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  Script script;
  script.seconds = [](const Operation&, int, int) {
    std::this_thread::sleep_for(std::chrono::seconds(60));
    return 1.0;
  };
  std::string json = program_of(steps("0"), "");
  json.replace(json.find("\"warm_up\":1"), 11, "\"warm_up\":0");
  const Program program = parse_program(json, "p.json");
  EXPECT_EXIT(FakeRanks(1, script).run([&](FakeBackend& backend) { return play(program, backend, 0.1); }), testing::ExitedWithCode(4),
              "nothing has moved for 0 s: rank 0 is at step 0 of 1, product 64 x 64 x 64 fp32");
}

}  // namespace
}  // namespace kernels::calibrate

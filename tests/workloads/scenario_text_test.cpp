#include "workloads/scenario_text.hpp"
#include <gmock/gmock.h>
#include <chrono>
#include <random>
#include "sim/error.hpp"
#include "workloads/scenario_reader.hpp"

namespace workloads {
namespace {
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;

std::string problem_of(const std::string& text) {
  try {
    parse_text(text, "t.yaml");
  } catch (const sim::InputError& error) {
    return error.what();
  }
  return "";
}

TEST(ScenarioText, the_tree_knows_its_lines) {
  const TextNode root = parse_text("a: 1\nb:\n  c: [x, \"y\"]\n", "t.yaml");
  EXPECT_EQ(root.find("b")->find("c")->place.text(), "t.yaml:3");
  EXPECT_TRUE(root.find("b")->find("c")->children[1].quoted);
  EXPECT_EQ(root.nearest("b.c").key, "c");
  EXPECT_EQ(root.nearest("b.x.y").key, "b");
}

TEST(ScenarioText, what_yaml_allows_and_we_do_not) {
  EXPECT_EQ(problem_of("a: 1\nb: 2\na: 3\n"), "t.yaml:3: duplicate key 'a' (first in line 1). Keep one of them.");
  EXPECT_THAT(problem_of("a: &x 1\nb: *x\n"), HasSubstr("t.yaml:1: anchors (&name) are not accepted."));
  EXPECT_THAT(problem_of("b: *x\n"), HasSubstr("t.yaml:1: "));
  EXPECT_THAT(problem_of("a: 1\n? [x]\n: 2\n"), HasSubstr("t.yaml:2: a key must be a word"));
  EXPECT_THAT(problem_of("a: 1\n: 2\n"), HasSubstr("t.yaml:2: an empty key."));
  EXPECT_THAT(problem_of("a: 1\n---\nb: 2\n"), HasSubstr("a second document begins here."));
  EXPECT_THAT(problem_of("a: !!str 1\n"), HasSubstr("t.yaml:1: tags ("));
  EXPECT_THAT(problem_of("a:\n\tb: 1\n"), HasSubstr("t.yaml:2: a tab in the indentation. Use spaces."));
  EXPECT_THAT(problem_of(std::string("a: 1\nb: \0\n", 10)), HasSubstr("t.yaml:2: a NUL byte"));
  EXPECT_THAT(problem_of(""), HasSubstr("t.yaml:1: the text is empty."));
  EXPECT_THAT(problem_of("\n  \n"), HasSubstr("the text is empty."));
  EXPECT_THAT(problem_of("# nothing\n"), HasSubstr("the text is empty."));
  EXPECT_THAT(problem_of("a: [1, 2\n"), HasSubstr("t.yaml:1: not valid YAML here or just before"));
  EXPECT_THAT(problem_of("a: 1\n b: 2\n"), HasSubstr("t.yaml:2: not valid YAML here or just before"));
  EXPECT_EQ(problem_of("{\n\t\"a\": 1\n}\n"), "");  // JSON may be indented by tabs
}

// A billion laughs needs anchors; the others need depth or length.
TEST(ScenarioText, hostile_texts_end_soon) {
  const auto before = std::chrono::steady_clock::now();
  EXPECT_THAT(problem_of("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"), HasSubstr("anchors"));
  EXPECT_THAT(problem_of(std::string(100'000'000, '[')), HasSubstr("at most 4 MiB"));
  EXPECT_THAT(problem_of(std::string(4'000'000, '[')), HasSubstr("nested more than 64 levels deep"));
  EXPECT_THAT(problem_of(std::string(4'000'000, '{')), HasSubstr("nested more than 64 levels deep"));
  std::string dashes, steps;
  for (int i = 0; i < 100'000; ++i) dashes += "- ";
  EXPECT_THAT(problem_of(dashes), HasSubstr("nested more than 64 levels deep"));
  for (int i = 0; i < 1000; ++i) steps += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_THAT(problem_of(steps), HasSubstr("nested more than 64 levels deep"));
  std::string hidden;
  for (int i = 0; i < 1000; ++i) hidden += "[\"]\",";
  hidden += "x" + std::string(1000, ']');
  EXPECT_THAT(problem_of(hidden), HasSubstr("nested more than 64 levels deep"));
  std::string keys, words;
  for (int i = 0; i < 300'000; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  EXPECT_THAT(problem_of(keys), HasSubstr("more than 10000 keys in one map."));
  for (int i = 0; i < 1'000'000; ++i) words += "x, ";
  EXPECT_EQ(problem_of("[" + words + "x]"), "");
  EXPECT_THAT(problem_of("a: {" + words), HasSubstr("t.yaml:1: "));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::minutes(5));  // a squared time would be hours
}

TEST(ScenarioText, nearest_word_counts_swapped_letters_as_one_slip) {
  EXPECT_EQ(nearest_word("bandwith", {"bandwidth", "latency"}), "bandwidth");
  EXPECT_EQ(nearest_word("ruoting", {"radix", "routing"}), "routing");
  EXPECT_EQ(nearest_word("zzz", {"radix", "routing"}), "");
}

TEST(ScenarioText, quotes_read_back) {
  for (const std::string text : {"plain", "a: b", "\"q\" \\ '", "tab\tline\n", "Grüße", ""}) {
    EXPECT_EQ(parse_text("k: " + in_quotes(text), "t").find("k")->text, text);
  }
}

// Whatever happens to a file on its way, reading it ends in a scenario or in a message.
void expect_read_or_refused(const std::string& text) {
  try {
    read_scenario_text(text, "t.yaml");
  } catch (const sim::InputError& error) {
    EXPECT_FALSE(error.problems().empty());
  }
}

TEST(ScenarioFuzz, every_truncation_is_read_or_refused) {
  const std::string text = to_yaml(read_shipped_scenario("sc21-145b"));
  for (std::size_t length = 0; length < text.size(); ++length) expect_read_or_refused(text.substr(0, length));
}

TEST(ScenarioFuzz, random_damage_is_read_or_refused) {
  std::mt19937 random(20240607);
  for (const char* name : {"sc21-145b", "dp-leaf-spine-4to1"}) {
    const Scenario scenario = read_shipped_scenario(name);
    for (const std::string& text : {scenario.source_yaml, to_yaml(scenario)}) {
      for (int round = 0; round < 1500; ++round) {
        std::string damaged = text;
        for (unsigned flips = 1 + random() % 4; flips > 0; --flips) {
          static constexpr std::string_view marks = "[]{}:,-#&*!|>'\"%@` \n\t0";
          const char mark = random() % 2 ? marks[random() % marks.size()] : static_cast<char>(random() % 256);
          damaged[random() % damaged.size()] = mark;
        }
        expect_read_or_refused(damaged);
      }
    }
  }
}

}  // namespace
}  // namespace workloads

#include <gmock/gmock.h>
#include <stdlib.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <new>
#include <sstream>
#include <fmt/format.h>
#include "bindings/cli/command.hpp"
#include "sim/error.hpp"
#include "sim/words.hpp"
#include "tests/temporary_folder.hpp"
#include "workloads/run.hpp"  // Interrupted

namespace {

namespace fs = std::filesystem;
using cli::ExitCode;
using testing::HasSubstr;
using testing::StartsWith;

// What a call printed, beside its exit code.
struct Said {
  ExitCode code;
  std::string out, err;
};

template <class Call>
Said captured(Call call) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const ExitCode code = call();
  std::fflush(stdout);
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

Said weftsim(const std::vector<std::string>& arguments) {
  return captured([&] { return cli::run_command_line(arguments); });
}

template <class Error>
Said thrown(const Error& error) {
  return captured([&] { return cli::guarded([&]() -> ExitCode { throw error; }); });
}

// One line per class of errors; what a user sees is a sentence, never a stack.
TEST(ExitCodes, a_command_that_ends_passes_its_own_on) {
  EXPECT_EQ(cli::guarded([] { return ExitCode::done; }), ExitCode::done);
  EXPECT_EQ(cli::guarded([] { return ExitCode::some_failed; }), ExitCode::some_failed);
}

TEST(ExitCodes, ours_are_1_and_ask_for_a_report) {
  const Said said = thrown(std::logic_error("index 7 of 7"));
  EXPECT_EQ(said.code, ExitCode::our_fault);
  EXPECT_EQ(said.err, "weftsim: internal error: index 7 of 7. This is our own fault, not yours: please report it.\n");
  EXPECT_EQ(thrown(42).code, ExitCode::our_fault);
}

TEST(ExitCodes, wrong_input_is_2_and_lists_all_problems) {
  const Said said = thrown(sim::InputError(std::vector<std::string>{"a.yaml:1: x: y. Do z.", "a.yaml:2: x: y. Do z."}));
  EXPECT_EQ(said.code, ExitCode::input_wrong);
  EXPECT_EQ(said.err, "a.yaml:1: x: y. Do z.\na.yaml:2: x: y. Do z.\n");
}

TEST(ExitCodes, a_stopped_simulation_is_3) { EXPECT_EQ(thrown(sim::SimulationError("deadlock")).code, ExitCode::simulation_stopped); }

TEST(ExitCodes, what_the_machine_lacks_is_4) {
  EXPECT_EQ(thrown(sim::MachineError("disk full")).code, ExitCode::machine_lacks);
  const Said said = thrown(std::bad_alloc());
  EXPECT_EQ(said.code, ExitCode::machine_lacks);
  EXPECT_THAT(said.err, HasSubstr("not enough memory"));
}

TEST(ExitCodes, ctrl_c_is_130_as_shells_have_it) { EXPECT_EQ(thrown(workloads::Interrupted()).code, ExitCode::interrupted); }

// Numbers that scripts rely on.
TEST(ExitCodes, have_the_promised_numbers) {
  EXPECT_EQ(static_cast<int>(ExitCode::done), 0);
  EXPECT_EQ(static_cast<int>(ExitCode::our_fault), 1);
  EXPECT_EQ(static_cast<int>(ExitCode::input_wrong), 2);
  EXPECT_EQ(static_cast<int>(ExitCode::simulation_stopped), 3);
  EXPECT_EQ(static_cast<int>(ExitCode::machine_lacks), 4);
  EXPECT_EQ(static_cast<int>(ExitCode::some_failed), 5);
}

TEST(Verbs, a_mistyped_one_is_answered_with_the_nearest) {
  const Said said = weftsim({"vaildate"});
  EXPECT_EQ(said.code, ExitCode::input_wrong);
  EXPECT_THAT(said.err, StartsWith("weftsim: unknown verb 'vaildate' (known: run, "));
  EXPECT_THAT(said.err, HasSubstr("Did you mean 'validate'?"));
}

TEST(Verbs, nothing_near_is_no_guess) { EXPECT_THAT(weftsim({"xylophone"}).err, testing::Not(HasSubstr("Did you mean"))); }

TEST(Verbs, those_of_later_say_so) {
  for (const std::string_view verb : cli::verbs_not_supported_yet()) {
    const Said said = weftsim({std::string(verb), "anything"});
    EXPECT_EQ(said.code, ExitCode::input_wrong);
    EXPECT_EQ(said.err, fmt::format("weftsim: '{}' is not supported yet.\n", verb));
  }
}

// INTERFACES, section 2: each verb is there, or said to be of later.
TEST(Verbs, every_promised_one_is_known) {
  for (const std::string_view promised : {"run", "check", "topo", "validate", "list", "traffic", "collective", "calibrate", "profile",
                                          "selfcheck", "sweep", "search", "plan", "compare", "report", "export", "schema", "import"}) {
    const bool there = std::ranges::any_of(cli::verbs(), [&](const cli::Verb* verb) { return verb->name == promised; });
    EXPECT_NE(there, std::ranges::count(cli::verbs_not_supported_yet(), promised) > 0) << promised;
  }
}

TEST(Help, of_every_verb_has_its_example_and_the_common_options) {
  for (const cli::Verb* verb : cli::verbs()) {
    const Said said = weftsim({std::string(verb->name), "--help"});
    EXPECT_EQ(said.code, ExitCode::done);
    EXPECT_THAT(said.out, testing::EndsWith(fmt::format("\nExample\n  {}\n", verb->example)));
    EXPECT_THAT(verb->example, StartsWith(fmt::format("weftsim {}", verb->name)));
    for (const char* option : {"--json FILE", "--quiet", "--threads N", "--seed N"}) EXPECT_THAT(said.out, HasSubstr(option)) << verb->name;
    EXPECT_EQ(said.err, "");
  }
}

TEST(Help, without_a_verb_lists_all) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{}, {"--help"}, {"-h"}}) {
    const Said said = weftsim(arguments);
    EXPECT_EQ(said.code, ExitCode::done);
    for (const cli::Verb* verb : cli::verbs()) EXPECT_THAT(said.out, HasSubstr(fmt::format("\n  {} ", verb->name)));
  }
}

// Options, each with what it must say.
struct Wrong {
  std::vector<std::string> arguments;
  const char* says;
};

void PrintTo(const Wrong& wrong, std::ostream* out) { *out << fmt::format("{}", fmt::join(wrong.arguments, " ")); }

class WrongOption : public testing::TestWithParam<Wrong> {};

TEST_P(WrongOption, is_wrong_input_and_says_what_to_do) {
  const Said said = weftsim(GetParam().arguments);
  EXPECT_EQ(said.code, ExitCode::input_wrong);
  EXPECT_THAT(said.err, HasSubstr(GetParam().says));
  EXPECT_EQ(said.out, "");
}

INSTANTIATE_TEST_SUITE_P(
    CommandLine, WrongOption,
    testing::Values(Wrong{{"run", "--netwrok", "fluid"},
                          "weftsim run: unknown option '--netwrok'. Did you mean '--network'? See 'weftsim run --help'."},
                    Wrong{{"run", "--thread=2"}, "Did you mean '--threads'?"}, Wrong{{"list", "--jsn", "-"}, "Did you mean '--json'?"},
                    Wrong{{"run", "--network", "fluit"}, "unknown network 'fluit' (known: analytic, fluid, packet). Did you mean 'fluid'?"},
                    Wrong{{"run", "--trace", "everything"}, "(known: none, summary, ops, full)"},
                    Wrong{{"run", "--threads", "two"}, "--threads: 'two' is not a whole number"},
                    Wrong{{"run", "--threads", "-1"}, "--threads: a negative number"},
                    Wrong{{"run", "--seed", "1.5"}, "--seed: '1.5' is not a whole number"},
                    Wrong{{"validate", "--tolerance", "x"}, "'x' is not a number"},
                    Wrong{{"run", "quick", "sc21-145b"}, "'sc21-145b' is one argument too many"}, Wrong{{"check"}, "SCENARIO is missing"},
                    Wrong{{"topo"}, "SCENARIO is missing"}, Wrong{{"run", "--sensitive"}, "--sensitive"},
                    Wrong{{"run", "--out"}, "See 'weftsim run --help'."}, Wrong{{"--json", "-", "run"}, "Write the verb first"}));

TEST(Words, are_told_apart_by_distance) {
  const std::vector<std::string> known = {"bandwidth", "latency", "radix"};
  EXPECT_EQ(sim::nearest_word("bandwith", known), "bandwidth");
  EXPECT_EQ(sim::nearest_word("laetncy", known), "latency");  // two neighbours swapped are one step
  EXPECT_EQ(sim::nearest_word("colour", known), "");
  EXPECT_EQ(sim::nearest_word("", known), "");
}

class Files : public testing::Test {
 protected:
  static std::string text_of(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(folder)) all.push_back(entry.path().filename().string());
    return all;
  }
  weftsim::test::TemporaryFolder temporary;
  fs::path folder = temporary.path();
};

TEST_F(Files, appear_whole_under_their_name_only) {
  const std::string path = folder / "a.json";
  cli::write_whole_file(path, "one");
  cli::write_whole_file(path, "two");
  EXPECT_EQ(text_of(path), "two");
  EXPECT_THAT(names(), testing::ElementsAre("a.json"));
}

TEST_F(Files, that_cannot_be_written_are_the_machines_fault) {
  EXPECT_THROW(cli::write_whole_file(folder / "nowhere" / "a.json", "x"), sim::MachineError);
  const Said said = weftsim({"list", "--json", (folder / "nowhere" / "a.json").string()});
  EXPECT_EQ(said.code, ExitCode::machine_lacks);
  EXPECT_THAT(said.err, HasSubstr("cannot be written (No such file or directory)"));
}

// /dev/full takes nothing, as a full disk does.
TEST_F(Files, a_full_device_is_no_success) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "this machine has no /dev/full";
  EXPECT_EQ(weftsim({"list", "--quiet", "--json", "/dev/full"}).code, ExitCode::machine_lacks);
}

TEST_F(Files, json_goes_to_the_file_and_text_to_the_terminal) {
  const Said said = weftsim({"list", "--json", (folder / "list.json").string()});
  EXPECT_EQ(said.code, ExitCode::done);
  EXPECT_THAT(said.out, StartsWith("scenarios\n"));
  EXPECT_THAT(text_of(folder / "list.json"), StartsWith("{\n"));
}

TEST(Console, json_on_standard_output_is_alone_there) {
  const Said said = weftsim({"list", "--json", "-"});
  EXPECT_THAT(said.out, StartsWith("{\n"));
  EXPECT_THAT(said.out, testing::EndsWith("\n}\n"));
  EXPECT_EQ(weftsim({"list", "--quiet"}).out, "");
}

}  // namespace

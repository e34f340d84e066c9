#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <nlohmann/json.hpp>
#include "tests/temporary_folder.hpp"

// The built program as a shell sees it: what it prints where, what it leaves behind, how it ends.
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

struct Ended {
  int code = -1;  // -1: by a signal
  std::string out, err;
};

// Each test has a folder of its own as working directory of the program.
class Program : public testing::Test {
 protected:
  pid_t start(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), WEFTSIM_BINARY);
    std::vector<char*> raw;
    for (std::string& argument : arguments) raw.push_back(argument.data());
    raw.push_back(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return child;
    const bool ready = ::chdir(folder.c_str()) == 0 && std::freopen("out", "w", stdout) && std::freopen("err", "w", stderr);
    if (ready) ::execv(WEFTSIM_BINARY, raw.data());
    ::_exit(127);
  }
  Ended end(pid_t child) const {
    int status = 0;
    ::waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of(folder / "out"), text_of(folder / "err")};
  }
  Ended weftsim(const std::vector<std::string>& arguments) const { return end(start(arguments)); }

  // Waits up to 30 s for a file: the run has begun.
  bool appears(const char* name) const {
    for (int i = 0; i < 3000; ++i, ::usleep(10'000))
      if (fs::exists(folder / name)) return true;
    return false;
  }

  weftsim::test::TemporaryFolder temporary;
  fs::path folder = temporary.path();
  // 3,072 ranks one by one: seconds, long enough for a signal.
  const std::vector<std::string> long_run = {"run", "sc21-1008b", "--no-fold", "--out", "run.h5"};
};

TEST_F(Program, runs_the_built_in_example_without_a_file) {
  const auto start_time = std::chrono::steady_clock::now();
  const Ended ended = weftsim({"run"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, HasSubstr("step time"));
  EXPECT_LT(std::chrono::steady_clock::now() - start_time, std::chrono::seconds(2)) << "promised in INTERFACES, section 1";
}

TEST_F(Program, json_on_standard_output_is_all_that_is_there) {
  const Ended ended = weftsim({"run", "--json", "-"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(json::parse(ended.out).at("name"), "quick");
  EXPECT_THAT(ended.err, testing::Not(HasSubstr("\033"))) << "no bar where standard error is no terminal";
}

TEST_F(Program, leaves_what_was_asked_for_and_nothing_else) {
  const Ended ended = weftsim({"run", "--out", "run.h5", "--timeline", "run.svg", "--json", "run.json"});
  EXPECT_EQ(ended.code, 0);
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  EXPECT_THAT(names, testing::UnorderedElementsAre("out", "err", "run.h5", "run.svg", "run.json"));
  EXPECT_THAT(ended.out, HasSubstr("  wrote       run.h5\n              run.svg\n              run.json\n"));
}

// INTERFACES, section 8.
TEST_F(Program, has_one_signature_on_any_number_of_threads_and_at_any_trace_level) {
  const auto signature = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"run", "--json", "-"});
    return json::parse(weftsim(more).out).at("signature").get<std::string>();
  };
  const std::string one = signature({"--threads", "1"});
  EXPECT_THAT(one, testing::MatchesRegex("[0-9a-f]+"));
  EXPECT_EQ(one.size(), 16u);
  EXPECT_EQ(signature({"--threads", "3"}), one);
  EXPECT_EQ(signature({"--out", "run.h5", "--trace", "full"}), one);
}

TEST_F(Program, ends_with_2_when_the_input_is_wrong) {
  std::ofstream(folder / "bad.yaml") << "schema: weftsim/1\nname: bad\nclutser: {}\n";
  const Ended ended = weftsim({"run", "bad.yaml", "--out", "run.h5"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("bad.yaml:3: "));
  EXPECT_THAT(ended.err, HasSubstr("Did you mean 'cluster'?"));
  EXPECT_EQ(ended.out, "");
  EXPECT_FALSE(fs::exists(folder / "run.h5.partial"));
  EXPECT_EQ(weftsim({"run", "nowhere.yaml"}).code, 2);
}

// 175 billion parameters on 16 GPUs.
TEST_F(Program, ends_with_3_when_the_job_does_not_fit_and_must) {
  const std::vector<std::string> big = {"run", "quick", "--set", "workload.model=gpt3-175b"};
  std::vector<std::string> must_fit = big;
  must_fit.push_back("on_oom=error");
  const Ended stopped = weftsim(must_fit);
  EXPECT_EQ(stopped.code, 3);
  EXPECT_THAT(stopped.err, HasSubstr("does not fit in memory"));
  const Ended warned = weftsim(big);
  EXPECT_EQ(warned.code, 0);
  EXPECT_THAT(warned.err, HasSubstr("does not fit in memory"));
}

TEST_F(Program, ends_with_4_when_files_cannot_be_written) {
  for (const char* option : {"--out", "--json", "--timeline"}) {
    const Ended ended = weftsim({"run", option, "nowhere/file"});
    EXPECT_EQ(ended.code, 4) << option;
    EXPECT_THAT(ended.err, HasSubstr("nowhere/file: cannot be written")) << option;
  }
}

TEST_F(Program, ends_with_5_when_validation_is_outside_its_tolerance) {
  EXPECT_EQ(weftsim({"validate", "--only", "sc21-1.7b*", "--tolerance", "0"}).code, 5);
}

TEST_F(Program, ends_in_order_on_ctrl_c) {
  const pid_t child = start(long_run);
  ASSERT_TRUE(appears("run.h5.partial"));
  ::usleep(300'000);
  ::kill(child, SIGINT);
  const Ended ended = end(child);
  EXPECT_EQ(ended.code, 130);
  EXPECT_THAT(ended.err, HasSubstr("weftsim: interrupted."));
  EXPECT_FALSE(fs::exists(folder / "run.h5"));
}

TEST_F(Program, that_is_killed_leaves_no_finished_looking_file) {
  const pid_t child = start(long_run);
  ASSERT_TRUE(appears("run.h5.partial"));
  ::usleep(300'000);
  ::kill(child, SIGKILL);
  EXPECT_EQ(end(child).code, -1);
  EXPECT_TRUE(fs::exists(folder / "run.h5.partial"));
  EXPECT_FALSE(fs::exists(folder / "run.h5"));
}

}  // namespace

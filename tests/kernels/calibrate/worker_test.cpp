#include "kernels/calibrate/worker.hpp"
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include "kernels/calibrate/journal.hpp"
#include "tests/kernels/calibrate/fake_backend.hpp"
#include "tests/temporary_folder.hpp"

// The program that measures: with a scripted device, and on this machine with two processes of MPI.
namespace kernels::calibrate {
namespace {
using testing::HasSubstr;
using weftsim::test::FakeBackend;
using weftsim::test::FakeRanks;
using weftsim::test::Script;

const Operation product = Product{{.m = 64, .n = 64, .k = 64, .precision = Precision::fp32}};
const Operation pass = MemoryPass{MemoryKernel::copy, 1e6};
const Operation reduce = Collective{CollectiveOp::all_reduce, {0, 1}, 4096};

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}
void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

class Worker : public testing::Test {
 protected:
  int run(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "weftsim-measure-cpu");
    FakeRanks alone(1, script);
    testing::internal::CaptureStderr();
    const int code = run_worker(arguments, [&](int) { return std::make_unique<FakeBackend>(alone, 0); });
    said = testing::internal::GetCapturedStderr();
    return code;
  }
  int measure() { return run({"--plan", plan.c_str(), "--journal", journal.c_str(), "--progress"}); }

  weftsim::test::TemporaryFolder folder;
  std::string plan = folder / "plan.jsonl", journal = folder / "samples.jsonl", said;
  Script script;
};

TEST_F(Worker, measures_a_plan_and_goes_on_where_it_was_cut_off) {
  write(plan, to_line(Planned(product)) + to_line(Planned(pass)));
  EXPECT_EQ(measure(), 0);
  EXPECT_THAT(said, HasSubstr("progress 1 2 "));
  EXPECT_THAT(said, HasSubstr("progress 2 2 0.0\n"));
  const std::string whole = text_of(journal);
  ASSERT_EQ(read_journal(journal).samples.size(), 2);

  EXPECT_EQ(measure(), 0);
  EXPECT_EQ(text_of(journal), whole);
  EXPECT_THAT(said, HasSubstr("2 of 2 operations are in"));

  // Cut off at a byte of each part: the result is the same as that of one run.
  for (const std::size_t length :
       {whole.size() - 1, whole.size() - 40, whole.find('\n') + 1, whole.find('\n'), std::size_t{5}, std::size_t{0}}) {
    write(journal, whole.substr(0, length));
    EXPECT_EQ(measure(), 0) << length;
    EXPECT_EQ(read_journal(journal).samples.size(), 2) << length;
  }
}

TEST_F(Worker, refuses_a_journal_of_another_machine_or_of_no_machine) {
  write(plan, to_line(Planned(product)));
  Machine other = script.machine;
  other.device = "another clock";
  write(journal, to_line(other));
  EXPECT_EQ(measure(), 2);
  EXPECT_THAT(said, HasSubstr("of another machine (device: 'another clock' there, 'a clock' here)"));
  write(journal, "my own notes");
  EXPECT_EQ(measure(), 2);
  EXPECT_EQ(text_of(journal), "my own notes");
}

TEST_F(Worker, says_what_is_wrong_with_its_input) {
  EXPECT_EQ(run({"--plan", plan.c_str()}), 2) << "no journal";
  EXPECT_EQ(measure(), 2);
  EXPECT_THAT(said, HasSubstr("plan.jsonl: there is no such file"));
  write(plan, to_line(Planned(product)) + "{\"product\":7}\n");
  EXPECT_EQ(measure(), 2);
  EXPECT_THAT(said, HasSubstr("plan.jsonl:2: product: this is a number, not an object"));
}

TEST_F(Worker, leaves_out_what_does_not_fit_into_the_budget) {
  script.seconds = [](const Operation& operation, int, int) { return std::holds_alternative<Product>(operation) ? 100.0 : 1e-3; };
  write(plan, to_line(Planned(product)) + to_line(Planned(pass)));
  EXPECT_EQ(run({"--plan", plan.c_str(), "--journal", journal.c_str(), "--budget", "1000"}), 0);
  EXPECT_THAT(said, HasSubstr("1 of 2 operations were throttled or did not fit"));
  EXPECT_EQ(read_journal(journal).samples.size(), 1);
}

TEST_F(Worker, interrupted_leaves_a_journal_that_can_be_gone_on_with) {
  script.seconds = [](const Operation& operation, int, int) {
    if (std::holds_alternative<MemoryPass>(operation)) std::raise(SIGTERM);
    return 1e-3;
  };
  write(plan, to_line(Planned(product)) + to_line(Planned(pass)));
  EXPECT_EQ(measure(), 130);
  EXPECT_THAT(said, HasSubstr("to measure the 1 operations that are left"));
  EXPECT_EQ(read_journal(journal).samples.size(), 1);
}

TEST_F(Worker, wants_as_many_ranks_as_were_asked_for) {
  const auto describe = [&](const char* ranks) {
    FakeRanks alone(1, script);
    return run_worker(std::vector{"weftsim-measure-cuda", "--describe", "--ranks", ranks},
                      [&](int) { return std::make_unique<FakeBackend>(alone, 0); });
  };
  EXPECT_EXIT(std::exit(describe("2")), testing::ExitedWithCode(4), "2 ranks were asked for, and there are 1");
  EXPECT_EQ(describe("1"), 0);
}

TEST_F(Worker, runs_a_program_for_as_many_ranks_as_were_started) {
  const std::string program = folder / "program.json", out = folder / "result.json";
  const auto text = [](int ranks, const std::string& programs) {
    return R"({"schema":"weftsim-program/1","warm_up":0,"repeats":2,"operations":[)" + to_json(product) + R"(],"ranks":)" +
           std::to_string(ranks) + R"(,"programs":)" + programs + "}";
  };
  const auto play = [&] { return run({"--program", program.c_str(), "--out", out.c_str()}); };
  write(program, text(1, R"([[{"run":0,"stream":"compute"}]])"));
  EXPECT_EQ(play(), 0) << said;
  EXPECT_THAT(text_of(out), HasSubstr(R"("step_seconds":[0.001,0.001])"));
  script.obstacle = [](const Operation&, int) { return "no fp32 here."; };
  EXPECT_EQ(play(), 2);
  EXPECT_THAT(said, HasSubstr("product 64 x 64 x 64 fp32 cannot be run here: no fp32 here."));
  write(program, text(2, "[[],[]]"));
  EXPECT_EQ(play(), 2);
  EXPECT_THAT(said, HasSubstr("the program is for 2 ranks, and 1 were started"));
}

// On this machine: two processes, real products and a real all-reduce, one program of both.
class MeasureCpu : public testing::Test {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "Open MPI does not start under ThreadSanitizer";
#endif
    if (std::string(WEFTSIM_MEASURE_CPU).empty()) GTEST_SKIP() << "weftsim-measure-cpu was not built: OpenBLAS or MPI is missing";
    if (std::system("mpirun --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "mpirun is missing";
    if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "two ranks need two cores";
  }
  int run(const std::string& arguments,
          const std::string& launcher = "mpirun --allow-run-as-root --oversubscribe --mca btl self,vader --mca pml ob1 -np 2 ") {
    const std::string leaks = "ASAN_OPTIONS=detect_leaks=0 ";  // of MPI, which keeps memory to its end
    const std::string files = " >" + (folder / "out") + " 2>" + (folder / "err");
    const int status = std::system((leaks + launcher + WEFTSIM_MEASURE_CPU + " " + arguments + files).c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  weftsim::test::TemporaryFolder folder;
};

TEST_F(MeasureCpu, measures_between_two_processes) {
  write(folder / "plan", to_line(Planned(product)) + to_line(Planned(pass)) + to_line(Planned(reduce)) +
                             to_line(Planned(Message{0, 1, 8})) +
                             to_line(Planned(Product{{.m = 64, .n = 64, .k = 64, .precision = Precision::bf16}})));
  ASSERT_EQ(run("--plan " + (folder / "plan") + " --journal " + (folder / "journal") + " --budget 3"), 0) << text_of(folder / "err");
  const Journal found = read_journal(folder / "journal");
  EXPECT_EQ(found.machine.platform, "cpu");
  EXPECT_EQ(found.machine.ranks, 2);
  ASSERT_FALSE(found.samples.empty()) << text_of(folder / "err");  // a busy machine may leave out one or the other
  for (const Sample& sample : found.samples) {
    const auto* of = std::get_if<Product>(&sample.operation);
    if (of && of->shape.precision == Precision::bf16) {
      EXPECT_THAT(sample.skipped, HasSubstr("fp32 only"));
      continue;
    }
    EXPECT_GT(sample.seconds, 1e-8);
    EXPECT_LT(sample.seconds, 0.1);
    EXPECT_LE(sample.low, sample.high);
    EXPECT_LT(of ? of->shape.flops() / sample.seconds : 0, 1e12) << "faster than any core";
  }
}

// Rank 0 sends to rank 1, both multiply while their all-reduce runs.
TEST_F(MeasureCpu, runs_a_program_of_two_processes) {
  write(folder / "program", R"({"schema":"weftsim-program/1","ranks":2,"warm_up":1,"repeats":5,"operations":[)" + to_json(product) + "," +
                                to_json(reduce) + "," + to_json(Message{0, 1, 1e6}) + R"(],"programs":[
[{"run":0,"stream":"compute"},{"order":["compute","communication"]},{"run":2,"stream":"communication"},{"run":1,"stream":"communication"},{"run":0,"stream":"compute"}],
[{"run":2,"stream":"communication"},{"order":["communication","compute"]},{"run":0,"stream":"compute"},{"run":1,"stream":"communication"},{"run":0,"stream":"compute"}]]})");
  ASSERT_EQ(run("--program " + (folder / "program") + " --out " + (folder / "result")), 0) << text_of(folder / "err");
  EXPECT_THAT(text_of(folder / "result"), HasSubstr("\"step_seconds\":["));
}

TEST_F(MeasureCpu, works_alone_and_describes_the_machine) {
  ASSERT_EQ(run("--describe", ""), 0) << text_of(folder / "err");
  EXPECT_THAT(text_of(folder / "out"), HasSubstr("\"platform\":\"cpu\""));
  EXPECT_THAT(text_of(folder / "out"), HasSubstr("OpenBLAS"));
}

}  // namespace
}  // namespace kernels::calibrate

#include "kernels/calibrate/worker.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include "kernels/calibrate/journal.hpp"
#include "kernels/calibrate/measure.hpp"
#include "kernels/calibrate/program_player.hpp"
#include "sim/error.hpp"

namespace kernels::calibrate {
namespace {

constexpr std::size_t largest_input = std::size_t{256} << 20;
constexpr double without_limit = std::numeric_limits<double>::infinity();

volatile std::sig_atomic_t signalled = 0;

struct Options {
  std::string plan, journal, program, out;
  double budget = without_limit;
  int rounds = 1, ranks = 0;
  bool describe = false, progress = false, warm_cache = false;
};

// Rank 0 reads the file and all get its text, eight bytes at a time; so all find the same problems in it.
std::string read_together(OperationBackend& backend, const std::string& path) {
  std::string text, problem;
  if (backend.rank() == 0) {
    try {
      text = read_file(path, largest_input);
    } catch (const sim::InputError& error) {
      problem = error.what();
    }
  }
  if (backend.agree(!problem.empty())) throw sim::InputError(problem);
  text.resize(static_cast<std::size_t>(backend.agree(static_cast<std::int64_t>(text.size()))));
  for (std::size_t at = 0; at < text.size(); at += sizeof(std::int64_t)) {
    const std::size_t length = std::min(sizeof(std::int64_t), text.size() - at);
    std::int64_t word = 0;
    std::memcpy(&word, text.data() + at, length);
    word = backend.agree(word);
    std::memcpy(text.data() + at, &word, length);
  }
  return text;
}

void write(std::FILE* file, const std::string& text, const std::string& path) {
  if (std::fwrite(text.data(), 1, text.size(), file) != text.size() || std::fflush(file) != 0)
    throw sim::MachineError(fmt::format("{}: cannot be written. Check the disk.", path));
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

File open(const std::string& path, const char* mode) {
  File file(std::fopen(path.c_str(), mode));
  if (!file) throw sim::MachineError(fmt::format("{}: cannot be written. Check the folder and its permissions.", path));
  return file;
}

// Measures what the journal lacks, and appends to it; only rank 0 touches files.
class Calibration {
 public:
  Calibration(OperationBackend& backend, const Options& options)
      : backend_(backend), options_(options), harness_(backend, measure_options(), [] { return signalled != 0; }) {}

  int run() {
    const auto plan = parse_plan(read_together(backend_, options_.plan), options_.plan);
    const Journal journal = open_journal();
    std::vector<Planned> left;
    for (const auto& planned : plan)
      if (!journal.holds(planned)) left.push_back(planned);
    total_ = plan.size();
    if (left.size() < total_)
      say(fmt::format("goes on: {} of {} operations are in {} already.", total_ - left.size(), total_, options_.journal));
    start_ = backend_.host_seconds();
    // What was throttled, or too long for its share of the time, gets a second chance.
    for (int pass = 0; pass < 2 && !left.empty(); ++pass) left = measure(left);
    measure_again(plan, journal, left);
    if (harness_.interrupted()) {
      say(fmt::format("interrupted. Start it again with the same files to measure the {} operations that are left.", left.size()));
      return 130;
    }
    if (!left.empty()) say(fmt::format("{} of {} operations were throttled or did not fit into the time.", left.size(), plan.size()));
    return 0;
  }

 private:
  MeasureOptions measure_options() const {
    MeasureOptions made = options_for(backend_.machine());
    made.flush = !options_.warm_cache;
    return made;
  }

  void say(const std::string& text) const {
    if (backend_.rank() == 0) fmt::print(stderr, "weftsim-measure: {}\n", text);
  }

  Journal open_journal() {
    const Machine machine = backend_.machine();
    const auto there = backend_.rank() == 0 && std::filesystem::exists(options_.journal);
    Journal journal;
    if (backend_.agree(there)) {
      const std::string text = read_together(backend_, options_.journal);
      const std::string first = to_line(machine).substr(0, 20);
      const bool cut_in_first_line = text.find('\n') == std::string::npos && first.substr(0, text.size()) == text.substr(0, first.size());
      if (!cut_in_first_line) {
        journal = parse_journal(text, options_.journal);
        const auto differ = differences(journal.machine, machine);
        if (backend_.agree(!differ.empty()))
          throw sim::InputError(fmt::format("{}:1: this journal is of another machine ({}). Give another file, or remove this one.",
                                            options_.journal, fmt::join(differ, "; ")));
      }
    }
    if (backend_.rank() == 0) {
      file_ = open(options_.journal, journal.whole_bytes > 0 ? "ab" : "wb");
      if (journal.whole_bytes > 0) std::filesystem::resize_file(options_.journal, journal.whole_bytes);
      if (journal.whole_bytes == 0) write(file_.get(), to_line(machine), options_.journal);
    }
    return journal;
  }

  // A machine may be slow for some seconds: what there is time for is measured again later, and the journal's reader takes the median.
  void measure_again(const std::vector<Planned>& plan, const Journal& before, const std::vector<Planned>& failed) {
    std::vector<Planned> again;
    for (const auto& planned : plan)
      if (std::holds_alternative<Operation>(planned) && std::find(failed.begin(), failed.end(), planned) == failed.end())
        again.push_back(planned);
    for (int round = 1; round < options_.rounds && !harness_.interrupted(); ++round) {
      std::vector<Planned> due;
      for (const auto& planned : again)
        if (before.times_of(std::get<Operation>(planned)) <= round) due.push_back(planned);
      total_ += due.size();
      measure(due);
    }
  }

  // Returns what could not be measured.
  std::vector<Planned> measure(const std::vector<Planned>& planned) {
    std::vector<Planned> failed;
    for (std::size_t i = 0; i < planned.size(); ++i) {
      const double elapsed = backend_.host_seconds() - start_;
      const double share = (options_.budget - elapsed) / static_cast<double>(planned.size() - i);
      if (harness_.interrupted() || backend_.agree(share <= 0)) {
        failed.insert(failed.end(), planned.begin() + static_cast<std::ptrdiff_t>(i), planned.end());
        break;
      }
      show_progress(elapsed, planned.size() - i + failed.size());
      const bool measured = std::visit([&](const auto& one) { return record(harness_.measure(one, share)); }, planned[i]);
      if (measured)
        ++measured_;
      else
        failed.push_back(planned[i]);
    }
    show_progress(backend_.host_seconds() - start_, failed.size());
    return failed;
  }

  template <class Result>
  bool record(const std::optional<Result>& result) {
    if (result && file_) write(file_.get(), to_line(*result), options_.journal);
    return result.has_value();
  }

  void show_progress(double elapsed, std::size_t left) const {
    if (!options_.progress || backend_.rank() != 0) return;
    const double each = measured_ > 0 ? elapsed / static_cast<double>(measured_) : without_limit;
    const double seconds_left = left == 0 ? 0 : std::max(0.0, std::min(each * static_cast<double>(left), options_.budget - elapsed));
    if (seconds_left == without_limit) return;  // not known yet
    fmt::print(stderr, "progress {} {} {:.1f}\n", total_ - left, total_, seconds_left);
  }

  OperationBackend& backend_;
  const Options& options_;
  Harness harness_;
  File file_;
  std::size_t total_ = 0, measured_ = 0;
  double start_ = 0;
};

void run_program(OperationBackend& backend, const Options& options) {
  const Program program = parse_program(read_together(backend, options.program), options.program);
  if (program.ranks != backend.ranks())
    throw sim::InputError(fmt::format("{}:1: ranks: the program is for {} ranks, and {} were started. Start as many.", options.program,
                                      program.ranks, backend.ranks()));
  check_program(program, options.program);
  const File out = backend.rank() == 0 ? open(options.out, "wb") : nullptr;  // before it runs for long
  const ProgramResult result = play(program, backend);
  const Machine machine = backend.machine();
  if (out) write(out.get(), to_json(result, machine), options.out);
}

int run(OperationBackend& backend, const Options& options) {
  if (options.describe) {
    const std::string machine = to_json(backend.machine());
    if (backend.rank() == 0) fmt::print("{}\n", machine);
  }
  if (!options.program.empty()) run_program(backend, options);
  return options.plan.empty() ? 0 : Calibration(backend, options).run();
}

// The launcher notices, and ends the other ranks, which may be waiting for this one.
[[noreturn]] void end_process(int code, const std::string& why) {
  fmt::print(stderr, "weftsim-measure: {}\n", why);
  std::fflush(nullptr);
  std::_Exit(code);
}

}  // namespace

int run_worker(std::span<const char* const> arguments, const MakeBackend& make_backend) {
  Options options;
  CLI::App app("Measures operations on the attached hardware. `weftsim calibrate` and `weftsim selfcheck` start it.");
  auto* plan = app.add_option("--plan", options.plan, "operations to measure, most important first");
  plan->needs(app.add_option("--journal", options.journal, "where to write the samples; what is there already is not measured again"));
  app.add_option("--budget", options.budget, "seconds that the plan may take")->check(CLI::PositiveNumber);
  auto* program = app.add_option("--program", options.program, "what each rank runs, to be timed")->excludes(plan);
  program->needs(app.add_option("--out", options.out, "where to write the times of the program"));
  app.add_option("--rounds", options.rounds, "how often to measure each operation, if there is time")->check(CLI::Range(1, 100));
  app.add_option("--ranks", options.ranks, "processes, one a GPU (default: all GPUs; under a launcher those that it started)")
      ->check(CLI::PositiveNumber);
  app.add_flag("--describe", options.describe, "print what was found of this machine");
  app.add_flag("--progress", options.progress, "lines `progress DONE TOTAL SECONDS_LEFT` on standard error");
  app.add_flag("--warm-cache", options.warm_cache, "leave operands in the cache between kernels");
  try {
    app.parse(static_cast<int>(arguments.size()), arguments.data());
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::unique_ptr<OperationBackend> backend;
  try {
    backend = make_backend(options.ranks);
    if (options.ranks > 0 && backend->ranks() != options.ranks)
      throw sim::MachineError(fmt::format("{} ranks were asked for, and there are {}. Ask for as many, or leave --ranks out.",
                                          options.ranks, backend->ranks()));
    signalled = 0;
    std::signal(SIGINT, [](int) { signalled = 1; });
    std::signal(SIGTERM, [](int) { signalled = 1; });
    return run(*backend, options);
  } catch (const sim::InputError& error) {  // the same at all ranks
    if (!backend || backend->rank() == 0) fmt::print(stderr, "weftsim-measure: {}\n", error.what());
    return 2;
  } catch (const sim::MachineError& error) {
    end_process(4, error.what());
  } catch (const std::bad_alloc&) {
    end_process(4, "the memory of this machine is full. Give fewer or smaller operations.");
  } catch (const std::exception& error) {
    end_process(1, fmt::format("{}. This is our own fault; please report it.", error.what()));
  }
}

}  // namespace kernels::calibrate

#include "bindings/cli/measuring.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include "bindings/cli/child_process.hpp"
#include "bindings/cli/progress.hpp"
#include "kernels/calibrate/journal.hpp"  // read_machine
#include "sim/error.hpp"
#include "workloads/quantity.hpp"  // parse_number

namespace cli {
namespace {

namespace fs = std::filesystem;
using kernels::calibrate::Machine;

constexpr std::size_t largest_file = std::size_t{256} << 20;

std::string own_folder() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return error ? std::string() : self.parent_path().string();
}

// WEFTSIM_MEASURE_CPU, WEFTSIM_MEASURE_CUDA; beside this program; in PATH.
std::string worker_for(const std::string& platform) {
  const std::string name = "weftsim-measure-" + platform;
  const std::string variable = platform == "cpu" ? "WEFTSIM_MEASURE_CPU" : "WEFTSIM_MEASURE_CUDA";
  if (const char* given = std::getenv(variable.c_str())) return given;
  const std::string beside = own_folder() + "/" + name;
  return fs::exists(beside) ? beside : name;
}

// As root Open MPI wants to be told twice; more ranks than cores are slow, but run. Shared memory needs no network.
std::vector<std::string> launcher(int ranks) {
  if (ranks == 1) return {};
  std::vector<std::string> command = {"mpirun"};
  if (::geteuid() == 0) command.emplace_back("--allow-run-as-root");
  for (const char* option : {"--oversubscribe", "--mca", "btl", "self,vader", "--mca", "pml", "ob1"}) command.emplace_back(option);
  const long cores = ::sysconf(_SC_NPROCESSORS_ONLN);
  for (const char* option : {"--bind-to", ranks <= cores ? "core" : "none"}) command.emplace_back(option);
  command.insert(command.end(), {"-n", fmt::format("{}", ranks)});
  return command;
}

struct Answer {
  std::optional<Machine> machine;
  std::string why_not;
};

Answer describe(std::vector<std::string> command) {
  command.emplace_back("--describe");
  std::string words;
  const ChildResult child =
      run_child(command, [&](std::string_view line) { words += fmt::format("{}{}", words.empty() ? "" : " ", line); });
  if (!child.found)
    return {std::nullopt, fmt::format("'{}' is not installed. Install it, or build weftsim where its libraries are (docs/calibration.md).",
                                      command.front())};
  if (child.code != 0) return {std::nullopt, words.empty() ? fmt::format("'{}' ended with {}.", command.front(), child.code) : words};
  const kernels::JsonNode node = kernels::parse_json(child.output, command.front() + " --describe");
  kernels::JsonProblems problems(command.front() + " --describe");
  Machine machine = kernels::calibrate::read_machine(node, "", problems);
  problems.throw_if_any();
  return {std::move(machine), {}};
}

std::vector<std::string> command_for(const std::string& platform, int ranks) {
  std::vector<std::string> command = platform == "cpu" ? launcher(ranks) : std::vector<std::string>{};
  command.push_back(worker_for(platform));
  if (ranks > 0 && platform != "cpu") command.insert(command.end(), {"--ranks", fmt::format("{}", ranks)});
  return command;
}

}  // namespace

Measuring::Measuring(const std::string& device, int ranks) {
  std::string why_not;
  for (const char* platform : {"cuda", "cpu"}) {
    if (device != "auto" && device != platform) continue;
    const bool cpu = std::string_view(platform) == "cpu";
    const int count = ranks > 0 ? ranks : cpu ? static_cast<int>(std::min(2L, ::sysconf(_SC_NPROCESSORS_ONLN))) : 0;
    command_ = command_for(platform, count);
    Answer answer = describe(command_);
    if (answer.machine) {
      machine_ = std::move(*answer.machine);
      return;
    }
    why_not += fmt::format("{}--device {}: {}", why_not.empty() ? "" : "\n", platform, answer.why_not);
  }
  throw sim::MachineError(why_not);
}

Measuring::Ended Measuring::run(std::vector<std::string> arguments, bool quiet) const {
  std::vector<std::string> command = command_;
  command.insert(command.end(), arguments.begin(), arguments.end());
  const CtrlC ctrl_c;
  std::string words;
  ChildResult child;
  {
    ProgressBar bar(!quiet);
    child = run_child(command, [&](std::string_view line) {
      double done = 0, all = 0, left = 0;
      if (std::sscanf(std::string(line).c_str(), "progress %lf %lf %lf", &done, &all, &left) == 3)
        bar.show(all > 0 ? done / all : 0);
      else
        words += fmt::format("{}\n", line);
    });
  }
  if (CtrlC::pressed() || child.code == static_cast<int>(ExitCode::interrupted)) return Ended::interrupted;
  if (child.code == static_cast<int>(ExitCode::input_wrong)) throw sim::InputError(words);
  if (child.code != 0) throw sim::MachineError(words.empty() ? fmt::format("'{}' ended with {}.", command.front(), child.code) : words);
  if (!quiet) fmt::print(stderr, "{}", words);
  return Ended::well;
}

double seconds_in(const std::string& text, const std::string& option) {
  std::string_view number = text;
  double unit = 1;
  if (const auto at = text.empty() ? std::string::npos : std::string("smh").find(text.back()); at != std::string::npos) {
    number.remove_suffix(1);
    unit = at == 0 ? 1 : at == 1 ? 60 : 3600;
  }
  const auto value = workloads::parse_number(number);
  if (value && *value > 0 && *value * unit <= 1e6) return *value * unit;
  throw sim::InputError(fmt::format("{}: '{}' is no time. Write '90s', '5m' or '1h'.", option, text));
}

std::string text_of(const std::string& path) { return kernels::read_file(path, largest_file); }

WorkFolder::WorkFolder() {
  std::string pattern = (fs::temp_directory_path() / "weftsim-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) throw sim::MachineError(fmt::format("{}: no folder can be made there. Check the disk.", pattern));
  path_ = pattern;
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace cli

#include <fmt/format.h>
#include <sstream>
#include "sim/error.hpp"
#include "workloads/scenario_text.hpp"
#include "workloads/schedules/own_schedule.hpp"
#include "workloads/shell.hpp"

namespace workloads {
namespace {

// Prints a row a stage. A pass is a text, or ("F", micro_batch[, chunk]); a list of passes is one slot.
constexpr const char* driver = R"py(
import collections, runpy, sys
path, *numbers = sys.argv[1:]
shape = collections.namedtuple("ScheduleShape", "stages chunks micro_batches")(*map(int, numbers))
function = runpy.run_path(path).get("schedule") or sys.exit("there is no function schedule(shape, stage)")
word = lambda p: p if isinstance(p, str) else p[0] + ".".join(map(str, p[1:]))
for stage in range(shape.stages):
    print("row", *("+".join(map(word, s)) if isinstance(s, list) else word(s) for s in function(shape, stage)))
)py";

std::vector<std::string> rows_of(const std::string& text) {
  std::vector<std::string> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    line.resize(std::min(line.find('#'), line.size()));
    if (line.find_first_not_of(" \t\r") != std::string::npos) rows.push_back(line);
  }
  return rows;
}

std::vector<std::string> run_python(const std::string& path, const ScheduleShape& shape) {
  const auto answer =
      ask_shell(fmt::format("python3 -c {} {} {} {} {}", quoted(driver), quoted(path), shape.stages, shape.chunks, shape.micro_batches),
                largest_text);
  if (!answer) throw sim::MachineError("this machine starts no more programs, but a schedule is a Python file.");
  if (answer->code == 127)
    throw sim::MachineError(fmt::format("{}: this machine has no python3. Install it, or write the schedule as a table.", path));
  if (answer->code != 0) throw sim::InputError(fmt::format("{}: {}. Correct it.", path, answer->text.substr(answer->text.rfind('\n') + 1)));
  std::vector<std::string> rows;
  for (const std::string& line : rows_of(answer->text))  // what the file prints itself is no row
    if (line.starts_with("row")) rows.push_back(line.substr(3));
  return rows;
}

}  // namespace

std::vector<std::string> read_schedule(const std::string& path, const ScheduleShape& shape) {
  return path.ends_with(".py") ? run_python(path, shape) : rows_of(read_text_file(path));
}

}  // namespace workloads

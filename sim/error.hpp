#pragma once
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// What can go wrong, by who has to act. Each class is one exit code of the command line
// (2, 3, 4); every other exception is our own fault (exit code 1).
namespace sim {

// The user's to fix: exit code 2, `weftsim.InputError` (a ValueError) in Python.
// Holds all problems of an input at once, each `FILE:LINE: where: what is wrong. What to do.`
class InputError : public std::runtime_error {
 public:
  explicit InputError(std::vector<std::string> problems) : std::runtime_error(joined(problems)), problems_(std::move(problems)) {}
  explicit InputError(std::string problem) : InputError(std::vector{std::move(problem)}) {}
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  static std::string joined(const std::vector<std::string>& problems) {
    std::string text;
    for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + problem;
    return text;
  }
  std::vector<std::string> problems_;
};

// The simulated system cannot go on (deadlock, no route, out of memory by `on_oom: error`): exit code 3.
class SimulationError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// This machine lacks something (disk full, no GPU): exit code 4.
class MachineError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace sim

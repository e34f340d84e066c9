#pragma once
#include <string>
#include <string_view>
#include <variant>
#include <vector>
#include "kernels/calibrate/operation.hpp"
#include "kernels/calibrate/operation_backend.hpp"

// Runs what every rank does in a training step for real, and times it. Formats: README.md.
namespace kernels::calibrate {

struct Run {
  std::size_t operation = 0;  // of Program::operations
  Stream stream = Stream::compute;
};
struct Order {
  Stream earlier = Stream::compute, later = Stream::communication;
};
struct Synchronize {};
using ProgramStep = std::variant<Run, Order, Synchronize>;

struct Program {
  int ranks = 1;
  int warm_up = 1, repeats = 1;
  std::vector<Operation> operations;
  std::vector<std::vector<ProgramStep>> programs;  // of each rank
};

struct ProgramResult {
  struct Rank {
    double compute = 0, waiting = 0;  // seconds on its stream of kernels: in kernels, and not
  };
  std::vector<double> step_seconds;  // of each repeat, at the slowest rank
  int throttled = 0;                 // repeats thrown away; at most as many as are kept
  std::vector<Rank> ranks;           // of one more repeat, in which each kernel is timed
};

Program parse_program(std::string_view json, const std::string& file);  // throws sim::InputError
// Throws sim::InputError where a rank would wait for ever: its partner never calls, or another operation first.
void check_program(const Program& program, const std::string& file);

// All ranks call it. A run without progress for `patience_seconds` ends the process with a sentence and exit code 4.
ProgramResult play(const Program& program, OperationBackend& backend, double patience_seconds = 60);
std::string to_json(const ProgramResult& result, const Machine& machine);

}  // namespace kernels::calibrate

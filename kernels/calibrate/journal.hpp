#pragma once
#include <string>
#include <string_view>
#include <vector>
#include "kernels/calibrate/operation.hpp"
#include "kernels/calibrate/operation_backend.hpp"  // Machine

// What a calibration has measured so far, one JSON object a line (README.md), written line by line so that an
// interrupted one goes on; and the plan, which has the same lines without results.
namespace kernels::calibrate {

// Both started at once, to learn how much they slow each other.
struct Beside {
  Product product;
  Collective collective;
  bool operator==(const Beside&) const = default;
};
using Planned = std::variant<Operation, Beside>;

struct Sample {
  Operation operation;
  double seconds = 0, low = 0, high = 0;  // median of one run, and its 95 % confidence interval
  int samples = 0;                        // kept
  int throttled = 0;                      // thrown away
  int outliers = 0;                       // of the kept, beyond five median absolute deviations
  bool flushed = false;                   // operands came from memory
  std::string skipped{};                  // why there is no time; empty: there is
  double apart = 0;                       // of communication: OperationBackend::apart()
  int rounds = 1;                         // that it was measured in, seconds apart; `seconds` is the median of their medians
};

// Medians of one run each; the shorter of both is repeated until they last about equally long.
struct BesideSample {
  Beside pair;
  double product_alone = 0, collective_alone = 0;
  double product_beside = 0, collective_beside = 0;  // from the common start to the end of each
  int product_runs = 1, collective_runs = 1;         // that were started together
  int samples = 0, throttled = 0;
  std::string skipped{};
};

struct Journal {
  Machine machine;
  std::vector<Sample> samples;
  std::vector<BesideSample> beside;
  double apart = 0;             // the middle one of all lines that have it
  std::size_t whole_bytes = 0;  // of the file without a last line that was cut off
  bool holds(const Planned& planned) const;
  int times_of(const Operation& operation) const;  // how often it was measured
};

// Whether small collectives take as long at both: cores of one cache, or of two, or the same.
bool as_far_apart(double one, double other);

// All throw sim::InputError with FILE:LINE. A last line without its end is left out, other damage is an error.
// Communication counts that was measured while the ranks were `apart`; zero: as far as they usually were.
Journal read_journal(const std::string& path, double apart = 0);
Journal parse_journal(std::string_view text, const std::string& file, double apart = 0);
std::vector<Planned> read_plan(const std::string& path);
std::vector<Planned> parse_plan(std::string_view text, const std::string& file);

// One line each, with its end.
std::string to_line(const Machine& machine);  // the first line of a journal
std::string to_line(const Sample& sample);
std::string to_line(const BesideSample& sample);
std::string to_line(const Planned& planned);

Machine read_machine(const JsonNode& node, const std::string& path, JsonProblems& problems);
std::string to_json(const Machine& machine);
// Each thing that differs, "device: 'A' there, 'B' here"; empty: the same machine.
std::vector<std::string> differences(const Machine& there, const Machine& here);

}  // namespace kernels::calibrate

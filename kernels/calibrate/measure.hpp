#pragma once
#include <functional>
#include <optional>
#include <vector>
#include "kernels/calibrate/journal.hpp"
#include "kernels/calibrate/operation_backend.hpp"

// Measures operations through any OperationBackend. All ranks call it alike, and all run every operation at the same
// time, as they do in a training step: they share clocks, memory and links. Of each sample the slowest rank counts.
namespace kernels::calibrate {

struct MeasureOptions {
  double interval = 0.01;           // stop when the 95 % interval of the median is within this part of it
  double least_sample_seconds = 0;  // runs per sample, so that the clock's resolution does not count
  double least_seconds = 0.05;      // of one operation: a moment's disturbance shall not be all of it
  double most_seconds = 5;          // of one operation, however much of the budget is left
  int usual_samples = 10, most_samples = 1000;
  bool flush = true;  // between kernels: their operands come from memory
};
// 1 % on a device with its own clocks; 3 % on CPU cores, whose speed moves more than that from one second to the next.
MeasureOptions options_for(const Machine& machine);

class Harness {
 public:
  // `interrupted` is asked by rank 0 between samples.
  Harness(OperationBackend& backend, MeasureOptions options, std::function<bool()> interrupted);
  // In about so many seconds, at most four times as many. Nothing: they were too few, all was throttled,
  // the ranks were moved apart or together meanwhile, or interrupted.
  std::optional<Sample> measure(const Operation& operation, double seconds);
  std::optional<BesideSample> measure(const Beside& pair, double seconds);
  bool interrupted() const { return was_interrupted_; }

 private:
  struct Timings {
    std::vector<double> kept;  // of one run
    int throttled = 0;
  };
  enum Decision : std::int64_t { go_on, enough, give_up };
  using Span = std::function<double(int runs)>;  // does so many runs; the seconds of all at this rank

  std::string obstacle(const Operation& operation);  // of any rank
  double slowest(const Span& span, int runs);        // over all ranks; infinite: a device was throttled
  Decision agree(Decision mine);                     // rank 0's, which may have been interrupted
  std::optional<Timings> repeat(const Span& span, double seconds);
  double time_kernel(Prepared prepared, int runs);
  double time_in_stream(Prepared prepared, int runs, Stream stream);
  double time_of_host(Prepared prepared, int runs);
  double time_round_trips(Prepared there, Prepared back, int runs);

  OperationBackend& backend_;
  MeasureOptions options_;
  std::function<bool()> asked_to_stop_;
  bool was_interrupted_ = false;
};

}  // namespace kernels::calibrate

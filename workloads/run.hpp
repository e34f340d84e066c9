#pragma once
#include <functional>
#include <string>
#include "sim/trace_sink.hpp"
#include "workloads/result.hpp"
#include "workloads/scenario.hpp"

namespace workloads {

class RunCache;
enum class TraceLevel : std::uint8_t { none, summary, ops, full };  // full: every kernel

struct RunOptions {
  int threads = 1;     // that may share one large solve (0: as many as the machine gives); the result does not depend on it
  bool fold = true;    // simulate ranks that provably do the same once
  bool exact = false;  // every message of every collective, also where one variable tells the same
  TraceLevel trace_level = TraceLevel::none;
  bool critical_path = false;       // JobResult::critical_path
  sim::TraceSink* trace = nullptr;  // may be null; must outlive the run
  RunCache* cache = nullptr;        // of runs that share profiles; may be null
  // Called now and then with the fraction done (0..1); returning false stops the run (Interrupted is thrown).
  std::function<bool(double)> progress;
  std::function<void(const std::string&)> notice;  // told before a run that will take minutes; may be empty
};

struct Interrupted : std::exception {
  const char* what() const noexcept override { return "interrupted"; }
};

// Scenario -> fabric + device profile + rank programs -> result. Throws sim::InputError,
// sim::SimulationError (deadlock, no route, out of memory by `on_oom: error`).
Result run(const Scenario& scenario, const RunOptions& options = {});

}  // namespace workloads

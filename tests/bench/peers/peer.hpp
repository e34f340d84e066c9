#pragma once
#include <sys/wait.h>
#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>
#include "tests/bench/common_cases.hpp"
#include "tests/bench/report.hpp"

// One case on another simulator and on this one, in the same run.
namespace bench {

struct PeerRun {
  double cpu_seconds = 0;         // of the simulation; the building of its network is not counted
  std::vector<double> durations;  // of every transfer, finish minus start, seconds; empty: only the makespan is compared
  double makespan = 0;            // seconds
  double tolerance = 0;           // of every duration, relative, or, where there are none, of the makespan, seconds; 0: only shown
};

// A row of the table; false when the answers differ by more than the tolerance.
inline bool compare(const Case& input, const PeerRun& peer) {
  Outcome ours;
  const double seconds = cpu_seconds([&] { ours = simulate(input); });
  double worst = 0;
  for (std::size_t i = 0; i < peer.durations.size(); ++i)
    worst = std::max(worst, std::abs((ours.finishes[i] - input.transfers[i].start).in_seconds() / peer.durations[i] - 1));
  const double apart = std::abs(ours.makespan.in_seconds() - peer.makespan);
  const bool agrees = peer.tolerance == 0 || (peer.durations.empty() ? apart : worst) <= peer.tolerance;
  std::printf("%-12s %9zu %10.2f %10.2f %8.1f %14.3f %14.3f", input.name.c_str(), input.flows(), seconds * 1e3, peer.cpu_seconds * 1e3,
              peer.cpu_seconds / seconds, ours.makespan.in_seconds() * 1e6, peer.makespan * 1e6);
  if (!peer.durations.empty()) std::printf(" %10.1e", worst);
  std::printf("%s\n", agrees ? "" : "  the answers differ by more than they may");
  return agrees;
}

// PROGRAM [FOLDER]: every case in a process of its own; made here, or read from the published files in FOLDER.
template <class Run>
int compare_all(const char* peer, std::span<const char* const> names, int argc, char** argv, Run run) {
  std::printf("%-12s %9s %10s %10s %8s %14s %14s %10s\n", "case", "messages", "CPU ms", peer, "times", "makespan us", peer, "worst flow");
  bool all_agree = true;
  for (const char* name : names) {
    std::fflush(stdout);
    if (const pid_t child = fork(); child != 0) {
      int status = 0;
      waitpid(child, &status, 0);
      all_agree = all_agree && status == 0;
      continue;
    }
    try {
      const Case input = argc > 1 ? read_case(name, argv[1]) : make_case(name);
      const bool agrees = compare(input, run(input));
      std::fflush(stdout);
      _exit(agrees ? 0 : 1);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      _exit(1);
    }
  }
  return all_agree ? 0 : 1;
}

}  // namespace bench

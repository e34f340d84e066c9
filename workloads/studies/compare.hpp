#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Two runs side by side: how much slower or dearer is B than A, how sure is that, and where does it come from.
namespace workloads {

// A figure of both, in SI units; nothing where one of them does not know it.
struct ComparedFigure {
  std::string name, unit;
  std::optional<double> a, b;
  std::optional<double> difference() const { return a && b ? std::optional(*b - *a) : std::nullopt; }
  std::optional<double> ratio() const { return a && b && *a != 0 ? std::optional(*b / *a) : std::nullopt; }
};

struct ComparedRun {
  std::string name;
  double step_time_s = 0, low_s = 0, high_s = 0;  // 90 %
};

struct Comparison {
  ComparedRun a, b;
  double ratio = 1, low = 1, high = 1;      // step time of B / A, and 90 %: what both owe to one cause cancels
  std::vector<ComparedFigure> figures;      // tokens per second, price, power, …
  std::vector<ComparedFigure> breakdown;    // seconds of a step, mean over ranks; the greatest difference first
  std::vector<ComparedFigure> memory;       // of the fullest rank
  std::vector<ComparedFigure> links;        // of the network
  std::vector<std::string> full_a, full_b;  // links that held flows back, worst first
};

// From the summaries of two runs (the JSON of `weftsim run`). Throws sim::InputError for one that lacks what is compared.
Comparison compare(std::string_view summary_a, std::string_view summary_b);

// The summary of what a user names: RUN.h5, a row of a sweep (DIR/results.csv:12 or DIR/results.h5:12), or a scenario, which is run.
std::string summary_of(const std::string& what, int threads);

std::string comparison_json(const Comparison& comparison);

}  // namespace workloads

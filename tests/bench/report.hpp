#pragma once
#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct Row {
  std::string what, size;
  double value = 0;
  std::string unit;  // "…/s": more is better; any other: less
};

// Collects what was measured, prints it as a table beside what is asked for and what others reach (figures.csv), writes it as JSON.
class Report {
 public:
  explicit Report(std::string filter = {});  // a part of the names of the measurements that are wanted
  bool wants(std::string_view what) const { return what.find(filter_) != std::string_view::npos; }
  void add(Row row);
  void say(const std::string& text);  // below the last row
  void write_json(const std::filesystem::path& path) const;

 private:
  struct Figure {  // a row of figures.csv
    std::string what, size, kind;
    double value = 0;
  };
  std::string beside(const Row& row) const;

  std::string filter_;
  std::vector<Figure> figures_;
  std::vector<Row> rows_;
};

template <class Work>
double cpu_seconds_once(Work&& work) {
  const std::clock_t before = std::clock();
  work();
  return static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
}
template <class Work>
double wall_seconds_once(Work&& work) {
  const auto before = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
}
// Of the fastest of several runs, for half a second or so: other programs only ever slow one down.
template <class Work>
double cpu_seconds(Work&& work) {
  double best = 1e300, total = 0;
  for (int runs = 0; runs < 2 || (runs < 20 && total < 0.5); ++runs) {
    const double seconds = cpu_seconds_once(work);
    best = std::min(best, seconds);
    total += seconds;
  }
  return best;
}

double allocated();  // bytes of the heap that are in use

// Each adds its rows.
void event_queue(Report& report);
void solver(Report& report);
void networks(Report& report);
void coupled(Report& report);
void collective(Report& report);
void packets(Report& report);
void packets_against_fluid(Report& report);
void training(Report& report);
void memory(Report& report);
void fabrics(Report& report);
void sweeps(Report& report);
void traces(Report& report);

}  // namespace bench

#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>
#include "kernels/calibrate/logs/read_logs.hpp"

// One run of nccl-tests, as its text and its JSON say it, and the checks that both need.
namespace kernels::calibrate {

// A printed number, and one unit of its last digit: what was measured is within that of it.
struct Printed {
  double value = 0, digit = 0;
};
std::optional<Printed> parse_printed(std::string_view text);  // finite, not negative

struct NcclRow {
  int line = 0;
  double bytes = 0;
  std::string redop;        // "none": does not reduce; empty: the log has no such column, as before 2.13 where none is needed
  std::optional<int> root;  // -1: has none; absent: likewise
  bool out_of_place_checked = false, in_place_checked = false;  // its results; false in JSON, which names its test
  Printed time_us, algorithm_GBps, bus_GBps;
};

struct NcclRun {
  std::string file, test, device, nccl;  // test: "all_reduce_perf", or empty
  struct Group {
    std::set<int> ranks;
    std::set<std::string> hosts;
  };
  std::map<int, Group> groups;  // NCCL_TESTS_SPLIT makes several
  std::vector<NcclRow> rows;

  void add_rank(int line, int rank, int group, const std::string& host, const std::string& name);
};

// "2.28.9" from NCCL's own number, 22809; empty if it is none.
std::string nccl_version(double code);
// Checks the rows against each other and appends them. Throws sim::InputError.
void append(const NcclRun& run, const LogOptions& options, Logs& logs);

NcclRun read_nccl_json(const std::string& text, const std::string& file);
std::vector<NcclRun> read_nccl_text(const std::string& text, const std::string& file);

}  // namespace kernels::calibrate

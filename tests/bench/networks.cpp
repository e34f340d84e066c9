#include <fmt/format.h>
#include "tests/bench/common_cases.hpp"
#include "tests/bench/report.hpp"

namespace bench {

void networks(Report& report) {
  const auto add = [&](std::string_view what, std::string_view name, std::string_view size, std::string_view unit) {
    if (!report.wants(what)) return;
    const Case input = make_case(name);
    const double seconds = cpu_seconds([&] { simulate(input); });
    report.add({std::string(what), std::string(size), static_cast<double>(input.flows()) / seconds, std::string(unit)});
  };
  add("flows: permutation of 1 MiB", "T1a1_perm1M", "256 hosts", "flows/s");
  add("flows: permutation of 1 MiB", "T2a1_perm1M", "1,024 hosts", "flows/s");
  add("flows: permutation of 1 MiB", "T3a1_perm1M", "8,192 hosts", "flows/s");
  add("flows: all to all", "T1d_a2a", "64 hosts, 4,032", "flows/s");
  add("flows: web search, 60 % load", "T1b_ws", "256 hosts, 10,000", "flows/s");
  add("flows: web search, 60 % load", "T2b_ws", "1,024 hosts, 50,000", "flows/s");
  add("ring all-reduce, every message", "T1c_ring", "256 ranks", "messages/s");
  add("ring all-reduce, every message", "T2c_ring", "1,024 ranks", "messages/s");
}

}  // namespace bench

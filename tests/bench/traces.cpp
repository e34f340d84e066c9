#include <fmt/format.h>
#include <unistd.h>
#include <filesystem>
#include "tests/bench/report.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/trace_file.hpp"

namespace bench {
namespace {

namespace fs = std::filesystem;

// Rows as a pipeline writes them: times that grow, a few names, small numbers.
void rows(Report& report, const fs::path& path) {
  constexpr int count = 4'000'000;
  const auto row = [](int i) {
    const auto start = sim::Time::picoseconds(1'000'003LL * (i / 64) + i % 64 * 7919LL);
    return sim::OpRecord{.rank = static_cast<std::uint32_t>(i % 64),
                         .kind = i % 2 ? sim::OpKind::forward : sim::OpKind::backward,
                         .name = i % 2 ? "forward" : "backward",
                         .micro_batch = i / 128 % 96,
                         .chunk = 0,
                         .start = start,
                         .end = start + sim::Time::picoseconds(912'345),
                         .flops = 1.25e12};
  };
  for (const bool compressed : {true, false}) {
    const double wall = wall_seconds_once([&] {
      workloads::TraceFile trace(path.string(), {.compressed = compressed});
      for (int i = 0; i < count; ++i) trace.record(row(i));
      trace.finish("{}");
    });
    const std::string size = compressed ? "4e6, compressed" : "4e6, uncompressed";
    report.add({"trace: rows of /ops written", size, count / wall, "rows/s"});
    report.add({"  of it a row in the file", size, static_cast<double>(fs::file_size(path)) / count, "B"});
  }
}

// The main job with all its ranks, with and without a trace of operations.
void overhead(Report& report, const fs::path& path, int steps, int turns) {
  const workloads::Scenario scenario =
      workloads::read_shipped_scenario("sc21-145b", {.overrides = {fmt::format("workload.steps={}", steps)}});
  const auto run = [&](workloads::TraceFile* trace) {
    workloads::RunOptions options{.fold = false};
    if (trace) options.trace_level = workloads::TraceLevel::ops, options.trace = trace;
    return workloads::run(scenario, options);
  };
  double without = 1e300, with = 1e300;
  for (int i = 0; i < turns; ++i) {  // in turn, so that a busy machine slows both
    without = std::min(without, wall_seconds_once([&] { run(nullptr); }));
    with = std::min(with, wall_seconds_once([&] {
                      workloads::TraceFile trace(path.string(), {});
                      const workloads::Result result = run(&trace);
                      trace.write_ranks(result.ranks);
                      trace.write_links(result.links, result.link_load);
                      trace.finish("{}");
                    }));
  }
  report.add({"trace: time of a run with --trace ops over one without", fmt::format("sc21-145b, every rank, steps: {}", steps),
              with / without, "x"});
}

}  // namespace

void traces(Report& report) {
  if (!report.wants("trace: rows of /ops written")) return;
  const fs::path path = fs::temp_directory_path() / fmt::format("weftsim-bench-{}.h5", ::getpid());
  rows(report, path);
  overhead(report, path, 1, 5);
  overhead(report, path, 8, 2);  // some seconds: what is written when the run is over does not count for much
  fs::remove(path);
}

}  // namespace bench

// Speed and memory of the simulator, in one table: `make bench`, docs/benchmarks.md.
//
//   weftsim_bench [PART] [--json FILE]      PART: measure only what has this in its name
#include <CLI/CLI.hpp>
#include <iostream>
#include "tests/bench/report.hpp"

int main(int argc, char** argv) {
  CLI::App app("Speed and memory of the simulator.");
  std::string part, file;
  app.add_option("PART", part, "measure only what has this in its name");
  app.add_option("--json", file, "write the table to this file");
  CLI11_PARSE(app, argc, argv);
  try {
    bench::Report report(part);
    bench::event_queue(report);
    bench::solver(report);
    bench::networks(report);
    bench::coupled(report);
    bench::collective(report);
    bench::packets(report);
    bench::packets_against_fluid(report);
    bench::training(report);
    bench::memory(report);
    bench::fabrics(report);
    bench::sweeps(report);
    bench::traces(report);
    if (!file.empty()) report.write_json(file);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}

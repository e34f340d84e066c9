#include "workloads/studies/sweep_run.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <new>
#include <nlohmann/json.hpp>
#include <thread>
#include "sim/error.hpp"
#include "sim/parallel.hpp"
#include "workloads/run.hpp"
#include "workloads/run_cache.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/stopwatch.hpp"
#include "workloads/studies/memory_gate.hpp"
#include "workloads/studies/sweep_records.hpp"
#include "workloads/summary.hpp"
#include "workloads/version.hpp"

namespace workloads {
namespace {

using Json = nlohmann::ordered_json;

// Files that the scenario names; what it takes from a model or a link file is part of it already, or hashed with it.
std::string contents_of_files(const Scenario& scenario) {
  std::vector<std::string> names = {scenario.cluster.accelerator, scenario.cluster.fabric.links, scenario.cluster.site.parts};
  for (const JobSpec& job : scenario.jobs) names.push_back(job.software);
  std::string contents;
  for (const std::string& name : names)
    if (std::error_code error; !name.empty() && std::filesystem::is_regular_file(name, error)) contents += read_text_file(name) + '\0';
  return contents;
}

ContentHash key_of(const Scenario& scenario) {
  return content_hash(fmt::format("{}\n{}\n{}\n{}", version, scenario.seed, to_yaml(scenario), contents_of_files(scenario)));
}

std::string in_one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

// Without what differs from run to run.
std::string record_of(const Result& result) {
  Json summary = Json::parse(summary_json(result));
  for (const char* cost : {"wall_s", "cpu_s", "peak_rss_bytes"}) summary.erase(cost);
  return Json{{"summary", std::move(summary)}}.dump();
}
std::string record_of(PointStatus status, std::string_view reason) {
  return Json{{"status", point_status_names[std::size_t(status)]}, {"reason", reason}}.dump();
}

SweepRow row_of(const std::string& record) {
  const Json json = Json::parse(record);
  if (json.contains("summary")) return {.summary = json["summary"].dump()};
  return {.status = json["status"] == "failed" ? PointStatus::failed : PointStatus::invalid, .reason = json["reason"]};
}

// A point as far as it is known without its record.
struct Point {
  ContentHash key;  // of a scenario
  bool has_record = false, excluded = false, reused = false;
  SweepRow row;  // of what has no record
};

class Run {
 public:
  Run(const Sweep& sweep, const SweepOptions& options) : sweep_(sweep), options_(options), points_(sweep.size()) {}

  Scenario scenario(std::size_t p) const {
    Scenario scenario = sweep_.scenario(p);
    if (options_.seed) scenario.seed = *options_.seed;
    return scenario;
  }

  // Throws what is wrong with the first point when no point is a scenario: then it is the file that is wrong.
  void exclude() {
    std::optional<sim::InputError> first;
    bool runs = false;
    for (std::size_t p = 0; p < points_.size(); ++p) {
      points_[p].row.reason = sweep_.excluded_because(p);
      points_[p].excluded = !points_[p].row.reason.empty();
      if (points_[p].excluded) points_[p].row.status = PointStatus::invalid;
      if (points_[p].excluded || runs) continue;
      try {
        scenario(p);
        runs = true;
      } catch (const sim::InputError& error) {
        if (!first) first = error;
      }
    }
    if (first && !runs) throw *first;
  }

  SweepOutcome execute() {
    if (!options_.resume && SweepRecords::any_in(options_.directory))
      throw sim::InputError(
          fmt::format("{}: has the results of a sweep. Give --resume to go on with it, or another --out.", options_.directory));
    exclude();
    SweepRecords records(options_.directory, "local");
    for (const char* stale : {"/results.csv", "/results.h5"}) {
      std::error_code ignored;
      std::filesystem::remove(options_.directory + stale, ignored);
    }
    std::size_t done = 0;
    std::atomic<bool> stopped = false;
    std::mutex progress_access;
    sim::parallel_for(points_.size(), options_.jobs, [&](std::size_t p) {
      if (stopped) return;
      if (!points_[p].excluded) simulate(p, records, stopped);
      const std::lock_guard lock(progress_access);
      ++done;
      if (!stopped && options_.progress && !options_.progress(double(done) / double(points_.size()))) stopped = true;
    });
    records.sync();
    if (stopped) throw Interrupted{};
    const auto row = [&](std::size_t p) { return points_[p].has_record ? row_of(*records.find(points_[p].key)) : points_[p].row; };
    write_results(options_.directory, sweep_, row);
    return outcome(row);
  }

  SweepEstimate estimate() {
    exclude();
    SweepEstimate estimate;
    std::vector<std::size_t> runs;
    for (std::size_t p = 0; p < points_.size(); ++p) {
      if (points_[p].excluded) {
        estimate.excluded.push_back({p, points_[p].row.reason});
        continue;
      }
      try {
        scenario(p);
        runs.push_back(p);
      } catch (const sim::InputError& error) {
        estimate.invalid.push_back({p, in_one_line(error.what())});
      }
    }
    estimate.runs = runs.size();
    estimate.seconds = seconds_of(runs);
    return estimate;
  }

 private:
  // A scenario and a run of it; what needs no second try gets a record.
  void simulate(std::size_t p, SweepRecords& records, std::atomic<bool>& stopped) {
    Point& point = points_[p];
    const auto end = [&](PointStatus status, std::string reason) {
      point.row = {.status = status, .reason = in_one_line(std::move(reason))};
    };
    try {
      const Scenario s = scenario(p);
      point.key = key_of(s);
      point.has_record = point.reused = records.contains(point.key);
      if (point.has_record) return;
      const MemoryGate::Pass pass(gate_);
      try {
        records.append(point.key, record_of(run(s, {.cache = &cache_, .progress = [&](double) { return !stopped; }})));
      } catch (const sim::SimulationError& error) {
        records.append(point.key, record_of(PointStatus::failed, in_one_line(error.what())));
      } catch (const sim::InputError& error) {  // found only when the fabric is wired
        records.append(point.key, record_of(PointStatus::invalid, in_one_line(error.what())));
      }
      point.has_record = true;
    } catch (const sim::InputError& error) {
      end(PointStatus::invalid, error.what());
    } catch (const std::bad_alloc&) {
      end(PointStatus::failed, "this machine has not enough memory for it. Use fewer --jobs, or a machine with more.");
    } catch (const Interrupted&) {}
  }

  SweepOutcome outcome(const std::function<SweepRow(std::size_t)>& row) const {
    SweepOutcome outcome;
    for (std::size_t p = 0; p < points_.size(); ++p) {
      outcome.reused += points_[p].reused;
      const SweepRow r = row(p);
      if (r.status == PointStatus::ok)
        ++outcome.ok;
      else
        (points_[p].excluded               ? outcome.excluded
         : r.status == PointStatus::failed ? outcome.failed
                                           : outcome.invalid)
            .push_back({p, r.reason});
    }
    return outcome;
  }

  double seconds_of(const std::vector<std::size_t>& runs) {
    constexpr std::size_t most = 8;  // evenly spread
    double analytic = 0, fastest = 0;
    std::size_t tried = 0, fastest_run = 0;
    const auto timed = [&](const Scenario& s) {
      const Stopwatch watch;
      try {
        run(s, {.cache = &cache_});
      } catch (const sim::SimulationError&) {
      } catch (const sim::InputError&) {}
      return watch.wall_s();
    };
    for (std::size_t i = 0; i < std::min(most, runs.size()); ++i, ++tried) {
      const std::size_t p = runs[i * runs.size() / std::min(most, runs.size())];
      Scenario s = scenario(p);
      s.network = "analytic";
      const double seconds = timed(s);
      analytic += seconds;
      if (tried == 0 || seconds < fastest) fastest = seconds, fastest_run = p;
    }
    if (tried == 0) return 0;
    const Scenario s = scenario(fastest_run);
    const double factor = s.network == "analytic" ? 1 : timed(s) / fastest;
    const int machine = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    const int jobs = options_.jobs > 0 ? std::min(options_.jobs, machine) : machine;
    return analytic / double(tried) * factor * double(runs.size()) / jobs;
  }

  const Sweep& sweep_;
  const SweepOptions& options_;
  std::vector<Point> points_;
  RunCache cache_;
  MemoryGate gate_;
};

}  // namespace

SweepOutcome run_sweep(const Sweep& sweep, const SweepOptions& options) { return Run(sweep, options).execute(); }

std::string sweep_json(const Sweep& sweep, const SweepOptions& options, const SweepOutcome& outcome) {
  const auto list = [](const std::vector<ListedPoint>& points) {
    Json json = Json::array();
    for (const auto& [point, reason] : points) json.push_back({{"point", point}, {"reason", reason}});
    return json;
  };
  return Json{{"name", sweep.name()},
              {"points", sweep.size()},
              {"ok", outcome.ok},
              {"reused", outcome.reused},
              {"failed", list(outcome.failed)},
              {"invalid", list(outcome.invalid)},
              {"excluded", list(outcome.excluded)},
              {"results", {{"csv", options.directory + "/results.csv"}, {"h5", options.directory + "/results.h5"}}}}
      .dump(2);
}

SweepEstimate estimate_sweep(const Sweep& sweep, const SweepOptions& options) { return Run(sweep, options).estimate(); }

}  // namespace workloads

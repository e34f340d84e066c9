#include "workloads/studies/sweep_run.hpp"
#include <fmt/format.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <new>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>
#include "sim/error.hpp"
#include "sim/parallel.hpp"
#include "workloads/run.hpp"
#include "workloads/run_cache.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/studies/memory_gate.hpp"
#include "workloads/studies/sweep_points.hpp"
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

// Of all processes that may write at once, on all machines, it alone has it.
std::string name_of_this_process() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format("{}-{}", host.data(), ::getpid());
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

  SweepOutcome execute() {
    refuse_if_taken();
    exclude();
    SweepRecords records(options_.directory, "local");
    remove_results(options_.directory);
    std::vector<std::size_t> all(points_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    simulate(all, records);
    return finish(records);
  }

  void execute(const std::vector<std::size_t>& points) {
    SweepRecords records(options_.directory, name_of_this_process());
    simulate(points, records);
  }

  SweepOutcome collect() {
    exclude();
    const SweepRecords records(options_.directory);
    look(records);
    return finish(records);
  }

  std::vector<std::size_t> to_run() {
    refuse_if_taken();
    exclude();
    look(SweepRecords(options_.directory));
    std::vector<std::size_t> points;
    for (std::size_t p = 0; p < points_.size(); ++p)
      if (points_[p].row.status == PointStatus::missing) points.push_back(p);
    return points;
  }

 private:
  void exclude() {
    std::vector<std::string> reasons = exclusions(sweep_);
    for (std::size_t p = 0; p < points_.size(); ++p) {
      points_[p].excluded = !reasons[p].empty();
      if (points_[p].excluded) points_[p].row = {.status = PointStatus::invalid, .reason = std::move(reasons[p])};
    }
  }

  void refuse_if_taken() const {
    if (!options_.resume && SweepRecords::any_in(options_.directory))
      throw sim::InputError(
          fmt::format("{}: has the results of a sweep. Give --resume to go on with it, or another --out.", options_.directory));
  }

  void simulate(const std::vector<std::size_t>& points, SweepRecords& records) {
    std::size_t done = 0;
    std::atomic<bool> stopped = false;
    std::mutex progress_access;
    sim::parallel_for(points.size(), options_.jobs, [&](std::size_t i) {
      if (stopped) return;
      if (!points_[points[i]].excluded) simulate(points[i], records, stopped);
      const std::lock_guard lock(progress_access);
      ++done;
      if (!stopped && options_.progress && !options_.progress(double(done) / double(points.size()))) stopped = true;
    });
    records.sync();
    if (stopped) throw Interrupted{};
  }

  SweepOutcome finish(const SweepRecords& records) const {
    const auto row = [&](std::size_t p) { return points_[p].has_record ? row_of(*records.find(points_[p].key)) : points_[p].row; };
    write_results(options_.directory, sweep_, row);
    return outcome(row);
  }

  // What is known without simulating anything.
  void look(const SweepRecords& records) {
    sim::parallel_for(points_.size(), options_.jobs, [&](std::size_t p) {
      if (!points_[p].excluded && identified(p, records))
        points_[p].row = {.status = PointStatus::missing, .reason = "not simulated yet. Give --resume to go on."};
    });
  }

  static void end(Point& point, PointStatus status, std::string reason) {
    point.row = {.status = status, .reason = in_one_line(std::move(reason))};
  }

  // The scenario of a point that has to be simulated; nothing for one that has a record, or is no scenario.
  std::optional<Scenario> identified(std::size_t p, const SweepRecords& records) {
    Point& point = points_[p];
    try {
      Scenario s = scenario_of(sweep_, p, options_.seed);
      point.key = key_of(s);
      point.has_record = point.reused = records.contains(point.key);
      if (!point.has_record) return s;
    } catch (const sim::InputError& error) {
      end(point, PointStatus::invalid, error.what());
    }
    return {};
  }

  // A scenario and a run of it; what needs no second try gets a record.
  void simulate(std::size_t p, SweepRecords& records, std::atomic<bool>& stopped) {
    Point& point = points_[p];
    try {
      const std::optional<Scenario> s = identified(p, records);
      if (!s) return;
      const MemoryGate::Pass pass(gate_);
      try {
        records.append(point.key, record_of(run(*s, {.cache = &cache_, .progress = [&](double) { return !stopped; }})));
      } catch (const sim::SimulationError& error) {
        records.append(point.key, record_of(PointStatus::failed, in_one_line(error.what())));
      } catch (const sim::InputError& error) {  // found only when the fabric is wired
        records.append(point.key, record_of(PointStatus::invalid, in_one_line(error.what())));
      }
      point.has_record = true;
    } catch (const std::bad_alloc&) {
      end(point, PointStatus::failed, "this machine has not enough memory for it. Use fewer --jobs, or a machine with more.");
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
        (points_[p].excluded                ? outcome.excluded
         : r.status == PointStatus::missing ? outcome.missing
         : r.status == PointStatus::failed  ? outcome.failed
                                            : outcome.invalid)
            .push_back({p, r.reason});
    }
    return outcome;
  }

  const Sweep& sweep_;
  const SweepOptions& options_;
  std::vector<Point> points_;
  RunCache cache_;
  MemoryGate gate_;
};

}  // namespace

SweepOutcome run_sweep(const Sweep& sweep, const SweepOptions& options) { return Run(sweep, options).execute(); }

std::vector<std::size_t> points_to_run(const Sweep& sweep, const SweepOptions& options) { return Run(sweep, options).to_run(); }

void run_points(const Sweep& sweep, const std::vector<std::size_t>& points, const SweepOptions& options) {
  for (const std::size_t p : points)
    if (p >= sweep.size())
      throw sim::InputError(fmt::format("{}: has no point {} (known: {}, from 0). Has the sweep changed since its points were shared out?",
                                        sweep.name(), p, sweep.size()));
  Run(sweep, options).execute(points);
}

SweepOutcome collect_sweep(const Sweep& sweep, const SweepOptions& options) { return Run(sweep, options).collect(); }

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
              {"missing", list(outcome.missing)},
              {"results", {{"csv", options.directory + "/results.csv"}, {"h5", options.directory + "/results.h5"}}}}
      .dump(2);
}

}  // namespace workloads

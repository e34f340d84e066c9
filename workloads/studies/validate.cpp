#include "workloads/studies/validate.hpp"
#include <fmt/format.h>
#include <fnmatch.h>
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <span>
#include "kernels/csv_table.hpp"
#include "sim/embedded_file.hpp"
#include "sim/error.hpp"
#include "sim/parallel.hpp"
#include "workloads/model_size.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/studies/held_out.hpp"
#include "workloads/studies/validation_task.hpp"

namespace workloads {
namespace embedded {
std::span<const sim::EmbeddedFile> files();
}
namespace {

ValidationTask step_time_task(ValidationRow row, std::function<Scenario()> scenario) {
  return {row,
          [row, scenario]() mutable {
            const JobResult job = run(scenario()).jobs.front();
            row.predicted = job.step_time_s;
            row.low = job.interval_low_s;
            row.high = job.interval_high_s;
            return row;
          },
          {}};
}

// Our own small tables: published/NAME.csv with columns id, scenario, step_time_s, …, source.
void add_shipped(std::vector<ValidationTask>& tasks) {
  for (const sim::EmbeddedFile& file : embedded::files()) {
    if (!file.path.starts_with("published/")) continue;
    const kernels::CsvTable table(std::string(file.contents), std::string(file.path));
    for (std::size_t r = 0; r < table.rows(); ++r) {
      const std::string name = table.text(r, table.column("scenario"));
      const Scenario scenario = read_shipped_scenario(name);
      const ValidationRow row{.set = std::filesystem::path(file.path).stem().string(),
                              .id = table.text(r, table.column("id")),
                              .grade = "B",
                              .gpu_type = scenario.cluster.accelerator,
                              .hosts = scenario.cluster.hosts(),
                              .precision = std::string(kernels::name_of(scenario.jobs[0].precision)),
                              .family = "dense",
                              .source = table.text(r, table.column("source")),
                              .quantity = "step_time_s",
                              .parameters = total_parameters(scenario.jobs[0].model),
                              .measured = table.positive(r, table.column("step_time_s"))};
      tasks.push_back(step_time_task(row, [scenario] { return scenario; }));
    }
  }
}

bool matches(const ValidateOptions& options, const ValidationRow& row) {
  return options.only.empty() || fnmatch(options.only.c_str(), row.id.c_str(), 0) == 0 ||
         fnmatch(options.only.c_str(), row.set.c_str(), 0) == 0 || fnmatch(options.only.c_str(), row.table.c_str(), 0) == 0;
}

double quantile(std::vector<double> sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

// "nemo-bridge 25.09" and "nemo-bridge 26.02", "mlperf-v3.0" and "mlperf-v3.1" are releases of one product: they end in a
// dotted version. "megatron-2020" and "sc21-table1" do not.
std::string product_of(const std::string& set) {
  const std::size_t end = set.find_last_not_of("0123456789.");
  if (end == std::string::npos || set.find('.', end) == std::string::npos) return set;
  std::string product = set.substr(0, end + 1);
  if (product.ends_with("v")) product.pop_back();
  while (!product.empty() && (product.back() == ' ' || product.back() == '-')) product.pop_back();
  return product.empty() ? set : product;
}

}  // namespace

Validation validate(const ValidateOptions& options) {
  std::vector<ValidationTask> tasks;
  if (options.data.empty())
    add_shipped(tasks);
  else
    add_tables(options.data, step_time_task, tasks);
  std::erase_if(tasks, [&](const ValidationTask& task) { return !matches(options, task.row); });

  std::vector<ValidationRow> rows(tasks.size());
  std::vector<std::string> reasons(tasks.size());
  std::atomic<std::size_t> done = 0;
  std::atomic<bool> stopped = false;
  sim::parallel_for(tasks.size(), options.threads, [&](std::size_t i) {
    if (stopped) return;
    reasons[i] = tasks[i].reason;
    if (reasons[i].empty()) try {
        rows[i] = tasks[i].predict();
      } catch (const sim::InputError& error) {
        reasons[i] = error.problems().front();
      } catch (const sim::SimulationError& error) {
        reasons[i] = error.what();
      }
    if (options.progress && !options.progress(static_cast<double>(++done) / static_cast<double>(tasks.size()))) stopped = true;
  });
  if (stopped) throw Interrupted{};

  Validation validation;
  const std::string collectives = options.data + "/collectives.csv";
  if (!options.data.empty() && matches(options, {.table = "collectives"}) && std::filesystem::exists(collectives))
    validation.held_out = held_out_collectives(kernels::CsvTable::read(collectives));
  for (std::size_t i = 0; i < tasks.size(); ++i)
    if (reasons[i].empty())
      validation.rows.push_back(rows[i]);
    else
      validation.skipped.push_back({tasks[i].row.id, reasons[i]});
  return validation;
}

ErrorStatistics statistics_of(const std::vector<const ValidationRow*>& rows) {
  ErrorStatistics s;
  if (rows.empty()) return s;
  std::vector<double> errors;
  s.n = static_cast<int>(rows.size());
  for (const ValidationRow* row : rows) {
    errors.push_back(std::abs(row->error()));
    s.mean_abs_error += errors.back() / s.n;
    s.mean_error += row->error() / s.n;
    s.geometric_error += std::abs(std::log(row->predicted / row->measured)) / s.n;
    s.inside_interval += row->inside() ? 1.0 / s.n : 0;
  }
  std::sort(errors.begin(), errors.end());
  s.geometric_error = std::expm1(s.geometric_error);
  s.median_abs_error = quantile(errors, 0.5);
  s.p90_abs_error = quantile(errors, 0.9);
  s.max_abs_error = errors.back();
  return s;
}

namespace {
template <class Name>
std::map<std::string, ErrorStatistics> grouped(const std::vector<ValidationRow>& rows, Name name) {
  std::map<std::string, std::vector<const ValidationRow*>> groups;
  for (const ValidationRow& row : rows)
    if (const std::string group = name(row); !group.empty()) groups[group].push_back(&row);
  std::map<std::string, ErrorStatistics> statistics;
  for (const auto& [group, members] : groups) statistics[group] = statistics_of(members);
  return statistics;
}
}  // namespace

std::map<std::string, ErrorStatistics> Validation::by_set() const {
  return grouped(rows, [](const ValidationRow& row) { return row.set; });
}

std::map<std::string, ErrorStatistics> Validation::by_gpu() const {
  return grouped(rows, [](const ValidationRow& row) { return row.quantity == "step_time_s" ? row.gpu_type : std::string(); });
}

std::map<std::string, ErrorStatistics> Validation::by_model_size() const {
  return grouped(rows, [](const ValidationRow& row) -> std::string {
    if (row.parameters <= 0) return "";
    const double billions = row.parameters / 1e9;
    return billions < 1 ? "under 1 B" : billions < 10 ? "1 to 10 B" : billions < 100 ? "10 to 100 B" : "from 100 B";
  });
}

ErrorStatistics Validation::over_sets() const {
  const bool has_a = std::any_of(rows.begin(), rows.end(), [](const ValidationRow& row) { return row.grade == "A"; });
  const auto sets =
      grouped(rows, [&](const ValidationRow& row) { return has_a && row.grade != "A" ? std::string() : product_of(row.set); });
  ErrorStatistics mean;
  const double n = std::max<double>(1, static_cast<double>(sets.size()));
  for (const auto& [set, s] : sets) {
    mean.n += s.n;
    mean.median_abs_error += s.median_abs_error / n;
    mean.mean_abs_error += s.mean_abs_error / n;
    mean.mean_error += s.mean_error / n;
    mean.p90_abs_error += s.p90_abs_error / n;
    mean.max_abs_error = std::max(mean.max_abs_error, s.max_abs_error);
    mean.inside_interval += s.inside_interval / n;
  }
  return mean;
}

bool Validation::within(double tolerance) const {
  std::vector<const ValidationRow*> all;
  for (const ValidationRow& row : rows) all.push_back(&row);
  const ErrorStatistics s = statistics_of(all);
  return s.n > 0 && s.median_abs_error <= tolerance && s.inside_interval >= 0.7;
}

}  // namespace workloads

#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

// Published measurements, predicted again: those shipped with the project, and tables of a folder.
namespace workloads {

struct ValidationRow {
  std::string set, id, grade, gpu_type;
  int hosts = 0;
  std::string precision, family, source, quantity;  // step_time_s, collective_time_s, gemm_time_s, attention_time_s
  double parameters = 0;                            // of the model; 0: no model
  double predicted = 0, measured = 0;
  double low = 0, high = 0;  // 90 % interval of the prediction
  std::string table{};       // the file it is from, without .csv
  double error() const { return predicted / measured - 1; }
  bool inside() const { return low <= measured && measured <= high; }
};

struct SkippedRow {
  std::string id, reason;
};

struct ErrorStatistics {
  int n = 0;
  double median_abs_error = 0, mean_abs_error = 0, mean_error = 0, p90_abs_error = 0, max_abs_error = 0;
  double geometric_error = 0;  // exp(mean |log(predicted / measured)|) - 1
  double inside_interval = 0;  // share of rows
};
ErrorStatistics statistics_of(const std::vector<const ValidationRow*>& rows);

// Rows that the fit did not see: "half" (each half of a table, by a hash, from the other one), "4 ranks" (from other numbers of
// ranks), "cluster" (from other clusters).
struct HeldOutSet {
  std::string device, operation, size, unseen;
  int n = 0;
  double geometric_error = 0, bias = 0;
  double spread = 0;  // the same error of the median of several logs, where they hold equal points; 0: they do not
};

struct Validation {
  std::vector<ValidationRow> rows;
  std::vector<SkippedRow> skipped;
  std::vector<HeldOutSet> held_out;  // of collectives.csv
  std::map<std::string, ErrorStatistics> by_set() const;
  // Step times alone.
  std::map<std::string, ErrorStatistics> by_gpu() const;
  std::map<std::string, ErrorStatistics> by_model_size() const;
  // The mean of the sets' figures, so that a large set does not rule; releases of one product count as one set.
  // Of grade A where there is any, else of all.
  ErrorStatistics over_sets() const;
  // Median error of all rows at most `tolerance`, and at least 70 % of rows inside their interval.
  bool within(double tolerance) const;
};

struct ValidateOptions {
  std::string data;  // folder with training.csv, collectives.csv, gemm_*.csv, attention.csv; empty: what is shipped
  std::string only;  // glob on id, set or table; empty: all
  int threads = 0;
  std::function<bool(double)> progress;
};

// Throws sim::InputError for a folder without any of the tables, or a broken one.
Validation validate(const ValidateOptions& options);

std::string validation_json(const Validation& validation);   // docs/validation.md
std::string validation_table(const Validation& validation);  // CSV: a line for each set, GPU, model size, and all

}  // namespace workloads

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include "kernels/collectives/network_collective.hpp"
#include "kernels/csv_table.hpp"
#include "kernels/fit/fit_device_profile.hpp"
#include "kernels/operation_times.hpp"
#include "sim/error.hpp"
#include "workloads/model_size.hpp"
#include "workloads/studies/validation_task.hpp"
#include "workloads/training_row.hpp"
#include "workloads/training_row_tables.hpp"

// One function a table: its rows become tasks (columns as in docs/validation.md).
namespace workloads {
namespace {

using kernels::CsvTable;

// A cell by column name; empty where the table has no such column.
std::string cell(const CsvTable& table, std::size_t row, std::string_view column) {
  return table.has(column) ? table.text(row, table.column(column)) : std::string();
}

std::string or_else(std::string text, std::string otherwise) { return text.empty() ? otherwise : text; }

// What tells rows without an id apart: their filled key columns. "GPT 1.7B 32 1 1 32"
std::string key_of(const CsvTable& table, std::size_t row, std::initializer_list<std::string_view> columns) {
  std::string key;
  for (const std::string_view column : columns)
    if (const std::string text = cell(table, row, column); !text.empty()) key += (key.empty() ? "" : " ") + text;
  return key;
}

// The shipped profile of a GPU as tables name it; nothing when there is none.
std::optional<std::string> profile_of(const std::string& gpu_type) {
  const TableAccelerator* known = accelerator_of_gpu_type(gpu_type);
  if (!known || std::ranges::count(kernels::shipped_device_profiles(), known->profile) == 0) return std::nullopt;
  return std::string(known->profile);
}

using Times = std::shared_ptr<const kernels::OperationTimes>;
Times times_of(const std::string& profile, const kernels::NcclSettings& nccl = {}) {
  static std::map<std::pair<std::string, kernels::NcclSettings>, Times> cache;
  Times& times = cache[{profile, nccl}];
  if (!times) times = std::make_shared<kernels::OperationTimes>(kernels::load_device_profile(profile), nccl);
  return times;
}

ValidationTask skipped(ValidationRow row, std::string reason) { return {std::move(row), {}, std::move(reason)}; }

// A prediction by the profile alone, with its own interval.
ValidationTask operation_task(ValidationRow row, std::function<kernels::OperationTime()> time) {
  return {row,
          [row, time]() mutable {
            const kernels::OperationTime t = time();
            row.predicted = t.seconds;
            row.low = t.seconds * t.low;
            row.high = t.seconds * t.high;
            return row;
          },
          {}};
}

// The same, with the interval of one class of its residuals.
ValidationTask operation_task(ValidationRow row, const Times& times, std::string residual, std::function<double()> seconds) {
  return {row,
          [row, times, residual, seconds]() mutable {
            const kernels::Residual* r = times->profile().residual(residual);
            const double sigma = r ? std::max(std::hypot(r->sigma, r->bias), r->p90_abs_error / 1.645) : 0.15;
            row.predicted = seconds();
            row.low = row.predicted * std::exp(-1.645 * sigma);
            row.high = row.predicted * std::exp(1.645 * sigma);
            return row;
          },
          {}};
}

std::string family_of(const CsvTable& table, std::size_t r) {
  std::string model = cell(table, r, "model");
  std::transform(model.begin(), model.end(), model.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (!cell(table, r, "moe_experts").empty()) return "moe";
  return model.find("bert") != std::string::npos ? "bert" : "dense";
}

void add_training(const CsvTable& table, StepTimeTask step_time_task, std::vector<ValidationTask>& tasks) {
  for (std::size_t r = 0; r < table.rows(); ++r) {
    const auto get = [&](std::string_view column) { return cell(table, r, column); };
    ValidationRow row{.set = or_else(get("set"), std::filesystem::path(table.file()).stem().string() + " " + get("gpu_type")),
                      .id = or_else(get("id"), key_of(table, r,
                                                      {"model", "gpu_type", "n_gpus", "tp", "pp", "dp", "virtual_stages", "micro_batch",
                                                       "global_batch", "precision"})),
                      .grade = or_else(get("grade"), "A"),
                      .gpu_type = get("gpu_type"),
                      .precision = get("precision"),
                      .family = family_of(table, r),
                      .source = get("source"),
                      .quantity = "step_time_s"};
    if (get("iter_time_s").empty()) {
      tasks.push_back(skipped(row, "no step time"));
      continue;
    }
    row.measured = table.positive(r, table.column("iter_time_s"));
    const ConvertedRow converted = scenario_of_training_row(get);
    if (!converted.scenario) {
      tasks.push_back(skipped(row, converted.reason));
      continue;
    }
    row.hosts = converted.scenario->cluster.hosts();
    row.parameters = total_parameters(converted.scenario->jobs[0].model);
    tasks.push_back(step_time_task(row, [scenario = *converted.scenario] { return scenario; }));
  }
}

std::optional<kernels::Precision> precision_named(const std::string& name) {
  for (const auto p : kernels::all_precisions)
    if (kernels::name_of(p) == name) return p;
  return std::nullopt;
}

void add_gemm(const CsvTable& table, std::vector<ValidationTask>& tasks) {
  const std::string stem = std::filesystem::path(table.file()).stem().string();
  const std::string gpu = stem.substr(stem.find('_') + 1);
  const bool shipped = std::ranges::count(kernels::shipped_device_profiles(), gpu) > 0;
  for (std::size_t r = 0; r < table.rows(); ++r) {
    const auto get = [&](std::string_view column) { return cell(table, r, column); };
    const ValidationRow row{.set = or_else(get("set"), stem),
                            .id = or_else(get("id"), fmt::format("{} {}x{}x{}", get("dtype"), get("m"), get("n"), get("k"))),
                            .grade = or_else(get("grade"), "A"),
                            .gpu_type = gpu,
                            .hosts = 1,
                            .precision = get("dtype"),
                            .family = "dense",
                            .source = table.file(),
                            .quantity = "gemm_time_s",
                            .measured = table.positive(r, table.column("time_us")) * 1e-6};
    if (!shipped) {
      tasks.push_back(skipped(row, fmt::format("no profile of {} is shipped yet", gpu)));
    } else if (const auto precision = precision_named(row.precision); !precision || times_of(gpu)->profile().peak(*precision) <= 0) {
      tasks.push_back(skipped(row, fmt::format("precision {} is not supported yet", row.precision)));
    } else {
      const kernels::Gemm gemm{table.whole(r, table.column("m")), table.whole(r, table.column("n")), table.whole(r, table.column("k")), 1,
                               *precision};
      tasks.push_back(operation_task(row, [times = times_of(gpu), gemm] { return times->table_gemm(gemm); }));
    }
  }
}

void add_attention(const CsvTable& table, std::vector<ValidationTask>& tasks) {
  for (std::size_t r = 0; r < table.rows(); ++r) {
    const auto get = [&](std::string_view column) { return cell(table, r, column); };
    const auto number = [&](std::string_view column) { return table.whole(r, table.column(column)); };
    const ValidationRow row{
        .set = or_else(get("set"), "attention " + get("gpu_type")),
        .id = or_else(get("id"), key_of(table, r, {"direction", "dtype", "batch", "seq_len", "heads", "kv_heads", "head_dim", "causal"})),
        .grade = or_else(get("grade"), "A"),
        .gpu_type = get("gpu_type"),
        .hosts = 1,
        .precision = get("dtype"),
        .family = "dense",
        .source = get("source"),
        .quantity = "attention_time_s",
        .measured = table.positive(r, table.column("time_us")) * 1e-6};
    const auto profile = profile_of(row.gpu_type);
    if (!profile) {
      tasks.push_back(skipped(row, fmt::format("no profile of {} is shipped yet", row.gpu_type)));
    } else if (get("direction") != "fwd" || row.precision != "bf16") {
      tasks.push_back(skipped(row, fmt::format("direction {} in {} is not supported yet", get("direction"), row.precision)));
    } else {
      const kernels::AttentionShape shape{number("batch"),    number("seq_len"),  number("heads"),
                                          number("kv_heads"), number("head_dim"), get("causal") == "True"};
      tasks.push_back(
          operation_task(row, [times = times_of(*profile), shape] { return times->flash_attention(shape, kernels::Direction::forward); }));
    }
  }
}

std::optional<kernels::CollectiveOp> op_named(const std::string& name) {
  static const std::map<std::string, kernels::CollectiveOp> ops = {
      {"all_reduce", kernels::CollectiveOp::all_reduce},         {"all_gather", kernels::CollectiveOp::all_gather},
      {"reduce_scatter", kernels::CollectiveOp::reduce_scatter}, {"broadcast", kernels::CollectiveOp::broadcast},
      {"alltoall", kernels::CollectiveOp::all_to_all},           {"sendrecv", kernels::CollectiveOp::send_receive}};
  const auto found = ops.find(name);
  return found == ops.end() ? std::nullopt : std::optional(found->second);
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// Several hosts whose GPUs one NVLink fabric joins.
bool one_domain(const std::string& network) { return has(network, "one domain") || has(network, "one rack"); }

// The version of the row, if it says one, and an algorithm that it says was forced.
kernels::NcclSettings settings_of(const std::string& version, const std::string& algorithm) {
  kernels::NcclSettings settings{.version = version};
  if (algorithm.starts_with("Ring")) settings.algorithm = "Ring";
  if (algorithm.starts_with("NVLS")) settings.algorithm = "NVLS";
  return settings;
}

// Why a row is none that the models of this version can be asked; empty when it is one.
std::string reason_against(const CsvTable& table, std::size_t r, int hosts) {
  const std::string network = cell(table, r, "network");
  if (!profile_of(cell(table, r, "gpu_type"))) return fmt::format("no profile of {} is shipped yet", cell(table, r, "gpu_type"));
  if (!op_named(cell(table, r, "op"))) return fmt::format("operation {} is not supported yet", cell(table, r, "op"));
  if (cell(table, r, "algo_proto").find("cudaMemcpyPeer") != std::string::npos) return "not NCCL";
  if (network.find("no NVSwitch") != std::string::npos || network.find("mesh") != std::string::npos)
    return "NVLink mesh is not supported yet";
  if (hosts > 1 && !one_domain(network) && !nics_of_network(network, 200)) return "the network column names no NICs";
  return {};
}

void add_collectives(const CsvTable& table, std::vector<ValidationTask>& tasks) {
  for (std::size_t r = 0; r < table.rows(); ++r) {
    const auto get = [&](std::string_view column) { return cell(table, r, column); };
    const int ranks = static_cast<int>(table.whole(r, table.column("n_gpus"))),
              hosts = static_cast<int>(table.whole(r, table.column("n_nodes")));
    const double bytes = table.positive(r, table.column("message_bytes"));
    const ValidationRow row{.set = or_else(get("set"), "collectives " + get("gpu_type")),
                            .id = or_else(get("id"), fmt::format("{} {} {:.0f}", get("op"), ranks, bytes)),
                            .grade = or_else(get("grade"), "A"),
                            .gpu_type = get("gpu_type"),
                            .hosts = hosts,
                            .precision = get("dtype"),
                            .family = "dense",
                            .source = get("source"),
                            .quantity = "collective_time_s",
                            .measured = table.positive(r, table.column("time_us")) * 1e-6};
    if (const std::string reason = reason_against(table, r, hosts); !reason.empty()) {
      tasks.push_back(skipped(row, reason));
      continue;
    }
    const Times times = times_of(*profile_of(row.gpu_type), settings_of(get("nccl_version"), get("algo_proto")));
    const kernels::CollectiveOp op = *op_named(get("op"));
    const std::string network = get("network");
    if (hosts == 1 || one_domain(network)) {
      tasks.push_back(operation_task(row, [=] { return times->scale_up_collective(op, ranks, bytes); }));
      continue;
    }
    // Of two NVLink domains each is what a host is elsewhere, with the NICs of all its trays.
    const int groups = has(network, "two NVL72 domains") ? 2 : hosts, per_group = ranks / groups;
    const HostNics nics = *nics_of_network(network, 200);
    const double rate = nics.count * nics.gigabits * 1e9 / 8 * hosts / groups;
    const kernels::GroupShape shape{ranks, groups, per_group, rate / per_group, 0, kernels::fit::transport_of(network)};
    tasks.push_back(operation_task(row, times, "network_all_reduce", [=] {
      return kernels::empty_fabric_seconds(kernels::plan_network_collective(op, shape, bytes, *times), shape, times->profile().network);
    }));
  }
}

}  // namespace

void add_tables(const std::string& folder, StepTimeTask step_time_task, std::vector<ValidationTask>& tasks) {
  std::vector<std::filesystem::path> files;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) files.push_back(entry.path());
  if (failed)
    throw sim::InputError(
        fmt::format("{}: cannot be read as a folder ({}). Give a folder with training.csv or the like.", folder, failed.message()));
  std::sort(files.begin(), files.end());
  bool any = false;
  for (const auto& file : files) {
    const std::string name = file.filename().string();
    const bool gemm = name.starts_with("gemm_") && name.ends_with(".csv");
    if (!gemm && name != "training.csv" && name != "collectives.csv" && name != "attention.csv") continue;
    any = true;
    const CsvTable table = CsvTable::read(file.string());
    const std::size_t first = tasks.size();
    if (gemm) add_gemm(table, tasks);
    if (name == "training.csv") add_training(table, step_time_task, tasks);
    if (name == "collectives.csv") add_collectives(table, tasks);
    if (name == "attention.csv") add_attention(table, tasks);
    for (std::size_t i = first; i < tasks.size(); ++i) tasks[i].row.table = file.stem().string();
  }
  if (!any)
    throw sim::InputError(
        fmt::format("{}: holds none of training.csv, collectives.csv, gemm_*.csv, attention.csv. Give the folder of the tables.", folder));
}

}  // namespace workloads

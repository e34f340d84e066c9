#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include "kernels/collectives/network_collective.hpp"
#include "kernels/csv_table.hpp"
#include "kernels/operation_times.hpp"
#include "sim/error.hpp"
#include "workloads/studies/validation_task.hpp"
#include "workloads/training_row.hpp"

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
  if (gpu_type == "A100_SXM4_80GB" || gpu_type == "A100_SXM4") return "a100-sxm-80g";
  if (gpu_type == "A100_SXM4_40GB") return "a100-sxm-40g";
  return std::nullopt;
}

using Times = std::shared_ptr<const kernels::OperationTimes>;
Times times_of(const std::string& profile) {
  static std::map<std::string, Times> cache;
  Times& times = cache[profile];
  if (!times) times = std::make_shared<kernels::OperationTimes>(kernels::load_device_profile(profile));
  return times;
}

ValidationTask skipped(ValidationRow row, std::string reason) { return {std::move(row), {}, std::move(reason)}; }

// A prediction by the profile alone, with the interval of one class of its residuals.
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
    tasks.push_back(step_time_task(row, [scenario = *converted.scenario] { return scenario; }));
  }
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
    } else if (row.precision != "bf16" && row.precision != "fp16") {
      tasks.push_back(skipped(row, fmt::format("precision {} is not supported yet", row.precision)));
    } else {
      const kernels::Gemm gemm{table.whole(r, table.column("m")), table.whole(r, table.column("n")), table.whole(r, table.column("k"))};
      const Times times = times_of(gpu);
      const bool large = std::min({gemm.m, gemm.n, gemm.k}) >= 1024;
      tasks.push_back(operation_task(row, times, large ? "gemm_large" : "gemm", [times, gemm] { return times->gemm(gemm).seconds; }));
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
      const Times times = times_of(*profile);
      tasks.push_back(operation_task(row, times, "attention",
                                     [times, shape] { return times->flash_attention(shape, kernels::Direction::forward).seconds; }));
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

// Why a row is none that the models of this version can be asked; empty when it is one.
std::string reason_against(const CsvTable& table, std::size_t r, int hosts) {
  const std::string network = cell(table, r, "network");
  if (!profile_of(cell(table, r, "gpu_type"))) return fmt::format("no profile of {} is shipped yet", cell(table, r, "gpu_type"));
  if (!op_named(cell(table, r, "op"))) return fmt::format("operation {} is not supported yet", cell(table, r, "op"));
  if (cell(table, r, "algo_proto").find("cudaMemcpyPeer") != std::string::npos) return "not NCCL";
  if (network.find("no NVSwitch") != std::string::npos || network.find("mesh") != std::string::npos)
    return "NVLink mesh is not supported yet";
  if (hosts > 1 && cell(table, r, "op") != "all_reduce") return "across hosts only all_reduce is supported yet";
  if (hosts > 1 && !nics_of_network(network, 200)) return "the network column names no NICs";
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
    const Times times = times_of(*profile_of(row.gpu_type));
    const kernels::CollectiveOp op = *op_named(get("op"));
    if (hosts == 1) {
      tasks.push_back(operation_task(row, times, "all_reduce", [=] { return times->scale_up_collective(op, ranks, bytes).seconds; }));
      continue;
    }
    const HostNics nics = *nics_of_network(get("network"), 200);
    const int per_host = ranks / hosts;
    const double host_rate = nics.count * nics.gigabits * 1e9 / 8;
    const kernels::GroupShape shape{ranks, hosts, per_host, host_rate / per_host, 0};
    tasks.push_back(operation_task(row, times, "network_all_reduce", [=] {
      const auto plan = kernels::plan_network_collective(op, shape, bytes, *times);
      return plan.before_s + plan.latency_s + plan.after_s + plan.flow_bytes / (host_rate * times->profile().network.nic_efficiency);
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
    if (gemm) add_gemm(table, tasks);
    if (name == "training.csv") add_training(table, step_time_task, tasks);
    if (name == "collectives.csv") add_collectives(table, tasks);
    if (name == "attention.csv") add_attention(table, tasks);
  }
  if (!any)
    throw sim::InputError(
        fmt::format("{}: holds none of training.csv, collectives.csv, gemm_*.csv, attention.csv. Give the folder of the tables.", folder));
}

}  // namespace workloads

#include "workloads/collective/collective_report.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include "kernels/collectives/algorithm.hpp"  // reduces
#include "kernels/collectives/ring.hpp"       // ring_traffic
#include "kernels/csv_table.hpp"
#include "workloads/training_row_tables.hpp"  // accelerator_of_gpu_type
#include "workloads/version.hpp"

namespace workloads::collective {
namespace {

// As wide and as precise as nccl-tests.
std::string time_text(double us) { return us >= 10'000 ? fmt::format("{:.0f}", us) : fmt::format("{:.{}f}", us, us >= 100 ? 1 : 2); }

std::string chosen(const CollectiveRow& row) {
  std::string text = row.algorithm;
  if (!row.protocol.empty()) text += (text.empty() ? "" : ", ") + row.protocol;
  if (row.channels > 0) text += fmt::format("{}{} channels", text.empty() ? "" : ", ", row.channels);
  return text;
}

nlohmann::ordered_json known(const std::string& text) { return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(text); }

// The names of measured tables, which are those of nccl-tests' programs.
std::string measured_name(kernels::CollectiveOp op) {
  if (op == kernels::CollectiveOp::all_to_all) return "alltoall";
  if (op == kernels::CollectiveOp::send_receive) return "sendrecv";
  return std::string(name_of(op));
}

}  // namespace

std::string nccl_text(const CollectiveTable& table) {
  const CollectiveRow none, &first = table.rows.empty() ? none : table.rows.front(), &last = table.rows.empty() ? none : table.rows.back();
  std::string text = fmt::format(
      "# weftsim {}: {} of {} ranks on {} hosts of {}, simulated\n"
      "# nThread 1 nGpus {} minBytes {} maxBytes {} step: {}(factor) warmup iters: 0 iters: 1 agg iters: 1 validation: 0 graph: 0\n#\n"
      "#{:78}{:>12}{:27}in-place\n",
      workloads::version, name_of(table.op), table.ranks, table.hosts, table.scenario, table.ranks, first.bytes, last.bytes, table.factor,
      "", "out-of-place", "");
  text += fmt::format("#{:>11}  {:>12}  {:>8}  {:>6}  {:>6}", "size", "count", "type", "redop", "root");
  for (int i = 0; i < 2; ++i) text += fmt::format("  {:>7}  {:>6}  {:>6}  {:>6}", "time", "algbw", "busbw", "#wrong");
  text += fmt::format("\n#{:>11}  {:>12}  {:>8}  {:>6}  {:>6}", "(B)", "(elements)", "", "", "");
  for (int i = 0; i < 2; ++i) text += fmt::format("  {:>7}  {:>6}  {:>6}  {:>6}", "(us)", "(GB/s)", "(GB/s)", "");
  text += "\n";
  std::string before;
  double busbw = 0;
  for (const CollectiveRow& row : table.rows) {
    if (const std::string now = chosen(row); now != before) {
      text += fmt::format("# from {} B: {}\n", row.bytes, now);
      before = now;
    }
    text += fmt::format("{:>12}  {:>12}  {:>8}  {:>6}  {:>6}", row.bytes, row.count, table.type.nccl_name,
                        kernels::collectives::reduces(table.op) ? "sum" : "none", table.root);
    for (int i = 0; i < 2; ++i)
      text += fmt::format("  {:>7}  {:>6.2f}  {:>6.2f}  {:>6}", time_text(row.time_s * 1e6), row.algbw_GBps, row.busbw_GBps, "N/A");
    text += "\n";
    busbw += row.busbw_GBps / static_cast<double>(table.rows.size());
  }
  return text + fmt::format("# Out of bounds values : 0 OK\n# Avg bus bandwidth    : {:g}\n#\n", busbw);
}

nlohmann::ordered_json collective_json(const CollectiveTable& table) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const CollectiveRow& row : table.rows)
    rows.push_back({{"bytes", row.bytes},
                    {"time_s", row.time_s},
                    {"algbw_GBps", row.algbw_GBps},
                    {"busbw_GBps", row.busbw_GBps},
                    {"algorithm", known(row.algorithm)},
                    {"protocol", known(row.protocol)},
                    {"channels", row.channels > 0 ? nlohmann::ordered_json(row.channels) : nlohmann::ordered_json()}});
  return {{"name", table.scenario}, {"version", workloads::version}, {"op", name_of(table.op)}, {"ranks", table.ranks},
          {"hosts", table.hosts},   {"dtype", table.type.name},      {"rows", std::move(rows)}};
}

std::vector<MeasuredPoint> read_measured(const std::string& path, const CollectiveTable& table, const std::string& accelerator) {
  const kernels::CsvTable csv = kernels::CsvTable::read(path);
  const auto column = [&](std::string_view name) { return csv.column(name); };
  std::vector<MeasuredPoint> points;
  for (std::size_t r = 0; r < csv.rows(); ++r) {
    const TableAccelerator* gpu = accelerator_of_gpu_type(csv.text(r, column("gpu_type")));
    if (!gpu || gpu->profile != accelerator || csv.text(r, column("op")) != measured_name(table.op) ||
        csv.whole(r, column("n_gpus")) != table.ranks || csv.whole(r, column("n_nodes")) != table.hosts)
      continue;
    MeasuredPoint point{.bytes = csv.positive(r, column("message_bytes")), .time_s = csv.positive(r, column("time_us")) * 1e-6};
    point.busbw_GBps = point.bytes / point.time_s * 1e-9 * kernels::ring_traffic(table.op, table.ranks);
    if (csv.has("set")) point.set = csv.text(r, column("set"));
    points.push_back(std::move(point));
  }
  return points;
}

}  // namespace workloads::collective

#include <algorithm>
#include <charconv>
#include <optional>
#include "kernels/fit/fit_device_profile.hpp"

namespace kernels::fit {
namespace {

std::optional<CollectiveOp> op_named(const std::string& name) {
  if (name == "alltoall") return CollectiveOp::all_to_all;
  if (name == "sendrecv") return CollectiveOp::send_receive;
  for (const auto op : {CollectiveOp::all_reduce, CollectiveOp::all_gather, CollectiveOp::reduce_scatter, CollectiveOp::broadcast})
    if (name_of(op) == name) return op;
  return std::nullopt;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

std::vector<CollectiveRow> usable_rows(const CsvTable& table, const std::vector<std::string>& gpu_types) {
  const auto gpu = table.column("gpu_type"), ranks = table.column("n_gpus"), hosts = table.column("n_nodes"), op = table.column("op"),
             bytes = table.column("message_bytes"), time = table.column("time_us"), network = table.column("network"),
             quality = table.column("quality"), algorithm = table.column("algo_proto"), source = table.column("source"),
             nccl = table.has("nccl_version") ? table.column("nccl_version") : source;
  std::vector<CollectiveRow> rows;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (std::find(gpu_types.begin(), gpu_types.end(), table.text(row, gpu)) == gpu_types.end()) continue;
    const auto kind = op_named(table.text(row, op));
    const std::string wires = table.text(row, network);
    const std::string chosen = table.text(row, algorithm);
    if (!kind || table.text(row, quality) != "ok" || !(chosen.empty() || has(chosen, "default"))) continue;
    const bool switched = has(wires, "NVSwitch") || has(wires, "tray") || has(wires, "NVL72");
    if (!switched || has(wires, "no NVSwitch") || has(wires, "mesh")) continue;
    const int count = has(wires, "one domain") || has(wires, "one rack") ? 1 : static_cast<int>(table.whole(row, hosts));
    rows.push_back({table.text(row, source), wires, table.text(row, gpu), table.has("nccl_version") ? table.text(row, nccl) : "", *kind,
                    static_cast<int>(table.whole(row, ranks)), count, table.positive(row, bytes), table.positive(row, time) * 1e-6});
  }
  return rows;
}

Transport transport_of(const std::string& network) {
  return has(network, "EFA") ? Transport::efa : has(network, "RoCE") ? Transport::roce : Transport::infiniband;
}

double nic_rate_of(const std::string& network) {
  for (std::size_t x = network.find('x'); x != std::string::npos; x = network.find('x', x + 1)) {
    std::size_t first = x;
    while (first > 0 && network[first - 1] >= '0' && network[first - 1] <= '9') --first;
    int count = 0, gigabits = 0;
    const char* end = network.data() + network.size();
    std::from_chars(network.data() + first, network.data() + x, count);
    const auto rate = std::from_chars(network.data() + x + 1, end, gigabits);
    if (count > 0 && gigabits > 0 && rate.ptr != end && *rate.ptr == 'G') return count * (gigabits * 1e9 / 8);
  }
  return 0;
}

}  // namespace kernels::fit

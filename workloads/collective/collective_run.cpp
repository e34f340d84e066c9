#include "workloads/collective/collective_run.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include "kernels/collectives/network_collective.hpp"
#include "kernels/collectives/ring.hpp"  // ring_traffic
#include "kernels/csv_table.hpp"
#include "kernels/operation_times.hpp"
#include "sim/coupled_network.hpp"
#include "sim/error.hpp"
#include "sim/words.hpp"
#include "topology/fabric.hpp"
#include "workloads/collective/step_player.hpp"
#include "workloads/executor.hpp"
#include "workloads/plan_builder.hpp"
#include "workloads/quantity.hpp"

namespace workloads::collective {
namespace {

using kernels::collectives::Request;
using kernels::collectives::Schedule;
using enum kernels::CollectiveOp;

// Pipelines pass on pieces of this size: NCCL_BUFFSIZE / NCCL_STEPS = 4 MiB / 8, by NCCL's documentation and source. More
// pieces than the most make the pipeline's filling shorter by less than 2 %.
constexpr double piece_bytes = 4 * 0x1p20 / 8;
constexpr double most_pieces = 64;

bool has_root(kernels::CollectiveOp op) { return op == broadcast || op == reduce || op == gather || op == scatter; }

// nccl-tests rounds what each rank has: to elements, and where ranks' parts lie side by side to 16 bytes.
CollectiveRow sized_row(std::int64_t bytes, kernels::CollectiveOp op, int ranks, int element_bytes) {
  const std::int64_t elements = bytes / element_bytes;
  if (op == all_reduce || op == broadcast || op == reduce || op == send_receive)
    return {.bytes = elements * element_bytes, .count = elements};
  std::int64_t count = elements / ranks;
  if (op != gather && op != scatter) count -= count % (16 / element_bytes);
  return {.bytes = count * ranks * element_bytes, .count = count};
}

class Run {
 public:
  Run(const Scenario& scenario, const CollectiveSpec& spec)
      : scenario_(scenario),
        spec_(spec),
        devices_(load_devices()),
        fabric_(scenario.cluster),
        op_(spec.op),
        gpus_(find_gpus()),
        plan_(build_collective_plan(scenario, fabric_, devices_, gpus_, op_)) {}

  CollectiveTable run() {
    CollectiveTable table{.scenario = scenario_.name,
                          .op = op_,
                          .type = spec_.type,
                          .ranks = ranks(),
                          .hosts = hosts(),
                          .root = has_root(op_) ? spec_.root : -1,
                          .factor = spec_.factor,
                          .rows = {}};
    check_sizes();
    if (!scenario_.cluster.fabric.timed_failures.empty())
      throw sim::InputError(
          fmt::format("{}: cluster.fabric.failures: failures for a time belong to `run` and `traffic`. Leave them out.", scenario_.name));
    for (std::int64_t bytes = spec_.min_bytes;; bytes *= spec_.factor) {
      CollectiveRow row = sized_row(bytes, op_, ranks(), spec_.type.bytes);
      if (row.count > 0) {
        time(row);
        table.rows.push_back(std::move(row));
      }
      if (bytes > spec_.max_bytes / spec_.factor) return table;
    }
  }

 private:
  Devices load_devices() const {
    const kernels::NcclSettings nccl = settings();
    return Devices(scenario_.cluster, [&](const std::string& accelerator) {
      if (accelerator.empty())
        throw sim::InputError(fmt::format(
            "{}: cluster.accelerator: is missing; a collective needs its times. Name a profile (see 'weftsim list').", scenario_.name));
      return kernels::OperationTimes(kernels::load_device_profile(accelerator), nccl);
    });
  }
  const kernels::OperationTimes& times_of(int rank) const { return devices_[devices_.kind_of_host(fabric_.host_of(gpu_of(rank)))]; }
  // The spec's over those of the scenario's first job.
  kernels::NcclSettings settings() const {
    kernels::NcclSettings nccl = scenario_.jobs.empty() ? kernels::NcclSettings() : scenario_.jobs.front().nccl;
    if (!spec_.nccl.algorithm.empty()) nccl.algorithm = spec_.nccl.algorithm;
    if (!spec_.nccl.protocol.empty()) nccl.protocol = spec_.nccl.protocol;
    if (spec_.nccl.collnet) nccl.collnet = true;
    if (spec_.channels > 0) nccl.min_channels = nccl.max_channels = spec_.channels;
    std::vector<std::string> problems;
    for (const auto& [key, what] : kernels::problems_of(nccl)) problems.push_back(fmt::format("--{}: {}", key, what));
    if (!problems.empty()) throw sim::InputError(problems);
    return nccl;
  }
  int ranks() const { return static_cast<int>(gpus_.size()); }
  const Group& group() const { return plan_.groups.front(); }

  int hosts() const {
    std::set<int> hosts;
    for (const int gpu : gpus_) hosts.insert(fabric_.host_of(gpu));
    return static_cast<int>(hosts.size());
  }

  std::vector<int> find_gpus() const {
    const int all = scenario_.cluster.gpus;
    if (spec_.custom && spec_.custom->op() != op_)
      throw sim::InputError(
          fmt::format("{}: is {}, not {}. Ask for the same operation.", spec_.custom->file(), name_of(spec_.custom->op()), name_of(op_)));
    if (spec_.weights && op_ != all_to_all)
      throw sim::InputError(fmt::format("{}: parts of unequal size belong to all_to_all, not to {}. Write --op all_to_all.",
                                        spec_.weights->file, name_of(op_)));
    if (spec_.stride < 1 || spec_.stride > all)
      throw sim::InputError(
          fmt::format("--stride: {} GPUs from rank to rank, but the cluster has {} GPUs. Use from 1 to {}.", spec_.stride, all, all));
    const int most = (all - 1) / spec_.stride + 1;
    int ranks = spec_.ranks == 0 ? most : spec_.ranks;
    std::string who = "--ranks";
    const auto fixed_by = [&](const std::string& file, int of_file) {
      if (spec_.ranks != 0 && spec_.ranks != of_file)
        throw sim::InputError(fmt::format("{}: is for {} ranks, not {}. Leave --ranks out.", file, of_file, spec_.ranks));
      ranks = of_file;
      who = file;
    };
    if (spec_.custom) fixed_by(spec_.custom->file(), spec_.custom->ranks());
    if (spec_.weights) fixed_by(spec_.weights->file, spec_.weights->ranks);
    if (ranks < 1 || ranks > most) {
      const std::string apart = spec_.stride > 1 ? fmt::format(", {} apart", spec_.stride) : "";
      throw sim::InputError(fmt::format("{}: {} ranks{}, but the cluster has {} GPUs. Use from 1 to {}.", who, ranks, apart, all, most));
    }
    std::vector<int> gpus(static_cast<std::size_t>(ranks));
    for (int rank = 0; rank < ranks; ++rank) gpus[static_cast<std::size_t>(rank)] = rank * spec_.stride;
    return gpus;
  }

  void check_sizes() const {
    if (spec_.min_bytes < 1 || spec_.max_bytes < spec_.min_bytes)
      throw sim::InputError(
          fmt::format("--min, --max: there is no size from {} to {} bytes. Give --max at least --min, and that at least 1.",
                      spec_.min_bytes, spec_.max_bytes));
    if (spec_.factor < 2) throw sim::InputError(fmt::format("--factor: {} makes no larger sizes. Use 2 or more.", spec_.factor));
    if (spec_.root < 0 || spec_.root >= ranks())
      throw sim::InputError(fmt::format("--root: {} is no rank (there are 0 to {}). Correct it.", spec_.root, ranks() - 1));
  }

  bool step_by_step() const {
    const bool point_to_point = op_ == all_to_all || op_ == send_receive || op_ == gather || op_ == scatter;
    return spec_.custom || spec_.weights || !spec_.steps.empty() || (point_to_point && !group().inside_domain);
  }

  void time(CollectiveRow& row) {
    if (step_by_step())
      play_steps(row);
    else
      execute(row);
    if (row.time_s > 0) row.algbw_GBps = static_cast<double>(row.bytes) / row.time_s * 1e-9;
    row.busbw_GBps = ranks() > 1 ? row.algbw_GBps * kernels::ring_traffic(op_, ranks()) : 0;
  }

  // As a step of training does it.
  void execute(CollectiveRow& row) {
    plan_.programs.front().steps.front().bytes = sim::Bytes{row.bytes};
    sim::CoupledNetwork network(sim::make_network(scenario_.network, plan_.links, nullptr, spec_.threads), plan_.links);
    row.time_s = Executor(plan_, network, devices_, {}).run().end.in_seconds();
    const auto bytes = static_cast<double>(row.bytes);
    const auto note = [&](const auto& choice) {
      row.algorithm = kernels::name_of(choice.algorithm);
      row.protocol = kernels::name_of(choice.protocol);
      row.channels = choice.channels;
    };
    if (ranks() == 1) return;
    if (const std::string& library = times_of(0).profile().scale_up.library; group().inside_domain && !library.empty())
      row.algorithm = library;
    else if (group().inside_domain)
      note(times_of(0).scale_up_choice(op_, ranks(), bytes));
    else
      note(devices_.across_hosts(op_, group().shape, sim::Bytes{row.bytes}, group().devices));
  }

  void play_steps(CollectiveRow& row) {
    const Schedule schedule = spec_.custom ? spec_.custom->schedule(elements(row)) : built_in(row);
    const auto network = sim::make_network(scenario_.network, plan_.links, nullptr, spec_.threads);
    const auto way_of = [&](int source, int destination, int channel) { return way(schedule, source, destination, channel); };
    const sim::Time end = play(schedule, spec_.type.bytes, way_of, *network);
    const kernels::DeviceProfile& profile = times_of(0).profile();
    if (!schedule.steps.empty())
      row.time_s = end.in_seconds() + (group().inside_domain ? profile.scale_up.base_seconds : profile.network.base_seconds);
  }

  // Of the buffer that Request speaks of.
  std::int64_t elements(const CollectiveRow& row) const { return row.bytes / spec_.type.bytes; }

  Schedule built_in(CollectiveRow& row) const {
    const auto& algorithm = kernels::collectives::algorithm_named(spec_.steps.empty() ? "direct" : spec_.steps);
    const bool asked = algorithm.channels == kernels::collectives::Channels::asked;
    if (spec_.channels > 0 && !asked)
      throw sim::InputError(fmt::format("--channels: '{}' has channels of its own making. Leave it out.", algorithm.name));
    Request request{.op = op_, .ranks = ranks(), .per_host = ranks(), .count = elements(row), .root = spec_.root};
    if (!group().inside_domain) request.per_host = request.channels = std::min(ranks_below_one_switch(), ranks());
    if (spec_.channels > 0) request.channels = spec_.channels;
    if (spec_.weights) request.counts = counts(request.count);
    request.pieces = static_cast<int>(std::clamp(static_cast<double>(row.bytes) / request.channels / piece_bytes, 1.0, most_pieces));
    row.algorithm = algorithm.name;
    if (asked) row.channels = request.channels;
    return make_schedule(algorithm, request);
  }

  // A rank's part of the size is what it would send if all sent alike.
  std::vector<std::int64_t> counts(std::int64_t of_rank) const {
    const std::vector<double>& weights = spec_.weights->of_pair;
    const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
    std::vector<std::int64_t> counts;
    for (const double weight : weights) counts.push_back(std::llround(weight / all * static_cast<double>(of_rank) * ranks()));
    return counts;
  }

  // Ranks of a scale-up domain, or of a host where there is none.
  int ranks_below_one_switch() const {
    const auto in_domain = std::count_if(gpus_.begin(), gpus_.end(), [&](int gpu) { return fabric_.same_domain(gpus_.front(), gpu); });
    const auto on_host =
        std::count_if(gpus_.begin(), gpus_.end(), [&](int gpu) { return fabric_.host_of(gpu) == fabric_.host_of(gpus_.front()); });
    return static_cast<int>(std::max(in_domain, on_host));
  }
  topology::Route way_of_ranks(int source, int destination, std::uint64_t channel) const {
    return fabric_.route(gpu_of(source), gpu_of(destination), channel);
  }
  int gpu_of(int rank) const { return gpus_[static_cast<std::size_t>(rank)]; }
  bool same_domain(int a, int b) const { return fabric_.same_domain(gpu_of(a), gpu_of(b)); }

  Way way(const Schedule& schedule, int source, int destination, int channel) const {
    const bool up = destination >= schedule.ranks;
    if (!up && source < schedule.ranks) {
      const topology::Route direct = way_of_ranks(source, destination, static_cast<std::uint64_t>(channel));
      return way_over(direct, same_domain(source, destination), source);
    }
    // Half of the way to the farthest rank below the switch.
    const int rank = up ? source : destination;
    topology::Route longest;
    int far = rank;
    for (const int other : schedule.switches[static_cast<std::size_t>((up ? destination : source) - schedule.ranks)]) {
      const topology::Route route = up ? way_of_ranks(rank, other, static_cast<std::uint64_t>(channel))
                                       : way_of_ranks(other, rank, static_cast<std::uint64_t>(channel));
      if (route.hops > longest.hops) longest = route, far = other;
    }
    Way way = way_over(longest, same_domain(rank, far), rank);
    const auto middle = way.shares.begin() + static_cast<std::ptrdiff_t>(way.shares.size() / 2);
    if (up)
      way.shares.erase(middle, way.shares.end());
    else
      way.shares.erase(way.shares.begin(), middle);
    way.latency = sim::Time::picoseconds(way.latency.ps() / 2);
    return way;
  }
  Way way_over(const topology::Route& route, bool inside_domain, int source) const {
    const kernels::DeviceProfile& profile = times_of(source).profile();
    return {.shares = route.shares,
            .latency = sim::Time::seconds(step_seconds(profile, route, inside_domain)),
            .wire_factor = wire_factor(scenario_.cluster, profile, inside_domain)};
  }

  const Scenario& scenario_;
  const CollectiveSpec& spec_;
  Devices devices_;
  topology::Fabric fabric_;
  kernels::CollectiveOp op_;
  std::vector<int> gpus_;
  Plan plan_;
};

}  // namespace

std::span<const ElementType> element_types() {
  static constexpr auto all = std::to_array<ElementType>({{"bf16", "bfloat16", 2},
                                                          {"fp16", "half", 2},
                                                          {"fp32", "float", 4},
                                                          {"fp64", "double", 8},
                                                          {"fp8", "f8e4m3", 1},
                                                          {"int8", "int8", 1},
                                                          {"int32", "int32", 4},
                                                          {"int64", "int64", 8}});
  return all;
}

ElementType element_type_named(std::string_view name) {
  std::vector<std::string> known;
  for (const ElementType& type : element_types()) {
    if (type.name == name) return type;
    known.emplace_back(type.name);
  }
  throw sim::InputError(
      fmt::format("dtype: '{}' is not known (known: {}).{}", name, fmt::join(known, ", "), sim::did_you_mean(name, known)));
}

PairWeights read_pair_weights(const std::string& path) {
  const kernels::CsvTable csv = kernels::CsvTable::read(path);
  const std::size_t source = csv.column("source"), destination = csv.column("destination"), weight = csv.column("weight");
  constexpr int most_ranks = 4096;  // of which every pair is kept
  std::map<std::pair<int, int>, double> found;
  PairWeights weights{.file = path, .ranks = 0, .of_pair = {}};
  double all = 0;
  for (std::size_t r = 0; r < csv.rows(); ++r) {
    const auto rank = [&](std::size_t column) {
      const double value = csv.number(r, column);
      if (value >= 0 && value < most_ranks && value == std::floor(value)) return static_cast<int>(value);
      throw sim::InputError(fmt::format("{}: '{}' is no rank. Write 0 to {}.", csv.place(r), csv.text(r, column), most_ranks - 1));
    };
    const std::pair pair(rank(source), rank(destination));
    const double value = csv.number(r, weight);
    if (value < 0) throw sim::InputError(fmt::format("{}: weight {} is negative. Write 0 or more.", csv.place(r), value));
    if (!found.emplace(pair, value).second)
      throw sim::InputError(fmt::format("{}: {} to {} is there already. Keep one of the rows.", csv.place(r), pair.first, pair.second));
    weights.ranks = std::max({weights.ranks, pair.first + 1, pair.second + 1});
    all += value;
  }
  if (!(all > 0)) throw sim::InputError(fmt::format("{}: no rank sends anything. Add rows with a weight above 0.", path));
  weights.of_pair.assign(static_cast<std::size_t>(weights.ranks) * static_cast<std::size_t>(weights.ranks), 0);
  for (const auto& [pair, value] : found) weights.of_pair[static_cast<std::size_t>(pair.first * weights.ranks + pair.second)] = value;
  return weights;
}

std::int64_t nccl_size(std::string_view text, std::string_view where) {
  std::string_view number = text;
  double factor = 1;
  if (const auto unit = text.empty() ? std::string_view::npos : std::string_view("KMGTkmgt").find(text.back());
      unit != std::string_view::npos) {
    number.remove_suffix(1);
    factor = std::ldexp(1, 10 * static_cast<int>(unit % 4 + 1));
  }
  const auto value = parse_number(number);
  if (value && *value >= 0 && *value * factor <= 0x1p50) return static_cast<std::int64_t>(*value * factor);
  throw sim::InputError(fmt::format("{}: '{}' is no size up to 2^50 bytes. Write '8', '64K', '1M' or '8G' (K is 1024).", where, text));
}

CollectiveTable run_collective(const Scenario& scenario, const CollectiveSpec& spec) { return Run(scenario, spec).run(); }

}  // namespace workloads::collective

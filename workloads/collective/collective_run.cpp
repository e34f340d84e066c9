#include "workloads/collective/collective_run.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include "kernels/collectives/network_collective.hpp"
#include "kernels/collectives/ring.hpp"  // ring_traffic
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
        times_(kernels::load_device_profile(accelerator()), settings()),
        fabric_(scenario.cluster),
        op_(spec.op),
        gpus_(static_cast<std::size_t>(find_ranks())),
        plan_((std::iota(gpus_.begin(), gpus_.end(), 0), build_collective_plan(scenario, fabric_, times_, gpus_, op_))) {}

  CollectiveTable run() {
    CollectiveTable table{.scenario = scenario_.name,
                          .op = op_,
                          .type = spec_.type,
                          .ranks = ranks(),
                          .hosts = fabric_.host_of(gpus_.back()) + 1,
                          .root = has_root(op_) ? spec_.root : -1,
                          .factor = spec_.factor,
                          .rows = {}};
    check_sizes();
    if (const auto& cluster = scenario_.cluster; !cluster.fabric.timed_failures.empty() || !cluster.groups.empty())
      throw sim::InputError(fmt::format(
          "{}: cluster: failures for a time and groups of hosts are not supported yet in `collective`. Leave them out.", scenario_.name));
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
  const std::string& accelerator() const {
    if (scenario_.cluster.accelerator.empty())
      throw sim::InputError(fmt::format(
          "{}: cluster.accelerator: is missing; a collective needs its times. Name a profile (see 'weftsim list').", scenario_.name));
    return scenario_.cluster.accelerator;
  }
  // The spec's over those of the scenario's first job.
  kernels::NcclSettings settings() const {
    kernels::NcclSettings nccl = scenario_.jobs.empty() ? kernels::NcclSettings() : scenario_.jobs.front().nccl;
    if (!spec_.nccl.algorithm.empty()) nccl.algorithm = spec_.nccl.algorithm;
    if (!spec_.nccl.protocol.empty()) nccl.protocol = spec_.nccl.protocol;
    if (spec_.channels > 0) nccl.min_channels = nccl.max_channels = spec_.channels;
    std::vector<std::string> problems;
    for (const auto& [key, what] : kernels::problems_of(nccl)) problems.push_back(fmt::format("--{}: {}", key, what));
    if (!problems.empty()) throw sim::InputError(problems);
    return nccl;
  }
  int ranks() const { return static_cast<int>(gpus_.size()); }
  const Group& group() const { return plan_.groups.front(); }

  int find_ranks() const {
    const int all = scenario_.cluster.gpus;
    if (spec_.custom && spec_.custom->op() != op_)
      throw sim::InputError(
          fmt::format("{}: is {}, not {}. Ask for the same operation.", spec_.custom->file(), name_of(spec_.custom->op()), name_of(op_)));
    if (spec_.custom && spec_.ranks != 0 && spec_.ranks != spec_.custom->ranks())
      throw sim::InputError(
          fmt::format("{}: is for {} ranks, not {}. Leave --ranks out.", spec_.custom->file(), spec_.custom->ranks(), spec_.ranks));
    const int ranks = spec_.custom ? spec_.custom->ranks() : spec_.ranks == 0 ? all : spec_.ranks;
    if (ranks < 1 || ranks > all)
      throw sim::InputError(fmt::format("{}: {} ranks, but the cluster has {} GPUs. Use from 1 to {}.",
                                        spec_.custom ? spec_.custom->file() : "--ranks", ranks, all, all));
    return ranks;
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
    return spec_.custom || !spec_.steps.empty() || (point_to_point && !group().inside_domain);
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
    row.time_s = Executor(plan_, network, times_, {}).run().end.in_seconds();
    const auto bytes = static_cast<double>(row.bytes);
    const auto note = [&](const auto& choice) {
      row.algorithm = kernels::name_of(choice.algorithm);
      row.protocol = kernels::name_of(choice.protocol);
      row.channels = choice.channels;
    };
    if (ranks() == 1) return;
    if (const std::string& library = times_.profile().scale_up.library; group().inside_domain && !library.empty())
      row.algorithm = library;
    else if (group().inside_domain)
      note(times_.scale_up_choice(op_, ranks(), bytes));
    else
      note(kernels::plan_network_collective(op_, group().shape, bytes, times_));
  }

  void play_steps(CollectiveRow& row) {
    const Schedule schedule = spec_.custom ? spec_.custom->schedule(elements(row)) : built_in(row);
    const auto network = sim::make_network(scenario_.network, plan_.links, nullptr, spec_.threads);
    const auto way_of = [&](int source, int destination, int channel) { return way(schedule, source, destination, channel); };
    const sim::Time end = play(schedule, spec_.type.bytes, way_of, *network);
    const kernels::DeviceProfile& profile = times_.profile();
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
    request.pieces = static_cast<int>(std::clamp(static_cast<double>(row.bytes) / request.channels / piece_bytes, 1.0, most_pieces));
    row.algorithm = algorithm.name;
    if (asked) row.channels = request.channels;
    return make_schedule(algorithm, request);
  }

  // GPUs of a scale-up domain, or of a host where there is none.
  int ranks_below_one_switch() const {
    const auto in_domain = std::count_if(gpus_.begin(), gpus_.end(), [&](int gpu) { return fabric_.same_domain(gpus_.front(), gpu); });
    return std::max(static_cast<int>(in_domain), scenario_.cluster.host.gpus_per_host);
  }

  Way way(const Schedule& schedule, int source, int destination, int channel) const {
    const bool up = destination >= schedule.ranks;
    if (!up && source < schedule.ranks) {
      const topology::Route route = fabric_.route(source, destination, static_cast<std::uint64_t>(channel));
      return way_over(route, fabric_.same_domain(source, destination));
    }
    // Half of the way to the farthest rank below the switch.
    const int rank = up ? source : destination;
    topology::Route longest;
    int far = rank;
    for (const int other : schedule.switches[static_cast<std::size_t>((up ? destination : source) - schedule.ranks)]) {
      const topology::Route route = up ? fabric_.route(rank, other, static_cast<std::uint64_t>(channel))
                                       : fabric_.route(other, rank, static_cast<std::uint64_t>(channel));
      if (route.hops > longest.hops) longest = route, far = other;
    }
    Way way = way_over(longest, fabric_.same_domain(rank, far));
    const auto middle = way.shares.begin() + static_cast<std::ptrdiff_t>(way.shares.size() / 2);
    if (up)
      way.shares.erase(middle, way.shares.end());
    else
      way.shares.erase(way.shares.begin(), middle);
    way.latency = sim::Time::picoseconds(way.latency.ps() / 2);
    return way;
  }
  Way way_over(const topology::Route& route, bool inside_domain) const {
    return {.shares = route.shares,
            .latency = sim::Time::seconds(step_seconds(times_.profile(), route, inside_domain)),
            .wire_factor = wire_factor(scenario_.cluster, times_.profile(), inside_domain)};
  }

  const Scenario& scenario_;
  const CollectiveSpec& spec_;
  kernels::OperationTimes times_;
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

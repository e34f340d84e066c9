#include "kernels/collectives/nccl_tuning.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include "kernels/collectives/ring.hpp"
#include "sim/words.hpp"

namespace kernels {
namespace {

constexpr NcclProtocol all_protocols[] = {NcclProtocol::ll, NcclProtocol::ll128, NcclProtocol::simple};
constexpr double ll_part = 0.5, ll128_part = 0.92, tree_part = 0.92, tree_ll_divisor = 3.8;  // of the bus
constexpr double tree_ll128_one_host = 7.0 / 9, tree_ll128_payload = 120.0 / 128;

struct Estimate {
  double latency_us = 0, algorithm_GBps = 0;
  double inside_GBps = algorithm_GBps;  // what bounds it inside the hosts
};

// One (algorithm, protocol) of one group: latency and bandwidth as NCCL's tuning computes them.
class Model {
 public:
  Model(CollectiveOp op, const GroupShape& shape, double bytes, const NcclGroup& group, bool collnet)
      : op_(op),
        s_(shape),
        bytes_(bytes),
        t_(group.tuning),
        g_(group.generation),
        bus_(group.bus_GBps),
        switches_reduce_(collnet && op == CollectiveOp::all_reduce && shape.hosts > 1 && shape.transport == Transport::infiniband) {
    if (s_.hosts > 1) {
      const double nics = s_.nic_rate_Bps * s_.per_host * 1e-9;
      inside_ = s_.per_host > 1 ? bus_ : nics;
      bus_ = std::min(inside_, nics);
    } else {
      inside_ = bus_;
    }
  }

  std::optional<Estimate> of(NcclAlgorithm algorithm, NcclProtocol protocol) const {
    const auto p = static_cast<std::size_t>(protocol);
    const bool simple = protocol == NcclProtocol::simple;
    switch (algorithm) {
      case NcclAlgorithm::ring:
        return ring(p);
      case NcclAlgorithm::tree:
        return op_ == CollectiveOp::all_reduce ? std::optional(tree(p)) : std::nullopt;
      case NcclAlgorithm::nvls:
        if (s_.hosts > 1) return simple && switches_reduce_ && s_.per_host > 1 ? nvls_across() : std::nullopt;
        return simple && s_.ranks > 2 ? nvls() : std::nullopt;
      case NcclAlgorithm::nvls_tree:
        return simple && s_.hosts > 1 && s_.per_host > 1 ? nvls_tree() : std::nullopt;
      case NcclAlgorithm::pat:
        return simple && s_.hosts > 1 && s_.per_host == 1 ? pat(p) : std::nullopt;
      case NcclAlgorithm::collnet_direct:
        return simple && switches_reduce_ ? std::optional(collnet_direct()) : std::nullopt;
      case NcclAlgorithm::collnet_chain:
        return simple && switches_reduce_ ? std::optional(collnet_chain()) : std::nullopt;
      case NcclAlgorithm::direct:
      case NcclAlgorithm::hierarchical:
        break;
    }
    return std::nullopt;
  }

 private:
  std::size_t tier() const { return s_.hosts == 1 ? 0 : s_.hosts == 2 ? 1 : 2; }
  double channels() const { return g_.search_channels; }
  bool halves() const { return op_ == CollectiveOp::all_gather || op_ == CollectiveOp::reduce_scatter; }

  Estimate ring(std::size_t p) const {
    const double steps = ring_steps(op_, s_.ranks), outside = s_.hosts == 1 ? 0 : steps * (s_.hosts - 1) / (s_.ranks - 1);
    const double overhead = s_.hosts == 1 ? 0 : g_.net_overhead_us * (p == 2 ? 3 : 1);
    const double net = s_.per_host == 1 ? t_.tree_net_us[p] : t_.ring_net_us[p];
    double latency = t_.ring_base_us[p] + (steps - outside) * std::max(t_.ring_nvlink_us[p], overhead) + outside * net;
    const bool large = bytes_ / (double(g_.channels) * s_.ranks) >= 64;
    if (p == 2 && op_ == CollectiveOp::all_reduce && s_.hosts > 1 && large) latency *= g_.ring_plateau;
    const double rates[] = {std::min(g_.ll_GBps[tier()], ll_part * bus_),
                            std::min(ll128_part * bus_, channels() * g_.ring_ll128_GBps[tier()]), bus_};
    return {latency, rates[p] / ring_traffic(op_, s_.ranks)};
  }

  // Between two hosts each byte crosses once each way, half of what a ring sends.
  Estimate tree(std::size_t p) const {
    const double depth = std::log2(s_.hosts);
    const double latency = t_.tree_base_us[p] + 2 * ((double(s_.ranks) / s_.hosts - 1) * t_.tree_nvlink_us[p] + depth * t_.tree_net_us[p]);
    const double bus = std::min(tree_part * (s_.hosts == 2 ? std::min(inside_, 2 * bus_) : bus_), channels() * g_.tree_GBps[tier()]);
    const double rates[] = {
        std::min(bus / tree_ll_divisor, g_.ll_GBps[tier()]),
        std::min(bus * (s_.hosts == 1 ? tree_ll128_one_host : tree_ll128_payload), channels() * g_.tree_ll128_GBps[tier()]), bus};
    const auto& correction = t_.tree_correction[p];
    const double octave = std::floor(std::log2(std::max(bytes_ / 64, 1.0)));
    const double factor = octave < double(correction.size()) ? correction[static_cast<std::size_t>(octave)] : 1;
    return {latency, rates[p] * factor * (s_.hosts == 1 ? 1 : t_.tree_across_hosts) / 2};
  }

  // A channel for each device of the host, at the greatest speed that the search tries and the links carry.
  double nvls_channel() const {
    for (const double speed : g_.nvls_GBps)
      if (speed * s_.per_host <= inside_) return speed;
    return 0;
  }
  std::optional<Estimate> nvls_like(double channel, double latency) const {
    if (channel <= 0 || g_.nvls_efficiency <= 0 || op_ != CollectiveOp::all_reduce) return std::nullopt;
    return Estimate{latency, nvls_rate(channel)};
  }
  double nvls_rate(double channel) const {
    return channel * s_.per_host * (t_.nvls_by_ring_steps ? 1 / ring_traffic(op_, s_.ranks) : 5.0 / 6);
  }
  double nvls_inside() const {
    const double n = s_.per_host;
    return t_.nvls_by_ring_steps ? nvls_channel() * g_.nvls_efficiency * (n - 1) / n * 2 : nvls_channel();
  }
  std::optional<Estimate> nvls() const { return nvls_like(nvls_inside(), t_.nvls_us); }
  std::optional<Estimate> nvls_across() const {
    auto estimate = nvls_like(std::min(nvls_inside(), s_.nic_rate_Bps * 1e-9), t_.nvls_us + t_.nvls_net_us);
    if (estimate) estimate->inside_GBps = nvls_rate(nvls_inside());
    return estimate;
  }
  std::optional<Estimate> nvls_tree() const {
    const double nic = s_.nic_rate_Bps * 1e-9;
    const double outside = t_.nvls_by_ring_steps ? nic * (s_.hosts == 2 ? 2 : 1) : nic / (s_.hosts == 2 ? 1 : 2);
    return nvls_like(std::min({nvls_inside(), outside, g_.nvls_tree_GBps[tier()]}),
                     t_.nvls_us + 2 * std::log2(s_.hosts) * t_.nvls_tree_net_us);
  }

  // Through the GPU of each rail; hosts of one GPU have nothing inside that bounds them.
  Estimate collnet(double latency, double rate) const {
    return {latency, rate, s_.per_host > 1 ? rate : std::numeric_limits<double>::infinity()};
  }
  Estimate collnet_direct() const {
    const double peers = s_.per_host - 1;
    const double inside = 2 * (std::min(1.0, peers) * t_.collnet_direct_us + peers * t_.collnet_direct_rank_us);
    return collnet(inside + t_.collnet_direct_net_us, inside_ * g_.collnet_direct / 2);
  }
  Estimate collnet_chain() const { return collnet(2 * (s_.per_host - 1) * t_.collnet_chain_us + t_.collnet_chain_net_us, inside_ / 2); }

  std::optional<Estimate> pat(std::size_t p) const {
    if (!halves()) return std::nullopt;
    const double latency = t_.pat_base_us[p] + std::log2(s_.hosts) * t_.tree_net_us[p] / t_.pat_net_divisor + t_.pat_per_rank_us * s_.ranks;
    return Estimate{latency, bus_ * t_.pat_bandwidth_factor};
  }

  CollectiveOp op_;
  const GroupShape& s_;
  double bytes_;
  const NcclTuning& t_;
  const NcclGeneration& g_;
  double bus_, inside_ = 0;
  bool switches_reduce_;
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  return text;
}
template <class Enum>
bool allowed(const std::string& wanted, Enum value) {
  return wanted.empty() || lower(wanted) == lower(std::string(name_of(value)));
}

bool point_to_point(CollectiveOp op) {
  return op == CollectiveOp::all_to_all || op == CollectiveOp::send_receive || op == CollectiveOp::gather || op == CollectiveOp::scatter;
}

// Few bytes take few channels: NCCL wants each thread to have some work.
int channels_of(const NcclChoice& choice, const GroupShape& shape, double bytes, const NcclGroup& group, const NcclSettings& settings) {
  const auto p = static_cast<std::size_t>(choice.protocol);
  const bool ring_ll = choice.algorithm == NcclAlgorithm::ring && choice.protocol == NcclProtocol::ll;
  const double full = group.tuning.threads[p] * group.tuning.bytes_per_thread[p] * (ring_ll ? shape.ranks : 1);
  int most = group.generation.channels;
  if (settings.max_channels > 0) most = std::min(most, settings.max_channels);
  const int channels = std::clamp(static_cast<int>(std::min(bytes / full, 1e6)), 1, most);
  return std::max(channels, std::min(settings.min_channels, most));
}

}  // namespace

std::string_view name_of(NcclAlgorithm algorithm) {
  constexpr std::string_view names[] = {"Tree",   "Ring",          "NVLS",         "NVLSTree",    "PAT",
                                        "Direct", "CollNetDirect", "CollNetChain", "Hierarchical"};
  return names[static_cast<int>(algorithm)];
}
std::string_view name_of(NcclProtocol protocol) {
  constexpr std::string_view names[] = {"LL", "LL128", "Simple"};
  return names[static_cast<int>(protocol)];
}

const NcclGeneration& NcclTuning::generation(std::string_view name) const {
  const auto found = std::find_if(generations.begin(), generations.end(), [&](const auto& g) { return g.name == name; });
  return found == generations.end() ? generations.back() : *found;
}

std::vector<std::pair<std::string, std::string>> problems_of(const NcclSettings& settings) {
  std::vector<std::pair<std::string, std::string>> problems;
  const auto check = [&](const char* key, const std::string& name, const std::vector<std::string>& known) {
    const auto same = [&](const std::string& k) { return lower(k) == lower(name); };
    if (!name.empty() && std::ranges::none_of(known, same))
      problems.emplace_back(key, fmt::format("'{}' is not known (known: {}).{} Write one of them.", name, fmt::join(known, ", "),
                                             sim::did_you_mean(name, known)));
  };
  std::vector<std::string> algorithms, protocols;
  for (const auto a : every_nccl_algorithm)
    if (a != NcclAlgorithm::direct) algorithms.emplace_back(name_of(a));
  for (const auto p : all_protocols) protocols.emplace_back(name_of(p));
  check("algo", settings.algorithm, algorithms);
  check("proto", settings.protocol, protocols);
  check("version", settings.version, nccl_versions());
  if (settings.max_channels > 0 && settings.max_channels < settings.min_channels)
    problems.emplace_back("max_channels", fmt::format("{} channels at most and {} at least. Raise one or lower the other.",
                                                      settings.max_channels, settings.min_channels));
  return problems;
}

bool is_named(NcclAlgorithm algorithm, const std::string& name) { return lower(name) == lower(std::string(name_of(algorithm))); }

NcclChoice nccl_choice(CollectiveOp op, const GroupShape& shape, double bytes, const NcclGroup& group, const NcclSettings& settings) {
  NcclChoice best;
  if (point_to_point(op)) {
    const double part = op == CollectiveOp::send_receive ? bytes : bytes / shape.ranks;
    const bool small = part <= group.tuning.point_to_point_ll_bytes && shape.hosts == 1;
    best.algorithm = NcclAlgorithm::direct;
    best.protocol = small && allowed(settings.protocol, NcclProtocol::ll) ? NcclProtocol::ll : NcclProtocol::simple;
    const auto p = static_cast<std::size_t>(best.protocol);
    best.latency_s =
        (group.tuning.ring_base_us[p] + (shape.hosts > 1 ? group.tuning.tree_net_us[p] : group.tuning.ring_nvlink_us[p])) * 1e-6;
    best.inside_s = best.transfer_s = bytes * ring_traffic(op, shape.ranks) / (group.bus_GBps * 1e9);
  } else {
    const bool collnet =
        is_named(NcclAlgorithm::collnet_direct, settings.algorithm) || is_named(NcclAlgorithm::collnet_chain, settings.algorithm);
    const Model model(op, shape, bytes, group, settings.collnet || collnet);
    // Forced ones first; if the group cannot run any of them, all.
    for (const bool forced : {true, false}) {
      bool any = false;
      for (const auto algorithm : every_nccl_algorithm)
        for (const auto protocol : all_protocols) {
          if (forced && !(allowed(settings.algorithm, algorithm) && allowed(settings.protocol, protocol))) continue;
          const auto estimate = model.of(algorithm, protocol);
          if (!estimate) continue;
          const NcclChoice choice{.algorithm = algorithm,
                                  .protocol = protocol,
                                  .latency_s = estimate->latency_us * 1e-6,
                                  .transfer_s = bytes / (estimate->algorithm_GBps * 1e9),
                                  .inside_s = bytes / (estimate->inside_GBps * 1e9)};
          if (!any || choice.latency_s + choice.transfer_s < best.latency_s + best.transfer_s) best = choice;
          any = true;
        }
      if (any) break;
    }
  }
  best.channels = channels_of(best, shape, bytes, group, settings);
  return best;
}

}  // namespace kernels

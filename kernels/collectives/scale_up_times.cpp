#include "kernels/collectives/scale_up_times.hpp"
#include <algorithm>
#include <cmath>
#include "kernels/collectives/ring.hpp"

namespace kernels {
namespace {

constexpr double trusted_growth = 4;  // beyond so many times the largest measured size an answer is an extrapolation
constexpr double small_chunk = 8192;  // bytes; below, a step takes fewer channels. An assumption: no other value was tried
constexpr double ranks_weight = 0.5;  // of log2(ranks) beside log2(chunk) as a distance; of 0.5, 1, 2 the least held-out error

// Whose form an operation follows, where it has none of its own.
CollectiveOp like(CollectiveOp op) {
  switch (op) {
    case CollectiveOp::broadcast:
      return CollectiveOp::all_gather;
    case CollectiveOp::reduce:
      return CollectiveOp::reduce_scatter;
    case CollectiveOp::gather:
    case CollectiveOp::scatter:
      return CollectiveOp::all_to_all;
    default:
      return op;
  }
}

std::array<double, 2> position(int ranks, double bytes) { return {std::log2(bytes / ranks), ranks_weight * std::log2(ranks)}; }

}  // namespace

std::string_view minor_version(std::string_view version) {
  const auto minor = version.find('.');
  return version.substr(0, minor == version.npos ? minor : version.find('.', minor + 1));
}

NcclGroup nccl_group(const ScaleUpProfile& profile, const NcclSettings& settings) {
  const NcclTuning& tuning = nccl_tuning(settings.version.empty() ? profile.nccl : settings.version);
  const NcclGeneration& generation = tuning.generation(profile.generation);
  return {tuning, generation, generation.bus_GBps * profile.bandwidth_Bps * 1e-9 / generation.link_GBps};
}

// The switch that reduces has no steps, and each rank sends the bytes once.
std::array<double, 6> model_terms(CollectiveOp op, NcclAlgorithm algorithm, int ranks, double bytes) {
  const bool nvls = algorithm == NcclAlgorithm::nvls;
  const double steps = nvls ? 0 : ring_steps(op, ranks), sent = (nvls ? 1 : ring_traffic(op, ranks)) * bytes, chunk = bytes / ranks;
  return {1, steps, steps * std::min(1.0, chunk / small_chunk), sent, std::sqrt(sent), nvls ? 0 : chunk};
}

NcclChoice library_choice(CollectiveOp op) {
  const bool direct = like(op) == CollectiveOp::all_to_all || op == CollectiveOp::send_receive;
  return {.algorithm = direct ? NcclAlgorithm::direct : NcclAlgorithm::ring, .protocol = NcclProtocol::simple};
}

double interpolated_seconds(const std::vector<TimedBytes>& points, double bytes) {
  const auto above = std::lower_bound(points.begin(), points.end(), bytes, [](const CollectivePoint& p, double b) { return p.bytes < b; });
  if (above == points.begin()) return points.front().seconds;
  if (above == points.end()) return points.back().seconds * (bytes / points.back().bytes);
  const auto& low = above[-1];
  const auto& high = above[0];
  const double part = std::log(bytes / low.bytes) / std::log(high.bytes / low.bytes);
  return low.seconds * std::pow(high.seconds / low.seconds, part);
}

ScaleUpTimes::ScaleUpTimes(const ScaleUpProfile& profile, NcclSettings settings)
    : profile_(profile), settings_(std::move(settings)), group_(nccl_group(profile_, settings_)) {
  struct Points {
    std::vector<double> at, values;
  };
  for (const auto& model : profile_.models) measured_.insert({model.op, model.algorithm, model.protocol});
  std::map<Key, Points> points;
  for (const auto& table : profile_.tables)
    for (const auto& p : table.points) {
      auto& [at, values] = points[{table.op, table.algorithm, table.protocol}];
      const auto x = position(table.ranks, p.bytes);
      at.insert(at.end(), x.begin(), x.end());
      values.push_back(std::log(p.seconds / form_seconds(table.op, table.ranks, p.bytes, {table.algorithm, table.protocol})));
    }
  for (auto& [key, p] : points) {
    const auto [least, most] = std::minmax_element(p.values.begin(), p.values.end());
    const double low = *least, high = *most;
    corrections_.emplace(key, Correction{LocalLinear(2, std::move(p.at), std::move(p.values)), low, high});
  }
}

NcclChoice ScaleUpTimes::choice(CollectiveOp op, int ranks, double bytes) const {
  return profile_.library.empty() ? nccl_choice(op, one_host(ranks), bytes, group_, settings_) : library_choice(op);
}

CollectiveOp ScaleUpTimes::own_or_like(CollectiveOp op, const NcclChoice& choice) const {
  return measured_.contains({op, choice.algorithm, choice.protocol}) ? op : like(op);
}

const CollectiveModel* ScaleUpTimes::model_of(const Key& key) const {
  const CollectiveModel* same_protocol = nullptr;
  for (const auto& model : profile_.models) {
    if (Key{model.op, model.algorithm, model.protocol} == key) return &model;
    if (!same_protocol && model.algorithm == std::get<1>(key) && model.protocol == std::get<2>(key)) same_protocol = &model;
  }
  return same_protocol;
}

double ScaleUpTimes::version_factor(const NcclChoice& choice) const {
  const auto version = minor_version(settings_.version.empty() ? profile_.nccl : settings_.version);
  for (const auto& v : profile_.versions)
    if (v.nccl == version && v.algorithm == choice.algorithm && v.protocol == choice.protocol) return v.factor;
  return 1;
}

double ScaleUpTimes::form_seconds(CollectiveOp op, int ranks, double bytes, const NcclChoice& choice) const {
  const CollectiveModel* m = model_of({own_or_like(op, choice), choice.algorithm, choice.protocol});
  const int channels = group_.generation.channels;
  const double fewer = settings_.max_channels > 0 && settings_.max_channels < channels ? double(channels) / settings_.max_channels : 1;
  if (!m) {
    const NcclSettings same{.algorithm = std::string(name_of(choice.algorithm)), .protocol = std::string(name_of(choice.protocol))};
    const NcclChoice estimate = nccl_choice(op, one_host(ranks), bytes, group_, same);
    return estimate.latency_s + fewer * estimate.transfer_s;
  }
  const auto t = model_terms(op, choice.algorithm, ranks, bytes);
  return t[0] * m->base_s + t[1] * m->step_s + t[2] * m->growth_s + fewer * (t[3] * m->per_byte_s + t[4] * m->root_s + t[5] * m->copy_s);
}

bool ScaleUpTimes::inside(CollectiveOp op, int ranks, double bytes) const {
  bool below = false, above = false;
  for (const auto& table : profile_.tables) {
    if (table.op != op || bytes > trusted_growth * table.points.back().bytes) continue;
    below = below || table.ranks <= ranks;
    above = above || table.ranks >= ranks;
  }
  return below && above;
}

ScaleUpTimes::Answer ScaleUpTimes::time(CollectiveOp op, int ranks, double bytes) const {
  if (ranks <= 1 || bytes <= 0) return {};
  // Two ranks that exchange halves of 2S do what a send and a receive of S do, whoever else is in the group.
  if (op == CollectiveOp::send_receive) return time(CollectiveOp::all_to_all, 2, 2 * bytes);
  const NcclChoice chosen = choice(op, ranks, bytes);
  double seconds = form_seconds(op, ranks, bytes, chosen) * version_factor(chosen);
  const auto correction = corrections_.find({own_or_like(op, chosen), chosen.algorithm, chosen.protocol});
  if (correction != corrections_.end()) {
    const auto& [at, least, most] = correction->second;
    seconds *= std::exp(std::clamp(at.at(position(ranks, bytes)), least, most));
  }
  return {seconds, inside(op, ranks, bytes)};
}

}  // namespace kernels

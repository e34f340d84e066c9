#include "kernels/attention_surface.hpp"
#include <algorithm>
#include <array>
#include <cmath>

namespace kernels {
namespace {

std::array<double, 4> coordinates(const AttentionPoint& p) {
  return {std::log2(double(p.seq_len)), std::log2(double(p.batch)), std::log2(double(p.heads)),
          std::log2(double(p.heads) / double(p.kv_heads))};
}

}  // namespace

double causal_attention_flops(const AttentionPoint& p) {
  return 2 * double(p.batch) * double(p.seq_len) * double(p.seq_len) * double(p.heads) * double(p.head_dim);
}

double attention_seconds(const AttentionPoint& p, const AttentionModel& model, const AttentionDevice& device) {
  const double row = double(p.batch) * double(p.seq_len) * double(p.head_dim);
  const double flops = 4 * row * double(p.heads) * (double(p.seq_len) / 2 + model.diagonal_tokens);
  const double bytes = row * (2 * double(p.heads) + 4 * double(p.kv_heads)) * device.element_bytes;
  return model.floor_seconds + flops / (model.peak_fraction * device.peak_flops) + bytes / (model.memory_efficiency * device.bandwidth_Bps);
}

AttentionSurface::AttentionSurface(const AttentionProfile& profile, const AttentionDevice& device)
    : model_(profile.model), device_(device) {
  struct Points {
    std::vector<double> places, logs;
  };
  std::map<std::int64_t, Points> points;
  for (const auto& p : profile.points) {
    const auto place = coordinates(p);
    auto& [places, logs] = points[p.head_dim];
    places.insert(places.end(), place.begin(), place.end());
    logs.push_back(std::log(causal_attention_flops(p) / device.peak_flops / p.utilisation / attention_seconds(p, model_, device)));
  }
  for (auto& [head_dim, p] : points) correction_by_head_dim_.emplace(head_dim, LocalLinear(4, std::move(p.places), std::move(p.logs)));
}

const LocalLinear* AttentionSurface::nearest(std::int64_t head_dim) const {
  const LocalLinear* best = nullptr;
  double best_distance = 0;
  for (const auto& [measured, surface] : correction_by_head_dim_) {
    const double distance = std::abs(std::log2(double(measured) / double(head_dim)));
    if (best && distance >= best_distance) continue;
    best = &surface;
    best_distance = distance;
  }
  return best;
}

double AttentionSurface::seconds(const AttentionPoint& shape) const {
  const LocalLinear* correction = nearest(shape.head_dim);
  const double formula = attention_seconds(shape, model_, device_);
  const double seconds = correction ? formula * std::exp(correction->at(coordinates(shape))) : formula;
  return std::max(seconds, causal_attention_flops(shape) / device_.peak_flops);
}

bool AttentionSurface::inside(const AttentionPoint& shape) const {
  const auto found = correction_by_head_dim_.find(shape.head_dim);
  return found != correction_by_head_dim_.end() && found->second.inside(coordinates(shape));
}

}  // namespace kernels

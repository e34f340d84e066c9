#include "workloads/studies/sweep_cost.hpp"
#include <algorithm>
#include <cmath>
#include <numeric>
#include <queue>

namespace workloads {
namespace {

constexpr int rounds = 30;
constexpr double prior = 0.02;  // samples of factor 1 that every value starts with, so that a single time is not taken for the whole truth
constexpr double shortest_s = 1e-6;

void fill_with_nearest(std::vector<double>& effect, const std::vector<bool>& tried) {
  const std::vector<double> known = effect;
  for (std::size_t v = 0; v < effect.size(); ++v)
    for (std::size_t distance = 0; distance < effect.size(); ++distance) {
      const bool below = distance <= v && tried[v - distance], above = v + distance < effect.size() && tried[v + distance];
      if (!below && !above) continue;
      effect[v] = known[below ? v - distance : v + distance];
      break;
    }
}

}  // namespace

// Axis by axis, again and again: the mean of what the other axes leave unexplained.
SweepCost::SweepCost(std::span<const std::size_t> axis_sizes, std::span<const Sample> samples) {
  for (const std::size_t size : axis_sizes) effect_.emplace_back(size, 0.0);
  if (samples.empty()) return;
  std::vector<double> rest;
  for (const Sample& sample : samples) rest.push_back(std::log(std::max(sample.seconds, shortest_s)));
  mean_ = std::accumulate(rest.begin(), rest.end(), 0.0) / double(rest.size());
  for (double& r : rest) r -= mean_;
  for (int round = 0; round < rounds; ++round)
    for (std::size_t a = 0; a < effect_.size(); ++a) {
      std::vector<double> sum(effect_[a].size(), 0.0), count(effect_[a].size(), prior);
      for (std::size_t s = 0; s < samples.size(); ++s) sum[samples[s].choices[a]] += rest[s], ++count[samples[s].choices[a]];
      std::vector<double> step(effect_[a].size());
      for (std::size_t v = 0; v < step.size(); ++v) step[v] = (sum[v] - prior * effect_[a][v]) / count[v];
      for (std::size_t s = 0; s < samples.size(); ++s) rest[s] -= step[samples[s].choices[a]];
      for (std::size_t v = 0; v < step.size(); ++v) effect_[a][v] += step[v];
    }
  for (std::size_t a = 0; a < effect_.size(); ++a) {
    std::vector<bool> tried(effect_[a].size(), false);
    for (const Sample& sample : samples) tried[sample.choices[a]] = true;
    fill_with_nearest(effect_[a], tried);
  }
}

double SweepCost::seconds(std::span<const std::size_t> choices) const {
  double logarithm = mean_;
  for (std::size_t a = 0; a < effect_.size(); ++a) logarithm += effect_[a][choices[a]];
  return std::exp(logarithm);
}

// The dearest first, each to the share that has least so far: none then exceeds the best possible by more than a third.
std::vector<std::vector<std::size_t>> share_out(std::span<const double> costs, std::size_t shards) {
  std::vector<std::vector<std::size_t>> shares(std::min(shards, costs.size()));
  std::vector<std::size_t> order(costs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t i) { return costs[i]; });
  std::priority_queue<std::pair<double, std::size_t>, std::vector<std::pair<double, std::size_t>>, std::greater<>> least;
  for (std::size_t s = 0; s < shares.size(); ++s) least.emplace(0.0, s);
  for (const std::size_t i : order) {
    const auto [cost, share] = least.top();
    least.pop();
    shares[share].push_back(i);
    least.emplace(cost + std::max(costs[i], shortest_s), share);
  }
  for (auto& share : shares) std::ranges::sort(share);
  return shares;
}

}  // namespace workloads

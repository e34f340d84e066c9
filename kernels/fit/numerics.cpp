#include "kernels/fit/numerics.hpp"
#include <fmt/format.h>
#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace kernels::fit {
namespace {

struct Vertex {
  std::vector<double> at;
  double cost;
};

// centre + factor * (centre - from), per coordinate.
std::vector<double> along(const std::vector<double>& centre, const std::vector<double>& from, double factor) {
  std::vector<double> to(centre.size());
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = centre[i] + factor * (centre[i] - from[i]);
  return to;
}

Vertex simplex(const std::function<double(const std::vector<double>&)>& cost, const std::vector<double>& start, double step,
               int evaluations) {
  std::vector<Vertex> vertices{{start, cost(start)}};
  for (std::size_t i = 0; i < start.size(); ++i) {
    auto corner = start;
    corner[i] += step;
    vertices.push_back({corner, cost(corner)});
  }
  evaluations -= static_cast<int>(vertices.size());
  const auto by_cost = [](const Vertex& a, const Vertex& b) { return a.cost < b.cost; };
  const auto tried = [&](std::vector<double> at) {
    --evaluations;
    const double c = cost(at);
    return Vertex{std::move(at), c};
  };
  while (evaluations > 0) {
    std::stable_sort(vertices.begin(), vertices.end(), by_cost);
    Vertex& worst = vertices.back();
    std::vector<double> centre(start.size(), 0);
    for (std::size_t v = 0; v + 1 < vertices.size(); ++v)
      for (std::size_t i = 0; i < centre.size(); ++i) centre[i] += vertices[v].at[i] / double(start.size());
    Vertex reflected = tried(along(centre, worst.at, 1));
    if (reflected.cost < vertices.front().cost) {
      Vertex expanded = tried(along(centre, worst.at, 2));
      worst = expanded.cost < reflected.cost ? expanded : reflected;
    } else if (reflected.cost < vertices[vertices.size() - 2].cost) {
      worst = reflected;
    } else {
      Vertex contracted = tried(along(centre, worst.at, reflected.cost < worst.cost ? 0.5 : -0.5));
      if (contracted.cost < std::min(worst.cost, reflected.cost)) {
        worst = contracted;
      } else {
        for (std::size_t v = 1; v < vertices.size(); ++v) vertices[v] = tried(along(vertices.front().at, vertices[v].at, -0.5));
      }
    }
  }
  return *std::min_element(vertices.begin(), vertices.end(), by_cost);
}

// FNV-1a
std::uint64_t hash_of(std::string_view key) {
  std::uint64_t hash = 14695981039346656037ull;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return hash ^ hash >> 32;
}

double quantile(const std::vector<double>& sorted, double part) {
  return sorted[static_cast<std::size_t>(part * double(sorted.size() - 1))];
}

}  // namespace

std::vector<double> minimise(const std::function<double(const std::vector<double>&)>& cost, std::vector<double> start, double step,
                             int evaluations) {
  const Vertex first = simplex(cost, start, step, evaluations / 2);
  return simplex(cost, first.at, step / 2, evaluations / 2).at;
}

std::vector<double> nonnegative_least_squares(const std::vector<std::vector<double>>& rows, const std::vector<double>& right) {
  const std::size_t unknowns = rows.empty() ? 0 : rows[0].size();
  std::vector<double> best(unknowns, 0);
  double best_cost = std::inner_product(right.begin(), right.end(), right.begin(), 0.0);
  for (unsigned set = 1; set < 1u << unknowns; ++set) {
    std::vector<std::size_t> free;
    for (std::size_t j = 0; j < unknowns; ++j)
      if (set >> j & 1) free.push_back(j);
    Eigen::MatrixXd a(rows.size(), free.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t j = 0; j < free.size(); ++j) a(Eigen::Index(i), Eigen::Index(j)) = rows[i][free[j]];
    const Eigen::Map<const Eigen::VectorXd> b(right.data(), Eigen::Index(right.size()));
    const Eigen::VectorXd x = a.colPivHouseholderQr().solve(b);
    const double cost = (a * x - b).squaredNorm();
    if (x.minCoeff() < 0 || cost >= best_cost) continue;
    best_cost = cost;
    best.assign(unknowns, 0);
    for (std::size_t j = 0; j < free.size(); ++j) best[free[j]] = x[Eigen::Index(j)];
  }
  return best;
}

double huber(double residual, double width) {
  const double r = std::abs(residual);
  return r < width ? r * r / 2 : width * (r - width / 2);
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return (values[values.size() / 2] + values[(values.size() - 1) / 2]) / 2;
}

double rounded(double value) { return std::stod(fmt::format("{:.4g}", value)); }

int fold_of(std::string_view key) { return static_cast<int>(hash_of(key) % folds); }
int half_of(std::string_view key) { return static_cast<int>(hash_of(key) % 2); }

Residual residual_of(std::string_view what, std::int64_t points, const std::vector<double>& log_ratios) {
  Residual r{.what = std::string(what), .n = points, .held_out = std::int64_t(log_ratios.size())};
  if (log_ratios.empty()) return r;
  const auto mean = [](const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
  };
  std::vector<double> errors, deviations, sorted = log_ratios;
  std::sort(sorted.begin(), sorted.end());
  const double middle = median(log_ratios);
  for (const double l : log_ratios) {
    errors.push_back(std::abs(std::exp(l) - 1));
    deviations.push_back(std::abs(l - middle));
  }
  std::sort(errors.begin(), errors.end());
  r.median_abs_error = rounded(median(errors));
  r.p90_abs_error = rounded(quantile(errors, 0.9));
  r.bias = rounded(mean(log_ratios));
  r.sigma = rounded(1.4826 * median(deviations));
  r.mean_abs_error = rounded(mean(errors));
  r.p95_abs_error = rounded(quantile(errors, 0.95));
  r.low = rounded(std::exp(-quantile(sorted, 0.95)));
  r.high = rounded(std::exp(-quantile(sorted, 0.05)));
  return r;
}

}  // namespace kernels::fit

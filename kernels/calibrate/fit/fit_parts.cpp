#include "kernels/calibrate/fit/fit_parts.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>
#include "kernels/attention_surface.hpp"
#include "kernels/collectives/scale_up_times.hpp"  // interpolated_seconds
#include "kernels/fit/fit_device_profile.hpp"
#include "kernels/fit/numerics.hpp"
#include "sim/error.hpp"

namespace kernels::calibrate {
namespace {

constexpr std::size_t fewest_products = 12, fewest_passes = 3, fewest_collectives = 8, fewest_attention = 10;
constexpr double frozen = 100;  // what stands still beside the other is not slowed any further

template <class Kind, class Each>
void for_each(const Samples& samples, Each each) {
  for (const Sample* sample : samples)
    if (const auto* operation = std::get_if<Kind>(&sample->operation)) each(*operation, sample->seconds);
}

class Fit {
 public:
  Fit(const DeviceProfile& base, const Samples& samples, const CollectiveLibrary& library) : samples_(samples), library_(library) {
    parts_.profile = base;
  }
  Parts run() && {
    memory();
    products();
    batched_products();
    attention();
    collectives();
    messages();
    return std::move(parts_);
  }

 private:
  DeviceProfile& profile() { return parts_.profile; }
  void note(std::string what) { parts_.fitted.push_back(std::move(what)); }

  // Copies say what a pass takes at each size, the other loops how many times as long they take.
  void memory() {
    auto& memory = profile().memory;
    std::vector<TimedBytes> points;
    for_each<MemoryPass>(samples_, [&](const MemoryPass& pass, double seconds) {
      if (pass.kernel == MemoryKernel::copy) points.push_back({pass.bytes, fit::rounded(seconds * 1e6) * 1e-6});
    });
    if (points.size() < fewest_passes) return;
    std::sort(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
    fit::make_monotone(points);
    if (memory.bandwidth_Bps <= 0)
      for (const auto& p : points) memory.bandwidth_Bps = std::max(memory.bandwidth_Bps, fit::rounded(p.bytes / p.seconds));
    memory.efficiency = std::min(1.0, fit::rounded(points.back().bytes / points.back().seconds / memory.bandwidth_Bps));
    memory.points = points;
    std::map<MemoryKernel, std::vector<double>> ratios;
    for_each<MemoryPass>(samples_, [&](const MemoryPass& pass, double seconds) {
      ratios[pass.kernel].push_back(seconds / interpolated_seconds(points, pass.bytes));
    });
    for (const auto& [kernel, values] : ratios)
      if (kernel != MemoryKernel::copy) parts_.costs.factor[static_cast<std::size_t>(kernel)] = fit::rounded(fit::median(values));
    note("memory");
  }

  void products() {
    std::map<Precision, std::vector<fit::GemmRow>> rows;
    for_each<Product>(samples_, [&](const Product& product, double seconds) {
      const Gemm& g = product.shape;
      if (g.batch == 1) rows[g.precision].push_back({{g.m, g.n, g.k}, seconds});
    });
    std::erase_if(rows, [](const auto& entry) { return entry.second.size() < fewest_products; });
    std::vector<GemmTable> tables;
    for (const auto& [precision, its_rows] : rows) {
      double& peak = profile().peak_flops[static_cast<std::size_t>(precision)];
      if (peak <= 0)
        for (const auto& row : its_rows) peak = std::max(peak, fit::rounded(row.shape.flops() / row.seconds));
      GemmTable start{.precision = precision, .used_for = {precision}};
      for (const auto& [one, other] : {std::pair(Precision::bf16, Precision::fp16), std::pair(Precision::fp16, Precision::bf16)})
        if (precision == one && !rows.contains(other)) start.used_for.push_back(other);  // the same units
      tables.push_back(fit::fit_gemm_table(its_rows, gemm_device(profile(), precision), start));
      note(fmt::format("gemm {}", name_of(precision)));
    }
    for (GemmTable& before : profile().gemm) {
      for (const auto& table : tables)
        for (const Precision covered : table.used_for) std::erase(before.used_for, covered);
      if (!before.used_for.empty()) tables.push_back(std::move(before));
    }
    profile().gemm = std::move(tables);
  }

  // The part of the peak with the least error, among those of the samples themselves: small ones are bound by memory.
  void batched_products() {
    struct Row {
      double flops_s, memory_s, seconds;  // at the peak; of their operands; measured
    };
    std::vector<Row> rows;
    const auto& memory = profile().memory;
    for_each<Product>(samples_, [&](const Product& product, double seconds) {
      const Gemm& g = product.shape;
      if (g.batch == 1 || profile().peak(g.precision) <= 0 || memory.points.empty()) return;
      const GemmDevice device = gemm_device(profile(), g.precision);
      rows.push_back({g.flops() / device.peak_flops,
                      interpolated_seconds(memory.points, double(g.batch) * GemmShape{g.m, g.n, g.k}.bytes(device)), seconds});
    });
    double least = std::numeric_limits<double>::infinity();
    for (const Row& candidate : rows) {
      const double fraction = std::min(1.0, fit::rounded(candidate.flops_s / candidate.seconds));
      double error = 0;
      for (const Row& r : rows) error += std::abs(std::log(std::max(r.flops_s / fraction, r.memory_s) / r.seconds));
      if (error >= least) continue;
      least = error;
      profile().batched_gemm = {fraction, "measured"};
    }
    if (!rows.empty()) note("gemm batched");
  }

  void attention() {
    const Precision precision = profile().peak(Precision::bf16) > 0 ? Precision::bf16 : Precision::fp32;
    const AttentionDevice device{profile().peak(precision), profile().memory.bandwidth_Bps, double(bytes_per_element(precision))};
    AttentionProfile& attention = profile().attention;
    std::vector<fit::AttentionRow> rows;
    const auto usable = [&](const Attention& a) { return a.fused && a.shape.causal && a.precision == precision; };
    const auto point = [](const AttentionShape& s) { return AttentionPoint{s.batch, s.seq_len, s.heads, s.kv_heads, s.head_dim, 0}; };
    for_each<Attention>(samples_, [&](const Attention& a, double seconds) {
      if (usable(a) && a.direction == Direction::forward) rows.push_back({point(a.shape), seconds});
    });
    if (rows.size() < fewest_attention) {
      if (attention.points.empty() && profile().batched_gemm.peak_fraction > 0)  // no flash attention here: its products alone
        attention.model.peak_fraction = profile().batched_gemm.peak_fraction;
      return;
    }
    fit::fit_attention_points(rows, device, attention);
    const AttentionSurface forward(attention, device);
    std::vector<double> ratios;
    for_each<Attention>(samples_, [&](const Attention& a, double seconds) {
      if (usable(a) && a.direction == Direction::backward) ratios.push_back(seconds / forward.seconds(point(a.shape)));
    });
    if (!ratios.empty()) attention.backward_rate = fit::rounded(attention.backward_flops / fit::median(ratios));
    note("attention");
  }

  void collectives() {
    std::vector<fit::CollectiveRow> rows;
    for_each<Collective>(samples_, [&](const Collective& c, double seconds) {
      if (library_.hosts_of(c) == 1) rows.push_back(collective_row(c, seconds, library_));
    });
    auto& scale_up = profile().scale_up;
    scale_up.library = library_.library;
    if (rows.size() < fewest_collectives) return;
    if (scale_up.bandwidth_Bps <= 0) scale_up.bandwidth_Bps = best_rate<Message>();
    const ScaleUpProfile before = scale_up;
    fit::fit_collectives(rows, scale_up);
    const auto is_new = [&](CollectiveOp op) {
      return std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.op == op; });
    };
    for (const auto& model : before.models)
      if (!is_new(model.op)) scale_up.models.push_back(model);
    for (const auto& table : before.tables)
      if (!is_new(table.op)) scale_up.tables.push_back(table);
    std::sort(scale_up.tables.begin(), scale_up.tables.end(), [](const auto& a, const auto& b) {
      return std::tie(a.op, a.ranks, a.algorithm, a.protocol) < std::tie(b.op, b.ranks, b.algorithm, b.protocol);
    });
    note("collectives");
  }

  // Latency and rate, least squares on relative residuals.
  void messages() {
    auto& scale_up = profile().scale_up;
    if (scale_up.bandwidth_Bps <= 0) scale_up.bandwidth_Bps = std::max(best_rate<Message>(), 0.0);
    if (scale_up.bandwidth_Bps <= 0) scale_up.bandwidth_Bps = profile().memory.bandwidth_Bps;  // one rank: nobody to send to
    std::vector<std::vector<double>> terms;
    for_each<Message>(samples_, [&](const Message& message, double seconds) {
      terms.push_back({1e-6 / seconds, message.bytes / scale_up.bandwidth_Bps / seconds});
    });
    if (terms.size() < fewest_passes) return;
    const auto x = fit::nonnegative_least_squares(terms, std::vector<double>(terms.size(), 1));
    profile().network.intra_step_seconds = fit::rounded(x[0] * 1e-6);
    if (x[1] > 0) scale_up.efficiency = std::min(1.0, fit::rounded(1 / x[1]));
    note("messages");
  }

  template <class Kind>
  double best_rate() const {
    double rate = 0;
    for_each<Kind>(samples_, [&](const Kind& kind, double seconds) { rate = std::max(rate, kind.bytes / seconds); });
    return fit::rounded(rate);
  }

  const Samples& samples_;
  const CollectiveLibrary& library_;
  Parts parts_;
};

}  // namespace

fit::CollectiveRow collective_row(const Collective& c, double seconds, const CollectiveLibrary& library) {
  return {.source = "measured",
          .network = {},
          .gpu_type = {},
          .nccl = library.nccl,
          .op = c.op,
          .ranks = static_cast<int>(c.members.size()),
          .hosts = library.hosts_of(c),
          .bytes = c.bytes,
          .seconds = seconds};
}

Parts fit_parts(const DeviceProfile& base, const Samples& samples, const CollectiveLibrary& library) {
  return Fit(base, samples, library).run();
}

// Both run at a lower speed until the first one ends, then the other at its own.
void fit_costs(const Journal& journal, BareCosts& costs) {
  std::vector<double> product, collective;
  for (const BesideSample& s : journal.beside) {
    if (!s.skipped.empty()) continue;
    const double work[] = {s.product_runs * s.product_alone, s.collective_runs * s.collective_alone};
    const double end[] = {s.product_beside, s.collective_beside};
    const int first = end[0] <= end[1] ? 0 : 1, last = 1 - first;
    const double left = end[last] - end[first];  // as fast as alone
    double slowdown[2];
    slowdown[first] = std::clamp(end[first] / work[first], 1.0, frozen);
    slowdown[last] = work[last] > left ? std::clamp(end[first] / (work[last] - left), 1.0, frozen) : frozen;
    product.push_back(slowdown[0]);
    collective.push_back(slowdown[1]);
  }
  if (!product.empty()) {
    costs.overlap_slowdown = fit::median(product);
    costs.overlap_collective_slowdown = fit::median(collective);
  }
  for (const Sample& sample : journal.samples)
    if (const auto* launch = std::get_if<Launch>(&sample.operation); launch && launch->of_host && sample.skipped.empty())
      costs.host_op_s = sample.seconds;
}

}  // namespace kernels::calibrate

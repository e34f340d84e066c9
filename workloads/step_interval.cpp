#include "workloads/step_interval.hpp"
#include <fmt/format.h>
#include <cmath>
#include <map>

namespace workloads {
namespace {

// Relative error of what a profile has no residual for.
constexpr double unmeasured_sigma = 0.15;

double sigma_of(const kernels::DeviceProfile& device, std::string_view what) {
  const kernels::Residual* residual = device.residual(what);
  return residual ? std::hypot(residual->sigma, residual->bias) : unmeasured_sigma;
}

// Picoseconds by duration of one operation, over the programs of a job: operations of one class
// and equal duration are of one shape.
using TimeByShape = std::map<std::int64_t, double>;

struct ClassTimes {
  TimeByShape by_shape;
  double all = 0, outside = 0;
};

template <class Each>
void for_each_op(const Plan& plan, std::uint32_t job, std::uint32_t kind, Each each) {
  std::vector<bool> seen(plan.programs.size());
  for (const Rank& rank : plan.ranks) {
    if (rank.job != job || seen[rank.program]) continue;
    seen[rank.program] = true;
    const Program& program = plan.programs[rank.program];
    if (program.device != kind) continue;
    std::vector<double> runs(program.blocks.size(), 0);
    for (const Step& step : program.steps)
      if (step.kind == StepKind::run) ++runs[step.block];
    for (std::size_t b = 0; b < program.blocks.size(); ++b)
      for (const Op& op : program.blocks[b].ops) each(op, runs[b]);
  }
}

ClassTimes times_of(const Plan& plan, std::uint32_t job, std::uint32_t kind, OpClass op_class) {
  ClassTimes times;
  for_each_op(plan, job, kind, [&](const Op& op, double runs) {
    if (op.op_class != op_class) return;
    const double ps = runs * static_cast<double>(op.device.ps());
    times.by_shape[op.device.ps()] += ps;
    times.all += ps;
    if (op.outside_measured_range) times.outside += ps;
  });
  return times;
}

// Of n equal parts 1 / sqrt(n).
double averaging(const ClassTimes& times) {
  double squares = 0;
  for (const auto& [duration, ps] : times.by_shape) squares += ps * ps;
  return times.all > 0 ? std::sqrt(squares) / times.all : 0;
}

// The same shapes, the same errors: two runs of them share this cause.
std::uint64_t fingerprint(const ClassTimes& times) {
  std::uint64_t hash = 14695981039346656037ull;  // FNV-1a
  for (const auto& [duration, ps] : times.by_shape) hash = (hash ^ static_cast<std::uint64_t>(duration)) * 1099511628211ull;
  return hash;
}

}  // namespace

double share_outside_range(const Plan& plan, std::uint32_t job, std::uint32_t kind) {
  const ClassTimes gemm = times_of(plan, job, kind, OpClass::gemm);
  return gemm.all > 0 ? gemm.outside / gemm.all : 0;
}

std::vector<ErrorCause> step_error_causes(const JobResult& result, const std::array<double, op_class_count>& device_s, const Plan& plan,
                                          std::uint32_t job, std::uint32_t kind, kernels::Precision precision,
                                          const kernels::DeviceProfile& device, const kernels::SoftwareProfile& software) {
  const auto exposed = [&](Category c) { return result.breakdown_s[static_cast<std::size_t>(c)]; };
  const auto seconds = [&](OpClass c) { return device_s[static_cast<std::size_t>(c)]; };
  const double scale_up = exposed(Category::tp_comm),
               network = exposed(Category::dp_comm) + exposed(Category::pp_comm) + exposed(Category::cp_comm);
  const double kernels = seconds(OpClass::gemm) + seconds(OpClass::attention) + seconds(OpClass::memory_bound);
  const double busy = kernels + scale_up + network;  // waiting (bubbles) scales with what is waited for

  std::vector<ErrorCause> causes;
  const auto add = [&](std::string cause, double part_s, double sigma) {
    if (part_s > 0 && sigma > 0) causes.push_back({std::move(cause), part_s / busy, sigma});
  };
  causes.push_back({fmt::format("software {}", software.name), 1, software.step_time_sigma});
  add(fmt::format("{}: collectives inside the scale-up domain", device.name), scale_up, sigma_of(device, "all_reduce"));
  add(fmt::format("{}: collectives across hosts", device.name), network, sigma_of(device, "network_all_reduce"));
  if (!device.calibrated) {
    add(fmt::format("{}: not measured", device.name), kernels, sigma_of(device, kernels::transferred));
    return causes;
  }
  const auto add_class = [&](OpClass op_class, std::string_view name, std::string_view shapes) {
    const ClassTimes times = times_of(plan, job, kind, op_class);
    const double wider = times.all > 0 ? 1 + times.outside / times.all : 1;
    add(fmt::format("{}: {}, all alike", device.name, name), seconds(op_class), wider * sigma_of(device, fmt::format("{}_common", name)));
    if (!shapes.empty())
      add(fmt::format("{}: {}, shapes {:016x}", device.name, name, fingerprint(times)), seconds(op_class),
          wider * averaging(times) * sigma_of(device, shapes));
  };
  add_class(OpClass::gemm, "gemm", fmt::format("gemm_{}_large", kernels::name_of(device.gemm_table(precision).precision)));
  add_class(OpClass::attention, "attention", "attention_long");
  add_class(OpClass::memory_bound, "memory_bound", "");
  return causes;
}

double log_sigma(std::span<const ErrorCause> causes) {
  double squares = 0;
  for (const ErrorCause& c : causes) squares += c.share * c.sigma * c.share * c.sigma;
  return std::sqrt(squares);
}

double log_sigma_of_ratio(std::span<const ErrorCause> a, std::span<const ErrorCause> b) {
  std::map<std::string, double> difference;  // share * sigma, by cause
  for (const ErrorCause& c : a) difference[c.cause] += c.share * c.sigma;
  for (const ErrorCause& c : b) difference[c.cause] -= c.share * c.sigma;
  double squares = 0;
  for (const auto& [cause, d] : difference) squares += d * d;
  return std::sqrt(squares);
}

}  // namespace workloads

#include "bindings/cli/summary_text.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include "bindings/cli/packet_text.hpp"

namespace cli {
namespace {

using workloads::JobResult;
using workloads::Result;

std::string line(std::string_view label, std::string_view text) { return fmt::format("  {:<12}{}\n", label, text); }

// With groups of three digits.
std::string fixed(double value, int decimals) {
  std::string text = fmt::format("{:.{}f}", value, decimals);
  for (auto place = static_cast<std::ptrdiff_t>(std::min(text.find('.'), text.size())) - 3; place > (value < 0 ? 1 : 0); place -= 3)
    text.insert(static_cast<std::size_t>(place), ",");
  return text;
}
std::string count(double value) { return fixed(value, 0); }

// Four digits that count: 0.123, 12.34, 1,234.
int decimals_of(double value) {
  const double size = std::abs(value);
  return size == 0 || size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;
}
std::string digits(double value) { return fixed(value, decimals_of(value)); }

struct Scale {
  double factor;
  std::string_view unit;
};

// The unit that fits `size`; several values may then be shown in it.
template <std::size_t N>
Scale scale_of(double size, const std::array<Scale, N>& from_large) {
  for (const auto& scale : from_large)
    if (size >= scale.factor) return scale;
  return from_large.back();
}
constexpr std::array time_units = {Scale{1, "s"}, Scale{1e-3, "ms"}, Scale{1e-6, "us"}};
constexpr std::array byte_units = {Scale{1e15, "PB"}, Scale{1e12, "TB"}, Scale{1e9, "GB"},
                                   Scale{1e6, "MB"},  Scale{1e3, "kB"},  Scale{1, "B"}};

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

// Eighths of a block, so that one percent of a 32-block bar is seen.
std::string bar(double share) {
  constexpr std::array<std::string_view, 8> parts = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * 32 * 8));
  std::string text;
  for (int i = 0; i < eighths / 8; ++i) text += "█";
  return text + std::string(parts[static_cast<std::size_t>(eighths % 8)]);
}

std::string breakdown(const JobResult& job) {
  const Scale unit = scale_of(job.step_time_s, time_units);
  const int decimals = decimals_of(job.step_time_s / unit.factor);
  std::string text;
  for (std::size_t i = 0; i < workloads::category_count; ++i) {
    const double seconds = job.breakdown_s[i], share = seconds / job.step_time_s;
    if (seconds <= 0) continue;
    text += fmt::format("    {:<10}{:>8} {:<2} {:>7}  {}\n", workloads::category_names[i], fixed(seconds / unit.factor, decimals),
                        unit.unit, percent(share), bar(share));
  }
  return text;
}

// Its longest items, all ranks together.
std::string critical_path(const JobResult& job) {
  std::map<std::string, double> by_op;
  for (const auto& item : job.critical_path) by_op[item.op] += item.seconds;
  std::vector<std::pair<std::string, double>> items(by_op.begin(), by_op.end());
  std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  constexpr std::size_t most = 8;
  double rest = 0;
  for (std::size_t i = most; i < items.size(); ++i) rest += items[i].second;
  items.resize(std::min(most, items.size()));
  if (rest > 0) items.emplace_back("others", rest);
  const Scale unit = scale_of(job.step_time_s, time_units);
  std::string text = items.empty() ? "" : "  critical path: what the end of the step waited for\n";
  for (const auto& [op, seconds] : items)
    text += fmt::format("    {:<24}{:>8} {:<2} {:>7}\n", op, fixed(seconds / unit.factor, decimals_of(job.step_time_s / unit.factor)),
                        unit.unit, percent(seconds / job.step_time_s));
  return text;
}

std::string sensitivity(const Result& result) {
  if (result.sensitivity.empty()) return "";
  std::string text = "  1 % better shortens the step by\n";
  for (const auto& s : result.sensitivity) {
    const double seconds = s.seconds_per_percent;
    const Scale unit = scale_of(std::abs(seconds), time_units);
    text += fmt::format("    {:<24}{:>8.3f} % {:>9} {}\n", s.parameter, s.elasticity, digits(seconds / unit.factor), unit.unit);
  }
  return text;
}

std::string memory(const workloads::MemoryUse& use) {
  constexpr double gib = 1024.0 * 1024 * 1024;
  std::string parts;
  const auto part = [&](std::string_view name, double bytes) {
    if (bytes > 0) parts += fmt::format("{}{} {:.1f}", parts.empty() ? "" : ", ", name, bytes / gib);
  };
  part("weights", use.weights);
  part("gradients", use.gradients);
  part("optimizer", use.optimizer);
  part("activations", use.activations);
  part("buffers", use.buffers);
  return line("memory", fmt::format("{:.1f} of {:.1f} GiB on rank {}, the fullest ({:.0f} %){}", use.total() / gib, use.capacity / gib,
                                    use.rank, 100 * use.total() / use.capacity, use.fits() ? "" : "  DOES NOT FIT")) +
         line("", parts);
}

std::string job_text(const JobResult& job) {
  const Scale unit = scale_of(job.step_time_s, time_units);
  std::string step = fmt::format("{} {}", digits(job.step_time_s / unit.factor), unit.unit);
  if (job.interval_high_s > 0)
    step += fmt::format("   90 %: {} to {} {}{}", digits(job.interval_low_s / unit.factor), digits(job.interval_high_s / unit.factor),
                        unit.unit, job.outside_calibrated_range ? ", outside the calibrated range" : "");
  std::string text = line("step time", step);
  text += line("tokens/s", fmt::format("{}   {} per GPU", digits(job.tokens_per_s()), digits(job.tokens_per_s() / job.gpus)));
  text += line("model", fmt::format("{} TFLOP/s per GPU   MFU {}", digits(job.model_flops_per_gpu_s() / 1e12), percent(job.mfu())));
  if (job.hardware_flops_per_step > job.model_flops_per_step)
    text += line("hardware", fmt::format("{} TFLOP/s per GPU   HFU {}, recomputation included",
                                         digits(job.hardware_flops_per_gpu_s() / 1e12), percent(job.hfu())));
  text += "  where the step time goes, mean over ranks\n" + breakdown(job);
  text += critical_path(job);
  if (job.memory.capacity > 0) text += memory(job.memory);
  return text;
}

// Which links are full, and how much: what to widen first.
std::string network(const workloads::NetworkStats& stats) {
  if (stats.flows == 0) return line("network", "not used: no flow left its scale-up domain");
  const Scale unit = scale_of(stats.bytes, byte_units);
  std::string text = line("network", fmt::format("links used {} at most, {} on average; {} flows, {} {}",
                                                 percent(stats.max_link_utilization), percent(stats.mean_link_utilization),
                                                 count(static_cast<double>(stats.flows)), digits(stats.bytes / unit.factor), unit.unit));
  if (stats.packets) {
    for (const auto& [label, words] : packet_lines(*stats.packets, stats.queues)) text += line(label, words);
    return text + line("fluid", fmt::format("step time {:.4g} s in the fluid network", stats.fluid_step_time_s));
  }
  constexpr std::size_t most = 3;
  constexpr double worth_saying = 0.01;  // of the time; a NIC that sends both ways of a pipeline at once is below it
  std::size_t shown = 0;
  for (const auto& link : stats.full_links) {
    if (link.limiting_share < worth_saying || shown == most) break;
    text += line(shown++ == 0 ? "full links" : "", fmt::format("{}: used {}, held flows back {} of the time", link.name,
                                                               percent(link.utilization), percent(link.limiting_share)));
  }
  if (shown == most && stats.full_link_count > most)
    text += line("", fmt::format("and {} more, the worst first", stats.full_link_count - most));
  if (shown == 0) text += line("full links", "none: no link held flows below the rate of their own NICs for 1 % of the time");
  return text;
}

}  // namespace

std::string summary_text(const Result& result, const std::vector<std::string>& files) {
  std::string kinds;
  if (result.accelerators.size() > 1)
    for (const auto& [name, gpus] : result.accelerators) kinds += fmt::format(", {} {}", count(gpus), name);
  std::string text = fmt::format("{}: {} GPU{}{}, {} network, seed {}\n\n", result.name, count(result.gpus), result.gpus == 1 ? "" : "s",
                                 kinds, result.network, result.seed);
  for (const auto& job : result.jobs) {
    if (result.jobs.size() > 1) text += fmt::format("job {}: {} GPUs\n", job.name, count(job.gpus));
    text += job_text(job) + "\n";
  }
  text += sensitivity(result);
  text += network(result.network_stats);
  const Scale unit = scale_of(result.wall_s, time_units);
  text += line("simulated",
               fmt::format("{} of {} ranks, {} events, in {} {}; signature {:016x}", count(result.ranks_simulated), count(result.gpus),
                           count(static_cast<double>(result.events)), digits(result.wall_s / unit.factor), unit.unit, result.signature));
  for (std::size_t i = 0; i < files.size(); ++i) text += line(i == 0 ? "wrote" : "", files[i]);
  return text;
}

}  // namespace cli

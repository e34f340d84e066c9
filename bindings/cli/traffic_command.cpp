#include "bindings/cli/traffic_command.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include "bindings/cli/packet_text.hpp"
#include "bindings/cli/progress.hpp"
#include "bindings/cli/window_option.hpp"
#include "bindings/report/fct_svg.hpp"
#include "bindings/report/queues_svg.hpp"
#include "sim/error.hpp"
#include "workloads/packet_report.hpp"
#include "workloads/quantity.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/traffic/flow_file.hpp"
#include "workloads/traffic/patterns.hpp"
#include "workloads/traffic/traffic_run.hpp"
#include "workloads/traffic/traffic_summary.hpp"
#include "workloads/traffic/traffic_trace.hpp"

namespace cli {
namespace {

using namespace workloads::traffic;

std::string line(std::string_view label, std::string_view text) { return fmt::format("  {:<14}{}\n", label, text); }

std::string duration(double seconds) {
  if (seconds >= 1) return fmt::format("{:.4g} s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:.4g} ms", seconds * 1e3);
  if (seconds >= 1e-6) return fmt::format("{:.4g} us", seconds * 1e6);
  return fmt::format("{:.4g} ns", seconds * 1e9);
}
std::string volume(double bytes) {
  constexpr std::array units = {std::pair(1e15, "PB"), std::pair(1e12, "TB"), std::pair(1e9, "GB"), std::pair(1e6, "MB"),
                                std::pair(1e3, "kB")};
  for (const auto& [factor, unit] : units)
    if (bytes >= factor) return fmt::format("{:.4g} {}", bytes / factor, unit);
  return fmt::format("{:.0f} B", bytes);
}
// With groups of three digits.
std::string count(std::uint64_t number) {
  std::string text = fmt::to_string(number);
  for (auto place = static_cast<std::ptrdiff_t>(text.size()) - 3; place > 0; place -= 3) text.insert(static_cast<std::size_t>(place), ",");
  return text;
}

std::string size_table(const TrafficSummary& summary) {
  std::string text =
      fmt::format("\n  {:<16}{:>9}{:>12}{:>12}{:>12}{:>11}{:>11}\n", "flow size", "flows", "median", "99 %", "longest", "slowdown", "99 %");
  const auto row = [&](const std::string& name, const CompletionStatistics& s) {
    text += fmt::format("  {:<16}{:>9}{:>12}{:>12}{:>12}{:>11.2f}{:>11.2f}\n", name, count(s.flows), duration(s.p50_s), duration(s.p99_s),
                        duration(s.max_s), s.mean_slowdown, s.p99_slowdown);
  };
  for (const SizeClass& size : summary.by_size) row(size.name, size.statistics);
  if (summary.by_size.size() > 1) row("all", summary.all);
  return text;
}

std::string traffic_text(const workloads::Scenario& scenario, const FlowList& list, const TrafficOutcome& outcome,
                         const TrafficSummary& summary, const std::vector<std::string>& files) {
  const CompletionStatistics& all = summary.all;
  std::string text = fmt::format("{}: {} end points, {} network, {}\n\n", scenario.name,
                                 count(static_cast<std::uint64_t>(scenario.cluster.gpus)), scenario.network, list.source);
  const std::string messages = outcome.messages == all.flows ? "" : fmt::format(", {} messages", count(outcome.messages));
  text += line("flows", fmt::format("{}{}, {}", count(all.flows), messages, volume(outcome.bytes)));
  text += line("makespan", fmt::format("{}   the last byte of all, from time 0", duration(summary.makespan_s)));
  text += line("completion", fmt::format("{} mean, {} median, {} for 99 %, {} for 99.9 %", duration(all.mean_s), duration(all.p50_s),
                                         duration(all.p99_s), duration(all.p999_s)));
  text += line("slowdown", fmt::format("{:.2f} mean, {:.2f} for 99 %: completion time over that in an empty network", all.mean_slowdown,
                                       all.p99_slowdown));
  text += line("busiest link", outcome.busiest_link.empty()
                                   ? "none: no flow crossed a link"
                                   : fmt::format("{}, {:.1f} % of the makespan", outcome.busiest_link, 100 * outcome.max_link_utilization));
  for (const topology::TierBalance& tier : outcome.balance)
    if (tier.kind > topology::LinkKind::host_leaf && tier.max_flows > 0)
      text += line(std::string(name_of(tier.kind)),
                   fmt::format("{}{} flows on the fullest of {} links, {:.2f} times the mean load",
                               tier.direction.empty() ? "" : tier.direction + ": ", tier.max_flows, tier.links, tier.max_over_mean));
  if (outcome.packets)
    for (const auto& [label, words] :
         packet_lines(*outcome.packets, outcome.trace ? workloads::worst_queues(*outcome.trace) : std::vector<workloads::QueueUse>{}))
      text += line(label, words);
  text += size_table(summary) + "\n";
  text += line("simulated",
               fmt::format("{} events in {}; signature {:016x}", count(outcome.events), duration(outcome.wall_s), outcome.signature));
  for (std::size_t i = 0; i < files.size(); ++i) text += line(i == 0 ? "wrote" : "", files[i]);
  return text;
}

std::string title_of(const workloads::Scenario& scenario, const FlowList& list) {
  return fmt::format("{}: {}", scenario.name, std::filesystem::path(list.source).filename().string());
}

std::string picture(const workloads::Scenario& scenario, const FlowList& list, const TrafficOutcome& outcome) {
  report::FctPlot plot{title_of(scenario, list), {}};
  for (std::size_t flow = 0; flow < list.size(); ++flow)
    plot.flows.push_back({bytes_of(list, flow), completion_s(outcome, flow), slowdown(outcome, flow)});
  return report::fct_svg(plot);
}

class TrafficCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.required_positional("SCENARIO", scenario_, "a scenario file (a cluster alone will do), or the name of a shipped one")
        .option("--flows", "FLOWS.csv", flows_, "the flows: id, src, dst, bytes, start_s, … (docs/traffic.md)")
        .choice("--pattern", spec_.pattern, pattern_names(), "make the flows instead")
        .option("--size", "\"1 MiB\"", size_, "permutation, incast, all-to-all: bytes of a flow (default 1 MiB)")
        .option("--senders", "N", senders_, "incast: how many send, chosen by the seed (default 16, or all others where there are fewer)")
        .option("--receiver", "GPU", receiver_, "incast: to whom (default 0)")
        .option("--end-points", "N", end_points_, "all-to-all: among N GPUs, evenly spread (default: all)")
        .option("--load", "X", load_, "web-search: of what all GPUs can send (default 0.6)")
        .option("--flows-count", "N", flow_count_, "web-search: how many flows (default 10000)")
        .option("--out", "FCT.csv", out_, "write id,src,dst,bytes,start_s,finish_s,tag of each flow")
        .option("--plot", "F.svg", plot_, "draw the completion times and the slowdown by size")
        .option("--trace", "RUN.h5", trace_,
                "write flows, loads of links, and of packets queues and rates over time as HDF5 (docs/trace.md)")
        .option("--queues", "F.svg", queues_, "draw queues, pauses and rates over time (network packet)")
        .option("--window", "\"1 ms..2 ms\"", window_, "only what begins then goes as packets, the rest as a fluid (network packet)")
        .option("--network", "NAME", network_, "analytic, fluid or packet, instead of the scenario's")
        .list("--set", "a.b.c=value", overrides_, "change one key of the scenario; may be repeated")
        .flag("--exact", exact_, "simulate every message of a ring, also while no other flow is on its links");
  }

  ExitCode run(Console& console) override {
    check_options();
    if (!network_.empty()) overrides_.push_back("network=" + network_);
    if (!window_.empty()) add_window(window_, overrides_);
    workloads::Scenario scenario = workloads::read_scenario(scenario_, {.overrides = overrides_, .workload_required = false});
    if (console.options().seed_given) scenario.seed = console.options().seed;
    for (const std::string& warning : scenario.warnings) console.warn(warning);
    if (!queues_.empty() && scenario.network != "packet")
      throw sim::InputError("weftsim traffic: --queues draws those of packets. Add --network packet, or leave it out.");
    const topology::Fabric fabric(scenario.cluster);
    spec_.seed = scenario.seed;
    const FlowList list = flows_.empty() ? make_pattern(spec_, scenario.cluster) : read_flows(flows_, fabric);
    const TrafficOutcome outcome = simulate(scenario, fabric, list, console);
    const TrafficSummary summary = workloads::traffic::summarize(list, outcome);
    if (!out_.empty()) write_whole_file(out_, completion_csv(list, outcome.start, outcome.finish));
    if (!plot_.empty()) write_whole_file(plot_, picture(scenario, list, outcome));
    if (!queues_.empty())
      write_whole_file(queues_,
                       report::queues_svg(title_of(scenario, list), workloads::packet_series(outcome.trace->queues, outcome.trace->rates)));
    const std::string json = traffic_json(scenario, list, outcome, summary).dump(2) + "\n";
    if (!trace_.empty()) write_trace(trace_, scenario, fabric, list, outcome, json);
    console.print(traffic_text(scenario, list, outcome, summary, files(console.options())));
    console.write_json(json);
    return ExitCode::done;
  }

 private:
  static constexpr int absent = -2'147'483'647;

  TrafficOutcome simulate(const workloads::Scenario& scenario, const topology::Fabric& fabric, const FlowList& list,
                          const Console& console) const {
    ProgressBar bar(!console.options().quiet);
    const CtrlC ctrl_c;
    const TrafficOptions options{.threads = console.options().threads,
                                 .exact = exact_,
                                 .trace = !trace_.empty() || !queues_.empty(),
                                 .progress =
                                     [&](double fraction) {
                                       bar.show(fraction);
                                       return !CtrlC::pressed();
                                     },
                                 .notice = [&](const std::string& text) { console.warn(text); }};
    return run_traffic(scenario, fabric, list, options);
  }

  // An option that the pattern does not read would be a wish that nobody hears.
  void check_options() {
    if (flows_.empty() == spec_.pattern.empty())
      throw sim::InputError(
          fmt::format("weftsim traffic: {}. Give one of them. See 'weftsim traffic --help'.",
                      flows_.empty() ? "neither --flows nor --pattern is given" : "both --flows and --pattern are given"));
    const std::string& pattern = spec_.pattern;
    const auto belongs = [&](bool given, const char* option, bool fits, const char* where) {
      if (given && !fits) throw sim::InputError(fmt::format("weftsim traffic: {} belongs to {}. Leave it out.", option, where));
    };
    belongs(!size_.empty(), "--size", pattern == "permutation" || pattern == "incast" || pattern == "all-to-all",
            "--pattern permutation, incast and all-to-all");
    belongs(senders_ != absent, "--senders", pattern == "incast", "--pattern incast");
    belongs(receiver_ != absent, "--receiver", pattern == "incast", "--pattern incast");
    belongs(end_points_ != absent, "--end-points", pattern == "all-to-all", "--pattern all-to-all");
    belongs(load_ != absent, "--load", pattern == "web-search", "--pattern web-search");
    belongs(flow_count_ != absent, "--flows-count", pattern == "web-search", "--pattern web-search");
    if (!size_.empty()) spec_.size = read_size();
    if (senders_ != absent) spec_.senders = senders_;
    if (receiver_ != absent) spec_.receiver = receiver_;
    if (end_points_ != absent) spec_.end_points = end_points_;
    if (load_ != absent) spec_.load = load_;
    if (flow_count_ != absent) spec_.flows = flow_count_;
  }
  sim::Bytes read_size() const {
    const auto size = workloads::parse_bytes(size_);
    if (!size.value) throw sim::InputError(fmt::format("weftsim traffic: --size: {}", size.problem));
    return *size.value;
  }

  std::vector<std::string> files(const GlobalOptions& options) const {
    std::vector<std::string> written;
    for (const std::string& file : {out_, plot_, queues_, trace_, options.json})
      if (!file.empty() && file != "-") written.push_back(file);
    return written;
  }

  std::string scenario_, flows_, out_, plot_, trace_, queues_, size_, network_, window_;
  int senders_ = absent, receiver_ = absent, end_points_ = absent, flow_count_ = absent;
  double load_ = absent;
  bool exact_ = false;
  PatternSpec spec_;
  std::vector<std::string> overrides_;
};

std::unique_ptr<Command> make_traffic() { return std::make_unique<TrafficCommand>(); }

}  // namespace

const Verb traffic_verb{
    "traffic", "send a list of flows, or a pattern of them, through a fabric",
    "weftsim traffic scenarios/fabrics/leaf-spine-16x16.yaml --pattern web-search --load 0.6 --out fct.csv --plot fct.svg", make_traffic};

}  // namespace cli

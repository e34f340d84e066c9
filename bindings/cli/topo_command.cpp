#include "bindings/cli/topo_command.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sstream>
#include "sim/error.hpp"
#include "topology/drawing.hpp"
#include "topology/report.hpp"
#include "workloads/link_load_file.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/topology_json.hpp"

namespace cli {
namespace {

std::string line(std::string_view label, std::string_view text) { return fmt::format("  {:<26}{}\n", label, text); }

std::string network_text(const std::string& prefix, const topology::NetworkCounts& c, int gpus) {
  std::string cables;
  const auto add = [&](int number, const char* kind) {
    if (number > 0) cables += fmt::format("{}{} {}", cables.empty() ? "" : ", ", number, kind);
  };
  add(c.cables.host_leaf, "host-leaf"), add(c.cables.leaf_spine, "leaf-spine"), add(c.cables.spine_core, "spine-core");
  add(c.cables.peer, "peer"), add(c.cables.global, "global"), add(c.cables.scale_up, "scale-up");
  std::string text = line(prefix + "switches", fmt::format("{} ({} leaf, {} spine, {} core, {} scale-up)", c.switches.total(),
                                                           c.switches.leaf, c.switches.spine, c.switches.core, c.switches.scale_up));
  text += line(prefix + "cables", fmt::format("{} ({})", c.cables.total(), cables.empty() ? "none" : cables));
  return text + line(prefix + "optical modules",
                     fmt::format("{}, {:.2f} per GPU", c.optical_modules, static_cast<double>(c.optical_modules) / gpus));
}

std::string counts_text(const topology::Counts& c) {
  std::string text = line("hosts", fmt::format("{}, {} GPUs, {} NICs", c.hosts, c.gpus, c.nics)) + network_text("", c, c.gpus);
  if (c.storage) text += network_text("storage ", *c.storage, c.gpus);
  if (c.management) text += network_text("management ", *c.management, c.gpus);
  if (c.storage || c.management) text += network_text("in all ", c.all(), c.gpus);
  return text;
}

std::string amount(const std::optional<double>& value, double unit, const char* suffix) {
  return value ? fmt::format("{:.1f} {}", *value / unit, suffix) : "not known";
}

std::string power_text(const topology::Power& p) {
  const auto kilowatts = [](const std::optional<double>& value) { return amount(value, 1e3, "kW"); };
  return line("power", kilowatts(p.total) + " at full load") +
         line("", fmt::format("GPUs {}, hosts beside them {}, switches {}, optics {}, cooling {}", kilowatts(p.gpus), kilowatts(p.hosts),
                              kilowatts(p.switches), kilowatts(p.optics), kilowatts(p.cooling)));
}

std::string price_text(const topology::Price& p) {
  const auto millions = [](const std::optional<double>& value) { return amount(value, 1e6, "M USD"); };
  return line("price", millions(p.total)) +
         line("", fmt::format("hosts {}, switches {}, optics {}, cables {}; building {}", millions(p.hosts), millions(p.switches),
                              millions(p.optics), millions(p.cables), millions(p.building)));
}

std::string report_text(const std::string& name, const topology::TopologyReport& report) {
  std::string text = name + "\n\n" + counts_text(report.bill);
  text += line("bisection", fmt::format("{:.1f} Tb/s, one direction, worst half split", report.bisection_bandwidth_bps / 1e12));
  text += line("oversubscribed", report.oversubscription.empty()
                                     ? "no tier has up-links"
                                     : fmt::format("{:g} : 1, from the leaf up", fmt::join(report.oversubscription, " : 1, ")));
  text += line("diameter", fmt::format("{} links from NIC to NIC", report.diameter_hops));
  for (const topology::TierBalance& tier : report.half_shift)
    if (tier.kind > topology::LinkKind::host_leaf && tier.max_flows > 0)
      text += line(fmt::format("{} {}", name_of(tier.kind), tier.direction),
                   fmt::format("{} flows on the fullest of {} links, {:.2f} times the mean, when each GPU sends half the cluster away",
                               tier.max_flows, tier.links, tier.max_over_mean));
  for (const topology::TierLengths& tier : report.cable_lengths)
    text +=
        line(fmt::format("{} lengths", name_of(tier.kind)), fmt::format("up to {:.0f} m; {} within the {:g} m of passive copper, {} beyond",
                                                                        tier.longest_m, tier.copper, tier.reach_m, tier.optical));
  text += power_text(report.bill.power_w) + price_text(report.bill.price_usd);
  text += "\n  when one fails\n";
  for (const auto& domain : report.failure_domains) text += line(domain.name, domain.text);
  text += "\n  checks\n";
  for (const auto& check : report.checks) text += line(check.name, (check.ok ? "" : "WARNING: ") + check.text);
  return text;
}

class TopoCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.required_positional("SCENARIO", scenario_, "a scenario file (a cluster alone will do), or the name of a shipped one")
        .list("--set", "a.b.c=value", overrides_, "change one key; may be repeated")
        .option("--dot", "F", dot_, "write the graph for Graphviz")
        .option("--svg", "F", svg_, "draw it")
        .option("--load", "RUN.h5", load_, "with --svg: colour links by their load in this run")
        .option("--graphml", "F", graphml_, "write the graph for NetworkX, Gephi, yEd")
        .option("--cables", "F.csv", cables_, "write the cable list with ports");
  }
  ExitCode run(Console& console) override {
    const workloads::Scenario scenario = workloads::read_scenario(scenario_, {.overrides = overrides_, .workload_required = false});
    for (const std::string& warning : scenario.warnings) console.warn(warning);
    const topology::Fabric fabric(scenario.cluster);
    const topology::TopologyReport report = topology::report(fabric);
    write(dot_, fabric, topology::write_dot);
    if (!load_.empty() && svg_.empty()) throw sim::InputError("weftsim topo: --load colours a drawing. Give --svg F too, or leave it out.");
    if (load_.empty())
      write(svg_, fabric, topology::write_svg);
    else
      write(svg_, fabric, [load = workloads::read_link_load(load_, fabric)](const topology::Fabric& drawn, std::ostream& out) {
        topology::write_loaded_svg(drawn, out, load);
      });
    write(graphml_, fabric, topology::write_graphml);
    write(cables_, fabric, topology::write_cables_csv);
    console.print(report_text(scenario.name, report));
    console.write_json(workloads::topology_json(report).dump(2) + "\n");
    return ExitCode::done;
  }

 private:
  template <class Writer>
  static void write(const std::string& path, const topology::Fabric& fabric, Writer&& writer) {
    if (path.empty()) return;
    std::ostringstream text;
    writer(fabric, text);
    write_whole_file(path, text.str());
  }

  std::string scenario_, dot_, svg_, load_, graphml_, cables_;
  std::vector<std::string> overrides_;
};

std::unique_ptr<Command> make_topo() { return std::make_unique<TopoCommand>(); }

}  // namespace

const Verb topo_verb{"topo", "count, check and draw a fabric", "weftsim topo scenarios/sc21-145b.yaml --svg fabric.svg --cables cables.csv",
                     make_topo};

}  // namespace cli

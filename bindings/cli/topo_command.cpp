#include "bindings/cli/topo_command.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sstream>
#include "topology/drawing.hpp"
#include "topology/report.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/topology_json.hpp"

namespace cli {
namespace {

std::string line(std::string_view label, std::string_view text) { return fmt::format("  {:<26}{}\n", label, text); }

std::string counts_text(const topology::Counts& c) {
  std::string text = line("hosts", fmt::format("{}, {} GPUs, {} NICs", c.hosts, c.gpus, c.nics));
  text += line("switches", fmt::format("{} ({} leaf, {} spine, {} core, {} scale-up)", c.switches.total(), c.switches.leaf,
                                       c.switches.spine, c.switches.core, c.switches.scale_up));
  text += line("cables", fmt::format("{} ({} host-leaf, {} leaf-spine, {} spine-core, {} scale-up)", c.cables.total(), c.cables.host_leaf,
                                     c.cables.leaf_spine, c.cables.spine_core, c.cables.scale_up));
  return text + line("optical modules", fmt::format("{}, {:.2f} per GPU", c.optical_modules, c.modules_per_gpu()));
}

std::string report_text(const std::string& name, const topology::TopologyReport& report) {
  std::string text = name + "\n\n" + counts_text(report.counts);
  text += line("bisection", fmt::format("{:.1f} Tb/s, one direction, worst half split", report.bisection_bandwidth_bps / 1e12));
  text += line("oversubscribed", report.oversubscription.empty()
                                     ? "no tier has up-links"
                                     : fmt::format("{:g} : 1, from the leaf up", fmt::join(report.oversubscription, " : 1, ")));
  text += line("diameter", fmt::format("{} links from NIC to NIC", report.diameter_hops));
  text += line("power, price", "not known: no parts table is shipped yet");
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
        .option("--graphml", "F", graphml_, "write the graph for NetworkX, Gephi, yEd")
        .option("--cables", "F.csv", cables_, "write the cable list with ports");
  }
  ExitCode run(Console& console) override {
    const workloads::Scenario scenario = workloads::read_scenario(scenario_, {.overrides = overrides_, .workload_required = false});
    for (const std::string& warning : scenario.warnings) console.warn(warning);
    const topology::Fabric fabric(scenario.cluster);
    const topology::TopologyReport report = topology::report(fabric);
    write(dot_, fabric, topology::write_dot);
    write(svg_, fabric, topology::write_svg);
    write(graphml_, fabric, topology::write_graphml);
    write(cables_, fabric, topology::write_cables_csv);
    console.print(report_text(scenario.name, report));
    console.write_json(workloads::topology_json(report).dump(2) + "\n");
    return ExitCode::done;
  }

 private:
  static void write(const std::string& path, const topology::Fabric& fabric, void (*writer)(const topology::Fabric&, std::ostream&)) {
    if (path.empty()) return;
    std::ostringstream text;
    writer(fabric, text);
    write_whole_file(path, text.str());
  }

  std::string scenario_, dot_, svg_, graphml_, cables_;
  std::vector<std::string> overrides_;
};

std::unique_ptr<Command> make_topo() { return std::make_unique<TopoCommand>(); }

}  // namespace

const Verb topo_verb{"topo", "count, check and draw a fabric", "weftsim topo scenarios/sc21-145b.yaml --svg fabric.svg --cables cables.csv",
                     make_topo};

}  // namespace cli

#include "bindings/cli/collective_command.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include "bindings/report/busbw_svg.hpp"
#include "sim/error.hpp"
#include "workloads/collective/collective_report.hpp"
#include "workloads/scenario_reader.hpp"

namespace cli {
namespace {

using namespace workloads::collective;
namespace collectives = kernels::collectives;

template <class Range>
std::vector<std::string> names_of(const Range& range) {
  std::vector<std::string> names;
  for (const auto& element : range) names.emplace_back(element.name);
  return names;
}

class CollectiveCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.required_positional("SCENARIO", scenario_, "a scenario file (a cluster alone will do), or the name of a shipped one")
        .choice("--op", op_, collectives::op_names(), "the operation (default all_reduce)")
        .option("--min", "8", min_, "the smallest size, bytes as nccl-tests reads them: K, M, G are powers of 1024")
        .option("--max", "8G", max_, "the largest")
        .option("--factor", "2", spec_.factor, "from size to size")
        .option("--ranks", "N", spec_.ranks, "the first N GPUs (default: all)")
        .option("--stride", "N", spec_.stride, "GPUs from rank to rank (default 1); 8 takes one of each host of eight")
        .option("--weights", "CSV", weights_, "all_to_all with unequal parts: source,destination,weight (docs/collectives.md)")
        .option("--root", "R", spec_.root, "of broadcast, reduce, gather and scatter")
        .choice("--dtype", dtype_, names_of(element_types()), "the type of elements")
        .option("--algo", "NAME", spec_.nccl.algorithm,
                "force NCCL's choice, as NCCL_ALGO does: ring, tree, nvls, collnetdirect, … or hierarchical")
        .option("--proto", "NAME", spec_.nccl.protocol, "as NCCL_PROTO does: ll, ll128 or simple")
        .flag("--collnet", spec_.nccl.collnet, "InfiniBand switches may reduce (SHARP), as NCCL_COLLNET_ENABLE allows")
        .option("--channels", "N", spec_.channels, "as NCCL_MIN_NCHANNELS and NCCL_MAX_NCHANNELS do; step by step: that share the elements")
        .choice("--steps", spec_.steps, names_of(collectives::algorithms()), "carry out this algorithm step by step on the fabric")
        .option("--custom", "FILE", custom_, "check a collective of your own, and carry it out (docs/custom-collectives.md)")
        .option("--measured", "CSV", measured_, "measurements to draw beside (columns as in docs/validation.md)")
        .option("--plot", "F.svg", plot_, "draw bus bandwidth against size")
        .list("--set", "a.b.c=value", overrides_, "change one key of the scenario; may be repeated");
  }

  ExitCode run(Console& console) override {
    fill_spec(console.options());
    workloads::Scenario scenario = workloads::read_scenario(scenario_, {.overrides = overrides_, .workload_required = false});
    if (console.options().seed_given) scenario.seed = console.options().seed;
    for (const std::string& warning : scenario.warnings) console.warn(warning);
    const CollectiveTable table = run_collective(scenario, spec_);
    if (!plot_.empty()) write_whole_file(plot_, picture(table, scenario.cluster.accelerator));
    console.print(nccl_text(table));
    console.write_json(collective_json(table).dump(2) + "\n");
    return ExitCode::done;
  }

 private:
  void fill_spec(const GlobalOptions& options) {
    spec_.threads = options.threads;
    spec_.min_bytes = nccl_size(min_, "--min");
    spec_.max_bytes = nccl_size(max_, "--max");
    spec_.type = element_type_named(dtype_);
    if (!op_.empty()) spec_.op = *collectives::op_named(op_);
    if (!measured_.empty() && plot_.empty())
      throw sim::InputError("weftsim collective: --measured belongs to --plot. Give the file to draw, or leave it out.");
    const bool forced = !spec_.nccl.algorithm.empty() || !spec_.nccl.protocol.empty();
    if (forced && !(spec_.steps.empty() && custom_.empty()))
      throw sim::InputError("weftsim collective: --algo and --proto force NCCL's choice, --steps and --custom replace it. Keep one kind.");
    if (!weights_.empty()) spec_.weights = read_pair_weights(weights_);
    if (custom_.empty()) return;
    if (!spec_.steps.empty()) throw sim::InputError("weftsim collective: both --steps and --custom are given. Keep one of them.");
    spec_.custom = collectives::CustomCollective::read(custom_);
    if (op_.empty()) spec_.op = spec_.custom->op();
  }

  std::string picture(const CollectiveTable& table, const std::string& accelerator) const {
    report::BusbwPlot plot{
        .title = fmt::format("{}: {} of {} ranks", table.scenario, name_of(table.op), table.ranks),
        .facts = fmt::format("{} on {} host{}, {}", accelerator, table.hosts, table.hosts == 1 ? "" : "s", table.type.nccl_name),
        .simulated = {},
        .measured = {}};
    for (const CollectiveRow& row : table.rows)
      plot.simulated.push_back({static_cast<double>(row.bytes), row.time_s, row.busbw_GBps, row.algorithm});
    if (!measured_.empty())
      for (const MeasuredPoint& point : read_measured(measured_, table, accelerator))
        plot.measured.push_back({point.bytes, point.time_s, point.busbw_GBps, point.set});
    return report::busbw_svg(plot);
  }

  std::string scenario_, op_, min_ = "8", max_ = "8G", dtype_ = std::string(element_types().front().name), custom_, weights_, measured_,
                              plot_;
  CollectiveSpec spec_;
  std::vector<std::string> overrides_;
};

std::unique_ptr<Command> make_collective() { return std::make_unique<CollectiveCommand>(); }

}  // namespace

const Verb collective_verb{"collective", "time a collective at many sizes, in the columns of nccl-tests",
                           "weftsim collective sc21-145b --op all_reduce --min 8 --max 8G --ranks 16 --plot busbw.svg", make_collective};

}  // namespace cli

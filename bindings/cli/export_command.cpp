#include "bindings/cli/export_command.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include "sim/error.hpp"
#include "workloads/export/csv_tables.hpp"
#include "workloads/export/perfetto_trace.hpp"
#include "workloads/export/trace_state.hpp"

namespace cli {
namespace {

class ExportCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.required_positional("RUN.h5", trace_, "a trace of weftsim run --out, whole or partial")
        .option("--perfetto", "F", perfetto_, "write it for ui.perfetto.dev")
        .option("--links", "N", links_, "with --perfetto: so many of the links that carried most (default 200)")
        .option("--csv", "DIR", csv_, "write each table as a CSV into this folder");
  }

  ExitCode run(Console& console) override {
    if (perfetto_.empty() && csv_.empty()) throw sim::InputError("weftsim export: nothing to write. Give --perfetto F or --csv DIR.");
    if (links_ < 0) throw sim::InputError(fmt::format("weftsim export: --links {} is below zero. Give how many to show.", links_));
    if (!workloads::trace_is_whole(trace_))
      console.warn(fmt::format("{} is of a run that was stopped; it holds what was recorded until then.", trace_));
    nlohmann::json written = nlohmann::json::array();
    if (!perfetto_.empty()) {
      const auto counts = workloads::write_perfetto_trace(trace_, perfetto_, static_cast<std::size_t>(links_));
      console.print(fmt::format("wrote {}: {} slices of {} ranks, {} of {} links that carried anything\n", perfetto_, counts.slices,
                                counts.ranks, counts.links_shown, counts.links_used));
      written.push_back(perfetto_);
    }
    if (!csv_.empty())
      for (const std::string& file : workloads::write_csv_tables(trace_, csv_)) {
        console.print(fmt::format("wrote {}\n", file));
        written.push_back(file);
      }
    console.write_json(nlohmann::json{{"wrote", written}}.dump(2) + "\n");
    return ExitCode::done;
  }

 private:
  std::string trace_, perfetto_, csv_;
  int links_ = 200;
};

std::unique_ptr<Command> make_export() { return std::make_unique<ExportCommand>(); }

}  // namespace

const Verb export_verb{"export", "a trace for Perfetto, or as CSV", "weftsim export run.h5 --perfetto run.pftrace --csv run/", make_export};

}  // namespace cli

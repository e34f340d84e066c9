#include "bindings/cli/check_command.hpp"
#include <nlohmann/json.hpp>
#include "workloads/scenario_reader.hpp"

namespace cli {
namespace {

class CheckCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.required_positional("SCENARIO", scenario_, "a scenario file, or the name of a shipped one")
        .list("--set", "a.b.c=value", overrides_, "change one key before checking")
        .flag("--fabric", fabric_alone_, "a fabric alone will do, without workload");
  }
  ExitCode run(Console& console) override {
    const workloads::Scenario scenario =
        workloads::read_scenario(scenario_, {.overrides = overrides_, .workload_required = !fabric_alone_});
    const std::string resolved = workloads::to_yaml(scenario);
    console.print(resolved);
    for (const std::string& warning : scenario.warnings) console.warn(warning);
    const nlohmann::ordered_json json = {{"name", scenario.name}, {"warnings", scenario.warnings}, {"scenario_yaml", resolved}};
    console.write_json(json.dump(2) + "\n");
    return ExitCode::done;
  }

 private:
  std::string scenario_;
  std::vector<std::string> overrides_;
  bool fabric_alone_ = false;
};

std::unique_ptr<Command> make_check() { return std::make_unique<CheckCommand>(); }

}  // namespace

const Verb check_verb{"check", "show the scenario with presets and defaults filled in, and what looks like a slip",
                      "weftsim check scenarios/sc21-145b.yaml --set cluster.gpus=3072", make_check};

}  // namespace cli

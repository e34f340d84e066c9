#include "bindings/cli/list_command.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include "kernels/device_profile.hpp"
#include "kernels/software_profile.hpp"
#include "workloads/scenario_reader.hpp"

namespace cli {
namespace {

std::string_view calibration_of(const std::string& profile) {
  return kernels::load_device_profile(profile).calibrated ? "  (calibrated)" : "  (uncalibrated: data sheet)";
}

class ListCommand final : public Command {
 public:
  void declare(Arguments&) override {}
  ExitCode run(Console& console) override {
    const std::pair<std::string_view, std::vector<std::string>> groups[] = {{"scenarios", workloads::shipped_scenarios()},
                                                                            {"fabrics", workloads::shipped_fabrics()},
                                                                            {"models", workloads::shipped_models()},
                                                                            {"profiles", kernels::shipped_device_profiles()},
                                                                            {"software", kernels::shipped_software_profiles()},
                                                                            {"hosts", workloads::shipped_hosts()}};
    nlohmann::ordered_json json;
    for (const auto& [group, names] : groups) {
      console.print(fmt::format("{}\n", group));
      for (const std::string& name : names) console.print(fmt::format("  {}{}\n", name, group == "profiles" ? calibration_of(name) : ""));
      json[std::string(group)] = names;
    }
    for (const std::string& name : kernels::shipped_device_profiles())
      json["calibrated"][name] = kernels::load_device_profile(name).calibrated;
    console.write_json(json.dump(2) + "\n");
    return ExitCode::done;
  }
};

std::unique_ptr<Command> make_list() { return std::make_unique<ListCommand>(); }

}  // namespace

const Verb list_verb{"list", "name the shipped scenarios, models, profiles and hosts", "weftsim list --json -", make_list};

}  // namespace cli

#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include "workloads/scenario.hpp"
#include "workloads/scenario_text.hpp"

// Scenario files (docs/scenario.md): text -> checked Scenario -> text.
namespace workloads {

struct ReadOptions {
  std::vector<std::string> overrides = {};  // "cluster.gpus=512", applied in order before anything is checked
  bool workload_required = true;            // false: a fabric alone will do (`weftsim topo`, `traffic`)
};

// All throw sim::InputError with every problem at once, each `FILE:LINE: where: what is wrong. What to do.`
// Paths inside a scenario are relative to its folder, then to the working directory. JSON is accepted too.
Scenario read_scenario_file(const std::filesystem::path& path, const ReadOptions& options = {});
Scenario read_scenario_text(std::string_view text, std::string_view source_name, const ReadOptions& options = {});
// A tree that was parsed before; `source_name` gives its name, and the folder that paths are relative to.
Scenario read_scenario_tree(TextNode tree, std::string_view source_name, const ReadOptions& options = {});
Scenario read_shipped_scenario(std::string_view name, const ReadOptions& options = {});
// What a user types: a file if there is one, else a shipped name.
Scenario read_scenario(const std::string& path_or_name, const ReadOptions& options = {});

// The scenario with every default written out. Reading it again gives the same scenario.
std::string to_yaml(const Scenario& scenario);
std::string to_yaml(const ModelSpec& model);  // its keys, for a file that `workload.model` names

// What travels inside the binary, sorted by name.
std::vector<std::string> shipped_scenarios();
std::vector<std::string> shipped_fabrics();  // without workload, for `topo` and `traffic`
std::vector<std::string> shipped_models();
std::vector<std::string> shipped_hosts();
std::optional<ModelSpec> shipped_model(std::string_view name);
// A model by the name of a shipped one or of a file; what its file says beside is added to `warnings`.
ModelSpec read_model(const TextNode& name, std::vector<std::string>& warnings);
// Its text, for `weftsim list` and for people; nothing for an unknown name.
std::optional<std::string_view> shipped_scenario_text(std::string_view name);

}  // namespace workloads

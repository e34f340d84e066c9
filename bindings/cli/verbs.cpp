#include <array>
#include "bindings/cli/check_command.hpp"
#include "bindings/cli/collective_command.hpp"
#include "bindings/cli/command.hpp"
#include "bindings/cli/compare_command.hpp"
#include "bindings/cli/fit_command.hpp"
#include "bindings/cli/list_command.hpp"
#include "bindings/cli/profile_command.hpp"
#include "bindings/cli/run_command.hpp"
#include "bindings/cli/sweep_command.hpp"
#include "bindings/cli/topo_command.hpp"
#include "bindings/cli/traffic_command.hpp"
#include "bindings/cli/validate_command.hpp"

namespace cli {

std::span<const Verb* const> verbs() {
  static constexpr auto all =
      std::to_array<const Verb*>({&run_verb, &check_verb, &topo_verb, &traffic_verb, &collective_verb, &validate_verb, &sweep_verb,
                                  &compare_verb, &list_verb, &fit_verb, &profile_verb});
  return all;
}

// Promised to users (INTERFACES, section 2); a line leaves this list when its verb enters the one above.
std::span<const std::string_view> verbs_not_supported_yet() {
  static constexpr auto later =
      std::to_array<std::string_view>({"calibrate", "selfcheck", "search", "plan", "report", "export", "schema", "import"});
  return later;
}

std::span<const std::string_view> options_not_supported_yet() {
  static constexpr auto later = std::to_array<std::string_view>({"--sensitivity", "--slurm", "--sbatch", "--collect"});
  return later;
}

}  // namespace cli

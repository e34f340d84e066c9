#include <array>
#include "bindings/cli/command.hpp"
#include "bindings/cli/list_command.hpp"
#include "bindings/cli/run_command.hpp"
#if __has_include("bindings/cli/check_command.hpp")
#include "bindings/cli/check_command.hpp"
#endif
#if __has_include("bindings/cli/fit_command.hpp")
#include "bindings/cli/fit_command.hpp"
#endif
#if __has_include("bindings/cli/topo_command.hpp")
#include "bindings/cli/topo_command.hpp"
#endif
#if __has_include("bindings/cli/validate_command.hpp")
#include "bindings/cli/validate_command.hpp"
#endif

namespace cli {

std::span<const Verb* const> verbs() {
  static constexpr auto all = std::to_array<const Verb*>({
      &run_verb,
      &list_verb,
#if __has_include("bindings/cli/check_command.hpp")
      &check_verb,
#endif
#if __has_include("bindings/cli/topo_command.hpp")
      &topo_verb,
#endif
#if __has_include("bindings/cli/validate_command.hpp")
      &validate_verb,
#endif
#if __has_include("bindings/cli/fit_command.hpp")
      &fit_verb,
#endif
  });
  return all;
}

// Promised to users (INTERFACES, section 2); a line leaves this list when its verb enters the one above.
std::span<const std::string_view> verbs_not_supported_yet() {
  static constexpr auto all = std::to_array<std::string_view>(
      {"check", "topo", "traffic", "collective", "validate", "calibrate", "profile", "selfcheck", "sweep", "search", "plan", "compare",
       "report", "export", "schema", "import"});
  return all;
}

}  // namespace cli

#include "bindings/cli/window_option.hpp"
#include "sim/error.hpp"

namespace cli {

void add_window(const std::string& window, std::vector<std::string>& overrides) {
  const std::size_t dots = window.find("..");
  if (dots == std::string::npos || window.size() == 2)
    throw sim::InputError("--window: '" + window + "' is no window of time. Write \"1 ms..2 ms\", \"1 ms..\" or \"..2 ms\".");
  if (dots > 0) overrides.push_back("packet_for.from=" + window.substr(0, dots));
  if (dots + 2 < window.size()) overrides.push_back("packet_for.until=" + window.substr(dots + 2));
}

}  // namespace cli

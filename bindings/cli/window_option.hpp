#pragma once
#include <string>
#include <vector>

namespace cli {

// "1 ms..2 ms", "1 ms.." or "..2 ms" as keys of `packet_for`. Throws sim::InputError for anything else.
void add_window(const std::string& window, std::vector<std::string>& overrides);

}  // namespace cli

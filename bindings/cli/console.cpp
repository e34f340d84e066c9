#include <cstdio>
#include <fmt/core.h>
#include "bindings/cli/command.hpp"

namespace cli {

void Console::print(std::string_view text) const {
  if (options_.quiet || options_.json_on_stdout()) return;
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void Console::warn(std::string_view text) const { fmt::print(stderr, "weftsim: warning: {}\n", text); }

void Console::write_json(std::string_view json) const {
  if (options_.json.empty()) return;
  const std::string text = std::string(json) + (json.ends_with('\n') ? "" : "\n");
  if (options_.json_on_stdout())
    std::fwrite(text.data(), 1, text.size(), stdout);
  else
    write_whole_file(options_.json, text);
}

}  // namespace cli

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fmt/core.h>
#include "bindings/cli/command.hpp"
#include "sim/error.hpp"

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

// A pipe or a device (/dev/stdout, /dev/null) cannot be renamed over and is written directly.
void write_whole_file(const std::string& path, std::string_view contents) {
  const bool special = std::filesystem::exists(path) && !std::filesystem::is_regular_file(path);
  const std::string temporary = special ? path : path + ".partial";
  const auto fail = [&](int reason) -> void {
    if (!special) ::unlink(temporary.c_str());
    throw sim::MachineError(fmt::format("{}: cannot be written ({}).", path, std::strerror(reason)));
  };
  std::FILE* file = std::fopen(temporary.c_str(), "wb");
  if (!file) throw sim::MachineError(fmt::format("{}: cannot be written ({}).", path, std::strerror(errno)));
  const bool written = std::fwrite(contents.data(), 1, contents.size(), file) == contents.size() && std::fflush(file) == 0 &&
                       (special || ::fsync(::fileno(file)) == 0);
  const int reason = errno;
  if (std::fclose(file) != 0 || !written) fail(written ? errno : reason);
  if (!special && std::rename(temporary.c_str(), path.c_str()) != 0) fail(errno);
}

}  // namespace cli

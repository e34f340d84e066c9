#pragma once
#include <limits>
#include <optional>
#include <string>

// Programs of others, started as a person would type them.
namespace workloads {

struct ShellAnswer {
  int code = 0;
  std::string text;  // both streams, without line ends at the end
};
// Nothing where this machine starts no more programs. Of the text no more than `most_text` bytes, and a few, are kept.
std::optional<ShellAnswer> ask_shell(const std::string& command, std::size_t most_text = std::numeric_limits<std::size_t>::max());

std::string quoted(const std::string& text);  // one word of a command

}  // namespace workloads

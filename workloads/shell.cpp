#include "workloads/shell.hpp"
#include <sys/wait.h>
#include <array>
#include <cstdio>

namespace workloads {

std::optional<ShellAnswer> ask_shell(const std::string& command, std::size_t most_text) {
  std::FILE* pipe = ::popen((command + " 2>&1 </dev/null").c_str(), "re");
  if (pipe == nullptr) return std::nullopt;
  ShellAnswer answer;
  std::array<char, 4096> part{};
  while (const std::size_t got = std::fread(part.data(), 1, part.size(), pipe))
    if (answer.text.size() < most_text) answer.text.append(part.data(), got);
  const int status = ::pclose(pipe);
  answer.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  while (!answer.text.empty() && answer.text.back() == '\n') answer.text.pop_back();
  return answer;
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

}  // namespace workloads

#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

struct ChildResult {
  int code = 0;        // as a shell has it: 128 + signal
  bool found = true;   // false: there is no such program
  std::string output;  // standard output
};
// Starts a program in a process group of its own and waits for it. Each line of its standard error goes to `tell`. Once the user has
// pressed Ctrl-C it gets SIGINT, and time to end.
ChildResult run_child(const std::vector<std::string>& command, const std::function<void(std::string_view)>& tell);

}  // namespace cli

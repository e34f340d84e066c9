#pragma once
#include <optional>
#include <string>
#include <vector>
#include "bindings/cli/command.hpp"

namespace cli {

std::string program_help();  // all verbs

// Fills the command's and the global options from `arguments` (without the verb). Throws sim::InputError;
// the text of the verb's help instead, when that was asked for.
struct Parsed {
  GlobalOptions options;
  std::optional<std::string> help;
};
Parsed parse(const Verb& verb, Command& command, const std::vector<std::string>& arguments);

// What a verb takes, as its help shows it: "-o,--out F.json", "--trace none|ops".
struct OptionLine {
  std::string left, right;
};
struct VerbOptions {
  std::vector<OptionLine> arguments, options;
};
VerbOptions options_of(const Verb& verb);

// Throws sim::InputError for an unknown verb, with the nearest name, or "not supported yet".
const Verb& find_verb(const std::string& name);

}  // namespace cli

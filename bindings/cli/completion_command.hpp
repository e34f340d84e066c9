#pragma once
#include "bindings/cli/command.hpp"

namespace cli {
extern const Verb completion_verb, man_verb;
}  // namespace cli

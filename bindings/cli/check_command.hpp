#pragma once
#include "bindings/cli/command.hpp"

namespace cli {
extern const Verb check_verb;  // the resolved scenario, and what looks like a slip in it
}

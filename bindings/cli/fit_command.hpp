#pragma once
#include "bindings/cli/command.hpp"

namespace cli {
extern const Verb fit_verb;  // DIR of published measurements -> device profile, with its held-out errors
}

#pragma once
#include "bindings/cli/command.hpp"

namespace cli {
extern const Verb selfcheck_verb;
}

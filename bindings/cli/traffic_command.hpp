#pragma once
#include "bindings/cli/command.hpp"

namespace cli {
extern const Verb traffic_verb;  // a list of flows through a fabric
}

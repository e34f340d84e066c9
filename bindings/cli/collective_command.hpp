#pragma once
#include "bindings/cli/command.hpp"

namespace cli {
extern const Verb collective_verb;  // one collective at many sizes, as nccl-tests
}

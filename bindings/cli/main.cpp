#include "bindings/cli/command.hpp"

int main(int argc, char** argv) { return static_cast<int>(cli::run_command_line({argv + 1, argv + argc})); }

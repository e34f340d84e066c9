#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <fmt/core.h>
#include "bindings/cli/command.hpp"
#include "bindings/cli/parser.hpp"
#include "sim/error.hpp"
#include "workloads/run.hpp"  // Interrupted
#include "workloads/version.hpp"

namespace cli {
namespace {

ExitCode dispatch(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") {
    fmt::print("{}", program_help());
    return ExitCode::done;
  }
  if (arguments[0] == "--version") {
    fmt::print("weftsim {}\n", workloads::version);
    return ExitCode::done;
  }
  if (arguments[0].starts_with('-'))
    throw sim::InputError(
        fmt::format("weftsim: '{}' stands before the verb. Write the verb first: weftsim run {}", arguments[0], arguments[0]));
  const Verb& verb = find_verb(arguments[0]);
  const auto command = verb.make();
  auto parsed = parse(verb, *command, {arguments.begin() + 1, arguments.end()});
  if (parsed.help) {
    fmt::print("{}", *parsed.help);
    return ExitCode::done;
  }
  Console console(std::move(parsed.options));
  return command->run(console);
}

}  // namespace

ExitCode guarded(const std::function<ExitCode()>& work) {
  const auto say = [](ExitCode code, const std::string& sentence) {
    fmt::print(stderr, "{}\n", sentence);
    return code;
  };
  try {
    return work();
  } catch (const sim::InputError& error) {
    return say(ExitCode::input_wrong, error.what());
  } catch (const sim::SimulationError& error) {
    return say(ExitCode::simulation_stopped, error.what());
  } catch (const sim::MachineError& error) {
    return say(ExitCode::machine_lacks, error.what());
  } catch (const std::bad_alloc&) {
    return say(ExitCode::machine_lacks,
               "weftsim: this machine has not enough memory for this run. Leave out --no-fold, or take a machine with more.");
  } catch (const workloads::Interrupted&) {
    return say(ExitCode::interrupted, "weftsim: interrupted.");
  } catch (const std::exception& error) {
    return say(ExitCode::our_fault,
               fmt::format("weftsim: internal error: {}. This is our own fault, not yours: please report it.", error.what()));
  } catch (...) {
    return say(ExitCode::our_fault, "weftsim: internal error of unknown kind. This is our own fault, not yours: please report it.");
  }
}

// What is still buffered counts: a full disk behind standard output is no success.
ExitCode run_command_line(const std::vector<std::string>& arguments) {
  return guarded([&] {
    const ExitCode code = dispatch(arguments);
    if (std::fflush(stdout) != 0 || std::ferror(stdout))
      throw sim::MachineError(fmt::format("weftsim: standard output cannot be written ({}).", std::strerror(errno)));
    return code;
  });
}

}  // namespace cli

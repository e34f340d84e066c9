#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include "workloads/whole_file.hpp"

// What a verb of the command line is made of. To add one, say `check`:
//   check_command.hpp   extern const Verb check_verb;
//   check_command.cpp   a final Command, and  const Verb check_verb{"check", "…", "weftsim check …", make_check};
//   verbs.cpp           its line in the table
// Commands translate only: options -> a call into workloads/ -> text and JSON.
namespace cli {

enum class ExitCode : int {
  done = 0,
  our_fault = 1,
  input_wrong = 2,         // sim::InputError, and a wrong command line
  simulation_stopped = 3,  // sim::SimulationError
  machine_lacks = 4,       // sim::MachineError
  some_failed = 5,         // of a sweep, or validate and selfcheck outside their tolerance
  interrupted = 130        // Ctrl-C
};

// Available on every verb.
struct GlobalOptions {
  std::string json;        // --json FILE; "-": standard output; empty: no JSON wanted
  bool quiet = false;      // --quiet
  int threads = 0;         // --threads N; 0: as many as this machine gives us
  std::uint64_t seed = 1;  // --seed N; counts only if seed_given, else the scenario's holds
  bool seed_given = false;
  bool json_on_stdout() const { return json == "-"; }
};

// The options of one verb. Each call names an option, the field it fills and a line of help; the field's value
// at that time is the default. One door to CLI11: only parser.cpp includes it (5 s of compile time a file).
class Arguments {
 public:
  virtual ~Arguments() = default;
  virtual Arguments& positional(std::string name, std::string& value, std::string help) = 0;  // may be left out
  virtual Arguments& required_positional(std::string name, std::string& value, std::string help) = 0;
  virtual Arguments& positionals(std::string name, std::vector<std::string>& values, std::string help) = 0;
  virtual Arguments& option(std::string name, std::string placeholder, std::string& value, std::string help) = 0;  // "--out", "RUN.h5"
  virtual Arguments& option(std::string name, std::string placeholder, int& value, std::string help) = 0;
  virtual Arguments& option(std::string name, std::string placeholder, double& value, std::string help) = 0;
  virtual Arguments& list(std::string name, std::string placeholder, std::vector<std::string>& values,
                          std::string help) = 0;  // may be repeated
  virtual Arguments& choice(std::string name, std::string& value, std::vector<std::string> known, std::string help) = 0;
  virtual Arguments& flag(std::string name, bool& value, std::string help) = 0;
  // An option whose value is options of another program: it may begin with a dash.
  virtual Arguments& pass_on(std::string name, std::string placeholder, std::string& value, std::string help) = 0;
};

// Where a command's results go. Standard output carries results only, everything else goes to standard error.
class Console {
 public:
  explicit Console(GlobalOptions options) : options_(std::move(options)) {}
  const GlobalOptions& options() const { return options_; }

  void print(std::string_view text) const;  // to standard output; silent with --quiet or with JSON there
  void warn(std::string_view text) const;   // "weftsim: warning: …" to standard error
  // Does nothing without --json. A file appears whole or not at all; throws sim::MachineError.
  void write_json(std::string_view json) const;

 private:
  GlobalOptions options_;
};

class Command {
 public:
  virtual ~Command() = default;
  virtual void declare(Arguments& arguments) = 0;
  virtual ExitCode run(Console& console) = 0;  // after the options are read; errors are exceptions
};

struct Verb {
  std::string_view name;
  std::string_view summary;  // one line
  std::string_view example;  // "weftsim run llama.yaml --out run.h5", shown by --help
  std::unique_ptr<Command> (*make)();
};

// All there are (verbs.cpp), in the order of --help, and those that are promised.
std::span<const Verb* const> verbs();
std::span<const std::string_view> verbs_not_supported_yet();

// The whole program, exit code included. `arguments` without the program's name.
ExitCode run_command_line(const std::vector<std::string>& arguments);

// Runs `work`; an exception becomes a sentence on standard error and its exit code.
ExitCode guarded(const std::function<ExitCode()>& work);

using workloads::write_whole_file;

}  // namespace cli

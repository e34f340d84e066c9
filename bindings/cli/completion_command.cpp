#include "bindings/cli/completion_command.hpp"
#include <fmt/format.h>
#include <algorithm>
#include "bindings/cli/parser.hpp"
#include "sim/error.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/version.hpp"

// What a shell and `man` know of the command line, written from the options that the verbs declare.
namespace cli {
namespace {

struct Split {
  std::string names, values;  // "-o --out"; of a choice "none ops", else empty
};

Split split(const OptionLine& line) {
  const std::size_t blank = std::min(line.left.find(' '), line.left.size());
  Split parts{line.left.substr(0, blank), line.left.substr(std::min(blank + 1, line.left.size()))};
  std::replace(parts.names.begin(), parts.names.end(), ',', ' ');
  if (parts.values.find('|') == std::string::npos) parts.values.clear();
  std::replace(parts.values.begin(), parts.values.end(), '|', ' ');
  return parts;
}

std::string bash_completion() {
  std::string verb_names, options, values;
  for (const Verb* verb : verbs()) {
    verb_names += fmt::format("{} ", verb->name);
    std::string names;
    for (const OptionLine& line : options_of(*verb).options) {
      const Split option = split(line);
      names += option.names + " ";
      const std::string last = option.names.substr(option.names.rfind(' ') + 1);
      if (!option.values.empty()) values += fmt::format("    {}:{}) words=\"{}\" ;;\n", verb->name, last, option.values);
    }
    options += fmt::format("    {}) words=\"{}\" ;;\n", verb->name, names);
  }
  const auto scenarios = workloads::shipped_scenarios();
  return fmt::format(
      "_weftsim() {{\n"
      "  local verb=${{COMP_WORDS[1]}} word=${{COMP_WORDS[COMP_CWORD]}} words=\n"
      "  if ((COMP_CWORD == 1)); then COMPREPLY=($(compgen -W \"{}--help --version\" -- \"$word\")); return; fi\n"
      "  case $verb:${{COMP_WORDS[COMP_CWORD - 1]}} in\n{}  esac\n"
      "  if [[ $word == -* ]]; then\n    case $verb in\n{}    esac\n  fi\n"
      "  if [[ $words ]]; then COMPREPLY=($(compgen -W \"$words\" -- \"$word\")); return; fi\n"
      "  COMPREPLY=($(compgen -f -W \"{}\" -- \"$word\"))\n"
      "}}\ncomplete -o filenames -F _weftsim weftsim\n",
      verb_names, values, options, fmt::join(scenarios, " "));
}

// A backslash, and a dot or quote that begins a line, mean something to roff.
std::string in_roff(std::string_view text) {
  std::string out = text.starts_with('.') || text.starts_with('\'') ? "\\&" : "";
  for (const char c : text) out += c == '\\' ? "\\e" : c == '-' ? "\\-" : std::string(1, c);
  return out;
}

std::string manual() {
  std::string page = fmt::format(
      ".TH WEFTSIM 1 \"\" \"weftsim {}\"\n.SH NAME\nweftsim \\- what would this training job do on that cluster?\n.SH SYNOPSIS\n.B "
      "weftsim\n.I verb\n[options]\n"
      ".SH EXIT STATUS\n0 done; 1 our own fault; 2 the input is wrong; 3 the simulated system cannot go on; 4 this machine lacks "
      "something; "
      "5 some of many failed; 130 interrupted.\n.SH VERBS\n",
      workloads::version);
  for (const Verb* verb : verbs()) {
    page += fmt::format(".SS weftsim {}\n{}.\n", verb->name, in_roff(verb->summary));
    const auto [arguments, options] = options_of(*verb);
    for (const auto* lines : {&arguments, &options})
      for (const auto& [left, right] : *lines) page += fmt::format(".TP\n.B {}\n{}\n", in_roff(left), in_roff(right));
    page += fmt::format(".PP\nExample:\n.PP\n.EX\n{}\n.EE\n", in_roff(verb->example));
  }
  return page;
}

class CompletionCommand final : public Command {
 public:
  void declare(Arguments& arguments) override { arguments.required_positional("SHELL", shell_, "bash or zsh"); }
  ExitCode run(Console& console) override {
    if (shell_ != "bash" && shell_ != "zsh")
      throw sim::InputError(fmt::format("weftsim completion: unknown shell '{}' (known: bash, zsh).", shell_));
    console.print((shell_ == "zsh" ? "autoload -U +X compinit bashcompinit && compinit && bashcompinit\n" : "") + bash_completion());
    return ExitCode::done;
  }

 private:
  std::string shell_;
};

class ManCommand final : public Command {
 public:
  void declare(Arguments&) override {}
  ExitCode run(Console& console) override {
    console.print(manual());
    return ExitCode::done;
  }
};

std::unique_ptr<Command> make_completion() { return std::make_unique<CompletionCommand>(); }
std::unique_ptr<Command> make_man() { return std::make_unique<ManCommand>(); }

}  // namespace

const Verb completion_verb{"completion", "what a shell needs to complete command lines",
                           "weftsim completion bash > ~/.local/share/bash-completion/completions/weftsim", make_completion};
const Verb man_verb{"man", "the manual page", "weftsim man | man -l -", make_man};

}  // namespace cli

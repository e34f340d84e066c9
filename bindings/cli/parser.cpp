#include "bindings/cli/parser.hpp"
#include <algorithm>
#include <charconv>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include "sim/error.hpp"
#include "sim/words.hpp"

namespace cli {
namespace {

// "key=value" after `--set a=1` belongs to the same --set.
bool is_assignment(const std::string& word) {
  const auto equals = word.find('=');
  return equals != std::string::npos && equals > 0 &&
         std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(equals),
                     [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '_' || c == '-' || c == '[' || c == ']'; });
}

template <class Number>
Number number(const std::string& option, const std::string& text, const char* what) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty())
    throw sim::InputError(fmt::format("weftsim: {}: '{}' is not {}.", option, text, what));
  return value;
}

class Cli11Arguments final : public Arguments {
 public:
  explicit Cli11Arguments(const Verb& verb) : verb_(verb), app_(std::string(verb.summary)) {
    app_.set_help_flag();
    app_.allow_windows_style_options(false);
  }

  Arguments& positional(std::string name, std::string& value, std::string help) override {
    add_positional(name, false, help, app_.add_option(name, value));
    return *this;
  }
  Arguments& required_positional(std::string name, std::string& value, std::string help) override {
    add_positional(name, true, help, app_.add_option(name, value));
    required_ = name;
    required_value_ = &value;
    return *this;
  }
  Arguments& positionals(std::string name, std::vector<std::string>& values, std::string help) override {
    add_positional(name + " …", false, help, app_.add_option(name, values));
    return *this;
  }
  Arguments& option(std::string name, std::string placeholder, std::string& value, std::string help) override {
    add(name, placeholder, help, app_.add_option(name, value));
    return *this;
  }
  Arguments& option(std::string name, std::string placeholder, int& value, std::string help) override {
    return number_option(name, placeholder, value, help, "a whole number");
  }
  Arguments& option(std::string name, std::string placeholder, double& value, std::string help) override {
    return number_option(name, placeholder, value, help, "a number");
  }
  Arguments& option(std::string name, std::string placeholder, std::uint64_t& value, std::string help) {
    return number_option(name, placeholder, value, help, "a whole number from 0 to 2^64 - 1");
  }
  Arguments& list(std::string name, std::string placeholder, std::vector<std::string>& values, std::string help) override {
    add(name, placeholder, help, app_.add_option(name, values)->allow_extra_args(false));
    lists_.push_back(name);
    return *this;
  }
  Arguments& choice(std::string name, std::string& value, std::vector<std::string> known, std::string help) override {
    const auto check = [name, known, &value](const std::string& word) {
      value = word;
      if (std::find(known.begin(), known.end(), word) != known.end()) return;
      const auto near = sim::nearest_word(word, known);
      throw sim::InputError(fmt::format("weftsim: {}: unknown value '{}' (known: {}).{}", name, word, fmt::join(known, ", "),
                                        near.empty() ? "" : fmt::format(" Did you mean '{}'?", near)));
    };
    add(name, fmt::format("{}", fmt::join(known, "|")), help, app_.add_option_function<std::string>(name, check));
    return *this;
  }
  Arguments& flag(std::string name, bool& value, std::string help) override {
    add(name, "", help, app_.add_flag(name, value));
    return *this;
  }

  Arguments& pass_on(std::string name, std::string placeholder, std::string& value, std::string help) override {
    pass_on_.push_back(name);
    return option(name, placeholder, value, help);
  }

  void start_common_options() { common_from_ = lines_.size(); }
  bool given(const std::string& name) const { return app_.count(name) > 0; }
  void parse(std::vector<std::string> words);
  std::string help() const;
  VerbOptions listed() const { return {positionals_, lines_}; }

 private:
  using Line = OptionLine;

  template <class Number>
  Arguments& number_option(const std::string& name, const std::string& placeholder, Number& value, const std::string& help,
                           const char* what) {
    const auto read = [name, what, &value](const std::string& text) { value = number<Number>(name, text, what); };
    add(name, placeholder, help, app_.add_option_function<std::string>(name, read));
    return *this;
  }
  void add(const std::string& name, const std::string& placeholder, const std::string& help, CLI::Option* option) {
    option->type_name(placeholder);
    std::string_view rest = name;  // "-o,--out"
    while (!rest.empty()) {
      const auto comma = std::min(rest.find(','), rest.size());
      names_.emplace_back(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    lines_.push_back({placeholder.empty() ? name : name + " " + placeholder, help});
  }
  void add_positional(const std::string& name, bool required, const std::string& help, CLI::Option* option) {
    option->type_name("");
    usage_ += required ? " " + name : " [" + name + "]";
    positionals_.push_back({name, help});
  }
  [[noreturn]] void refuse(const std::string& problem) const {
    throw sim::InputError(fmt::format("weftsim {}: {} See 'weftsim {} --help'.", verb_.name, problem, verb_.name));
  }

  const Verb& verb_;
  CLI::App app_;
  std::vector<Line> positionals_, lines_;
  std::vector<std::string> names_, lists_, pass_on_;
  std::string usage_, required_;
  const std::string* required_value_ = nullptr;
  std::size_t common_from_ = 0;
};

// CLI11 would take the value of a mistyped option for a positional, so names are looked at first.
void Cli11Arguments::parse(std::vector<std::string> words) {
  std::vector<std::string> checked;
  std::string list;  // the list option that the words since belong to
  for (auto& word : words) {
    if (!checked.empty() && std::ranges::count(pass_on_, checked.back()) > 0) {
      checked.back() += "=" + word;
      continue;
    }
    if (!list.empty() && is_assignment(word) && word.front() != '-') {
      if (checked.back() != list) checked.push_back(list);
    } else if (word.size() > 1 && word.front() == '-' && !std::isdigit(static_cast<unsigned char>(word[1]))) {
      const std::string name = word.substr(0, word.find('='));
      if (std::find(names_.begin(), names_.end(), name) == names_.end()) {
        const auto near = sim::nearest_word(name, names_);
        refuse(fmt::format("unknown option '{}'.{}", name, near.empty() ? "" : fmt::format(" Did you mean '{}'?", near)));
      }
      list = std::find(lists_.begin(), lists_.end(), name) != lists_.end() ? name : "";
    } else if (checked.empty() || checked.back() != list) {
      list.clear();
    }
    checked.push_back(word);
  }
  try {
    std::reverse(checked.begin(), checked.end());  // what CLI11 wants
    app_.parse(checked);
  } catch (const CLI::ExtrasError&) {
    const auto left = app_.remaining();
    refuse(fmt::format("'{}' is one argument too many.", left.empty() ? "" : left.front()));
  } catch (const CLI::ParseError& error) {
    refuse(std::string(error.what()) + ".");
  }
  if (required_value_ && required_value_->empty()) refuse(fmt::format("{} is missing.", required_));
}

std::string Cli11Arguments::help() const {
  std::size_t width = 0;
  for (const auto* lines : {&positionals_, &lines_})
    for (const auto& line : *lines) width = std::max(width, line.left.size() > 34 ? 0 : line.left.size());
  std::string text = fmt::format("weftsim {}: {}\n\nUsage: weftsim {} [options]{}\n", verb_.name, verb_.summary, verb_.name, usage_);
  const auto show = [&](const char* title, std::span<const Line> lines) {
    if (lines.empty()) return;
    text += fmt::format("\n{}\n", title);
    for (const auto& [left, right] : lines)
      text += left.size() > width ? fmt::format("  {}\n  {:{}}  {}\n", left, "", width, right)
                                  : fmt::format("  {:{}}  {}\n", left, width, right);
  };
  const std::span<const Line> options{lines_};
  show("Arguments", positionals_);
  show("Options", options.first(common_from_));
  show("Options of every verb", options.subspan(common_from_));
  return text + fmt::format("\nExample\n  {}\n", verb_.example);
}

}  // namespace

namespace {
void declare(Cli11Arguments& known, Command& command, GlobalOptions& options, bool& help) {
  command.declare(known);
  known.start_common_options();
  known.option("--json", "FILE", options.json, "the result as JSON; - for standard output, which then carries JSON and nothing else");
  known.flag("--quiet", options.quiet, "print no result text");
  known.option("--threads", "N", options.threads, "how many threads to use (0: all there are); the result is the same for any number");
  known.option("--seed", "N", options.seed, "seed of all random choices (default 1); equal seeds give equal results");
  known.flag("-h,--help", help, "this text");
}
}  // namespace

Parsed parse(const Verb& verb, Command& command, const std::vector<std::string>& arguments) {
  Parsed parsed;
  GlobalOptions& options = parsed.options;
  Cli11Arguments known(verb);
  bool help = false;
  declare(known, command, options, help);
  if (std::any_of(arguments.begin(), arguments.end(), [](const auto& word) { return word == "--help" || word == "-h"; }))
    return {options, known.help()};
  known.parse(arguments);
  options.seed_given = known.given("--seed");
  if (options.threads < 0) throw sim::InputError("weftsim: --threads: a negative number makes no sense. Write 0 for all there are.");
  return parsed;
}

VerbOptions options_of(const Verb& verb) {
  const auto command = verb.make();
  Cli11Arguments known(verb);
  GlobalOptions options;
  bool help = false;
  declare(known, *command, options, help);
  return known.listed();
}

const Verb& find_verb(const std::string& name) {
  std::vector<std::string> known;
  for (const Verb* verb : verbs()) {
    if (verb->name == name) return *verb;
    known.emplace_back(verb->name);
  }
  const auto later = verbs_not_supported_yet();
  if (std::find(later.begin(), later.end(), name) != later.end())
    throw sim::InputError(fmt::format("weftsim: '{}' is not supported yet.", name));
  const auto near = sim::nearest_word(name, known);
  throw sim::InputError(fmt::format("weftsim: unknown verb '{}' (known: {}).{}", name, fmt::join(known, ", "),
                                    near.empty() ? "" : fmt::format(" Did you mean '{}'?", near)));
}

std::string program_help() {
  std::string text = "weftsim: what would this training job do on that cluster?\n\nUsage: weftsim VERB [options]\n\nVerbs\n";
  for (const Verb* verb : verbs()) text += fmt::format("  {:<10}  {}\n", verb->name, verb->summary);
  return text +
         "\n  weftsim VERB --help   the options of a verb, with an example\n  weftsim --version     the version\n"
         "\nExample\n  weftsim run            the built-in example, in under 2 s\n"
         "\nExit codes: 0 done; 1 our own fault; 2 the input is wrong; 3 the simulated system cannot go on;\n"
         "4 this machine lacks something; 5 some of many failed; 130 interrupted.\n";
}

}  // namespace cli

#include "workloads/studies/sweep_condition.hpp"
#include <fmt/format.h>
#include <muParser.h>
#include <cmath>
#include <deque>
#include "sim/error.hpp"
#include "workloads/quantity.hpp"
#include "workloads/studies/content_hash.hpp"

namespace workloads {
namespace {

constexpr std::size_t longest_expression = 1000;  // characters

// Numbers as they are, quantities in bytes per second, seconds or bytes; another text is a negative number of its own.
double number_of(const std::string& text) {
  if (const auto number = parse_number(text)) return *number;
  if (const auto rate = parse_bandwidth(text).value) return rate->value();
  if (const auto time = parse_time(text).value) return time->in_seconds();
  if (const auto bytes = parse_bytes(text).value) return double(bytes->count());
  return -1 - static_cast<double>(content_hash(text).low >> 12);
}

// 'text' or "text" as a value, for muParser.
int quoted_text(const char* expression, int* position, double* value) {
  const char quote = *expression;
  if (quote != '\'' && quote != '"') return 0;
  const std::string_view rest = expression + 1;
  const std::size_t end = rest.find(quote);
  if (end == std::string_view::npos) return 0;
  *value = number_of(std::string(rest.substr(0, end)));
  *position += static_cast<int>(end) + 2;
  return 1;
}

// An assignment would change a variable, and is mostly a slip.
bool assigns(std::string_view expression) {
  char quote = 0;
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const char c = expression[i];
    if (quote) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '=') {
      const bool compares = i > 0 && (expression[i - 1] == '<' || expression[i - 1] == '>' || expression[i - 1] == '!');
      if (expression.substr(i, 2) == "==")
        ++i;
      else if (!compares)
        return true;
    }
  }
  return false;
}

}  // namespace

struct Condition::Parser {
  mu::Parser parser;
  std::deque<double> variables;  // their addresses are in the parser

  static double* add_variable(const char*, void* self) { return &static_cast<Parser*>(self)->variables.emplace_back(1); }
  Parser() {
    constexpr const char* letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    parser.DefineNameChars((std::string("0123456789_.") + letters).c_str());
    parser.DefineInfixOprtChars((std::string("+-!") + letters).c_str());
    parser.DefineOprt(
        "%", [](double a, double b) { return std::fmod(a, b); }, mu::prMUL_DIV);
    parser.DefineOprt(
        "and", [](double a, double b) -> double { return a != 0 && b != 0; }, mu::prLAND);
    parser.DefineOprt(
        "or", [](double a, double b) -> double { return a != 0 || b != 0; }, mu::prLOR);
    parser.DefineInfixOprt("not", [](double a) -> double { return a == 0; });
    parser.DefineInfixOprt("!", [](double a) -> double { return a == 0; });
    parser.DefineFun("log2", [](double a) { return std::log2(a); });
    parser.AddValIdent(quoted_text);
    parser.SetVarFactory(add_variable, this);
  }
};

Condition::Condition(std::string expression, Place place)
    : parser_(std::make_unique<Parser>()), expression_(std::move(expression)), place_(std::move(place)) {
  if (expression_.size() > longest_expression)
    refuse(fmt::format("is {} characters long (at most {} are read). Write several conditions.", expression_.size(), longest_expression));
  if (assigns(expression_)) refuse("has a single '='. Write '==' to compare.");
  try {
    parser_->parser.SetExpr(expression_);
    parser_->parser.Eval();
    if (parser_->parser.GetNumResults() != 1) refuse("has more than one result. Write a list of conditions.");
    for (const auto& [name, value] : parser_->parser.GetUsedVar()) names_.push_back(name);
  } catch (const mu::ParserError& error) {
    refuse(fmt::format("cannot be read: {}. Write for example \"tp * pp <= 64\".", error.GetMsg()));
  }
}

Condition::~Condition() = default;
Condition::Condition(Condition&&) noexcept = default;
Condition& Condition::operator=(Condition&&) noexcept = default;

void Condition::refuse(const std::string& problem) const {
  throw sim::InputError(fmt::format("{}: where: '{:.80}' {}", place_.text(), expression_, problem));
}

bool Condition::holds(const std::vector<std::string>& values) const {
  double result = 0;
  try {
    const mu::varmap_type& variables = parser_->parser.GetUsedVar();
    for (std::size_t i = 0; i < names_.size(); ++i) *variables.at(names_[i]) = number_of(values.at(i));
    result = parser_->parser.Eval();
  } catch (const mu::ParserError& error) {
    refuse(fmt::format("cannot be computed: {}.", error.GetMsg()));
  }
  if (std::isnan(result)) refuse("is not a number here. Is something divided by zero?");
  return result != 0;
}

}  // namespace workloads

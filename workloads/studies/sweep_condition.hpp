#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>
#include "workloads/scenario_text.hpp"

namespace workloads {

// A condition on the values of a point: "tp * pp <= 64 && schedule != 'gpipe'". The one door to muParser.
// Numbers, names, quoted texts; + - * / % ^ < <= == != >= > && || ! (and, or, not), cond ? a : b, min, max, log2 and the
// like. A quoted quantity is its value ('400 Gb/s' is 5e10), another text can only be equal to a text or not.
class Condition {
 public:
  // `place` is where the expression was written. Throws sim::InputError for one that cannot be read.
  Condition(std::string expression, Place place);
  ~Condition();
  Condition(Condition&&) noexcept;
  Condition& operator=(Condition&&) noexcept;

  const std::string& expression() const { return expression_; }
  const Place& place() const { return place_; }
  const std::vector<std::string>& names() const { return names_; }  // used in it
  // The values of `names`, in their order, as a scenario has them. Throws sim::InputError when the result is no number.
  bool holds(const std::vector<std::string>& values) const;

 private:
  [[noreturn]] void refuse(const std::string& problem) const;
  struct Parser;
  std::unique_ptr<Parser> parser_;
  std::string expression_;
  Place place_;
  std::vector<std::string> names_;
};

}  // namespace workloads

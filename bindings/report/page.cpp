#include "bindings/report/page.hpp"
#include <span>
#include "sim/embedded_file.hpp"

namespace report {

namespace embedded {
std::span<const sim::EmbeddedFile> files();
}

namespace {

constexpr std::string_view mark = "{{data}}";

// JSON inside a script element: nothing in it can end the element, and it stays the same JSON.
std::string in_script(std::string_view json) {
  std::string text;
  text.reserve(json.size());
  for (const char c : json) c == '<' ? text += "\\u003c" : text += c;
  return text;
}

}  // namespace

std::string page(std::string_view data) {
  const std::string_view form = embedded::files().front().contents;
  const std::size_t at = form.find(mark);
  return std::string(form.substr(0, at)) + in_script(data) + std::string(form.substr(at + mark.size()));
}

}  // namespace report

#include "workloads/import/xml_tree.hpp"
#include <expat.h>
#include <fmt/format.h>
#include <memory>
#include "sim/error.hpp"
#include "workloads/scenario_text.hpp"

namespace workloads {
namespace {

constexpr std::size_t deepest = 64, most_elements = 100'000;

struct Reading {
  XML_Parser parser;
  XmlElement root;
  std::vector<XmlElement*> open{&root};  // a parent takes no further child while one of its children is open, so these stay valid
  std::size_t elements = 0;
  std::string problem;

  void stop(std::string what) {
    if (!problem.empty()) return;
    problem = std::move(what);
    XML_StopParser(parser, XML_FALSE);
  }
  void begin(const char* name, const char** given) {
    if (open.size() > deepest) return stop(fmt::format("elements are nested deeper than {}. Is it such a file?", deepest));
    if (++elements > most_elements) return stop(fmt::format("there are more than {} elements. Is it such a file?", most_elements));
    XmlElement& element = open.back()->children.emplace_back();
    element.name = name;
    element.line = static_cast<int>(XML_GetCurrentLineNumber(parser));
    for (; *given; given += 2) element.attributes[given[0]] = given[1];
    open.push_back(&element);
  }
};

}  // namespace

XmlElement read_xml(const std::string& path) {
  const std::string text = read_text_file(path);
  const std::unique_ptr<std::remove_pointer_t<XML_Parser>, decltype(&XML_ParserFree)> parser(XML_ParserCreate("UTF-8"), XML_ParserFree);
  Reading reading{.parser = parser.get(), .root = {}, .problem = {}};
  XML_SetUserData(parser.get(), &reading);
  XML_SetElementHandler(
      parser.get(), [](void* to, const char* name, const char** given) { static_cast<Reading*>(to)->begin(name, given); },
      [](void* to, const char*) { static_cast<Reading*>(to)->open.pop_back(); });
  XML_SetStartDoctypeDeclHandler(parser.get(), [](void* to, const char*, const char*, const char*, int) {
    static_cast<Reading*>(to)->stop("a document type (and with it entities) has no use here. Take it out.");
  });
  const bool read = XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE) != XML_STATUS_ERROR;
  if (!read && reading.problem.empty())
    reading.problem = fmt::format("no XML: {}. Give the file as it was written.", XML_ErrorString(XML_GetErrorCode(parser.get())));
  if (!reading.problem.empty())
    throw sim::InputError(fmt::format("{}:{}: {}", path, XML_GetCurrentLineNumber(parser.get()), reading.problem));
  return std::move(reading.root.children.front());
}

}  // namespace workloads

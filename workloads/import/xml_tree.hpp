#pragma once
#include <map>
#include <string>
#include <vector>

namespace workloads {

struct XmlElement {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::vector<XmlElement> children;
  int line = 0;
};

// A small XML file without its text. Throws sim::InputError, with the line, for what is no XML, has a document type (and so entities),
// is nested deeper than 64, or has more than 100,000 elements.
XmlElement read_xml(const std::string& path);

}  // namespace workloads

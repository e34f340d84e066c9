#pragma once
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <sstream>
#include <string>

// Pictures and graphs are read back in tests. Throws where the text is no well-formed XML.
inline boost::property_tree::ptree parsed_xml(const std::string& xml) {
  std::istringstream in(xml);
  boost::property_tree::ptree tree;
  read_xml(in, tree);
  return tree;
}

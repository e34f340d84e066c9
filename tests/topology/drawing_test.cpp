#include "topology/drawing.hpp"
#include <gmock/gmock.h>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/connected_components.hpp>
#include <map>
#include <sstream>
#include "tests/topology/example_clusters.hpp"
#include "tests/xml.hpp"

namespace topology {
namespace {

using examples::dgx;
using examples::end_points;
using examples::fabric;
using Tree = boost::property_tree::ptree;

template <class Write>
std::string written(Write write, const Fabric& built) {
  std::ostringstream out;
  write(built, out);
  return out.str();
}

int occurrences(const std::string& text, const std::string& part) {
  int number = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++number;
  return number;
}

// Reads the file back into a Boost graph by its own keys and compares every node and link with the fabric.
TEST(GraphML, holds_the_whole_fabric) {
  const Fabric built(end_points(16, fabric(FabricType::fat_tree, 4, 3)));
  const Tree file = parsed_xml(written(write_graphml, built));
  std::map<std::string, std::string> key_of;
  for (const auto& [tag, key] : file.get_child("graphml"))
    if (tag == "key") key_of[key.get<std::string>(Tree::path_type("<xmlattr>/attr.name", '/'))] = key.get<std::string>("<xmlattr>.id");
  const auto value = [&](const Tree& element, const std::string& name) {
    for (const auto& [tag, data] : element)
      if (tag == "data" && data.get<std::string>("<xmlattr>.key") == key_of[name]) return data.get_value<std::string>();
    return std::string("missing");
  };
  boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS> graph;
  std::size_t nodes = 0, links = 0;
  for (const auto& [tag, element] : file.get_child("graphml.graph")) {
    if (tag == "node") {
      EXPECT_EQ(value(element, "name"), built.nodes()[nodes].name);
      EXPECT_EQ(value(element, "kind"), name_of(built.nodes()[nodes].kind));
      ++nodes;
    } else if (tag == "edge") {
      const Link& link = built.links()[std::stoul(value(element, "link"))];
      const auto from = std::stoul(element.get<std::string>("<xmlattr>.source").substr(1));
      const auto to = std::stoul(element.get<std::string>("<xmlattr>.target").substr(1));
      EXPECT_EQ(link.from, from);
      EXPECT_EQ(link.to, to);
      EXPECT_DOUBLE_EQ(std::stod(value(element, "gbps")), link.capacity.value() * 8e-9);
      add_edge(from, to, graph);
      ++links;
    }
  }
  EXPECT_EQ(nodes, built.nodes().size());
  EXPECT_EQ(links, built.links().size());
  std::vector<int> component(nodes);
  EXPECT_EQ(connected_components(graph, component.data()), 1);
}

TEST(Dot, has_a_node_for_each_node_and_an_edge_for_each_cable) {
  const Fabric built(dgx(4, fabric(FabricType::rail_optimized, 40, 2)));
  const std::string dot = written(write_dot, built);
  EXPECT_EQ(occurrences(dot, "->"), static_cast<int>(built.links().size() / 2));
  EXPECT_EQ(occurrences(dot, "[label="), static_cast<int>(built.nodes().size()));
  EXPECT_THAT(dot, testing::StartsWith("digraph G {"));
  EXPECT_THAT(dot, testing::EndsWith("}\n"));
}

// 8 leaves, 8 spines, 4 cores and 16 hosts are boxes; every cable between them is a line.
TEST(Svg, draws_every_box_and_cable_of_a_small_fabric) {
  const std::string svg = written(write_svg, Fabric(end_points(16, fabric(FabricType::fat_tree, 4, 3))));
  EXPECT_EQ(parsed_xml(svg).count("svg"), 1u);
  EXPECT_EQ(occurrences(svg, "<rect class=\"switch\""), 20);
  EXPECT_EQ(occurrences(svg, "<rect class=\"host\""), 16);
  EXPECT_EQ(occurrences(svg, "<line "), 48);
  EXPECT_EQ(occurrences(svg, " more<"), 0);
}

// 160 leaves, of which 64 are drawn: those of 8 units, so 8 of 20 boxes of 20 hosts.
TEST(Svg, condenses_a_large_fabric) {
  FabricSpec spec = fabric(FabricType::fat_tree, 40, 3);
  spec.rails = 8;
  const std::string svg = written(write_svg, Fabric(dgx(384, spec)));
  EXPECT_EQ(parsed_xml(svg).count("svg"), 1u);
  EXPECT_EQ(occurrences(svg, "<rect class=\"host\""), 8);
  for (const char* text : {"160 leaves", "+96 more", "+136 more", "+16 more", "+224 more", "3072 cables, 200 Gb/s"})
    EXPECT_THAT(svg, testing::HasSubstr(text));
}

// One flow over spine 1: its four cables are red, the others grey.
TEST(Svg, colours_links_by_their_load) {
  const Fabric built(end_points(8, fabric(FabricType::leaf_spine, 4, 2)));
  std::vector<double> load(built.network_links().size());
  for (const sim::LinkShare& s : built.route(0, 2).shares) load[s.link.value()] = 1;
  const std::string svg = written([&](const Fabric& f, std::ostream& out) { write_loaded_svg(f, out, load); }, built);
  EXPECT_EQ(parsed_xml(svg).count("svg"), 1u);
  EXPECT_EQ(occurrences(svg, "style=\"stroke:#b01e1e\""), 4);
  EXPECT_EQ(occurrences(svg, "style=\"stroke:#b8c4d4\""), 12);
  EXPECT_EQ(occurrences(svg, "fullest 100.0 %"), 2);
  EXPECT_THAT(svg, testing::HasSubstr("link load 0 %"));
}

// 4 x 3 chips are 12 boxes and 24 cables; 9 groups of 4 switches 36 lines.
TEST(Svg, draws_tori_and_dragonflies) {
  FabricSpec spec = fabric(FabricType::torus, 64, 2);
  spec.dims = {4, 3};
  const std::string torus = written(write_svg, Fabric(end_points(12, spec)));
  EXPECT_EQ(parsed_xml(torus).count("svg"), 1u);
  EXPECT_EQ(occurrences(torus, "<rect class=\"host\""), 12);
  EXPECT_EQ(occurrences(torus, "<path "), 24);
  const std::string dragonfly = written(write_svg, Fabric(end_points(72, fabric(FabricType::dragonfly, 7, 2))));
  EXPECT_EQ(parsed_xml(dragonfly).count("svg"), 1u);
  EXPECT_EQ(occurrences(dragonfly, "<rect class=\"switch\""), 9);
  EXPECT_EQ(occurrences(dragonfly, "<line "), 36);
}

TEST(Svg, draws_a_lone_host) {
  const std::string svg = written(write_svg, Fabric(dgx(1, {})));
  EXPECT_EQ(parsed_xml(svg).count("svg"), 1u);
  EXPECT_EQ(occurrences(svg, "<rect class=\"host\""), 1);
}

// Ports of a switch are used once each, hosts below and up-links above: leaf 7 has NICs 14 and 15 on ports 1 and 2.
TEST(Cables, plug_every_port_once) {
  const Fabric built(end_points(16, fabric(FabricType::fat_tree, 4, 3)));
  std::istringstream csv(written(write_cables_csv, built));
  std::string line;
  std::getline(csv, line);
  EXPECT_EQ(line, "cable,from_node,from_port,to_node,to_port,gbps,kind");
  std::map<std::string, int> plugs;
  int rows = 0;
  for (; std::getline(csv, line); ++rows) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, ',');) cells.push_back(cell);
    ASSERT_EQ(cells.size(), 7u);
    ++plugs[cells[1] + ':' + cells[2]];
    ++plugs[cells[3] + ':' + cells[4]];
    if (rows == 15) {
      EXPECT_EQ(line, "15,nic-15.0,1,leaf-7,2,200,host_leaf");
    }
  }
  EXPECT_EQ(rows, 48);
  for (const auto& [port, number] : plugs) EXPECT_EQ(number, 1) << port;
  EXPECT_EQ(plugs.size(), 96u);
}

}  // namespace
}  // namespace topology

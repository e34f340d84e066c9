// GraphML as a fabric: what `weftsim topo --graphml` writes reads back, and a hostile file is refused with its line.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <fstream>
#include <set>
#include "sim/error.hpp"
#include "tests/temporary_folder.hpp"
#include "topology/drawing.hpp"
#include "topology/report.hpp"
#include "workloads/scenario_reader.hpp"

namespace workloads {
namespace {
using testing::HasSubstr;

Scenario read(const std::string& cluster) {
  return read_scenario_text("schema: weftsim/1\nname: test\ncluster: " + cluster + "\n", "test.yaml", {.workload_required = false});
}

class GraphML : public testing::Test {
 protected:
  std::string path() const { return folder_ / "f.graphml"; }
  topology::Fabric read_back(int end_points) const {
    return topology::Fabric(read(fmt::format("{{gpus: {}, fabric: {{type: file, links: {}}}}}", end_points, path())).cluster);
  }
  topology::Fabric written_and_read(const topology::Fabric& fabric, int end_points) const {
    std::ofstream file(path());
    topology::write_graphml(fabric, file);
    file.close();
    return read_back(end_points);
  }
  std::string refusal(const std::string& text, int end_points = 2) const {
    std::ofstream(path()) << text;
    try {
      read_back(end_points);
    } catch (const sim::InputError& error) {
      std::string what = error.what();
      for (std::size_t at = what.find(path()); at != std::string::npos; at = what.find(path())) what.replace(at, path().size(), "F");
      return what;
    }
    return "accepted";
  }
  weftsim::test::TemporaryFolder folder_;
};

// Cables as text: both ends, rate, latency.
std::multiset<std::string> cables(const topology::Fabric& fabric) {
  std::multiset<std::string> all;
  for (const topology::Link& link : fabric.links())
    if (link.kind >= topology::LinkKind::host_leaf)
      all.insert(fmt::format("{} {} {} {:.6g} {}", fabric.nodes()[link.from].name, fabric.nodes()[link.to].name, name_of(link.kind),
                             link.capacity.value(), link.latency.ps()));
  return all;
}

TEST_F(GraphML, of_a_built_fabric_reads_back_to_the_same_one) {
  for (const char* cluster : {"{gpus: 64, host: {preset: single-gpu}, fabric: {type: fat-tree, radix: 8, tiers: 3, link: {bandwidth: 200 "
                              "Gb/s, latency: 300 ns}}}",
                              "{gpus: 64, host: {preset: dgx-a100}, fabric: {type: leaf-spine, radix: 12, oversubscription: 2, link: "
                              "[{bandwidth: 200 Gb/s, latency: 5 ns}, "
                              "{bandwidth: 400 Gb/s}]}}"}) {
    const topology::Fabric built(read(cluster).cluster);
    const topology::Fabric again = written_and_read(built, 64);
    EXPECT_EQ(cables(again), cables(built));
    const auto a = topology::report(built), b = topology::report(again);
    EXPECT_EQ(a.bill.switches.total(), b.bill.switches.total());
    EXPECT_EQ(a.bill.cables.fabric(), b.bill.cables.fabric());
    EXPECT_EQ(a.diameter_hops, b.diameter_hops);
    EXPECT_EQ(a.oversubscription, b.oversubscription);
    const topology::Fabric third = written_and_read(again, 64);  // and now the links have the same numbers
    ASSERT_EQ(third.links().size(), again.links().size());
    for (std::size_t i = 0; i < third.links().size(); ++i) {
      EXPECT_EQ(third.links()[i].from, again.links()[i].from);
      EXPECT_EQ(third.links()[i].to, again.links()[i].to);
    }
  }
}

const std::string keys =
    "<graphml>\n<key id=\"r\" for=\"edge\" attr.name=\"gbps\"/>\n<key id=\"l\" for=\"edge\" "
    "attr.name=\"latency_ns\"><default>10</default></key>\n";
std::string edge(const std::string& from, const std::string& to, const std::string& rate = "100") {
  return fmt::format("<edge source=\"{}\" target=\"{}\"><data key=\"r\">{}</data></edge>\n", from, to, rate);
}
const std::string nodes = "<node id=\"h0\"/><node id=\"h1\"/><node id=\"s\"/>\n";

TEST_F(GraphML, may_be_undirected_and_have_defaults) {
  std::ofstream(path()) << keys + "<graph edgedefault=\"undirected\">\n" + nodes + edge("h0", "s") + edge("s", "h1", "50") +
                               "</graph></graphml>";
  const topology::Fabric fabric = read_back(2);
  ASSERT_EQ(fabric.links().size(), 4U);
  EXPECT_EQ(fabric.route(0, 1).latency, sim::Time::picoseconds(20000));
  EXPECT_EQ(fabric.links()[3].capacity.value(), 50e9 / 8);
}

TEST_F(GraphML, that_makes_no_sense_is_refused_by_line) {
  const std::string head = keys + "<graph edgedefault=\"directed\">\n" + nodes;
  EXPECT_EQ(refusal(head + edge("h0", "s") + edge("h0", "x") + "</graph></graphml>"),
            "F:7: an edge ends at 'x', and no node before it has that id. Write nodes first.");
  EXPECT_EQ(refusal(head + edge("h0", "s", "nan") + "</graph></graphml>"), "F:6: gbps: 'nan' is no number. Correct it.");
  EXPECT_EQ(refusal(head + edge("h0", "s", "fast") + "</graph></graphml>"), "F:6: gbps: 'fast' is no number. Correct it.");
  EXPECT_EQ(refusal(head + "<edge source=\"h0\" target=\"s\"/></graph></graphml>"),
            "F:6: the edge has no gbps. Give it as data with attr.name=\"gbps\".");
  EXPECT_EQ(refusal(head + "<node id=\"s\"/></graph></graphml>"), "F:6: node 's' is there twice. Rename one.");
  EXPECT_THAT(refusal(head + edge("s", "s") + "</graph></graphml>"), HasSubstr("F:6: the edge goes from 's' to itself"));
  EXPECT_THAT(refusal(head + edge("h0", "s") + "</graph></graphml>", 3),
              HasSubstr("test.yaml:3: cluster.gpus: 3 GPUs, but the file of links has 2"));
}

TEST_F(GraphML, that_is_hostile_is_refused_by_line) {
  EXPECT_THAT(refusal("no xml"), HasSubstr("F:1: no XML: "));
  EXPECT_THAT(refusal(keys + "<graph>\n" + nodes + "<edge source="), HasSubstr("F:6: no XML: "));
  EXPECT_THAT(refusal("<!DOCTYPE a [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>\n<graphml>&b;</graphml>"),
              HasSubstr("F:1: a document type"));
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<graph>";
  EXPECT_THAT(refusal(deep), HasSubstr("nested deeper than 16"));
  std::string many = keys + "<graph>\n";
  for (int i = 0; i < 1000; ++i) many += edge("a", "b");
  EXPECT_THAT(refusal(many + "</graph></graphml>"), HasSubstr("too many problems; the rest of the file was not read."));
}

}  // namespace
}  // namespace workloads

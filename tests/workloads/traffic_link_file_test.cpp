// `fabric: {type: file, links: …}`: what the reader takes and what it refuses, with the line of the CSV.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <filesystem>
#include <fstream>
#include "sim/error.hpp"
#include "tests/temporary_folder.hpp"
#include "workloads/scenario_reader.hpp"

namespace workloads {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class LinkFile : public testing::Test {
 protected:
  Scenario read(const std::string& rows, const std::string& fabric = "{type: file, links: t.csv}", int gpus = 2) const {
    std::ofstream(folder_ / "t.csv") << rows;
    return read_scenario_text(fmt::format("schema: weftsim/1\ncluster:\n  gpus: {}\n  fabric: {}\n", gpus, fabric),
                              (folder_ / "s.yaml").string(), {.workload_required = false});
  }
  // Without the folder.
  std::string refusal(const std::string& rows, const std::string& fabric = "{type: file, links: t.csv}", int gpus = 2) const {
    try {
      read(rows, fabric, gpus);
    } catch (const sim::InputError& error) {
      std::string text = error.what();
      const std::string folder = folder_.string() + "/";
      for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder)) text.erase(at, folder.size());
      return text;
    }
    return "accepted";
  }

  const std::string head = "link,from,to,gbps,latency_ns\n";
  const std::string good = head + "1,s,h0,100,10\n0,h0,s,100,10\n2,h1,s,50,0.5\n3,s,h1,50,10\n";
  weftsim::test::TemporaryFolder temporary_;
  std::filesystem::path folder_ = temporary_.path();
};

TEST_F(LinkFile, end_points_come_first_and_links_by_number) {
  const topology::LinkFile file = read(good).cluster.fabric.link_file;
  EXPECT_THAT(file.nodes, testing::ElementsAre("h0", "h1", "s"));
  EXPECT_EQ(file.end_points, 2);
  EXPECT_EQ(file.links[0].from, 0U);
  EXPECT_EQ(file.links[0].to, 2U);
  EXPECT_EQ(file.links[2].bandwidth.value(), 50e9 / 8);
  EXPECT_EQ(file.links[2].latency, sim::Time::picoseconds(500));
}

TEST_F(LinkFile, the_written_scenario_reads_back) {
  const Scenario scenario = read(good, "{type: file, links: t.csv, routing: static, transport: ideal}");
  const std::string yaml = to_yaml(scenario);
  EXPECT_THAT(yaml, AllOf(HasSubstr("type: file"), HasSubstr("routing: static"), testing::Not(HasSubstr("radix"))));
  EXPECT_EQ(to_yaml(read_scenario_text(yaml, "again.yaml", {.workload_required = false})), yaml);
}

TEST_F(LinkFile, rows_are_checked_and_all_told) {
  EXPECT_EQ(refusal(head + "0,h0,s,100,10\n0,s,h0,-1,10\n5,h1,s,x,10\n3,h1,h1,0,-2\n"),
            "t.csv:3: column 'link': 0 is taken by line 2. Number links from 0 without gaps.\n"
            "t.csv:3: column 'gbps': -1 is not above 0 and at most 1e+09. Correct it.\n"
            "t.csv:4: column 'link': '5' is no number from 0 to 3 (links are numbered from 0 without gaps). Number them anew.\n"
            "t.csv:4: column 'gbps': 'x' is no number. Correct it.\n"
            "t.csv:5: column 'gbps': 0 is not above 0 and at most 1e+09. Correct it.\n"
            "t.csv:5: column 'latency_ns': -2 is not from 0 to 1e9. Correct it.\n"
            "t.csv:5: the link goes from 'h1' to itself. Name two nodes.");
}

TEST_F(LinkFile, end_points_have_no_gaps) {
  EXPECT_EQ(refusal(head + "0,h0,s,1,1\n1,s,h2,1,1\n"),
            "t.csv:1: unknown end point 'h2': the 2 end points must be h0 to h1 without gaps. Name them anew.");
  EXPECT_EQ(refusal(head + "0,a,b,1,1\n"), "t.csv:1: no link names an end point. End points are called h0, h1, …");
}

TEST_F(LinkFile, columns_are_checked) {
  EXPECT_EQ(refusal("link,from,to,gbs,latency_ns\n0,h0,h1,1,1\n"),
            "t.csv:1: unknown column 'gbs' (known: link, from, to, gbps, latency_ns). Did you mean 'gbps'?\n"
            "t.csv:1: column 'gbps' is missing (known: link, from, to, gbps, latency_ns). Add it.");
  EXPECT_EQ(refusal(head), "t.csv:1: there are no links. Write a row for each directed link.");
  EXPECT_EQ(refusal(head + "0,h0\n"), "t.csv:2: 2 fields where the first line names 5 columns. Quote fields that contain a comma.");
}

TEST_F(LinkFile, only_its_own_keys_stand_beside_it) {
  EXPECT_EQ(
      refusal(good, "{type: file, links: t.csv, tiers: 2}"),
      "s.yaml:4: cluster.fabric: 'tiers' has no meaning beside type: file (only links, radix, switch_latency, transport, routing, packet "
      "and failures have). Leave it out.");
  EXPECT_EQ(refusal(good, "{type: file}"),
            "s.yaml:4: cluster.fabric: missing key 'links' (a GraphML file, or the CSV of links: link,from,to,gbps,latency_ns). Add it.");
  EXPECT_EQ(refusal(good, "{type: file, links: nowhere.csv}"),
            "s.yaml:4: cluster.fabric: links 'nowhere.csv': no such file. Give the path of a CSV or GraphML of links.");
  EXPECT_THAT(refusal(good, "{type: leaf-spine, links: t.csv, link: {bandwidth: 400 Gb/s}}"),
              HasSubstr("'links' belongs to type: file. Leave it out, or write type: file."));
  EXPECT_EQ(refusal(good, "{type: file, links: t.csv, packet: {mtu: 4096 B}}"), "accepted");
  EXPECT_EQ(refusal(good, "{type: file, links: t.csv}", 3),
            "s.yaml:3: cluster.gpus: 3 GPUs, but the file of links has 2 end points (h0 to h1). Use 2.");
}

}  // namespace
}  // namespace workloads

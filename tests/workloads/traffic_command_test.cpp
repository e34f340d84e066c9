// `weftsim traffic` as a user types it: files, exit codes, threads.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include "tests/temporary_folder.hpp"

namespace {

const std::string fabrics = WEFTSIM_SOURCE_DIR "/scenarios/fabrics/";

std::string contents(const std::filesystem::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class TrafficCommand : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  int run(const std::string& arguments) const {
    const int status = std::system(fmt::format("{} {} >{} 2>{}", WEFTSIM_BINARY, arguments, path("out"), path("err")).c_str());
    return WEXITSTATUS(status);
  }
  std::string out() const { return contents(path("out")); }
  std::string err() const { return contents(path("err")); }

  weftsim::test::TemporaryFolder temporary_;
  std::filesystem::path folder_ = temporary_.path();
};

TEST_F(TrafficCommand, writes_times_plot_and_json_the_same_on_any_number_of_threads) {
  std::string times, signature;
  for (const int threads : {1, 2}) {
    ASSERT_EQ(run(fmt::format("traffic {}leaf-spine-16x16.yaml --pattern web-search --flows-count 500 --threads {} --seed 3 --out {} "
                              "--plot {} --json -",
                              fabrics, threads, path("fct.csv"), path("fct.svg"))),
              0)
        << err();
    const auto json = nlohmann::json::parse(out());
    for (const char* key : {"flows", "makespan_s", "mean_fct_s", "p99_fct_s", "events", "packet_hops", "drops", "pauses", "marks",
                            "max_queue_bytes", "wall_s", "cpu_s", "peak_rss_bytes", "signature"})
      EXPECT_TRUE(json.contains(key)) << key;
    EXPECT_EQ(json["flows"], 500);
    EXPECT_EQ(json["events"], 1000);
    EXPECT_THAT(contents(path("fct.svg")), testing::EndsWith("</svg>\n"));
    if (threads == 1) times = contents(path("fct.csv")), signature = json["signature"];
    EXPECT_EQ(contents(path("fct.csv")), times);
    EXPECT_EQ(json["signature"], signature);
  }
  EXPECT_THAT(times, testing::StartsWith("id,src,dst,bytes,start_s,finish_s,tag\n0,"));
}

TEST_F(TrafficCommand, runs_on_every_shipped_fabric) {
  for (const auto& entry : std::filesystem::directory_iterator(fabrics)) {
    if (entry.path().extension() != ".yaml") continue;
    EXPECT_EQ(run(fmt::format("topo {} --quiet", entry.path().string())), 0) << err();
    EXPECT_EQ(run(fmt::format("traffic {} --pattern permutation --size '64 KiB'", entry.path().string())), 0) << err();
    EXPECT_THAT(out(), testing::HasSubstr("makespan"));
  }
}

TEST_F(TrafficCommand, exit_codes_tell_whose_fault_it_is) {
  const std::string fabric = fabrics + "leaf-spine-16x16.yaml";
  EXPECT_EQ(run("traffic " + fabric), 2);
  EXPECT_EQ(err(), "weftsim traffic: neither --flows nor --pattern is given. Give one of them. See 'weftsim traffic --help'.\n");
  EXPECT_EQ(run("traffic " + fabric + " --pattern incast --load 0.5"), 2);
  EXPECT_EQ(err(), "weftsim traffic: --load belongs to --pattern web-search. Leave it out.\n");
  EXPECT_EQ(run("traffic " + fabric + " --pattern incast --size 5"), 2);
  EXPECT_EQ(run("traffic " + fabric + " --flows " + path("nowhere.csv")), 2);
  std::ofstream(path("circle.csv")) << "id,src,dst,bytes,start_s,after\na,0,1,1,0,b\nb,0,1,1,0,a\n";
  EXPECT_EQ(run("traffic " + fabric + " --flows " + path("circle.csv")), 2);
  EXPECT_THAT(err(), testing::HasSubstr("'a' waits for 'b' waits for 'a'"));
  std::ofstream(path("oneway.links.csv")) << "link,from,to,gbps,latency_ns\n0,h0,s,400,0\n1,s,h1,400,0\n";
  std::ofstream(path("oneway.yaml")) << "schema: weftsim/1\ncluster: {gpus: 2, fabric: {type: file, links: oneway.links.csv}}\n";
  EXPECT_EQ(run("traffic " + path("oneway.yaml") + " --pattern permutation"), 3);
  EXPECT_EQ(err(), "no way from h1 to h0 over the links of the file (end points pass nothing on).\n");
  EXPECT_EQ(run("traffic " + fabric + " --pattern incast --quiet --out /nowhere/fct.csv"), 4);
}

}  // namespace

// Logs of nccl-tests, written by hand in the format that their source prints (src/util.cu, 2.19), and tables of products.
#include "kernels/calibrate/logs/read_logs.hpp"
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <fstream>
#include <random>
#include "sim/error.hpp"
#include "tests/temporary_folder.hpp"

namespace {
using namespace kernels::calibrate;
using kernels::CollectiveOp;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string begin =
    "# nccl-tests version 2.19.6 nccl-headers=22809 nccl-library=22809\n"
    "# Collective test starting: all_reduce_perf\n"
    "# nThread 1 nGpus 2 minBytes 1048576 maxBytes 4294967296 step: 2(factor) warmup iters: 1 iters: 20 agg iters: 1 validation: 1 graph: "
    "0\n"
    "#\n"
    "# Using devices\n"
    "#  Rank  0 Group  0 Pid    123 on     node1 device  0 [0000:17:00] NVIDIA H100 80GB HBM3\n"
    "#  Rank  1 Group  0 Pid    123 on     node1 device  1 [0000:18:00] NVIDIA H100 80GB HBM3\n"
    "#\n";
const std::string columns =
    "#                                                              out-of-place                       in-place          \n"
    "#       size         count      type   redop    root     time   algbw   busbw #wrong     time   algbw   busbw #wrong\n"
    "#        (B)    (elements)                               (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)       \n";
const std::string rows =
    "     1048576        262144     float     sum      -1    20.00   52.43   52.43      0    21.00   49.93   49.93      0\n"
    "  4294967296    1073741824     float     sum      -1    2e+04  214.75  214.75      0    2e+04  214.75  214.75      0\n";
const std::string end = "# Out of bounds values : 0 OK\n# Avg bus bandwidth    : 132.965 \n#\n";

class ReadLogs : public testing::Test {
 protected:
  Logs read(const std::string& text, const std::string& name = "a.log", const LogOptions& options = {}) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return read_logs({folder_ / name}, options);
  }
  std::string problem_of(const std::string& text, const std::string& name = "a.log") {
    try {
      read(text, name);
    } catch (const sim::InputError& error) {
      return error.what();
    }
    return "";
  }
  weftsim::test::TemporaryFolder folder_;
};

TEST_F(ReadLogs, text_of_nccl_tests) {
  const Logs logs = read(begin + columns + rows + end);
  ASSERT_EQ(logs.collectives.size(), 2u);
  const auto& row = logs.collectives[0];
  EXPECT_EQ(row.op, CollectiveOp::all_reduce);
  EXPECT_EQ(row.ranks, 2);
  EXPECT_EQ(row.hosts, 1);
  EXPECT_EQ(row.bytes, 1 << 20);
  EXPECT_DOUBLE_EQ(row.seconds, 20e-6);
  EXPECT_EQ(row.gpu_type, "NVIDIA H100 80GB HBM3");
  EXPECT_EQ(row.nccl, "2.28.9");
  EXPECT_DOUBLE_EQ(logs.collectives[1].seconds, 0.02) << "exponents are printed where digits have no room";
  EXPECT_THAT(logs.lines, ElementsAre(12, 13));
  EXPECT_THAT(logs.notes, IsEmpty());
}

TEST_F(ReadLogs, timestamps_and_tags_of_mpirun) {
  std::string stamped = rows, tagged;
  for (std::size_t at = stamped.find('\n'); at != std::string::npos; at = stamped.find('\n', at + 24))
    stamped.insert(at, " 2026-01-31 12:34:56");
  std::string names = columns;
  names.insert(names.find("#wrong\n") + 6, " timestamp");
  names.insert(names.rfind('\n'), " %Y-%m-%d %H:%M:%S");  // the units that `-S 1` prints
  EXPECT_EQ(read(begin + names + stamped + end).collectives.size(), 2u);
  for (std::size_t from = 0, to; from < (begin + columns + rows + end).size(); from = to + 1) {
    const std::string all = begin + columns + rows + end;
    to = all.find('\n', from);
    tagged += "[1,0]<stdout>:" + all.substr(from, to - from + 1);
  }
  EXPECT_EQ(read(tagged).collectives.size(), 2u);
}

// `-I 1` prints four figures of single iterations behind each group of columns.
TEST_F(ReadLogs, columns_are_found_by_their_names) {
  const std::string names =
      "#       size         count      type   redop    root     time   algbw   busbw #wrong i_min i_max i_p99 i_cv%     time   algbw   "
      "busbw "
      "#wrong i_min i_max i_p99 i_cv%\n"
      "#        (B)    (elements)      (us)  (GB/s)  (GB/s)  (us)  (us)  (us)  (%)  (us)  (GB/s)  (GB/s)  (us)  (us)  (us)  (%)\n";
  const std::string row = "1048576 262144 float sum -1 20.00 52.43 52.43 0 19 22 22 3.1 21.00 49.93 49.93 0 19 22 22 3.1\n";
  EXPECT_DOUBLE_EQ(read(begin + names + row + end).collectives.at(0).seconds, 20e-6);
  std::string host_time = names;
  host_time.replace(host_time.find("time"), 4, "cputime");
  host_time.replace(host_time.rfind("time"), 4, "cputime");
  EXPECT_THAT(problem_of(begin + host_time + row + end), HasSubstr("Run the test without -C."));
}

TEST_F(ReadLogs, several_runs_and_older_versions) {
  std::string old = begin;
  old.erase(0, old.find("# nThread"));  // neither versions nor the name of the test
  EXPECT_EQ(read(begin + columns + rows + end + begin + columns + rows + end).collectives.size(), 4u);
  const Logs unnamed = read(old + columns + rows + end);
  EXPECT_EQ(unnamed.collectives.at(0).op, CollectiveOp::all_reduce);
  EXPECT_THAT(unnamed.notes, ElementsAre(HasSubstr("by its bandwidths it is all_reduce")));
  std::string either = old + columns + rows + end;  // of two ranks, without reduction or root: half of the bandwidth
  for (const auto& [from, to] : {std::pair{"sum", "none"}, {"52.43   52.43", "52.43   26.21"}, {"214.75  214.75", "214.75  107.37"}})
    for (std::size_t at = either.find(from); at != std::string::npos; at = either.find(from, at + 1))
      either.replace(at, std::string(from).size(), to);
  EXPECT_EQ(read(either).collectives.at(0).op, CollectiveOp::all_gather) << "alltoall is not checked in place";
  for (std::size_t at = either.find("      0"); at != std::string::npos; at = either.find("      0", at)) either.replace(at, 7, "    N/A");
  EXPECT_THAT(problem_of(either), HasSubstr("all_gather or alltoall"));
  EXPECT_EQ(read(either, "alltoall.log").collectives.at(0).op, CollectiveOp::all_to_all);
  EXPECT_EQ(read(old + columns + rows + end, "b.log", {.op = CollectiveOp::all_reduce, .network = {}}).collectives.size(), 2u);
}

// Until 2.12 each test printed the columns that it needs, lines of ranks had no group, and "error" was a difference.
TEST_F(ReadLogs, the_columns_of_2021) {
  const auto log = [](const std::string& named, const std::string& row) {
    return "# nThread 1 nGpus 2 minBytes 1048576 maxBytes 1048576 step: 1048576(bytes) warmup iters: 5 iters: 20 validation: 1\n#\n"
           "# Using devices\n"
           "#   Rank  0 Pid   1320 on    gpu-1 device  0 [0x16] Tesla V100-SXM2-16GB\n"
           "#   Rank  1 Pid   1320 on    gpu-1 device  1 [0x17] Tesla V100-SXM2-16GB\n#\n"
           "#                                                       out-of-place                       in-place\n"
           "#       size         count      type " +
           named + " time   algbw   busbw  error     time   algbw   busbw  error\n" +
           "#        (B)    (elements)                       (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)\n" + row +
           "# Out of bounds values : 0 OK\n# Avg bus bandwidth    : 52.4\n";
  };
  const Logs reduced = read(log("redop", "1048576 262144 float sum 20.00 52.43 52.43 2e-07 21.00 49.93 49.93 1e-07\n"));
  EXPECT_EQ(reduced.collectives.at(0).op, CollectiveOp::all_reduce);
  EXPECT_EQ(reduced.collectives.at(0).gpu_type, "Tesla V100-SXM2-16GB");
  const Logs gathered = read(log("", "1048576 131072 float 20.00 52.43 26.21 0e+00 21.00 49.93 24.97 0e+00\n"));
  EXPECT_EQ(gathered.collectives.at(0).op, CollectiveOp::all_gather);
}

// As sendrecv and alltoall of 2.13 to 2.17 print: no right result in place (N/A), and sendrecv with an operator that it does not use.
TEST_F(ReadLogs, what_is_never_in_place) {
  std::string unnamed = begin;
  unnamed.erase(0, unnamed.find("# nThread"));
  const std::string moved = "256 64 float sum -1 34.24 0.01 0.01 0 33.65 0.01 0.01 N/A\n";
  EXPECT_EQ(read(unnamed + columns + moved + end).collectives.at(0).op, CollectiveOp::send_receive);
  const std::string exchanged = "1048576 131072 float none -1 20.00 52.43 26.21 0 21.00 49.93 24.97 N/A\n";
  EXPECT_EQ(read(unnamed + columns + exchanged + end).collectives.at(0).op, CollectiveOp::all_to_all);
  const std::string unchecked = "1048576 262144 float sum -1 20.00 52.43 52.43 N/A 21.00 49.93 49.93 N/A\n";  // -c 0
  EXPECT_THAT(problem_of(unnamed + columns + unchecked + end), HasSubstr("those of all_reduce or sendrecv"));
}

// gather and scatter printed an empty operator, so that a row is one word short.
TEST_F(ReadLogs, an_empty_operator) {
  std::string named = begin;
  named.replace(named.find("all_reduce"), 10, "gather");
  const std::string row = "1048576 131072 float 0 20.00 52.43 26.21 0 21.00 49.93 24.97 0\n";
  EXPECT_EQ(read(named + columns + row + end).collectives.at(0).op, CollectiveOp::gather);
  const std::string short_row = "1048576 131072 float sum 20.00 52.43 26.21 0 21.00 49.93 24.97 0\n";
  EXPECT_THAT(problem_of(named + columns + short_row + end), HasSubstr("a.log:12: the row has 12 columns, and the header 13"));
}

TEST_F(ReadLogs, groups_of_a_split_are_groups) {
  std::string split = begin;
  split.insert(split.rfind("#\n"),
               "#  Rank  0 Group  1 Pid    124 on     node2 device  0 [0000:17:00] NVIDIA H100 80GB HBM3\n"
               "#  Rank  1 Group  1 Pid    124 on     node2 device  1 [0000:18:00] NVIDIA H100 80GB HBM3\n");
  const Logs logs = read(split + columns + rows + end);
  EXPECT_EQ(logs.collectives.at(0).ranks, 2);
  EXPECT_EQ(logs.collectives.at(0).hosts, 1);
}

TEST_F(ReadLogs, what_contradicts_itself_is_refused) {
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = begin + columns + rows + end;
    return text.replace(text.find(from), from.size(), to);
  };
  EXPECT_THAT(problem_of(with("52.43   52.43", "52.43   99.99")), HasSubstr("a.log:12: all_reduce of 1048576 bytes"));
  EXPECT_THAT(problem_of(with("52.43   52.43", "62.43   52.43")), HasSubstr("a.log:12: 1048576 bytes in 20 us are not 62.43 GB/s"));
  EXPECT_THAT(problem_of(with("(us)", "(ms)")), HasSubstr("a.log:11"));
  EXPECT_THAT(problem_of(with("all_reduce_perf", "all_redoce_perf")), HasSubstr("the test 'all_redoce_perf' is not known"));
  EXPECT_THAT(problem_of(with("52.43      0", "52.43      7")), HasSubstr("7 values of this run were wrong"));
  EXPECT_THAT(problem_of(with("Rank  1 Group  0", "Rank  0 Group  0")), HasSubstr("a.log:7: rank 0 is listed twice"));
  EXPECT_THAT(problem_of(begin + rows + end), HasSubstr("without its header"));
  const Logs other = read(with("all_reduce_perf", "hypercube_perf"));
  EXPECT_THAT(other.collectives, IsEmpty());
  EXPECT_THAT(other.notes, ElementsAre(HasSubstr("the model has no such operation")));
}

// Cut off anywhere it is refused; a number is never wrong.
TEST_F(ReadLogs, what_is_cut_off_is_refused) {
  const std::string whole = begin + columns + rows + end;
  const std::size_t last_row_ends = (begin + columns + rows).size();
  for (std::size_t length = 0; length < last_row_ends; ++length) EXPECT_NE(problem_of(whole.substr(0, length)), "") << length;
}

TEST_F(ReadLogs, survives_mangled_text) {
  const std::string whole = begin + columns + rows + end;
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string text = whole;
    for (unsigned edits = 1 + random() % 4; edits > 0; --edits) text[random() % text.size()] = static_cast<char>(random() % 256);
    try {
      for (const auto& row : read(text).collectives) EXPECT_TRUE(row.seconds > 0 && row.bytes > 0 && row.ranks > 1);
    } catch (const sim::InputError&) {}
  }
}

const std::string json = R"({
 "version": "2.19.6", "nccl_version": 22809, "args": ["./build/all_gather_perf", "-J", "f.json"],
 "env": ["SECRET_TOKEN=hunter2"],
 "config": {"nthreads": 1, "ngpus": 2, "devices": [
  {"rank": 0, "group": 0, "pid": 1, "hostname": "node1", "device": 0, "device_hex": "0x1", "device_info": "NVIDIA H100 80GB HBM3"},
  {"rank": 1, "group": 0, "pid": 2, "hostname": "node2", "device": 0, "device_hex": "0x1", "device_info": "NVIDIA H100 80GB HBM3"}]},
 "results": [
  {"size": 1048576, "count": 131072, "type": "float", "redop": "none", "root": "-1",
   "out_of_place": {"time": 20.0, "alg_bw": 52.4288, "bus_bw": 26.2144, "nwrong": 0}, "in_place": {"time": 21.0, "alg_bw": 49.932, "bus_bw": 24.966, "nwrong": 0}}],
 "out_of_bounds": {"count": 0, "okay": true}
})";

TEST_F(ReadLogs, json_of_nccl_tests) {
  const Logs logs = read(json, "f.json");
  ASSERT_EQ(logs.collectives.size(), 1u);
  EXPECT_EQ(logs.collectives[0].op, CollectiveOp::all_gather);
  EXPECT_EQ(logs.collectives[0].hosts, 2);
  EXPECT_EQ(logs.collectives[0].nccl, "2.28.9");
  EXPECT_DOUBLE_EQ(logs.collectives[0].seconds, 20e-6);
  for (std::size_t length = 0; length + 1 < json.size(); ++length) {
    const std::string problem = problem_of(json.substr(0, length), "f.json");
    EXPECT_NE(problem, "") << length;
    EXPECT_THAT(problem, testing::Not(HasSubstr("hunter2"))) << "the environment is nobody's business";
  }
}

TEST_F(ReadLogs, tables_of_products) {
  const Logs logs = read("dtype,m,n,k,time_us\nbf16,4096,4096,8192,480.5\nfp16,128,256,512,3.25\n", "gemm.csv");
  ASSERT_EQ(logs.products.size(), 2u);
  EXPECT_EQ(logs.products[0].shape.k, 8192);
  EXPECT_DOUBLE_EQ(logs.products[1].seconds, 3.25e-6);
  EXPECT_THAT(problem_of("dtype,m,n,k,time\nbf16,1,2,3,4\n", "gemm.csv"), HasSubstr("gemm.csv:1"));
  EXPECT_THAT(problem_of("dtype,m,n,k,time_us\nbf16,0,2,3,4\n", "gemm.csv"), HasSubstr("gemm.csv:2"));
  EXPECT_THAT(problem_of("dtype,m,n,k,time_us\nbf17,1,2,3,4\n", "gemm.csv"), HasSubstr("bf17"));
  EXPECT_NE(problem_of("", "empty.log"), "");
  EXPECT_THAT(problem_of("hello\n", "words.log"), HasSubstr("no output of nccl-tests is in this file"));
}

}  // namespace

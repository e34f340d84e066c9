#include "workloads/trace_file.hpp"
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#if __has_include(<hdf5.h>)
#include <hdf5.h>
#else
#include <hdf5/serial/hdf5.h>  // Debian's folder, for who links weftsim_workloads only
#endif
#include <csignal>
#include <filesystem>
#include "sim/error.hpp"
#include "tests/temporary_folder.hpp"

namespace {

namespace fs = std::filesystem;
using namespace sim::literals;
using testing::ElementsAre;
using testing::HasSubstr;
using workloads::TraceFile;

class TraceFileTest : public testing::Test {
 protected:
  weftsim::test::TemporaryFolder temporary;
  fs::path folder = temporary.path(), path = folder / "run.h5", partial = folder / "run.h5.partial";
  workloads::TraceHeader header{.weftsim_version = "1.2.3", .scenario_yaml = "name: ünicode\n", .network = "fluid", .seed = 7};
};

// Reads by HDF5's own API, as h5py does: nothing of our writer is used.
class Reader {
 public:
  explicit Reader(const fs::path& path) : file_(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)) {}
  ~Reader() {
    if (file_ >= 0) H5Fclose(file_);
  }
  bool opened() const { return file_ >= 0; }
  template <class T>
  std::vector<T> column(const char* name) const {
    const hid_t dataset = H5Dopen2(file_, name, H5P_DEFAULT), space = H5Dget_space(dataset);
    std::vector<T> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
    H5Dread(dataset, std::is_same_v<T, double> ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    H5Sclose(space);
    H5Dclose(dataset);
    return values;
  }
  std::vector<std::int64_t> integers(const char* name) const { return column<std::int64_t>(name); }
  std::vector<std::string> texts(const char* object, const char* attribute) const {
    const hid_t id = H5Aopen_by_name(file_, object, attribute, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t type = H5Aget_type(id), space = H5Aget_space(id);
    std::vector<char*> raw(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
    H5Aread(id, type, raw.data());
    std::vector<std::string> all(raw.begin(), raw.end());
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, raw.data());
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(id);
    return all;
  }
  std::string text(const char* attribute) const { return texts("/", attribute).at(0); }
  std::string units(const char* object) const { return texts(object, "units").at(0); }
  std::int64_t integer(const char* object, const char* attribute) const {
    std::int64_t value = -1;
    const hid_t id = H5Aopen_by_name(file_, object, attribute, H5P_DEFAULT, H5P_DEFAULT);
    H5Aread(id, H5T_NATIVE_INT64, &value);
    H5Aclose(id);
    return value;
  }
  // A fixed-length string column.
  std::vector<std::string> names(const char* name) const {
    const hid_t dataset = H5Dopen2(file_, name, H5P_DEFAULT), space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    const std::size_t length = H5Tget_size(type);
    std::vector<std::string> all(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
    std::string flat(length * all.size(), '\0');
    H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, flat.data());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = flat.substr(i * length, length).c_str();
    H5Tclose(type);
    H5Sclose(space);
    H5Dclose(dataset);
    return all;
  }
  std::string summary() const {
    const hid_t dataset = H5Dopen2(file_, "/summary", H5P_DEFAULT), type = H5Dget_type(dataset);
    char* raw = nullptr;
    H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &raw);
    std::string text = raw;
    H5free_memory(raw);
    H5Tclose(type);
    H5Dclose(dataset);
    return text;
  }
  bool has(const char* name) const { return H5Lexists(file_, name, H5P_DEFAULT) > 0; }

 private:
  hid_t file_;
};

sim::OpRecord operation(std::string_view name, int micro_batch) {
  return {.rank = 3,
          .stream = sim::Stream::tensor,
          .kind = sim::OpKind::tp_collective,
          .name = name,
          .layer = 2,
          .micro_batch = micro_batch,
          .start = 5_us * micro_batch,
          .end = 5_us * micro_batch + 2_us,
          .bytes = 4_MB,
          .flops = 1.5};
}

TEST_F(TraceFileTest, what_was_recorded_is_read_back) {
  {
    TraceFile trace(path, header);
    EXPECT_EQ(trace.record(operation("all_reduce", 0)), 0);
    EXPECT_EQ(trace.record(operation("qkv", 1)), 1);
    EXPECT_EQ(trace.record(operation("all_reduce", 2)), 2);
    trace.record(sim::FlowRecord{.source = 1, .destination = 9, .bytes = 7_B, .start = 1_ns, .end = 3_ns, .cause = 2});
    trace.record(sim::MemoryRecord{.rank = 4, .time = 1_us, .bytes = 80_GB});
    trace.write_ranks(std::vector<workloads::RankRow>{{.rank = 0, .gpu = 5, .host = 1, .tp = 2, .pp = 3, .dp = 4}});
    trace.write_links(std::vector<workloads::LinkRow>{{"gpu-0 -> nvswitch-0", "gpu-0", "nvswitch-0", "scale_up", 3e11},
                                                      {"leaf-0 -> spines (5 links)", "leaf-0", "spines", "leaf_spine", 1e11}},
                      {.bin_width = 1_us, .bytes = {1, 2, 3, 4, 5, 6}});
    EXPECT_FALSE(fs::exists(path)) << "not before it is whole";
    trace.finish(R"({"name": "x"})");
  }
  EXPECT_FALSE(fs::exists(partial));
  const Reader file(path);
  ASSERT_TRUE(file.opened());
  EXPECT_EQ(file.text("schema"), "weftsim/1");
  EXPECT_EQ(file.text("weftsim_version"), "1.2.3");
  EXPECT_EQ(file.text("scenario_yaml"), "name: ünicode\n");
  EXPECT_EQ(file.text("network"), "fluid");
  EXPECT_EQ(file.integer("/", "seed"), 7);
  EXPECT_EQ(file.integer("/", "complete"), 1);
  EXPECT_EQ(file.summary(), R"({"name": "x"})");

  EXPECT_THAT(file.integers("/ops/start_ps"), ElementsAre(0, 5'000'000, 10'000'000));
  EXPECT_THAT(file.integers("/ops/end_ps"), ElementsAre(2'000'000, 7'000'000, 12'000'000));
  EXPECT_THAT(file.integers("/ops/name"), ElementsAre(0, 1, 0));
  EXPECT_THAT(file.texts("/ops/name", "labels"), ElementsAre("all_reduce", "qkv"));
  EXPECT_EQ(file.texts("/ops/kind", "labels").at(static_cast<std::size_t>(file.integers("/ops/kind")[0])), "tp_collective");
  EXPECT_EQ(file.texts("/ops/stream", "labels").at(static_cast<std::size_t>(file.integers("/ops/stream")[0])), "tensor");
  EXPECT_THAT(file.column<double>("/ops/flops"), ElementsAre(1.5, 1.5, 1.5));
  EXPECT_THAT(file.integers("/ops/chunk"), ElementsAre(-1, -1, -1));
  EXPECT_EQ(file.units("/ops/start_ps"), "ps");
  EXPECT_EQ(file.units("/ops/bytes"), "byte");
  EXPECT_THAT(file.integers("/flows/cause"), ElementsAre(2));
  EXPECT_THAT(file.integers("/flows/dst"), ElementsAre(9));
  EXPECT_THAT(file.integers("/memory/bytes"), ElementsAre(80'000'000'000));
  EXPECT_THAT(file.integers("/ranks/dp"), ElementsAre(4));
  EXPECT_THAT(file.names("/links/name"), ElementsAre("gpu-0 -> nvswitch-0", "leaf-0 -> spines (5 links)"));
  EXPECT_THAT(file.texts("/links/kind", "labels"), ElementsAre("scale_up", "leaf_spine"));
  EXPECT_THAT(file.column<double>("/links/load"), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(file.integer("/links/load", "bin_width_ps"), 1'000'000);
}

// Two blocks of 65,536 rows and a bit, so that columns grow.
TEST_F(TraceFileTest, long_columns_grow_by_blocks) {
  constexpr int rows = 2 * 65536 + 10;
  TraceFile trace(path, header);
  for (int i = 0; i < rows; ++i) trace.record(operation("a", i));
  trace.finish("{}");
  const Reader file(path);
  const auto micro_batch = file.integers("/ops/micro_batch");
  ASSERT_EQ(micro_batch.size(), rows);
  for (int i = 0; i < rows; ++i) ASSERT_EQ(micro_batch[static_cast<std::size_t>(i)], i);
}

// The earliest file format has 64 KB for an attribute, which is 4,096 labels.
TEST_F(TraceFileTest, too_many_names_share_one_label) {
  std::vector<std::string> names;
  for (int i = 0; i < 5000; ++i) names.push_back("kernel " + std::to_string(i));
  TraceFile trace(path, header);
  for (const auto& name : names) trace.record(operation(name, 0));
  trace.finish("{}");
  const Reader file(path);
  const auto labels = file.texts("/ops/name", "labels");
  EXPECT_EQ(labels[static_cast<std::size_t>(file.integers("/ops/name")[17])], "kernel 17");
  EXPECT_EQ(labels[static_cast<std::size_t>(file.integers("/ops/name")[4999])], "(other)");
}

TEST_F(TraceFileTest, a_trace_of_nothing_is_whole_too) {
  TraceFile trace(path, header);
  trace.write_ranks({});
  trace.write_links({}, {});
  trace.finish("{}");
  EXPECT_THAT(Reader(path).integers("/ops/start_ps"), ElementsAre());
  EXPECT_THAT(Reader(path).column<double>("/links/load"), ElementsAre());
}

TEST_F(TraceFileTest, without_finish_a_partial_file_is_left) {
  { TraceFile(path, header).record(operation("a", 1)); }
  EXPECT_FALSE(fs::exists(path));
  const Reader file(partial);
  ASSERT_TRUE(file.opened());
  EXPECT_EQ(file.integer("/", "complete"), 0);
  EXPECT_THAT(file.integers("/ops/micro_batch"), ElementsAre(1));
  EXPECT_FALSE(file.has("/summary"));
}

// The writer is killed between its first flush (after 2 s) and the second. Columns have grown since, so their last blocks have
// been written again, with other sizes: what the first flush left must still be there, row by row.
TEST_F(TraceFileTest, a_killed_writer_leaves_a_partial_file_that_opens) {
  const pid_t writer = ::fork();
  if (writer == 0) {
    TraceFile trace(path, header);
    for (int i = 0;; ++i) {
      trace.record(operation("a", i));
      trace.record(sim::MemoryRecord{.time = sim::Time::picoseconds(i), .bytes = 1_B * (i * 2654435761L % 1'000'003)});
      if (i % 500 == 0) ::usleep(1000);
    }
  }
  ::usleep(3'000'000);
  ::kill(writer, SIGKILL);
  ::waitpid(writer, nullptr, 0);
  EXPECT_FALSE(fs::exists(path));
  const Reader file(partial);
  ASSERT_TRUE(file.opened());
  EXPECT_EQ(file.integer("/", "complete"), 0);
  EXPECT_EQ(file.text("schema"), "weftsim/1");
  const auto micro_batch = file.integers("/ops/micro_batch"), bytes = file.integers("/memory/bytes");
  EXPECT_GT(micro_batch.size(), 1000u);
  EXPECT_GT(bytes.size(), 1000u);
  for (std::size_t i = 0; i < micro_batch.size(); ++i) ASSERT_EQ(micro_batch[i], static_cast<std::int64_t>(i));
  for (std::size_t i = 0; i < bytes.size(); ++i) ASSERT_EQ(bytes[i], static_cast<std::int64_t>(i) * 2654435761L % 1'000'003);
}

// A limit of 1 MB on the size of files stands for a full disk: write() fails in the same way (EFBIG for ENOSPC).
// In a process of its own, which must end well after the failure.
TEST_F(TraceFileTest, a_full_disk_is_an_error_of_the_machine) {
  const auto fill = [&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      TraceFile trace(path, header);
      for (int i = 0; i < 5'000'000; ++i)
        trace.record(sim::MemoryRecord{.time = sim::Time::picoseconds(7919L * i * i), .bytes = 1_B * (i * 104729L)});
      trace.finish("{}");
    } catch (const sim::MachineError& error) {
      std::fputs(error.what(), stderr);
      std::exit(4);
    }
    std::exit(0);
  };
  EXPECT_EXIT(fill(), testing::ExitedWithCode(4), "run.h5.partial:/memory/.*File too large");
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(TraceFileTest, a_folder_that_is_not_there_is_an_error_of_the_machine) {
  try {
    TraceFile trace(folder / "nowhere" / "run.h5", header);
    FAIL();
  } catch (const sim::MachineError& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot be written (there is no folder"));
  }
}

}  // namespace

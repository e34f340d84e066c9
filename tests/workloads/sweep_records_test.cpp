#include "workloads/studies/sweep_records.hpp"
#include <gmock/gmock.h>
#include <filesystem>
#include <fstream>
#include <random>
#include "sim/error.hpp"
#include "tests/temporary_folder.hpp"

namespace workloads {
namespace {
namespace fs = std::filesystem;

class SweepRecordsTest : public ::testing::Test {
 protected:
  std::string file() const { return folder_ + "/records/local.rec"; }
  static ContentHash key(int i) { return content_hash("point " + std::to_string(i)); }
  weftsim::test::TemporaryFolder temporary_;
  std::string folder_ = temporary_ / "out";
};

TEST_F(SweepRecordsTest, gives_back_what_was_appended) {
  EXPECT_FALSE(SweepRecords::any_in(folder_));
  for (int run = 0; run < 2; ++run) {
    SweepRecords records(folder_, "local");
    if (run == 0)
      for (int i = 0; i < 100; ++i) records.append(key(i), "text " + std::string(std::size_t(i * i), 'x'));
    for (int i = 0; i < 100; ++i) EXPECT_EQ(records.find(key(i)), "text " + std::string(std::size_t(i * i), 'x'));
    EXPECT_FALSE(records.contains(key(100)));
  }
  EXPECT_TRUE(SweepRecords::any_in(folder_));
}

// Cut anywhere, as a kill would: all whole lines are there, and the next line stands alone.
TEST_F(SweepRecordsTest, a_torn_line_counts_as_not_there) {
  {
    SweepRecords records(folder_, "local");
    for (int i = 0; i < 3; ++i) records.append(key(i), "{\"a\": 1}");
  }
  const auto whole = fs::file_size(file()), line = whole / 3;
  for (auto size = whole; size > 0; size -= 7) {
    fs::resize_file(file(), size);
    {
      SweepRecords records(folder_, "local");
      for (int i = 0; i < 3; ++i) EXPECT_EQ(records.contains(key(i)), size / line > std::uintmax_t(i)) << size;
      records.append(key(9), "new");
    }
    EXPECT_EQ(SweepRecords(folder_, "local").find(key(9)), "new");
    if (size <= 7) break;
  }
}

TEST_F(SweepRecordsTest, a_changed_byte_makes_its_line_count_as_not_there) {
  {
    SweepRecords records(folder_, "local");
    for (int i = 0; i < 3; ++i) records.append(key(i), "{\"a\": 1}");
  }
  const auto line = fs::file_size(file()) / 3;
  std::fstream(file(), std::ios::in | std::ios::out | std::ios::binary).seekp(std::streamoff(line + 40)).put('2');
  const SweepRecords records(folder_, "local");
  EXPECT_TRUE(records.contains(key(0)));
  EXPECT_FALSE(records.contains(key(1)));
  EXPECT_TRUE(records.contains(key(2)));
}

TEST_F(SweepRecordsTest, one_process_a_file_and_all_are_read) {
  SweepRecords first(folder_, "shard-1");
  first.append(key(1), "one");
  EXPECT_THROW(SweepRecords(folder_, "shard-1"), sim::InputError);
  SweepRecords second(folder_, "shard-2");
  EXPECT_EQ(second.find(key(1)), "one");
}

TEST_F(SweepRecordsTest, a_reader_needs_no_lock_and_changes_nothing) {
  EXPECT_FALSE(SweepRecords(folder_).contains(key(1)));
  EXPECT_FALSE(fs::exists(folder_));
  SweepRecords writer(folder_, "local");
  writer.append(key(1), "one");
  std::ofstream(file(), std::ios::app) << "half a li";
  const auto size = fs::file_size(file());
  EXPECT_EQ(SweepRecords(folder_).find(key(1)), "one");
  EXPECT_EQ(fs::file_size(file()), size);
}

TEST_F(SweepRecordsTest, survives_noise) {
  { const SweepRecords records(folder_, "local"); }
  std::mt19937 random(1);
  std::ofstream noise(file(), std::ios::binary);
  for (int i = 0; i < 3'000'000; ++i) noise.put(static_cast<char>(random() % 40 == 0 ? '\n' : random()));
  noise.close();
  SweepRecords records(folder_, "local");
  records.append(key(1), "one");
  EXPECT_EQ(records.find(key(1)), "one");
}

}  // namespace
}  // namespace workloads

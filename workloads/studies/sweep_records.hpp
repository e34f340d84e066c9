#pragma once
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include "workloads/studies/content_hash.hpp"

namespace workloads {

// What points came to, by the content of the point: DIR/records/NAME.rec, a line each of key, text and checksum, only ever
// appended to. A process that is killed leaves at most one line that is not whole; such lines count as not there. Each
// process writes a file of its own, which it locks, and reads those of all.
class SweepRecords {
 public:
  // Throws sim::InputError when another process holds NAME, sim::MachineError when the disk refuses.
  SweepRecords(const std::string& directory, const std::string& name);
  ~SweepRecords();
  SweepRecords(const SweepRecords&) = delete;
  SweepRecords& operator=(const SweepRecords&) = delete;

  static bool any_in(const std::string& directory);
  std::optional<std::string> find(const ContentHash& key) const;
  bool contains(const ContentHash& key) const;
  // `text` without line ends. On the disk at the latest two seconds and one `append` later, or after `sync`.
  void append(const ContentHash& key, std::string_view text);
  void sync();

 private:
  struct Location {
    std::size_t file = 0;
    std::uint64_t begin = 0;
    std::size_t length = 0;
  };
  void read_file(std::size_t file);
  [[noreturn]] void fail(std::size_t file) const;

  std::vector<std::string> paths_;  // the first is our own
  std::vector<int> files_;          // descriptors
  std::uint64_t end_ = 0;           // of our own
  std::map<ContentHash, Location> known_;
  std::chrono::steady_clock::time_point synced_ = std::chrono::steady_clock::now();
  mutable std::mutex access_;
};

}  // namespace workloads

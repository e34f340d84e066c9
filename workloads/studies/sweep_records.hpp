#pragma once
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include "workloads/studies/content_hash.hpp"

namespace workloads {

// What points came to, by the content of the point: DIR/records/NAME.rec, a line each of key, text and checksum, only ever
// appended to. A process that is killed leaves at most one line that is not whole; such lines count as not there. Each
// process writes a file of its own, which it locks, and reads those of all.
class SweepRecords {
 public:
  // To write NAME. Throws sim::InputError when another process holds it, sim::MachineError when the disk refuses.
  SweepRecords(const std::string& directory, const std::string& name);
  explicit SweepRecords(const std::string& directory);  // to read, also while others write
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
  // What a file held when it was mapped. Needs no descriptor: a sweep on a cluster may have thousands of files.
  class Mapping {
   public:
    Mapping(int descriptor, const std::string& path);
    ~Mapping();
    Mapping(Mapping&& other) noexcept : text_(std::exchange(other.text_, {})) {}
    Mapping& operator=(Mapping&&) = delete;
    std::string_view text() const { return text_; }

   private:
    std::string_view text_;
  };
  struct Location {
    std::size_t mapping = 0;  // own: what was appended since
    std::uint64_t begin = 0;
    std::size_t length = 0;
  };
  static constexpr std::size_t own = ~std::size_t{0};

  void open_own(const std::string& directory, const std::string& name);
  void read_all(const std::string& directory);
  void read(std::size_t mapping);
  std::string read_own(const Location& place) const;
  void write_own(std::string_view text);
  [[noreturn]] void fail() const;

  std::string path_;     // our own file
  int descriptor_ = -1;  // of it; none: this one only reads
  std::uint64_t end_ = 0;
  std::vector<Mapping> mappings_;
  std::map<ContentHash, Location> known_;
  std::chrono::steady_clock::time_point synced_ = std::chrono::steady_clock::now();
  mutable std::mutex access_;
};

}  // namespace workloads

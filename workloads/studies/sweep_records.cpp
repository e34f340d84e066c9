#include "workloads/studies/sweep_records.hpp"
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include "sim/error.hpp"

namespace workloads {
namespace {

namespace fs = std::filesystem;
constexpr auto sync_interval = std::chrono::seconds(2);
constexpr std::size_t key_digits = 32, checksum_digits = 16;
constexpr std::size_t frame = key_digits + checksum_digits + 2;  // and two spaces around the text

std::string checksum(std::string_view key_and_text) { return fmt::format("{:016x}", content_hash(key_and_text).low); }

std::optional<std::uint64_t> hexadecimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// Of a whole line; nothing for another.
std::optional<ContentHash> key_of(std::string_view line) {
  if (line.size() < frame || line[key_digits] != ' ' || line[line.size() - checksum_digits - 1] != ' ') return {};
  if (checksum(line.substr(0, line.size() - checksum_digits - 1)) != line.substr(line.size() - checksum_digits)) return {};
  const auto high = hexadecimal(line.substr(0, 16)), low = hexadecimal(line.substr(16, 16));
  return high && low ? std::optional(ContentHash{*high, *low}) : std::nullopt;
}

[[noreturn]] void refuse(const std::string& path) {
  throw sim::MachineError(fmt::format("{}: cannot be written or read ({}).", path, std::strerror(errno)));
}

std::string folder_of(const std::string& directory) { return directory + "/records"; }

}  // namespace

bool SweepRecords::any_in(const std::string& directory) {
  std::error_code error;
  return fs::exists(folder_of(directory), error) && !fs::is_empty(folder_of(directory), error);
}

SweepRecords::Mapping::Mapping(int descriptor, const std::string& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) refuse(path);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return;
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (memory == MAP_FAILED) refuse(path);
  text_ = {static_cast<const char*>(memory), size};
}

SweepRecords::Mapping::~Mapping() {
  if (!text_.empty()) ::munmap(const_cast<char*>(text_.data()), text_.size());
}

SweepRecords::SweepRecords(const std::string& directory, const std::string& name) {
  open_own(directory, name);
  read_all(directory);
}

SweepRecords::SweepRecords(const std::string& directory) {
  if (any_in(directory)) read_all(directory);
}

SweepRecords::~SweepRecords() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

// A file system without locks has to do without: Lustre is often mounted so.
void SweepRecords::open_own(const std::string& directory, const std::string& name) {
  std::error_code error;
  fs::create_directories(folder_of(directory), error);
  if (error) throw sim::MachineError(fmt::format("{}: cannot be made ({}).", folder_of(directory), error.message()));
  path_ = fmt::format("{}/{}.rec", folder_of(directory), name);
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail();
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno == ENOLCK || errno == ENOSYS || errno == EOPNOTSUPP) return;
  const bool held = errno == EWOULDBLOCK;
  if (!held) fail();
  ::close(descriptor_);
  throw sim::InputError(fmt::format("{}: another sweep is at work here. Wait until it has ended, or give another --out.", directory));
}

void SweepRecords::read_all(const std::string& directory) {
  std::vector<std::string> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_of(directory)))
    if (entry.path().extension() == ".rec" && entry.path() != fs::path(path_)) paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) refuse(path);
    try {
      mappings_.emplace_back(descriptor, path);
    } catch (...) {
      ::close(descriptor);
      throw;
    }
    ::close(descriptor);
    read(mappings_.size() - 1);
  }
  if (descriptor_ < 0) return;
  mappings_.emplace_back(descriptor_, path_);
  read(mappings_.size() - 1);
  const std::string_view text = mappings_.back().text();
  end_ = text.size();
  if (!text.empty() && text.back() != '\n') write_own("\n");  // closes what is not whole: the next line stands alone
}

void SweepRecords::read(std::size_t mapping) {
  const std::string_view text = mappings_[mapping].text();
  for (std::size_t line = 0; line < text.size();) {
    const std::size_t end = text.find('\n', line);
    if (end == std::string_view::npos) return;
    if (const auto key = key_of(text.substr(line, end - line))) known_[*key] = {mapping, line + key_digits + 1, end - line - frame};
    line = end + 1;
  }
}

bool SweepRecords::contains(const ContentHash& key) const {
  const std::lock_guard lock(access_);
  return known_.contains(key);
}

std::optional<std::string> SweepRecords::find(const ContentHash& key) const {
  const std::lock_guard lock(access_);
  const auto found = known_.find(key);
  if (found == known_.end()) return {};
  const Location& place = found->second;
  return place.mapping == own ? read_own(place) : std::string(mappings_[place.mapping].text().substr(place.begin, place.length));
}

std::string SweepRecords::read_own(const Location& place) const {
  std::string text(place.length, '\0');
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t got = ::pread(descriptor_, text.data() + done, text.size() - done, static_cast<off_t>(place.begin + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail();
    done += static_cast<std::size_t>(got);
  }
  return text;
}

void SweepRecords::write_own(std::string_view text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t written = ::write(descriptor_, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail();
    done += static_cast<std::size_t>(written);
  }
  end_ += text.size();
}

void SweepRecords::append(const ContentHash& key, std::string_view text) {
  std::string line = fmt::format("{} {}", to_hex(key), text);
  line += fmt::format(" {}\n", checksum(line));
  const std::lock_guard lock(access_);
  const std::uint64_t begin = end_;
  write_own(line);
  known_[key] = {own, begin + key_digits + 1, text.size()};
  if (const auto now = std::chrono::steady_clock::now(); now - synced_ >= sync_interval) {
    if (::fdatasync(descriptor_) != 0) fail();
    synced_ = now;
  }
}

void SweepRecords::sync() {
  const std::lock_guard lock(access_);
  if (::fdatasync(descriptor_) != 0) fail();
}

void SweepRecords::fail() const { refuse(path_); }

}  // namespace workloads

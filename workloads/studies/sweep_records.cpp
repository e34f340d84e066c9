#include "workloads/studies/sweep_records.hpp"
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
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

std::string folder_of(const std::string& directory) { return directory + "/records"; }

}  // namespace

bool SweepRecords::any_in(const std::string& directory) {
  std::error_code error;
  return fs::exists(folder_of(directory), error) && !fs::is_empty(folder_of(directory), error);
}

SweepRecords::SweepRecords(const std::string& directory, const std::string& name) {
  std::error_code error;
  fs::create_directories(folder_of(directory), error);
  if (error) throw sim::MachineError(fmt::format("{}: cannot be made ({}).", folder_of(directory), error.message()));
  paths_.push_back(fmt::format("{}/{}.rec", folder_of(directory), name));
  files_.push_back(::open(paths_[0].c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  if (files_[0] < 0) fail(0);
  if (::flock(files_[0], LOCK_EX | LOCK_NB) != 0) {
    const bool held = errno == EWOULDBLOCK;
    if (!held) fail(0);
    ::close(files_[0]);
    throw sim::InputError(fmt::format("{}: another sweep is at work here. Wait until it has ended, or give another --out.", directory));
  }
  std::vector<std::string> others;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_of(directory)))
    if (entry.path().extension() == ".rec" && entry.path() != fs::path(paths_[0])) others.push_back(entry.path().string());
  std::sort(others.begin(), others.end());
  for (const std::string& path : others) {
    paths_.push_back(path);
    files_.push_back(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (files_.back() < 0) fail(files_.size() - 1);
  }
  for (std::size_t file = 0; file < files_.size(); ++file) read_file(file);
}

SweepRecords::~SweepRecords() {
  for (const int file : files_) ::close(file);
}

void SweepRecords::fail(std::size_t file) const {
  throw sim::MachineError(fmt::format("{}: cannot be written or read ({}).", paths_[file], std::strerror(errno)));
}

// What is not whole at the end of our own file is closed by a line end, so that the next line stands alone.
void SweepRecords::read_file(std::size_t file) {
  std::string pending(1 << 20, '\0');
  std::uint64_t begin = 0;  // of `pending` in the file
  std::size_t filled = 0;
  while (true) {
    if (filled == pending.size()) pending.resize(2 * pending.size());
    const ssize_t got = ::pread(files_[file], pending.data() + filled, pending.size() - filled, static_cast<off_t>(begin + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(file);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    std::size_t line = 0;
    const std::string_view text(pending.data(), filled);
    for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', line)) {
      if (const auto key = key_of(text.substr(line, end - line))) known_[*key] = {file, begin + line + key_digits + 1, end - line - frame};
      line = end + 1;
    }
    pending.erase(0, line);
    pending.resize(std::max<std::size_t>(pending.size(), 1 << 20));
    begin += line;
    filled -= line;
  }
  if (file != 0) return;
  end_ = begin + filled;
  if (filled > 0) {
    if (::write(files_[0], "\n", 1) != 1) fail(0);
    ++end_;
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
  std::string text(found->second.length, '\0');
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t got =
        ::pread(files_[found->second.file], text.data() + done, text.size() - done, static_cast<off_t>(found->second.begin + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail(found->second.file);
    done += static_cast<std::size_t>(got);
  }
  return text;
}

void SweepRecords::append(const ContentHash& key, std::string_view text) {
  std::string line = fmt::format("{} {}", to_hex(key), text);
  line += fmt::format(" {}\n", checksum(line));
  const std::lock_guard lock(access_);
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t written = ::write(files_[0], line.data() + done, line.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail(0);
    done += static_cast<std::size_t>(written);
  }
  known_[key] = {0, end_ + key_digits + 1, text.size()};
  end_ += line.size();
  if (const auto now = std::chrono::steady_clock::now(); now - synced_ >= sync_interval) {
    if (::fdatasync(files_[0]) != 0) fail(0);
    synced_ = now;
  }
}

void SweepRecords::sync() {
  const std::lock_guard lock(access_);
  if (::fdatasync(files_[0]) != 0) fail(0);
}

}  // namespace workloads

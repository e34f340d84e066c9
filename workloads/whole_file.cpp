#include "workloads/whole_file.hpp"
#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include "sim/error.hpp"

namespace workloads {

// A pipe or a device (/dev/stdout, /dev/null) cannot be renamed over and is written directly.
void write_whole_file(const std::string& path, std::string_view contents) {
  const bool special = std::filesystem::exists(path) && !std::filesystem::is_regular_file(path);
  const std::string temporary = special ? path : path + ".partial";
  const auto fail = [&](int reason) -> void {
    if (!special) ::unlink(temporary.c_str());
    throw sim::MachineError(fmt::format("{}: cannot be written ({}).", path, std::strerror(reason)));
  };
  std::FILE* file = std::fopen(temporary.c_str(), "wb");
  if (!file) throw sim::MachineError(fmt::format("{}: cannot be written ({}).", path, std::strerror(errno)));
  const bool written = std::fwrite(contents.data(), 1, contents.size(), file) == contents.size() && std::fflush(file) == 0 &&
                       (special || ::fsync(::fileno(file)) == 0);
  const int reason = errno;
  if (std::fclose(file) != 0 || !written) fail(written ? errno : reason);
  if (!special && std::rename(temporary.c_str(), path.c_str()) != 0) fail(errno);
}

void rename_whole(const std::string& temporary, const std::string& path) {
  const int file = ::open(temporary.c_str(), O_RDONLY | O_CLOEXEC);
  bool done = file >= 0 && ::fsync(file) == 0;
  int reason = errno;
  if (file >= 0) ::close(file);
  if (done && std::rename(temporary.c_str(), path.c_str()) != 0) done = false, reason = errno;
  if (!done) throw sim::MachineError(fmt::format("{}: cannot be written ({}).", path, std::strerror(reason)));
}

}  // namespace workloads

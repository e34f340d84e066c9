#include "workloads/export/output_file.hpp"
#include <fmt/format.h>
#include <cerrno>
#include <cstring>
#include <utility>
#include "sim/error.hpp"
#include "workloads/whole_file.hpp"

namespace workloads {

OutputFile::OutputFile(std::string path) : path_(std::move(path)), partial_(path_ + ".partial"), file_(std::fopen(partial_.c_str(), "wb")) {
  if (!file_) fail();
}

OutputFile::~OutputFile() {
  if (!file_) return;
  std::fclose(file_);
  std::remove(partial_.c_str());
}

void OutputFile::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) fail();
}

void OutputFile::finish() {
  if (std::fclose(std::exchange(file_, nullptr)) != 0) fail();
  rename_whole(partial_, path_);
}

void OutputFile::fail() const { throw sim::MachineError(fmt::format("{}: cannot be written ({}).", path_, std::strerror(errno))); }

}  // namespace workloads

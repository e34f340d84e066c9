#pragma once
#include <cstdio>
#include <string>
#include <string_view>

namespace workloads {

// A file written piece by piece that appears whole or not at all; throws sim::MachineError.
class OutputFile {
 public:
  explicit OutputFile(std::string path);
  ~OutputFile();  // without `finish`: removes what was written
  OutputFile(const OutputFile&) = delete;
  void write(std::string_view text);
  void finish();

 private:
  [[noreturn]] void fail() const;
  std::string path_, partial_;
  std::FILE* file_;
};

}  // namespace workloads

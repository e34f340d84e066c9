#pragma once
#include <string_view>

namespace sim {

// A file of the source tree that travels inside the binary (cmake/EmbedFiles.cmake).
struct EmbeddedFile {
  std::string_view path;  // "profiles/a100-sxm-80g.json": last folder and name
  std::string_view contents;
};

}  // namespace sim

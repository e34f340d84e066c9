#pragma once
#include <string>
#include <string_view>

namespace workloads {

// Writes `contents` to `path` under a temporary name, then renames: the file appears whole or not at all.
// Throws sim::MachineError.
void write_whole_file(const std::string& path, std::string_view contents);
// The second half of that, for a file that was written by other means: to the disk, then to its name.
void rename_whole(const std::string& temporary, const std::string& path);

}  // namespace workloads

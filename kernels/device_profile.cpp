#include "kernels/device_profile.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <span>
#include "kernels/strict_json.hpp"
#include "sim/embedded_file.hpp"
#include "sim/error.hpp"

namespace kernels {
namespace embedded {
std::span<const sim::EmbeddedFile> files();
}
namespace {

constexpr std::string_view folder = "profiles/", ending = ".json";

std::string_view shipped_name(const sim::EmbeddedFile& file) {
  return file.path.substr(folder.size(), file.path.size() - folder.size() - ending.size());
}

}  // namespace

std::string_view name_of(CollectiveOp op) {
  constexpr std::string_view names[] = {"all_reduce", "all_gather", "reduce_scatter", "broadcast", "all_to_all", "send_receive"};
  return names[static_cast<int>(op)];
}

const Residual* DeviceProfile::residual(std::string_view what) const {
  const auto found = std::find_if(residuals.begin(), residuals.end(), [&](const Residual& r) { return r.what == what; });
  return found == residuals.end() ? nullptr : &*found;
}

std::vector<std::string> shipped_device_profiles() {
  std::vector<std::string> names;
  for (const auto& file : embedded::files())
    if (file.path.starts_with(folder) && file.path.ends_with(ending)) names.emplace_back(shipped_name(file));
  return names;
}

DeviceProfile load_device_profile(std::string_view name_or_path) {
  for (const auto& file : embedded::files())
    if (file.path.starts_with(folder) && shipped_name(file) == name_or_path)
      return parse_device_profile(file.contents, "kernels/" + std::string(file.path));
  const std::string path(name_or_path);
  if (path.find('/') == std::string::npos && !path.ends_with(ending)) {
    const auto names = shipped_device_profiles();
    throw sim::InputError(
        fmt::format("accelerator '{}': no shipped profile has this name (shipped: {}).{} Write one of them, or the path of a .json file.",
                    path, fmt::join(names, ", "), did_you_mean(path, names)));
  }
  return parse_device_profile(read_file(path, largest_json), path);
}

}  // namespace kernels

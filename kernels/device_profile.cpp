#include "kernels/device_profile.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <span>
#include "kernels/data_sheet.hpp"
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

DeviceProfile profile_of(const DataSheet& sheet, const std::string& where) {
  for (const auto& file : embedded::files())
    if (sheet.like && file.path.starts_with(folder) && shipped_name(file) == sheet.like->device)
      return uncalibrated_profile(sheet, parse_device_profile(file.contents, "kernels/" + std::string(file.path)));
  throw sim::InputError(
      fmt::format("{}: like: there is no measured profile to take the rest from. Name one under like.device, such as "
                  "'a100-sxm-80g', or fit one with weftsim fit.",
                  where));
}

}  // namespace

std::string_view name_of(CollectiveOp op) {
  constexpr std::string_view names[] = {"all_reduce",   "all_gather", "reduce_scatter", "broadcast", "all_to_all",
                                        "send_receive", "reduce",     "gather",         "scatter"};
  return names[static_cast<int>(op)];
}

std::vector<std::string_view> DeviceProfile::precisions() const {
  std::vector<std::string_view> names;
  for (const auto precision : all_precisions)
    if (peak(precision) > 0) names.push_back(name_of(precision));
  return names;
}

const GemmTable& DeviceProfile::gemm_table(Precision precision) const {
  const auto covers = [&](const GemmTable& t) { return std::find(t.used_for.begin(), t.used_for.end(), precision) != t.used_for.end(); };
  auto found = std::find_if(gemm.begin(), gemm.end(), covers);
  const auto as_narrow = [&](const GemmTable& t) { return bytes_per_element(t.precision) <= bytes_per_element(precision); };
  if (found == gemm.end()) found = std::find_if(gemm.begin(), gemm.end(), as_narrow);
  return found == gemm.end() ? gemm.front() : *found;
}

const Residual* DeviceProfile::residual(std::string_view what) const {
  const auto named = [&](std::string_view wanted) {
    return std::find_if(residuals.begin(), residuals.end(), [&](const Residual& r) { return r.what == wanted; });
  };
  auto found = named(what);
  if (found == residuals.end()) found = named(transferred);
  return found == residuals.end() ? nullptr : &*found;
}

std::vector<std::string> shipped_device_profiles() {
  std::vector<std::string> names = data_sheet_names();
  for (const auto& file : embedded::files())
    if (file.path.starts_with(folder)) names.emplace_back(shipped_name(file));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

DeviceProfile load_device_profile(std::string_view name_or_path) {
  for (const auto& file : embedded::files())
    if (file.path.starts_with(folder) && shipped_name(file) == name_or_path)
      return parse_device_profile(file.contents, "kernels/" + std::string(file.path));
  const std::string path(name_or_path);
  if (path.find('/') != std::string::npos || path.ends_with(ending)) {
    const std::string text = read_file(path, largest_json);
    return is_data_sheet(text) ? profile_of(parse_data_sheet(text, path), path) : parse_device_profile(text, path);
  }
  const auto names = shipped_device_profiles();
  if (std::find(names.begin(), names.end(), path) == names.end())
    throw sim::InputError(
        fmt::format("accelerator '{}': no shipped profile has this name (shipped: {}).{} Write one of them, or the path of a .json file.",
                    path, fmt::join(names, ", "), did_you_mean(path, names)));
  return profile_of(load_data_sheet(path), path);
}

}  // namespace kernels

#pragma once
#include <string_view>
#include "kernels/device_profile.hpp"

// What the reader and the writer of a device profile's JSON must agree on.
namespace kernels {

inline constexpr std::string_view device_schema_name = "weftsim-device/";
inline constexpr int device_schema_version = 2;
inline constexpr std::string_view tile_names[] = {"256x128", "128x128", "256x64", "128x64", "64x64"};

}  // namespace kernels

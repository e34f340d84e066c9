#pragma once
#include <string_view>

namespace workloads {

inline constexpr std::string_view version = WEFTSIM_VERSION;  // of the whole program (VERSION, at the top of the tree)

}  // namespace workloads

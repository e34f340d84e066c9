#include "workloads/link_load_file.hpp"
#include <fmt/format.h>
#include <algorithm>
#include "sim/error.hpp"
#include "workloads/hdf5_reader.hpp"

namespace workloads {

std::vector<double> read_link_load(const std::string& trace, const topology::Fabric& fabric) {
  const hdf5::Reader file(trace);
  const std::vector<std::string> names = file.texts("/links/name");
  const std::vector<double> capacity = file.numbers("/links/capacity_Bps"), bytes = file.numbers("/links/load");
  const std::size_t links = fabric.network_links().size();
  bool same = names.size() == links && capacity.size() == links && bytes.size() % std::max<std::size_t>(links, 1) == 0;
  for (std::uint32_t i = 0; i < links && same; ++i) same = names[i] == fabric.network_link_name(sim::LinkId{i});
  if (!same)
    throw sim::InputError(
        fmt::format("{}: its links are not the {} of this fabric. Give the scenario that was run, with the same --set.", trace, links));
  std::vector<double> load(links);
  for (std::size_t i = 0; i < bytes.size(); ++i) load[i % links] += bytes[i];
  const double seconds =
      file.number_attribute("/links/load", "bin_width_ps") * 1e-12 * static_cast<double>(bytes.size() / std::max<std::size_t>(links, 1));
  for (std::size_t i = 0; i < links && seconds > 0; ++i) load[i] /= capacity[i] * seconds;
  return load;
}

}  // namespace workloads

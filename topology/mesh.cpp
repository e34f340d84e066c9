#include <fmt/format.h>
#include <algorithm>
#include <cstdio>
#include <sstream>
#include "sim/error.hpp"
#include "topology/hosts.hpp"

namespace topology {
namespace {

// "0-3x2": two links between GPUs 0 and 3.
Mesh::Cable cable_of(const std::string& word, int gpus) {
  Mesh::Cable cable{-1, -1, 1};
  const int found = std::sscanf(word.c_str(), "%5d-%5dx%5d", &cable.a, &cable.b, &cable.links);
  const std::string pair = fmt::format("{}-{}", cable.a, cable.b);
  if (word != (found == 3 ? fmt::format("{}x{}", pair, cable.links) : pair) || cable.a < 0 || cable.b <= cable.a || cable.b >= gpus ||
      cable.links < 1)
    throw sim::InputError(fmt::format(
        "cluster.host.scale_up.mesh: '{}' is no pair of GPUs of a domain of {}. Write '0-1', or '0-1x2' for two links, lower number first.",
        word, gpus));
  return cable;
}

// Breadth-first from one GPU; every shortest path carries an equal part, and parallel links count as paths.
void find_ways(Mesh& mesh, int source) {
  std::vector<int> hops(mesh.gpus, -1);
  std::vector<double> paths(mesh.gpus);
  std::vector<int> order = {source};
  hops[source] = 0;
  paths[source] = 1;
  const auto other = [](const Mesh::Cable& cable, int gpu) { return cable.a == gpu ? cable.b : cable.b == gpu ? cable.a : -1; };
  for (std::size_t next = 0; next < order.size(); ++next)
    for (const Mesh::Cable& cable : mesh.cables) {
      const int to = other(cable, order[next]);
      if (to < 0) continue;
      if (hops[to] < 0) hops[to] = hops[order[next]] + 1, order.push_back(to);
      if (hops[to] == hops[order[next]] + 1) paths[to] += paths[order[next]] * cable.links;
    }
  for (int destination = 0; destination < mesh.gpus; ++destination) {
    if (hops[destination] < 0)
      throw sim::InputError(fmt::format("cluster.host.scale_up.mesh: nothing joins GPU {} to GPU {}. Add links.", source, destination));
    Mesh::Way& way = mesh.ways[source * mesh.gpus + destination];
    way.hops = hops[destination];
    std::vector<double> part(mesh.gpus);  // that reaches each GPU on its way
    part[destination] = 1;
    for (auto at = order.rbegin(); at != order.rend(); ++at)
      for (std::uint32_t c = 0; c < mesh.cables.size() && part[*at] > 0; ++c) {
        const int from = other(mesh.cables[c], *at);
        if (from < 0 || hops[from] + 1 != hops[*at]) continue;
        const double share = part[*at] * paths[from] * mesh.cables[c].links / paths[*at];
        part[from] += share;
        way.steps.push_back({mesh.cables[c].a == from ? up_link(c) : down_link(c), share});
      }
    std::reverse(way.steps.begin(), way.steps.end());
  }
}

}  // namespace

Mesh make_mesh(const std::string& text, int domain, int present) {
  Mesh mesh{present, 0, {}, std::vector<Mesh::Way>(present * present)};
  std::istringstream words(text);
  for (std::string word; words >> word;) mesh.cables.push_back(cable_of(word, domain));
  for (int a = 0; a < domain && text.empty(); ++a)
    for (int b = a + 1; b < domain; ++b) mesh.cables.push_back({a, b, 1});
  std::vector<int> links(domain);
  for (const Mesh::Cable& cable : mesh.cables) links[cable.a] += cable.links, links[cable.b] += cable.links;
  mesh.widest = *std::max_element(links.begin(), links.end());
  std::erase_if(mesh.cables, [&](const Mesh::Cable& cable) { return cable.b >= present; });
  for (int gpu = 0; gpu < present; ++gpu) find_ways(mesh, gpu);
  return mesh;
}

}  // namespace topology

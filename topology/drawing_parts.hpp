#pragma once
#include <iosfwd>
#include <span>
#include <string>
#include <vector>
#include "topology/fabric.hpp"

// What the drawings of drawing_svg.cpp (tiers) and drawing_direct.cpp (torus, dragonfly) share.
namespace topology {

void begin_svg(double width, double height, const std::string& title, std::ostream& out);
std::string title_of(const Fabric& fabric);
std::string colour_of(double load);  // from grey over orange to red
void write_load_legend(double right, std::ostream& out);
std::vector<double> by_link(const Fabric& fabric, std::span<const double> load);  // physical links from network links; empty: not known

void write_torus(const Fabric& fabric, std::span<const double> load, std::ostream& out);      // its first plane
void write_dragonfly(const Fabric& fabric, std::span<const double> load, std::ostream& out);  // its groups

}  // namespace topology

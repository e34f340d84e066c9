#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>
#include "sim/units.hpp"

// Watts and dollars of what a cluster is made of, read from a parts file (docs/topologies.md).
namespace topology {

enum class Optics : std::uint8_t { dsp, lpo, cpo, dac };

struct PartFigures {
  std::optional<double> power_w, price_usd;
};
struct SwitchPart {
  std::string name;
  sim::BytesPerSecond capacity;  // all ports, one direction
  PartFigures figures;           // power without modules
};
struct ModulePart {
  Optics optics;
  sim::BytesPerSecond bandwidth;
  PartFigures figures;               // of one end: a module; cpo: the engine; dac: half of the cable
  std::optional<sim::Time> latency;  // of one end
  std::optional<double> reach_m;     // dac: of the longest
};
struct CablePart {
  sim::BytesPerSecond bandwidth;
  std::optional<double> price_usd;
};
struct NamedPart {  // a GPU by the name of its device profile, a host by its preset (power with its GPUs), a scale-up switch by the host's
  std::string name;
  PartFigures figures;
};
struct CoolingPart {
  std::string name;
  double pue = 1;
  std::optional<double> building_usd_per_kw;
  std::optional<double> rack_kw;  // that it can take from a rack
};
struct RackPart {  // rows of racks in a room
  double pitch_m = 0, row_pitch_m = 0;
  int per_row = 0;    // 0: not known
  double rise_m = 0;  // from a port to the tray above
};

struct PartsTable {
  std::vector<SwitchPart> switches;
  std::vector<ModulePart> modules;
  std::vector<CablePart> fibres;
  std::vector<NamedPart> gpus, hosts, scale_up_switches;
  std::vector<CoolingPart> cooling;
  RackPart racks;
};

}  // namespace topology

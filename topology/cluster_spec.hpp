#pragma once
#include <cstdint>
#include <string>
#include <vector>
#include "sim/units.hpp"

// The cluster as a user states it: filled by the scenario reader from YAML or Python, checked once
// by `problems` before anything is built. Keys, units and meaning: docs/scenario.md.
namespace topology {

enum class ScaleUpKind : std::uint8_t { nvswitch, mesh, pcie, none };
enum class FabricType : std::uint8_t { fat_tree, leaf_spine, rail_optimized, file, none };
enum class Routing : std::uint8_t { ecmp, adaptive, spray, static_ };
enum class Transport : std::uint8_t { infiniband, roce, ideal };
enum class Optics : std::uint8_t { dsp, lpo, cpo, dac };

struct ScaleUpSpec {
  ScaleUpKind kind = ScaleUpKind::nvswitch;
  int domain = 8;                 // GPUs that share one scale-up domain
  sim::BytesPerSecond bandwidth;  // per GPU and direction
  sim::Time latency;
};

struct NicSpec {
  int count = 0;  // per host
  int ports = 1;
  sim::BytesPerSecond bandwidth;  // of one NIC, all ports together, per direction
  sim::Time latency;
};

struct HostSpec {
  std::string preset;
  int gpus_per_host = 8;
  ScaleUpSpec scale_up;
  NicSpec nics;
  sim::BytesPerSecond pcie_bandwidth;  // of one GPU to its NIC; zero: never a bottleneck
};

struct FabricLinkSpec {
  sim::BytesPerSecond bandwidth;
  sim::Time latency;
  Optics optics = Optics::dsp;
};

struct HashSpec {
  std::uint64_t seed = 1;
  bool polarized = false;
};

// A directed link of a file. Nodes are numbers into LinkFile::nodes.
struct FileLink {
  std::uint32_t from = 0, to = 0;
  sim::BytesPerSecond bandwidth;
  sim::Time latency;
};

// A fabric link by link; link i of the file is network link i. The reader of scenarios fills it from CSV.
struct LinkFile {
  std::vector<std::string> nodes;  // end points h0, h1, … in this order, then the switches
  int end_points = 0;
  std::vector<FileLink> links;
};

struct FabricSpec {
  FabricType type = FabricType::none;
  std::vector<int> radix = {64};  // ports of a switch: one value, or one per tier from the leaf up
  int tiers = 2;
  std::vector<double> oversubscription = {1};  // down : up; one value (at the leaf), or one per tier below the top
  int rails = 1;           // 1: all NICs of a host on one leaf (rail-optimized: a rail per NIC); r: NIC i on a leaf of rail i mod r
  int hosts_per_unit = 0;  // hosts that share a set of leaves; 0: as many as fit
  FabricLinkSpec link;
  sim::Time switch_latency;
  Routing routing = Routing::adaptive;
  HashSpec hash;
  Transport transport = Transport::infiniband;
  std::string links;   // type file: the path; only `routing` and `transport` count beside it
  LinkFile link_file;  // type file: its contents
};

struct ClusterSpec {
  int gpus = 0;
  std::string accelerator;  // a shipped device profile, or the path of one
  HostSpec host;
  FabricSpec fabric;
  int hosts() const { return (gpus + host.gpus_per_host - 1) / host.gpus_per_host; }
};

// Everything about a spec that is wrong whatever the wiring, "where: what. What to do." each; empty: none.
// Whether the wiring then comes out (ports, counts) is found by Fabric, one problem at a time.
std::vector<std::string> problems(const ClusterSpec& spec);

}  // namespace topology

#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>
#include "sim/units.hpp"
#include "topology/parts.hpp"

// The cluster as a user states it: filled by the scenario reader from YAML or Python, checked once
// by `problems` before anything is built. Keys, units and meaning: docs/scenario.md.
namespace topology {

enum class ScaleUpKind : std::uint8_t { nvswitch, mesh, pcie, none };
enum class FabricType : std::uint8_t { fat_tree, leaf_spine, rail_optimized, three_tier, dual_plane, torus, dragonfly, file, none };
enum class Routing : std::uint8_t { ecmp, adaptive, spray, static_, valiant, flowlet };
// Packets choose among equal links at every switch, so these are one trunk.
inline bool levels_out(Routing routing) { return routing == Routing::adaptive || routing == Routing::spray || routing == Routing::flowlet; }
enum class Transport : std::uint8_t { infiniband, roce, ideal, efa };
struct ScaleUpSpec {
  ScaleUpKind kind = ScaleUpKind::nvswitch;
  int domain = 8;                 // GPUs that share one scale-up domain
  sim::BytesPerSecond bandwidth;  // per GPU and direction
  sim::Time latency;
  std::string mesh;                      // mesh: "0-1 0-3x2 …", which GPUs have how many links; empty: each joined to each other
  int links = 0;                         // of a GPU into the switches; only counted
  std::vector<int> radix;                // links of a scale-up switch in use, per level from the GPU up; only counted
  sim::BytesPerSecond module_bandwidth;  // of the optical modules between levels
};

struct NicSpec {
  int count = 0;                  // per host
  int ports = 1;                  // each has a cable of its own
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
  sim::BytesPerSecond module_bandwidth;  // of an optical module, which may hold several cables; zero: one each
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

// A separate network that is counted, not simulated: storage, management.
struct SideNetworkSpec {
  FabricType type = FabricType::none;  // none: there is none
  int nics = 1;                        // of a host
  int end_points = 0;                  // beside the hosts: storage servers, gateways
  std::vector<int> radix = {64};
  int tiers = 2;
  std::vector<double> oversubscription = {1};
  FabricLinkSpec link;
};

// Out of order for a time.
struct TimedFailure {
  std::string part;  // as in FabricSpec::failures
  sim::Time at;
  std::optional<sim::Time> duration;  // none: to the end
  double left = 0;                    // share of its bandwidth; above 0 it is degraded, and routes stay
  bool lasts(sim::Time t) const { return at <= t && (!duration || t - at < *duration); }
};

enum class CongestionControl : std::uint8_t { dcqcn, swift, hpcc, paced };

// What only a packet network knows. Left out: that of the transport (workloads/packet/).
struct PacketSpec {
  std::optional<sim::Bytes> mtu;      // payload of a packet; of an ideal transport its size on the wire
  std::optional<sim::Bytes> buffer;   // of a switch, shared by its ports
  std::optional<sim::Bytes> ecn_min;  // queue from which packets are marked,
  std::optional<sim::Bytes> ecn_max;  // from which all are,
  std::optional<double> ecn_share;    // and the share of them just below
  std::optional<sim::Bytes> xoff, xon;
  std::optional<bool> lossless;
  std::optional<sim::Time> flowlet_gap;
  bool skip_steady = false;  // jump over times in which rates and queues do not change
  std::optional<CongestionControl> congestion_control;
};

struct FabricSpec {
  FabricType type = FabricType::none;
  std::vector<int> radix = {64};  // ports of a switch: one value, or one per tier from the leaf up
  int tiers = 2;
  std::vector<double> oversubscription = {1};  // down : up; one value (at the leaf), or one per tier below the top
  int rails = 1;           // 1: all NICs of a host on one leaf (rail-optimized: a rail per NIC); r: NIC i on a leaf of rail i mod r
  int hosts_per_unit = 0;  // hosts that share a set of leaves; 0: as many as fit
  int planes = 1;          // separate networks: port t of NIC i, of k ports each, is in plane (i k + t) mod planes
  int tors_per_host = 0;   // leaves that the ports of a NIC go to; 0: as many as it has ports
  int parallel_links = 1;  // cables between a leaf and each of its spines; two tiers may take more, so that few spines do
  int pods = 1;            // at least; more where spines have too few ports
  std::vector<int> dims;   // torus
  FabricLinkSpec link;     // of the lowest tier, and of those above that `upper_links` does not give
  std::vector<FabricLinkSpec> upper_links;
  sim::Time switch_latency;
  Routing routing = Routing::adaptive;
  HashSpec hash;
  Transport transport = Transport::infiniband;
  PacketSpec packet;
  std::vector<std::string> failures;  // "leaf-0", "spine-3:leaf-1": out of order for the whole run
  std::vector<TimedFailure> timed_failures;
  bool pxn = false;  // to another rail by the NIC of the GPU of that rail
  SideNetworkSpec storage, management;
  std::string links;                   // type file: the path,
  std::vector<std::string> link_rows;  // or the rows themselves, "h0,leaf-0,400,300": from, to, gbps, latency_ns
  LinkFile link_file;                  // type file: its contents

  std::vector<sim::Time> changes() const;                   // when a timed failure begins or ends, ascending
  std::vector<std::string> failures_at(sim::Time t) const;  // all that is out of order then
  int levels() const { return type == FabricType::three_tier ? 3 : tiers; }
  const FabricLinkSpec& link_of(int tier) const {  // 0: host to leaf
    return tier == 0 || upper_links.empty() ? link : upper_links[std::min<std::size_t>(tier, upper_links.size()) - 1];
  }
};

// The building: what it costs to cool, and the parts list that counts are priced by.
struct SiteSpec {
  std::string cooling = "air";  // a name in the parts table
  double pue = 0;               // 0: that of the cooling
  std::string parts;            // the path; empty: the shipped table
  PartsTable table;             // its contents
};

// Hosts of another generation.
struct HostGroup {
  int count = 0;
  std::string accelerator;  // empty: that of the cluster
  HostSpec host;            // of as many GPUs and NICs
};

struct ClusterSpec {
  int gpus = 0;
  std::string accelerator;  // a shipped device profile, or the path of one
  HostSpec host;
  std::vector<HostGroup> groups;  // the first hosts, in this order; the others are `host`
  FabricSpec fabric;
  SiteSpec site;
  int hosts() const { return (gpus + host.gpus_per_host - 1) / host.gpus_per_host; }
  // Of a fabric of type file: its end points are the GPUs themselves; else they are the NICs of hosts.
  bool ends_are_gpus() const { return host.gpus_per_host == 1 && host.scale_up.kind == ScaleUpKind::none; }
  const HostSpec& host_spec(int number) const;
  const std::string& accelerator_of(int host) const;
};

// Everything about a spec that is wrong whatever the wiring, "where: what. What to do." each; empty: none.
// Whether the wiring then comes out (ports, counts) is found by Fabric, one problem at a time.
std::vector<std::string> problems(const ClusterSpec& spec);

}  // namespace topology

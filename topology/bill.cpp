#include "topology/bill.hpp"
#include <algorithm>
#include <span>
#include "topology/fabric_impl.hpp"

namespace topology {
namespace {

using Figure = std::optional<double>;

Figure operator*(double number, const Figure& each) {
  if (number == 0) return 0;
  return each ? Figure(number * *each) : Figure();
}
Figure operator+(const Figure& a, const Figure& b) { return a && b ? Figure(*a + *b) : Figure(); }
Figure operator-(const Figure& a, const Figure& b) { return a && b ? Figure(*a - *b) : Figure(); }

PartFigures operator+(const PartFigures& a, const PartFigures& b) { return {a.power_w + b.power_w, a.price_usd + b.price_usd}; }
PartFigures operator*(double number, const PartFigures& each) { return {number * each.power_w, number * each.price_usd}; }

constexpr PartFigures nothing{0, 0};

PartFigures named(const std::vector<NamedPart>& parts, std::string_view name) {
  const auto found = std::find_if(parts.begin(), parts.end(), [&](const NamedPart& p) { return p.name == name; });
  return found == parts.end() ? PartFigures{} : found->figures;
}

PartFigures switch_of(const PartsTable& parts, sim::BytesPerSecond capacity) {
  const SwitchPart* smallest = nullptr;
  for (const SwitchPart& part : parts.switches)
    if (part.capacity.value() >= capacity.value() * (1 - 1e-9) && (!smallest || part.capacity < smallest->capacity)) smallest = &part;
  return smallest ? smallest->figures : PartFigures{};
}

PartFigures module_of(const PartsTable& parts, Optics optics, sim::BytesPerSecond bandwidth) {
  for (const ModulePart& part : parts.modules)
    if (part.optics == optics && part.bandwidth == bandwidth) return part.figures;
  return {};
}

Figure fibre_of(const PartsTable& parts, sim::BytesPerSecond bandwidth) {
  for (const CablePart& part : parts.fibres)
    if (part.bandwidth == bandwidth) return part.price_usd;
  return {};
}

struct NetworkBill {
  PartFigures switches = nothing, optics = nothing;
  Figure cables = 0;
};

// Copper is priced by its two ends, fibre by the cable.
void add_cables(const PartsTable& parts, int cables, const FabricLinkSpec& link, NetworkBill& bill) {
  const auto module = link.module_bandwidth.value() > 0 ? link.module_bandwidth : link.bandwidth;
  const double ends = 2 * cables * (link.bandwidth.value() / module.value());
  const PartFigures figures = ends * module_of(parts, link.optics, module);
  if (link.optics == Optics::dac) {
    bill.optics.power_w = bill.optics.power_w + figures.power_w;
    bill.cables = bill.cables + figures.price_usd;
  } else {
    bill.optics = bill.optics + figures;
    bill.cables = bill.cables + cables * fibre_of(parts, link.bandwidth);
  }
}

NetworkBill bill_of(const PartsTable& parts, const NetworkCounts& counts, const FabricSpec& spec) {
  NetworkBill bill;
  if (spec.type == FabricType::none) return bill;
  if (spec.type == FabricType::file) return {{}, {}, {}};  // says nothing of parts
  const auto radix = [&](std::size_t tier) { return spec.radix[std::min(tier, spec.radix.size() - 1)]; };
  const std::array<int, 3> switches = {counts.switches.leaf, counts.switches.spine, counts.switches.core};
  const std::array<int, 3> cables = {counts.cables.host_leaf, counts.cables.leaf_spine + counts.cables.peer,
                                     counts.cables.spine_core + counts.cables.global};
  for (int tier = 0; tier < 3; ++tier) {
    const auto& link = spec.link_of(tier);
    bill.switches = bill.switches + switches[tier] * switch_of(parts, link.bandwidth * radix(tier));
    add_cables(parts, cables[tier], link, bill);
  }
  return bill;
}

// Links are copper to the first level; between levels they are modules of `module_bandwidth`.
NetworkBill scale_up_bill(const PartsTable& parts, const Counts& counts, const ClusterSpec& spec) {
  NetworkBill bill;
  if (counts.switches.scale_up == 0) return bill;
  bill.switches = counts.switches.scale_up * named(parts.scale_up_switches, spec.host.preset);
  const ScaleUpSpec& scale_up = spec.host.scale_up;
  if (scale_up.radix.size() > 1 && scale_up.module_bandwidth.value() > 0) {
    const int levels = static_cast<int>(scale_up.radix.size());
    add_cables(parts, counts.cables.scale_up / levels * (levels - 1),
               {scale_up.bandwidth / scale_up.links, {}, Optics::dsp, scale_up.module_bandwidth}, bill);
  }
  return bill;
}

NetworkBill operator+(const NetworkBill& a, const NetworkBill& b) {
  return {a.switches + b.switches, a.optics + b.optics, a.cables + b.cables};
}

}  // namespace

Bill bill(const Fabric& fabric) {
  const ClusterSpec& spec = fabric.impl().spec;
  const PartsTable& parts = spec.site.table;
  Bill result{count(fabric), {}, {}};
  NetworkBill network = bill_of(parts, result, spec.fabric) + scale_up_bill(parts, result, spec);
  if (result.storage) network = network + bill_of(parts, *result.storage, cluster_of(spec.fabric.storage, result.hosts).fabric);
  if (result.management) network = network + bill_of(parts, *result.management, cluster_of(spec.fabric.management, result.hosts).fabric);

  Power& power = result.power_w;
  Price& price = result.price_usd;
  power.gpus = power.hosts = price.hosts = 0;
  int others = result.hosts, other_gpus = result.gpus;  // that are in no group
  const auto add_hosts = [&](int hosts, int gpus, const HostSpec& host, const std::string& accelerator) {
    const PartFigures figures = named(parts.hosts, host.preset);
    const Figure gpu = named(parts.gpus, accelerator).power_w;
    power.gpus = power.gpus + gpus * gpu;
    power.hosts = power.hosts + hosts * (figures.power_w - host.gpus_per_host * gpu);
    price.hosts = price.hosts + hosts * figures.price_usd;
    others -= hosts, other_gpus -= gpus;
  };
  for (const HostGroup& group : spec.groups)
    add_hosts(group.count, group.count * group.host.gpus_per_host, group.host,
              group.accelerator.empty() ? spec.accelerator : group.accelerator);
  add_hosts(others, other_gpus, spec.host, spec.accelerator);
  power.switches = network.switches.power_w;
  power.optics = network.optics.power_w;
  const Figure equipment = power.gpus + power.hosts + power.switches + power.optics;
  const auto cooling =
      std::find_if(parts.cooling.begin(), parts.cooling.end(), [&](const CoolingPart& c) { return c.name == spec.site.cooling; });
  const bool known = cooling != parts.cooling.end();
  const Figure pue = spec.site.pue > 0 ? Figure(spec.site.pue) : known ? Figure(cooling->pue) : Figure();
  if (equipment && pue) power.cooling = (*pue - 1) * *equipment;
  power.total = equipment + power.cooling;

  price.switches = network.switches.price_usd;
  price.optics = network.optics.price_usd;
  price.cables = network.cables;
  price.total = price.hosts + price.switches + price.optics + price.cables;
  if (equipment && known) price.building = *equipment / 1000 * cooling->building_usd_per_kw;
  return result;
}

}  // namespace topology

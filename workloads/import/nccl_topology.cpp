#include "workloads/import/nccl_topology.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include "sim/error.hpp"
#include "workloads/import/xml_tree.hpp"
#include "workloads/quantity.hpp"
#include "workloads/scenario_presets.hpp"

namespace workloads {
namespace {

// As seen in published dumps of NCCL and RCCL. Of these, what is not read below says how devices are found or used, not what
// the host can carry.
const std::map<std::string, std::set<std::string>> known_attributes = {
    {"system", {"version"}},
    {"cpu", {"numaid", "affinity", "arch", "vendor", "familyid", "modelid", "host_hash"}},
    {"pci", {"busid", "class", "vendor", "device", "subsystem_vendor", "subsystem_device", "link_speed", "link_width"}},
    {"gpu", {"dev", "sm", "rank", "gdr", "gcn", "arch"}},
    {"nvlink", {"target", "count", "tclass"}},
    {"c2c", {"bw", "count"}},
    {"pcilink", {"target"}},
    {"nic", {}},
    {"net", {"name", "dev", "speed", "port", "latency", "guid", "maxconn", "gdr", "coll", "keep", "net", "gin"}}};

struct Gpu {
  std::string bus, host;
  int sm = 0, line = 0;
  double pcie_Bps = 0;               // zero: not in the file
  std::map<std::string, int> links;  // NVLinks by bus of the GPU at the other end
  int switch_links = 0;
};

struct Nic {
  std::string name, host;
  double Bps = 0, latency_us = 0;
  int ports = 0;
};

// A row of one of the two tables of rates, by its first column.
std::vector<std::string> row_of(std::string_view table, double key) {
  const std::string text(embedded_text(table).value());
  std::vector<std::string> best;
  for (std::size_t at = text.find('\n') + 1; at < text.size(); at = text.find('\n', at) + 1) {
    std::vector<std::string> fields;
    for (std::size_t begin = at; fields.size() < 3; begin = text.find(',', begin) + 1)
      fields.push_back(text.substr(begin, text.find_first_of(",\n", begin) - begin));
    if (parse_number(fields[0]).value() <= key) best = fields;
  }
  return best;
}

double nvlink_Bps(int sm) {
  const auto row = row_of("import/nvlink.csv", sm);
  return row.empty() ? 0 : parse_number(row[1]).value() * 1e9;
}

class Translation {
 public:
  Translation(std::string path, std::string base) : path_(std::move(path)), base_(std::move(base)) {}

  ImportedPart translate() {
    const XmlElement root = read_xml(path_);
    if (root.name != "system") bad(root.line, fmt::format("<{}> is no topology of NCCL. Give a file of NCCL_TOPO_DUMP_FILE.", root.name));
    throw_if_any();
    walk(root, {});
    if (gpus_.empty()) bad(root.line, "there is no GPU. Dump it from a job that uses all GPUs of the host.");
    throw_if_any();
    check_hosts(root.line);
    result_.yaml = fmt::format("# From {}, as NCCL saw it.\n", path_);
    if (!base_.empty()) result_.yaml += fmt::format("preset: {}\n", base_);
    result_.yaml += fmt::format("gpus_per_host: {}\n", static_cast<int>(gpus_.size()) / hosts_);
    write_scale_up();
    write_nics();
    write_pcie();
    name_the_rest();
    throw_if_any();
    return std::move(result_);
  }

 private:
  struct Around {  // an element
    std::string host, bus;
    double pcie_Bps = 0;
    int pcis = 0;
  };

  void bad(int line, std::string_view what) { problems_.push_back(fmt::format("{}:{}: {}", path_, line, what)); }
  void throw_if_any() {
    if (!problems_.empty()) throw sim::InputError(problems_);
  }
  void leave_out(std::string what) { result_.left_out.push_back(std::move(what)); }

  static std::string attribute(const XmlElement& element, const std::string& name) {
    const auto found = element.attributes.find(name);
    return found == element.attributes.end() ? "" : found->second;
  }
  int whole(const XmlElement& element, const std::string& name, int most) {
    const std::string text = attribute(element, name);
    const auto value = parse_integer(text);
    if (value && *value >= 0 && *value <= most) return static_cast<int>(*value);
    bad(element.line,
        fmt::format("{}: {}=\"{}\" is no whole number up to {}. Is the file as NCCL wrote it?", element.name, name, text, most));
    return 0;
  }

  void walk(const XmlElement& element, Around around) {
    const auto known = known_attributes.find(element.name);
    if (known == known_attributes.end())
      return leave_out(fmt::format("<{}> (line {}), which is not known here", element.name, element.line));
    for (const auto& [name, value] : element.attributes)
      if (!known->second.contains(name)) unknown_attributes_.insert(fmt::format("{} of <{}>", name, element.name));
    if (element.name == "cpu") {
      around.host = attribute(element, "host_hash");
      ++cpus_;
    } else if (element.name == "pci") {
      around.bus = attribute(element, "busid");
      around.pcie_Bps = pcie_Bps(element);
      pci_switches_ += attribute(element, "class").starts_with("0x0604");
    } else if (element.name == "gpu") {
      return read_gpu(element, around);
    } else if (element.name == "nic") {
      nics_.push_back({.name = {}, .host = around.host});
    } else if (element.name == "net") {
      return read_net(element, around);
    }
    for (const XmlElement& child : element.children) walk(child, around);
  }

  // "32.0 GT/s PCIe" and "16"; in a virtual machine the text may be empty. Zero: not known.
  double pcie_Bps(const XmlElement& pci) {
    const std::string text = attribute(pci, "link_speed");
    const auto speed = parse_number(text.substr(0, text.find(' ')));
    const auto width = parse_integer(attribute(pci, "link_width"));
    if (!speed || !width || *width < 1 || *width > 32 || *speed > 1000) return 0;
    const auto row = row_of("import/pcie.csv", *speed);
    return row.empty() ? 0 : *speed * 1e9 / 8 * static_cast<double>(*width) * parse_number(row[1]).value() * parse_number(row[2]).value();
  }

  void read_gpu(const XmlElement& element, const Around& around) {
    Gpu gpu{.bus = around.bus,
            .host = around.host,
            .sm = whole(element, "sm", 1000),
            .line = element.line,
            .pcie_Bps = around.pcie_Bps,
            .links = {}};
    if (nvlink_Bps(gpu.sm) == 0)
      bad(element.line, fmt::format("gpu: sm=\"{}\" is older than NVLink (60). Describe the host by hand.", gpu.sm));
    for (const XmlElement& link : element.children) {
      if (link.name != "nvlink") {
        leave_out(link.name == "c2c" ? fmt::format("the NVLink-C2C of the GPU at {} to its CPU", gpu.bus)
                                     : fmt::format("<{}> (line {}), which is not known here", link.name, link.line));
        continue;
      }
      const int count = whole(link, "count", 1024);
      const std::string other = attribute(link, "tclass");
      if (other == "0x068000")
        gpu.switch_links += count;
      else if (other.empty() || other.starts_with("0x03"))
        gpu.links[attribute(link, "target")] += count;
      else
        leave_out(fmt::format("{} NVLinks of the GPU at {} to what is neither a GPU nor an NVSwitch (class {})", count, gpu.bus, other));
    }
    gpus_.push_back(std::move(gpu));
  }

  void read_net(const XmlElement& element, const Around& around) {
    if (nics_.empty() || nics_.back().host != around.host)
      return bad(element.line, "a <net> is in no <nic>. Is the file as NCCL wrote it?");
    Nic& nic = nics_.back();
    if (nic.name.empty()) nic.name = attribute(element, "name");
    nic.Bps += whole(element, "speed", 100'000'000) * 1e6 / 8;
    nic.latency_us = std::max(nic.latency_us, parse_number(attribute(element, "latency")).value_or(0));
    ++nic.ports;
  }

  void check_hosts(int line) {
    std::map<std::string, int> gpus;
    for (const Gpu& gpu : gpus_) ++gpus[gpu.host];
    hosts_ = static_cast<int>(gpus.size());
    for (const auto& [host, count] : gpus)
      if (count != gpus.begin()->second)
        return bad(line, fmt::format("host {} has {} GPUs and host {} {}; they must be alike. Dump one host alone.", gpus.begin()->first,
                                     gpus.begin()->second, host, count));
    for (const Gpu& gpu : gpus_) {
      if (gpu.sm != gpus_[0].sm)
        bad(gpu.line, fmt::format("gpu: sm=\"{}\" beside {}; GPUs of a host must be alike. Dump those of one kind.", gpu.sm, gpus_[0].sm));
      if (gpu.switch_links != gpus_[0].switch_links)
        bad(gpu.line, fmt::format("gpu: {} NVLinks into the switch beside {} of the first GPU. Is a link down?", gpu.switch_links,
                                  gpus_[0].switch_links));
    }
    throw_if_any();
  }

  void write_scale_up() {
    const double per_link = nvlink_Bps(gpus_[0].sm);
    int most = gpus_[0].switch_links, meshed = 0;
    for (const Gpu& gpu : gpus_) {
      int links = 0;
      for (const auto& [target, count] : gpu.links) links += count;
      meshed = std::max(meshed, links);
    }
    result_.yaml += "scale_up:\n";
    if (most > 0) {
      write_scale_up("nvswitch", per_link * most, fmt::format("{} links x {:g} GB/s a direction", most, per_link / 1e9));
      if (meshed > 0) leave_out("NVLinks from GPU to GPU, beside those into the NVSwitch");
    } else if (meshed > 0) {
      write_scale_up("mesh", per_link * meshed, fmt::format("{} links x {:g} GB/s a direction", meshed, per_link / 1e9));
      result_.yaml += fmt::format("  mesh: \"{}\"\n", mesh());
    } else {
      if (slowest_pcie() == 0 && base_.empty())
        leave_out("no bandwidth between GPUs: there is neither NVLink nor a PCIe speed. Write scale_up.bandwidth yourself");
      write_scale_up("pcie", slowest_pcie(), "no NVLink: PCIe, about 80 % of which reaches memory");
    }
  }
  void write_scale_up(const char* kind, double Bps, const std::string& why) {
    result_.yaml += fmt::format("  kind: {}\n  domain: {}\n", kind, gpus_.size());
    if (Bps > 0) result_.yaml += fmt::format("  bandwidth: {}  # {}\n", in_quotes(to_text(sim::BytesPerSecond{Bps})), why);
  }

  // "0-1x2 0-3": GPUs in the order of the file.
  std::string mesh() {
    std::map<std::string, std::size_t> number;
    for (std::size_t i = 0; i < gpus_.size(); ++i) number[gpus_[i].bus] = i;
    std::string text;
    for (std::size_t i = 0; i < gpus_.size(); ++i) {
      std::map<std::size_t, int> peers;
      for (const auto& [target, count] : gpus_[i].links) {
        const auto peer = number.find(target);
        if (peer == number.end())
          leave_out(fmt::format("{} NVLinks of the GPU at {} to {}, which is not in the file", count, gpus_[i].bus, target));
        else
          peers[peer->second] += count;
      }
      for (const auto& [peer, count] : peers) {
        if (const auto back = gpus_[peer].links.find(gpus_[i].bus); back == gpus_[peer].links.end() || back->second != count)
          bad(gpus_[i].line,
              fmt::format("gpu: {} NVLinks to {}, which does not say the same. Is the file as NCCL wrote it?", count, gpus_[peer].bus));
        if (i < peer) text += fmt::format("{}{}-{}{}", text.empty() ? "" : " ", i, peer, count > 1 ? fmt::format("x{}", count) : "");
      }
    }
    return text;
  }

  // NICs of the highest rate are those that NCCL uses; others serve storage and management.
  void write_nics() {
    std::erase_if(nics_, [](const Nic& nic) { return nic.ports == 0; });
    const auto fastest = std::max_element(nics_.begin(), nics_.end(), [](const Nic& a, const Nic& b) { return a.Bps < b.Bps; });
    int count = 0;
    for (const Nic& nic : nics_) {
      if (nic.Bps == fastest->Bps && nic.ports == fastest->ports)
        ++count;
      else
        leave_out(fmt::format("the NIC {} of {}: slower than the others, or with other ports", nic.name,
                              to_text(sim::BytesPerSecond{nic.Bps}, BandwidthUnit::bits)));
    }
    result_.yaml += fmt::format("nics:\n  count: {}\n", count / hosts_);
    if (count == 0) return leave_out("no NIC: the job that dumped it used none");
    if (count % hosts_ != 0) bad(1, "the hosts differ in their NICs; they must be alike. Dump one host alone.");
    if (fastest->ports > 1) result_.yaml += fmt::format("  ports: {}\n", fastest->ports);
    result_.yaml += fmt::format("  bandwidth: {}\n", in_quotes(to_text(sim::BytesPerSecond{fastest->Bps}, BandwidthUnit::bits)));
    if (fastest->latency_us > 0) {
      result_.yaml += fmt::format("  latency: \"{:g} us\"  # of the network plug-in, software included\n", fastest->latency_us);
    } else if (base_.empty()) {
      leave_out("no latency of a NIC in the file: it is zero. Write nics.latency, or give --preset");
    }
  }

  double slowest_pcie() const {
    return std::min_element(gpus_.begin(), gpus_.end(), [](const Gpu& a, const Gpu& b) { return a.pcie_Bps < b.pcie_Bps; })->pcie_Bps;
  }
  void write_pcie() {
    if (const double Bps = slowest_pcie(); Bps > 0)
      result_.yaml += fmt::format("pcie:\n  bandwidth: {}  # of the slowest GPU's link\n",
                                  in_quotes(to_text(sim::BytesPerSecond{std::round(Bps / 1e7) * 1e7})));
    else if (base_.empty())
      leave_out(
          "no PCIe speed of a GPU in the file (as in a virtual machine): PCIe limits nothing. Write pcie.bandwidth, or give --preset");
  }

  void name_the_rest() {
    if (base_.empty()) leave_out("no latency between GPUs in the file: it is zero. Write scale_up.latency, or give --preset");
    if (cpus_ > hosts_ || pci_switches_ > 0)
      leave_out(fmt::format("{} NUMA nodes and {} PCIe bridges or switches: each GPU reaches its NIC by a link of its own", cpus_,
                            pci_switches_));
    for (const std::string& name : unknown_attributes_) leave_out(name + ", which is not known here");
  }

  std::string path_, base_;
  std::vector<std::string> problems_;
  std::vector<Gpu> gpus_;
  std::vector<Nic> nics_;
  std::set<std::string> unknown_attributes_;
  int cpus_ = 0, pci_switches_ = 0, hosts_ = 1;
  ImportedPart result_;
};

}  // namespace

ImportedPart import_nccl_topology(const std::string& path, const std::string& base) {
  if (!base.empty() && !embedded_text("hosts/" + base + ".yaml"))
    throw sim::InputError(fmt::format("unknown host preset '{}' (known: {}).{}", base, joined(embedded_names("hosts")),
                                      did_you_mean(base, embedded_names("hosts"))));
  return Translation(path, base).translate();
}

}  // namespace workloads

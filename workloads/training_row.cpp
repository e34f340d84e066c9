#include "workloads/training_row.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include "kernels/device_profile.hpp"
#include "kernels/software_profile.hpp"
#include "sim/error.hpp"
#include "workloads/model_size.hpp"
#include "workloads/quantity.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/scenario_text.hpp"
#include "workloads/training_row_tables.hpp"

namespace workloads {
namespace {

// Ends a conversion: this row cannot be expressed.
struct Inexpressible {
  std::string reason;
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool mentions(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

class Conversion {
 public:
  explicit Conversion(const RowCells& row) : row_(row) {}

  ConvertedRow convert() {
    try {
      refuse_what_is_not_modelled();
      choose_accelerator();
      choose_software();
      out_.yaml = fmt::format("schema: weftsim/1\nname: {}\n{}{}network: fluid\n", in_quotes(cell("id")), cluster(), workload());
      Scenario scenario = read_scenario_text(out_.yaml, cell("id"));
      check_parameters(scenario.jobs[0].model);
      out_.scenario = std::move(scenario);
    } catch (const Inexpressible& stop) {
      out_.reason = stop.reason;
    } catch (const sim::InputError& error) {
      out_.reason = joined(error.problems(), " ");
    }
    return std::move(out_);
  }

 private:
  std::string cell(std::string_view column) const { return row_(column); }
  void flag(std::string text) { out_.flags.push_back(std::move(text)); }

  std::int64_t number(std::string_view column) const {
    const auto value = integer_in(column);
    if (!value) throw Inexpressible{fmt::format("{} is not stated ('{}').", column, cell(column))};
    return *value;
  }
  std::int64_t number(std::string_view column, std::int64_t otherwise) const { return cell(column).empty() ? otherwise : number(column); }
  // Tables print 8, 8.0 and nothing.
  std::optional<std::int64_t> integer_in(std::string_view column) const {
    const auto value = parse_number(cell(column));
    if (!value || *value != std::floor(*value) || std::abs(*value) > 1e15) return {};
    return static_cast<std::int64_t>(*value);
  }

  void refuse_what_is_not_modelled() const {
    if (!cell("moe_experts").empty() && cell("moe_experts") != "0") throw Inexpressible{"mixtures of experts are not supported yet."};
    if (number("ep", 1) != 1) throw Inexpressible{fmt::format("ep {} is not supported yet.", cell("ep"))};
  }

  void choose_accelerator() {
    const std::string gpu = cell("gpu_type");
    accelerator_ = accelerator_of_gpu_type(gpu);
    if (!accelerator_) throw Inexpressible{fmt::format("unknown accelerator '{}'.", gpu)};
    require_shipped("device", std::string(accelerator_->profile), kernels::shipped_device_profiles());
  }
  void choose_software() {
    const std::string framework = cell("framework");
    software_ = software_of_framework(framework, static_cast<int>(number("year", 0)), cell("model"));
    if (software_.empty()) throw Inexpressible{fmt::format("framework '{}' is not in our table of software profiles.", framework)};
    require_shipped("software", software_, kernels::shipped_software_profiles());
  }
  static void require_shipped(std::string_view kind, const std::string& name, const std::vector<std::string>& shipped) {
    if (std::find(shipped.begin(), shipped.end(), name) == shipped.end())
      throw Inexpressible{fmt::format("no {} profile '{}' yet.", kind, name)};
  }

  std::string cluster() {
    const std::int64_t gpus = number("n_gpus");
    const std::int64_t per_host = number("gpus_per_node", 8);
    if (per_host < 1) throw Inexpressible{fmt::format("gpus_per_node is {}.", per_host)};
    const bool one_host = gpus <= per_host;
    const std::string network = cell("network");
    // NVL72: the hosts of a rack are one NVLink domain, which must be whole hosts.
    const std::int64_t domain = mentions(lower(network), "nvl72") ? std::max<std::int64_t>(1, 72 / per_host) * per_host : per_host;
    std::string host = fmt::format("preset: {}, gpus_per_host: {}, scale_up: {{domain: {}}}", accelerator_->host_preset, per_host, domain);
    std::optional<HostNics> nics = nics_of_network(network, accelerator_->nic_gigabits);
    if (nics) {
      host += fmt::format(", nics: {{count: {}, bandwidth: \"{} Gb/s\"}}", nics->count, to_text(nics->gigabits));
    } else {
      if (!one_host) flag(fmt::format("NICs not stated: those of {}", accelerator_->host_preset));
      nics = HostNics{accelerator_->nics, accelerator_->nic_gigabits};
    }
    const std::string fabric = one_host ? "{type: none}" : fabric_for((gpus + per_host - 1) / per_host, *nics);
    return fmt::format("cluster:\n  gpus: {}\n  accelerator: {}\n  host: {{{}}}\n  fabric: {}\n", gpus, accelerator_->profile, host,
                       fabric);
  }

  // Non-blocking and rail-optimised, with the switches of the NICs' generation: EDR 36 ports, HDR 40, NDR and later 64.
  // Two tiers join radix^2 / 2 ports, three tiers radix^3 / 4.
  static std::string fabric_for(std::int64_t hosts, const HostNics& nics) {
    const std::int64_t radix = nics.gigabits >= 400 ? 64 : nics.gigabits >= 200 ? 40 : 36;
    const std::int64_t ports = hosts * nics.count;
    if (ports > radix * radix * radix / 4)
      throw Inexpressible{fmt::format("{} NICs are more than three tiers of {}-port switches join.", ports, radix)};
    return fmt::format(
        "{{type: fat-tree, radix: {}, tiers: {}, rails: {}, oversubscription: 1, link: {{bandwidth: \"{} Gb/s\", latency: \"300 ns\"}}, "
        "switch_latency: \"130 ns\", routing: adaptive}}",
        radix, ports <= radix * radix / 2 ? 2 : 3, nics.count, to_text(nics.gigabits));
  }

  std::string workload() {
    return fmt::format(
        "workload:\n  model: {}\n  parallel: {}\n  schedule: {}\n  micro_batch: {}\n  global_batch: {}\n{}  recompute: {}\n"
        "  optimizer: adam\n  software: {}\n",
        model(), parallel(), number("virtual_stages", 1) > 1 ? "interleaved" : "1f1b", number("micro_batch"), number("global_batch"),
        precision(), recompute(), software_);
  }

  std::string model() {
    if (cell("vocab").empty()) flag("vocab not stated: 51200");
    if (cell("ffn_hidden").empty()) flag("ffn_hidden not stated: 4 x hidden");
    return fmt::format("{{name: {}, layers: {}, hidden: {}, heads: {}, kv_heads: {}, ffn_hidden: {}, vocab: {}, seq_len: {}, {}}}",
                       in_quotes(cell("model")), number("layers"), number("hidden"), number("heads"), number("kv_heads", number("heads")),
                       number("ffn_hidden", 4 * number("hidden")), number("vocab", 51200), number("seq_len"),
                       model_keys_of_name(cell("model"), software_));
  }

  std::string parallel() {
    const std::int64_t tp = number("tp", 1), pp = number("pp", 1), stages = std::max<std::int64_t>(1, number("virtual_stages", 1));
    const bool even = pp > 0 && number("layers") % (pp * stages) == 0;
    const std::string dp = cell("dp").empty() ? "" : fmt::format("dp: {}, ", number("dp"));
    const std::int64_t cp = number("cp", 1);
    const std::string context = cp > 1 ? fmt::format("cp: {}, ", cp) : "";
    return fmt::format("{{tp: {}, pp: {}, {}{}virtual_stages: {}, sequence_parallel: {}, zero: {}, layers_per_stage: {}}}", tp, pp, context,
                       dp, stages, sequence_parallel(tp) ? "true" : "false", zero(), even ? "even" : "balanced");
  }
  // "1", "3 (Megatron-FSDP)".
  std::string zero() const {
    const std::string stated = cell("zero_stage");
    if (stated.empty()) return "0";
    const bool followed = stated.size() > 1 && stated[1] != ' ' && stated[1] != '.';
    if (stated[0] < '0' || stated[0] > '3' || followed) throw Inexpressible{fmt::format("zero_stage '{}' is not supported.", stated)};
    return stated.substr(0, 1);
  }
  bool sequence_parallel(std::int64_t tp) {
    const std::string stated = lower(cell("sequence_parallel"));
    if (!stated.empty()) return tp > 1 && (stated == "true" || stated == "1");
    const bool on = tp > 1 && runs_megatron_core(software_);
    if (on) flag("sequence_parallel not stated: on");
    return on;
  }

  // "FP8-CS" and "FP8-MX" name the scaling too.
  std::string precision() const {
    const std::string stated = lower(cell("precision"));
    for (const char* known : {"fp32", "tf32", "fp16", "bf16", "fp8", "mxfp8", "nvfp4"})
      if (stated == known) return fmt::format("  precision: {}\n", known);
    if (stated == "fp8-cs") return "  precision: fp8\n  fp8_recipe: current\n";
    if (stated == "fp8-mx") return "  precision: mxfp8\n";
    throw Inexpressible{fmt::format("precision '{}' is not supported yet.", cell("precision"))};
  }
  std::string recompute() {
    const std::string stated = cell("recompute");
    if (stated == "full" || stated == "none" || stated == "selective") return stated;
    if (!stated.empty()) throw Inexpressible{fmt::format("recompute '{}' is not supported yet.", stated)};
    flag("recompute not stated: none, as the framework does unless told");
    return "none";
  }

  void check_parameters(const ModelSpec& m) {
    const auto stated = parse_number(cell("params_B"));
    if (!stated || *stated <= 0) return;
    const double count = total_parameters(m) / 1e9;
    if (std::abs(count / *stated - 1) > 0.1)
      flag(fmt::format("{:.1f} billion parameters by these keys, {} stated", count, to_text(*stated)));
  }

  const RowCells& row_;
  ConvertedRow out_;
  const TableAccelerator* accelerator_ = nullptr;
  std::string software_;
};

}  // namespace

ConvertedRow scenario_of_training_row(const RowCells& row) { return Conversion(row).convert(); }

}  // namespace workloads

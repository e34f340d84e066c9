#include "workloads/training_row.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <regex>
#include <utility>
#include "kernels/device_profile.hpp"
#include "kernels/software_profile.hpp"
#include "sim/error.hpp"
#include "workloads/quantity.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/scenario_text.hpp"

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

// What a GPU name of the tables stands for.
struct Accelerator {
  std::string_view gpu_type, profile, host_preset;
  double nic_gigabits;  // of the hosts it is usually sold in
  int nics = 8;
};
constexpr Accelerator accelerators[] = {
    {"A100_SXM4_40GB", "a100-sxm-40g", "dgx-a100", 200}, {"A100_SXM4_80GB", "a100-sxm-80g", "dgx-a100", 200},
    {"A100_SXM4", "a100-sxm-80g", "dgx-a100", 200},      {"H100_SXM5_80GB", "h100-sxm", "dgx-h100", 400},
    {"H100_SXM5", "h100-sxm", "dgx-h100", 400},          {"H200_SXM", "h200-sxm", "dgx-h200", 400},
    {"H200_SXM5_141GB", "h200-sxm", "dgx-h200", 400},    {"B200_SXM", "b200-sxm", "dgx-b200", 400},
    {"B300_SXM", "b300-sxm", "dgx-b300", 800},           {"GB200", "gb200", "gb200-nvl72", 400, 4},
    {"GB300", "gb300", "gb300-nvl72", 800, 4},           {"V100_SXM2_16GB", "v100-sxm2-16g", "dgx-1", 100},
    {"V100_SXM2_32GB", "v100-sxm2-32g", "dgx-1", 100},   {"V100_SXM3_32GB", "v100-sxm3-32g", "dgx-2", 100}};

// Frameworks by a part of their name; the first that fits. "Megatron-LM" alone changed with Megatron-Core in 2023.
struct Framework {
  std::string_view part, software;
};
constexpr Framework frameworks[] = {{"megatron-lm + te", "megatron-core"},
                                    {"megatron-core", "megatron-core"},
                                    {"megatron-bridge", "megatron-core"},
                                    {"nemo", "megatron-core"},
                                    {"deepspeed", "megatron-deepspeed"},
                                    {"torchtitan", "torchtitan"},
                                    {"fsdp", "fsdp"},
                                    {"libai", "libai"},
                                    {"tensorflow", "tensorflow-horovod"},
                                    {"ddp", "pytorch-ddp"}};

// What the model's name says about its layers.
struct Family {
  bool gated_mlp = false, rms_norm = false, linear_bias = true, learned_positions = true, tied_embeddings = true;
};

Family family_of(const std::string& model) {
  for (const char* part : {"llama", "mistral", "mixtral", "qwen", "deepseek", "gemma", "gpt-oss", "kimi", "grok", "yi-", "palm"}) {
    if (mentions(model, part))
      return {.gated_mlp = true, .rms_norm = true, .linear_bias = false, .learned_positions = false, .tied_embeddings = false};
  }
  if (mentions(model, "nemotron")) return {.linear_bias = false, .learned_positions = false, .tied_embeddings = false};
  if (mentions(model, "mpt")) return {.linear_bias = false};
  return {};
}

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
    const std::string model = lower(cell("model"));
    if (!cell("moe_experts").empty() && cell("moe_experts") != "0") throw Inexpressible{"mixtures of experts are not supported yet."};
    if (mentions(model, "bert")) throw Inexpressible{"BERT (an encoder with masked heads) is not supported yet."};
    for (const char* column : {"cp", "ep"}) {
      if (number(column, 1) != 1) throw Inexpressible{fmt::format("{} {} is not supported yet.", column, cell(column))};
    }
    if (const std::string zero = cell("zero_stage"); !zero.empty() && zero != "0")
      throw Inexpressible{fmt::format("ZeRO stage {} is not supported yet.", zero)};
    if (cell("recompute") == "selective") throw Inexpressible{"selective recomputation is not supported yet."};
  }

  void choose_accelerator() {
    const std::string gpu = cell("gpu_type");
    for (const Accelerator& known : accelerators) {
      if (known.gpu_type == gpu) accelerator_ = &known;
    }
    if (!accelerator_) throw Inexpressible{fmt::format("unknown accelerator '{}'.", gpu)};
    require_shipped("device", std::string(accelerator_->profile), kernels::shipped_device_profiles());
  }
  void choose_software() {
    const std::string framework = cell("framework");
    software_ = software_of_framework(framework, static_cast<int>(number("year", 0)));
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
        "workload:\n  model: {}\n  parallel: {}\n  schedule: {}\n  micro_batch: {}\n  global_batch: {}\n  precision: {}\n  recompute: {}\n"
        "  optimizer: adam\n  software: {}\n",
        model(), parallel(), number("virtual_stages", 1) > 1 ? "interleaved" : "1f1b", number("micro_batch"), number("global_batch"),
        precision(), recompute(), software_);
  }

  std::string model() {
    const Family family = family_of(lower(cell("model")));
    if (cell("vocab").empty()) flag("vocab not stated: 51200");
    if (cell("ffn_hidden").empty()) flag("ffn_hidden not stated: 4 x hidden");
    const auto yes = [](bool value) { return value ? "true" : "false"; };
    return fmt::format(
        "{{name: {}, layers: {}, hidden: {}, heads: {}, kv_heads: {}, ffn_hidden: {}, gated_mlp: {}, vocab: {}, seq_len: {}, "
        "tied_embeddings: {}, rms_norm: {}, linear_bias: {}, learned_positions: {}}}",
        in_quotes(cell("model")), number("layers"), number("hidden"), number("heads"), number("kv_heads", number("heads")),
        number("ffn_hidden", 4 * number("hidden")), yes(family.gated_mlp), number("vocab", 51200), number("seq_len"),
        yes(family.tied_embeddings), yes(family.rms_norm), yes(family.linear_bias), yes(family.learned_positions));
  }

  std::string parallel() {
    const std::int64_t tp = number("tp", 1), pp = number("pp", 1), stages = std::max<std::int64_t>(1, number("virtual_stages", 1));
    const bool even = pp > 0 && number("layers") % (pp * stages) == 0;
    const std::string dp = cell("dp").empty() ? "" : fmt::format("dp: {}, ", number("dp"));
    return fmt::format("{{tp: {}, pp: {}, {}virtual_stages: {}, sequence_parallel: {}, layers_per_stage: {}}}", tp, pp, dp, stages,
                       sequence_parallel(tp) ? "true" : "false", even ? "even" : "balanced");
  }
  bool sequence_parallel(std::int64_t tp) {
    const std::string stated = lower(cell("sequence_parallel"));
    if (!stated.empty()) return tp > 1 && (stated == "true" || stated == "1");
    const bool on = tp > 1 && software_ == "megatron-core";
    if (on) flag("sequence_parallel not stated: on");
    return on;
  }

  std::string precision() const {
    const std::string stated = lower(cell("precision"));
    for (const char* known : {"fp32", "tf32", "fp16", "bf16"}) {
      if (stated == known) return stated;
    }
    throw Inexpressible{fmt::format("precision '{}' is not supported yet.", cell("precision"))};
  }
  std::string recompute() {
    const std::string stated = cell("recompute");
    if (stated == "full" || stated == "none") return stated;
    if (!stated.empty()) throw Inexpressible{fmt::format("recompute '{}' is not supported yet.", stated)};
    flag("recompute not stated: none, as the framework does unless told");
    return "none";
  }

  // Matrices and embeddings; norms and biases are below 0.1 %.
  void check_parameters(const ModelSpec& m) {
    const auto stated = parse_number(cell("params_B"));
    if (!stated || *stated <= 0) return;
    const double h = m.hidden, kv = h * m.kv_heads / m.heads;
    const double layer = 2 * h * h + 2 * h * kv + (m.gated_mlp ? 3.0 : 2.0) * h * m.ffn_hidden;
    const double count = (m.layers * layer + (m.tied_embeddings ? 1.0 : 2.0) * h * m.vocab) / 1e9;
    if (std::abs(count / *stated - 1) > 0.1)
      flag(fmt::format("{:.1f} billion parameters by these keys, {} stated", count, to_text(*stated)));
  }

  const RowCells& row_;
  ConvertedRow out_;
  const Accelerator* accelerator_ = nullptr;
  std::string software_;
};

}  // namespace

ConvertedRow scenario_of_training_row(const RowCells& row) { return Conversion(row).convert(); }

std::string software_of_framework(std::string_view framework, int year) {
  const std::string name = lower(framework);
  for (const Framework& known : frameworks) {
    if (mentions(name, known.part)) return std::string(known.software);
  }
  if (mentions(name, "megatron-lm")) return year > 2022 && !mentions(name, "(20") ? "megatron-core" : "megatron-2021";
  return {};
}

std::optional<HostNics> nics_of_network(std::string_view network, double usual_gigabits) {
  static const std::regex counted(R"((\d+)\s*[xX]\s*.*?(\d{2,4})\s*G(?!B))", std::regex::optimize);
  static const std::regex per_host(R"((\d{2,5})\s*G(?:b/s|bps|bit/s)?\s[^+|;]*per (?:node|host))", std::regex::optimize);
  std::optional<HostNics> best;
  std::string segment;
  // Lists of adapters are separated by | ; +. Those for storage and management carry no gradients.
  for (std::size_t i = 0; i <= network.size(); ++i) {
    if (i < network.size() && std::string_view("|;+").find(network[i]) == std::string_view::npos) {
      segment += network[i];
      continue;
    }
    const std::string text = std::exchange(segment, {});
    std::smatch match;
    HostNics nics;
    if (text.size() > 1000 || mentions(lower(text), "storage") || mentions(lower(text), "management")) continue;
    if (std::regex_search(text, match, counted)) {
      nics = {static_cast<int>(std::min(1024.0, *parse_number(match[1].str()))), *parse_number(match[2].str())};
    } else if (std::regex_search(text, match, per_host)) {
      const double total = *parse_number(match[1].str());
      const bool whole = total >= usual_gigabits && std::fmod(total, usual_gigabits) == 0;
      nics = whole ? HostNics{static_cast<int>(total / usual_gigabits), usual_gigabits} : HostNics{1, total};
    }
    if (nics.count > 0 && (!best || nics.count * nics.gigabits > best->count * best->gigabits)) best = nics;
  }
  return best;
}

}  // namespace workloads

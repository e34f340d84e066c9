#include "workloads/training_row_tables.hpp"
#include <algorithm>
#include <cmath>
#include <regex>
#include <utility>
#include "workloads/quantity.hpp"

namespace workloads {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool mentions(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

constexpr TableAccelerator accelerators[] = {
    {"A100_SXM4_40GB", "a100-sxm-40g", "dgx-a100", 200}, {"A100_SXM4_80GB", "a100-sxm-80g", "dgx-a100", 200},
    {"A100_SXM4", "a100-sxm-80g", "dgx-a100", 200},      {"H100_SXM5_80GB", "h100-sxm", "dgx-h100", 400},
    {"H100_SXM5", "h100-sxm", "dgx-h100", 400},          {"H200_SXM", "h200-sxm", "dgx-h200", 400},
    {"H200_SXM5_141GB", "h200-sxm", "dgx-h200", 400},    {"B200_SXM", "b200-sxm", "dgx-b200", 400},
    {"B300_SXM", "b300-sxm", "dgx-b300", 800},           {"GB200", "gb200", "gb200-nvl72", 400, 4},
    {"GB300", "gb300", "gb300-nvl72", 800, 4},           {"V100_SXM2_16GB", "v100-sxm2-16g", "dgx-1", 100},
    {"V100_SXM2_32GB", "v100-sxm2-32g", "dgx-1", 100},   {"V100_SXM3_32GB", "v100-sxm3-32g", "dgx-2", 100}};

// By a part of the framework's name; the first that fits. "Megatron-LM" alone goes by the year.
struct Framework {
  std::string_view part, software;
};
constexpr Framework frameworks[] = {
    {"megatron-bridge", "megatron-bridge"}, {"megatron-lm + te", "megatron-lm"}, {"nemo", "nemo"}, {"megatron-core", "megatron-core"},
    {"deepspeed", "megatron-deepspeed"},    {"torchtitan", "torchtitan"},        {"fsdp", "fsdp"}, {"tensorflow", "bert-nvidia"}};

struct Family {
  std::string_view part, keys;
};
// By a part of the model's name; the first that fits.
constexpr std::string_view llama_like =
    "gated_mlp: true, rms_norm: true, linear_bias: false, dropout: false, positions: rotary, tied_embeddings: false";
constexpr std::string_view plain = "tied_embeddings: true";
constexpr Family families[] = {
    {"llama", llama_like},
    {"mistral", llama_like},
    {"qwen", llama_like},
    {"gemma", llama_like},
    {"yi-", llama_like},
    {"palm", "gated_mlp: true, parallel_blocks: true, rms_norm: true, linear_bias: false, dropout: false, positions: rotary"},
    {"nemotron", "linear_bias: false, dropout: false, positions: rotary, tied_embeddings: false"},
    {"mpt", "rms_norm: true, linear_bias: false, dropout: false"},
    {"bloom", "positions: alibi, embedding_norm: true, dropout: false"},
    {"bert", "architecture: encoder, embedding_norm: true"}};

}  // namespace

const TableAccelerator* accelerator_of_gpu_type(std::string_view gpu_type) {
  for (const TableAccelerator& known : accelerators)
    if (known.gpu_type == gpu_type) return &known;
  return nullptr;
}

std::string software_of_framework(std::string_view framework, int year, std::string_view model) {
  const std::string name = lower(framework);
  if (mentions(lower(model), "mlperf") && mentions(name, "nemo")) return "mlperf-nvidia";
  for (const Framework& known : frameworks)
    if (mentions(name, known.part)) return std::string(known.software);
  if (!mentions(name, "megatron-lm")) return {};
  if (mentions(name, "2020")) return "megatron-2020";
  if (mentions(name, "(20")) return "megatron-deepspeed";  // how vTrain's tables name the years of theirs
  if (year < 2022) return "megatron-2021";
  return year == 2022 ? "megatron-2022" : "megatron-core";
}

bool runs_megatron_core(std::string_view software) {
  return software == "megatron-core" || software == "megatron-lm" || software == "nemo" || software == "megatron-bridge" ||
         software == "mlperf-nvidia";
}

std::string model_keys_of_name(std::string_view name, std::string_view software) {
  const std::string model = lower(name);
  for (const Family& family : families) {
    if (!mentions(model, family.part)) continue;
    // NVIDIA's BERT gathers the masked positions (20 of 128, 80 of 512) before the head, Megatron's projects all.
    const bool masked_only = family.part == "bert" && software == "bert-nvidia";
    return std::string(family.keys) + (masked_only ? ", predicted_positions: 0.15625" : "");
  }
  return std::string(plain);
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

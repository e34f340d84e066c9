#pragma once
#include <array>
#include <string_view>
#include <utility>
#include <vector>
#include "workloads/scenario.hpp"

// The one description of every key of a scenario: its name, its place in the specs, its limits, what it means.
// The reader and the writer (and a JSON Schema) are visitors of it, so they cannot disagree.
//
// A visitor has
//   field(key, value, Field)      a key that fills `value`: a number, text, quantity, name, list or nested spec
//   group(key, [](auto& v) {…})   nested keys that are no struct of their own
//   later(key, neutral, meaning)  a key of a later release; YAML equal to `neutral` is accepted, as it changes nothing
//   static constexpr bool writing
namespace workloads {

struct Field {
  std::string_view meaning;
  bool required = false;
  double least = -1e300, most = 1e300;  // of a number
  bool zero_is_absent = false;          // zero: not written; a zero in the text is refused
};

// The names of an enum, and those that a later release brings.
template <class Enum>
struct Names;

#define WEFTSIM_NAMES(Enum, ...) \
  template <>                    \
  struct Names<Enum> {           \
    using E = Enum;              \
    static constexpr auto known = std::to_array<std::pair<std::string_view, E>>(__VA_ARGS__);

#define WEFTSIM_LATER(...)                                                 \
  static inline const std::vector<std::string_view> later = {__VA_ARGS__}; \
  }                                                                        \
  ;

WEFTSIM_NAMES(topology::ScaleUpKind, {{"nvswitch", E::nvswitch}, {"none", E::none}})
WEFTSIM_LATER("mesh", "pcie")
WEFTSIM_NAMES(
    topology::FabricType,
    {{"fat-tree", E::fat_tree}, {"leaf-spine", E::leaf_spine}, {"rail-optimized", E::rail_optimized}, {"file", E::file}, {"none", E::none}})
WEFTSIM_LATER("three-tier", "dual-plane", "torus", "dragonfly")
WEFTSIM_NAMES(topology::Routing, {{"ecmp", E::ecmp}, {"adaptive", E::adaptive}, {"spray", E::spray}, {"static", E::static_}})
WEFTSIM_LATER()
WEFTSIM_NAMES(topology::Transport, {{"infiniband", E::infiniband}, {"roce", E::roce}, {"ideal", E::ideal}})
WEFTSIM_LATER()
WEFTSIM_NAMES(topology::Optics, {{"dsp", E::dsp}, {"lpo", E::lpo}, {"cpo", E::cpo}, {"dac", E::dac}})
WEFTSIM_LATER()
WEFTSIM_NAMES(ScheduleKind, {{"gpipe", E::gpipe}, {"1f1b", E::one_f_one_b}, {"interleaved", E::interleaved}})
WEFTSIM_LATER("pipedream", "zero-bubble-h1", "zbv", "dualpipe")
WEFTSIM_NAMES(Precision, {{"fp32", E::fp32}, {"tf32", E::tf32}, {"fp16", E::fp16}, {"bf16", E::bf16}})
WEFTSIM_LATER("fp8", "mxfp8", "nvfp4")
WEFTSIM_NAMES(Recompute, {{"none", E::none}, {"full", E::full}})
WEFTSIM_LATER("selective")
WEFTSIM_NAMES(OptimizerKind, {{"adam", E::adam}, {"sgd", E::sgd}, {"lion", E::lion}})
WEFTSIM_LATER()
WEFTSIM_NAMES(AttentionKind, {{"flash", E::flash}, {"unfused", E::unfused}})
WEFTSIM_LATER()
WEFTSIM_NAMES(Placement, {{"packed", E::packed}, {"spread", E::spread}, {"random", E::random}})
WEFTSIM_LATER()
WEFTSIM_NAMES(OnOutOfMemory, {{"warn", E::warn}, {"error", E::error}})
WEFTSIM_LATER()
#undef WEFTSIM_NAMES
#undef WEFTSIM_LATER

// Two fields of a spec that are one key of the file.
struct LayersPerStage {  // even | balanced | a list; the words are resolved once layers and stages are known
  std::vector<int>& layers_of_chunk;
};
struct PlacementOrHosts {  // packed | spread | random | a list of hosts
  Placement& placement;
  std::vector<int>& hosts;
};
// "200 Gb/s" rather than "25 GB/s": what networks are sold by.
struct LineRate {
  sim::BytesPerSecond& value;
};

template <class Visitor>
void describe(Visitor& v, topology::ScaleUpSpec& s) {
  v.field("kind", s.kind, {.meaning = "what joins the GPUs of a domain", .required = true});
  if (Visitor::writing && s.kind == topology::ScaleUpKind::none) return;
  v.field("domain", s.domain, {.meaning = "GPUs of a domain", .least = 1, .most = 100'000});
  v.field("bandwidth", s.bandwidth, {.meaning = "of a GPU into the domain, per direction", .zero_is_absent = true});
  v.field("latency", s.latency, {.meaning = "GPU to GPU"});
}

template <class Visitor>
void describe(Visitor& v, topology::NicSpec& s) {
  v.field("count", s.count, {.meaning = "NICs of a host", .required = true, .least = 0, .most = 1024});
  v.later("ports", "1", "ports of a NIC");
  v.field("bandwidth", LineRate{s.bandwidth}, {.meaning = "of one NIC, per direction", .zero_is_absent = true});
  v.field("latency", s.latency, {.meaning = "of one NIC"});
}

template <class Visitor>
void describe(Visitor& v, topology::HostSpec& s) {
  v.field("preset", s.preset, {.meaning = "a shipped host; keys beside it override it"});
  v.field("gpus_per_host", s.gpus_per_host, {.meaning = "GPUs of a host", .required = true, .least = 1, .most = 1024});
  v.field("scale_up", s.scale_up, {.meaning = "the links between the GPUs of a host", .required = true});
  v.field("nics", s.nics, {.meaning = "network adapters", .required = true});
  v.group("pcie", [&](auto& nested) {
    nested.field("bandwidth", s.pcie_bandwidth, {.meaning = "of a GPU to its NIC, per direction", .zero_is_absent = true});
  });
}

template <class Visitor>
void describe(Visitor& v, topology::FabricLinkSpec& s) {
  v.field("bandwidth", LineRate{s.bandwidth}, {.meaning = "of a cable, per direction", .zero_is_absent = true});
  v.field("latency", s.latency, {.meaning = "of a cable"});
  v.field("optics", s.optics, {.meaning = "kind of transceiver"});
}

template <class Visitor>
void describe(Visitor& v, topology::HashSpec& s) {
  v.field("seed", s.seed, {.meaning = "of the ECMP hash", .least = 0});
  v.field("polarized", s.polarized, {.meaning = "all tiers hash alike"});
}

template <class Visitor>
void describe(Visitor& v, topology::FabricSpec& s) {
  v.field("type", s.type, {.meaning = "how the switches are wired", .required = true});
  if (Visitor::writing && s.type == topology::FabricType::none) return;
  if (Visitor::writing && s.type == topology::FabricType::file) {
    v.field("links", s.links, {});
    v.field("routing", s.routing, {});
    v.field("transport", s.transport, {});
    return;
  }
  v.field("radix", s.radix, {.meaning = "ports of a switch, or one value per tier", .least = 2, .most = 65'536});
  v.field("tiers", s.tiers, {.meaning = "tiers of switches", .least = 1, .most = 3});
  v.field("oversubscription", s.oversubscription, {.meaning = "down : up, at the leaf or per tier", .least = 0.01, .most = 1000});
  v.later("planes", "1", "separate fabrics side by side");
  v.field("rails", s.rails, {.meaning = "1: all NICs of a host on one leaf; r: NIC i on a leaf of rail i mod r", .least = 1, .most = 1024});
  v.field("hosts_per_unit", s.hosts_per_unit,
          {.meaning = "hosts that share a set of leaves", .least = 1, .most = 1'000'000, .zero_is_absent = true});
  v.later("parallel_links", "1", "cables between the same two switches");
  v.later("tors_per_host", "1", "leaves that one NIC is connected to");
  v.later("pods", "1", "pods");
  v.later("dims", "", "of a torus");
  v.field("links", s.links, {.meaning = "with type: file, the CSV of links"});
  v.field("link", s.link, {.meaning = "the cables"});
  v.field("switch_latency", s.switch_latency, {.meaning = "of one switch"});
  v.field("routing", s.routing, {.meaning = "how flows choose among equal paths"});
  v.field("hash", s.hash, {.meaning = "of ecmp routing"});
  v.field("transport", s.transport, {.meaning = "headers and efficiency"});
  v.later("packet", "", "of the packet network");
  v.later("failures", "[]", "links and switches out of order");
  v.later("pxn", "false", "NCCL sends by the NIC of another GPU");
  v.later("storage", "", "a fabric for storage");
}

template <class Visitor>
void describe(Visitor& v, topology::ClusterSpec& s) {
  v.field("gpus", s.gpus, {.meaning = "GPUs of the cluster", .required = true, .least = 1, .most = 10'000'000});
  v.field("accelerator", s.accelerator, {.meaning = "a shipped device profile, or the path of one"});
  v.field("host", s.host, {.meaning = "a preset, or all its keys", .required = true});
  v.field("fabric", s.fabric, {.meaning = "the network between hosts"});
  v.later("site", "", "cooling, prices and watts");
}

template <class Visitor>
void describe(Visitor& v, ModelSpec& s) {
  v.field("name", s.name, {.meaning = "for reports"});
  v.field("layers", s.layers, {.meaning = "transformer layers", .required = true, .least = 1, .most = 100'000});
  v.field("hidden", s.hidden, {.meaning = "model width", .required = true, .least = 1, .most = 10'000'000});
  v.field("heads", s.heads, {.meaning = "attention heads", .required = true, .least = 1, .most = 100'000});
  v.field("kv_heads", s.kv_heads, {.meaning = "key and value heads", .least = 1, .most = 100'000});
  v.field("ffn_hidden", s.ffn_hidden, {.meaning = "width of the feed-forward part", .least = 1, .most = 100'000'000});
  v.field("gated_mlp", s.gated_mlp, {.meaning = "three matrices (SwiGLU) instead of two"});
  v.field("vocab", s.vocab, {.meaning = "words", .required = true, .least = 1, .most = 100'000'000});
  v.field("seq_len", s.seq_len, {.meaning = "tokens of a sequence", .required = true, .least = 1, .most = 100'000'000});
  v.field("tied_embeddings", s.tied_embeddings, {.meaning = "input and output share one matrix"});
  v.field("rms_norm", s.rms_norm, {.meaning = "RMS norm instead of layer norm with bias"});
  v.field("linear_bias", s.linear_bias, {.meaning = "biases on the linear layers"});
  v.field("learned_positions", s.learned_positions, {.meaning = "a learned position table"});
  v.later("experts", "0", "mixture of experts");
  v.later("top_k", "0", "experts of a token");
}

template <class Visitor>
void describe(Visitor& v, ParallelSpec& s) {
  v.field("tp", s.tp, {.meaning = "tensor parallel", .least = 1, .most = 100'000});
  v.field("pp", s.pp, {.meaning = "pipeline stages", .least = 1, .most = 100'000});
  v.field("dp", s.dp, {.meaning = "data parallel; left out: GPUs / (tp * pp)", .least = 1, .most = 10'000'000});
  v.later("cp", "1", "context parallel");
  v.later("ep", "1", "expert parallel");
  v.field("virtual_stages", s.virtual_stages, {.meaning = "model chunks of a stage", .least = 1, .most = 1000});
  v.field("sequence_parallel", s.sequence_parallel, {.meaning = "norms and dropout split over tp"});
  v.later("zero", "0", "ZeRO stage");
  v.field("rank_order", s.rank_order, {.meaning = "fastest first"});
  v.field("layers_per_stage", LayersPerStage{s.layers_of_chunk},
          {.meaning = "even, balanced or layers of each chunk", .least = 0, .most = 100'000});
}

// The keys of `workload`.
template <class Visitor>
void describe_workload(Visitor& v, JobSpec& s) {
  v.field("model", s.model, {.meaning = "a shipped model, a Hugging Face config.json or its keys", .required = true});
  v.field("parallel", s.parallel, {.meaning = "the split over GPUs"});
  v.field("schedule", s.schedule, {.meaning = "of the pipeline"});
  v.field("micro_batch", s.micro_batch, {.meaning = "sequences", .least = 1, .most = 1e9});
  v.field("global_batch", s.global_batch, {.meaning = "sequences", .required = true, .least = 1, .most = 1e9});
  v.field("precision", s.precision, {.meaning = "of the matrix products"});
  v.later("fp8_recipe", "", "scaling of fp8");
  v.field("recompute", s.recompute, {.meaning = "activation recomputation"});
  v.field("optimizer", s.optimizer, {.meaning = "kind of optimizer"});
  v.field("software", s.software, {.meaning = "a software profile"});
  v.field("attention", s.attention, {.meaning = "overrides the software profile"});
  v.group("overlap", [&](auto& nested) {
    nested.field("dp", s.overlap_dp, {.meaning = "gradients with the backward pass"});
    nested.field("tp", s.overlap_tp, {.meaning = "tensor-parallel collectives with products"});
    nested.field("pp", s.overlap_pp, {.meaning = "stage to stage with computing"});
  });
  v.later("moe", "{routing: balanced, skew: 0}", "mixture of experts");
  v.later("jitter", "{gpu: 0.0, slow: []}", "uneven GPUs");
  v.field("steps", s.steps, {.meaning = "optimizer steps to simulate", .least = 1, .most = 1'000'000});
  v.later("trace", "", "an imported workload");
}

// An entry of `jobs`.
template <class Visitor>
void describe(Visitor& v, JobSpec& s) {
  v.field("name", s.name, {.meaning = "of the job", .required = true});
  v.field("gpus", s.gpus, {.meaning = "GPUs of the job", .required = true, .least = 1, .most = 10'000'000});
  v.field("placement", PlacementOrHosts{s.placement, s.hosts},
          {.meaning = "packed, spread, random or a list of hosts", .least = 0, .most = 1e7});
  v.field("start", s.start, {.meaning = "of its first step"});
  describe_workload(v, s);
}

}  // namespace workloads

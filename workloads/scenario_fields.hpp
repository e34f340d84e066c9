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
  bool may_be_empty = false;            // of a list
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

WEFTSIM_NAMES(topology::ScaleUpKind, {{"nvswitch", E::nvswitch}, {"mesh", E::mesh}, {"pcie", E::pcie}, {"none", E::none}})
WEFTSIM_LATER()
WEFTSIM_NAMES(topology::FabricType, {{"fat-tree", E::fat_tree},
                                     {"leaf-spine", E::leaf_spine},
                                     {"rail-optimized", E::rail_optimized},
                                     {"three-tier", E::three_tier},
                                     {"dual-plane", E::dual_plane},
                                     {"torus", E::torus},
                                     {"dragonfly", E::dragonfly},
                                     {"file", E::file},
                                     {"none", E::none}})
WEFTSIM_LATER()
WEFTSIM_NAMES(topology::Routing, {{"ecmp", E::ecmp},
                                  {"adaptive", E::adaptive},
                                  {"spray", E::spray},
                                  {"static", E::static_},
                                  {"valiant", E::valiant},
                                  {"flowlet", E::flowlet}})
WEFTSIM_LATER()
WEFTSIM_NAMES(Communication, {{"pp_comm", E::pp_comm}, {"tp_comm", E::tp_comm}, {"dp_comm", E::dp_comm}, {"cp_comm", E::cp_comm}})
WEFTSIM_LATER()
WEFTSIM_NAMES(topology::Transport, {{"infiniband", E::infiniband}, {"roce", E::roce}, {"ideal", E::ideal}, {"efa", E::efa}})
WEFTSIM_LATER()
WEFTSIM_NAMES(topology::CongestionControl, {{"dcqcn", E::dcqcn}, {"swift", E::swift}, {"hpcc", E::hpcc}, {"paced", E::paced}})
WEFTSIM_LATER()
WEFTSIM_NAMES(topology::Optics, {{"dsp", E::dsp}, {"lpo", E::lpo}, {"cpo", E::cpo}, {"dac", E::dac}})
WEFTSIM_LATER()
WEFTSIM_NAMES(ScheduleKind, {{"gpipe", E::gpipe}, {"1f1b", E::one_f_one_b}, {"interleaved", E::interleaved}})
WEFTSIM_LATER("pipedream", "zero-bubble-h1", "zbv", "dualpipe")
WEFTSIM_NAMES(
    Precision,
    {{"fp32", E::fp32}, {"tf32", E::tf32}, {"fp16", E::fp16}, {"bf16", E::bf16}, {"fp8", E::fp8}, {"mxfp8", E::mxfp8}, {"nvfp4", E::nvfp4}})
WEFTSIM_LATER()
WEFTSIM_NAMES(Fp8Recipe, {{"delayed", E::delayed}, {"current", E::current}, {"block", E::block}})
WEFTSIM_LATER()
WEFTSIM_NAMES(Recompute, {{"none", E::none}, {"selective", E::selective}, {"full", E::full}})
WEFTSIM_LATER()
WEFTSIM_NAMES(Architecture, {{"decoder", E::decoder}, {"encoder", E::encoder}, {"encoder-decoder", E::encoder_decoder}})
WEFTSIM_LATER("encoder-decoder")
WEFTSIM_NAMES(
    Positions,
    {{"learned", E::learned}, {"rotary", E::rotary}, {"alibi", E::alibi}, {"transformer-xl", E::transformer_xl}, {"relative", E::relative}})
WEFTSIM_LATER()
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
struct ScheduleOrRows {  // a name, a path (kept as the only row until it is read), or a list of rows
  ScheduleKind& kind;
  std::vector<std::string>& rows;
};
struct LinksOrPath {
  std::string& path;
  std::vector<std::string>& rows;
};
struct LinkPerTier {  // one kind of cable, or a list per tier
  topology::FabricLinkSpec& lowest;
  std::vector<topology::FabricLinkSpec>& upper;
};
struct FailureList {  // names, and maps of those that begin and end
  std::vector<std::string>& always;
  std::vector<topology::TimedFailure>& timed;
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
  v.field("mesh", s.mesh, {.meaning = "of kind mesh: which GPUs have how many links, '0-1 0-3x2'; left out: each to each"});
  v.field("links", s.links,
          {.meaning = "of a GPU into the switches, for the bill of materials", .least = 1, .most = 1024, .zero_is_absent = true});
  v.field("radix", s.radix, {.meaning = "links of a scale-up switch, per level from the GPU up", .least = 1, .most = 65'536});
  v.field("module", LineRate{s.module_bandwidth}, {.meaning = "of an optical module between the levels", .zero_is_absent = true});
}

template <class Visitor>
void describe(Visitor& v, topology::NicSpec& s) {
  v.field("count", s.count, {.meaning = "NICs of a host", .required = true, .least = 0, .most = 1024});
  v.field("ports", s.ports, {.meaning = "of a NIC, each with a cable", .least = 1, .most = 64});
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
  v.field("module", LineRate{s.module_bandwidth}, {.meaning = "of an optical module; left out: one cable each", .zero_is_absent = true});
}

template <class Visitor>
void describe(Visitor& v, topology::SideNetworkSpec& s) {
  v.field("type", s.type, {.meaning = "leaf-spine or fat-tree", .required = true});
  v.field("nics", s.nics, {.meaning = "NICs of a host", .least = 0, .most = 1024});
  v.field("end_points", s.end_points, {.meaning = "beside the hosts: storage servers", .least = 0, .most = 1'000'000});
  v.field("radix", s.radix, {.meaning = "ports of a switch, or one value per tier", .least = 2, .most = 65'536});
  v.field("tiers", s.tiers, {.meaning = "tiers of switches", .least = 2, .most = 3});
  v.field("oversubscription", s.oversubscription, {.meaning = "down : up, at the leaf or per tier", .least = 0.01, .most = 1000});
  v.field("link", s.link, {.meaning = "the cables; left out: those of the fabric at its hosts"});
}

template <class Visitor>
void describe(Visitor& v, topology::SiteSpec& s) {
  v.field("cooling", s.cooling, {.meaning = "a cooling of the parts table"});
  v.field("pue", s.pue, {.meaning = "power of the building by that of the equipment", .least = 1, .most = 10, .zero_is_absent = true});
  v.field("parts", s.parts, {.meaning = "a YAML of watts and prices; left out: the shipped one"});
}

template <class Visitor>
void describe(Visitor& v, topology::HashSpec& s) {
  v.field("seed", s.seed, {.meaning = "of the ECMP hash", .least = 0});
  v.field("polarized", s.polarized, {.meaning = "all tiers hash alike"});
}

template <class Visitor>
void describe_packet(Visitor& v, topology::PacketSpec& s) {
  v.group("packet", [&](auto& packet) {
    packet.field("mtu", s.mtu, {.meaning = "payload of a packet"});
    packet.field("buffer", s.buffer, {.meaning = "of a switch, shared by its ports"});
    packet.group("ecn", [&](auto& ecn) {
      ecn.field("min", s.ecn_min, {.meaning = "queue from which packets are marked"});
      ecn.field("max", s.ecn_max, {.meaning = "queue from which all packets are marked"});
      ecn.field("p", s.ecn_share, {.meaning = "share of packets marked just below max", .least = 0, .most = 1});
    });
    packet.group("pfc", [&](auto& pfc) {
      pfc.field("xoff", s.xoff, {.meaning = "bytes from one link at which it is paused; left out: a share of the free buffer"});
      pfc.field("xon", s.xon, {.meaning = "bytes from one link at which it goes on"});
    });
    packet.field("lossless", s.lossless, {.meaning = "links wait for buffers; false: switches drop"});
    packet.field("flowlet_gap", s.flowlet_gap, {.meaning = "routing flowlet: a longer gap in a flow lets it take another link"});
    packet.field("skip_steady", s.skip_steady, {.meaning = "jump over times in which rates and queues do not change; not with --exact"});
    packet.field("congestion_control", s.congestion_control, {.meaning = "how senders find their rate"});
  });
}

// What fails for a time: one of these keys names it.
inline constexpr std::array<std::string_view, 3> failing_parts = {"link", "switch", "nic"};
inline std::string_view kind_of(const topology::TimedFailure& s) {
  return failing_parts[s.part.find(':') != std::string::npos ? 0 : s.part.starts_with("nic-") ? 2 : 1];
}
template <class Visitor>
void describe(Visitor& v, topology::TimedFailure& s) {
  for (const std::string_view part : failing_parts)
    if (!Visitor::writing || part == kind_of(s)) v.field(part, s.part, {.meaning = "what fails"});
  v.field("at", s.at, {.meaning = "when it fails", .required = true});
  v.field("for", s.duration, {.meaning = "until it is repaired; left out: for ever"});
  v.field("left", s.left, {.meaning = "share of its bandwidth that is left; 0: it fails", .least = 0, .most = 1});
}

template <class Visitor>
void describe(Visitor& v, topology::FabricSpec& s) {
  v.field("type", s.type, {.meaning = "how the switches are wired", .required = true});
  if (Visitor::writing && s.type == topology::FabricType::none) return;
  if (Visitor::writing && s.type == topology::FabricType::file) {
    v.field("links", LinksOrPath{s.links, s.link_rows}, {});
    v.field("radix", s.radix, {});
    v.field("switch_latency", s.switch_latency, {});
    v.field("routing", s.routing, {});
    v.field("transport", s.transport, {});
    describe_packet(v, s.packet);
    v.field("failures", FailureList{s.failures, s.timed_failures}, {});
    return;
  }
  v.field("radix", s.radix, {.meaning = "ports of a switch, or one value per tier", .least = 2, .most = 65'536});
  v.field("tiers", s.tiers, {.meaning = "tiers of switches", .least = 1, .most = 3});
  v.field("oversubscription", s.oversubscription, {.meaning = "down : up, at the leaf or per tier", .least = 0.01, .most = 1000});
  v.field("planes", s.planes, {.meaning = "separate networks side by side", .least = 1, .most = 1024});
  v.field("rails", s.rails, {.meaning = "1: all NICs of a host on one leaf; r: NIC i on a leaf of rail i mod r", .least = 1, .most = 1024});
  v.field("hosts_per_unit", s.hosts_per_unit,
          {.meaning = "hosts that share a set of leaves", .least = 1, .most = 1'000'000, .zero_is_absent = true});
  v.field("parallel_links", s.parallel_links, {.meaning = "cables between a leaf and each of its spines", .least = 1, .most = 1024});
  v.field("tors_per_host", s.tors_per_host,
          {.meaning = "leaves that the ports of a NIC go to", .least = 1, .most = 64, .zero_is_absent = true});
  v.field("pods", s.pods, {.meaning = "of three tiers, at least", .least = 1, .most = 65'536});
  v.field("dims", s.dims, {.meaning = "of a torus", .least = 1, .most = 1'000'000});
  v.field("links", LinksOrPath{s.links, s.link_rows},
          {.meaning = "with type: file, a CSV or GraphML of links, or the rows 'from,to,gbps,latency_ns' themselves"});
  v.field("link", LinkPerTier{s.link, s.upper_links}, {.meaning = "the cables, or a list per tier from the host up"});
  v.field("switch_latency", s.switch_latency, {.meaning = "of one switch"});
  v.field("routing", s.routing, {.meaning = "how flows choose among equal paths"});
  v.field("hash", s.hash, {.meaning = "of ecmp routing"});
  v.field("transport", s.transport, {.meaning = "headers and efficiency"});
  describe_packet(v, s.packet);
  v.field("failures", FailureList{s.failures, s.timed_failures},
          {.meaning = "switches, NICs and cables out of order", .may_be_empty = true});
  v.field("pxn", s.pxn, {.meaning = "to another rail by the NIC of the GPU of that rail"});
  if (!Visitor::writing || s.storage.type != topology::FabricType::none)
    v.field("storage", s.storage, {.meaning = "a network of its own, counted in the bill of materials"});
  if (!Visitor::writing || s.management.type != topology::FabricType::none)
    v.field("management", s.management, {.meaning = "another such network"});
  for (auto* side : {&s.storage, &s.management})
    if (!Visitor::writing && side->link.bandwidth == sim::BytesPerSecond{}) side->link = s.link;
}

template <class Visitor>
void describe(Visitor& v, topology::HostGroup& s) {
  v.field("count", s.count, {.meaning = "hosts of the group", .required = true, .least = 1, .most = 1'000'000});
  v.field("accelerator", s.accelerator, {.meaning = "left out: that of the cluster"});
  v.field("host", s.host, {.meaning = "a preset, or all its keys", .required = true});
}

template <class Visitor>
void describe(Visitor& v, topology::ClusterSpec& s) {
  v.field("gpus", s.gpus, {.meaning = "GPUs of the cluster", .required = true, .least = 1, .most = 10'000'000});
  v.field("accelerator", s.accelerator, {.meaning = "a shipped device profile, or the path of one"});
  v.field("host", s.host, {.meaning = "a preset, or all its keys", .required = true});
  v.field("groups", s.groups, {.meaning = "the first hosts, where they differ from `host`"});
  v.field("fabric", s.fabric, {.meaning = "the network between hosts"});
  v.field("site", s.site, {.meaning = "cooling, prices and watts"});
}

template <class Visitor>
void describe(Visitor& v, ModelSpec& s) {
  v.field("name", s.name, {.meaning = "for reports"});
  v.field("architecture", s.architecture, {.meaning = "decoder (GPT, Llama), encoder (BERT) or encoder-decoder (T5)"});
  v.field("layers", s.layers, {.meaning = "transformer layers", .required = true, .least = 1, .most = 100'000});
  v.field("encoder_layers", s.encoder_layers,
          {.meaning = "of encoder-decoder: how many of them are the encoder; left out: half",
           .least = 1,
           .most = 100'000,
           .zero_is_absent = true});
  v.field("encoder_seq_len", s.encoder_seq_len,
          {.meaning = "of encoder-decoder: tokens of the encoder's sequence; left out: seq_len",
           .least = 1,
           .most = 100'000'000,
           .zero_is_absent = true});
  v.field("hidden", s.hidden, {.meaning = "model width", .required = true, .least = 1, .most = 10'000'000});
  v.field("heads", s.heads, {.meaning = "attention heads", .required = true, .least = 1, .most = 100'000});
  v.field("kv_heads", s.kv_heads, {.meaning = "key and value heads", .least = 1, .most = 100'000});
  v.field("head_dim", s.head_dim, {.meaning = "width of a head", .least = 1, .most = 100'000});
  v.field("ffn_hidden", s.ffn_hidden, {.meaning = "width of the feed-forward part", .least = 1, .most = 100'000'000});
  v.field("gated_mlp", s.gated_mlp, {.meaning = "three matrices (SwiGLU) instead of two"});
  v.field("parallel_blocks", s.parallel_blocks, {.meaning = "attention and feed-forward part side by side"});
  v.field("vocab", s.vocab, {.meaning = "words", .required = true, .least = 1, .most = 100'000'000});
  v.field("seq_len", s.seq_len, {.meaning = "tokens of a sequence", .required = true, .least = 1, .most = 100'000'000});
  v.field("predicted_positions", s.predicted_positions, {.meaning = "share of positions that get logits", .least = 1e-6, .most = 1});
  v.field("tied_embeddings", s.tied_embeddings, {.meaning = "input and output share one matrix"});
  v.field("rms_norm", s.rms_norm, {.meaning = "norms without bias"});
  v.field("linear_bias", s.linear_bias, {.meaning = "biases on the linear layers"});
  v.field("qkv_bias", s.qkv_bias, {.meaning = "biases on Q, K and V alone"});
  v.field("embedding_norm", s.embedding_norm, {.meaning = "a norm behind the embedding"});
  v.field("dropout", s.dropout, {.meaning = "dropout masks are kept for the backward pass"});
  v.field("positions", s.positions, {.meaning = "how positions are encoded"});
  v.later("experts", "0", "mixture of experts");
  v.later("top_k", "0", "experts of a token");
}

template <class Visitor>
void describe(Visitor& v, ParallelSpec& s) {
  v.field("tp", s.tp, {.meaning = "tensor parallel", .least = 1, .most = 100'000});
  v.field("pp", s.pp, {.meaning = "pipeline stages", .least = 1, .most = 100'000});
  v.field("dp", s.dp, {.meaning = "data parallel; left out: GPUs / (tp * cp * pp)", .least = 1, .most = 10'000'000});
  v.field("cp", s.cp, {.meaning = "context parallel: ranks that share a sequence", .least = 1, .most = 100'000});
  v.later("ep", "1", "expert parallel");
  v.field("virtual_stages", s.virtual_stages, {.meaning = "model chunks of a stage", .least = 1, .most = 1000});
  v.field("sequence_parallel", s.sequence_parallel, {.meaning = "norms and dropout split over tp"});
  v.field("zero", s.zero, {.meaning = "ZeRO stage", .least = 0, .most = 3});
  v.field("rank_order", s.rank_order, {.meaning = "fastest first"});
  v.field("layers_per_stage", LayersPerStage{s.layers_of_chunk},
          {.meaning = "even, balanced or layers of each chunk", .least = 0, .most = 100'000});
}

template <class Visitor>
void describe(Visitor& v, SlowRank& s) {
  v.field("rank", s.rank, {.meaning = "of the job", .required = true, .least = 0, .most = 1e9});
  v.field("factor", s.factor, {.meaning = "of the time of its kernels", .required = true, .least = 0.01, .most = 1000});
}

// The keys of `workload`.
template <class Visitor>
void describe_workload(Visitor& v, JobSpec& s) {
  v.field("model", s.model, {.meaning = "a shipped model, a Hugging Face config.json or its keys", .required = true});
  v.field("parallel", s.parallel, {.meaning = "the split over GPUs"});
  v.field("schedule", ScheduleOrRows{s.schedule, s.schedule_rows},
          {.meaning = "of the pipeline: a name, the path of a table or Python file, or what each stage does"});
  v.field("micro_batch", s.micro_batch, {.meaning = "sequences", .least = 1, .most = 1e9});
  v.field("global_batch", s.global_batch, {.meaning = "sequences", .required = true, .least = 1, .most = 1e9});
  v.field("precision", s.precision, {.meaning = "of the matrix products"});
  v.field("fp8_recipe", s.fp8_recipe, {.meaning = "scaling of fp8"});
  v.field("recompute", s.recompute, {.meaning = "activation recomputation"});
  v.field("optimizer", s.optimizer, {.meaning = "kind of optimizer"});
  v.field("software", s.software, {.meaning = "a software profile"});
  v.field("attention", s.attention, {.meaning = "overrides the software profile"});
  v.group("overlap", [&](auto& nested) {
    nested.field("dp", s.overlap_dp, {.meaning = "gradients with the backward pass"});
    nested.field("tp", s.overlap_tp, {.meaning = "tensor-parallel collectives with products"});
    nested.field("pp", s.overlap_pp, {.meaning = "stage to stage with computing"});
  });
  v.group("nccl", [&](auto& nested) {
    nested.field("algo", s.nccl.algorithm,
                 {.meaning = "Tree, Ring, NVLS, NVLSTree, PAT, CollNetDirect, CollNetChain or Hierarchical; left out: NCCL's choice"});
    nested.field("proto", s.nccl.protocol, {.meaning = "LL, LL128 or Simple; left out: NCCL's choice"});
    nested.field("min_channels", s.nccl.min_channels, {.meaning = "at least", .least = 1, .most = 64, .zero_is_absent = true});
    nested.field("max_channels", s.nccl.max_channels, {.meaning = "at most", .least = 1, .most = 64, .zero_is_absent = true});
    nested.field("collnet", s.nccl.collnet, {.meaning = "InfiniBand switches may reduce (SHARP)"});
    nested.field("version", s.nccl.version, {.meaning = "whose choices; left out: the one that was measured"});
  });
  v.later("moe", "{routing: balanced, skew: 0}", "mixture of experts");
  v.group("jitter", [&](auto& nested) {
    nested.field("gpu", s.jitter.gpu,
                 {.meaning = "relative standard deviation of a GPU's time, step by step", .least = 0, .most = 1, .zero_is_absent = true});
    nested.field("slow", s.jitter.slow, {.meaning = "stragglers", .may_be_empty = true});
  });
  v.field("steps", s.steps, {.meaning = "optimizer steps to simulate", .least = 1, .most = 1'000'000});
  v.later("trace", "", "an imported workload");
}

template <class Visitor>
void describe(Visitor& v, PacketFor& s) {
  v.field("operation", s.operation, {.meaning = "messages of this part of a step"});
  v.field("link", s.link, {.meaning = "messages that cross this switch, NIC or cable: leaf-0, \"spine-3:leaf-1\""});
  v.field("from", s.from, {.meaning = "messages that begin then or later"});
  v.field("until", s.until, {.meaning = "messages that begin before"});
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

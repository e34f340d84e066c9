#include "workloads/scenario_checks.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <set>
#include "kernels/data_sheet.hpp"
#include "workloads/quantity.hpp"
#include "workloads/scenario_presets.hpp"

namespace workloads {
namespace {

using topology::FabricType;
using topology::ScaleUpKind;

// One part of the scenario under check: says what is wrong, where it was written.
class Checker {
 public:
  Checker(const TextNode& tree, std::string where, Scenario& scenario, Problems& problems)
      : tree_(tree), where_(std::move(where)), scenario_(scenario), problems_(problems) {}

  // Were these keys read without a problem? What follows from a bad value would be noise.
  template <class... Keys>
  bool sound(Keys... keys) const {
    return (problems_.sound(path(keys)) && ...);
  }
  bool given(std::string_view key) const {
    const TextNode& node = tree_.nearest(key);
    return node.key == key.substr(key.rfind('.') + 1) && &node != &tree_;
  }
  void problem(std::string_view key, std::string_view what) {
    const TextNode& node = tree_.nearest(key);
    problems_.add(given(key) || !node.key_place.source ? node.place : node.key_place, parent(key), what);
  }
  // The same for a sentence that does not name the key.
  void problem_at(std::string_view key, std::string_view what) {
    const TextNode& node = tree_.nearest(key);
    problems_.add(given(key) || !node.key_place.source ? node.place : node.key_place, path(key), what);
  }
  void missing(std::string_view key, std::string_view meaning) {
    if (sound(key) && !given(key)) problem(key, fmt::format("missing key '{}' ({}). Add it.", key.substr(key.rfind('.') + 1), meaning));
  }
  void warn(std::string_view key, std::string_view what) {
    scenario_.warnings.push_back(fmt::format("{}: {}: {}", tree_.nearest(key).place.text(), path(key), what));
  }
  const TextNode& node(std::string_view key) const { return tree_.nearest(key); }
  bool from_preset(std::string_view key) const {
    const Place& place = tree_.nearest(key).place;
    return given(key) && place.source && place.source->starts_with("hosts/");
  }

 private:
  std::string path(std::string_view key) const { return where_.empty() ? std::string(key) : fmt::format("{}.{}", where_, key); }
  std::string parent(std::string_view key) const {
    const std::string whole = path(key);
    return whole.substr(0, std::min(whole.rfind('.'), whole.size()));
  }

  const TextNode& tree_;
  std::string where_;
  Scenario& scenario_;
  Problems& problems_;
};

// "1533 or 1540": the multiples of `step` around `value`.
std::string multiples_around(std::int64_t value, std::int64_t step) {
  const std::int64_t below = value / step * step;
  return below > 0 ? fmt::format("{} or {}", below, below + step) : fmt::format("{}", step);
}

std::string divisors(int of) {
  std::vector<std::string> found;
  for (int d = 1; d <= of && found.size() < 40; ++d) {
    if (of % d == 0) found.push_back(fmt::format("{}", d));
  }
  return joined(found);
}

// NVLink, per GPU and direction (NVIDIA data sheets; they print both directions together).
double nvlink_of(std::string_view accelerator) {
  constexpr std::array<std::pair<std::string_view, double>, 8> generations = {{{"v100", 150e9},
                                                                               {"a100", 300e9},
                                                                               {"a800", 200e9},
                                                                               {"h100", 450e9},
                                                                               {"h200", 450e9},
                                                                               {"b200", 900e9},
                                                                               {"b300", 900e9},
                                                                               {"gb", 900e9}}};
  for (const auto& [prefix, bandwidth] : generations) {
    if (accelerator.starts_with(prefix)) return bandwidth;
  }
  return 0;
}

void warn_of_scale_up(Checker& check, const topology::ClusterSpec& cluster) {
  const sim::BytesPerSecond given = cluster.host.scale_up.bandwidth;
  const double usual = nvlink_of(cluster.accelerator);
  if (usual <= 0 || given.value() <= usual * 1.05 || cluster.host.scale_up.kind == ScaleUpKind::none) return;
  check.warn("cluster.host.scale_up.bandwidth",
             fmt::format("{}: NVLink of {} is {} a direction (data sheets print both directions together)", to_text(given),
                         cluster.accelerator, to_text(sim::BytesPerSecond{usual})));
}

// Networks are sold in bits: 400 GB/s is 3.2 Tb/s, more than any port of today.
void check_line_rate(Checker& check, std::string_view key, sim::BytesPerSecond rate) {
  const double largest = 1.6e12 / 8;
  const std::string& text = check.node(key).text;
  if (rate.value() > largest ||
      (rate.value() >= largest / 2 && text.find("B/s") != std::string::npos && text.find("200") != std::string::npos)) {
    check.warn(key, fmt::format("{} is {}, more than a port of today carries. Was Gb/s meant?", text, to_text(rate, BandwidthUnit::bits)));
  }
}

void check_latency(Checker& check, std::string_view key, sim::Time latency) {
  if (latency > sim::Time::picoseconds(1'000'000'000))
    check.warn(key, fmt::format("{} is long for one hop; was us or ns meant?", to_text(latency)));
}

void warn_of_fabric(Checker& check, const topology::ClusterSpec& cluster) {
  const topology::FabricSpec& fabric = cluster.fabric;
  if (fabric.type == FabricType::none || fabric.type == FabricType::file) return;
  check_line_rate(check, "cluster.fabric.link.bandwidth", fabric.link.bandwidth);
  check_latency(check, "cluster.fabric.link.latency", fabric.link.latency);
  check_latency(check, "cluster.fabric.switch_latency", fabric.switch_latency);
  const sim::BytesPerSecond port = cluster.host.nics.bandwidth / std::max(1, cluster.host.nics.ports);
  if (fabric.type != FabricType::torus && fabric.link.bandwidth < port) {
    check.warn("cluster.fabric.link.bandwidth",
               fmt::format("{} is less than the {} of a NIC", to_text(fabric.link.bandwidth, BandwidthUnit::bits),
                           to_text(port, BandwidthUnit::bits)));
  }
}

// ---- jobs ----

bool divides(int a, int b) { return b != 0 && a % b == 0; }

void fill_in_model(Checker& check, ModelSpec& model) {
  if (!check.given("model.ffn_hidden") && model.gated_mlp)
    check.problem("model.ffn_hidden", "missing key 'ffn_hidden' (gated models have no usual width). Add it.");
  model.complete();
  if (!check.given("model.head_dim") && check.sound("model") && divides(model.hidden, model.heads))
    model.head_dim = model.hidden / model.heads;
}

// Two stacks: where the second begins, and what they can not do.
void settle_encoder(Checker& check, JobSpec& job) {
  ModelSpec& model = job.model;
  if (!check.sound("model.layers", "model.encoder_layers", "model.encoder_seq_len", "model.seq_len")) return;
  if (model.architecture != Architecture::encoder_decoder) {
    for (const char* key : {"model.encoder_layers", "model.encoder_seq_len"})
      if (check.given(key))
        check.problem(key, "only an encoder-decoder has an encoder of its own. Write architecture: encoder-decoder, or leave it out.");
    return;
  }
  if (model.encoder_layers < 1 || model.encoder_layers >= model.layers)
    check.problem("model.encoder_layers", fmt::format("{} of {} layers are the encoder; the decoder needs the others. Write 1 to {}.",
                                                      model.encoder_layers, model.layers, std::max(1, model.layers - 1)));
  if (model.parallel_blocks) check.problem("model.parallel_blocks", "not supported with encoder-decoder. Leave it out.");
  if (job.parallel.cp > 1) check.problem("parallel.cp", "context parallelism is not supported with encoder-decoder. Write cp: 1.");
  if (job.parallel.virtual_stages > 1)
    check.problem("parallel.virtual_stages", "the interleaved schedule is not supported with encoder-decoder. Write virtual_stages: 1.");
}

void check_model(Checker& check, const ModelSpec& model, const ParallelSpec& parallel) {
  if (!check.sound("model")) return;
  const int tp = parallel.tp;
  if (model.head_dim == 0) {
    check.problem("model.hidden",
                  fmt::format("hidden {} is not divisible by heads {}. Change one of them, or give head_dim.", model.hidden, model.heads));
  }
  if (!divides(model.heads, model.kv_heads)) {
    check.problem("model.kv_heads",
                  fmt::format("kv_heads {} does not divide heads {} (possible: {}).", model.kv_heads, model.heads, divisors(model.heads)));
  }
  if (check.sound("parallel.cp") && parallel.cp > 1 && model.seq_len % (2LL * parallel.cp) != 0) {
    check.problem("parallel.cp",
                  fmt::format("seq_len {} is not divisible by 2 * cp = {}: each rank holds two parts of a sequence, so that causal "
                              "attention is even. Choose seq_len {}.",
                              model.seq_len, 2LL * parallel.cp, multiples_around(model.seq_len, 2LL * parallel.cp)));
  }
  if (!check.sound("parallel.tp")) return;
  if (!divides(model.heads, tp)) {
    check.problem("parallel.tp",
                  fmt::format("tp {} does not divide the {} heads of the model (possible: {}).", tp, model.heads, divisors(model.heads)));
  } else if (!divides(model.kv_heads, tp) && !divides(tp, model.kv_heads)) {
    check.problem("parallel.tp", fmt::format("tp {} and the {} kv_heads of the model do not divide each other. Choose a tp that does.", tp,
                                             model.kv_heads));
  }
  if (!divides(model.ffn_hidden, tp)) {
    check.problem("parallel.tp", fmt::format("tp {} does not divide ffn_hidden {}. Choose a tp that does.", tp, model.ffn_hidden));
  }
  if (!parallel.sequence_parallel) return;
  if (tp == 1) check.warn("parallel.sequence_parallel", "has no effect with tp 1");
  if (model.encoder_seq_len > 0 && !divides(model.encoder_seq_len, tp))
    check.problem("parallel.sequence_parallel", fmt::format("encoder_seq_len {} is not divisible by tp {}. Choose {}.",
                                                            model.encoder_seq_len, tp, multiples_around(model.encoder_seq_len, tp)));
  if (!divides(model.seq_len, tp * parallel.cp) && check.sound("parallel.cp")) {
    const std::string split = parallel.cp > 1 ? fmt::format("tp * cp = {} * {}", tp, parallel.cp) : fmt::format("tp {}", tp);
    check.problem("parallel.sequence_parallel", fmt::format("seq_len {} is not divisible by {}. Choose seq_len {}.", model.seq_len, split,
                                                            multiples_around(model.seq_len, tp * parallel.cp)));
  }
}

void check_rank_order(Checker& check, const ParallelSpec& parallel) {
  std::multiset<std::string> parts;
  std::size_t from = 0;
  for (std::size_t dash = 0; dash != std::string::npos; from = dash + 1) {
    dash = parallel.rank_order.find('-', from);
    parts.insert(parallel.rank_order.substr(from, dash - from));
  }
  if (parts != std::multiset<std::string>{"tp", "cp", "ep", "dp", "pp"}) {
    check.problem("parallel.rank_order",
                  fmt::format("rank_order '{}' does not name tp, cp, ep, dp and pp once each. Write tp-cp-ep-dp-pp or another order.",
                              parallel.rank_order));
  }
}

// dp from the GPUs, or the GPUs against dp. False: nothing that depends on dp can be said.
bool settle_gpus(Checker& check, JobSpec& job) {
  ParallelSpec& parallel = job.parallel;
  if (job.gpus < 1 || !check.sound("parallel.tp", "parallel.cp", "parallel.pp", "parallel.dp", "gpus")) return false;
  const std::int64_t of_one_replica = static_cast<std::int64_t>(parallel.tp) * parallel.cp * parallel.pp;
  const bool context = parallel.cp > 1;
  const std::string_view product = context ? "tp * cp * pp" : "tp * pp", or_which = context ? "tp, cp or pp" : "tp or pp";
  const std::string factors =
      context ? fmt::format("{} * {} * {}", parallel.tp, parallel.cp, parallel.pp) : fmt::format("{} * {}", parallel.tp, parallel.pp);
  if (parallel.dp == 0) {
    if (job.gpus % of_one_replica == 0) {
      parallel.dp = static_cast<int>(job.gpus / of_one_replica);
      return true;
    }
    check.problem("parallel.dp", fmt::format("{} GPUs are not divisible by {} = {} = {}. Change {}, or take {} GPUs.", job.gpus, product,
                                             factors, of_one_replica, or_which, multiples_around(job.gpus, of_one_replica)));
    return false;
  }
  if (static_cast<double>(of_one_replica) * parallel.dp == job.gpus) return true;
  const bool fits = job.gpus % of_one_replica == 0;
  check.problem("parallel.dp", fmt::format("{} * dp = {} * {} is not the {} GPUs of the job. {}", product, factors, parallel.dp, job.gpus,
                                           fits ? fmt::format("Write dp: {}, or leave dp out.", job.gpus / of_one_replica)
                                                : fmt::format("{} = {} must divide the GPUs: change {}, or take {} GPUs.", product,
                                                              of_one_replica, or_which, multiples_around(job.gpus, of_one_replica))));
  return false;
}

// The words `even` and `balanced`, and a list, become the layers of each chunk in model order:
// chunk c * pp + stage is the c-th chunk of a stage.
void settle_layers(Checker& check, JobSpec& job) {
  ParallelSpec& parallel = job.parallel;
  if (!check.sound("model.layers", "parallel.pp", "parallel.virtual_stages", "parallel.layers_per_stage")) return;
  const int layers = job.model.layers;
  const std::int64_t chunks = static_cast<std::int64_t>(parallel.pp) * parallel.virtual_stages;
  const TextNode& node = check.node("parallel.layers_per_stage");
  const bool listed = check.given("parallel.layers_per_stage") && node.kind == TextNode::Kind::sequence;
  if (listed) {
    const std::int64_t sum = std::accumulate(parallel.layers_of_chunk.begin(), parallel.layers_of_chunk.end(), std::int64_t{0});
    if (static_cast<std::int64_t>(parallel.layers_of_chunk.size()) != chunks) {
      check.problem(
          "parallel.layers_per_stage",
          fmt::format("layers_per_stage has {} entries, not pp * virtual_stages = {} * {} = {}, one for each chunk in model order.",
                      parallel.layers_of_chunk.size(), parallel.pp, parallel.virtual_stages, chunks));
    } else if (sum != layers) {
      check.problem("parallel.layers_per_stage",
                    fmt::format("layers_per_stage adds up to {}, not to the {} layers of the model.", sum, layers));
    }
    return;
  }
  if (chunks > layers + (node.text == "balanced" && chunks > 2 ? 2 : 0)) {  // balanced: the embedding and the head may stand alone
    return check.problem(
        "parallel.pp", fmt::format("pp * virtual_stages = {} * {} = {} is more than the {} layers of the model. Choose less.", parallel.pp,
                                   parallel.virtual_stages, chunks, layers));
  }
  const int base = static_cast<int>(layers / chunks), extra = static_cast<int>(layers % chunks);
  if (extra != 0 && node.text != "balanced") {
    return check.problem(
        "parallel.layers_per_stage",
        fmt::format(
            "{} layers are not divisible by pp * virtual_stages = {} * {}. Write layers_per_stage: balanced, or a list of {} numbers.",
            layers, parallel.pp, parallel.virtual_stages, chunks));
  }
  // The remainder goes to the earliest chunks after the first: the first stage holds the embedding
  // too and the last one the logits, so these two take their extra layer last.
  parallel.layers_of_chunk.assign(static_cast<std::size_t>(chunks), base);
  for (int i = 0; i < extra; ++i) parallel.layers_of_chunk[static_cast<std::size_t>(i + 1 < chunks - 1 ? i + 1 : 0)] += 1;
}

void check_batches(Checker& check, JobSpec& job, bool dp_settled) {
  if (!dp_settled || !check.sound("global_batch", "micro_batch")) return;
  const std::int64_t per_pass = static_cast<std::int64_t>(job.parallel.dp) * job.micro_batch;
  if (job.global_batch % per_pass != 0) {
    return check.problem("global_batch",
                         fmt::format("global_batch {} is not divisible by dp * micro_batch = {} * {} = {}. Choose {}.", job.global_batch,
                                     job.parallel.dp, job.micro_batch, per_pass, multiples_around(job.global_batch, per_pass)));
  }
  const std::int64_t micro_batches = job.global_batch / per_pass;
  const int pp = job.parallel.pp;
  // Megatron-LM asserts the same (schedules.py, forward_backward_pipelining_with_interleaving).
  if (job.schedule == ScheduleKind::interleaved && check.sound("schedule") && pp > 1 && micro_batches % pp != 0) {
    check.problem("schedule", fmt::format("interleaved needs micro-batches (global_batch / dp / micro_batch = {}) divisible by pp {}. "
                                          "Choose global_batch {}, or schedule: 1f1b.",
                                          micro_batches, pp, multiples_around(job.global_batch, per_pass * pp)));
  }
}

// What does not go together, or changes nothing.
void check_combinations(Checker& check, const JobSpec& job, const topology::FabricSpec& fabric) {
  for (const SlowRank& slow : job.jitter.slow)
    if (slow.rank >= job.gpus)
      check.problem_at("jitter.slow",
                       fmt::format("rank {} is beyond the last of {} ranks. Write 0 to {}.", slow.rank, job.gpus, job.gpus - 1));
  for (const auto& [key, what] : kernels::problems_of(job.nccl)) check.problem_at("nccl." + key, what);
  if (job.nccl.collnet && (fabric.transport == topology::Transport::roce || fabric.transport == topology::Transport::efa))
    check.problem_at("nccl.collnet", "switches of InfiniBand alone reduce. Write transport: infiniband, or leave it out.");
  if (!check.sound("parallel.zero", "parallel.pp", "precision", "fp8_recipe")) return;
  if (job.parallel.zero >= 2 && job.parallel.pp > 1) {
    check.problem("parallel.zero",
                  fmt::format("ZeRO stage {} shards gradients that a pipeline accumulates, so it needs pp 1. Write zero: 1, or pp: 1.",
                              job.parallel.zero));
  }
  const bool fp8 = kernels::bytes_per_element(job.precision) < 2;
  if (job.fp8_recipe && !fp8)
    check.problem("fp8_recipe", fmt::format("fp8_recipe has no meaning with precision {}. Leave it out, or write precision: fp8.",
                                            kernels::name_of(job.precision)));
  const bool block_scaled = job.precision == Precision::mxfp8 || job.precision == Precision::nvfp4;
  if (block_scaled && job.fp8_recipe && *job.fp8_recipe != Fp8Recipe::block)
    check.problem("fp8_recipe", fmt::format("{} has a scale for each block. Write fp8_recipe: block, or precision: fp8.",
                                            kernels::name_of(job.precision)));
}

// Of a shipped device; a profile of the user's own is looked at when it is loaded.
void check_precision(Checker& check, const JobSpec& job, const std::string& accelerator) {
  const auto shipped = kernels::data_sheet_names();
  if (!check.sound("precision") || std::find(shipped.begin(), shipped.end(), accelerator) == shipped.end()) return;
  const kernels::DeviceProfile device = kernels::load_data_sheet(accelerator).profile;
  if (device.peak(job.precision) > 0) return;
  check.problem("precision", fmt::format("{} has no {} units (it has: {}). Choose one of these.", accelerator,
                                         kernels::name_of(job.precision), fmt::join(device.precisions(), ", ")));
}

void check_schedule(Checker& check, const JobSpec& job) {
  if (!check.sound("schedule", "parallel.virtual_stages", "parallel.pp")) return;
  const bool interleaved = job.schedule == ScheduleKind::interleaved;
  if (interleaved && job.parallel.virtual_stages == 1) {
    check.problem("schedule", "interleaved needs virtual_stages of at least 2. Set parallel.virtual_stages, or write schedule: 1f1b.");
  }
  if (interleaved && job.parallel.pp == 1)
    check.problem("schedule", "interleaved needs pp of at least 2. Set parallel.pp, or write schedule: 1f1b.");
  if (!interleaved && job.schedule != ScheduleKind::own && job.parallel.virtual_stages > 1) {
    check.problem("parallel.virtual_stages", fmt::format("virtual_stages {} needs schedule: interleaved. Write that, or virtual_stages: 1.",
                                                         job.parallel.virtual_stages));
  }
}

void check_hosts(Checker& check, const JobSpec& job, const topology::ClusterSpec& cluster) {
  if (job.placement != Placement::list || !check.sound("placement", "gpus")) return;
  const std::set<int> hosts(job.hosts.begin(), job.hosts.end());
  if (hosts.size() != job.hosts.size()) check.problem("placement", "placement names a host twice. Name each once.");
  if (!hosts.empty() && *hosts.rbegin() >= cluster.hosts()) {
    check.problem("placement", fmt::format("placement names host {}, but there are {} (0 to {}).", *hosts.rbegin(), cluster.hosts(),
                                           cluster.hosts() - 1));
  }
  const std::int64_t room = static_cast<std::int64_t>(hosts.size()) * cluster.host.gpus_per_host;
  if (room < job.gpus)
    check.problem("placement",
                  fmt::format("placement names {} hosts with {} GPUs for a job of {}. Name more hosts.", hosts.size(), room, job.gpus));
}

}  // namespace

void check_cluster(const TextNode& tree, Scenario& scenario, Problems& problems) {
  Checker check(tree, "", scenario, problems);
  topology::ClusterSpec& cluster = scenario.cluster;
  const bool hosts_known = check.sound("cluster.gpus", "cluster.host.gpus_per_host") && check.given("cluster.host");
  if (!check.given("cluster.host.scale_up.domain")) cluster.host.scale_up.domain = cluster.host.gpus_per_host;
  if (cluster.host.scale_up.kind != ScaleUpKind::none && check.given("cluster.host.scale_up"))
    check.missing("cluster.host.scale_up.latency", "GPU to GPU");
  if (cluster.host.nics.count > 0 && check.given("cluster.host.nics")) check.missing("cluster.host.nics.latency", "of one NIC");
  if (hosts_known && cluster.hosts() > 1 && !check.given("cluster.fabric")) {
    problems.add_value(tree.nearest("cluster").key_place, "cluster", "fabric",
                       fmt::format("missing key 'fabric' (the network between the {} hosts). Add it.", cluster.hosts()));
  }
  if (!check.given("cluster")) return;
  // Fewer GPUs a host than the preset has would turn its domain into one of several hosts.
  const bool domain_of_preset = check.from_preset("cluster.host.scale_up.domain") && !check.from_preset("cluster.host.gpus_per_host");
  if (hosts_known && domain_of_preset && cluster.host.scale_up.domain > cluster.host.gpus_per_host) {
    const int gpus = cluster.host.gpus_per_host;
    problems.add_value(
        check.node("cluster.host.gpus_per_host").place, "cluster.host", "scale_up.domain",
        fmt::format("gpus_per_host {} is less than the domain of {} GPUs in preset '{}'. Write scale_up: {{domain: {}}} too.", gpus,
                    cluster.host.scale_up.domain, cluster.host.preset, gpus));
  }
  for (const std::string& found : topology::problems(cluster)) {
    const std::size_t colon = std::min(found.find(": "), found.size());
    const std::string path = found.substr(0, colon);
    if (check.sound(path)) check.problem_at(path, found.substr(std::min(colon + 2, found.size())));
  }
  warn_of_scale_up(check, cluster);
  if (cluster.fabric.type != FabricType::torus)  // all links of a chip together
    check_line_rate(check, "cluster.host.nics.bandwidth", cluster.host.nics.bandwidth);
  check_latency(check, "cluster.host.nics.latency", cluster.host.nics.latency);
  warn_of_fabric(check, cluster);
}

void check_job(const TextNode& tree, const std::string& where, Scenario& scenario, JobSpec& job, Problems& problems) {
  Checker check(tree, where, scenario, problems);
  const bool cluster_known = problems.sound("cluster.gpus") && scenario.cluster.gpus > 0;
  if (check.sound("model")) fill_in_model(check, job.model);
  check_model(check, job.model, job.parallel);
  if (check.sound("parallel.rank_order")) check_rank_order(check, job.parallel);
  const bool dp_settled = cluster_known && settle_gpus(check, job);
  settle_encoder(check, job);
  if (check.sound("model")) settle_layers(check, job);
  check_schedule(check, job);
  check_combinations(check, job, scenario.cluster.fabric);
  if (problems.sound("cluster.accelerator")) check_precision(check, job, scenario.cluster.accelerator);
  check_batches(check, job, dp_settled);
  if (problems.sound("cluster")) check_hosts(check, job, scenario.cluster);
  if (job.parallel.tp > scenario.cluster.host.scale_up.domain && problems.sound("cluster.host") && check.sound("parallel.tp") &&
      job.parallel.tp > 1) {
    check.warn("parallel.tp",
               fmt::format("tp {} crosses scale-up domains of {} GPUs", job.parallel.tp, scenario.cluster.host.scale_up.domain));
  }
}

void check_jobs(const TextNode& list, const Scenario& scenario, Problems& problems) {
  std::int64_t gpus = 0;
  std::set<std::string> names;
  std::set<int> hosts;
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i) {
    const JobSpec& job = scenario.jobs[i];
    const TextNode& node = list.children[std::min(i, list.children.size() - 1)];
    const std::string where = fmt::format("jobs.{}", i);
    gpus += job.gpus;
    if (!names.insert(job.name).second)
      problems.add(node.nearest("name").place, where, fmt::format("name '{}' is taken by an earlier job. Choose another.", job.name));
    for (const int host : std::set<int>(job.hosts.begin(), job.hosts.end())) {
      if (hosts.insert(host).second) continue;
      problems.add(node.nearest("placement").place, where, fmt::format("host {} is taken by an earlier job. Name another.", host));
    }
  }
  if (problems.sound("cluster.gpus") && gpus > scenario.cluster.gpus) {
    problems.add(
        list.key_place, "jobs",
        fmt::format("the jobs need {} GPUs, the cluster has {}. Take fewer, or enlarge cluster.gpus.", gpus, scenario.cluster.gpus));
  }
}

}  // namespace workloads

#include "kernels/calibrate/operation.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <cmath>
#include "kernels/collectives/algorithm.hpp"  // reduces
#include "sim/error.hpp"

namespace kernels::calibrate {
namespace {

constexpr std::int64_t longest_side = (std::int64_t{1} << 31) - 1;  // what a BLAS takes
constexpr std::int64_t largest_batch = std::int64_t{1} << 20;
constexpr std::int64_t most_ranks = std::int64_t{1} << 20;
constexpr double most_bytes = 0x1p44;  // 16 TiB: more than a host has

constexpr MemoryKernel all_kernels[] = {MemoryKernel::copy,       MemoryKernel::scale,   MemoryKernel::sum,
                                        MemoryKernel::layer_norm, MemoryKernel::softmax, MemoryKernel::adam};
constexpr CopyWay all_ways[] = {CopyWay::host_to_device, CopyWay::device_to_host, CopyWay::peer};
// Those that a backend runs; a send_receive is a Message.
constexpr CollectiveOp all_collectives[] = {CollectiveOp::all_reduce, CollectiveOp::all_gather, CollectiveOp::reduce_scatter,
                                            CollectiveOp::broadcast, CollectiveOp::all_to_all};
constexpr Direction all_directions[] = {Direction::forward, Direction::backward};

template <class... Each>
struct Overloaded : Each... {
  using Each::operator()...;
};
template <class... Each>
Overloaded(Each...) -> Overloaded<Each...>;

// `from` takes the keys of one kind of operation.
template <class Kind>
Kind read_one(JsonObject& from);

template <>
Product read_one(JsonObject& from) {
  Gemm shape;
  shape.m = from.whole("m", 1, longest_side);
  shape.n = from.whole("n", 1, longest_side);
  shape.k = from.whole("k", 1, longest_side);
  shape.batch = from.whole("batch", 1, largest_batch);
  shape.precision = named(from, "precision", from.text("precision"), all_precisions);
  return {shape};
}

template <>
Attention read_one(JsonObject& from) {
  Attention made;
  made.shape.batch = from.whole("batch", 1, largest_batch);
  made.shape.seq_len = from.whole("seq_len", 1, longest_side);
  made.shape.heads = from.whole("heads", 1, largest_batch);
  made.shape.kv_heads = from.whole("kv_heads", 1, largest_batch);
  made.shape.head_dim = from.whole("head_dim", 1, longest_side);
  made.shape.causal = from.boolean("causal");
  made.direction = named(from, "direction", from.text("direction"), all_directions);
  made.fused = from.boolean("fused");
  made.precision = named(from, "precision", from.text("precision"), all_precisions);
  if (made.shape.heads % made.shape.kv_heads != 0)
    from.problem("heads",
                 fmt::format("{} heads cannot share {} kv_heads evenly. Change one of them.", made.shape.heads, made.shape.kv_heads));
  return made;
}

template <>
MemoryPass read_one(JsonObject& from) {
  return {named(from, "kernel", from.text("kernel"), all_kernels), from.positive("bytes", most_bytes)};
}

template <>
Launch read_one(JsonObject& from) {
  return {from.boolean("of_host")};
}

template <>
Copy read_one(JsonObject& from) {
  return {named(from, "way", from.text("way"), all_ways), from.positive("bytes", most_bytes)};
}

template <>
Collective read_one(JsonObject& from) {
  Collective made;
  made.op = named(from, "op", from.text("op"), all_collectives);
  bool good = true;
  from.list("members", [&](const JsonNode& node, const std::string&) {
    good = good && node.kind == JsonNode::Kind::number && node.number == std::floor(node.number) && node.number < most_ranks &&
           node.number > (made.members.empty() ? -1 : made.members.back());
    if (good) made.members.push_back(static_cast<int>(node.number));
  });
  if (!good || made.members.size() < 2) from.problem("members", "these are no two or more ranks in ascending order. Correct the list.");
  made.bytes = from.positive("bytes", most_bytes);
  return made;
}

template <>
Message read_one(JsonObject& from) {
  Message made;
  made.source = static_cast<int>(from.whole("source", 0, most_ranks));
  made.destination = static_cast<int>(from.whole("destination", 0, most_ranks));
  if (made.source == made.destination) from.problem("destination", "a rank sends no message to itself. Change one of both.");
  made.bytes = from.positive("bytes", most_bytes);
  return made;
}

template <class Kind>
Operation read_kind(JsonObject& from, std::string_view key) {
  JsonObject inner = from.object(key);
  Operation made = read_one<Kind>(inner);
  inner.finish();
  return made;
}

struct KindName {
  std::string_view key;
  Operation (*read)(JsonObject& from, std::string_view key);
};
constexpr KindName kinds[] = {{"product", read_kind<Product>}, {"attention", read_kind<Attention>}, {"memory_pass", read_kind<MemoryPass>},
                              {"launch", read_kind<Launch>},   {"copy", read_kind<Copy>},           {"collective", read_kind<Collective>},
                              {"message", read_kind<Message>}};

}  // namespace

std::string_view name_of(MemoryKernel kernel) {
  constexpr std::string_view names[] = {"copy", "scale", "sum", "layer_norm", "softmax", "adam"};
  return names[static_cast<int>(kernel)];
}

std::string_view name_of(CopyWay way) {
  constexpr std::string_view names[] = {"host_to_device", "device_to_host", "peer"};
  return names[static_cast<int>(way)];
}

double bytes_of_call(const Collective& collective) {
  const bool whole = collective.op == CollectiveOp::all_reduce || collective.op == CollectiveOp::broadcast;
  return whole ? collective.bytes : collective.bytes / static_cast<double>(collective.members.size());
}

std::string size_obstacle(const Operation& operation) {
  double bytes = 0, element = 1;
  if (const auto* collective = std::get_if<Collective>(&operation)) {
    bytes = bytes_of_call(*collective);
    if (collectives::reduces(collective->op)) element = sizeof(float);
  } else if (const auto* message = std::get_if<Message>(&operation)) {
    bytes = message->bytes;
  }
  if (std::fmod(bytes, element) == 0) return "";
  return fmt::format("{} bytes a rank are no whole number of elements of {} bytes.", bytes, element);
}

std::string to_json(const Operation& operation) {
  return std::visit(
      Overloaded{
          [](const Product& p) {
            return fmt::format(R"({{"product":{{"m":{},"n":{},"k":{},"batch":{},"precision":"{}"}}}})", p.shape.m, p.shape.n, p.shape.k,
                               p.shape.batch, kernels::name_of(p.shape.precision));
          },
          [](const Attention& a) {
            return fmt::format(
                R"({{"attention":{{"batch":{},"seq_len":{},"heads":{},"kv_heads":{},"head_dim":{},"causal":{},"direction":"{}","fused":{},"precision":"{}"}}}})",
                a.shape.batch, a.shape.seq_len, a.shape.heads, a.shape.kv_heads, a.shape.head_dim, a.shape.causal,
                kernels::name_of(a.direction), a.fused, kernels::name_of(a.precision));
          },
          [](const MemoryPass& m) { return fmt::format(R"({{"memory_pass":{{"kernel":"{}","bytes":{}}}}})", name_of(m.kernel), m.bytes); },
          [](const Launch& l) { return fmt::format(R"({{"launch":{{"of_host":{}}}}})", l.of_host); },
          [](const Copy& c) { return fmt::format(R"({{"copy":{{"way":"{}","bytes":{}}}}})", name_of(c.way), c.bytes); },
          [](const Collective& c) {
            return fmt::format(R"({{"collective":{{"op":"{}","members":[{}],"bytes":{}}}}})", kernels::name_of(c.op),
                               fmt::join(c.members, ","), c.bytes);
          },
          [](const Message& m) {
            return fmt::format(R"({{"message":{{"source":{},"destination":{},"bytes":{}}}}})", m.source, m.destination, m.bytes);
          }},
      operation);
}

Operation read_operation(const JsonNode& node, const std::string& path, JsonProblems& problems) {
  JsonObject object(node, path, problems);
  std::vector<std::string> known;
  for (const auto& kind : kinds) {
    if (node.keys.size() == 1 && object.has(kind.key)) return kind.read(object, kind.key);
    known.emplace_back(kind.key);
  }
  if (node.kind == JsonNode::Kind::object)
    problems.add(node.line, path,
                 fmt::format("this is no operation (known: {}). Write {{\"product\": {{…}}}} or another one.", fmt::join(known, ", ")));
  return {};
}

Operation parse_operation(std::string_view json, const std::string& where) {
  const JsonNode node = parse_json(json, where);
  JsonProblems problems(where);
  Operation operation = read_operation(node, "", problems);
  problems.throw_if_any();
  return operation;
}

std::string describe(const Operation& operation) {
  return std::visit(
      Overloaded{[](const Product& p) {
                   const std::string batch = p.shape.batch > 1 ? fmt::format("{} of ", p.shape.batch) : "";
                   return fmt::format("product {}{} x {} x {} {}", batch, p.shape.m, p.shape.n, p.shape.k,
                                      kernels::name_of(p.shape.precision));
                 },
                 [](const Attention& a) {
                   return fmt::format("{} attention {} of {} x {} heads of {} {}, {}", a.fused ? "fused" : "unfused", a.shape.batch,
                                      a.shape.seq_len, a.shape.heads, a.shape.head_dim, kernels::name_of(a.precision),
                                      kernels::name_of(a.direction));
                 },
                 [](const MemoryPass& m) { return fmt::format("{} {} B", name_of(m.kernel), m.bytes); },
                 [](const Launch& l) { return std::string(l.of_host ? "launch, host" : "launch, device"); },
                 [](const Copy& c) { return fmt::format("copy {} {} B", name_of(c.way), c.bytes); },
                 [](const Collective& c) { return fmt::format("{} of {} ranks {} B", kernels::name_of(c.op), c.members.size(), c.bytes); },
                 [](const Message& m) { return fmt::format("message {} to {} {} B", m.source, m.destination, m.bytes); }},
      operation);
}

std::vector<int> participants(const Operation& operation) {
  if (const auto* collective = std::get_if<Collective>(&operation)) return collective->members;
  if (const auto* message = std::get_if<Message>(&operation)) return {message->source, message->destination};
  return {};
}

}  // namespace kernels::calibrate

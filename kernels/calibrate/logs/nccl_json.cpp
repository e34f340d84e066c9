#include <fmt/format.h>
#include <charconv>
#include <cmath>
#include <filesystem>
#include "kernels/calibrate/logs/nccl_run.hpp"
#include "kernels/strict_json.hpp"
#include "sim/error.hpp"

namespace kernels::calibrate {
namespace {

using Kind = JsonNode::Kind;

// What the parser says may quote the environment, which nobody shall see in a message: only the line is kept.
JsonNode parse(const std::string& text, const std::string& file) {
  if (text.size() > largest_json)
    throw sim::InputError(fmt::format("{}: the file has {} bytes, more than {}. Run the test without `-I 1`, or for fewer sizes.", file,
                                      text.size(), largest_json));
  try {
    return parse_json(text, file);
  } catch (const sim::InputError& error) {
    int line = 1;
    const std::string_view rest = std::string_view(error.what()).substr(file.size());
    if (rest.starts_with(':')) std::from_chars(rest.data() + 1, rest.data() + rest.size(), line);
    throw sim::InputError(fmt::format("{}:{}: this is no whole JSON. The file may be cut off; give all of it.", file, line));
  }
}

const JsonNode* find(const JsonNode& object, std::string_view key) {
  for (std::size_t i = 0; i < object.keys.size(); ++i)
    if (object.keys[i] == key) return &object.items[i];
  return nullptr;
}

// Six digits at least are printed of each number.
Printed number(JsonObject& from, std::string_view key) {
  const double value = from.number(key);
  return {value, 1e-5 * value + 1e-9};
}

NcclRow read_row(const JsonNode& node, const std::string& path, JsonProblems& problems) {
  JsonObject result(node, path, problems);
  NcclRow row{.line = node.line};
  row.bytes = static_cast<double>(result.whole("size"));
  if (result.has("redop")) row.redop = result.text("redop");
  if (const JsonNode* root = find(node, "root")) {
    int value = 0;
    const bool is_text = root->kind == Kind::text;
    if (is_text ? std::from_chars(root->text.data(), root->text.data() + root->text.size(), value).ec != std::errc()
                : root->kind != Kind::number)
      result.problem("root", "this is no rank. The file is garbled; give it as it was written.");
    row.root = is_text ? value : static_cast<int>(root->number >= 0) - 1;
  }
  JsonObject out_of_place = result.object("out_of_place");
  if (out_of_place.has("cpu_time") && !out_of_place.has("time")) {
    out_of_place.problem("cpu_time", "the host's time (`-C 1`) is not how long the operation takes. Run the test without -C.");
    return row;
  }
  row.time_us = number(out_of_place, "time");
  row.algorithm_GBps = number(out_of_place, "alg_bw");
  row.bus_GBps = number(out_of_place, "bus_bw");
  for (const char* place : {"out_of_place", "in_place"})
    if (const JsonNode* values = find(node, place))
      if (const JsonNode* wrong = find(*values, "nwrong"); wrong && wrong->kind == Kind::number && wrong->number != 0)
        problems.add(wrong->line, path, "values of this run were wrong. Run the test again; the hardware may be faulty.");
  return row;
}

}  // namespace

NcclRun read_nccl_json(const std::string& text, const std::string& file) {
  const JsonNode root = parse(text, file);
  JsonProblems problems(file);
  JsonObject whole(root, "", problems);
  NcclRun run;
  run.file = file;
  if (const JsonNode* arguments = find(root, "args"); arguments && !arguments->items.empty())
    if (const std::string name = std::filesystem::path(arguments->items.front().text).filename().string(); name.ends_with("_perf"))
      run.test = name;
  if (const JsonNode* version = find(root, "nccl_version")) {
    double code = version->number;
    if (version->kind == Kind::text) std::from_chars(version->text.data(), version->text.data() + version->text.size(), code);
    run.nccl = version->text.find('.') != std::string::npos ? version->text.substr(0, version->text.find('+')) : nccl_version(code);
  }
  struct Rank {
    int line, rank, group;
    std::string host, name;
  };
  std::vector<Rank> ranks;
  JsonObject config = whole.object("config");
  config.list("devices", [&](const JsonNode& node, const std::string& path) {
    JsonObject device(node, path, problems);
    constexpr int most = 1 << 20;
    ranks.push_back({node.line, static_cast<int>(device.whole("rank", 0, most)),
                     device.has("group") ? static_cast<int>(device.whole("group", 0, most)) : 0, device.text("hostname"),
                     device.text("device_info")});
  });
  whole.list("results", [&](const JsonNode& node, const std::string& path) { run.rows.push_back(read_row(node, path, problems)); });
  problems.throw_if_any();
  for (const Rank& rank : ranks) run.add_rank(rank.line, rank.rank, rank.group, rank.host, rank.name);
  return run;
}

}  // namespace kernels::calibrate

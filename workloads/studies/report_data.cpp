#include "workloads/studies/report_data.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include "sim/error.hpp"
#include "workloads/hdf5_reader.hpp"
#include "workloads/packet_series.hpp"
#include "workloads/packet_tables.hpp"
#include "workloads/studies/report_links.hpp"
#include "workloads/version.hpp"

namespace workloads {
namespace {

using Json = nlohmann::ordered_json;
using hdf5::Reader;

Json numbers_json(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(std::isnan(value) ? Json() : Json(value));
  return list;
}

void check_length(const Reader& file, const std::string& what, std::size_t length, std::size_t expected) {
  if (length != expected)
    throw sim::InputError(
        fmt::format("{}: {} has {} rows where {} are due. The file is damaged; write it again.", file.path(), what, length, expected));
}

Json parsed(const Reader& file, const std::string& summary) {
  Json json = Json::parse(summary, nullptr, false);
  if (!json.is_object() || !json.contains("step_time_s") || !json.contains("breakdown_s"))
    throw sim::InputError(fmt::format("{}: has a summary that is none. The file is damaged; write it again.", file.path()));
  return json;
}

// A column each, so that ten thousand points stay small.
Json sweep_json(const Reader& file) {
  const std::vector<std::string> status = file.texts_of_labels("/points/status");
  Json axes = Json::object(), figures = Json::object(), breakdown = Json::object();
  for (const std::string& axis : file.texts_attribute("/points/axes", "order")) {
    axes[axis] = file.texts("/points/axes/" + axis);
    check_length(file, axis, axes[axis].size(), status.size());
  }
  for (const std::string& name : file.names("/points")) {
    if (name == "axes" || name == "status" || name == "reason" || name == "summary" || name == "signature") continue;
    figures[name] = numbers_json(file.numbers("/points/" + name));
    check_length(file, name, figures[name].size(), status.size());
  }
  const std::vector<std::string> reasons = file.texts("/points/reason"), summaries = file.texts("/points/summary");
  check_length(file, "reason", reasons.size(), status.size());
  check_length(file, "summary", summaries.size(), status.size());
  for (std::size_t p = 0; p < summaries.size(); ++p) {
    if (summaries[p].empty()) continue;
    const Json summary = parsed(file, summaries[p]);
    for (const auto& [category, seconds] : summary["breakdown_s"].items()) {
      if (!breakdown.contains(category)) breakdown[category] = Json(std::vector<std::nullptr_t>(summaries.size()));
      breakdown[category][p] = seconds;
    }
  }
  return {{"file", file.path()}, {"axes", axes}, {"status", status}, {"reason", reasons}, {"figures", figures}, {"breakdown_s", breakdown}};
}

struct Ops {
  std::vector<double> job, rank, micro_batch, chunk, start, end;
  std::vector<std::string> kind;
};

Ops ops_of(const Reader& file) {
  const auto column = [&](const char* name) { return file.numbers(fmt::format("/ops/{}", name)); };
  Ops ops{column("job"),
          column("rank"),
          column("micro_batch"),
          column("chunk"),
          column("start_ps"),
          column("end_ps"),
          file.texts_of_labels("/ops/kind")};
  for (const auto* c : {&ops.rank, &ops.micro_batch, &ops.chunk, &ops.start, &ops.end})
    check_length(file, "/ops", c->size(), ops.job.size());
  check_length(file, "/ops/kind", ops.kind.size(), ops.job.size());
  return ops;
}

// Pipeline stage of each rank of the first job.
std::map<double, double> stages_of(const Reader& file) {
  const auto job = file.numbers("/ranks/job"), rank = file.numbers("/ranks/rank"), stage = file.numbers("/ranks/pp");
  check_length(file, "/ranks", rank.size(), job.size());
  check_length(file, "/ranks", stage.size(), job.size());
  std::map<double, double> stages;
  for (std::size_t i = 0; i < job.size(); ++i)
    if (job[i] == 0) stages[rank[i]] = stage[i];
  return stages;
}

// The last step of one rank a stage. Kernels and collectives inside a pass are not drawn.
Json timeline_json(const Reader& file, double step_time_s) {
  constexpr std::size_t most_boxes = 40'000;
  const Ops ops = ops_of(file);
  const auto shown = [&](std::size_t i) {
    return ops.job[i] == 0 && ops.kind[i] != "kernel" && ops.kind[i] != "tp_collective" && !ops.kind[i].starts_with("pp_");
  };
  const std::map<double, double> stages = stages_of(file);
  std::map<double, double> rank_of_stage;
  double to = 0;
  for (std::size_t i = 0; i < ops.job.size(); ++i) {
    if (!shown(i)) continue;
    to = std::max(to, ops.end[i]);
    const auto stage = stages.find(ops.rank[i]);
    if (stage == stages.end()) continue;
    const auto place = rank_of_stage.try_emplace(stage->second, ops.rank[i]).first;
    place->second = std::min(place->second, ops.rank[i]);
  }
  const double from = to - step_time_s * 1e12;
  std::map<double, std::size_t> row_of_rank;
  Json rows = Json::array(), boxes = Json::array();
  for (const auto& [stage, rank] : rank_of_stage) {
    row_of_rank[rank] = rows.size();
    rows.push_back({{"rank", rank}, {"stage", stage}});
  }
  std::size_t left_out = 0;
  for (std::size_t i = 0; i < ops.job.size(); ++i) {
    const auto row = row_of_rank.find(ops.rank[i]);
    if (!shown(i) || row == row_of_rank.end() || ops.end[i] <= from) continue;
    if (boxes.size() < most_boxes)
      boxes.push_back(
          {row->second, ops.kind[i], ops.micro_batch[i], ops.chunk[i], (ops.start[i] - from) * 1e-12, (ops.end[i] - from) * 1e-12});
    else
      ++left_out;
  }
  return {{"seconds", step_time_s}, {"rows", rows}, {"boxes", boxes}, {"left_out", left_out}};
}

// The most that each traced rank of the first job ever held.
Json memory_json(const Reader& file) {
  const auto job = file.numbers("/memory/job"), rank = file.numbers("/memory/rank"), bytes = file.numbers("/memory/bytes");
  check_length(file, "/memory", rank.size(), job.size());
  check_length(file, "/memory", bytes.size(), job.size());
  const std::map<double, double> stages = stages_of(file);
  std::map<double, double> peak;
  for (std::size_t i = 0; i < job.size(); ++i)
    if (job[i] == 0) peak[rank[i]] = std::max(peak[rank[i]], bytes[i]);
  Json ranks = Json::array();
  for (const auto& [r, most] : peak)
    ranks.push_back({{"rank", r}, {"stage", stages.contains(r) ? Json(stages.at(r)) : Json()}, {"bytes", most}});
  return ranks;
}

// The fullest traced rank of each stage of the first job, at most eight: the most that it held in each of so many parts of the run.
Json memory_over_time(const Reader& file) {
  constexpr std::size_t most_ranks = 8, bins = 400;
  const auto job = file.numbers("/memory/job"), rank = file.numbers("/memory/rank"), time = file.numbers("/memory/time_ps"),
             bytes = file.numbers("/memory/bytes");
  for (const auto* column : {&rank, &time, &bytes}) check_length(file, "/memory", column->size(), job.size());
  const std::map<double, double> stages = stages_of(file);
  std::map<double, std::pair<double, double>> fullest;  // by stage: bytes and rank
  double end = 1;
  for (std::size_t i = 0; i < job.size(); ++i) {
    if (job[i] != 0 || !stages.contains(rank[i])) continue;
    auto& [most, whose] = fullest.try_emplace(stages.at(rank[i]), -1, 0).first->second;
    if (bytes[i] > most) most = bytes[i], whose = rank[i];
    end = std::max(end, time[i]);
  }
  Json curves = Json::array();
  for (const auto& [stage, full] : fullest) {
    if (curves.size() == most_ranks) break;
    std::vector<double> most(bins, -1);
    double held = -1;
    std::size_t reached = 0;
    for (std::size_t i = 0; i < job.size(); ++i) {  // what is held lasts until the next change, the first also before it
      if (job[i] != 0 || rank[i] != full.second) continue;
      if (held < 0) held = bytes[i];
      const auto bin = std::min(bins - 1, static_cast<std::size_t>(time[i] / end * static_cast<double>(bins)));
      for (; reached < bin; ++reached) most[reached] = std::max(most[reached], held), most[reached + 1] = held;
      most[bin] = std::max(most[bin], bytes[i]);
      held = bytes[i];
    }
    for (; reached + 1 < bins; ++reached) most[reached] = std::max(most[reached], held), most[reached + 1] = held;
    curves.push_back({{"rank", full.second}, {"stage", stage}, {"bytes", most}});
  }
  return {{"seconds", end * 1e-12}, {"ranks", curves}};
}

// Nothing in a fluid network.
Json queues_json(const Reader& file) {
  if (!file.has("/queues") || !file.has("/rates")) return nullptr;
  const PacketSeries series = packet_series(read_queues(file), read_rates(file));
  Json longest = Json::array(), times = Json::array(), slow = Json::array(), median = Json::array(), fast = Json::array();
  for (const PacketSeries::Queue& queue : series.longest) longest.push_back({{"name", queue.name}, {"max_bytes", queue.max_bytes}});
  for (const PacketSeries::Rates& rates : series.rates) {
    times.push_back(rates.time_s);
    slow.push_back(rates.slow);
    median.push_back(rates.median);
    fast.push_back(rates.fast);
  }
  return {{"bin_s", series.bin_s},
          {"bins", series.bins},
          {"longest", longest},
          {"standing_still", series.standing_still},
          {"rates", {{"time_s", times}, {"slow", slow}, {"median", median}, {"fast", fast}}}};
}

Json run_json(const Reader& file) {
  const Json summary = parsed(file, file.texts("/summary").at(0));
  const double last_step = summary["jobs"][0]["steps_s"].back();
  return {{"file", file.path()},
          {"summary", summary},
          {"timeline", timeline_json(file, last_step)},
          {"memory", memory_json(file)},
          {"memory_over_time", memory_over_time(file)},
          {"links", report_links(file)},
          {"queues", queues_json(file)}};
}

// A list of flows has completion times instead of a step.
Json flows_json(const Reader& file, const Json& summary) {
  return {{"file", file.path()}, {"summary", summary}, {"links", report_links(file)}, {"queues", queues_json(file)}};
}

bool is_of_flows(const Reader& file, Json& summary) {
  if (file.has("/points")) return false;
  summary = Json::parse(file.texts("/summary").at(0), nullptr, false);
  return summary.is_object() && summary.contains("makespan_s");
}

std::string title_of(const std::string& path, bool sweep) {
  const std::filesystem::path file = std::filesystem::absolute(path);
  return sweep ? file.parent_path().filename().string() : file.stem().string();
}

}  // namespace

std::string report_data(const std::vector<std::string>& files) {
  Json sweeps = Json::array(), runs = Json::array(), traffic = Json::array();
  std::string title;
  for (const std::string& name : files) {
    std::filesystem::path path = name;
    if (path.extension() == ".csv") path.replace_extension(".h5");
    const Reader file(path.string());
    const bool sweep = file.has("/points");
    if (!sweep && !file.has("/summary"))
      throw sim::InputError(fmt::format("{}: is no trace that is whole, and no results of a sweep. Name a RUN.h5 or a results.h5.", name));
    Json flows;
    const bool of_flows = is_of_flows(file, flows);
    Json& list = sweep ? sweeps : of_flows ? traffic : runs;
    try {
      list.push_back(sweep ? sweep_json(file) : of_flows ? flows_json(file, flows) : run_json(file));
    } catch (const Json::exception& error) {
      throw sim::InputError(fmt::format("{}: its summary lacks what is shown ({}). Was it written by another version? Simulate it again.",
                                        name, error.what()));
    }
    list.back()["name"] = title_of(path.string(), sweep);
    title += (title.empty() ? "" : ", ") + title_of(path.string(), sweep);
  }
  return Json{{"version", version}, {"title", title}, {"sweeps", sweeps}, {"runs", runs}, {"traffic", traffic}}.dump(
      -1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace workloads

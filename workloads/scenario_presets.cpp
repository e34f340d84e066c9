#include "workloads/scenario_presets.hpp"
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <span>
#include "sim/embedded_file.hpp"
#include "sim/error.hpp"
#include "workloads/import/hugging_face.hpp"
#include "workloads/quantity.hpp"

namespace workloads {
namespace embedded {
std::span<const sim::EmbeddedFile> files();
}

namespace {

TextNode scalar(std::string_view key, std::string_view text, const Place& place) {
  return TextNode{.kind = TextNode::Kind::scalar, .text = std::string(text), .key = std::string(key), .place = place, .key_place = place};
}

// The tree of a model file: ours (its `source` key is for readers) or Hugging Face's.
TextNode model_file(std::string_view text, const std::string& source, const std::string& where, Problems& problems,
                    std::vector<std::string>& warnings) {
  std::optional<TextNode> tree = parse_text(text, source, problems);
  if (!tree) return {};
  if (!tree->is_map()) {
    problems.add_value(tree->place, where, "model", "is not a map. Is it a config.json?");
    return {};
  }
  // Some multimodal configs nest the text model.
  if (const TextNode* nested = tree->find("text_config"); nested && nested->is_map()) tree = TextNode(*nested);
  if (is_hugging_face(*tree)) return from_hugging_face(*tree, where, problems, warnings);
  std::erase_if(tree->children, [](const TextNode& child) { return child.key == "source"; });
  return std::move(*tree);
}

TextNode model_by_name(const TextNode& name, const std::string& where, const std::filesystem::path& folder, Problems& problems,
                       std::vector<std::string>& warnings) {
  const auto refuse = [&](const std::string& what) { problems.add_value(name.place, where, "model", what); };
  if (const auto text = embedded_text("models/" + name.text + ".json")) {
    return model_file(*text, "models/" + name.text + ".json", where, problems, warnings);
  }
  if (!looks_like_path(name.text)) {
    const auto known = embedded_names("models");
    refuse(fmt::format("unknown model {} (known: {}, or the path of a config.json).{}", name.shown(), joined(known),
                       did_you_mean(name.text, known)));
    return {};
  }
  const std::filesystem::path path = found_file(name.text, folder);
  if (path.empty()) {
    refuse(fmt::format("model {}: no such file. Name a shipped model (`weftsim list`) or the path of a config.json.", name.shown()));
    return {};
  }
  try {
    TextNode model = model_file(read_text_file(path.string()), path.string(), where, problems, warnings);
    if (model.is_map() && !model.find("name")) {
      const std::string stem = path.stem() == "config" ? path.parent_path().filename().string() : path.stem().string();
      model.children.push_back(scalar("name", stem.empty() ? "config" : stem, name.place));
    }
    return model;
  } catch (const sim::InputError& error) {
    for (const std::string& problem : error.problems()) refuse(problem);
    return {};
  }
}

}  // namespace

std::optional<std::string_view> embedded_text(std::string_view path) {
  for (const sim::EmbeddedFile& file : embedded::files()) {
    if (file.path == path) return file.contents;
  }
  return {};
}

std::vector<std::string> embedded_names(std::string_view folder) {
  std::vector<std::string> names;
  for (const sim::EmbeddedFile& file : embedded::files()) {
    const std::size_t slash = file.path.rfind('/');
    if (file.path.substr(0, slash) != folder) continue;
    const std::string_view name = file.path.substr(slash + 1);
    names.emplace_back(name.substr(0, name.rfind('.')));
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool looks_like_path(std::string_view name) {
  return name.find('/') != std::string_view::npos || name.ends_with(".json") || name.ends_with(".yaml");
}

std::filesystem::path found_file(std::string_view name, const std::filesystem::path& folder) {
  std::error_code error;
  for (const std::filesystem::path& path : {folder / name, std::filesystem::path(name)}) {
    if (std::filesystem::is_regular_file(path, error)) return path;
  }
  return {};
}

namespace {

// Of a file that `weftsim import nccl-topo` or a person wrote; nothing when it cannot be used.
std::optional<TextNode> host_file(const TextNode& preset, const std::string& where, const std::filesystem::path& folder,
                                  Problems& problems) {
  const std::filesystem::path path = found_file(preset.text, folder);
  const auto refuse = [&](std::string_view what) { problems.add_value(preset.place, where, "preset", what); };
  try {
    if (path.empty()) {
      refuse(fmt::format("host preset {}: no such file. Name a shipped host (`weftsim list`) or a file of its keys.", preset.shown()));
    } else if (std::optional<TextNode> tree = parse_text(read_text_file(path.string()), path.string(), problems)) {
      if (tree->is_map()) return tree;
      refuse(fmt::format("host preset {} is not a map of keys. Write gpus_per_host, scale_up and nics.", preset.shown()));
    }
  } catch (const sim::InputError& error) {
    for (const std::string& problem : error.problems()) refuse(problem);
  }
  return {};
}

}  // namespace

TextNode with_host_preset(const TextNode& host, const std::string& where, const std::filesystem::path& folder, Problems& problems) {
  const TextNode* preset = host.find("preset");
  if (preset == nullptr || preset->kind != TextNode::Kind::scalar) return host;
  std::optional<TextNode> lower;
  if (const auto text = embedded_text("hosts/" + preset->text + ".yaml")) {
    lower = parse_text(*text, "hosts/" + preset->text + ".yaml");
  } else if (looks_like_path(preset->text)) {
    lower = host_file(*preset, where, folder, problems);
    if (lower && lower->find("preset") && !looks_like_path(lower->find("preset")->text))
      lower = with_host_preset(*lower, where, folder, problems);
  } else {
    const auto known = embedded_names("hosts");
    problems.add_value(preset->place, where, "preset",
                       fmt::format("unknown host preset {} (known: {}, or the path of a file).{}", preset->shown(), joined(known),
                                   did_you_mean(preset->text, known)));
  }
  if (lower) return merged(std::move(*lower), host);
  for (const char* key : {"gpus_per_host", "scale_up", "nics"}) problems.distrust(where + "." + key);
  return host;
}

TextNode with_model_keys(const TextNode& model, const std::string& where, const std::filesystem::path& folder, Problems& problems,
                         std::vector<std::string>& warnings) {
  TextNode result = model;
  if (model.kind == TextNode::Kind::scalar) {
    result = model_by_name(model, where, folder, problems, warnings);
  } else if (const TextNode* preset = model.find("preset"); preset && preset->kind == TextNode::Kind::scalar) {
    TextNode upper = model;
    std::erase_if(upper.children, [](const TextNode& child) { return child.key == "preset"; });
    TextNode lower = model_by_name(*preset, where, folder, problems, warnings);
    result = lower.is_map() ? merged(std::move(lower), upper) : std::move(lower);
  } else if (is_hugging_face(model)) {
    result = from_hugging_face(model, where, problems, warnings);
  } else if (const TextNode* name = model.find("name"); name && !model.find("layers") && embedded_text("models/" + name->text + ".json")) {
    problems.add_value(
        name->place, where, "model",
        fmt::format("name is only a label, and the model's keys are missing. Write preset: {} to change keys of the shipped model.",
                    name->text));
  }
  result.key = model.key;
  result.key_place = model.key_place;
  return result;
}

}  // namespace workloads

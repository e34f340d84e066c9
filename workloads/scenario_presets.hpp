#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>
#include "workloads/scenario_text.hpp"

// Shipped and foreign files that stand for a part of a scenario, put in as trees before the fields are read,
// so that a preset is overridden key by key.
namespace workloads {

// Contents of "models/gpt3-175b.json" and the like; nothing for an unknown one.
std::optional<std::string_view> embedded_text(std::string_view path);
// Names in a folder, without ending, sorted: "models" -> {"gpt-1.7b", …}.
std::vector<std::string> embedded_names(std::string_view folder);

// `host` with the keys of its preset, a shipped name or the path of a file of such keys (which may name a shipped one), below its own.
// Adds a problem for an unknown preset.
TextNode with_host_preset(const TextNode& host, const std::string& where, const std::filesystem::path& folder, Problems& problems);

// `model` as a map of the keys of ModelSpec: from a shipped name, a config.json of Hugging Face, {preset: either, …},
// or the keys themselves.
TextNode with_model_keys(const TextNode& model, const std::string& where, const std::filesystem::path& folder, Problems& problems,
                         std::vector<std::string>& warnings);

// `name` beside the scenario, or as given; empty when neither is there.
std::filesystem::path found_file(std::string_view name, const std::filesystem::path& folder);
// A name in a list and a path are told apart by a slash or an ending.
bool looks_like_path(std::string_view name);

}  // namespace workloads

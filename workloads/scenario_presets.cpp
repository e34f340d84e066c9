#include "workloads/scenario_presets.hpp"
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <span>
#include "sim/embedded_file.hpp"
#include "sim/error.hpp"
#include "workloads/quantity.hpp"

namespace workloads {
namespace embedded {
std::span<const sim::EmbeddedFile> files();
}

namespace {

// Hosts of INTERFACES whose scale-up network a later release brings.
constexpr std::array later_hosts = {"dgx-1", "mesh-4", "pcie-8"};

TextNode scalar(std::string_view key, std::string_view text, const Place& place) {
  return TextNode{.kind = TextNode::Kind::scalar, .text = std::string(text), .key = std::string(key), .place = place, .key_place = place};
}

// Keys of a Hugging Face config and ours. Later names of one key are tried when the first is absent.
struct Translation {
  std::string_view ours;
  std::array<std::string_view, 2> theirs;
};
constexpr Translation llama_keys[] = {
    {"layers", {"num_hidden_layers", ""}},       {"hidden", {"hidden_size", ""}},
    {"heads", {"num_attention_heads", ""}},      {"kv_heads", {"num_key_value_heads", "num_attention_heads"}},
    {"ffn_hidden", {"intermediate_size", ""}},   {"vocab", {"vocab_size", ""}},
    {"seq_len", {"max_position_embeddings", ""}}};
constexpr Translation gpt2_keys[] = {{"layers", {"n_layer", ""}},
                                     {"hidden", {"n_embd", ""}},
                                     {"heads", {"n_head", ""}},
                                     {"vocab", {"vocab_size", ""}},
                                     {"seq_len", {"n_positions", "n_ctx"}}};

// Translates a config.json (huggingface/transformers, configuration_*.py) into our keys.
class HuggingFaceConfig {
 public:
  HuggingFaceConfig(const TextNode& config, std::string where, Problems& problems, std::vector<std::string>& warnings)
      : config_(config), where_(std::move(where)), problems_(problems), warnings_(warnings) {}

  TextNode translated() {
    TextNode out{.kind = TextNode::Kind::map, .place = config_.place};
    const std::string type = text_of("model_type");
    if (const char* experts = first_of({"num_local_experts", "num_experts", "n_routed_experts"})) {
      refuse(fmt::format("'{}': mixtures of experts are not supported yet. Choose a dense model.", experts));
      return out;
    }
    if (config_.find("kv_lora_rank")) {
      refuse(fmt::format("model_type '{}': latent attention (kv_lora_rank) is not supported yet. Choose another model.", type));
      return out;
    }
    if (type == "gpt2") {
      translate_gpt2(out);
    } else if (config_.find("num_hidden_layers") && config_.find("hidden_size") && config_.find("intermediate_size")) {
      if (type != "llama" && type != "mistral") {
        warnings_.push_back(fmt::format("{}: model_type '{}' is read as llama, which has the same keys", config_.place.text(), type));
      }
      translate_llama(out);
    } else {
      refuse(fmt::format("unknown model_type '{}' (known: gpt2, llama, mistral). Give layers, hidden, heads, … instead.", type));
    }
    return out;
  }

 private:
  std::string text_of(std::string_view key) const {
    const TextNode* node = config_.find(key);
    return node && node->kind == TextNode::Kind::scalar ? node->text : "";
  }
  const char* first_of(std::initializer_list<const char*> keys) const {
    for (const char* key : keys) {
      const TextNode* node = config_.find(key);
      // Dense members of a family of mixtures carry 0 or null.
      if (node && node->kind == TextNode::Kind::scalar && node->text != "0" && node->text != "1") return key;
    }
    return nullptr;
  }
  void refuse(std::string_view what) { problems_.add_value(config_.place, where_, "model", what); }

  void copy(TextNode& out, std::span<const Translation> table) {
    for (const Translation& key : table) {
      const TextNode* found = nullptr;
      for (const std::string_view theirs : key.theirs) {
        const TextNode* node = theirs.empty() ? nullptr : config_.find(theirs);
        if (!found && node && node->kind != TextNode::Kind::null) found = node;
      }
      if (!found) {
        refuse(fmt::format("the config has no '{}'. Is it a complete config.json?", key.theirs[0]));
      } else {
        TextNode copied = *found;
        copied.key = key.ours;
        out.children.push_back(std::move(copied));
      }
    }
  }
  void flag(TextNode& out, std::string_view key, bool value) {
    out.children.push_back(scalar(key, value ? "true" : "false", config_.place));
  }

  void translate_llama(TextNode& out) {
    copy(out, llama_keys);
    const auto hidden = parse_integer(text_of("hidden_size")), heads = parse_integer(text_of("num_attention_heads"));
    if (const auto head = parse_integer(text_of("head_dim")); head && hidden && heads && *head * *heads != *hidden) {
      refuse(fmt::format("head_dim {} times {} heads is not hidden_size {}, which is not supported yet. Choose another model.", *head,
                         *heads, *hidden));
    }
    flag(out, "gated_mlp", true);
    flag(out, "tied_embeddings", text_of("tie_word_embeddings") == "true");
    flag(out, "rms_norm", true);
    flag(out, "linear_bias", false);
    flag(out, "learned_positions", false);
  }
  void translate_gpt2(TextNode& out) {
    copy(out, gpt2_keys);
    const auto hidden = parse_integer(text_of("n_embd"));
    const auto inner = parse_integer(text_of("n_inner"));
    if (hidden && *hidden > 0 && *hidden < 1'000'000'000) {
      out.children.push_back(scalar("ffn_hidden", fmt::format("{}", inner.value_or(4 * *hidden)), config_.place));
    }
  }

  const TextNode& config_;
  std::string where_;
  Problems& problems_;
  std::vector<std::string>& warnings_;
};

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
  if (tree->find("model_type") || tree->find("architectures")) return HuggingFaceConfig(*tree, where, problems, warnings).translated();
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

TextNode with_host_preset(const TextNode& host, const std::string& where, Problems& problems) {
  const TextNode* preset = host.find("preset");
  if (preset == nullptr || preset->kind != TextNode::Kind::scalar) return host;
  const auto text = embedded_text("hosts/" + preset->text + ".yaml");
  if (!text) {
    const auto known = embedded_names("hosts");
    const bool later = std::find(later_hosts.begin(), later_hosts.end(), preset->text) != later_hosts.end();
    problems.add_value(
        preset->place, where, "preset",
        later ? fmt::format("host preset {} is not supported yet (supported: {}).", preset->shown(), joined(known))
              : fmt::format("unknown host preset {} (known: {}).{}", preset->shown(), joined(known), did_you_mean(preset->text, known)));
    for (const char* key : {"gpus_per_host", "scale_up", "nics"}) problems.distrust(where + "." + key);
    return host;
  }
  TextNode lower = parse_text(*text, "hosts/" + preset->text + ".yaml");
  return merged(std::move(lower), host);
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
  } else if (model.find("model_type")) {
    result = HuggingFaceConfig(model, where, problems, warnings).translated();
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

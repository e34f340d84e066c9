#include "kernels/software_profile.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>
#include "sim/embedded_file.hpp"
#include "sim/error.hpp"

namespace kernels {
namespace embedded {
std::span<const sim::EmbeddedFile> files();
}
namespace {
using Json = nlohmann::json;
constexpr std::string_view schema = "weftsim-software/1";
constexpr std::string_view folder = "software/";

template <class T>
struct Field {
  const char* key;
  T SoftwareProfile::*member;
};
using P = SoftwareProfile;
// Every key of the file, in one place: reading, missing and unknown keys follow from these tables.
constexpr Field<bool> switches[] = {{"flash_attention", &P::flash_attention},
                                    {"overlap_tp", &P::overlap_tp},
                                    {"overlap_dp", &P::overlap_dp},
                                    {"overlap_pp", &P::overlap_pp},
                                    {"scatter_gather_p2p", &P::scatter_gather_p2p}};
constexpr Field<double> numbers[] = {{"gemm_factor", &P::gemm_factor},
                                     {"attention_forward_factor", &P::attention_forward_factor},
                                     {"attention_backward_factor", &P::attention_backward_factor},
                                     {"kernel_gap_s", &P::kernel_gap_s},
                                     {"host_op_s", &P::host_op_s},
                                     {"host_collective_s", &P::host_collective_s},
                                     {"p2p_sync_s", &P::p2p_sync_s},
                                     {"forward_kernels", &P::forward_kernels},
                                     {"backward_kernels", &P::backward_kernels},
                                     {"embedding_kernels", &P::embedding_kernels},
                                     {"head_kernels", &P::head_kernels},
                                     {"optimizer_kernels", &P::optimizer_kernels},
                                     {"layer_norm_forward", &P::layer_norm_forward},
                                     {"layer_norm_backward", &P::layer_norm_backward},
                                     {"residual_forward", &P::residual_forward},
                                     {"residual_backward", &P::residual_backward},
                                     {"activation_forward", &P::activation_forward},
                                     {"activation_backward", &P::activation_backward},
                                     {"transpose_forward", &P::transpose_forward},
                                     {"transpose_backward", &P::transpose_backward},
                                     {"context_copy", &P::context_copy},
                                     {"score_forward", &P::score_forward},
                                     {"score_backward", &P::score_backward},
                                     {"embedding_forward", &P::embedding_forward},
                                     {"embedding_backward", &P::embedding_backward},
                                     {"cross_entropy_forward", &P::cross_entropy_forward},
                                     {"cross_entropy_backward", &P::cross_entropy_backward},
                                     {"gradient_accumulation_bytes", &P::gradient_accumulation_bytes},
                                     {"optimizer_step_bytes", &P::optimizer_step_bytes},
                                     {"gradient_bytes", &P::gradient_bytes},
                                     {"gradient_bucket_bytes", &P::gradient_bucket_bytes},
                                     {"step_time_sigma", &P::step_time_sigma}};

class Reader {
 public:
  Reader(const Json& json, std::string file) : json_(json), file_(std::move(file)) {}

  // {"value": …, "source": "…"}: a number without a source is not accepted.
  const Json* value_of(const char* key) {
    known_.push_back(key);
    const auto it = json_.find(key);
    if (it == json_.end()) return complain(key, "is missing", "Add it, or start from a shipped profile");
    if (!it->is_object() || !it->contains("value") || !it->contains("source") || !(*it)["source"].is_string() || it->size() != 2)
      return complain(key, "is no {\"value\": …, \"source\": \"…\"}", "Say where the number comes from");
    return &(*it)["value"];
  }
  void read(const Field<bool>& field, SoftwareProfile& profile) {
    const Json* value = value_of(field.key);
    if (value && !value->is_boolean()) value = complain(field.key, "is neither true nor false", "Write true or false");
    if (value) profile.*field.member = value->get<bool>();
  }
  void read(const Field<double>& field, SoftwareProfile& profile) {
    const Json* value = value_of(field.key);
    if (value && !(value->is_number() && value->get<double>() >= 0 && value->get<double>() < 1e12))
      value = complain(field.key, "is no number from 0 to 1e12", "Write one");
    if (value) profile.*field.member = value->get<double>();
  }
  std::string text(const char* key) {
    known_.push_back(key);
    const auto it = json_.find(key);
    if (it != json_.end() && it->is_string()) return it->get<std::string>();
    complain(key, "is missing or no string", "Add it");
    return {};
  }
  void finish() {
    for (const auto& [key, unused] : json_.items())
      if (std::find(known_.begin(), known_.end(), key) == known_.end()) complain(key.c_str(), "is unknown", "Remove it");
    if (!problems_.empty()) throw sim::InputError(problems_);
  }
  const Json* complain(const char* key, const char* what, const char* advice) {
    problems_.push_back(fmt::format("{}: software profile: '{}' {}. {}.", file_, key, what, advice));
    return nullptr;
  }

 private:
  const Json& json_;
  std::string file_;
  std::vector<std::string> known_, problems_;
};

std::string contents_of(std::string_view name_or_path, std::string& place) {
  for (const sim::EmbeddedFile& file : embedded::files())
    if (file.path == fmt::format("{}{}.json", folder, name_or_path)) return place = file.path, std::string(file.contents);
  place = name_or_path;
  std::error_code ignored;
  const auto size = std::filesystem::file_size(place, ignored);
  std::ifstream in(place, std::ios::binary);
  if (ignored || !in)
    throw sim::InputError(fmt::format("software profile '{}' is neither shipped (known: {}) nor a file. Choose one of them.", name_or_path,
                                      fmt::join(shipped_software_profiles(), ", ")));
  if (size > (1u << 20)) throw sim::InputError(fmt::format("{}: software profile: larger than 1 MiB. Give a profile, not data.", place));
  return {std::istreambuf_iterator<char>(in), {}};
}

// A profile is flat: deep nesting is refused before it costs memory.
Json parse(const std::string& text, const std::string& place) {
  try {
    return Json::parse(text, [&](int depth, Json::parse_event_t, Json&) {
      if (depth > 8) throw sim::InputError(fmt::format("{}: software profile: nested too deeply. Write one object of key: value.", place));
      return true;
    });
  } catch (const Json::parse_error& error) {
    throw sim::InputError(fmt::format("{}: software profile: not JSON ({}). Is the file whole?", place, error.what()));
  }
}

}  // namespace

SoftwareProfile load_software_profile(std::string_view name_or_path) {
  std::string place;
  const std::string text = contents_of(name_or_path, place);
  const Json json = parse(text, place);
  if (!json.is_object()) throw sim::InputError(fmt::format("{}: software profile: no JSON object. Write one object of key: value.", place));
  Reader reader(json, place);
  SoftwareProfile profile;
  if (const std::string found = reader.text("schema"); found != schema)
    reader.complain("schema", "is not one that this version reads", "Use weftsim-software/1 or a newer weftsim");
  profile.name = reader.text("name");
  profile.description = reader.text("description");
  for (const auto& field : switches) reader.read(field, profile);
  for (const auto& field : numbers) reader.read(field, profile);
  reader.finish();
  return profile;
}

std::vector<std::string> shipped_software_profiles() {
  std::vector<std::string> names;
  for (const sim::EmbeddedFile& file : embedded::files())
    if (file.path.starts_with(folder)) names.emplace_back(file.path.substr(folder.size(), file.path.size() - folder.size() - 5));
  return names;
}

}  // namespace kernels

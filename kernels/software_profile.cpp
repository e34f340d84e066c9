#include "kernels/software_profile.hpp"
#include <fmt/format.h>
#include <span>
#include "kernels/strict_json.hpp"
#include "sim/embedded_file.hpp"
#include "sim/error.hpp"

namespace kernels {
namespace embedded {
std::span<const sim::EmbeddedFile> files();
}
namespace {
constexpr std::string_view schema = "weftsim-software/1";
constexpr std::string_view folder = "software/", ending = ".json";
constexpr double largest = 1e12;

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

// Each value is {"value": …, "source": "…"}: a number without a source is not accepted.
void read(JsonObject& top, const Field<bool>& field, SoftwareProfile& profile) {
  JsonObject entry = top.object(field.key);
  profile.*field.member = entry.boolean("value");
  entry.text("source");
  entry.finish();
}
void read(JsonObject& top, const Field<double>& field, SoftwareProfile& profile) {
  JsonObject entry = top.object(field.key);
  profile.*field.member = entry.number("value", 0, largest);
  entry.text("source");
  entry.finish();
}

SoftwareProfile parse(std::string_view json, const std::string& file) {
  const JsonNode node = parse_json(json, file);
  JsonProblems problems(file);
  JsonObject top(node, "", problems);
  SoftwareProfile profile;
  if (const std::string found = top.text("schema"); top.has("schema") && found != schema)
    top.problem("schema", fmt::format("'{}' is not '{}', the one that this version reads. Use that, or a newer weftsim.", found, schema));
  profile.name = top.text("name");
  profile.description = top.text("description");
  for (const auto& field : switches) read(top, field, profile);
  for (const auto& field : numbers) read(top, field, profile);
  top.finish();
  problems.throw_if_any();
  return profile;
}

}  // namespace

SoftwareProfile load_software_profile(std::string_view name_or_path) {
  for (const sim::EmbeddedFile& file : embedded::files())
    if (file.path == fmt::format("{}{}{}", folder, name_or_path, ending)) return parse(file.contents, "kernels/" + std::string(file.path));
  const std::string path(name_or_path);
  if (path.find('/') == std::string::npos && !path.ends_with(ending)) {
    const auto names = shipped_software_profiles();
    throw sim::InputError(
        fmt::format("software '{}': no shipped profile has this name (shipped: {}).{} Write one of them, or the path of a .json file.",
                    path, fmt::join(names, ", "), did_you_mean(path, names)));
  }
  return parse(read_file(path, largest_json), path);
}

std::vector<std::string> shipped_software_profiles() {
  std::vector<std::string> names;
  for (const sim::EmbeddedFile& file : embedded::files())
    if (file.path.starts_with(folder))
      names.emplace_back(file.path.substr(folder.size(), file.path.size() - folder.size() - ending.size()));
  return names;
}

}  // namespace kernels

#include "kernels/software_profile.hpp"
#include <fmt/format.h>
#include <algorithm>
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
constexpr Field<double> numbers[] = {{"tp_overlap_chunks", &P::tp_overlap_chunks},
                                     {"overlap_slowdown", &P::overlap_slowdown},
                                     {"overlap_collective_slowdown", &P::overlap_collective_slowdown},
                                     {"gemm_factor", &P::gemm_factor},
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
                                     {"fp8_forward_kernels", &P::fp8_forward_kernels},
                                     {"fp8_backward_kernels", &P::fp8_backward_kernels},
                                     {"layer_norm_forward", &P::layer_norm_forward},
                                     {"layer_norm_backward", &P::layer_norm_backward},
                                     {"residual_forward", &P::residual_forward},
                                     {"residual_backward", &P::residual_backward},
                                     {"activation_forward", &P::activation_forward},
                                     {"activation_backward", &P::activation_backward},
                                     {"transpose_forward", &P::transpose_forward},
                                     {"transpose_backward", &P::transpose_backward},
                                     {"rotary_forward", &P::rotary_forward},
                                     {"rotary_backward", &P::rotary_backward},
                                     {"context_copy", &P::context_copy},
                                     {"score_forward", &P::score_forward},
                                     {"score_backward", &P::score_backward},
                                     {"embedding_forward", &P::embedding_forward},
                                     {"embedding_backward", &P::embedding_backward},
                                     {"cross_entropy_forward", &P::cross_entropy_forward},
                                     {"cross_entropy_backward", &P::cross_entropy_backward},
                                     {"fp8_cast", &P::fp8_cast},
                                     {"gradient_accumulation_bytes", &P::gradient_accumulation_bytes},
                                     {"shard_copy_bytes", &P::shard_copy_bytes},
                                     {"optimizer_step_bytes", &P::optimizer_step_bytes},
                                     {"gradient_bytes", &P::gradient_bytes},
                                     {"gradient_bucket_bytes", &P::gradient_bucket_bytes},
                                     {"gradient_bucket_bytes_per_rank", &P::gradient_bucket_bytes_per_rank},
                                     {"step_time_sigma", &P::step_time_sigma}};

// Each value is {"value": …, "source": "…"}: a number without a source is not accepted.
void read(JsonObject& top, const Field<bool>& field, SoftwareProfile& profile, JsonProblems&) {
  JsonObject entry = top.object(field.key);
  profile.*field.member = entry.boolean("value");
  entry.text("source");
  entry.finish();
}

// A number may have "except": [{"device": …, "fp8_recipe": …, "head_dim": …, "value": …, "source": …}, …].
void read(JsonObject& top, const Field<double>& field, SoftwareProfile& profile, JsonProblems& problems) {
  std::erase_if(profile.exceptions, [&](const SoftwareException& e) { return e.member == field.member; });
  JsonObject entry = top.object(field.key);
  profile.*field.member = entry.number("value", 0, largest);
  entry.text("source");
  const auto read_exception = [&](const JsonNode& node, const std::string& path) {
    JsonObject exception(node, path, problems);
    SoftwareException e{.member = field.member, .where = {}, .value = exception.number("value", 0, largest)};
    if (exception.has("device")) e.where.device = exception.text("device");
    if (exception.has("fp8_recipe")) e.where.fp8_recipe = exception.text("fp8_recipe");
    if (exception.has("head_dim")) e.where.head_dim = static_cast<int>(exception.whole("head_dim", 1, 1 << 20));
    exception.text("source");
    exception.finish();
    profile.exceptions.push_back(std::move(e));
  };
  if (entry.has("except")) entry.list("except", read_exception);
  entry.finish();
}

// With "based_on" only what differs from a shipped profile is said.
SoftwareProfile parse(std::string_view json, const std::string& file) {
  const JsonNode node = parse_json(json, file);
  JsonProblems problems(file);
  JsonObject top(node, "", problems);
  SoftwareProfile profile;
  if (const std::string found = top.text("schema"); top.has("schema") && found != schema)
    top.problem("schema", fmt::format("'{}' is not '{}', the one that this version reads. Use that, or a newer weftsim.", found, schema));
  const bool based = top.has("based_on");
  if (based) {
    const std::string base = top.text("based_on");
    const auto shipped = shipped_software_profiles();
    if (std::find(shipped.begin(), shipped.end(), base) != shipped.end() && file != fmt::format("kernels/{}{}{}", folder, base, ending))
      profile = load_software_profile(base);
    else
      top.problem("based_on", fmt::format("'{}' is no other shipped profile (shipped: {}).{} Write one of them.", base,
                                          fmt::join(shipped, ", "), did_you_mean(base, shipped)));
  }
  profile.name = top.text("name");
  profile.description = top.text("description");
  const auto read_all = [&](const auto& fields) {
    for (const auto& field : fields)
      if (!based || top.has(field.key)) read(top, field, profile, problems);
  };
  read_all(switches);
  read_all(numbers);
  top.finish();
  problems.throw_if_any();
  return profile;
}

bool fits(const SoftwareCase& wanted, const SoftwareCase& here) {
  return here.device.starts_with(wanted.device) && (wanted.fp8_recipe.empty() || wanted.fp8_recipe == here.fp8_recipe) &&
         (wanted.head_dim == 0 || wanted.head_dim == here.head_dim);
}

}  // namespace

SoftwareProfile SoftwareProfile::in(const SoftwareCase& here) const {
  SoftwareProfile profile = *this;
  profile.exceptions.clear();
  for (const SoftwareException& e : exceptions)
    if (fits(e.where, here)) profile.*e.member = e.value;
  return profile;
}

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

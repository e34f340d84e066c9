#include "workloads/import/model_file.hpp"
#include <fmt/format.h>
#include <filesystem>
#include "sim/error.hpp"
#include "workloads/import/hugging_face.hpp"
#include "workloads/scenario_reader.hpp"

namespace workloads {

ImportedPart import_hugging_face(const std::string& path) {
  TextNode file = parse_text(read_text_file(path), path);
  const TextNode* inner = file.find("text_config");
  if (!file.is_map() || !is_hugging_face(inner && inner->is_map() ? *inner : file))
    throw sim::InputError(fmt::format("{}: has neither model_type nor architectures. Give a config.json of Hugging Face.", path));
  ImportedPart result;
  ModelSpec model =
      read_model({.kind = TextNode::Kind::scalar, .text = std::filesystem::absolute(path).string(), .place = file.place}, result.left_out);
  model.head_dim = model.head_size();
  result.yaml = fmt::format("# From {}.\n{}", path, to_yaml(model));
  return result;
}

}  // namespace workloads

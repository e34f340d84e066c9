#pragma once
#include <string>
#include <vector>
#include "workloads/scenario_text.hpp"

namespace workloads {

// Is this map a config.json of Hugging Face transformers?
bool is_hugging_face(const TextNode& config);

// The same model in our keys. What a config has and we do not understand is named in a warning, never dropped in silence;
// mixtures of experts and latent attention are problems. `where`: path of the model in the scenario.
TextNode from_hugging_face(const TextNode& config, const std::string& where, Problems& problems, std::vector<std::string>& warnings);

}  // namespace workloads

#pragma once
#include <string>
#include <string_view>
#include <vector>

// For error messages of every room.
namespace sim {

// The known word nearest to `word` by Damerau-Levenshtein distance (insert, delete, replace, swap
// neighbours); empty when none is near enough to be a slip: up to a third of the letters, at least one.
std::string nearest_word(std::string_view word, const std::vector<std::string>& known);

// " Did you mean 'x'?" or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace sim

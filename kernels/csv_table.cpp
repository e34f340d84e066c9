#include "kernels/csv_table.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <cmath>
#include "kernels/strict_json.hpp"  // read_file, did_you_mean
#include "sim/error.hpp"

namespace kernels {

CsvTable CsvTable::read(const std::string& path) { return CsvTable(read_file(path, std::size_t{1} << 30), path); }

CsvTable::CsvTable(std::string text, std::string file) : file_(std::move(file)), text_(std::move(text)) {
  if (const auto nul = text_.find('\0'); nul != std::string::npos)
    throw sim::InputError(fmt::format("{}:{}: there is a NUL byte, so this is no text. Give a CSV file.", file_,
                                      1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(nul), '\n')));
  split();
}

// One field from `at`; afterwards text_[return value] is a comma, a line end, or the end of the text.
std::size_t CsvTable::split_field(std::size_t at, int line, Field& field) const {
  field.quoted = at < text_.size() && text_[at] == '"';
  if (!field.quoted) {
    field.begin = at;
    field.end = std::min(text_.find_first_of(",\n\"", at), text_.size());
    if (field.end < text_.size() && text_[field.end] == '"')
      throw sim::InputError(
          fmt::format("{}:{}: a quote inside an unquoted field. Quote the whole field and double the quote.", file_, line));
    const std::size_t stop = field.end;
    if (stop > at && text_[stop - 1] == '\r' && (stop == text_.size() || text_[stop] == '\n')) --field.end;
    return stop;
  }
  field.begin = at + 1;
  for (std::size_t end = text_.find('"', at + 1); end != std::string::npos; end = text_.find('"', end + 2)) {
    if (end + 1 < text_.size() && text_[end + 1] == '"') continue;
    field.end = end;
    std::size_t stop = end + 1;
    if (stop < text_.size() && text_[stop] == '\r' && (stop + 1 == text_.size() || text_[stop + 1] == '\n')) ++stop;
    if (stop == text_.size() || text_[stop] == ',' || text_[stop] == '\n') return stop;
    throw sim::InputError(fmt::format("{}:{}: text follows a closing quote. Double the quotes inside a quoted field.", file_, line));
  }
  throw sim::InputError(fmt::format("{}:{}: a quoted field is never closed. Add the closing quote.", file_, line));
}

void CsvTable::split() {
  std::size_t at = text_.starts_with("\xEF\xBB\xBF") ? 3 : 0;  // byte order mark
  int line = 1;
  for (bool header = true; at < text_.size(); header = false) {
    const int first_line = line;
    const std::size_t first_field = fields_.size();
    for (bool more = true; more;) {
      Field field;
      const std::size_t stop = split_field(at, line, field);
      line += static_cast<int>(
          std::count(text_.begin() + static_cast<std::ptrdiff_t>(at), text_.begin() + static_cast<std::ptrdiff_t>(stop), '\n'));
      fields_.push_back(field);
      more = stop < text_.size() && text_[stop] == ',';
      at = stop + 1;
    }
    ++line;
    const std::size_t count = fields_.size() - first_field;
    if (count == 1 && fields_.back().begin == fields_.back().end && !fields_.back().quoted) {
      fields_.pop_back();  // an empty line
      if (header) throw sim::InputError(fmt::format("{}:{}: the first line is empty. Write the column names there.", file_, first_line));
    } else if (header) {
      for (std::size_t i = 0; i < count; ++i) {
        const std::string name = unquoted(fields_[i]);
        if (name.empty() || has(name))
          throw sim::InputError(fmt::format("{}:{}: column {} has {}. Give each column a name of its own.", file_, first_line, i + 1,
                                            name.empty() ? "no name" : "the name '" + name + "' of another"));
        columns_.push_back(name);
      }
      fields_.clear();
    } else if (count != columns_.size()) {
      throw sim::InputError(fmt::format("{}:{}: {} fields where the first line names {} columns. Quote fields that contain a comma.", file_,
                                        first_line, count, columns_.size()));
    } else {
      lines_.push_back(first_line);
    }
  }
  if (columns_.empty()) throw sim::InputError(file_ + ": the file is empty. Its first line must name the columns.");
}

bool CsvTable::has(std::string_view name) const { return std::find(columns_.begin(), columns_.end(), name) != columns_.end(); }

std::size_t CsvTable::column(std::string_view name) const {
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found != columns_.end()) return static_cast<std::size_t>(found - columns_.begin());
  throw sim::InputError(fmt::format("{}:1: column '{}' is missing (there are: {}).{} Add it.", file_, name, fmt::join(columns_, ", "),
                                    did_you_mean(name, columns_)));
}

std::string CsvTable::unquoted(const Field& field) const {
  std::string plain = text_.substr(field.begin, field.end - field.begin);
  if (field.quoted)
    for (std::size_t quote = plain.find("\"\""); quote != std::string::npos; quote = plain.find("\"\"", quote + 1)) plain.erase(quote, 1);
  return plain;
}

std::string CsvTable::text(std::size_t row, std::size_t column) const { return unquoted(fields_[row * columns_.size() + column]); }

double CsvTable::number(std::size_t row, std::size_t column) const {
  const std::string cell = text(row, column);
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc{} || end != cell.data() + cell.size() || !std::isfinite(value))
    throw sim::InputError(fmt::format("{}: column '{}': '{}' is no number. Correct the field.", place(row), columns_[column], cell));
  return value;
}

double CsvTable::positive(std::size_t row, std::size_t column) const {
  const double value = number(row, column);
  if (value <= 0)
    throw sim::InputError(fmt::format("{}: column '{}': {} must be above zero. Correct the field.", place(row), columns_[column], value));
  return value;
}

std::int64_t CsvTable::whole(std::size_t row, std::size_t column) const {
  const double value = number(row, column);
  if (value < 1 || value > 9e15 || value != std::floor(value))
    throw sim::InputError(
        fmt::format("{}: column '{}': {} is no whole number above zero. Correct the field.", place(row), columns_[column], value));
  return static_cast<std::int64_t>(value);
}

}  // namespace kernels

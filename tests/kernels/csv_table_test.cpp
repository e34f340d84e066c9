#include "kernels/csv_table.hpp"
#include <gmock/gmock.h>
#include "sim/error.hpp"

using kernels::CsvTable;
using testing::HasSubstr;

namespace {

std::string message_of(const std::string& text) {
  try {
    CsvTable(text, "t.csv");
  } catch (const sim::InputError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST(CsvTable, fields_are_found_by_name) {
  const CsvTable table("a,b\n1,2\n3,4\n", "t.csv");
  ASSERT_EQ(table.rows(), 2u);
  EXPECT_EQ(table.number(1, table.column("b")), 4);
  EXPECT_EQ(table.line(1), 3);
}

// A quoted field may hold commas, doubled quotes and a line end, which counts for the lines that follow.
TEST(CsvTable, quotes_protect_commas_quotes_and_lines) {
  const CsvTable table("a,b\r\n\"x, \"\"y\"\"\nz\",1\r\nq,2\r\n", "t.csv");
  EXPECT_EQ(table.text(0, 0), "x, \"y\"\nz");
  EXPECT_EQ(table.text(1, 0), "q");
  EXPECT_EQ(table.number(0, 1), 1);
  EXPECT_EQ(table.line(1), 4);
}

TEST(CsvTable, empty_fields_empty_lines_and_a_missing_last_line_end_are_fine) {
  const CsvTable table(
      "\xEF\xBB\xBF"
      "a,b\n\n,2\n1,",
      "t.csv");
  ASSERT_EQ(table.rows(), 2u);
  EXPECT_EQ(table.text(0, 0), "");
  EXPECT_EQ(table.text(1, 1), "");
}

TEST(CsvTable, broken_files_are_refused_with_their_line) {
  EXPECT_EQ(message_of(""), "t.csv: the file is empty. Its first line must name the columns.");
  EXPECT_EQ(message_of("a,b\n1,2\n3\n"), "t.csv:3: 1 fields where the first line names 2 columns. Quote fields that contain a comma.");
  EXPECT_EQ(message_of("a,a\n"), "t.csv:1: column 2 has the name 'a' of another. Give each column a name of its own.");
  EXPECT_EQ(message_of("a,b\n1,\"2\n"), "t.csv:2: a quoted field is never closed. Add the closing quote.");
  EXPECT_EQ(message_of("a,b\n1,\"2\"x\n"), "t.csv:2: text follows a closing quote. Double the quotes inside a quoted field.");
  EXPECT_EQ(message_of("a,b\n1,2\"\n"), "t.csv:2: a quote inside an unquoted field. Quote the whole field and double the quote.");
  EXPECT_EQ(message_of(std::string("a,b\n1,\0\n", 8)), "t.csv:2: there is a NUL byte, so this is no text. Give a CSV file.");
}

TEST(CsvTable, wrong_fields_are_refused_with_line_and_column) {
  const CsvTable table("size,time\n1.5,abc\n-1,nan\n", "t.csv");
  const auto says = [](auto read) -> std::string {
    try {
      read();
    } catch (const sim::InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(says([&] { table.number(0, 1); }), "t.csv:2: column 'time': 'abc' is no number. Correct the field.");
  EXPECT_EQ(says([&] { table.number(1, 1); }), "t.csv:3: column 'time': 'nan' is no number. Correct the field.");
  EXPECT_EQ(says([&] { table.whole(0, 0); }), "t.csv:2: column 'size': 1.5 is no whole number above zero. Correct the field.");
  EXPECT_EQ(says([&] { table.positive(1, 0); }), "t.csv:3: column 'size': -1 must be above zero. Correct the field.");
  EXPECT_THAT(says([&] { table.column("tme"); }),
              HasSubstr("t.csv:1: column 'tme' is missing (there are: size, time). Did you mean 'time'?"));
  EXPECT_THAT(says([&] { CsvTable::read("/no/such.csv"); }), HasSubstr("/no/such.csv: there is no such file."));
}

#include "client/cli/table.h"

#include <algorithm>
#include <ostream>

#include "client/cli/terminal_text.h"

namespace countersign::cli {

Table::Table(std::vector<std::string> headings) { rows_.push_back(std::move(headings)); }

void Table::Add(std::vector<std::string> cells) {
  cells.resize(rows_.front().size());
  for (std::string& cell : cells) cell = EscapeLine(cell);
  rows_.push_back(std::move(cells));
}

void Table::Print(std::ostream& out, size_t columns) const {
  std::vector<size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - Width(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << Shorten(line, columns) << '\n';
  }
}

}  // namespace countersign::cli

#ifndef COUNTERSIGN_CLIENT_CLI_TABLE_H_
#define COUNTERSIGN_CLIENT_CLI_TABLE_H_

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

namespace countersign::cli {

// Rows in aligned columns under headings. Cells are escaped when they are added. Not thread-safe.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  // As many cells as there are headings.
  void Add(std::vector<std::string> cells);
  bool empty() const { return rows_.size() == 1; }
  // Cuts lines that are wider than `columns`.
  void Print(std::ostream& out, size_t columns = std::string::npos) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_TABLE_H_

#ifndef COUNTERSIGN_CORE_FINDING_SQL_TEXT_H_
#define COUNTERSIGN_CORE_FINDING_SQL_TEXT_H_

#include <string>
#include <string_view>

namespace countersign::finding {

// What a text does to a database, judged by its words. Reads too much rather than too little: a word within a
// text counts too.
struct SqlVerdict {
  enum class Does {
    kReads,
    kChanges,
    kOpaque,
    kRuns,     // Makes the client or the server run programs, or the client read or write files.
    kWeakens,  // Changes the server's settings, who may do what, the type of what is stored, or overwrites
               // rows.
    kDestroys,
  };
  Does does = Does::kReads;
  std::string what;  // destroys data with DROP DATABASE
};

// Total. Texts for other databases than SQL ones, such as db.dropDatabase(), are judged by the same words.
SqlVerdict JudgeSql(std::string_view text);

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_SQL_TEXT_H_

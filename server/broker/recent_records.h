#ifndef COUNTERSIGN_SERVER_BROKER_RECENT_RECORDS_H_
#define COUNTERSIGN_SERVER_BROKER_RECENT_RECORDS_H_

#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "server/base/mutex.h"
#include "server/storage/store.h"

namespace countersign::broker {

// The records that this broker wrote or read last, so that the next transition of a proposal needs no read
// before its write. Never an authority: whoever decides on a record from here commits by compare-and-set on
// its version, and looks again before refusing anything. Bounded; the least recently used goes first.
// Thread-safe.
class RecentRecords {
 public:
  explicit RecentRecords(size_t capacity) : capacity_(capacity) {}

  // Null when there is none.
  std::shared_ptr<const storage::Record> Find(std::string_view id) ABSL_LOCKS_EXCLUDED(mutex_);
  // Keeps the one with the higher version.
  void Put(std::string_view id, std::shared_ptr<const storage::Record> record) ABSL_LOCKS_EXCLUDED(mutex_);
  void Erase(std::string_view id) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    std::string id;
    std::shared_ptr<const storage::Record> record;
  };
  const size_t capacity_;
  base::Mutex mutex_;
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);  // Most recently used first.
  std::map<std::string, std::list<Entry>::iterator, std::less<>> index_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace countersign::broker

#endif  // COUNTERSIGN_SERVER_BROKER_RECENT_RECORDS_H_

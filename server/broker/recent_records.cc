#include "server/broker/recent_records.h"

#include <utility>

namespace countersign::broker {

std::shared_ptr<const storage::Record> RecentRecords::Find(std::string_view id) {
  base::MutexLock lock(&mutex_);
  const auto found = index_.find(id);
  if (found == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->record;
}

void RecentRecords::Put(std::string_view id, std::shared_ptr<const storage::Record> record) {
  base::MutexLock lock(&mutex_);
  const auto found = index_.find(id);
  if (found != index_.end()) {
    if (found->second->record->version < record->version) found->second->record = std::move(record);
    entries_.splice(entries_.begin(), entries_, found->second);
    return;
  }
  entries_.push_front({std::string(id), std::move(record)});
  index_.emplace(entries_.front().id, entries_.begin());
  if (entries_.size() <= capacity_) return;
  index_.erase(entries_.back().id);
  entries_.pop_back();
}

void RecentRecords::Erase(std::string_view id) {
  base::MutexLock lock(&mutex_);
  const auto found = index_.find(id);
  if (found == index_.end()) return;
  entries_.erase(found->second);
  index_.erase(found);
}

}  // namespace countersign::broker

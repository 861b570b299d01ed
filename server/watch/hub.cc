#include "server/watch/hub.h"

#include <algorithm>
#include <optional>

#include "core/error/error.h"

namespace countersign::watch {
namespace {

// How long after its deadline a waiter is answered even though no read could be started or none came back.
constexpr std::chrono::seconds kAnswerGrace{2};
// After the executor refused a read.
constexpr std::chrono::milliseconds kRefusedPause{20};
// So many answers are given on the thread that brings the news; more go to the executor.
constexpr size_t kInlineAnswers = 64;

absl::Status NotFound() {
  return error::Make(v1::NOT_FOUND, "there is no such proposal, or none that you may see");
}

absl::Status Draining() {
  return error::WithRetryDelay(
      error::Make(v1::OVERLOADED, "this broker is stopping; wait again, another one will answer"),
      absl::Milliseconds(100));
}

absl::Status TooMany() {
  return error::WithRetryDelay(
      error::Make(v1::OVERLOADED, "this broker has as many waiting calls as it can hold; try again"),
      absl::Seconds(5));
}

// States only grow along a proposal's life, so a smaller one is old news that was overtaken.
bool HasLeft(v1::Proposal::State now, v1::Proposal::State awaited) { return now > awaited; }

}  // namespace

Hub::Hub(Options options, storage::Store* store, const base::Clock* clock, base::Executor* executor)
    : options_(std::move(options)), store_(store), clock_(clock), executor_(executor) {
  base::MutexLock lock(&mutex_);
  next_poll_ = options_.steady_now() + options_.poll_interval;
}

Hub::~Hub() {
  Shutdown();
  if (thread_.joinable()) thread_.join();
  base::MutexLock lock(&mutex_);
  while (jobs_ > 0) idle_.Wait(&mutex_);
}

void Hub::Start() {
  thread_ = std::thread([this] { Run(); });
}

Hub::WaiterId Hub::Wait(std::string proposal_id, v1::Proposal::State while_state, SteadyTime deadline,
                        MaySee may_see, Done done) {
  Waiter waiter{.proposal_id = std::move(proposal_id),
                .while_state = while_state,
                .deadline = deadline,
                .may_see = std::move(may_see),
                .done = std::move(done)};
  WaiterId id = 0;
  const absl::Status registered = Register(&waiter, &id);
  if (registered.ok()) {
    StartReading();
  } else {
    waiter.done(registered);
  }
  return id;
}

absl::Status Hub::Register(Waiter* waiter, WaiterId* id) {
  base::MutexLock lock(&mutex_);
  *id = next_id_++;
  if (stopping_) return Draining();
  if (waiters_.size() >= options_.max_waiters) return TooMany();
  std::vector<WaiterId>& siblings = by_proposal_[waiter->proposal_id];
  waiter->index = siblings.size();
  siblings.push_back(*id);
  deadlines_.emplace(waiter->deadline, *id);
  if (deadlines_.begin()->second == *id) wake_.NotifyOne();
  waiters_.emplace(*id, std::move(*waiter));
  to_look_.push_back(*id);
  return absl::OkStatus();
}

void Hub::Cancel(WaiterId id) {
  std::vector<Answer> answers;
  {
    base::MutexLock lock(&mutex_);
    if (!waiters_.contains(id)) return;
    answers.push_back({ClaimLocked(id), absl::CancelledError("the wait was cancelled"), nullptr});
  }
  Deliver(std::move(answers));
}

void Hub::OnChanged(const storage::Record& record) {
  constexpr std::string_view kPrefix = "proposals/";
  const std::string& name = record.proposal.name();
  if (name.size() <= kPrefix.size()) return;
  std::vector<Answer> answers;
  {
    base::MutexLock lock(&mutex_);
    const auto found = by_proposal_.find(name.substr(kPrefix.size()));
    if (found == by_proposal_.end()) return;
    std::vector<WaiterId> moved;
    for (const WaiterId id : found->second) {
      if (HasLeft(record.proposal.state(), waiters_.at(id).while_state)) moved.push_back(id);
    }
    if (moved.empty()) return;
    const auto proposal = std::make_shared<const v1::Proposal>(record.proposal);
    for (const WaiterId id : moved) answers.push_back({ClaimLocked(id), absl::OkStatus(), proposal});
  }
  Deliver(std::move(answers));
}

void Hub::OnNotified(const std::vector<std::string>& ids, bool catch_up) {
  {
    base::MutexLock lock(&mutex_);
    for (const std::string& id : ids) {
      if (by_proposal_.contains(id)) notified_.insert(id);
    }
    if (catch_up) next_poll_ = options_.steady_now();
  }
  if (catch_up) {
    Tick();
  } else {
    StartReading();
  }
}

void Hub::Tick() {
  const SteadyTime now = options_.steady_now();
  std::vector<Answer> answers;
  {
    base::MutexLock lock(&mutex_);
    ExpireLocked(now, &answers);
    if (now >= next_poll_) {
      next_poll_ = now + options_.poll_interval;
      to_look_.insert(to_look_.end(), look_again_.begin(), look_again_.end());
      look_again_.clear();
      if (polling_) {
        poll_again_ = true;
      } else if (!by_proposal_.empty()) {
        polling_ = true;
        poll_after_.clear();
      }
    }
  }
  Deliver(std::move(answers));
  StartReading();
}

void Hub::ExpireLocked(SteadyTime now, std::vector<Answer>* answers) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const WaiterId id = deadlines_.begin()->second;
    Waiter& waiter = waiters_.at(id);
    if (waiter.expired) {
      const absl::Status late = error::WithRetryDelay(
          error::Make(v1::OVERLOADED, "the proposal could not be read in time; wait again"),
          absl::Seconds(1));
      answers->push_back({ClaimLocked(id), late, nullptr});
      continue;
    }
    // Those whose time is over are read together.
    waiter.expired = true;
    deadlines_.erase(deadlines_.begin());
    waiter.deadline = now + options_.read_timeout + kAnswerGrace;
    deadlines_.emplace(waiter.deadline, id);
    to_look_.push_back(id);
  }
}

void Hub::Shutdown() {
  std::vector<Answer> answers;
  {
    base::MutexLock lock(&mutex_);
    stopping_ = true;
    answers = ClaimAllLocked(Draining());
    to_look_.clear();
    look_again_.clear();
    notified_.clear();
    polling_ = poll_again_ = false;
    wake_.NotifyAll();
  }
  Deliver(std::move(answers));
}

size_t Hub::waiting() const {
  base::MutexLock lock(&mutex_);
  return waiters_.size();
}

void Hub::Run() {
  for (;;) {
    Tick();
    base::MutexLock lock(&mutex_);
    if (stopping_) return;
    SteadyTime next = next_poll_;
    if (!deadlines_.empty()) next = std::min(next, deadlines_.begin()->first);
    if (HasWorkLocked() && !reading_) next = std::min(next, options_.steady_now() + kRefusedPause);
    wake_.WaitUntil(&mutex_, next);
    if (stopping_) return;
  }
}

Hub::Waiter Hub::ClaimLocked(WaiterId id) {
  const auto found = waiters_.find(id);
  Waiter waiter = std::move(found->second);
  waiters_.erase(found);
  deadlines_.erase({waiter.deadline, id});
  const auto siblings = by_proposal_.find(waiter.proposal_id);
  const WaiterId last = siblings->second.back();
  siblings->second.pop_back();
  if (last != id) {
    siblings->second[waiter.index] = last;
    waiters_.at(last).index = waiter.index;
  }
  if (siblings->second.empty()) by_proposal_.erase(siblings);
  return waiter;
}

std::vector<Hub::Answer> Hub::ClaimAllLocked(const absl::Status& status) {
  std::vector<Answer> answers;
  answers.reserve(waiters_.size());
  for (auto& [id, waiter] : waiters_) answers.push_back({std::move(waiter), status, nullptr});
  waiters_.clear();
  by_proposal_.clear();
  deadlines_.clear();
  return answers;
}

bool Hub::HasWorkLocked() const { return !notified_.empty() || !to_look_.empty() || polling_; }

void Hub::StartReading() {
  {
    base::MutexLock lock(&mutex_);
    if (reading_ || stopping_ || !HasWorkLocked()) return;
    reading_ = true;
    ++jobs_;
  }
  if (executor_->TrySubmit([this] { Read(); })) return;
  base::MutexLock lock(&mutex_);
  reading_ = false;
  --jobs_;
  wake_.NotifyOne();  // The timer thread tries again soon.
  idle_.NotifyAll();
}

void Hub::Read() {
  Batch batch;
  while (TakeBatch(&batch)) {
    if (!batch.looks.empty()) ReadLooks(batch);
    if (!batch.watched.empty()) ReadMoved(batch);
    batch = Batch();
  }
  base::MutexLock lock(&mutex_);
  --jobs_;
  idle_.NotifyAll();
}

// False, with `reading_` reset under the same lock, when nothing is left to do.
bool Hub::TakeBatch(Batch* batch) {
  base::MutexLock lock(&mutex_);
  while (!stopping_ && HasWorkLocked()) {
    if (!notified_.empty()) {
      for (auto next = notified_.begin();
           next != notified_.end() && batch->watched.size() < options_.batch;) {
        const auto found = by_proposal_.find(*next);
        if (found != by_proposal_.end()) AddWatchedLocked(found->first, found->second, &batch->watched);
        notified_.erase(next++);
      }
    } else if (!to_look_.empty()) {
      TakeLooksLocked(batch);
    } else {
      TakePollLocked(batch);
    }
    if (!batch->looks.empty() || !batch->watched.empty()) return true;
  }
  reading_ = false;
  return false;
}

void Hub::TakeLooksLocked(Batch* batch) {
  while (!to_look_.empty() && batch->looks.size() < options_.batch) {
    const WaiterId id = to_look_.front();
    to_look_.pop_front();
    const auto found = waiters_.find(id);
    if (found == waiters_.end()) continue;
    batch->looks.push_back({id, found->second.proposal_id, found->second.may_see});
  }
}

void Hub::TakePollLocked(Batch* batch) {
  batch->polled = true;
  auto next = by_proposal_.upper_bound(poll_after_);
  for (; next != by_proposal_.end() && batch->watched.size() < options_.batch; ++next) {
    AddWatchedLocked(next->first, next->second, &batch->watched);
    poll_after_ = next->first;
  }
  if (next == by_proposal_.end()) {
    polling_ = std::exchange(poll_again_, false) && !by_proposal_.empty();
    poll_after_.clear();
  }
}

void Hub::AddWatchedLocked(const std::string& proposal_id, const std::vector<WaiterId>& waiters,
                           std::vector<storage::Watched>* watched) const {
  const size_t first = watched->size();
  for (const WaiterId id : waiters) {
    const v1::Proposal::State state = waiters_.at(id).while_state;
    const bool known =
        std::any_of(watched->begin() + static_cast<std::ptrdiff_t>(first), watched->end(),
                    [state](const storage::Watched& other) { return other.while_state == state; });
    if (!known) watched->push_back({proposal_id, state});
  }
}

void Hub::ReadLooks(const Batch& batch) {
  std::vector<std::string> ids;
  ids.reserve(batch.looks.size());
  for (const Look& look : batch.looks) ids.push_back(look.proposal_id);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  absl::StatusOr<std::vector<storage::Record>> records = store_->GetMany(ids, ReadDeadline());

  absl::flat_hash_map<std::string, std::shared_ptr<const v1::Proposal>> proposals;
  if (records.ok()) {
    for (storage::Record& record : *records) {
      const std::string id = record.proposal.name().substr(record.proposal.name().find('/') + 1);
      proposals.emplace(id, std::make_shared<const v1::Proposal>(std::move(record.proposal)));
    }
  }
  std::vector<bool> visible(batch.looks.size(), true);
  for (size_t i = 0; i < batch.looks.size(); ++i) {
    const auto found = proposals.find(batch.looks[i].proposal_id);
    if (found != proposals.end()) visible[i] = batch.looks[i].may_see(*found->second);
  }

  std::vector<Answer> answers;
  {
    base::MutexLock lock(&mutex_);
    for (size_t i = 0; i < batch.looks.size(); ++i) {
      const WaiterId id = batch.looks[i].id;
      const auto waiter = waiters_.find(id);
      if (waiter == waiters_.end()) continue;
      const auto found = proposals.find(batch.looks[i].proposal_id);
      if (!records.ok()) {
        if (waiter->second.expired) {
          answers.push_back({ClaimLocked(id), records.status(), nullptr});
        } else {
          look_again_.push_back(id);
        }
      } else if (found == proposals.end() || !visible[i]) {
        answers.push_back({ClaimLocked(id), NotFound(), nullptr});
      } else if (waiter->second.expired || found->second->state() != waiter->second.while_state) {
        answers.push_back({ClaimLocked(id), absl::OkStatus(), found->second});
      }
    }
  }
  Deliver(std::move(answers));
}

void Hub::ReadMoved(const Batch& batch) {
  absl::StatusOr<std::vector<storage::Record>> records = store_->ListMoved(batch.watched, ReadDeadline());
  if (!records.ok()) {
    // Nobody is answered: the next poll looks again, and at its deadline each waiter learns what is wrong.
    if (!batch.polled) return;
    base::MutexLock lock(&mutex_);
    polling_ = poll_again_ = false;
    poll_after_.clear();
    return;
  }
  std::vector<Answer> answers;
  {
    base::MutexLock lock(&mutex_);
    for (storage::Record& record : *records) {
      const auto found =
          by_proposal_.find(record.proposal.name().substr(record.proposal.name().find('/') + 1));
      if (found == by_proposal_.end()) continue;
      std::vector<WaiterId> moved;
      for (const WaiterId id : found->second) {
        if (waiters_.at(id).while_state != record.proposal.state()) moved.push_back(id);
      }
      const auto proposal = std::make_shared<const v1::Proposal>(std::move(record.proposal));
      for (const WaiterId id : moved) answers.push_back({ClaimLocked(id), absl::OkStatus(), proposal});
    }
  }
  Deliver(std::move(answers));
}

absl::Time Hub::ReadDeadline() const { return clock_->Now() + absl::FromChrono(options_.read_timeout); }

void Hub::Deliver(std::vector<Answer> answers) {
  const size_t here = std::min(answers.size(), kInlineAnswers);
  if (answers.size() > here) {
    const auto rest = std::make_shared<std::vector<Answer>>(std::move(answers));
    {
      base::MutexLock lock(&mutex_);
      ++jobs_;
    }
    const auto finish = [this, rest] {
      DeliverRange(rest.get(), kInlineAnswers, rest->size());
      base::MutexLock lock(&mutex_);
      --jobs_;
      idle_.NotifyAll();
    };
    const bool queued = executor_->TrySubmit(finish);
    DeliverRange(rest.get(), 0, here);
    if (!queued) finish();
    return;
  }
  DeliverRange(&answers, 0, here);
}

void Hub::DeliverRange(std::vector<Answer>* answers, size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i) {
    Answer& answer = (*answers)[i];
    if (!answer.status.ok()) {
      answer.waiter.done(std::move(answer.status));
    } else if (!answer.waiter.may_see(*answer.proposal)) {
      answer.waiter.done(NotFound());
    } else {
      answer.waiter.done(*answer.proposal);
    }
    answer.waiter = Waiter();  // Whatever the callback holds goes with it.
  }
}

}  // namespace countersign::watch

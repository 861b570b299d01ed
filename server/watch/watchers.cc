#include "server/watch/watchers.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/error/error.h"
#include "server/base/timestamps.h"

namespace countersign::watch {
namespace {

// After the executor refused a read.
constexpr std::chrono::milliseconds kRefusedPause{20};
constexpr size_t kForgetAtLeast = 1024;

std::string IdOf(const v1::Proposal& proposal) {
  return proposal.name().substr(proposal.name().find('/') + 1);
}

absl::Status TooSlow() {
  return error::WithRetryDelay(
      error::Make(v1::OVERLOADED, "the stream is read too slowly; watch again with the last resume token"),
      absl::Seconds(1));
}

absl::Status Draining() {
  return error::WithRetryDelay(
      error::Make(v1::OVERLOADED, "this broker is stopping; watch again with the last resume token"),
      absl::Milliseconds(100));
}

absl::Status TooMany() {
  return error::WithRetryDelay(
      error::Make(v1::OVERLOADED, "this broker has as many watchers as it can hold; try again"),
      absl::Seconds(5));
}

Position At(absl::Time time) {
  return Position{.listing = false, .listed = std::nullopt, .time = time, .id = ""};
}

bool Before(const Position& a, const Position& b) { return std::tie(a.time, a.id) < std::tie(b.time, b.id); }

}  // namespace

Session::Session(Watchers* watchers, Sink* sink, std::string target,
                 std::function<bool(const v1::Proposal&)> may_see, std::function<absl::Status()> permitted,
                 Position start, SteadyTime now)
    : watchers_(watchers),
      target_(std::move(target)),
      may_see_(std::move(may_see)),
      permitted_(std::move(permitted)),
      sink_(sink),
      phase_(start.listing ? Phase::kListing : Phase::kCatchingUp),
      claimed_(start),
      next_page_(std::move(start)),
      last_queued_(now) {}

void Session::OnWritten(bool ok) {
  bool ended = false;
  bool wants_page = false;
  {
    base::MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok) {
      FinishLocked(absl::CancelledError("the caller went away"));
      ended = true;
    } else {
      WriteNextLocked();
      wants_page = AskForPageLocked();
    }
  }
  if (ended) watchers_->Remove(this);
  if (wants_page) watchers_->WantPage(shared_from_this());
}

void Session::Finish(absl::Status status) {
  {
    base::MutexLock lock(&mutex_);
    FinishLocked(std::move(status));
  }
  watchers_->Remove(this);
}

void Session::Detach() {
  {
    base::MutexLock lock(&mutex_);
    sink_ = nullptr;
  }
  watchers_->Remove(this);
  watchers_->Leave();
}

bool Session::Wants(const v1::Proposal& proposal) const {
  return (target_.empty() || proposal.action().target() == target_) && may_see_(proposal);
}

void Session::Offer(const std::shared_ptr<const storage::Record>& record, const Position& claim) {
  const bool wanted = Wants(record->proposal);
  bool cut_off = false;
  {
    base::MutexLock lock(&mutex_);
    claimed_ = claim;
    if (!wanted || sink_ == nullptr) return;
    const std::string id = IdOf(record->proposal);
    const absl::Time update_time = base::ToTime(record->proposal.update_time());
    const auto known = sent_.find(id);
    if (known != sent_.end() && known->second.version >= record->version) return;
    if (update_time > claim.time) sent_[id] = Sent{record->version, update_time};
    if (sent_.size() >= forget_at_) ForgetLocked(claim.time);
    if (queue_.size() >= watchers_->options_.max_queued) {
      FinishLocked(TooSlow());
      cut_off = true;
    } else {
      QueueLocked({record, claim}, watchers_->options_.steady_now());
    }
  }
  if (cut_off) watchers_->Remove(this);
}

void Session::SignOfLife(SteadyTime now, const Position* live_claim) {
  base::MutexLock lock(&mutex_);
  if (sink_ == nullptr || writing_ || !queue_.empty()) return;
  if (now - last_queued_ < watchers_->options_.sign_of_life) return;
  QueueLocked({nullptr, live_claim != nullptr ? *live_claim : claimed_}, now);
}

bool Session::AskForPageLocked() {
  if (sink_ == nullptr || phase_ == Phase::kLive || page_asked_) return false;
  if (queue_.size() + watchers_->PageSize() > watchers_->options_.max_queued) return false;
  page_asked_ = true;
  return true;
}

void Session::QueueLocked(Queued message, SteadyTime now) {
  last_queued_ = now;
  queue_.push_back(std::move(message));
  WriteNextLocked();
}

void Session::WriteNextLocked() {
  if (sink_ == nullptr || writing_ || queue_.empty()) return;
  const Queued next = std::move(queue_.front());
  queue_.pop_front();
  writing_ = true;
  sink_->Write({next.record, EncodeResumeToken(watchers_->options_.token_key, target_, next.position)});
}

void Session::FinishLocked(absl::Status status) {
  if (sink_ != nullptr) std::exchange(sink_, nullptr)->Finish(std::move(status));
  queue_.clear();
  sent_.clear();
}

void Session::ForgetLocked(absl::Time before) {
  absl::erase_if(sent_, [before](const auto& entry) { return entry.second.update_time <= before; });
  forget_at_ = std::max(kForgetAtLeast, 2 * sent_.size());
}

Watchers::Watchers(Options options, storage::Store* store, const base::Clock* clock, base::Executor* executor)
    : options_(std::move(options)), store_(store), clock_(clock), executor_(executor) {
  base::MutexLock lock(&mutex_);
  next_poll_ = options_.steady_now() + options_.poll_interval;
}

Watchers::~Watchers() {
  Shutdown();
  if (thread_.joinable()) thread_.join();
  base::MutexLock lock(&mutex_);
  while (reading_) idle_.Wait(&mutex_);
}

void Watchers::Start() {
  thread_ = std::thread([this] { Run(); });
}

absl::StatusOr<std::shared_ptr<Session>> Watchers::Watch(std::string_view resume_token, std::string target,
                                                         MaySee may_see, Permitted permitted, Sink* sink) {
  Position start = At(clock_->Now() - options_.slack);
  start.listing = true;
  if (!resume_token.empty()) {
    absl::StatusOr<Position> position = DecodeResumeToken(options_.token_key, target, resume_token);
    if (!position.ok()) return position.status();
    start = *std::move(position);
  }
  // The constructor is private: sessions come from here only.
  const std::shared_ptr<Session> session(new Session(this, sink, std::move(target), std::move(may_see),
                                                     std::move(permitted), std::move(start),
                                                     options_.steady_now()));
  {
    base::MutexLock lock(&mutex_);
    if (stopping_) return Draining();
    if (places_taken_ >= options_.max_watchers) return TooMany();
    ++places_taken_;
    sessions_.emplace(session.get(), session);
  }
  bool wants_page = false;
  {
    base::MutexLock lock(&session->mutex_);
    wants_page = session->AskForPageLocked();
  }
  if (wants_page) WantPage(session);
  return session;
}

void Watchers::OnChanged(const storage::Record& record) {
  std::shared_ptr<const Sessions> live;
  Position claim;
  {
    base::MutexLock lock(&mutex_);
    if (live_->empty()) return;
    live = live_;
    claim = LiveClaimLocked();
  }
  const auto shared = std::make_shared<const storage::Record>(record);
  for (const auto& session : *live) session->Offer(shared, claim);
}

void Watchers::OnNotified(const std::vector<std::string>& ids, bool catch_up) {
  {
    base::MutexLock lock(&mutex_);
    if (live_->empty()) return;
    notified_.insert(ids.begin(), ids.end());
    if (catch_up) scan_wanted_ = true;
  }
  StartReading();
}

void Watchers::Tick() {
  const SteadyTime now = options_.steady_now();
  std::shared_ptr<const Sessions> live;
  Sessions all;
  Position claim;
  {
    base::MutexLock lock(&mutex_);
    if (now >= next_poll_) {
      next_poll_ = now + options_.poll_interval;
      if (!live_->empty()) scan_wanted_ = true;
      pages_wanted_.insert(pages_wanted_.end(), pages_failed_.begin(), pages_failed_.end());
      pages_failed_.clear();
      for (const auto& [key, session] : sessions_) all.push_back(session);
      live = live_;
      claim = LiveClaimLocked();
    }
  }
  const absl::flat_hash_set<std::shared_ptr<Session>> is_live =
      live == nullptr ? absl::flat_hash_set<std::shared_ptr<Session>>()
                      : absl::flat_hash_set<std::shared_ptr<Session>>(live->begin(), live->end());
  for (const auto& session : all) {
    absl::Status permitted = session->permitted_();
    if (!permitted.ok()) {
      session->Finish(std::move(permitted));
    } else {
      session->SignOfLife(now, is_live.contains(session) ? &claim : nullptr);
    }
  }
  StartReading();
}

void Watchers::Shutdown() {
  Sessions all;
  {
    base::MutexLock lock(&mutex_);
    stopping_ = true;
    for (const auto& [key, session] : sessions_) all.push_back(session);
    notified_.clear();
    pages_wanted_.clear();
    pages_failed_.clear();
    scan_wanted_ = false;
    wake_.NotifyAll();
  }
  for (const auto& session : all) session->Finish(Draining());
}

size_t Watchers::watching() const {
  base::MutexLock lock(&mutex_);
  return sessions_.size();
}

void Watchers::Run() {
  for (;;) {
    Tick();
    base::MutexLock lock(&mutex_);
    if (stopping_) return;
    SteadyTime next = next_poll_;
    if (HasWorkLocked() && !reading_) next = std::min(next, options_.steady_now() + kRefusedPause);
    wake_.WaitUntil(&mutex_, next);
    if (stopping_) return;
  }
}

void Watchers::WantPage(std::shared_ptr<Session> session) {
  {
    base::MutexLock lock(&mutex_);
    if (stopping_) return;
    pages_wanted_.push_back(std::move(session));
  }
  StartReading();
}

void Watchers::Remove(const Session* session) {
  base::MutexLock lock(&mutex_);
  if (sessions_.erase(session) == 0) return;
  const auto is_it = [session](const std::shared_ptr<Session>& other) { return other.get() == session; };
  if (std::none_of(live_->begin(), live_->end(), is_it)) return;
  auto live = std::make_shared<Sessions>(*live_);
  live->erase(std::remove_if(live->begin(), live->end(), is_it), live->end());
  live_ = std::move(live);
}

void Watchers::Leave() {
  base::MutexLock lock(&mutex_);
  --places_taken_;
}

bool Watchers::HasWorkLocked() const { return !notified_.empty() || scan_wanted_ || !pages_wanted_.empty(); }

void Watchers::StartReading() {
  {
    base::MutexLock lock(&mutex_);
    if (reading_ || stopping_ || !HasWorkLocked()) return;
    reading_ = true;
  }
  if (executor_->TrySubmit([this] { Read(); })) return;
  base::MutexLock lock(&mutex_);
  reading_ = false;
  wake_.NotifyOne();  // The timer thread tries again soon.
  idle_.NotifyAll();
}

void Watchers::Read() {
  while (ReadOnce()) {
  }
}

// One of each, so that nothing starves. False, with `reading_` reset as the last thing, when nothing is left.
bool Watchers::ReadOnce() {
  std::vector<std::string> ids;
  bool scan = false;
  std::shared_ptr<Session> session;
  {
    base::MutexLock lock(&mutex_);
    if (stopping_ || !HasWorkLocked()) {
      reading_ = false;
      idle_.NotifyAll();
      return false;
    }
    ids.assign(notified_.begin(), notified_.end());
    notified_.clear();
    scan = std::exchange(scan_wanted_, false);
    if (!pages_wanted_.empty()) {
      session = std::move(pages_wanted_.front());
      pages_wanted_.pop_front();
    }
  }
  if (!ids.empty()) ReadNotified(ids);
  if (scan) ReadUpdated();
  if (session != nullptr) ReadPage(session);
  return true;
}

void Watchers::ReadNotified(const std::vector<std::string>& ids) {
  absl::StatusOr<std::vector<storage::Record>> records = store_->GetMany(ids, ReadDeadline());
  if (!records.ok()) return;  // The next read of what was updated brings them.
  for (const storage::Record& record : *records) OnChanged(record);
}

void Watchers::ReadUpdated() {
  std::shared_ptr<const Sessions> live;
  Position claim;
  {
    base::MutexLock lock(&mutex_);
    live = live_;
    claim = LiveClaimLocked();
  }
  if (live->empty()) return;
  const absl::Time began = clock_->Now();
  Position next = claim;
  for (;;) {
    const auto records = store_->ListUpdated(next.time, next.id, options_.page_size, ReadDeadline());
    if (!records.ok()) return;  // The watermark stays, so the next read repeats this one.
    for (const storage::Record& record : *records) {
      const auto shared = std::make_shared<const storage::Record>(record);
      for (const auto& session : *live) session->Offer(shared, claim);
    }
    if (records->size() < static_cast<size_t>(options_.page_size)) break;
    next.time = base::ToTime(records->back().proposal.update_time());
    next.id = IdOf(records->back().proposal);
  }
  base::MutexLock lock(&mutex_);
  watermark_ = began;
}

void Watchers::ReadPage(const std::shared_ptr<Session>& session) {
  Position from;
  absl::Time crossed;
  {
    base::MutexLock lock(&session->mutex_);
    if (session->sink_ == nullptr) return;
    from = session->next_page_;
    crossed = session->crossed_;
  }
  const absl::Status read = from.listing ? ReadListed(session, from) : ReadCatchUp(session, from, crossed);
  if (!read.ok()) {
    base::MutexLock lock(&mutex_);
    pages_failed_.push_back(session);
    return;
  }
  bool wants_page = false;
  {
    base::MutexLock lock(&session->mutex_);
    session->page_asked_ = false;
    wants_page = session->AskForPageLocked();
  }
  if (wants_page) WantPage(session);
}

absl::Status Watchers::ReadListed(const std::shared_ptr<Session>& session, Position from) {
  storage::ListFilter filter;
  filter.states = {v1::Proposal::PENDING};
  const auto records = store_->List(filter, from.listed, static_cast<int>(PageSize()), ReadDeadline());
  if (!records.ok()) return records.status();
  for (const storage::Record& record : *records) {
    from.listed = storage::ListCursor{base::ToTime(record.proposal.create_time()), IdOf(record.proposal)};
    session->Offer(std::make_shared<const storage::Record>(record), from);
  }
  if (records->size() < PageSize()) from = At(from.time);
  base::MutexLock lock(&session->mutex_);
  session->next_page_ = from;
  session->claimed_ = from;
  if (!from.listing) session->phase_ = Session::Phase::kCatchingUp;
  return absl::OkStatus();
}

absl::Status Watchers::ReadCatchUp(const std::shared_ptr<Session>& session, Position from,
                                   absl::Time crossed) {
  const absl::Time began = clock_->Now();
  const auto records = store_->ListUpdated(from.time, from.id, static_cast<int>(PageSize()), ReadDeadline());
  if (!records.ok()) return records.status();
  for (const storage::Record& record : *records) {
    Position place = At(base::ToTime(record.proposal.update_time()));
    place.id = IdOf(record.proposal);
    if (place.time > began - options_.slack) crossed = std::min(crossed, began);
    from = place;
    // Commits that were late for the page cannot lie before this.
    const Position settled = At(std::min(crossed, began) - options_.slack);
    session->Offer(std::make_shared<const storage::Record>(record), Before(place, settled) ? place : settled);
  }
  const bool caught_up = records->size() < PageSize();
  if (caught_up && crossed != absl::InfiniteFuture() && began - crossed > options_.slack) {
    // So slow a reader that commits may have come late behind it: once more from where that is possible.
    from = At(crossed - options_.slack);
    crossed = absl::InfiniteFuture();
  } else if (caught_up) {
    GoLive(session, std::min(crossed, began));
    return absl::OkStatus();
  }
  base::MutexLock lock(&session->mutex_);
  session->next_page_ = from;
  session->crossed_ = crossed;
  return absl::OkStatus();
}

void Watchers::GoLive(const std::shared_ptr<Session>& session, absl::Time read_began) {
  {
    base::MutexLock lock(&session->mutex_);
    session->phase_ = Session::Phase::kLive;
  }
  base::MutexLock lock(&mutex_);
  if (!sessions_.contains(session.get())) return;
  watermark_ = live_->empty() ? read_began : std::min(watermark_, read_began);
  auto live = std::make_shared<Sessions>(*live_);
  live->push_back(session);
  live_ = std::move(live);
}

Position Watchers::LiveClaimLocked() const { return At(watermark_ - options_.slack); }

size_t Watchers::PageSize() const {
  return std::max<size_t>(1, std::min(static_cast<size_t>(options_.page_size), options_.max_queued / 2));
}

absl::Time Watchers::ReadDeadline() const { return clock_->Now() + absl::FromChrono(options_.read_timeout); }

}  // namespace countersign::watch

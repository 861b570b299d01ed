#ifndef COUNTERSIGN_SERVER_APP_LOG_H_
#define COUNTERSIGN_SERVER_APP_LOG_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/base/clock.h"

namespace spdlog {
class logger;
}

namespace countersign::app {

enum class Level { kDebug, kInfo, kWarning, kError };

// Structured log lines, one JSON object each, or text for people. Control characters in values are escaped,
// so that nobody writes lines of their own. Thread-safe. Callers hand over no secret.
class Log {
 public:
  using Fields = std::vector<std::pair<std::string_view, std::string>>;
  enum class Format { kJson, kText };

  // To standard error.
  Log(Level least, Format format, const base::Clock* clock);
  // Appended to a file. PERMISSION_DENIED and the like when it cannot be opened.
  static absl::StatusOr<std::unique_ptr<Log>> ToFile(const std::string& path, Level least, Format format,
                                                     const base::Clock* clock);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void Write(Level level, std::string_view message, const Fields& fields = {});
  void Info(std::string_view message, const Fields& fields = {}) { Write(Level::kInfo, message, fields); }
  void Warning(std::string_view message, const Fields& fields = {}) {
    Write(Level::kWarning, message, fields);
  }
  void Error(std::string_view message, const Fields& fields = {}) { Write(Level::kError, message, fields); }

 private:
  Log(std::shared_ptr<spdlog::logger> logger, Level least, Format format, const base::Clock* clock);

  const std::shared_ptr<spdlog::logger> logger_;
  const Format format_;
  const base::Clock* const clock_;
};

// "debug", "info", "warning", "error"; anything else is info.
Level ParseLevel(std::string_view name);

}  // namespace countersign::app

#endif  // COUNTERSIGN_SERVER_APP_LOG_H_

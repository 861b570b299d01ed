#include "server/app/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace countersign::app {

namespace {

spdlog::level::level_enum ToSpdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view NameOf(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "info";
}

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

std::string JsonLine(absl::Time time, Level level, std::string_view message, const Log::Fields& fields) {
  nlohmann::ordered_json line;
  line["time"] = TimeText(time);
  line["level"] = std::string(NameOf(level));
  line["message"] = std::string(message);
  for (const auto& [name, value] : fields) line[std::string(name)] = value;
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string TextLine(absl::Time time, Level level, std::string_view message, const Log::Fields& fields) {
  std::string line = absl::StrCat(TimeText(time), " ", std::string(NameOf(level)), " ",
                                  absl::Utf8SafeCEscape(std::string(message)));
  for (const auto& [name, value] : fields) {
    absl::StrAppend(&line, " ", std::string(name), "=", absl::Utf8SafeCEscape(value));
  }
  return line;
}

}  // namespace

Log::Log(Level least, Format format, const base::Clock* clock)
    : Log(std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>()), least,
          format, clock) {}

Log::Log(std::shared_ptr<spdlog::logger> logger, Level least, Format format, const base::Clock* clock)
    : logger_(std::move(logger)), format_(format), clock_(clock) {
  logger_->set_pattern("%v");
  logger_->set_level(ToSpdlog(least));
  logger_->flush_on(spdlog::level::debug);
}

absl::StatusOr<std::unique_ptr<Log>> Log::ToFile(const std::string& path, Level least, Format format,
                                                 const base::Clock* clock) {
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    return std::unique_ptr<Log>(new Log(std::make_shared<spdlog::logger>("", sink), least, format, clock));
  } catch (const spdlog::spdlog_ex& failure) {
    return absl::PermissionDeniedError(failure.what());
  }
}

Log::~Log() = default;

void Log::Write(Level level, std::string_view message, const Fields& fields) {
  if (!logger_->should_log(ToSpdlog(level))) return;
  const absl::Time now = clock_->Now();
  logger_->log(ToSpdlog(level), format_ == Format::kJson ? JsonLine(now, level, message, fields)
                                                         : TextLine(now, level, message, fields));
}

Level ParseLevel(std::string_view name) {
  if (name == "debug") return Level::kDebug;
  if (name == "warning") return Level::kWarning;
  if (name == "error") return Level::kError;
  return Level::kInfo;
}

}  // namespace countersign::app

// countersign-planread: a saved plan on standard input, what it says on standard output. Started by the
// broker for each plan; see protocol.h.
#include <fcntl.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <new>
#include <string>
#include <string_view>
#include <system_error>

#include "core/digest/digest.h"
#include "core/terraform/plan_view.h"
#include "core/text/text.h"
#include "google/protobuf/stubs/logging.h"
#include "server/planread/confinement.h"
#include "server/planread/protocol.h"

namespace countersign::planread {
namespace {

bool ReadAll(std::string* input, size_t limit) {
  char buffer[1 << 16];
  for (;;) {
    const ssize_t count = read(STDIN_FILENO, buffer, sizeof buffer);
    if (count == 0) return true;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 || input->size() + static_cast<size_t>(count) > limit) return false;
    input->append(buffer, static_cast<size_t>(count));
  }
}

bool WriteAll(std::string_view output) {
  while (!output.empty()) {
    const ssize_t count = write(STDOUT_FILENO, output.data(), output.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    output.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

int Refuse(std::string_view why) { return WriteAll(why.substr(0, kMaxRefusalBytes)) ? kRefused : 1; }

std::string_view Take(size_t size, std::string_view* rest) {
  const std::string_view taken = rest->substr(0, size);
  rest->remove_prefix(taken.size());
  return taken;
}

bool TakeTable(std::string_view* rest, terraform::SensitiveAttributes* table) {
  const std::string_view digits = Take(kTableSizeDigits, rest);
  size_t size = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  if (digits.size() != kTableSizeDigits || parsed.ec != std::errc() ||
      parsed.ptr != digits.data() + digits.size() || size > kMaxTableBytes || size > rest->size()) {
    return false;
  }
  std::string_view lines = Take(size, rest);
  while (!lines.empty()) {
    const size_t end = lines.find('\n');
    if (end == std::string_view::npos || !table->Add(lines.substr(0, end))) return false;
    lines.remove_prefix(end + 1);
  }
  return true;
}

int Run() {
  google::protobuf::SetLogHandler(nullptr);
  const terraform::Limits limits;
  std::string input;
  const bool complete = ReadAll(&input, kSaltSize + kTableSizeDigits + kMaxTableBytes + limits.file_bytes);
  std::string_view rest = input;
  terraform::ViewOptions options{.limits = limits, .salt = std::string(Take(kSaltSize, &rest))};
  if (options.salt.size() != kSaltSize || !TakeTable(&rest, &options.sensitive_attributes)) return 1;
  if (!complete || rest.size() > limits.file_bytes) return Refuse("the file is larger than plans may be");
  const auto view = terraform::ReadPlan(rest, options);
  if (!view.ok()) return Refuse(text::MessageOf(view.status()));
  // The broker waits for the end of this process, and taking apart what was read would delay it.
  _exit(WriteAll(view->SerializeAsString()) ? kRead : 1);
}

}  // namespace
}  // namespace countersign::planread

int main() {
  // Neither the machine's configuration of OpenSSL nor its tables of algorithms: only digests are made here,
  // and reading those takes longer than reading a small plan.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ADD_ALL_CIPHERS |
                          OPENSSL_INIT_NO_ADD_ALL_DIGESTS | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS,
                      nullptr);
  // What is loaded on first use must be loaded while files can be opened.
  (void)countersign::digest::Sha256("");
  if (!countersign::planread::Confine({})) return countersign::planread::kNotConfined;
  try {
    return countersign::planread::Run();
  } catch (const std::bad_alloc&) {
    return countersign::planread::Refuse("reading it takes more memory than the reader has");
  }
}

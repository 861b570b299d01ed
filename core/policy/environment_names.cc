#include "core/policy/environment_names.h"

#include <algorithm>
#include <iterator>

namespace countersign::policy {
namespace {

// One name a line would be all that this file shows.
// clang-format off

// Harmless and often needed, though a prefix below would take them.
constexpr std::string_view kHarmless[] = {
    "ANSIBLE_FORCE_COLOR", "ANSIBLE_NOCOLOR", "CARGO_TERM_COLOR", "DOCKER_BUILDKIT", "GIT_AUTHOR_DATE",
    "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_NAME", "GIT_COMMITTER_DATE", "GIT_COMMITTER_EMAIL", "GIT_COMMITTER_NAME",
    "NODE_ENV", "PIP_NO_INPUT", "PYTHONUNBUFFERED", "TF_IN_AUTOMATION", "TF_INPUT", "TF_LOG"};
constexpr std::string_view kHarmlessPrefixes[] = {"TF_VAR_"};

constexpr std::string_view kCodeNames[] = {
    "CDPATH", "CLASSPATH", "EMACSLOADPATH", "ENV", "EXINIT", "FPATH", "GCONV_PATH", "GETCONF_DIR",
    "GLOBIGNORE", "IFS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "LOCPATH", "NLSPATH", "PATH", "PHPRC",
    "PHP_INI_SCAN_DIR", "PROMPT_COMMAND", "PS4", "PSModulePath", "R_PROFILE", "R_PROFILE_USER", "SHELL",
    "SHELLOPTS", "TCLLIBPATH", "TCL_LIBRARY", "VIMINIT", "ZDOTDIR", "_JAVA_OPTIONS"};
constexpr std::string_view kCodePrefixes[] = {
    "BASH", "COMPlus_", "CORECLR_", "COR_", "DYLD_", "ERL_", "GLIBC_", "GUILE_", "LD_", "LIBMYSQL_", "LUA_",
    "MALLOC_", "NODE_", "OPENSSL_", "PERL", "PYTHON", "RUBY", "TF_CLI_ARGS", "TF_REATTACH_PROVIDERS"};

constexpr std::string_view kIndirectNames[] = {
    "ALL_PROXY", "AWS_CA_BUNDLE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE", "AZURE_CONFIG_DIR", "BOTO_CONFIG", "BROWSER", "BUILDX_CONFIG",
    "CLOUDSDK_ACTIVE_CONFIG_NAME", "CLOUDSDK_CONFIG", "COMPILER_PATH", "CURL_CA_BUNDLE", "CURL_HOME",
    "DBUS_SESSION_BUS_ADDRESS", "EDITOR", "FCEDIT", "FTP_PROXY", "GCC_EXEC_PREFIX", "GIO_EXTRA_MODULES",
    "GNUMAKEFLAGS", "GNUPGHOME", "GOFLAGS", "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "GOPROXY", "GOROOT", "GOTOOLCHAIN", "GREP_OPTIONS",
    "GTK_MODULES", "GTK_PATH", "HOME", "HOSTALIASES", "HTTPS_PROXY", "HTTP_PROXY", "INPUTRC", "JAVA_HOME",
    "JAVA_OPTS", "KRB5CCNAME", "KRB5_CONFIG", "KUBECONFIG", "LOCALDOMAIN", "MAKEFILES", "MAKEFLAGS", "MFLAGS",
    "MYSQL_HOME", "MYSQL_TEST_LOGIN_FILE", "NETRC", "NO_PROXY", "ODBCINI", "ODBCSYSINI", "PGSERVICEFILE",
    "PGSYSCONFDIR", "PSQLRC", "QT_PLUGIN_PATH", "REQUESTS_CA_BUNDLE", "RES_OPTIONS", "RSYNC_CONNECT_PROG",
    "SSLKEYLOGFILE", "TAR_OPTIONS", "TEMP", "TERMCAP", "TERMINFO", "TERMINFO_DIRS", "TMP", "TMPDIR", "TZDIR",
    "VISUAL", "WGETRC", "all_proxy", "ftp_proxy", "http_proxy", "https_proxy", "no_proxy"};
constexpr std::string_view kIndirectPrefixes[] = {
    "ANSIBLE_", "BUNDLE_", "CARGO_", "CLOUDSDK_PYTHON", "DOCKER_", "DOTNET_", "GEM_", "GIT_", "HELM_", "LESS",
    "NPM_CONFIG_", "PIP_", "RUSTC", "RUSTFLAGS", "SSH_", "SSL_CERT_", "TERRAGRUNT_", "TF_", "XDG_",
    "npm_config_"};
// Most tools name their own pager, editor and helpers so.
constexpr std::string_view kIndirectSuffixes[] = {"ASKPASS", "PAGER", "_BROWSER", "_EDITOR", "_RSH"};

// clang-format on

template <typename Texts>
bool Holds(const Texts& texts, std::string_view name) {
  return std::find(std::begin(texts), std::end(texts), name) != std::end(texts);
}

template <typename Texts>
bool HoldsStartOf(const Texts& texts, std::string_view name) {
  return std::any_of(std::begin(texts), std::end(texts),
                     [name](std::string_view start) { return name.starts_with(start); });
}

template <typename Texts>
bool HoldsEndOf(const Texts& texts, std::string_view name) {
  return std::any_of(std::begin(texts), std::end(texts),
                     [name](std::string_view end) { return name.ends_with(end); });
}

bool IsHarmless(std::string_view name) {
  return Holds(kHarmless, name) || HoldsStartOf(kHarmlessPrefixes, name);
}

bool IsIndirect(std::string_view name) {
  return Holds(kIndirectNames, name) || HoldsStartOf(kIndirectPrefixes, name) ||
         HoldsEndOf(kIndirectSuffixes, name);
}

}  // namespace

bool LoadsCode(std::string_view name) {
  return !IsHarmless(name) && (Holds(kCodeNames, name) || HoldsStartOf(kCodePrefixes, name));
}

bool ChangesWhatRuns(std::string_view name) {
  return LoadsCode(name) || (!IsHarmless(name) && IsIndirect(name));
}

}  // namespace countersign::policy

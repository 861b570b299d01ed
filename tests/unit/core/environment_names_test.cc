#include "core/policy/environment_names.h"

#include <gtest/gtest.h>

namespace countersign::policy {
namespace {

TEST(EnvironmentNamesTest, KnowsWhatMakesProgramsLoadOtherCode) {
  for (const char* name : {"PATH",
                           "IFS",
                           "ENV",
                           "BASH_ENV",
                           "BASHOPTS",
                           "BASH_FUNC_ls%%",
                           "SHELLOPTS",
                           "PS4",
                           "PROMPT_COMMAND",
                           "LD_PRELOAD",
                           "LD_LIBRARY_PATH",
                           "DYLD_INSERT_LIBRARIES",
                           "GLIBC_TUNABLES",
                           "MALLOC_CHECK_",
                           "GCONV_PATH",
                           "LOCPATH",
                           "NLSPATH",
                           "PYTHONPATH",
                           "PYTHONSTARTUP",
                           "PERL5LIB",
                           "PERL5OPT",
                           "RUBYOPT",
                           "RUBYLIB",
                           "NODE_OPTIONS",
                           "NODE_PATH",
                           "JAVA_TOOL_OPTIONS",
                           "LUA_INIT_5_4",
                           "OPENSSL_CONF",
                           "TF_CLI_ARGS",
                           "TF_CLI_ARGS_apply",
                           "TF_REATTACH_PROVIDERS"}) {
    EXPECT_TRUE(LoadsCode(name)) << name;
    EXPECT_TRUE(ChangesWhatRuns(name)) << name;
  }
}

TEST(EnvironmentNamesTest, KnowsWhatLeadsToOtherCodeIndirectly) {
  for (const char* name : {"GIT_SSH_COMMAND",
                           "GIT_EXEC_PATH",
                           "GIT_CONFIG",
                           "GIT_CONFIG_COUNT",
                           "GIT_CONFIG_KEY_0",
                           "PSQLRC",
                           "PSQL_EDITOR",
                           "PSQL_PAGER",
                           "PAGER",
                           "MANPAGER",
                           "AWS_PAGER",
                           "EDITOR",
                           "KUBE_EDITOR",
                           "VISUAL",
                           "LESSOPEN",
                           "LESSCLOSE",
                           "HOME",
                           "XDG_CONFIG_HOME",
                           "KUBECONFIG",
                           "TF_CLI_CONFIG_FILE",
                           "TF_DATA_DIR",
                           "TF_WORKSPACE",
                           "TF_PLUGIN_CACHE_DIR",
                           "AWS_CONFIG_FILE",
                           "AWS_SHARED_CREDENTIALS_FILE",
                           "CLOUDSDK_CONFIG",
                           "CLOUDSDK_PYTHON",
                           "DOCKER_CONFIG",
                           "SSH_ASKPASS",
                           "SSL_CERT_FILE",
                           "SSL_CERT_DIR",
                           "http_proxy",
                           "https_proxy",
                           "HTTPS_PROXY",
                           "TMPDIR",
                           "RSYNC_RSH",
                           "MAKEFLAGS",
                           "npm_config_prefix"}) {
    EXPECT_FALSE(LoadsCode(name)) << name;
    EXPECT_TRUE(ChangesWhatRuns(name)) << name;
  }
}

TEST(EnvironmentNamesTest, LeavesOrdinaryVariablesAlone) {
  for (const char* name : {"PGHOST",
                           "PGPORT",
                           "PGUSER",
                           "PGDATABASE",
                           "PGPASSFILE",
                           "PGSSLMODE",
                           "PGOPTIONS",
                           "AWS_REGION",
                           "AWS_PROFILE",
                           "CLOUDSDK_CORE_PROJECT",
                           "TF_VAR_region",
                           "TF_IN_AUTOMATION",
                           "GIT_AUTHOR_NAME",
                           "NODE_ENV",
                           "LANG",
                           "LC_ALL",
                           "TZ",
                           "TERM",
                           "USER",
                           "env",
                           "home",
                           "path",
                           "EXTRA",
                           "X_PATH",
                           "A",
                           ""}) {
    EXPECT_FALSE(ChangesWhatRuns(name)) << name;
  }
}

}  // namespace
}  // namespace countersign::policy

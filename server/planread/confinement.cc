#include "server/planread/confinement.h"

#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

namespace countersign::planread {
namespace {

bool Limit(int resource, rlim_t value) {
  const rlimit limit{value, value};
  return setrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0;
}

bool LimitResources(const Confinement& confinement) {
  return Limit(RLIMIT_AS, confinement.memory_bytes) && Limit(RLIMIT_CPU, confinement.cpu_seconds) &&
         Limit(RLIMIT_FSIZE, 0) && Limit(RLIMIT_CORE, 0) && Limit(RLIMIT_NPROC, 0) && Limit(RLIMIT_NOFILE, 3);
}

// Calls that need no look at their arguments: what malloc, the end of a process and vDSO fallbacks do.
constexpr int kAllowed[] = {
    SCMP_SYS(brk),          SCMP_SYS(munmap),         SCMP_SYS(mremap),     SCMP_SYS(madvise),
    SCMP_SYS(futex),        SCMP_SYS(clock_gettime),  SCMP_SYS(getrandom),  SCMP_SYS(sched_yield),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(exit_group), SCMP_SYS(exit),
    SCMP_SYS(getpid),       SCMP_SYS(gettid),         SCMP_SYS(tgkill),     SCMP_SYS(rt_sigaction),
};

using Filter = std::unique_ptr<void, void (*)(void*)>;

bool Allow(const Filter& filter, int call, const std::vector<scmp_arg_cmp>& conditions = {}) {
  return seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, call,
                                static_cast<unsigned int>(conditions.size()), conditions.data()) == 0;
}

// Of the call's first argument.
scmp_arg_cmp IsDescriptor(int descriptor) {
  return {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = static_cast<scmp_datum_t>(descriptor), .datum_b = 0};
}

bool FilterCalls() {
  const Filter filter(seccomp_init(SCMP_ACT_KILL_PROCESS), [](void* f) { seccomp_release(f); });
  if (filter == nullptr) return false;
  for (const int call : kAllowed) {
    if (!Allow(filter, call)) return false;
  }
  // Memory never becomes a program: malloc asks for no more than reading and writing.
  const scmp_arg_cmp no_program{.arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC, .datum_b = 0};
  // A question about standard output that the C library asks before it writes.
  const bool status =
      seccomp_rule_add_array(filter.get(), SCMP_ACT_ERRNO(EBADF), SCMP_SYS(newfstatat), 0, nullptr) == 0;
  return status && Allow(filter, SCMP_SYS(mmap), {no_program}) &&
         Allow(filter, SCMP_SYS(mprotect), {no_program}) &&
         Allow(filter, SCMP_SYS(read), {IsDescriptor(STDIN_FILENO)}) &&
         Allow(filter, SCMP_SYS(write), {IsDescriptor(STDOUT_FILENO)}) &&
         Allow(filter, SCMP_SYS(write), {IsDescriptor(STDERR_FILENO)}) && seccomp_load(filter.get()) == 0;
}

}  // namespace

bool Confine(const Confinement& confinement) {
  const pid_t parent = getppid();
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) return false;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0) return false;
  constexpr int kLowestUrgency = 19;
  if (setpriority(PRIO_PROCESS, 0, kLowestUrgency) != 0) return false;
  return close_range(STDERR_FILENO + 1, ~0U, 0) == 0 && LimitResources(confinement) && FilterCalls();
}

}  // namespace countersign::planread

/* child.c - work in a process apart. */
#include "core/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

/* ---- In the child ---- */

/* The address space that the process has, in bytes; 0 where that cannot be told. */
static size_t address_space(void) {
    char text[64];
    unsigned long long pages = 0;
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0) return 0;
    text[length] = '\0';
    if (sscanf(text, "%llu", &pages) != 1) return 0;
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

#ifdef __GLIBC__
typedef __rlimit_resource_t resource;
#else
typedef int resource;
#endif

static void limit(resource what, rlim_t most) {
    struct rlimit now;
    if (getrlimit(what, &now)) return;
    if (now.rlim_max != RLIM_INFINITY && most > now.rlim_max) most = now.rlim_max;
    now.rlim_cur = most;
    setrlimit(what, &now);
}

static void set_limits(const mlce_child_limits *limits) {
    size_t used = limits->memory ? address_space() : 0;
    if (used) limit(RLIMIT_AS, used + limits->memory);
    if (limits->cpu_seconds) limit(RLIMIT_CPU, limits->cpu_seconds);
}

/* A crash is expected: no handler of the program's is to see it, and no core file to be left. The
   thread may have blocked the signal that ends what computes for too long. */
static void prepare(pid_t parent, bool quiet) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU, SIGTRAP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    limit(RLIMIT_CORE, 0);
#ifdef __linux__
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
#endif
    if (getppid() != parent) _exit(1); /* it died before it could be told to take this along */
    int nowhere = quiet ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;
    for (int i = 0; nowhere >= 0 && i < 3; i++) dup2(nowhere, i);
}

/* ---- In the parent ---- */

static double clock_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* What is known of how a child ended. Nothing, where the program lets the system or another thread
   collect its children: then the pipe alone tells. */
typedef struct collected {
    bool gone, known;
    int status;
} collected;

static void collect(pid_t child, int options, collected *c) {
    pid_t found;
    do found = waitpid(child, &c->status, options);
    while (found < 0 && errno == EINTR);
    c->known = found == child;
    c->gone = found != 0;
}

/* Whether the child has written what work() returned, or closed its end. */
static bool is_ready(int pipe_end, int milliseconds) {
    struct pollfd wanted = {.fd = pipe_end, .events = POLLIN};
    return poll(&wanted, 1, milliseconds) > 0;
}

/* False where the time is over. The child is looked for as well as its pipe, whose other end
   another process may have inherited. */
static bool wait_for(pid_t child, int pipe_end, double seconds, collected *c) {
    enum { SLICE = 100 };
    double end = clock_seconds() + seconds;
    while (!is_ready(pipe_end, SLICE)) {
        collect(child, WNOHANG, c);
        if (c->gone) return true;
        if (seconds > 0 && clock_seconds() >= end) return false;
    }
    return true;
}

static void watch(pid_t child, int pipe_end, const mlce_child_limits *limits, mlce_child_end *end) {
    collected c = {0};
    unsigned char result;
    bool in_time = wait_for(child, pipe_end, limits->seconds, &c);
    bool done = in_time && is_ready(pipe_end, 0) && read(pipe_end, &result, 1) == 1;
    if (!in_time) kill(child, SIGKILL);
    if (!c.gone) collect(child, 0, &c);
    *end = (mlce_child_end){.fate = MLCE_CHILD_DONE, .result = done ? result : 0};
    if (done) return;
    end->fate = MLCE_CHILD_CRASHED;
    if (c.known && WIFSIGNALED(c.status)) end->signal = WTERMSIG(c.status);
    if (!in_time || end->signal == SIGXCPU) end->fate = MLCE_CHILD_TOO_LONG;
}

mlce_status mlce_child_run(const mlce_child_limits *limits, int (*work)(void *context),
                           void *context, mlce_child_end *end) {
    int ends[2];
    pid_t self = getpid();
    if (pipe2(ends, O_CLOEXEC)) return mlce_fail(MLCE_E_IO, "no pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        set_limits(limits);
        prepare(self, limits->quiet);
        unsigned char result = (unsigned char)work(context);
        _exit(write(ends[1], &result, 1) != 1);
    }
    int error = errno;
    close(ends[1]);
    if (child > 0) watch(child, ends[0], limits, end);
    close(ends[0]);
    if (child > 0) return MLCE_OK;
    return mlce_fail(MLCE_E_IO, "cannot start a process: %s", strerror(error));
}

// Load on the machine under test.
//
//   load spin                 a busy loop at ordinary priority
//   load idle                 a busy loop that runs when nothing else would
//   load stall PID EVERY FOR  stops a process FOR ms of every EVERY ms, until SIGTERM; then lets it run
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static volatile sig_atomic_t ended;
static void end(int signal) {
  (void)signal;
  ended = 1;
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void until(int64_t at) {
  struct timespec t = {at / 1000000000LL, at % 1000000000LL};
  while (!ended && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0) {
  }
}

int main(int argc, char **argv) {
  struct sched_param none = {0};
  if (argc == 2 && strcmp(argv[1], "idle") == 0) sched_setscheduler(0, SCHED_IDLE, &none);
  if (argc == 2) {
    for (volatile uint64_t turns = 0;; turns += 1) {
    }
  }
  if (argc != 5 || strcmp(argv[1], "stall") != 0) return 2;
  pid_t pid = atoi(argv[2]);
  int64_t every = atoll(argv[3]) * 1000000, length = atoll(argv[4]) * 1000000;
  struct sched_param priority = {.sched_priority = 90};
  sched_setscheduler(0, SCHED_FIFO, &priority);
  struct sigaction action = {.sa_handler = end};
  sigaction(SIGTERM, &action, NULL);
  for (int64_t next = now(); !ended; next += every) {
    until(next);
    if (ended || kill(pid, SIGSTOP) != 0) break;
    until(next + length);
    if (kill(pid, SIGCONT) != 0) break;
  }
  kill(pid, SIGCONT);
  return 0;
}

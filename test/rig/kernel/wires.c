// Plays a plan on the lines of simulated chips, with real-time priority and microsecond accuracy.
//
//   wires PLAN STAMPS
//
// PLAN, one entry a line, times in ns counted from the beginning:
//   line FILE                      a line's `pull` attribute; lines are numbered from 0
//   pulse NS | interval NS         of what follows
//   rest NS                        after each presentation of a reader
//   reader D0 D1                   a reader's two lines; readers are numbered from 0
//   send READER NOT_BEFORE SLOTS   0, 1: a pulse on that line; b: on both; -: none
//   move AT LINE LEVEL             in the order of AT
//
// STAMPS gets one line for each send and move, in the order of PLAN: CLOCK_MONOTONIC in ns of the
// beginning of its last pulse, or of the move. The last line is `late NS`: the worst a pulse began
// after its time. A pulse that is late moves the rest of its presentation: pulses never bunch up.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { lines_max = 64, readers_max = 16 };
// Below this a sleep costs more accuracy than it saves of the processor.
static const int64_t spin_ns = 120000;

struct entry {
  int64_t at;  // not before; relative
  int64_t stamp;
  const char *slots;  // NULL: a move
  int reader, line, level;
};

struct reader {
  int lines[2];
  size_t *own;  // indices into the entries, in order
  size_t count, next, room;
  size_t slot;
  int is_low;  // in a pulse
  int64_t due, pulse_from;
};

static struct entry *entries;
static size_t entry_count, entry_room;
static size_t *moves, move_count, move_room, next_move;
static struct reader readers[readers_max];
static int reader_count, files[lines_max], line_count;
static int64_t pulse_ns = 50000, interval_ns = 1000000, rest_ns = 110000000, started, worst_late;

static void die(const char *what) {
  fprintf(stderr, "wires: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void until(int64_t at) {
  int64_t wake = at - spin_ns;
  if (wake > now()) {
    struct timespec t = {wake / 1000000000LL, wake % 1000000000LL};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {
    }
  }
  while (now() < at) {
  }
}

static void pull(int line, int level) {
  const char *text = level ? "pull-up" : "pull-down";
  if (pwrite(files[line], text, strlen(text), 0) < 0) die("pull");
}

static void *grown(void *old, size_t count, size_t *room, size_t each) {
  if (count < *room) return old;
  *room = *room ? *room * 2 : 1024;
  void *grown = realloc(old, *room * each);
  if (grown == NULL) die("memory");
  return grown;
}

static struct entry *added(void) {
  entries = grown(entries, entry_count, &entry_room, sizeof *entries);
  struct entry *entry = &entries[entry_count++];
  memset(entry, 0, sizeof *entry);
  return entry;
}

static void read_plan(char *text) {
  for (char *rest, *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    char word[512];
    int64_t at;
    int a, b, end = 0;
    if (sscanf(line, "line %511s", word) == 1 && line_count < lines_max) {
      files[line_count] = open(word, O_WRONLY | O_CLOEXEC);
      if (files[line_count++] < 0) die(word);
    } else if (sscanf(line, "pulse %" SCNd64, &pulse_ns) == 1 ||
               sscanf(line, "interval %" SCNd64, &interval_ns) == 1 ||
               sscanf(line, "rest %" SCNd64, &rest_ns) == 1) {
    } else if (sscanf(line, "reader %d %d", &a, &b) == 2 && reader_count < readers_max) {
      readers[reader_count].lines[0] = a;
      readers[reader_count++].lines[1] = b;
    } else if (sscanf(line, "send %d %" SCNd64 " %n", &a, &at, &end) == 2 && end > 0) {
      struct reader *reader = &readers[a];
      reader->own = grown(reader->own, reader->count, &reader->room, sizeof *reader->own);
      reader->own[reader->count++] = entry_count;
      struct entry *entry = added();
      entry->at = at;
      entry->reader = a;
      entry->slots = line + end;
    } else if (sscanf(line, "move %" SCNd64 " %d %d", &at, &a, &b) == 3) {
      moves = grown(moves, move_count, &move_room, sizeof *moves);
      moves[move_count++] = entry_count;
      struct entry *entry = added();
      entry->at = at;
      entry->line = a;
      entry->level = b;
    } else {
      fprintf(stderr, "wires: not understood: %s\n", line);
      exit(2);
    }
  }
}

static void slot(struct reader *reader, char what, int level) {
  if (what == '0' || what == 'b') pull(reader->lines[0], level);
  if (what == '1' || what == 'b') pull(reader->lines[1], level);
}

// One transition of a reader; afterwards its next one has its time.
static void step(struct reader *reader) {
  struct entry *entry = &entries[reader->own[reader->next]];
  char what = entry->slots[reader->slot];
  if (!reader->is_low) {
    int64_t at = now();
    if (at - reader->due > worst_late) worst_late = at - reader->due;
    slot(reader, what, 0);
    if (what != '-') entry->stamp = at;
    reader->pulse_from = at;
    reader->is_low = 1;
    reader->due = at + pulse_ns;
    return;
  }
  slot(reader, what, 1);
  reader->is_low = 0;
  if (entry->slots[++reader->slot] != '\0') {
    reader->due = reader->pulse_from + interval_ns;
    return;
  }
  int64_t free_at = now() + rest_ns;
  reader->slot = 0;
  if (++reader->next == reader->count) return;
  int64_t wanted = started + entries[reader->own[reader->next]].at;
  reader->due = wanted > free_at ? wanted : free_at;
}

static void play(void) {
  started = now() + 1000000;
  for (int r = 0; r < reader_count; r += 1) {
    if (readers[r].count > 0) readers[r].due = started + entries[readers[r].own[0]].at;
  }
  for (;;) {
    struct reader *first = NULL;
    for (int r = 0; r < reader_count; r += 1) {
      struct reader *reader = &readers[r];
      if (reader->next < reader->count && (!first || reader->due < first->due)) first = reader;
    }
    struct entry *move = next_move < move_count ? &entries[moves[next_move]] : NULL;
    if (move && (!first || started + move->at <= first->due)) {
      until(started + move->at);
      move->stamp = now();
      pull(move->line, move->level);
      next_move += 1;
    } else if (first) {
      until(first->due);
      step(first);
    } else {
      return;
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int file = open(argv[1], O_RDONLY | O_CLOEXEC);
  if (file < 0) die(argv[1]);
  off_t size = lseek(file, 0, SEEK_END);
  char *text = malloc((size_t)size + 1);
  if (text == NULL) die("memory");
  for (off_t have = 0; have < size;) {
    ssize_t got = pread(file, text + have, (size_t)(size - have), have);
    if (got <= 0) die(argv[1]);
    have += got;
  }
  text[size] = '\0';
  read_plan(text);
  if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) die("mlockall");
  struct sched_param priority = {.sched_priority = 80};
  if (sched_setscheduler(0, SCHED_FIFO, &priority) != 0) die("SCHED_FIFO");
  play();
  FILE *stamps = fopen(argv[2], "w");
  if (stamps == NULL) die(argv[2]);
  for (size_t e = 0; e < entry_count; e += 1) fprintf(stamps, "%" PRId64 "\n", entries[e].stamp);
  fprintf(stamps, "late %" PRId64 "\n", worst_late);
  if (fclose(stamps) != 0) die(argv[2]);
  return 0;
}

// Plays a plan on lines, with real-time priority and microsecond accuracy.
//
//   wires PLAN STAMPS      and is done
//   wires serve            plays each "PLAN STAMPS" that comes as a line, says "played", and holds its
//                          lines meanwhile
//
// PLAN, one entry a line, times in ns counted from the beginning:
//   line FILE                      the `pull` attribute of a simulated chip's line; numbered from 0
//   line CHIP:OFFSET:LEVEL         a line of a character device, driven low or let go (open drain), and
//                                  at LEVEL from when it is first named
//   pulse NS | interval NS         of what follows
//   rest NS                        after each presentation of a reader
//   reader D0 D1                   a reader's two lines; readers are numbered from 0
//   send READER NOT_BEFORE SLOTS   0, 1: a pulse on that line; b: on both; -: none
//   move AT LINE LEVEL             in the order of AT
//
// STAMPS gets one line `AT LATE` for each send and move, in the order of PLAN: CLOCK_MONOTONIC in ns of
// the beginning of its last pulse, or of the move; and the worst in ns that a pulse of it began or ended
// after its time. The last line is `played`. A pulse that is late moves the rest of its presentation:
// pulses never bunch up. A presentation that was bent by it is followed by the rest after a misread.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <inttypes.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { lines_max = 64, readers_max = 16 };
// As long as waking up takes. Longer, and what reads these lines gets nothing of the one processor that
// there is: two readers at 200 us a bit have four transitions in that time.
static const int64_t spin_ns = 8000;
// Later by this part of an interval, a pulse may be taken for a lost one.
enum { bent_part = 4 };
// A controller takes what follows a misread sooner for the rest of it.
static const int64_t misread_rest_ns = 110000000;

struct entry {
  int64_t at;  // not before; relative
  int64_t stamp, late;
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
static int reader_count, line_count, lines[lines_max];

// What has been opened, for as long as this process lives.
static struct handle {
  char *name;
  int file, is_chip;
} handles[lines_max];
static int handle_count;
static int64_t pulse_ns = 50000, interval_ns = 1000000, rest_ns = 110000000, started;

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
  struct handle *handle = &handles[lines[line]];
  if (handle->is_chip) {
    struct gpio_v2_line_values values = {.bits = level ? 1 : 0, .mask = 1};
    if (ioctl(handle->file, GPIO_V2_LINE_SET_VALUES_IOCTL, &values) < 0) die(handle->name);
    return;
  }
  const char *text = level ? "pull-up" : "pull-down";
  if (pwrite(handle->file, text, strlen(text), 0) < 0) die("pull");
}

static int request(const char *chip, unsigned offset, int level) {
  int file = open(chip, O_RDWR | O_CLOEXEC);
  if (file < 0) die(chip);
  struct gpio_v2_line_request asked = {.offsets = {offset}, .num_lines = 1};
  strcpy(asked.consumer, "rig-wires");
  asked.config.flags = GPIO_V2_LINE_FLAG_OUTPUT | GPIO_V2_LINE_FLAG_OPEN_DRAIN;
  asked.config.num_attrs = 1;
  asked.config.attrs[0].mask = 1;
  asked.config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES;
  asked.config.attrs[0].attr.values = level ? 1 : 0;
  if (ioctl(file, GPIO_V2_GET_LINE_IOCTL, &asked) < 0) die(chip);
  close(file);
  return asked.fd;
}

// Its number among all that this process has opened.
static int handle_of(const char *name) {
  for (int h = 0; h < handle_count; h += 1) {
    if (strcmp(handles[h].name, name) == 0) return h;
  }
  if (handle_count == lines_max) die("too many lines");
  struct handle *handle = &handles[handle_count];
  char chip[256];
  unsigned offset;
  int level;
  handle->is_chip = sscanf(name, "%255[^:]:%u:%d", chip, &offset, &level) == 3;
  handle->file =
      handle->is_chip ? request(chip, offset, level) : open(name, O_WRONLY | O_CLOEXEC);
  if (handle->file < 0) die(name);
  handle->name = strdup(name);
  return handle_count++;
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
      lines[line_count++] = handle_of(word);
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
  int64_t at = now();
  if (at - reader->due > entry->late) entry->late = at - reader->due;
  if (!reader->is_low) {
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
  int64_t is_bent = entry->late > interval_ns / bent_part;
  int64_t free_at = now() + (is_bent && rest_ns < misread_rest_ns ? misread_rest_ns : rest_ns);
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
      move->late = move->stamp - started - move->at;
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

static void forget(void) {
  for (int r = 0; r < reader_count; r += 1) free(readers[r].own);
  memset(readers, 0, sizeof readers);
  free(entries);
  free(moves);
  entries = NULL;
  moves = NULL;
  entry_count = entry_room = move_count = move_room = next_move = 0;
  reader_count = line_count = 0;
}

static void run(const char *plan, const char *stamps_file) {
  int file = open(plan, O_RDONLY | O_CLOEXEC);
  if (file < 0) die(plan);
  off_t size = lseek(file, 0, SEEK_END);
  char *text = malloc((size_t)size + 1);
  if (text == NULL) die("memory");
  for (off_t have = 0; have < size;) {
    ssize_t got = pread(file, text + have, (size_t)(size - have), have);
    if (got <= 0) die(plan);
    have += got;
  }
  close(file);
  text[size] = '\0';
  read_plan(text);
  if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) die("mlockall");
  struct sched_param priority = {.sched_priority = 80};
  if (sched_setscheduler(0, SCHED_FIFO, &priority) != 0) die("SCHED_FIFO");
  play();
  FILE *stamps = fopen(stamps_file, "w");
  if (stamps == NULL) die(stamps_file);
  for (size_t e = 0; e < entry_count; e += 1) {
    fprintf(stamps, "%" PRId64 " %" PRId64 "\n", entries[e].stamp, entries[e].late);
  }
  fputs("played\n", stamps);
  if (fclose(stamps) != 0) die(stamps_file);
  free(text);
  forget();
}

int main(int argc, char **argv) {
  if (argc == 3) {
    run(argv[1], argv[2]);
    return 0;
  }
  if (argc != 2 || strcmp(argv[1], "serve") != 0) return 2;
  char line[1100], plan[512], stamps[512];
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (sscanf(line, "%511s %511s", plan, stamps) != 2) return 2;
    run(plan, stamps);
    puts("played");
    fflush(stdout);
  }
  return 0;
}

/*
 * postern-secure FILE: drives each strike output that FILE names to the level that secures, when the
 * daemon that opened them is dead. No Node, no allocation, nothing to wait for: it is done in
 * milliseconds. The unit's ExecStopPost runs it; anybody may, at any time while no daemon runs.
 *
 * One output a line; fields are separated by single spaces, `#` begins a comment line:
 *
 *   gpio <device> <offset> <level> <name>                     gpio /dev/gpiochip0 17 0 GPIO17
 *   sysfs <folder> <level> <name>                             sysfs /sys/class/gpio/gpio529 0 GPIO17
 *   i2c <device> <address> <register> <mask> <value> <name>   i2c /dev/i2c-1 0x20 0x14 0x01 0x00 relays:A0
 *
 * `i2c` changes the bits of the mask and leaves the register's others. All lines are tried, whatever
 * became of others, and what failed is tried again a few times, last: a bus that hangs keeps no other
 * door released. Each output is told on standard output.
 *
 * Exit code: 0 if every output has its level or FILE is not there (then nothing was ever released),
 * 1 if one has not, 2 if FILE cannot be read or the arguments are wrong.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OUTPUTS_MAX 256
#define FILE_BYTES_MAX (64 * 1024)
#define FIELDS_MAX 7
/* The first is for lines of the board alone: a bus that hangs comes after them. */
#define PASSES_MAX 6
/* Between two passes: what a dying process still holds is free by then. */
static const struct timespec between_passes = {.tv_sec = 0, .tv_nsec = 20 * 1000 * 1000};
/* Of one transfer, in the kernel's unit of 10 ms: a bus that hangs would take a second for each. */
#define I2C_TIMEOUT_10MS 10

struct output {
  int line_number;
  int field_count;
  char *fields[FIELDS_MAX];
  bool is_secured;
  char why[160];
};

static char file_text[FILE_BYTES_MAX + 1];
static struct output outputs[OUTPUTS_MAX];

static bool fail(struct output *output, const char *doing, int error) {
  snprintf(output->why, sizeof output->why, "%s: %s", doing, strerror(error));
  return false;
}

static bool malformed(struct output *output, const char *expected) {
  snprintf(output->why, sizeof output->why, "line %d: expected %s", output->line_number, expected);
  return false;
}

/* A whole number up to `max`, decimal or 0x and hexadecimal, and nothing after it. */
static bool number_of(const char *text, unsigned long max, unsigned long *value) {
  char *end = NULL;
  if (text[0] < '0' || text[0] > '9') return false;
  errno = 0;
  *value = strtoul(text, &end, text[1] == 'x' ? 16 : 10);
  return errno == 0 && *end == '\0' && *value <= max;
}

/* The line is ours no longer than this takes; what its chip does with a line that is let go is the
   chip's: most keep the level. */
static bool secure_gpio(struct output *output) {
  unsigned long offset = 0, level = 0;
  if (output->field_count != 5 || !number_of(output->fields[2], UINT32_MAX, &offset) ||
      !number_of(output->fields[3], 1, &level)) {
    return malformed(output, "gpio DEVICE OFFSET LEVEL NAME");
  }
  int chip = open(output->fields[1], O_RDWR | O_CLOEXEC);
  if (chip < 0) return fail(output, output->fields[1], errno);
  struct gpio_v2_line_request request = {.num_lines = 1, .offsets = {(uint32_t)offset}};
  snprintf(request.consumer, sizeof request.consumer, "postern-secure");
  request.config.flags = GPIO_V2_LINE_FLAG_OUTPUT;
  request.config.num_attrs = 1;
  request.config.attrs[0].mask = 1;
  request.config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES;
  request.config.attrs[0].attr.values = level;
  bool is_secured = ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &request) == 0;
  int error = errno;
  if (is_secured) {
    close(request.fd);
  } else {
    struct gpio_v2_line_info info = {.offset = (uint32_t)offset};
    fail(output, "the line cannot be taken", error);
    if (error == EBUSY && ioctl(chip, GPIO_V2_GET_LINEINFO_IOCTL, &info) == 0) {
      snprintf(output->why, sizeof output->why, "the line is held by \"%.*s\"",
               (int)sizeof info.consumer, info.consumer);
    }
  }
  close(chip);
  return is_secured;
}

static bool write_text(const char *folder, const char *file, const char *text) {
  char path[512];
  int length = snprintf(path, sizeof path, "%s/%s", folder, file);
  if (length < 0 || (size_t)length >= sizeof path) {
    errno = ENAMETOOLONG;
    return false;
  }
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool is_written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
  int error = errno;
  close(fd);
  errno = error;
  return is_written;
}

/* `direction` takes the level, too, before it becomes an output, and no notice of active_low. */
static bool secure_sysfs(struct output *output) {
  unsigned long level = 0;
  if (output->field_count != 4 || !number_of(output->fields[2], 1, &level)) {
    return malformed(output, "sysfs FOLDER LEVEL NAME");
  }
  if (write_text(output->fields[1], "direction", level == 1 ? "high" : "low")) return true;
  return fail(output, output->fields[1], errno);
}

static int smbus(int bus, uint8_t direction, uint8_t reg, union i2c_smbus_data *data) {
  struct i2c_smbus_ioctl_data transfer = {
      .read_write = direction, .command = reg, .size = I2C_SMBUS_BYTE_DATA, .data = data};
  return ioctl(bus, I2C_SMBUS, &transfer);
}

static bool change_bits(struct output *output, int bus, unsigned long reg, unsigned long mask,
                        unsigned long value) {
  union i2c_smbus_data data = {.byte = 0};
  if (smbus(bus, I2C_SMBUS_READ, (uint8_t)reg, &data) != 0) {
    return fail(output, "the chip does not answer", errno);
  }
  data.byte = (uint8_t)((data.byte & ~mask) | (value & mask));
  if (smbus(bus, I2C_SMBUS_WRITE, (uint8_t)reg, &data) != 0) {
    return fail(output, "the chip does not take it", errno);
  }
  return true;
}

static bool secure_i2c(struct output *output) {
  unsigned long address = 0, reg = 0, mask = 0, value = 0;
  if (output->field_count != 7 || !number_of(output->fields[2], 0x7f, &address) ||
      !number_of(output->fields[3], 0xff, &reg) || !number_of(output->fields[4], 0xff, &mask) ||
      !number_of(output->fields[5], 0xff, &value)) {
    return malformed(output, "i2c DEVICE ADDRESS REGISTER MASK VALUE NAME");
  }
  int bus = open(output->fields[1], O_RDWR | O_CLOEXEC);
  if (bus < 0) return fail(output, output->fields[1], errno);
  /* Not every adapter has these; what it has instead is then waited for. */
  (void)ioctl(bus, I2C_TIMEOUT, I2C_TIMEOUT_10MS);
  (void)ioctl(bus, I2C_RETRIES, 1UL);
  bool is_secured = false;
  if (ioctl(bus, I2C_SLAVE, address) != 0) fail(output, "the address cannot be taken", errno);
  else is_secured = change_bits(output, bus, reg, mask, value);
  close(bus);
  return is_secured;
}

static bool secure(struct output *output) {
  const char *kind = output->fields[0];
  if (strcmp(kind, "gpio") == 0) return secure_gpio(output);
  if (strcmp(kind, "sysfs") == 0) return secure_sysfs(output);
  if (strcmp(kind, "i2c") == 0) return secure_i2c(output);
  return malformed(output, "gpio, sysfs or i2c");
}

/* Its length; -1 and errno where it cannot be read whole. */
static ssize_t read_file(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t length = 0;
  for (;;) {
    ssize_t count = read(fd, file_text + length, (size_t)(FILE_BYTES_MAX + 1 - length));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) length = -1;
    if (count <= 0) break;
    length += count;
    if (length > FILE_BYTES_MAX) {
      errno = EFBIG;
      length = -1;
      break;
    }
  }
  int error = errno;
  close(fd);
  errno = error;
  return length;
}

/* Cuts the text into lines and fields, in place. -1 where it has more outputs than there is room for. */
static int parse_outputs(void) {
  int count = 0, line_number = 0;
  char *rest = file_text;
  for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
    line_number += 1;
    if (line[0] == '\0' || line[0] == '#') continue;
    if (count == OUTPUTS_MAX) return -1;
    struct output *output = &outputs[count++];
    output->line_number = line_number;
    for (char *field = strsep(&line, " "); field != NULL; field = strsep(&line, " ")) {
      if (output->field_count < FIELDS_MAX) output->fields[output->field_count] = field;
      /* Counted beyond the room, so that a line with too much is refused for its count. */
      output->field_count += 1;
    }
  }
  return count;
}

static int secure_all(int count) {
  int missing = count;
  for (int pass = 0; pass < PASSES_MAX && missing > 0; pass += 1) {
    if (pass > 1) nanosleep(&between_passes, NULL);
    for (int index = 0; index < count; index += 1) {
      struct output *output = &outputs[index];
      if (output->is_secured || (pass == 0 && strcmp(output->fields[0], "i2c") == 0)) continue;
      output->is_secured = secure(output);
      if (output->is_secured) missing -= 1;
    }
  }
  return missing;
}

int main(int argc, char **argv) {
  if (argc != 2 || argv[1][0] == '-') {
    fprintf(stderr, "usage: postern-secure FILE\n");
    return 2;
  }
  ssize_t length = read_file(argv[1]);
  if (length < 0) {
    if (errno == ENOENT) {
      printf("%s is not there: no output was opened\n", argv[1]);
      return 0;
    }
    fprintf(stderr, "postern-secure: %s: %s\n", argv[1], strerror(errno));
    return 2;
  }
  bool is_whole = memchr(file_text, '\0', (size_t)length) == NULL;
  if (!is_whole) fprintf(stderr, "postern-secure: %s: a zero byte: it is torn\n", argv[1]);
  int count = parse_outputs();
  if (count < 0) {
    fprintf(stderr, "postern-secure: %s: more than %d outputs\n", argv[1], OUTPUTS_MAX);
    is_whole = false;
    count = OUTPUTS_MAX;
  }
  int missing = secure_all(count);
  for (int index = 0; index < count; index += 1) {
    const struct output *output = &outputs[index];
    int name = output->field_count <= FIELDS_MAX ? output->field_count - 1 : 0;
    printf("%s %s%s%s\n", output->fields[name], output->is_secured ? "secured" : "NOT SECURED",
           output->is_secured ? "" : ": ", output->why);
  }
  return missing == 0 && is_whole ? 0 : 1;
}

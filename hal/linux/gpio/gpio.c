// The lines of a GPIO character device (Linux 5.10, include/uapi/linux/gpio.h, second edition) for
// Node, against N-API 8 alone. Nothing is decided here: character-device-gpio.ts does that.
//
// Each function returns its answer, or an errno negated, for the world's failures are expected ones; it
// throws only where it is called wrongly.
#define _GNU_SOURCE
#include "gpio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/gpio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

_Static_assert((int)lines_max <= (int)GPIO_V2_LINES_MAX, "a request of the kernel has that many");

static const napi_type_tag request_tag = {0x706f737465726e67, 0x70696f7265717565};

napi_value wrong(napi_env env, const char *what) {
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) == napi_ok && !pending) {
    napi_throw_type_error(env, NULL, what);
  }
  return NULL;
}

napi_value number(napi_env env, double value) {
  napi_value result = NULL;
  if (napi_create_double(env, value, &result) != napi_ok) return wrong(env, "no number");
  return result;
}

napi_value failure(napi_env env, int error) { return number(env, -error); }

bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values) {
  size_t given = count;
  return napi_get_cb_info(env, info, &given, values, NULL, NULL) == napi_ok && given == count;
}

// A text with a NUL inside would name another file than the one that was checked.
static bool text(napi_env env, napi_value value, char *buffer, size_t size) {
  size_t length = 0;
  size_t copied = 0;
  return napi_get_value_string_utf8(env, value, NULL, 0, &length) == napi_ok && length < size &&
         napi_get_value_string_utf8(env, value, buffer, size, &copied) == napi_ok &&
         strlen(buffer) == length;
}

static bool set_text(napi_env env, napi_value object, const char *key, const char *from, size_t max) {
  napi_value value = NULL;
  return napi_create_string_utf8(env, from, strnlen(from, max), &value) == napi_ok &&
         napi_set_named_property(env, object, key, value) == napi_ok;
}

static int open_chip(const char *path) { return open(path, O_RDWR | O_CLOEXEC); }

// ioctl, with the errno of a failure kept from the close that follows.
static int ask_chip(const char *path, unsigned long what, void *answer) {
  int chip = open_chip(path);
  if (chip < 0) return errno;
  int error = ioctl(chip, what, answer) < 0 ? errno : 0;
  close(chip);
  return error;
}

// chip(path) -> { name, label, lineCount }
static napi_value chip(napi_env env, napi_callback_info info) {
  napi_value values[1];
  char path[PATH_MAX];
  if (!arguments(env, info, 1, values) || !text(env, values[0], path, sizeof path)) {
    return wrong(env, "chip(path)");
  }
  struct gpiochip_info found = {0};
  int error = ask_chip(path, GPIO_GET_CHIPINFO_IOCTL, &found);
  if (error != 0) return failure(env, error);
  napi_value result = NULL;
  napi_value line_count = number(env, found.lines);
  if (line_count == NULL || napi_create_object(env, &result) != napi_ok ||
      !set_text(env, result, "name", found.name, sizeof found.name) ||
      !set_text(env, result, "label", found.label, sizeof found.label) ||
      napi_set_named_property(env, result, "lineCount", line_count) != napi_ok) {
    return wrong(env, "chip: no object");
  }
  return result;
}

// line(path, offset) -> { name, consumer, isUsed }
static napi_value line(napi_env env, napi_callback_info info) {
  napi_value values[2];
  char path[PATH_MAX];
  uint32_t offset = 0;
  if (!arguments(env, info, 2, values) || !text(env, values[0], path, sizeof path) ||
      napi_get_value_uint32(env, values[1], &offset) != napi_ok) {
    return wrong(env, "line(path, offset)");
  }
  struct gpio_v2_line_info found = {.offset = offset};
  int error = ask_chip(path, GPIO_V2_GET_LINEINFO_IOCTL, &found);
  if (error != 0) return failure(env, error);
  napi_value result = NULL;
  napi_value used = NULL;
  if (napi_create_object(env, &result) != napi_ok ||
      !set_text(env, result, "name", found.name, sizeof found.name) ||
      !set_text(env, result, "consumer", found.consumer, sizeof found.consumer) ||
      napi_get_boolean(env, (found.flags & GPIO_V2_LINE_FLAG_USED) != 0, &used) != napi_ok ||
      napi_set_named_property(env, result, "isUsed", used) != napi_ok) {
    return wrong(env, "line: no object");
  }
  return result;
}

static void close_request(request *held) {
  stop_watching(held);
  // Frees its lines, and not before: libuv must have taken the descriptor out of its epoll set.
  if (held->fd >= 0) close(held->fd);
  held->fd = -1;
  if (held->context != NULL) napi_async_destroy(held->env, held->context);
  if (held->listener != NULL) napi_delete_reference(held->env, held->listener);
  if (held->self != NULL) napi_delete_reference(held->env, held->self);
  held->context = NULL;
  held->listener = NULL;
  held->self = NULL;
}

static void request_collected(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  close_request(data);
  free(data);
}

// Asks the chip for lines and wraps what it gives; `asked` says everything but where.
static napi_value open_request(napi_env env, const char *path, struct gpio_v2_line_request *asked) {
  int error = ask_chip(path, GPIO_V2_GET_LINE_IOCTL, asked);
  if (error != 0) return failure(env, error);
  request *held = calloc(1, sizeof *held);
  if (held == NULL || fcntl(asked->fd, F_SETFL, O_NONBLOCK) < 0) {
    error = held == NULL ? ENOMEM : errno;
    close(asked->fd);
    free(held);
    return failure(env, error);
  }
  held->env = env;
  held->fd = asked->fd;
  held->line_count = asked->num_lines;
  memcpy(held->offsets, asked->offsets, sizeof held->offsets);
  napi_value result = NULL;
  if (napi_create_object(env, &result) != napi_ok ||
      napi_wrap(env, result, held, request_collected, NULL, NULL) != napi_ok) {
    close_request(held);
    free(held);
    return wrong(env, "no object for a request");
  }
  // From here on its collection frees it.
  if (napi_type_tag_object(env, result, &request_tag) != napi_ok) return wrong(env, "no tag");
  return result;
}

static uint64_t all_lines(uint32_t count) { return (UINT64_C(1) << count) - 1; }

static bool offsets_of(napi_env env, napi_value array, struct gpio_v2_line_request *asked) {
  uint32_t count = 0;
  if (napi_get_array_length(env, array, &count) != napi_ok) return false;
  if (count == 0 || count > lines_max) return false;
  for (uint32_t index = 0; index < count; index++) {
    napi_value offset = NULL;
    if (napi_get_element(env, array, index, &offset) != napi_ok ||
        napi_get_value_uint32(env, offset, &asked->offsets[index]) != napi_ok) {
      return false;
    }
  }
  asked->num_lines = count;
  return true;
}

// requestInputs(path, offsets, consumer, bias, debounceUs) -> request; bias 0 none, 1 up, 2 down
static napi_value request_inputs(napi_env env, napi_callback_info info) {
  static const uint64_t bias_flags[] = {GPIO_V2_LINE_FLAG_BIAS_DISABLED,
                                        GPIO_V2_LINE_FLAG_BIAS_PULL_UP,
                                        GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN};
  napi_value values[5];
  char path[PATH_MAX];
  uint32_t bias = 0;
  uint32_t debounce_us = 0;
  struct gpio_v2_line_request asked = {.event_buffer_size = events_max};
  if (!arguments(env, info, 5, values) || !text(env, values[0], path, sizeof path) ||
      !offsets_of(env, values[1], &asked) ||
      !text(env, values[2], asked.consumer, sizeof asked.consumer) ||
      napi_get_value_uint32(env, values[3], &bias) != napi_ok ||
      bias >= sizeof bias_flags / sizeof bias_flags[0] ||
      napi_get_value_uint32(env, values[4], &debounce_us) != napi_ok) {
    return wrong(env, "requestInputs(path, offsets, consumer, bias, debounceUs)");
  }
  asked.config.flags = GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING |
                       GPIO_V2_LINE_FLAG_EDGE_FALLING | bias_flags[bias];
  if (debounce_us > 0) {
    asked.config.num_attrs = 1;
    asked.config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_DEBOUNCE;
    asked.config.attrs[0].attr.debounce_period_us = debounce_us;
    asked.config.attrs[0].mask = all_lines(asked.num_lines);
  }
  return open_request(env, path, &asked);
}

static bool level_of(napi_env env, napi_value value, uint32_t *level) {
  return napi_get_value_uint32(env, value, level) == napi_ok && *level <= 1;
}

// requestOutput(path, offset, consumer, level, isOpenDrain) -> request, with that level on the line
static napi_value request_output(napi_env env, napi_callback_info info) {
  napi_value values[5];
  bool is_open_drain = false;
  char path[PATH_MAX];
  uint32_t level = 0;
  struct gpio_v2_line_request asked = {.num_lines = 1};
  if (!arguments(env, info, 5, values) || !text(env, values[0], path, sizeof path) ||
      napi_get_value_uint32(env, values[1], &asked.offsets[0]) != napi_ok ||
      !text(env, values[2], asked.consumer, sizeof asked.consumer) ||
      !level_of(env, values[3], &level) ||
      napi_get_value_bool(env, values[4], &is_open_drain) != napi_ok) {
    return wrong(env, "requestOutput(path, offset, consumer, level, isOpenDrain)");
  }
  asked.config.flags = GPIO_V2_LINE_FLAG_OUTPUT;
  if (is_open_drain) asked.config.flags |= GPIO_V2_LINE_FLAG_OPEN_DRAIN;
  asked.config.num_attrs = 1;
  asked.config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES;
  asked.config.attrs[0].attr.values = level;
  asked.config.attrs[0].mask = 1;
  return open_request(env, path, &asked);
}

// The request that a value wraps. The tag: no other addon's object is taken for one.
request *request_of(napi_env env, napi_value value) {
  bool tagged = false;
  void *held = NULL;
  if (napi_check_object_type_tag(env, value, &request_tag, &tagged) != napi_ok || !tagged ||
      napi_unwrap(env, value, &held) != napi_ok) {
    return NULL;
  }
  return held;
}

// read(request) -> the levels of its lines at one moment, as bits by their index
static napi_value read_levels(napi_env env, napi_callback_info info) {
  napi_value values[1];
  if (!arguments(env, info, 1, values)) return wrong(env, "read(request)");
  request *held = request_of(env, values[0]);
  if (held == NULL) return wrong(env, "read(request)");
  if (held->fd < 0) return failure(env, EBADF);
  struct gpio_v2_line_values asked = {.mask = all_lines(held->line_count)};
  if (ioctl(held->fd, GPIO_V2_LINE_GET_VALUES_IOCTL, &asked) < 0) return failure(env, errno);
  return number(env, (double)(asked.bits & asked.mask));
}

// drive(request, level) -> 0, when the kernel has taken it
static napi_value drive(napi_env env, napi_callback_info info) {
  napi_value values[2];
  uint32_t level = 0;
  if (!arguments(env, info, 2, values) || !level_of(env, values[1], &level)) {
    return wrong(env, "drive(request, level)");
  }
  request *held = request_of(env, values[0]);
  if (held == NULL) return wrong(env, "drive(request, level)");
  if (held->fd < 0) return failure(env, EBADF);
  struct gpio_v2_line_values asked = {.mask = 1, .bits = level};
  return failure(env, ioctl(held->fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &asked) < 0 ? errno : 0);
}

// close(request): its lines are free. Safe to call twice.
static napi_value close_lines(napi_env env, napi_callback_info info) {
  napi_value values[1];
  if (!arguments(env, info, 1, values)) return wrong(env, "close(request)");
  request *held = request_of(env, values[0]);
  if (held == NULL) return wrong(env, "close(request)");
  close_request(held);
  return number(env, 0);
}

NAPI_MODULE_INIT() {
  static const struct {
    const char *name;
    napi_callback function;
  } functions[] = {
      {"chip", chip},
      {"line", line},
      {"requestInputs", request_inputs},
      {"requestOutput", request_output},
      {"read", read_levels},
      {"drive", drive},
      {"listen", listen_to},
      {"close", close_lines},
  };
  if (!prepare_edges(env)) return wrong(env, "this Node's libuv is not of version 1");
  for (size_t at = 0; at < sizeof functions / sizeof functions[0]; at++) {
    napi_value function = NULL;
    if (napi_create_function(env, functions[at].name, NAPI_AUTO_LENGTH, functions[at].function, NULL,
                             &function) != napi_ok ||
        napi_set_named_property(env, exports, functions[at].name, function) != napi_ok) {
      return wrong(env, "no function");
    }
  }
  return exports;
}

// The edges of lines, from the kernel's queue to the listener.
//
// There is no thread. The kernel keeps 1,024 edges for a request, stamped and numbered, which is some
// twenty frames: more than any stall after which a door may still open. A thread that emptied it sooner
// could not open the door either, and would be one more thing that can stop.
#define _GNU_SOURCE
#include "gpio.h"

#include <errno.h>
#include <linux/gpio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// libuv, of which N-API hands out the loop but no way to watch a descriptor. Its ABI is stable within
// version 1, which every Node has; asking it for the size of a handle leaves nothing to its header.
typedef struct uv_loop_s uv_loop;
typedef struct uv_poll_opaque uv_poll;
enum { uv_poll_type = 8, uv_readable = 1 };
extern const char *uv_handle_type_name(int type);
extern size_t uv_handle_size(int type);
extern int uv_poll_init(uv_loop *loop, uv_poll *poll, int fd);
extern int uv_poll_start(uv_poll *poll, int events, void (*ready)(uv_poll *, int, int));
extern void uv_close(uv_poll *poll, void (*closed)(uv_poll *));
extern void *uv_handle_get_data(const uv_poll *poll);
extern void uv_handle_set_data(uv_poll *poll, void *data);

enum { numbers_per_event = 4 };

typedef struct {
  struct gpio_v2_line_event events[events_max];
  // What the listener sees of them: line, level, stamp and number, in a row for each.
  double *numbers;
  napi_ref numbers_array;
} instance;

// A watch outlives its request by the turn of the loop that libuv takes to close it.
typedef struct watch {
  request *owner;
  uv_poll *poll;
  napi_async_cleanup_hook_handle hook;
} watch;

static void watch_closed(uv_poll *poll) {
  watch *done = uv_handle_get_data(poll);
  napi_remove_async_cleanup_hook(done->hook);
  free(done);
  free(poll);
}

void stop_watching(request *held) {
  if (held->watch == NULL) return;
  held->watch->owner = NULL;
  uv_close(held->watch->poll, watch_closed);
  held->watch = NULL;
}

// Throws away what was queued before there was a listener. The number of its last, or a negated errno.
static double discard_queued(const request *held) {
  uint32_t sequence = 0;
  struct gpio_v2_line_event events[16];
  for (;;) {
    ssize_t size = read(held->fd, events, sizeof events);
    if (size < 0 && errno != EAGAIN) return -errno;
    if (size < 0) return sequence;
    size_t count = (size_t)size / sizeof events[0];
    if (count == 0) return sequence;
    // The highest: the last in the queue need not be the last that happened.
    for (size_t at = 0; at < count; at++) {
      if (events[at].seqno > sequence) sequence = events[at].seqno;
    }
  }
}

static uint32_t index_of(const request *held, uint32_t offset) {
  uint32_t index = 0;
  while (index < held->line_count && held->offsets[index] != offset) index++;
  return index;
}

static void number_events(const request *held, const instance *own, uint32_t count) {
  for (uint32_t at = 0; at < count; at++) {
    const struct gpio_v2_line_event *event = &own->events[at];
    double *row = own->numbers + (size_t)at * numbers_per_event;
    row[0] = index_of(held, event->offset);
    row[1] = event->id == GPIO_V2_LINE_EVENT_RISING_EDGE;
    row[2] = (double)event->timestamp_ns;
    row[3] = event->seqno;
  }
}

// `count` edges, or a negated errno after which there will be none.
static void tell(request *held, const instance *own, double count) {
  napi_env env = held->env;
  napi_handle_scope scope = NULL;
  napi_value self = NULL;
  napi_value listener = NULL;
  napi_value parameters[2] = {NULL, NULL};
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  if (napi_get_reference_value(env, held->self, &self) == napi_ok &&
      napi_get_reference_value(env, held->listener, &listener) == napi_ok &&
      napi_get_reference_value(env, own->numbers_array, &parameters[0]) == napi_ok &&
      napi_create_double(env, count, &parameters[1]) == napi_ok) {
    // It may close the request: nothing of that is touched below.
    napi_status status = napi_make_callback(env, held->context, self, listener, 2, parameters, NULL);
    napi_value thrown = NULL;
    if (status == napi_pending_exception &&
        napi_get_and_clear_last_exception(env, &thrown) == napi_ok) {
      napi_fatal_exception(env, thrown);
    }
  }
  napi_close_handle_scope(env, scope);
}

static void edges_ready(uv_poll *poll, int status, int events) {
  (void)events;
  watch *own_watch = uv_handle_get_data(poll);
  request *held = own_watch->owner;
  instance *own = NULL;
  if (held == NULL || napi_get_instance_data(held->env, (void **)&own) != napi_ok) return;
  ssize_t size = status < 0 ? -1 : read(held->fd, own->events, sizeof own->events);
  if (size < 0) {
    int error = status < 0 ? ENODEV : errno;
    if (error == EAGAIN || error == EINTR) return;
    // A chip that is gone stays readable for ever. libuv itself stops at an error, but not at a hang-up.
    stop_watching(held);
    tell(held, own, -error);
    return;
  }
  uint32_t count = (uint32_t)((size_t)size / sizeof own->events[0]);
  number_events(held, own, count);
  tell(held, own, count);
}

// The process, or a worker of it, ends with lines still watched.
static void environment_ends(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  watch *left = data;
  // Otherwise it is closing already, and watch_closed removes the hook.
  if (left->owner != NULL) stop_watching(left->owner);
}

static int start_watching(napi_env env, request *held) {
  uv_loop *loop = NULL;
  watch *started = calloc(1, sizeof *started);
  uv_poll *poll = calloc(1, uv_handle_size(uv_poll_type));
  if (started == NULL || poll == NULL || napi_get_uv_event_loop(env, &loop) != napi_ok ||
      uv_poll_init(loop, poll, held->fd) != 0) {
    free(started);
    free(poll);
    return ENOMEM;
  }
  *started = (watch){.owner = held, .poll = poll, .hook = NULL};
  uv_handle_set_data(poll, started);
  held->watch = started;
  napi_add_async_cleanup_hook(env, environment_ends, started, &started->hook);
  if (uv_poll_start(poll, uv_readable, edges_ready) == 0) return 0;
  stop_watching(held);
  return EIO;
}

// listen(request, (edges, count) => void) -> the number of the last edge before. Keeps the process
// alive, as an open socket does.
napi_value listen_to(napi_env env, napi_callback_info info) {
  napi_value values[2];
  napi_valuetype type = napi_undefined;
  if (!arguments(env, info, 2, values) || napi_typeof(env, values[1], &type) != napi_ok ||
      type != napi_function) {
    return wrong(env, "listen(request, listener)");
  }
  request *held = request_of(env, values[0]);
  if (held == NULL || held->listener != NULL) return wrong(env, "listen(request, listener), once");
  if (held->fd < 0) return failure(env, EBADF);
  napi_value name = NULL;
  if (napi_create_string_utf8(env, "postern_gpio", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_async_init(env, values[0], name, &held->context) != napi_ok ||
      napi_create_reference(env, values[1], 1, &held->listener) != napi_ok ||
      napi_create_reference(env, values[0], 1, &held->self) != napi_ok) {
    return wrong(env, "listen: no references");
  }
  double sequence = discard_queued(held);
  if (sequence < 0) return number(env, sequence);
  int error = start_watching(env, held);
  return error == 0 ? number(env, sequence) : failure(env, error);
}

static void instance_ends(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  free(data);
}

bool prepare_edges(napi_env env) {
  const char *poll_name = uv_handle_type_name(uv_poll_type);
  if (poll_name == NULL || strcmp(poll_name, "poll") != 0) return false;
  instance *own = calloc(1, sizeof *own);
  if (own == NULL) return false;
  if (napi_set_instance_data(env, own, instance_ends, NULL) != napi_ok) {
    free(own);
    return false;
  }
  napi_value buffer = NULL;
  napi_value array = NULL;
  size_t count = (size_t)events_max * numbers_per_event;
  return napi_create_arraybuffer(env, count * sizeof(double), (void **)&own->numbers, &buffer) ==
             napi_ok &&
         napi_create_typedarray(env, napi_float64_array, count, buffer, 0, &array) == napi_ok &&
         napi_create_reference(env, array, 1, &own->numbers_array) == napi_ok;
}


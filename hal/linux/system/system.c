/*
 * What Node has no call for and Linux has: one datagram to a socket of the unix domain, as systemd's
 * service protocol wants it (sd_notify(3)), ioctls of buses and serial ports, and a word about the memory
 * of this process. Each function does one system call's work, returns 0 or the negative errno, and throws
 * only for arguments of a wrong type: the TypeScript beside this file turns numbers into words.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/serial.h>
#include <node_api.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* A service manager that does not read must not hold the doors up: this once, then it is told again. */
static const struct timeval send_at_most = {.tv_sec = 0, .tv_usec = 50 * 1000};

#define MESSAGE_BYTES_MAX 4096
#define DEVICE_BYTES_MAX 64

static napi_value thrown(napi_env env, const char *what) {
  napi_throw_type_error(env, NULL, what);
  return NULL;
}

static napi_value number(napi_env env, int value) {
  napi_value result = NULL;
  if (napi_create_int32(env, value, &result) != napi_ok) return thrown(env, "no number");
  return result;
}

/* The text in UTF-8 with its terminating zero; -1 where it is no string or does not fit. */
static int text_of(napi_env env, napi_value value, char *buffer, size_t size, size_t *length) {
  size_t needed = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &needed) != napi_ok) return -1;
  if (needed >= size) return -1;
  return napi_get_value_string_utf8(env, value, buffer, size, length) == napi_ok ? 0 : -1;
}

static int send_datagram(const struct sockaddr_un *to, socklen_t to_bytes, const char *message,
                         size_t length) {
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int result = 0;
  ssize_t sent = -1;
  if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send_at_most, sizeof send_at_most) != 0) {
    result = -errno;
  } else {
    do {
      sent = sendto(fd, message, length, MSG_NOSIGNAL, (const struct sockaddr *)to, to_bytes);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) result = -errno;
  }
  close(fd);
  return result;
}

/*
 * notify(socket: string, message: string): 0 or -errno. `socket` is a path, or a name in the abstract
 * namespace after an `@`.
 */
static napi_value notify(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 2) {
    return thrown(env, "notify: expected a socket and a message");
  }
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  size_t path_bytes = 0;
  if (text_of(env, arguments[0], to.sun_path, sizeof to.sun_path, &path_bytes) != 0 ||
      path_bytes == 0) {
    return thrown(env, "notify: expected the path of a socket, at most 107 bytes");
  }
  char message[MESSAGE_BYTES_MAX];
  size_t length = 0;
  if (text_of(env, arguments[1], message, sizeof message, &length) != 0) {
    return thrown(env, "notify: expected a message of at most 4095 bytes");
  }
  /* A name in the abstract namespace has a zero first, none last, and its length is said. */
  socklen_t to_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_bytes);
  if (to.sun_path[0] == '@') to.sun_path[0] = '\0';
  else to_bytes += 1;
  return number(env, send_datagram(&to, to_bytes, message, length));
}

/*
 * limitI2cWait(device: string, ms: number): 0 or -errno. How long one transaction of the bus may take;
 * the kernel counts it in tens of milliseconds, for all who use the bus (drivers/i2c/i2c-dev.c).
 */
static napi_value limit_i2c_wait(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 2) {
    return thrown(env, "limitI2cWait: expected a device and milliseconds");
  }
  char device[DEVICE_BYTES_MAX];
  size_t length = 0;
  uint32_t ms = 0;
  if (text_of(env, arguments[0], device, sizeof device, &length) != 0 ||
      napi_get_value_uint32(env, arguments[1], &ms) != napi_ok || ms == 0 || ms > 60000) {
    return thrown(env, "limitI2cWait: expected the path of a device and 1 to 60000 ms");
  }
  int fd = open(device, O_RDWR | O_CLOEXEC);
  if (fd < 0) return number(env, -errno);
  int result = ioctl(fd, I2C_TIMEOUT, (unsigned long)((ms + 9) / 10)) == 0 ? 0 : -errno;
  close(fd);
  return number(env, result);
}

/*
 * turnRs485(fd: number): 0 or -errno. The kernel drives RTS high for as long as it sends, and lets it go
 * with the last stop bit: what an RS-485 driver's enable pin wants. The port's own echo is not heard.
 */
static napi_value turn_rs485(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value arguments[1];
  int32_t fd = -1;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 1 ||
      napi_get_value_int32(env, arguments[0], &fd) != napi_ok || fd < 0) {
    return thrown(env, "turnRs485: expected a file descriptor");
  }
  struct serial_rs485 wanted = {.flags = SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND};
  if (ioctl(fd, TIOCSRS485, &wanted) != 0) return number(env, -errno);
  /* It comes back as the driver took it, which may be not at all. */
  return number(env, (wanted.flags & SER_RS485_ENABLED) != 0 ? 0 : -EOPNOTSUPP);
}

/*
 * keepSmallPages(): 0 or -errno. For this process and what it starts. Else a thread of the kernel's that
 * has the lowest priority copies our memory together, and on a busy machine we wait for it.
 */
static napi_value keep_small_pages(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0 ? 0 : -errno);
}

/* What JavaScript sees: one line for each function. */
static const struct {
  const char *name;
  napi_callback call;
} functions[] = {
    {"notify", notify},
    {"limitI2cWait", limit_i2c_wait},
    {"turnRs485", turn_rs485},
    {"keepSmallPages", keep_small_pages},
};

NAPI_MODULE_INIT() {
  for (size_t index = 0; index < sizeof functions / sizeof functions[0]; index += 1) {
    napi_value function = NULL;
    if (napi_create_function(env, functions[index].name, NAPI_AUTO_LENGTH, functions[index].call,
                             NULL, &function) != napi_ok ||
        napi_set_named_property(env, exports, functions[index].name, function) != napi_ok) {
      return NULL;
    }
  }
  return exports;
}

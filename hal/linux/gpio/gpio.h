// What gpio.c, which asks for lines, and edges.c, which hands over their edges, have in common.
#ifndef POSTERN_GPIO_H
#define POSTERN_GPIO_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The most that the kernel keeps for a request (GPIO_V2_LINES_MAX * 16 in gpiolib-cdev.c), so that one
// read takes all there is. Lines: as many as have bits in an unsigned number of JavaScript's operators.
enum { events_max = 1024, lines_max = 32 };

// Lines that the kernel gave us.
typedef struct request {
  napi_env env;
  int fd;
  uint32_t line_count;
  uint32_t offsets[lines_max];
  struct watch *watch;
  napi_ref self;
  napi_ref listener;
  napi_async_context context;
} request;

napi_value wrong(napi_env env, const char *what);
napi_value number(napi_env env, double value);
napi_value failure(napi_env env, int error);
bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values);
request *request_of(napi_env env, napi_value value);

napi_value listen_to(napi_env env, napi_callback_info info);
void stop_watching(request *held);
bool prepare_edges(napi_env env);

#endif

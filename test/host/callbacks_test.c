/* What a host gives to be called: a codec, a clock, a listener. */
#include <time.h>

#include "check.h"

static caveat_error* error = NULL;

/* Runs of one byte as pairs of count and byte, behind a key that every byte is changed by. */
struct Codec {
  char key;
  int compressed;
  int decompressed;
  int released;
  int fails; /* 1: to compress, 2: to decompress */
};

static int compress(void* context, caveat_string raw, caveat_string dictionary, char* out,
                    size_t capacity, size_t* out_size) {
  struct Codec* const codec = context;
  ++codec->compressed;
  CHECK(dictionary.size == 0);
  if (codec->fails == 1) return 17;
  size_t used = 0;
  for (size_t i = 0; i < raw.size;) {
    size_t run = 1;
    while (i + run < raw.size && run < 255 && raw.data[i + run] == raw.data[i]) ++run;
    if (used + 2 > capacity) {
      *out_size = capacity + 1;
      return 0;
    }
    out[used++] = (char)run;
    out[used++] = (char)(raw.data[i] ^ codec->key);
    i += run;
  }
  *out_size = used;
  return 0;
}

static int decompress(void* context, caveat_string stored, caveat_string dictionary, char* out,
                      size_t out_size) {
  struct Codec* const codec = context;
  ++codec->decompressed;
  (void)dictionary;
  if (codec->fails == 2) return 18;
  size_t used = 0;
  for (size_t i = 0; i + 1 < stored.size; i += 2) {
    const size_t run = (unsigned char)stored.data[i];
    if (run > out_size - used) return 1;
    memset(out + used, stored.data[i + 1] ^ codec->key, run);
    used += run;
  }
  return used == out_size ? 0 : 1;
}

static void release(void* context) {
  ++((struct Codec*)context)->released;
}

static caveat_options with_codec(caveat_codec* codec, struct Codec* state) {
  *codec = (caveat_codec){.size = sizeof *codec,
                          .id = 200,
                          .name = "runs",
                          .context = state,
                          .compress = compress,
                          .decompress = decompress,
                          .release = release};
  const caveat_options options = {.size = sizeof options,
                                  .flags = CAVEAT_OPEN_NO_BACKGROUND,
                                  .compression = CAVEAT_COMPRESSION_CUSTOM,
                                  .custom_codec_id = 200,
                                  .dictionary_bytes = -1,
                                  .codecs = codec,
                                  .codec_count = 1};
  return options;
}

static void fill(caveat_store* store) {
  char reason[400];
  for (uint64_t node = 0; node < 50; ++node) {
    memset(reason, 'a' + (int)(node % 26), sizeof reason);
    caveat_record record = record_of(node, 1, (int64_t)node);
    record.reason = (caveat_string){reason, sizeof reason};
    OK(caveat_store_exception(store, &record, 0, &error));
  }
}

static void check(caveat_store* store) {
  for (uint64_t node = 0; node < 50; ++node) {
    const caveat_record* record = NULL;
    OK(caveat_retrieve_exception(store, NULL, node, 1, &record, &error));
    CHECK(record != NULL && record->reason.size == 400);
    CHECK(record->reason.data[399] == (char)('a' + node % 26));
    caveat_record_free(record);
  }
}

/* Of the library's own the ids were taken, and 384 of a host's would have been 128. */
static void a_codec_of_the_hosts_has_an_id_of_the_hosts(void) {
  static const uint32_t wrong[] = {0, 1, 2, 127, 256, 384, UINT32_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    struct Codec state = {.key = 42};
    caveat_codec codec;
    caveat_options options = with_codec(&codec, &state);
    options.custom_codec_id = wrong[i];
    caveat_store* store = NULL;
    CHECK(caveat_open_volatile(&options, &store, &error) == CAVEAT_INVALID_ARGUMENT);
    CHECK(store == NULL && strstr(caveat_error_message(error), "128 to 255") != NULL);
    caveat_error_free(error);
    error = NULL;
    options = with_codec(&codec, &state);
    codec.id = wrong[i];
    FAILS(CAVEAT_INVALID_ARGUMENT, caveat_open_volatile(&options, &store, &error));
  }
}

static void a_codec_is_used_kept_and_released(const char* path) {
  struct Codec state = {.key = 42};
  caveat_codec codec;
  caveat_options options = with_codec(&codec, &state);
  caveat_store* store = NULL;
  OK(caveat_open(path, &options, &store, &error));
  codec.id = 0; /* copied */
  fill(store);
  OK(caveat_flush(store, &error));
  CHECK(state.compressed > 0);
  OK(caveat_close(store, &error));
  caveat_store_release(store);
  CHECK(state.released == 1);

  options = with_codec(&codec, &state);
  OK(caveat_open(path, &options, &store, &error));
  check(store);
  CHECK(state.decompressed > 0);
  caveat_store_release(store);
  CHECK(state.released == 2);

  /* Without it: the block says which is missing. */
  OK(caveat_open(path, NULL, &store, &error));
  const caveat_record* record = NULL;
  FAILS(CAVEAT_CODEC_MISSING, caveat_retrieve_exception(store, NULL, 7, 1, &record, &error));
  CHECK(record == NULL);
  caveat_store_release(store);

  /* One that fails to read gives an error for what it holds. */
  state.fails = 2;
  options = with_codec(&codec, &state);
  OK(caveat_open(path, &options, &store, &error));
  FAILS(CAVEAT_CORRUPTION, caveat_retrieve_exception(store, NULL, 7, 1, &record, &error));
  caveat_store_release(store);
  CHECK(state.released == 3);

  /* A store that does not open has not taken it. */
  options.flags |= CAVEAT_OPEN_NEW;
  FAILS(CAVEAT_ALREADY_EXISTS, caveat_open(path, &options, &store, &error));
  codec.compress = NULL;
  FAILS(CAVEAT_INVALID_ARGUMENT, caveat_open(path, &options, &store, &error));
  CHECK(state.released == 3);
}

static int heard;
static void listen(void* context, caveat_code code, const char* message) {
  CHECK(context == &heard && code != CAVEAT_OK && strlen(message) > 5);
  ++heard;
}

/* A codec that cannot compress: folding fails, which the listener hears, or the flush says it. */
static void errors_are_told(void) {
  struct Codec state = {.fails = 1};
  caveat_codec codec;
  caveat_options options = with_codec(&codec, &state);
  options.flags = 0;
  options.on_background_error = listen;
  options.on_background_error_context = &heard;
  caveat_store* store = NULL;
  OK(caveat_open_volatile(&options, &store, &error));
  fill(store);
  CHECK(caveat_flush(store, &error) != CAVEAT_OK);
  CHECK(strstr(caveat_error_message(error), "runs") != NULL);
  caveat_error_free(error);
  error = NULL;
  state.fails = 0;
  caveat_store_release(store);
}

static int events;
static int opened;
static void log_event(void* context, const caveat_log_event* event) {
  CHECK(context == &events && event->size >= sizeof *event);
  CHECK(event->severity >= CAVEAT_LOG_INFO && event->severity <= CAVEAT_LOG_ERROR);
  CHECK(event->message.size > 0 && event->component.size > 0);
  ++events;
  if (event->event.size != 6 || memcmp(event->event.data, "opened", 6) != 0) return;
  ++opened;
  CHECK(event->field_count > 0);
  for (uint32_t i = 0; i < event->field_count; ++i) {
    CHECK(event->fields[i].key.size > 0 && event->fields[i].value.kind != CAVEAT_NULL);
  }
}

static void what_it_does_is_logged_and_counted(const char* path) {
  char metrics[4096];
  CHECK(snprintf(metrics, sizeof metrics, "%s.prom", path) < (int)sizeof metrics);
  const caveat_options options = {.size = sizeof options,
                                  .log = log_event,
                                  .log_context = &events,
                                  .log_least = CAVEAT_LOG_INFO,
                                  .metrics_file = metrics,
                                  .metrics_interval_ms = 100};
  caveat_store* store = NULL;
  OK(caveat_open(path, &options, &store, &error));
  CHECK(opened == 1);
  FILE* file = NULL;
  for (int i = 0; i < 6000 && file == NULL; ++i) {
    const struct timespec soon = {0, 10000000};
    nanosleep(&soon, NULL);
    file = fopen(metrics, "r");
  }
  CHECK(file != NULL);
  fclose(file);
  OK(caveat_close(store, &error));
  caveat_store_release(store);
  CHECK(events > opened); /* that it was closed, at the least */
}

static int64_t now;
static int64_t tell_time(void* context) {
  return *(int64_t*)context;
}

static void the_clock_is_the_hosts(void) {
  now = 1000;
  const caveat_options options = {.size = sizeof options,
                                  .flags = CAVEAT_OPEN_NO_BACKGROUND,
                                  .clock = tell_time,
                                  .clock_context = &now};
  caveat_store* store = NULL;
  OK(caveat_open_volatile(&options, &store, &error));
  caveat_snapshot* snapshot = NULL;
  OK(caveat_snapshot_create(store, &snapshot, &error));
  now = 4242;
  caveat_string json = {0};
  OK(caveat_statistics_json(store, 0, &json, &error));
  CHECK(strstr(json.data, "\"oldest_view_age_ns\":3242") != NULL);
  caveat_string_free(&json);
  caveat_snapshot_release(snapshot);
  caveat_store_release(store);
}

int main(int count, char** arguments) {
  CHECK(count == 2);
  a_codec_of_the_hosts_has_an_id_of_the_hosts();
  a_codec_is_used_kept_and_released(arguments[1]);
  errors_are_told();
  what_it_does_is_logged_and_counted(arguments[1]);
  the_clock_is_the_hosts();
  return 0;
}

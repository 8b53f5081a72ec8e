/* sink.c - opens, feeds and finishes what is written. */
#include "convert/sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"

mlce_status mlce_sink_open(mlce_format format, const char *path, const mlce_survey *survey,
                           const mlce_sink_options *options, mlce_sink **sink) {
    mlce_sink *opened = *sink = mlce_calloc(1, sizeof *opened);
    if (!opened) return MLCE_E_MEMORY;
    *opened =
        (mlce_sink){.path = path, .survey = survey, .options = *options, .arena = mlce_arena_new()};
    mlce_status status = MLCE_E_MEMORY;
    if (opened->arena)
        status = format == MLCE_FORMAT_CONLL   ? mlce_write_conll(opened)
                 : format == MLCE_FORMAT_JSONL ? mlce_write_jsonl(opened)
                 : format == MLCE_FORMAT_BRAT  ? mlce_write_brat(opened)
                 : format == MLCE_FORMAT_HDF5
                     ? mlce_write_hdf5(opened)
                     : mlce_fail(MLCE_E_ARGUMENT, "%s: this format is not written", path);
    if (!status) return MLCE_OK;
    mlce_sink_abandon(opened);
    *sink = NULL;
    return status;
}

mlce_status mlce_sink_add(mlce_sink *sink, const mlce_record *record) {
    mlce_arena_reset(sink->arena);
    return sink->add(sink, record);
}

void mlce_sink_abandon(mlce_sink *sink) {
    if (!sink) return;
    if (sink->close) sink->close(sink);
    mlce_arena_free(sink->arena);
    free(sink);
}

mlce_status mlce_sink_close(mlce_sink *sink) {
    mlce_status status = sink->finish(sink);
    mlce_sink_abandon(sink);
    return status;
}

/* ---- Text files ---- */

static mlce_status cannot_write(const mlce_text_file *text) {
    return mlce_fail(MLCE_E_IO, "%s: cannot write: %s", text->part ? text->path : "standard output",
                     strerror(errno));
}

mlce_status mlce_text_file_open(const char *path, mlce_text_file *text) {
    *text = (mlce_text_file){.path = path};
    if (!strcmp(path, "-")) {
        text->file = stdout;
        return MLCE_OK;
    }
    if (!(text->part = mlce_file_begin(path, MLCE_LINKS_FOLLOWED))) return MLCE_E_IO;
    text->file = fopen(text->part, "wb");
    if (text->file) return MLCE_OK;
    mlce_status status = cannot_write(text);
    mlce_text_file_abandon(text);
    return status;
}

mlce_status mlce_text_file_check(const mlce_text_file *text) {
    return ferror(text->file) ? cannot_write(text) : MLCE_OK;
}

mlce_status mlce_text_file_finish(mlce_text_file *text) {
    bool failed = text->part ? fclose(text->file) != 0 : fflush(text->file) != 0;
    mlce_status status = failed ? cannot_write(text) : MLCE_OK;
    text->file = NULL;
    if (!status && text->part) {
        status = mlce_file_commit(text->part, text->path);
        text->part = NULL;
    }
    mlce_text_file_abandon(text);
    return status;
}

void mlce_text_file_abandon(mlce_text_file *text) {
    if (text->part && text->file) fclose(text->file);
    mlce_file_abandon(text->part);
    *text = (mlce_text_file){0};
}

/* convert.c - from any format that is read to any that is written. */
#include "convert/convert.h"

#include <string.h>

#include "core/file.h"

static mlce_status check_output(mlce_source *source, const char *input, const char *output,
                                const mlce_convert_options *options) {
    const char *const files[] = {strcmp(input, "-") ? input : "/dev/stdin", options->labels_from,
                                 options->embed ? mlce_embed_file(options->embed) : NULL};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i] && mlce_file_is_same(files[i], output)) return mlce_file_is_read(output);
    return mlce_source_reads(source, output) ? mlce_file_is_read(output) : MLCE_OK;
}

static mlce_status take_types(const char *path, const char *output, mlce_survey *survey) {
    const mlce_dataset_options options = {.memory = 0, .check_rows = false};
    mlce_dataset *dataset;
    mlce_status status = mlce_dataset_open(path, &options, &dataset);
    if (!status && mlce_dataset_has_file(dataset, output)) status = mlce_file_is_read(output);
    for (int i = 0; !status && i < mlce_dataset_types(dataset); i++) {
        int number;
        status = mlce_names_add(&survey->types, mlce_dataset_type_name(dataset, i), &number);
    }
    mlce_dataset_close(dataset);
    return status;
}

static mlce_status survey_all(mlce_source *source, const char *output,
                              const mlce_convert_options *options, mlce_survey *survey) {
    mlce_survey_options wanted = {.fixed_types = options->types_from != NULL,
                                  .types_of = options->types_from,
                                  .first_appearance = options->first_appearance};
    mlce_status status = MLCE_OK;
    if (options->to == MLCE_FORMAT_HDF5 && options->embed)
        status = mlce_embed_check(options->embed, &wanted.collect_vocabulary);
    if (!status && options->types_from) status = take_types(options->types_from, output, survey);
    return status ? status : mlce_survey_source(source, &wanted, survey);
}

static mlce_status copy(mlce_source *source, mlce_sink *sink) {
    const mlce_record *record;
    mlce_status status;
    while (!(status = mlce_source_next(source, &record)) && record) {
        status = mlce_sink_add(sink, record);
        if (!status) continue;
        if (record->line)
            mlce_fail_prefix(status, "%s:%lld: ", mlce_source_name(source),
                             (long long)record->line);
        return status;
    }
    return status;
}

static void fill_report(const mlce_source *source, const mlce_survey *survey,
                        const mlce_convert_options *options, const mlce_embedder *embedder,
                        mlce_convert_report *report) {
    *report =
        (mlce_convert_report){.records = survey->records,
                              .tokens = survey->tokens,
                              .spans = survey->spans,
                              .types = (int)survey->types.count,
                              .width = survey->width,
                              .tag_columns = survey->tag_columns,
                              .are_items = survey->are_items,
                              .drops_text = survey->have_text && options->to == MLCE_FORMAT_CONLL,
                              .counts = *mlce_source_counted(source)};
    if (!embedder) return;
    report->embedded = *mlce_embedder_counts(embedder);
    report->width = mlce_embedder_width(embedder);
}

static mlce_status write_all(mlce_source *source, const char *output, const mlce_survey *survey,
                             const mlce_convert_options *options, mlce_convert_report *report) {
    mlce_sink *sink = NULL;
    mlce_embedder *embedder = NULL;
    mlce_status status = MLCE_OK;
    bool has_features = survey->are_items && survey->have_features;
    if (options->to == MLCE_FORMAT_HDF5 && options->embed && !has_features)
        status = mlce_embedder_open(options->embed, options->oov, &survey->vocabulary, &embedder);
    mlce_sink_options wanted = {options->scheme, embedder, options->precision};
    if (!status) status = mlce_sink_open(options->to, output, survey, &wanted, &sink);
    if (!status) status = copy(source, sink);
    if (status)
        mlce_sink_abandon(sink);
    else
        status = mlce_sink_close(sink);
    if (!status) fill_report(source, survey, options, embedder, report);
    mlce_embedder_close(embedder);
    return status;
}

mlce_status mlce_convert(const char *input, const char *output, const mlce_convert_options *options,
                         mlce_convert_report *report) {
    mlce_source *source;
    mlce_survey survey = {0};
    mlce_status status = mlce_source_open(input, &options->source, &source);
    if (status) return status;
    status = check_output(source, input, output, options);
    if (!status) status = survey_all(source, output, options, &survey);
    if (!status) status = write_all(source, output, &survey, options, report);
    mlce_survey_free(&survey);
    mlce_source_close(source);
    return status;
}

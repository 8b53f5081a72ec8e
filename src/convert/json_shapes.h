/* json_shapes.h - the JSON objects that annotation tools and libraries write. */
#ifndef MLCE_CONVERT_JSON_SHAPES_H
#define MLCE_CONVERT_JSON_SHAPES_H

#include <jansson.h>

#include "convert/reader.h"

/* Fills in a raw record, which points into `object`; *rejected where annotators rejected it.
   Messages lack file and line. */
mlce_status mlce_json_record(mlce_reader *reader, mlce_arena *arena, const json_t *object,
                             mlce_record *record, bool *rejected);

/* Spans or labels from a list in any of the forms
     [start, end, "TYPE"]                                     Doccano, over characters
     {"start_offset": 0, "end_offset": 5, "label": "TYPE"}    Doccano with relations
     {"start": 0, "end": 5, "label": "TYPE", "text": "..."}   Prodigy, over characters
     {"start": 0, "end": 5, "labels": ["TYPE"]}               Label Studio, over characters
     {"start": 0, "end": 1, "type": "TYPE", "text": "..."}    this project's, over tokens
     "label" or {"label": "...", "weight": 0.5}               labels of an item
   all of one form. */
mlce_status mlce_json_marks(mlce_arena *arena, const json_t *list, mlce_record *record);

#endif

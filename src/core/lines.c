/* lines.c - a text file line by line. */
#include "core/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "mlce/memory.h"

static const char BYTE_ORDER_MARK[] = "\xEF\xBB\xBF";

mlce_status mlce_check_utf8(const char *bytes, size_t size) {
    for (size_t at = 0; at < size;) {
        unsigned char byte = (unsigned char)bytes[at];
        if (byte == 0)
            return mlce_fail(MLCE_E_DATA, "byte %zu is NUL: is this a text file?", at + 1);
        if (byte < 0x80) {
            at++;
            continue;
        }
        utf8proc_int32_t code;
        utf8proc_ssize_t length = utf8proc_iterate((const utf8proc_uint8_t *)bytes + at,
                                                   (utf8proc_ssize_t)(size - at), &code);
        if (length <= 0)
            return mlce_fail(MLCE_E_DATA,
                             "byte %zu (0x%02X) is not UTF-8: save the file as UTF-8, for example "
                             "with iconv -f LATIN1 -t UTF-8",
                             at + 1, byte);
        at += (size_t)length;
    }
    return MLCE_OK;
}

static mlce_status check_line(const char *line, size_t length) {
    if (length && memchr(line, '\r', length))
        return mlce_fail(MLCE_E_DATA,
                         "a carriage return within the line: lines must end with LF or CR LF; "
                         "where CR alone ends them: tr '\\r' '\\n'");
    return mlce_check_utf8(line, length);
}

static mlce_status append(mlce_lines *lines, int c) {
    if (lines->length >= MLCE_LONGEST_LINE)
        return mlce_fail(MLCE_E_DATA, "%s:%lld: the line is longer than %d MiB", lines->name,
                         (long long)lines->number, MLCE_LONGEST_LINE >> 20);
    mlce_status status = mlce_grow((void **)&lines->text, &lines->capacity, lines->length + 1, 1);
    if (!status) lines->text[lines->length++] = (char)c;
    return status;
}

mlce_status mlce_lines_next(mlce_lines *lines, char **line) {
    *line = NULL;
    lines->number++;
    lines->length = 0;
    int c = 0;
    mlce_status status = MLCE_OK;
    while (!status && (c = getc_unlocked(lines->file)) != EOF && c != '\n')
        status = append(lines, c);
    if (!status && c == EOF && ferror(lines->file))
        status = mlce_fail(MLCE_E_IO, "%s: cannot read: %s", lines->name, strerror(errno));
    if (status || (c == EOF && !lines->length)) return status;
    while (lines->length && lines->text[lines->length - 1] == '\r') lines->length--;
    status = lines->any_bytes ? MLCE_OK : check_line(lines->text, lines->length);
    if (status) return mlce_fail_prefix(status, "%s:%lld: ", lines->name, (long long)lines->number);
    if ((status = append(lines, '\0'))) return status;
    lines->length--;
    size_t mark = sizeof BYTE_ORDER_MARK - 1;
    bool has_mark = lines->number == 1 && !strncmp(lines->text, BYTE_ORDER_MARK, mark);
    *line = lines->text + (has_mark ? mark : 0);
    if (has_mark) lines->length -= mark;
    return MLCE_OK;
}

mlce_status mlce_lines_rewind(mlce_lines *lines) {
    lines->number = 0;
    if (fseek(lines->file, 0, SEEK_SET))
        return mlce_fail(MLCE_E_IO, "%s: cannot read again: %s", lines->name, strerror(errno));
    return MLCE_OK;
}

void mlce_lines_free(mlce_lines *lines) {
    free(lines->text);
    *lines = (mlce_lines){0};
}

/* html.c - a page in memory, written so that what comes from files cannot be taken for markup. */
#include "report/html.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "core/file.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* What XML forbids and has no picture, and what turns the direction of the text behind it. */
static bool is_replaced(int c) {
    return (c > 0x7F && c < 0xA0) || (c & 0xFFFE) == 0xFFFE || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

mlce_status mlce_html_begin(mlce_html *html) {
    *html = (mlce_html){0};
    html->out = mlce_text_begin(&html->text);
    if (!html->out) return mlce_fail(MLCE_E_MEMORY, "out of memory: a page");
    html->locale = mlce_locale_begin();
    return MLCE_OK;
}

/* U+2400 .. U+2421 are pictures of the control characters, which XML forbids. */
static void put_control(FILE *out, int character) {
    if (character == '\n' || character == '\t')
        fputc(character, out);
    else
        fprintf(out, "\xE2\x90%c", character == 0x7F ? 0xA1 : 0x80 + character);
}

/* Writes the character at `at` and returns where the next one begins. */
static const char *put_character(FILE *out, const char *at) {
    utf8proc_int32_t c;
    utf8proc_ssize_t bytes = utf8proc_iterate((const utf8proc_uint8_t *)at, -1, &c);
    if (bytes < 1) {
        fputs(REPLACEMENT, out);
        return at + 1;
    }
    if (c == '&')
        fputs("&amp;", out);
    else if (c == '<')
        fputs("&lt;", out);
    else if (c == '>')
        fputs("&gt;", out);
    else if (c == '"')
        fputs("&quot;", out);
    else if (c == '\'')
        fputs("&#39;", out);
    else if (c < 0x20 || c == 0x7F)
        put_control(out, c);
    else if (is_replaced(c))
        fputs(REPLACEMENT, out);
    else
        fwrite(at, 1, (size_t)bytes, out);
    return at + bytes;
}

/* To be called after what was written, before other calls touch errno: see mlce_text_end(). */
static void note_memory(mlce_html *html) {
    html->text.failed |= errno == ENOMEM;
}

void mlce_html_text(mlce_html *html, const char *text, int most) {
    int n = 0;
    for (; *text && n != most; n++) text = put_character(html->out, text);
    if (*text) fputs("\xE2\x80\xA6", html->out);
    note_memory(html);
}

void mlce_html_name(mlce_html *html, const char *name) {
    fputs("<bdi>", html->out);
    mlce_html_text(html, name, MLCE_HTML_NAME);
    fputs("</bdi>", html->out);
}

/* Writes the value of the conversion at `at` and returns what comes behind it. */
static const char *put_value(mlce_html *html, const char *at, va_list *values) {
    char conversion[16];
    size_t length = strcspn(at + 1, "sdufg%") + 2;
    assert(length < sizeof conversion);
    memcpy(conversion, at, length);
    conversion[length] = '\0';
    char kind = conversion[length - 1];
    if (kind == '%')
        fputc('%', html->out);
    else if (kind == 's')
        mlce_html_text(html, va_arg(*values, const char *), INT_MAX);
    else if (kind == 'f' || kind == 'g')
        fprintf(html->out, conversion, va_arg(*values, double));
    else if (strstr(conversion, "ll"))
        fprintf(html->out, conversion, va_arg(*values, long long));
    else if (strchr(conversion, 'z'))
        fprintf(html->out, conversion, va_arg(*values, size_t));
    else
        fprintf(html->out, conversion, va_arg(*values, int));
    return at + length;
}

void mlce_html_put(mlce_html *html, const char *markup, ...) {
    va_list values;
    va_start(values, markup);
    while (*markup) {
        size_t plain = strcspn(markup, "%");
        fwrite(markup, 1, plain, html->out);
        markup += plain;
        if (*markup) markup = put_value(html, markup, &values);
    }
    va_end(values);
    note_memory(html);
}

mlce_status mlce_html_end(mlce_html *html, const char *path, mlce_links links) {
    char *text = mlce_text_end(&html->text, path);
    mlce_locale_end(html->locale);
    mlce_status status = text ? mlce_file_write_text(path, links, text) : MLCE_E_MEMORY;
    free(text);
    return status;
}

void mlce_html_abandon(mlce_html *html) {
    free(mlce_text_end(&html->text, "a page"));
    mlce_locale_end(html->locale);
}

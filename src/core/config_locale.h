/* config_locale.h - numbers read and written with a point, whatever the process's locale. */
#ifndef MLCE_CORE_CONFIG_LOCALE_H
#define MLCE_CORE_CONFIG_LOCALE_H

#include <locale.h>

typedef struct mlce_locale {
    locale_t c, before;
} mlce_locale;

/* The calling thread has the C locale until mlce_locale_end(). */
static inline mlce_locale mlce_locale_begin(void) {
    mlce_locale locale = {.c = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    locale.before = uselocale(locale.c);
    return locale;
}

static inline void mlce_locale_end(mlce_locale locale) {
    uselocale(locale.before);
    if (locale.c) freelocale(locale.c);
}

#endif

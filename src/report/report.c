/* report.c - the page of a run. */
#include "report/report.h"

#include <stdlib.h>

#include "core/file.h"
#include "report/page.h"
#include "train/run_folder.h"

static mlce_status put_page(mlce_html *html, const mlce_view *view) {
    mlce_page_begin(html, view->name);
    mlce_page_summary(html, view);
    bool was_trained = view->evaluation_count > 0;
    mlce_status status = was_trained ? mlce_page_curves(html, view) : MLCE_OK;
    if (view->has_metrics[MLCE_DEV]) {
        if (!status) status = mlce_page_type_table(html, view);
        if (!status) status = mlce_page_confusions(html, view);
        if (!status) status = mlce_page_errors(html, view);
    }
    if (!status) status = mlce_page_data(html, view);
    if (!status && was_trained) status = mlce_page_speed(html, view);
    mlce_page_model(html, view);
    mlce_page_end(html);
    return status;
}

/* `path` NULL: report.html in the run's folder. */
static mlce_status write_page(const mlce_view *view, const char *path) {
    char *own = path ? NULL : mlce_run_folder_file(view->run, "report.html");
    if (!path && !own) return MLCE_E_MEMORY;
    mlce_html html;
    mlce_status status = mlce_html_begin(&html);
    if (!status) {
        status = put_page(&html, view);
        if (status)
            mlce_html_abandon(&html);
        else
            status = path ? mlce_html_end(&html, path, MLCE_LINKS_FOLLOWED)
                          : mlce_html_end(&html, own, MLCE_LINKS_REPLACED);
    }
    free(own);
    return status;
}

mlce_status mlce_report_of(const mlce_view *view) {
    return write_page(view, NULL);
}

mlce_status mlce_report_check_path(const mlce_view *view, const char *path) {
    bool is_read = mlce_run_folder_owns(view->run, path);
    for (int s = 0; s < MLCE_SPLITS; s++)
        is_read = is_read || (view->data[s] && mlce_dataset_has_file(view->data[s], path));
    return is_read ? mlce_file_is_read(path) : MLCE_OK;
}

mlce_status mlce_report_write(const char *run, const char *path) {
    mlce_view view;
    mlce_status status = mlce_view_open(run, &view);
    if (status) return status;
    if (path) status = mlce_report_check_path(&view, path);
    if (!status) status = write_page(&view, path);
    mlce_view_free(&view);
    return status;
}

/* chart.c - lines over epochs as inline SVG. */
#include "report/chart.h"

#include <math.h>

/* In SVG units, which are pixels where the figure has room for WIDTH of them. */
enum { WIDTH = 480, HEIGHT = 260, LEFT = 56, RIGHT = 14, TOP = 16, BOTTOM = 40, MOST_POINTS = 400 };

/* Of an axis; more than nice_step() leads to. Steps may be lost in the rounding of huge numbers. */
enum { MOST_MARKS = 32 };

typedef struct axis {
    double low, high, step;
    int digits;      /* behind the point */
    double from, to; /* where low and high lie */
} axis;

static double at(const axis *a, double value) {
    return a->from + (value - a->low) / (a->high - a->low) * (a->to - a->from);
}

/* 1, 2 or 5 times a power of ten, about a `parts`th of the range. */
static double nice_step(double range, int parts) {
    double rough = range / parts, power = pow(10, floor(log10(rough)));
    double lead = rough / power;
    return power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
}

static void set_steps(axis *a, double step) {
    a->step = step;
    a->low = floor(a->low / step + 1e-9) * step;
    a->high = ceil(a->high / step - 1e-9) * step;
    a->digits = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
}

static void extend(axis *a, const double *values, int count, bool *first) {
    for (int i = 0; i < count; i++) {
        if (*first || values[i] < a->low) a->low = values[i];
        if (*first || values[i] > a->high) a->high = values[i];
        *first = false;
    }
}

static void make_axes(const mlce_chart *chart, axis *x, axis *y) {
    bool first_x = true, first_y = true;
    *x = (axis){.from = LEFT, .to = WIDTH - RIGHT};
    *y = (axis){.from = HEIGHT - BOTTOM, .to = TOP};
    for (int n = 0; n < chart->count; n++) {
        extend(x, chart->lines[n].x, chart->lines[n].count, &first_x);
        extend(y, chart->lines[n].y, chart->lines[n].count, &first_y);
    }
    if (chart->from_zero && y->low > 0) y->low = 0;
    if (x->high - x->low < 1e-9) {
        x->low -= 1;
        x->high += 1;
    }
    if (y->high - y->low < 1e-9) y->high = y->low + (y->low > 0 ? 0.1 * y->low : 0.1);
    x->step = fmax(1, nice_step(x->high - x->low, 8));
    set_steps(y, nice_step(y->high - y->low, 5));
    if (chart->share) y->high = fmin(y->high, 1);
}

static void put_grid(mlce_html *html, const mlce_chart *chart, const axis *x, const axis *y) {
    mlce_html_put(html, "<g class=\"grid\">");
    for (int n = 0; n < MOST_MARKS; n++) {
        double value = y->low + n * y->step;
        if (value > y->high + y->step * 1e-6) break;
        char text[32];
        if (y->step >= 1000 && n > 0)
            snprintf(text, sizeof text, "%.0fk", value / 1000);
        else
            snprintf(text, sizeof text, "%.*f", y->digits, value);
        mlce_html_put(
            html,
            "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/><text x=\"%d\" y=\"%.1f\" "
            "text-anchor=\"end\">%s</text>\n",
            LEFT, WIDTH - RIGHT, at(y, value), at(y, value), LEFT - 6, at(y, value) + 4, text);
    }
    for (int n = 0; n < MOST_MARKS; n++) {
        double value = (ceil(x->low / x->step) + n) * x->step;
        if (value > x->high + 1e-9) break;
        mlce_html_put(html, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>\n",
                      at(x, value), HEIGHT - BOTTOM + 16, value);
    }
    mlce_html_put(html,
                  "</g><text class=\"name\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>"
                  "<text class=\"name\" transform=\"translate(13 %d) rotate(-90)\" "
                  "text-anchor=\"middle\">%s</text>\n",
                  (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 5, chart->x_name,
                  (TOP + HEIGHT - BOTTOM) / 2, chart->y_name);
}

static void put_line(mlce_html *html, const mlce_chart_line *line, const axis *x, const axis *y) {
    int stride = (line->count + MOST_POINTS - 1) / MOST_POINTS;
    if (line->count > 1) {
        mlce_html_put(html, "<polyline class=\"line %s\" points=\"", line->colour);
        for (int i = 0; i < line->count; i += stride)
            mlce_html_put(html, "%.1f,%.1f ", at(x, line->x[i]), at(y, line->y[i]));
        mlce_html_put(html, "%.1f,%.1f\"/>\n", at(x, line->x[line->count - 1]),
                      at(y, line->y[line->count - 1]));
    }
    for (int i = 0; i < line->count && line->count <= 40; i++)
        mlce_html_put(
            html,
            "<circle class=\"point %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\"><title>%s: %.4f "
            "at %.0f</title></circle>\n",
            line->colour, at(x, line->x[i]), at(y, line->y[i]), line->name, line->y[i], line->x[i]);
}

static void put_legend(mlce_html *html, const mlce_chart *chart) {
    static const char swatch[] =
        "<svg class=\"swatch\" viewBox=\"0 0 26 10\" aria-hidden=\"true\" "
        "xmlns=\"http://www.w3.org/2000/svg\">";
    mlce_html_put(html, "<ul class=\"legend\">");
    for (int n = 0; n < chart->count; n++) {
        fputs("<li>", html->out);
        fputs(swatch, html->out);
        mlce_html_put(html, "<line class=\"line %s\" x1=\"0\" x2=\"26\" y1=\"5\" y2=\"5\"/></svg> ",
                      chart->lines[n].colour);
        mlce_html_name(html, chart->lines[n].name);
        fputs("</li>", html->out);
    }
    if (chart->mark) {
        fputs("<li>", html->out);
        fputs(swatch, html->out);
        mlce_html_put(html,
                      "<line class=\"mark\" x1=\"13\" x2=\"13\" y1=\"0\" y2=\"10\"/></svg> %s</li>",
                      chart->mark);
    }
    mlce_html_put(html, "</ul>\n");
}

void mlce_chart_put(mlce_html *html, const mlce_chart *chart) {
    axis x, y;
    make_axes(chart, &x, &y);
    mlce_html_put(html, "<figure><figcaption>%s</figcaption>\n", chart->title);
    put_legend(html, chart);
    mlce_html_put(html,
                  "<svg class=\"chart\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\" "
                  "xmlns=\"http://www.w3.org/2000/svg\">\n",
                  WIDTH, HEIGHT, chart->title);
    put_grid(html, chart, &x, &y);
    if (chart->mark)
        mlce_html_put(html, "<line class=\"mark\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>\n",
                      at(&x, chart->mark_x), at(&x, chart->mark_x), TOP, HEIGHT - BOTTOM);
    for (int n = 0; n < chart->count; n++) put_line(html, &chart->lines[n], &x, &y);
    mlce_html_put(html, "</svg></figure>\n");
}

/* session.h - what a training run holds while it lasts. */
#ifndef MLCE_TRAIN_SESSION_H
#define MLCE_TRAIN_SESSION_H

#include "mlce/train.h"
#include "parallel/ranks.h"
#include "parallel/reduce.h"
#include "train/checkpoint.h"
#include "train/resume.h"

typedef struct mlce_session {
    const mlce_config *config;
    const mlce_train_options *options;
    const mlce_ranks *ranks;          /* NULL: this process trains alone */
    const char *output;               /* the run's folder */
    mlce_dataset *train, *dev, *test; /* dev and test: NULL where not given */
    mlce_model *model;
    mlce_adam *adam;
    mlce_batcher *batcher;
    mlce_graph *graph;
    mlce_reducer *reducer; /* with ranks */
    mlce_schedule_options schedule;
    mlce_train_state state;
    double began;  /* seconds, of a clock that only runs forward */
    double before; /* seconds that the run took before it was interrupted */

    mlce_resume *resume; /* what the run goes on from; NULL: it starts */
    int lock;            /* of the folder; -1: none yet */
    bool differed;       /* the ranks' weights, and it was said */
    bool saved;          /* last.h5 is of this run, and what a run before left is gone */
    int64_t saved_step;  /* of the last checkpoint, and when it was written */
    double saved_at;
} mlce_session;

/* Refuses what is wrong whatever the data. */
mlce_status mlce_session_check(const mlce_config *config);
/* Refuses data that cannot be opened; of what is in it, the embeddings are read with `check_rows`
   only. */
mlce_status mlce_session_check_data(const mlce_config *config, bool check_rows);
/* Opens the data, makes the model, and checks that they fit; reports the first lines of the run. */
mlce_status mlce_session_open(mlce_session *session);
void mlce_session_close(mlce_session *session);

/* Hands a line of the run's opening to options->line. */
void mlce_session_say(const mlce_session *session, const char *format, ...) MLCE_PRINTF(2, 3);

double mlce_seconds(void);

/* Steps that an epoch of `batches` has: each takes train.accumulate, the last one what is left. */
static inline int64_t mlce_steps_an_epoch(const mlce_config *config, int64_t batches) {
    int64_t together = mlce_config_int(config, "train.accumulate");
    return (batches + together - 1) / together;
}

/* Whether the caller wants the run to end here. */
static inline bool mlce_wants_stop(const mlce_train_options *options) {
    return options->stop && options->stop(options->context);
}

#endif

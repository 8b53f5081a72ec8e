/* resume.h - what an interrupted run goes on from. */
#ifndef MLCE_TRAIN_RESUME_H
#define MLCE_TRAIN_RESUME_H

#include "mlce/dataset.h"
#include "train/checkpoint.h"

/* An open checkpoint. */
typedef struct mlce_resume {
    mlce_h5 file;
    mlce_config *config; /* that the checkpoint was trained with */
    mlce_h5_strings types;
    mlce_train_state state;
} mlce_resume;

/* Opens the checkpoint that the run in the folder goes on from; *resume is NULL where there is
   none. Free with mlce_resume_close(). */
mlce_status mlce_resume_open(const char *folder, mlce_resume **resume);
void mlce_resume_close(mlce_resume *resume);

/* Refuses a configuration that would lead elsewhere than the checkpoint's, with the keys; where
   `accept`, logs them. */
mlce_status mlce_resume_check_config(const mlce_resume *resume, const mlce_config *config,
                                     bool accept);
/* Says what `batches` an epoch, where they are not as many as before, do to the learning rate. */
void mlce_resume_note_batches(const mlce_resume *resume, const mlce_config *config,
                              int64_t batches);
/* The same for the data: `now` has train, dev and test as they are, and the blocks. `train` would
   have another order where it is in memory now and was not, or the other way round, or is read in
   other blocks. */
mlce_status mlce_resume_check_data(const mlce_resume *resume, const mlce_config *config,
                                   const mlce_train_state *now, const mlce_dataset *train,
                                   bool accept);

/* What mlce_resume_check_data() compares. A NULL dataset gives zeros. */
mlce_status mlce_split_describe(mlce_dataset *dataset, mlce_split_state *split);
int64_t mlce_blocks_describe(const mlce_dataset *dataset);

#endif

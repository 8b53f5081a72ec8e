/* spoil.h - a dataset with a number that no writer would write. */
#ifndef SPOIL_H
#define SPOIL_H

#include <hdf5.h>
#include <math.h>

#include "unit.h"

/* Makes NaN of the first number of the embeddings that is `value`. */
static inline void spoil_number(const char *path, float value) {
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, "/tokens/embeddings", H5P_DEFAULT);
    hid_t space = H5Dget_space(dataset);
    size_t count = (size_t)H5Sget_simple_extent_npoints(space), at = 0;
    float *numbers = malloc(count * sizeof *numbers);
    ck_assert_ptr_nonnull(numbers);
    ck_assert_int_ge(H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers), 0);
    while (at < count && numbers[at] != value) at++;
    ck_assert_uint_lt(at, count);
    numbers[at] = NAN;
    ck_assert_int_ge(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers),
                     0);
    free(numbers);
    H5Sclose(space);
    H5Dclose(dataset);
    ck_assert_int_ge(H5Fclose(file), 0);
}

#endif

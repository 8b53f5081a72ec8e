/* hdf5_driver.c - a file driver that keeps the first write error. */
#include "data/hdf5_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if H5_VERSION_GE(1, 13, 2)
#include <H5FDdevelop.h>
#endif

typedef struct driver_info {
    int *error;
} driver_info;

typedef struct driver_file {
    H5FD_t base; /* HDF5's part, first */
    int descriptor;
    haddr_t allocated, size;
    int *error;
} driver_file;

static H5FD_t *open_file(const char *name, unsigned flags, hid_t access, haddr_t most) {
    (void)most;
    const driver_info *info = H5Pget_driver_info(access);
    int mode = (flags & H5F_ACC_RDWR ? O_RDWR : O_RDONLY) | (flags & H5F_ACC_CREAT ? O_CREAT : 0) |
               (flags & H5F_ACC_TRUNC ? O_TRUNC : 0) | (flags & H5F_ACC_EXCL ? O_EXCL : 0);
    driver_file *file = info ? calloc(1, sizeof *file) : NULL;
    if (info && !file) *info->error = ENOMEM;
    if (!file) return NULL;
    file->error = info->error;
    file->descriptor = open(name, mode | O_CLOEXEC, 0666);
    off_t end = file->descriptor < 0 ? -1 : lseek(file->descriptor, 0, SEEK_END);
    if (end >= 0) {
        file->size = (haddr_t)end;
        return &file->base;
    }
    *file->error = errno;
    if (file->descriptor >= 0) close(file->descriptor);
    free(file);
    return NULL;
}

static herr_t close_file(H5FD_t *base) {
    driver_file *file = (driver_file *)base;
    if (close(file->descriptor) && !*file->error) *file->error = errno;
    free(file);
    return 0;
}

static herr_t query(const H5FD_t *base, unsigned long *flags) {
    (void)base;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
}

static haddr_t get_allocated(const H5FD_t *base, H5FD_mem_t type) {
    (void)type;
    return ((const driver_file *)base)->allocated;
}

static herr_t set_allocated(H5FD_t *base, H5FD_mem_t type, haddr_t address) {
    (void)type;
    ((driver_file *)base)->allocated = address;
    return 0;
}

static haddr_t get_size(const H5FD_t *base, H5FD_mem_t type) {
    (void)type;
    return ((const driver_file *)base)->size;
}

/* What was allocated and not yet written reads as zeros. */
static herr_t read_bytes(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address,
                         size_t count, void *buffer) {
    (void)type, (void)transfer;
    const driver_file *file = (const driver_file *)base;
    char *next = buffer;
    while (count) {
        ssize_t done = pread(file->descriptor, next, count, (off_t)address);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return -1;
        if (done == 0) {
            memset(next, 0, count);
            return 0;
        }
        next += done;
        address += (haddr_t)done;
        count -= (size_t)done;
    }
    return 0;
}

static herr_t write_bytes(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address,
                          size_t count, const void *buffer) {
    (void)type, (void)transfer;
    driver_file *file = (driver_file *)base;
    const char *next = buffer;
    haddr_t end = address + count;
    while (count && !*file->error) {
        ssize_t done = pwrite(file->descriptor, next, count, (off_t)address);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) {
            *file->error = done < 0 ? errno : ENOSPC;
            break;
        }
        next += done;
        address += (haddr_t)done;
        count -= (size_t)done;
    }
    if (end > file->size) file->size = end;
    return 0;
}

static herr_t truncate_file(H5FD_t *base, hid_t transfer, hbool_t closing) {
    (void)transfer, (void)closing;
    driver_file *file = (driver_file *)base;
    if (file->size == file->allocated) return 0;
    if (!*file->error && ftruncate(file->descriptor, (off_t)file->allocated)) *file->error = errno;
    file->size = file->allocated;
    return 0;
}

static const H5FD_class_t driver_class = {
#if H5_VERSION_GE(1, 13, 2)
    .version = H5FD_CLASS_VERSION,
    .value = 511, /* of the range that is free for private drivers */
#endif
    .name = "mlce",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_WEAK,
    .fapl_size = sizeof(driver_info),
    .open = open_file,
    .close = close_file,
    .query = query,
    .get_eoa = get_allocated,
    .set_eoa = set_allocated,
    .get_eof = get_size,
    .read = read_bytes,
    .write = write_bytes,
    .truncate = truncate_file,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

herr_t mlce_h5_set_driver(hid_t access, int *error) {
    static hid_t driver;
    if (H5Iget_type(driver) != H5I_VFL && (driver = H5FDregister(&driver_class)) < 0) return -1;
    return H5Pset_driver(access, driver, &(driver_info){error});
}

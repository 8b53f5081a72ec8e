/* A damaged HDF5 file is an error, not the end of the program: it is walked in another process. */
#include <sys/resource.h>
#include <sys/stat.h>

#include "data/hdf5.h"
#include "data/hdf5_visit.h"
#include "data/hdf5_walk.h"
#include "mlce/dataset.h"
#include "unit.h"

static const char *const CRASH = DAMAGED "/crash.h5", *const MEMORY = DAMAGED "/memory.h5";
static char *folder, path[128];

static void set_up(void) {
    unsetenv("MLCE_WALK_SECONDS");
    mlce_walk_files(60);
    folder = make_folder();
    snprintf(path, sizeof path, "%s/a.h5", folder);
}

static void tear_down(void) {
    mlce_walk_files(0);
    remove_folder(folder);
}

static void copy(const char *from, const char *to) {
    char command[512];
    snprintf(command, sizeof command, "cp '%s' '%s'", from, to);
    ck_assert_int_eq(system(command), 0);
}

static void write_good(void) {
    mlce_h5 file;
    const char *const words[] = {"a", "b"};
    const float values[4] = {1, 2, 3, 4};
    assert_ok(mlce_h5_create(path, path, &file));
    assert_ok(mlce_h5_write_text(&file, "/", "format", "mlce-spans"));
    assert_ok(mlce_h5_write_strings(&file, "/types", words, 2));
    assert_ok(mlce_h5_write_matrix(&file, "/deep/down/values", values, 2, 2, MLCE_FLOAT16));
    assert_ok(mlce_h5_close(&file));
}

START_TEST(a_good_file_passes) {
    write_good();
    assert_ok(mlce_h5_walk(path));
    mlce_h5 file;
    assert_ok(mlce_h5_open(path, &file));
    assert_ok(mlce_h5_close(&file));
}
END_TEST

/* Later versions of HDF5 may refuse these files by themselves: then the walk lets them pass. */
START_TEST(a_file_that_crashes_hdf5_is_an_error) {
    const char *const files[] = {CRASH, MEMORY};
    for (int i = 0; i < 2; i++) {
        mlce_dataset *dataset;
        ck_assert_int_eq(mlce_dataset_open(files[i], NULL, &dataset), MLCE_E_DATA);
        ck_assert_ptr_null(dataset);
        ck_assert_msg(strstr(mlce_last_error(), files[i]) != NULL, "%s", mlce_last_error());
    }
#if !H5_VERSION_GE(1, 10, 9)
    assert_fails(mlce_h5_walk(CRASH), MLCE_E_DATA, "crashes the HDF5 library");
    assert_fails(mlce_h5_walk(MEMORY), MLCE_E_DATA, "of memory");
#endif
}
END_TEST

#if !H5_VERSION_GE(1, 10, 9)
START_TEST(what_this_process_wrote_is_not_walked_until_it_changes) {
    copy(CRASH, path);
    mlce_h5_walk_skip(path);
    assert_ok(mlce_h5_walk(path));
    copy(MEMORY, path);
    assert_fails(mlce_h5_walk(path), MLCE_E_DATA, path);
}
END_TEST

START_TEST(a_file_that_has_passed_is_walked_again_once_it_changed) {
    write_good();
    assert_ok(mlce_h5_walk(path));
    assert_ok(mlce_h5_walk(path));
    copy(CRASH, path);
    assert_fails(mlce_h5_walk(path), MLCE_E_DATA, path);
    assert_fails(mlce_h5_walk(path), MLCE_E_DATA, path);
    write_good();
    assert_ok(mlce_h5_walk(path));
}
END_TEST

START_TEST(the_environment_has_the_last_word) {
    setenv("MLCE_WALK_SECONDS", "0", 1);
    assert_ok(mlce_h5_walk(CRASH));
    setenv("MLCE_WALK_SECONDS", "50", 1);
    mlce_walk_files(0);
    assert_fails(mlce_h5_walk(CRASH), MLCE_E_DATA, CRASH);
    setenv("MLCE_WALK_SECONDS", "soon", 1); /* is none */
    assert_ok(mlce_h5_walk(CRASH));
    mlce_walk_files(60);
    assert_fails(mlce_h5_walk(CRASH), MLCE_E_DATA, CRASH);
    unsetenv("MLCE_WALK_SECONDS");
}
END_TEST
#endif

static long page_faults_of_children(void) {
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    return used.ru_minflt;
}

/* A dataset may have more files than are open at a time: each is opened again and again. */
START_TEST(hundreds_of_files_are_walked_once) {
    enum { FILES = 300 };
    long after_first = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < FILES; i++) {
            snprintf(path, sizeof path, "%s/%d.h5", folder, i);
            if (!pass) write_good();
            assert_ok(mlce_h5_walk(path));
        }
        if (!pass) after_first = page_faults_of_children();
    }
    ck_assert_int_gt(after_first, 0);
    ck_assert_int_eq(page_faults_of_children(), after_first);
}
END_TEST

/* In /many, and so on in each group of it. */
static void add_groups(hid_t file, int count, bool inside_each_other) {
    hid_t group = H5Gcreate2(file, "many", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        hid_t added = H5Gcreate2(group, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        ck_assert_int_ge(added, 0);
        H5Gclose(inside_each_other ? group : added);
        if (inside_each_other) group = added;
    }
    H5Gclose(group);
}

START_TEST(links_in_circles_end) {
    write_good();
    mlce_h5_lock();
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t group = H5Gcreate2(file, "loop", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert_int_ge(H5Lcreate_hard(file, "/", group, "up", H5P_DEFAULT, H5P_DEFAULT), 0);
    ck_assert_int_ge(H5Lcreate_soft("/loop/round", group, "round", H5P_DEFAULT, H5P_DEFAULT), 0);
    ck_assert_int_ge(H5Lcreate_external("a.h5", "/", group, "self", H5P_DEFAULT, H5P_DEFAULT), 0);
    H5Gclose(group);
    add_groups(file, MLCE_H5_MOST_DEPTH - 2, true);
    H5Fclose(file);
    mlce_h5_unlock();
    assert_ok(mlce_h5_walk(path));
}
END_TEST

/* What is behind them was not seen: it could crash HDF5 once it is opened. */
START_TEST(more_objects_than_are_walked_are_an_error) {
    write_good();
    mlce_h5_lock();
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST); /* quick and small */
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, access);
    add_groups(file, MLCE_H5_MOST_OBJECTS, false);
    H5Fclose(file);
    H5Pclose(access);
    mlce_h5_unlock();
    assert_fails(mlce_h5_walk(path), MLCE_E_DATA, "50000 objects");
}
END_TEST

START_TEST(deeper_groups_than_are_walked_are_an_error) {
    write_good();
    mlce_h5_lock();
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    add_groups(file, MLCE_H5_MOST_DEPTH, true);
    H5Fclose(file);
    mlce_h5_unlock();
    assert_fails(mlce_h5_walk(path), MLCE_E_DATA, "64 groups");
}
END_TEST

START_TEST(more_attributes_than_are_walked_are_an_error) {
    mlce_h5 file;
    write_good();
    assert_ok(mlce_h5_change(path, path, &file));
    for (int i = 0; i < MLCE_H5_MOST_ATTRIBUTES; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        assert_ok(mlce_h5_write_integer(&file, "/", name, i));
    }
    assert_ok(mlce_h5_close(&file));
    assert_fails(mlce_h5_walk(path), MLCE_E_DATA, "1000 attributes");
}
END_TEST

/* A name in it may still be found, on a way that the walk did not take. */
START_TEST(a_group_that_cannot_be_listed_is_an_error) {
    static char bytes[1 << 16];
    write_good();
    FILE *file = fopen(path, "r+b");
    size_t size = fread(bytes, 1, sizeof bytes, file), last = 0;
    for (size_t i = 0; i + 4 <= size; i++)
        if (!memcmp(bytes + i, "SNOD", 4)) last = i; /* a part of a list */
    ck_assert_uint_gt(last, 0);
    fseek(file, (long)last, SEEK_SET);
    fputs("NODS", file);
    ck_assert_int_eq(fclose(file), 0);
    assert_fails(mlce_h5_walk(path), MLCE_E_DATA, "cannot list");
}
END_TEST

START_TEST(a_pipe_is_not_waited_for) {
    mlce_h5 file;
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    mlce_walk_files(0);
    assert_fails(mlce_h5_open(path, &file), MLCE_E_IO, "no regular file");
}
END_TEST

/* A link may lead to a pipe too: that takes time, not computing. */
START_TEST(a_link_to_a_pipe_is_ended_by_the_clock) {
    char pipe[128];
    snprintf(pipe, sizeof pipe, "%s/pipe", folder);
    ck_assert_int_eq(mkfifo(pipe, 0600), 0);
    write_good();
    mlce_h5_lock();
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    ck_assert_int_ge(H5Lcreate_external("pipe", "/", file, "away", H5P_DEFAULT, H5P_DEFAULT), 0);
    H5Fclose(file);
    mlce_h5_unlock();
    mlce_walk_files(1);
    assert_fails(mlce_h5_walk(path), MLCE_E_DATA, "MLCE_WALK_SECONDS");
}
END_TEST

static void add(TCase *cases) {
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, a_good_file_passes);
    tcase_add_test(cases, a_file_that_crashes_hdf5_is_an_error);
#if !H5_VERSION_GE(1, 10, 9)
    tcase_add_test(cases, what_this_process_wrote_is_not_walked_until_it_changes);
    tcase_add_test(cases, a_file_that_has_passed_is_walked_again_once_it_changed);
    tcase_add_test(cases, the_environment_has_the_last_word);
#endif
    tcase_add_test(cases, hundreds_of_files_are_walked_once);
    tcase_add_test(cases, links_in_circles_end);
    tcase_add_test(cases, more_objects_than_are_walked_are_an_error);
    tcase_add_test(cases, deeper_groups_than_are_walked_are_an_error);
    tcase_add_test(cases, more_attributes_than_are_walked_are_an_error);
    tcase_add_test(cases, a_group_that_cannot_be_listed_is_an_error);
    tcase_add_test(cases, a_pipe_is_not_waited_for);
    tcase_add_test(cases, a_link_to_a_pipe_is_ended_by_the_clock);
}

int main(void) {
    return run_suite("walk", add);
}

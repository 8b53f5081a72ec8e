# Finds the OpenMP build of OpenBLAS: OPENBLAS_LIBRARY and OPENBLAS_INCLUDE.
# By its own folder first, because where several builds are installed the plain name is any of them.
find_path(OPENBLAS_INCLUDE cblas.h
          PATH_SUFFIXES ${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp openblas-openmp openblas)
find_library(OPENBLAS_LIBRARY NAMES openblaso openblas
             PATH_SUFFIXES ${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp openblas-openmp)
if(NOT OPENBLAS_LIBRARY OR NOT OPENBLAS_INCLUDE)
  message(FATAL_ERROR "OpenBLAS (its OpenMP build) is missing: run scripts/setup, or install "
                      "libopenblas-openmp-dev")
endif()
get_filename_component(OPENBLAS_FOLDER ${OPENBLAS_LIBRARY} DIRECTORY)

# Another build would fight with the kernels for the cores. The library says so when it runs; to say
# so here spares the build.
if(NOT CMAKE_CROSSCOMPILING AND NOT DEFINED OPENBLAS_IS_OPENMP)
  include(CheckCSourceRuns)
  set(CMAKE_REQUIRED_INCLUDES ${OPENBLAS_INCLUDE})
  set(CMAKE_REQUIRED_LIBRARIES ${OPENBLAS_LIBRARY})
  check_c_source_runs("
    #include <cblas.h>
    int main(void) { return openblas_get_parallel() == 2 ? 0 : 1; }" OPENBLAS_IS_OPENMP)
  unset(CMAKE_REQUIRED_INCLUDES)
  unset(CMAKE_REQUIRED_LIBRARIES)
  if(NOT OPENBLAS_IS_OPENMP)
    unset(OPENBLAS_IS_OPENMP CACHE) # look again next time
    message(FATAL_ERROR "${OPENBLAS_LIBRARY} is not the OpenMP build of OpenBLAS: run "
                        "scripts/setup, install libopenblas-openmp-dev, or give -DOPENBLAS_LIBRARY=")
  endif()
endif()

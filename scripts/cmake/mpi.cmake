# MPI for mlce-train, mlce-eval and mlce-predict, not for the library. Where it is built in, MLCE_HAS_MPI
# is true.
set(MLCE_MPI AUTO CACHE STRING "Training on several machines by MPI: ON, OFF, or AUTO (where MPI is there)")
set_property(CACHE MLCE_MPI PROPERTY STRINGS AUTO ON OFF)
set(MLCE_HAS_MPI FALSE)
if(MLCE_MPI STREQUAL "OFF")
  return()
endif()
set(MPI_CXX_SKIP_MPICXX TRUE) # MPI-1's C++ is of no use here
find_package(MPI QUIET COMPONENTS C)
if(NOT MPI_C_FOUND)
  if(MLCE_MPI STREQUAL "AUTO")
    message(STATUS "MPI is missing: mlce-train will not run on several machines")
    return()
  endif()
  message(FATAL_ERROR "MPI is missing: run scripts/setup --test, install libopenmpi-dev openmpi-bin, or "
                      "give -DMLCE_MPI=OFF")
endif()
set(MLCE_HAS_MPI TRUE)

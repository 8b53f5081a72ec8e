# The ONNX export: its schema, onnx.proto, compiled by protobuf-c. Where it is built in, MLCE_HAS_ONNX
# is true, mlce_onnx_objects are the compiled schema and MLCE_ONNX_MODULES its pkg-config modules.
set(MLCE_ONNX AUTO CACHE STRING "Export to ONNX: ON, OFF, or AUTO (where protobuf-c and onnx.proto are there)")
set_property(CACHE MLCE_ONNX PROPERTY STRINGS AUTO ON OFF)
set(MLCE_HAS_ONNX FALSE)
set(MLCE_ONNX_MODULES "")
if(MLCE_ONNX STREQUAL "OFF")
  return()
endif()

find_file(MLCE_ONNX_PROTO onnx/onnx.proto PATH_SUFFIXES include DOC "ONNX's schema")
find_program(MLCE_PROTOC_C NAMES protoc-c DOC "protobuf-c's compiler")
pkg_check_modules(MLCE_PROTOBUF_C QUIET IMPORTED_TARGET libprotobuf-c)
if(NOT MLCE_ONNX_PROTO OR NOT MLCE_PROTOC_C OR NOT MLCE_PROTOBUF_C_FOUND)
  if(MLCE_ONNX STREQUAL "AUTO")
    message(STATUS "protobuf-c or onnx.proto is missing: the ONNX export is left out")
    return()
  endif()
  message(FATAL_ERROR "protobuf-c or onnx.proto is missing: run scripts/setup, install libonnx-dev "
                      "protobuf-c-compiler libprotobuf-c-dev, or give -DMLCE_ONNX=OFF")
endif()
set(MLCE_HAS_ONNX TRUE)
set(MLCE_ONNX_MODULES libprotobuf-c)

# With a package name of ours the functions get names of ours; files do not have it in them.
set(folder ${PROJECT_BINARY_DIR}/onnx)
file(READ ${MLCE_ONNX_PROTO} schema)
string(REGEX REPLACE "\npackage [a-z_]+;" "\npackage mlce_onnx;" schema "${schema}")
file(CONFIGURE OUTPUT ${folder}/mlce_onnx.proto CONTENT "${schema}" @ONLY)
add_custom_command(
  OUTPUT ${folder}/mlce_onnx.pb-c.c ${folder}/mlce_onnx.pb-c.h
  COMMAND ${MLCE_PROTOC_C} --proto_path=${folder} --c_out=${folder} mlce_onnx.proto
  DEPENDS ${folder}/mlce_onnx.proto
  VERBATIM)
add_library(mlce_onnx_objects OBJECT ${folder}/mlce_onnx.pb-c.c)
target_include_directories(mlce_onnx_objects SYSTEM INTERFACE ${folder})
target_link_libraries(mlce_onnx_objects PUBLIC PkgConfig::MLCE_PROTOBUF_C)

# What `cmake --install` places beside the tools: the headers, both libraries, mlce.pc for
# pkg-config, and a CMake package with mlce::mlce (shared) and mlce::static.
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/mlce)

install(DIRECTORY include/mlce DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS mlce_shared EXPORT mlce-shared INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS mlce_static EXPORT mlce-static INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# Programs that link libmlce.a need the OpenMP runtime of the compiler that made it, whichever
# compiler they use, and must find the OpenMP build of OpenBLAS as libmlce.so does.
list(GET OpenMP_C_LIB_NAMES 0 openmp_runtime)
if(openmp_runtime STREQUAL "gomp") # every compiler knows where
  set(openmp_flags -lgomp)
else()
  get_filename_component(folder ${OpenMP_${openmp_runtime}_LIBRARY} DIRECTORY)
  set(openmp_flags "-L${folder} -l${openmp_runtime}")
endif()
separate_arguments(openmp_items UNIX_COMMAND "${openmp_flags}")
target_link_libraries(mlce_static PRIVATE "$<INSTALL_INTERFACE:${openmp_items}>")
target_link_options(mlce_static INTERFACE $<INSTALL_INTERFACE:LINKER:-rpath,${OPENBLAS_FOLDER}>)

# Two files, because a program that links libmlce.so needs nothing of what stands behind it.
install(EXPORT mlce-shared NAMESPACE mlce:: DESTINATION ${package_folder})
install(EXPORT mlce-static NAMESPACE mlce:: DESTINATION ${package_folder})
configure_package_config_file(scripts/cmake/mlce-config.cmake.in mlce-config.cmake
                              INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(mlce-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/mlce-config.cmake ${PROJECT_BINARY_DIR}/mlce-config-version.cmake
        DESTINATION ${package_folder})

# Relative to the file itself, so that the installed folder can be moved.
file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(scripts/cmake/mlce.pc.in mlce.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/mlce.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

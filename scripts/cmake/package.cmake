# `cmake --build build --target package`: mlce_VERSION_ARCH.deb, where dpkg is there, and a .tar.gz.
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES LICENSE RENAME copyright DESTINATION ${CMAKE_INSTALL_DOCDIR}) # Debian's name for it
install(DIRECTORY .readme DESTINATION ${CMAKE_INSTALL_DOCDIR}) # pictures

set(CPACK_PACKAGE_VENDOR "the authors of mlce")
set(CPACK_PACKAGE_CONTACT "mlce <mlce@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "trains span and named-entity models")
set(CPACK_PACKAGE_DESCRIPTION
    "Programs and a C library that train span and named-entity models with the
multi-label cross-entropy and GlobalPointer heads on token embeddings, evaluate
them, predict with them, and export them to ONNX and safetensors.")
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/package)
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR TGZ)
find_program(MLCE_DPKG dpkg)
find_program(MLCE_SHLIBDEPS dpkg-shlibdeps)
if(MLCE_DPKG)
  set(CPACK_GENERATOR TGZ DEB)
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_SECTION science)
  set(CPACK_DEBIAN_PACKAGE_SUGGESTS
      "libopenblas-openmp-dev, libhdf5-dev, libinih-dev, libjansson-dev, libutf8proc-dev, libprotobuf-c-dev")
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
  set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
  # Any build of OpenBLAS would do for dpkg-shlibdeps, but not for the programs: they look in the
  # folder of the OpenMP build, whose package is asked for by name.
  execute_process(COMMAND ${MLCE_DPKG} -S ${OPENBLAS_FOLDER}/libopenblas.so.0 OUTPUT_VARIABLE owner ERROR_QUIET)
  if(owner MATCHES "^([a-z0-9.+-]+)")
    set(CPACK_DEBIAN_PACKAGE_DEPENDS ${CMAKE_MATCH_1})
  endif()
  if(MLCE_SHLIBDEPS)
    set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  else()
    message(STATUS "dpkg-shlibdeps is missing (dpkg-dev): a .deb would not say all that it depends on")
  endif()
endif()
include(CPack)

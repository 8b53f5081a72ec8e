# Manual pages and shell completion, made by scripts/docs/make of what the programs print with
# --help, so that they say the same. Left out where the programs do not run here.
option(MLCE_DOCS "Make manual pages and shell completion" ON)
find_program(MLCE_BASH bash)
if(NOT MLCE_DOCS OR NOT MLCE_BASH OR CMAKE_CROSSCOMPILING)
  return()
endif()
set(folder ${PROJECT_BINARY_DIR}/docs)
file(GLOB scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/scripts/docs/*)
set(programs "")
foreach(source ${MLCE_TOOLS})
  get_filename_component(tool ${source} NAME_WE)
  list(APPEND programs ${tool})
endforeach()
add_custom_command(
  OUTPUT ${folder}/made
  COMMAND ${MLCE_BASH} ${PROJECT_SOURCE_DIR}/scripts/docs/make ${CMAKE_RUNTIME_OUTPUT_DIRECTORY} ${folder}
  DEPENDS ${programs} ${scripts}
  COMMENT "Manual pages and shell completion"
  VERBATIM)
add_custom_target(mlce_docs ALL DEPENDS ${folder}/made)
install(DIRECTORY ${folder}/man1 ${folder}/man5 DESTINATION ${CMAKE_INSTALL_MANDIR})
install(DIRECTORY ${folder}/bash-completion ${folder}/zsh DESTINATION ${CMAKE_INSTALL_DATADIR})

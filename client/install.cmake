# The installed package: find_package(countersign) gives countersign::client. Component "client".
include(CMakePackageConfigHelpers)

set(countersign_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/countersign)
set(countersign_libraries client proto proto_grpc google_rpc error digest jws text)
foreach(name IN LISTS countersign_libraries)
  set_target_properties(countersign_${name} PROPERTIES EXPORT_NAME ${name})
endforeach()
install(TARGETS countersign_proto countersign_proto_grpc countersign_google_rpc countersign_error
                countersign_digest countersign_jws countersign_text
        EXPORT countersign ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT client)
install(TARGETS countersign_client
        EXPORT countersign ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT client
        FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT client)
# Our own warnings are an INTERFACE library that static libraries drag along as a link-only dependency.
install(TARGETS countersign_warnings EXPORT countersign COMPONENT client)
set_target_properties(countersign_warnings PROPERTIES EXPORT_NAME warnings)

# Messages only: the stubs are not part of the interface.
install(DIRECTORY ${PROJECT_BINARY_DIR}/proto/countersign DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT client
        FILES_MATCHING PATTERN "*.pb.h" PATTERN "*.grpc.pb.h" EXCLUDE)
install(EXPORT countersign NAMESPACE countersign:: FILE countersign-targets.cmake
        DESTINATION ${countersign_package_dir} COMPONENT client)
configure_package_config_file(countersign-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/countersign-config.cmake
                              INSTALL_DESTINATION ${countersign_package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/countersign-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/countersign-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/countersign-config-version.cmake
        DESTINATION ${countersign_package_dir} COMPONENT client)
install(TARGETS countersign_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT client)

#!/usr/bin/env bash
# `cmake --install` gives a library that C and C++ programs can be built with, through pkg-config
# and through CMake, shared and static. Environment: see tests/CMakeLists.txt.
set -euo pipefail
if grep -q '^MLCE_SANITIZE:BOOL=ON' "$MLCE_BUILD/CMakeCache.txt"; then
    echo "skipped: a sanitizer build is not for installing"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Installed, then moved: nothing may remember the first place.
cmake --install "$MLCE_BUILD" --prefix "$work/first" >"$work/install.log"
mv "$work/first" "$work/prefix"
prefix=$work/prefix
lib=$(dirname "$(find "$prefix" -name libmlce.a)")
export PKG_CONFIG_PATH=$lib/pkgconfig
failed=0

# The folder that the loader must take OpenBLAS from, where the OpenMP build has one of its own.
openblas=$(sed -n 's,^OPENBLAS_LIBRARY:FILEPATH=\(.*/openblas-openmp\)/.*,\1/,p' "$MLCE_BUILD/CMakeCache.txt")

# check NAME PROGRAM shared|static: it runs, and loads what it should.
check() {
    local loads linked=static
    loads=$(ldd "$2")
    [[ $loads == *libmlce.so* ]] && linked=shared
    if [ "$linked" != "$3" ]; then
        echo "FAILED: $1: linked $linked, not $3"
    elif [[ $loads != *"$openblas"libopenblas* ]]; then
        echo "FAILED: $1: not the OpenBLAS it was built with:" $(grep blas <<<"$loads")
    elif ! "$2"; then
        echo "FAILED: $1: the program failed"
    else
        echo "ok: $1"
        return 0
    fi
    failed=1
}

# Headers stand alone, each as C and as C++.
cxx=$(command -v g++ || command -v clang++ || true)
for header in "$prefix"/include/mlce/*.h; do
    echo "#include <mlce/$(basename "$header")>" >"$work/one.c"
    warnings="-Wall -Wextra -Wpedantic -Werror -I$prefix/include -fsyntax-only"
    "$MLCE_CC" -std=c11 $warnings "$work/one.c" || { echo "FAILED: $header alone, as C" && failed=1; }
    [ -z "$cxx" ] || "$cxx" -std=c++17 -x c++ $warnings "$work/one.c" ||
        { echo "FAILED: $header alone, as C++" && failed=1; }
done

# pkg-config. For the static library the shared one is out of the way.
cp -r "$prefix" "$work/static-only"
find "$work/static-only" -name 'libmlce.so*' -delete
source=$MLCE_SOURCE/tests/install/consumer.c
build() { # build NAME COMPILER...
    local name=$1
    shift
    "$@" "$source" -x none -o "$work/$name-shared" $(pkg-config --cflags --libs mlce) "-Wl,-rpath,$lib"
    check "pkg-config, $name, shared" "$work/$name-shared" shared
    "$@" "$source" -x none -o "$work/$name-static" $(PKG_CONFIG_PATH=${lib/#$prefix/$work/static-only}/pkgconfig \
        pkg-config --static --cflags --libs mlce)
    check "pkg-config, $name, static" "$work/$name-static" static
}
build C "$MLCE_CC" -std=c11
if [ -n "$cxx" ]; then build C++ "$cxx" -std=c++17 -x c++; fi

# CMake, in projects of one language.
cmake_project() { # cmake_project LANGUAGE COMPILER
    cmake -S "$MLCE_SOURCE/tests/install" -B "$work/$1" -DLANGUAGE="$1" -DCMAKE_"$1"_COMPILER="$2" \
        -DCMAKE_PREFIX_PATH="$prefix" >"$work/cmake.log" 2>&1 &&
        cmake --build "$work/$1" >>"$work/cmake.log" 2>&1 || { cat "$work/cmake.log" && return 1; }
    check "CMake, $1, shared" "$work/$1/consumer-shared" shared
    check "CMake, $1, static" "$work/$1/consumer-static" static
}
cmake_project C "$MLCE_CC"
if [ -n "$cxx" ]; then cmake_project CXX "$cxx"; fi

# The installed programs start, from where they are now.
for tool in "$prefix"/bin/*; do
    [ -e "$tool" ] || continue
    "$tool" --help >/dev/null || { echo "FAILED: $tool --help" && failed=1; }
done
exit $failed

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

# The example in mlce.h is a program's part, and tests/examples/ are programs: a small run is predicted with
# by four threads as by mlce-predict.
sed -n 's/^ \*   //p' "$prefix/include/mlce/mlce.h" >"$work/comment.c"
grep -q mlce_predictor_run "$work/comment.c"
"$MLCE_BIN/mlce-data" demo "$work/demo" --sequences 60 >/dev/null
"$MLCE_BIN/mlce-train" "$MLCE_SOURCE/configs/ner.ini" data.train="$work/demo/train.h5" data.dev="$work/demo/dev.h5" \
    data.test= train.output="$work/run" >"$work/train.log" 2>&1 || { cat "$work/train.log" && exit 1; }
"$MLCE_BIN/mlce-predict" "$work/run" "$work/demo/dev.h5" | sed 's/.*"sequence":\([0-9]*\)/\1 &/; s/},{/\n&/g' |
    awk '/"sequence"/ { sequence = $1 } /"start"/ {
        match($0, /"start":[0-9]+/); start = substr($0, RSTART + 8, RLENGTH - 8)
        match($0, /"end":[0-9]+/); end = substr($0, RSTART + 6, RLENGTH - 6)
        match($0, /"type":"[^"]*/); print sequence, start, end, substr($0, RSTART + 8, RLENGTH - 8) }' |
    sort >"$work/expected.txt"
[ "$(wc -l <"$work/expected.txt")" -ge 10 ]
example() { # example NAME COMPILER...
    local name=$1
    shift
    if ! "$@" -Wall -Wextra -Wpedantic -Werror -I"$prefix/include" -fsyntax-only "$work/comment.c"; then
        echo "FAILED: the example in mlce.h, as $name"
    elif ! "$@" -Wall -Wextra -Wpedantic -Werror "$MLCE_SOURCE/tests/examples/threads.c" -x none -o "$work/threads" \
        $(pkg-config --cflags --libs mlce) -pthread "-Wl,-rpath,$lib"; then
        echo "FAILED: tests/examples/threads.c, as $name"
    elif ! "$work/threads" "$work/run" "$work/demo/dev.h5" >"$work/found.txt" ||
        ! sed 's/ [^ ]*$//' "$work/found.txt" | sort | cmp - "$work/expected.txt"; then
        echo "FAILED: tests/examples/threads.c, as $name, does not find what mlce-predict finds"
    elif "$work/threads" "$work/none" "$work/demo/dev.h5" 2>"$work/error.txt" || ! grep -q "$work/none" "$work/error.txt"; then
        echo "FAILED: tests/examples/threads.c, as $name, without a run:" "$(cat "$work/error.txt")"
    else
        echo "ok: examples, $name"
        return 0
    fi
    failed=1
}
example C "$MLCE_CC" -std=c11
if [ -n "$cxx" ]; then example C++ "$cxx" -std=c++17 -x c++; fi

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

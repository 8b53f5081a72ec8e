#!/usr/bin/env bash
# `cmake --install` gives a library that C and C++ programs can be built with, through pkg-config
# and through CMake, shared and static.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
set -eo pipefail
! sanitized || skip "a sanitizer build is not for installing"
# Installed, then moved: nothing may remember the first place.
cmake --install "$MLCE_BUILD" --prefix "$folder/first" >"$folder/install.log"
mv "$folder/first" "$folder/prefix"
prefix=$folder/prefix
lib=$(dirname "$(find "$prefix" -name libmlce.a)")
export PKG_CONFIG_PATH=$lib/pkgconfig

# The folder that the loader must take OpenBLAS from, where the OpenMP build has one of its own.
openblas=$(sed -n 's,^OPENBLAS_LIBRARY:FILEPATH=\(.*/openblas-openmp\)/.*,\1/,p' "$MLCE_BUILD/CMakeCache.txt")

# links NAME PROGRAM shared|static: it runs, and loads what it should.
links() {
    local loads linked=static
    loads=$(ldd "$2")
    [[ $loads == *libmlce.so* ]] && linked=shared
    if [ "$linked" != "$3" ]; then
        fail "$1: linked $linked, not $3"
    elif [[ $loads != *"$openblas"libopenblas* ]]; then
        fail "$1: not the OpenBLAS it was built with:" $(grep blas <<<"$loads")
    elif ! "$2"; then
        fail "$1: the program failed"
    else
        echo "ok: $1"
    fi
}

# Headers stand alone, each as C and as C++.
cxx=$(command -v g++ || command -v clang++ || true)
for header in "$prefix"/include/mlce/*.h; do
    echo "#include <mlce/$(basename "$header")>" >"$folder/one.c"
    warnings="-Wall -Wextra -Wpedantic -Werror -I$prefix/include -fsyntax-only"
    "$MLCE_CC" -std=c11 $warnings "$folder/one.c" || fail "$header alone, as C"
    [ -z "$cxx" ] || "$cxx" -std=c++17 -x c++ $warnings "$folder/one.c" || fail "$header alone, as C++"
done

# The example in mlce.h is a program's part, and tests/examples/ are programs: a small run is predicted with
# by four threads as by mlce-predict.
sed -n 's/^ \*   //p' "$prefix/include/mlce/mlce.h" >"$folder/comment.c"
grep -q mlce_predictor_run "$folder/comment.c"
accepts mlce-data demo "$folder/demo" --sequences 60
accepts mlce-train "$MLCE_SOURCE/configs/ner.ini" data.train="$folder/demo/train.h5" data.dev="$folder/demo/dev.h5" \
    data.test= train.output="$folder/run"
mlce-predict "$folder/run" "$folder/demo/dev.h5" | sed 's/.*"sequence":\([0-9]*\)/\1 &/; s/},{/\n&/g' |
    awk '/"sequence"/ { sequence = $1 } /"start"/ {
        match($0, /"start":[0-9]+/); start = substr($0, RSTART + 8, RLENGTH - 8)
        match($0, /"end":[0-9]+/); end = substr($0, RSTART + 6, RLENGTH - 6)
        match($0, /"type":"[^"]*/); print sequence, start, end, substr($0, RSTART + 8, RLENGTH - 8) }' |
    sort >"$folder/expected.txt"
[ "$(wc -l <"$folder/expected.txt")" -ge 10 ]
example() { # example NAME COMPILER...
    local name=$1
    shift
    if ! "$@" -Wall -Wextra -Wpedantic -Werror -I"$prefix/include" -fsyntax-only "$folder/comment.c"; then
        fail "the example in mlce.h, as $name"
    elif ! "$@" -Wall -Wextra -Wpedantic -Werror "$MLCE_SOURCE/tests/examples/threads.c" -x none -o "$folder/threads" \
        $(pkg-config --cflags --libs mlce) -pthread "-Wl,-rpath,$lib"; then
        fail "tests/examples/threads.c, as $name"
    elif ! "$folder/threads" "$folder/run" "$folder/demo/dev.h5" >"$folder/found.txt" ||
        ! sed 's/ [^ ]*$//' "$folder/found.txt" | sort | cmp - "$folder/expected.txt"; then
        fail "tests/examples/threads.c, as $name, does not find what mlce-predict finds"
    elif "$folder/threads" "$folder/none" "$folder/demo/dev.h5" 2>"$folder/error.txt" || ! grep -q "$folder/none" "$folder/error.txt"; then
        fail "tests/examples/threads.c, as $name, without a run:" "$(cat "$folder/error.txt")"
    else
        echo "ok: examples, $name"
    fi
}
example C "$MLCE_CC" -std=c11
if [ -n "$cxx" ]; then example C++ "$cxx" -std=c++17 -x c++; fi

# pkg-config. For the static library the shared one is out of the way.
cp -r "$prefix" "$folder/static-only"
find "$folder/static-only" -name 'libmlce.so*' -delete
build() { # build NAME COMPILER...
    local name=$1
    shift
    "$@" "$MLCE_SOURCE/tests/install/consumer.c" -x none -o "$folder/$name-shared" $(pkg-config --cflags --libs mlce) "-Wl,-rpath,$lib"
    links "pkg-config, $name, shared" "$folder/$name-shared" shared
    "$@" "$MLCE_SOURCE/tests/install/consumer.c" -x none -o "$folder/$name-static" $(PKG_CONFIG_PATH=${lib/#$prefix/$folder/static-only}/pkgconfig \
        pkg-config --static --cflags --libs mlce)
    links "pkg-config, $name, static" "$folder/$name-static" static
}
build C "$MLCE_CC" -std=c11
if [ -n "$cxx" ]; then build C++ "$cxx" -std=c++17 -x c++; fi

# CMake, in projects of one language.
cmake_project() { # cmake_project LANGUAGE COMPILER
    cmake -S "$MLCE_SOURCE/tests/install" -B "$folder/$1" -DLANGUAGE="$1" -DCMAKE_"$1"_COMPILER="$2" \
        -DCMAKE_PREFIX_PATH="$prefix" >"$folder/cmake.log" 2>&1 &&
        cmake --build "$folder/$1" >>"$folder/cmake.log" 2>&1 || { cat "$folder/cmake.log" && return 1; }
    links "CMake, $1, shared" "$folder/$1/consumer-shared" shared
    links "CMake, $1, static" "$folder/$1/consumer-static" static
}
cmake_project C "$MLCE_CC"
if [ -n "$cxx" ]; then cmake_project CXX "$cxx"; fi

# The installed programs start, from where they are now.
for tool in "$prefix"/bin/*; do
    [ -e "$tool" ] || continue
    "$tool" --help >/dev/null || fail "$tool --help"
done

#!/usr/bin/env bash
# The package: what is in it, what it depends on, and that its programs run from where dpkg puts them.
# Environment: see tests/CMakeLists.txt.
set -euo pipefail
cache=$MLCE_BUILD/CMakeCache.txt
if grep -q '^MLCE_SANITIZE:BOOL=ON' "$cache"; then
    echo "skipped: a sanitizer build is not for installing"
    exit 77
fi
if ! command -v dpkg-shlibdeps >/dev/null || ! command -v dpkg-deb >/dev/null || [ ! -e "$MLCE_BUILD/docs/made" ]; then
    echo "skipped: no dpkg-shlibdeps (Debian: dpkg-dev), or built without MLCE_DOCS"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake=$(sed -n 's/^CMAKE_COMMAND:INTERNAL=//p' "$cache")
"$(dirname "$cmake")/cpack" --config "$MLCE_BUILD/CPackConfig.cmake" -B "$work/package" >"$work/cpack.log" 2>&1 ||
    { cat "$work/cpack.log" && exit 1; }
package=$(ls "$work"/package/*.deb)
failed=0
fail() {
    echo "FAILED: $*"
    failed=1
}

# ---- What it says ----
info=$(dpkg-deb -I "$package")
version=$("$MLCE_BIN/mlce-data" --version)
for line in 'Package: mlce' "Version: ${version#* }" "Architecture: $(dpkg --print-architecture)"; do
    grep -q "^ $line$" <<<"$info" || fail "the package does not say '$line'"
done
depends=$(sed -n 's/^ Depends: //p' <<<"$info")
for name in libc6 libgomp1 libhdf5 libinih libjansson libutf8proc libopenblas; do
    [[ ", $depends" == *", $name"* ]] || fail "it does not depend on $name: $depends"
done
if grep -q '^OPENBLAS_LIBRARY:.*/openblas-openmp/' "$cache"; then # others will not do
    [[ ", $depends," == *", libopenblas0-openmp,"* ]] || fail "no dependency on the OpenMP build: $depends"
fi
files=$(dpkg-deb -c "$package" | awk '{ print $6 }')
for file in bin/mlce-{train,eval,predict,report,export,import,data} lib/{libmlce.so,libmlce.a,pkgconfig/mlce.pc} \
    lib/cmake/mlce/mlce-config.cmake include/mlce/mlce.h share/doc/mlce/{README.md,LICENSE,copyright} \
    share/man/man1/mlce-{train,data-convert}.1.gz share/man/man5/mlce-config.5.gz \
    share/bash-completion/completions/mlce-{data,train} share/zsh/vendor-completions/_mlce \
    share/doc/mlce/examples/configs/ner.ini; do
    grep -qE "^\./usr/${file/lib\//lib/([a-z0-9_-]+/)?}$" <<<"$files" || fail "it has no $file"
done
! grep -vE '^\./usr/' <<<"$files" | grep -v '^\./$' || fail "files outside of /usr"
[[ $(tar -tzf "$work"/package/*.tar.gz) == */bin/mlce-train* ]] || fail "the .tar.gz has no mlce-train"

# ---- Unpacked into an empty tree, and installed into one ----
dpkg -x "$package" "$work/tree"
root=$work/root
mkdir -p "$root"/var/lib/dpkg/{info,updates,triggers}
touch "$root"/var/lib/dpkg/{status,available}
if [ "$(id -u)" = 0 ]; then
    dpkg --root="$root" --force-depends -i "$package" >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" && exit 1; }
    diff -r "$work/tree/usr" "$root/usr" || fail "dpkg installs something else"
    dpkg --root="$root" --verify mlce || fail "dpkg --verify"
    dpkg --root="$root" -r mlce >>"$work/dpkg.log" 2>&1
    [ ! -e "$root/usr/bin/mlce-train" ] || fail "it cannot be removed"
fi

# ---- What a user does first ----
bin=$work/tree/usr/bin
mkdir "$work/home"
cd "$work/home"
if grep -lF "$MLCE_SOURCE" "$bin"/* "$work"/tree/usr/share/man/*/* || grep -rlF "$MLCE_BUILD" "$work/tree/usr/lib" "$work/tree/usr/include"; then
    fail "the place it was built in stands in these files"
fi
for program in "$bin"/*; do
    env -i "$program" --version | grep -q " ${version#* }\$" || fail "$program does not run"
    ! ldd "$program" | grep -E 'not found' || fail "$program: libraries"
done
run() { # in an environment that says nothing of the build
    env -i HOME="$work/home" PATH=/usr/bin:/bin OMP_WAIT_POLICY=passive "$bin/$@" >log.txt 2>&1 ||
        { cat log.txt && fail "$*" && exit 1; }
}
run mlce-data demo demo-data --sequences 300
run mlce-train "$work/tree/usr/share/doc/mlce/examples/configs/ner.ini" train.epochs=3
run mlce-predict runs/ner demo-data/test.h5 -o spans.jsonl
run mlce-export runs/ner --format safetensors
[ "$(wc -l <spans.jsonl)" = 60 ] && [ -s runs/ner/report.html ] && [ -s runs/ner/model.safetensors ] || fail "no results"
exit $failed

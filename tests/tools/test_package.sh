#!/usr/bin/env bash
# The package: what is in it, what it depends on, and that its programs run from where dpkg puts them.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
cache=$MLCE_BUILD/CMakeCache.txt
! sanitized || skip "a sanitizer build is not for installing"
command -v dpkg-shlibdeps >/dev/null || skip "no dpkg-shlibdeps (Debian: dpkg-dev)"
[ -e "$MLCE_BUILD/docs/made" ] || skip "built without MLCE_DOCS"
cmake=$(sed -n 's/^CMAKE_COMMAND:INTERNAL=//p' "$cache")
run "$(dirname "$cmake")/cpack" --config "$MLCE_BUILD/CPackConfig.cmake" -B "$folder/package" || stop "cpack: $(cat stdout)"
package=$(ls "$folder"/package/*.deb)

# ---- What it says ----
info=$(dpkg-deb -I "$package")
version=$(mlce-data --version)
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
[[ $(tar -tzf "$folder"/package/*.tar.gz) == */bin/mlce-train* ]] || fail "the .tar.gz has no mlce-train"

# ---- Unpacked into an empty tree, and installed into one ----
dpkg -x "$package" "$folder/tree"
root=$folder/root
mkdir -p "$root"/var/lib/dpkg/{info,updates,triggers}
touch "$root"/var/lib/dpkg/{status,available}
if [ "$(id -u)" = 0 ]; then
    dpkg --root="$root" --force-depends -i "$package" >"$folder/dpkg.log" 2>&1 || stop "dpkg: $(cat "$folder/dpkg.log")"
    diff -r "$folder/tree/usr" "$root/usr" || fail "dpkg installs something else"
    dpkg --root="$root" --verify mlce || fail "dpkg --verify"
    dpkg --root="$root" -r mlce >>"$folder/dpkg.log" 2>&1
    [ ! -e "$root/usr/bin/mlce-train" ] || fail "it cannot be removed"
fi

# ---- What a user does first ----
bin=$folder/tree/usr/bin
mkdir "$folder/home"
cd "$folder/home"
if grep -lF "$MLCE_SOURCE" "$bin"/* "$folder"/tree/usr/share/man/*/* || grep -rlF "$MLCE_BUILD" "$folder/tree/usr/lib" "$folder/tree/usr/include"; then
    fail "the place it was built in stands in these files"
fi
for program in "$bin"/*; do
    env -i "$program" --version | grep -q " ${version#* }\$" || fail "$program does not run"
    ! ldd "$program" | grep -E 'not found' || fail "$program: libraries"
done
packaged() { # in an environment that says nothing of the build
    accepts env -i HOME="$folder/home" PATH=/usr/bin:/bin OMP_WAIT_POLICY=passive "$bin/$@"
}
packaged mlce-data demo demo-data --sequences 300
packaged mlce-train "$folder/tree/usr/share/doc/mlce/examples/configs/ner.ini" train.epochs=3
packaged mlce-predict runs/ner demo-data/test.h5 -o spans.jsonl
packaged mlce-export runs/ner --format safetensors
[ "$(wc -l <spans.jsonl)" = 60 ] && [ -s runs/ner/report.html ] && [ -s runs/ner/model.safetensors ] || fail "no results"

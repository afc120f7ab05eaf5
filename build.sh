#!/usr/bin/env bash
# Publishes artifacts/nativesync: ahead of time, static, OpenSSL inside; and its symbols, artifacts/nativesync.dbg. Installs the Debian packages that this needs.
#
#   ./build.sh [--force] [--quiet]
#     --force   builds even if nothing changed since the last build
#     --quiet   says nothing unless something is built or fails
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
cd "$root"
. eng/debian.sh

force=false quiet=false
for argument in "$@"; do
    case $argument in
        --force) force=true ;;
        --quiet) quiet=true ;;
        *) echo "build.sh: unknown option $argument; known: --force --quiet" >&2; exit 2 ;;
    esac
done

readonly max_bytes=$((20 * 1000 * 1000))
readonly inputs=(src Directory.Build.props Directory.Build.targets Directory.Packages.props global.json BannedSymbols.txt .editorconfig build.sh)
output=artifacts/nativesync
stamp=artifacts/.built          # commit, digest of what decides the link, digest of the sources' names, sizes and times
log=artifacts/build.log

case $(uname -m) in
    x86_64) rid=linux-x64 ;;
    *) echo "build.sh: this machine is $(uname -m); the executable is built for x86_64 only" >&2; exit 1 ;;
esac

mkdir -p artifacts
exec 9>artifacts/.lock
flock 9                         # two builds at once would share obj/

commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
if [ "$commit" != unknown ] && [ -n "$(git status --porcelain -- "${inputs[@]}" 2>/dev/null)" ]; then
    commit=$commit-dirty
fi
link=$(cat src/Cli/NativeSync.Cli.csproj src/Cli/*.targets src/Cli/Native/*.c Directory.Build.props Directory.Build.targets | sha256sum | cut -d' ' -f1)

# Names, sizes and times of every input, taken before the build: what changes meanwhile counts for the next one.
sources=$(find "${inputs[@]}" \( -name bin -o -name obj \) -prune -o -type f -printf '%p %s %T@\n' | LC_ALL=C sort | sha256sum | cut -d' ' -f1)

stamped() { sed -n "$1p" $stamp 2>/dev/null || true; }
if ! $force && [ -x $output ] && [ "$(stamped 1)" = "$commit" ] && [ "$(stamped 2)" = "$link" ] && [ "$(stamped 3)" = "$sources" ]; then
    $quiet || echo "artifacts/nativesync is up to date ($commit)"
    exit 0
fi

need_packages "to build" clang lld cmake make libssl-dev zlib1g-dev
need_dotnet

# Changed link properties do not relink by themselves.
if [ "$(stamped 2)" != "$link" ] || $force; then
    rm -rf src/Cli/bin/Release src/Cli/obj/Release
fi

echo "Building artifacts/nativesync ($commit) …" >&2
staging=$(mktemp -d artifacts/.publish.XXXXXX)
trap 'rm -rf "$staging"' EXIT
publish() {
    dotnet restore src/Cli/NativeSync.Cli.csproj -r $rid --locked-mode --nologo -v q &&
    dotnet publish src/Cli/NativeSync.Cli.csproj -c Release -r $rid --no-restore --nologo -v m \
        -p:SourceRevisionId="$commit" -o "$staging"
}
if ! publish >$log 2>&1 9>&-; then
    grep -E 'error ' $log | sort -u | head -n 40 >&2 || tail -n 40 $log >&2
    echo "build.sh: the build failed; all of its output is in $log" >&2
    exit 1
fi
if grep -E 'warning (IL|AOT)[0-9]+' $log | sort -u >&2; then
    echo "build.sh: the trimmer or the ahead-of-time compiler warned; the executable would break at run time" >&2
    exit 1
fi

size=$(stat -c %s "$staging/nativesync")
if [ "$size" -gt $max_bytes ]; then
    echo "build.sh: the executable has $size bytes, more than the limit of $max_bytes" >&2
    exit 1
fi
if readelf -l "$staging/nativesync" 2>/dev/null | grep -q INTERP; then
    echo "build.sh: the executable is not static; remove src/Cli/bin and src/Cli/obj and build again" >&2
    exit 1
fi

mv -f "$staging/nativesync.dbg" $output.dbg
mv -f "$staging/nativesync" $output
printf '%s\n' "$commit" "$link" "$sources" >$stamp
echo "artifacts/nativesync: $size bytes" >&2

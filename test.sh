#!/usr/bin/env bash
# Runs all the tests. Installs what they need (Debian packages, as root), builds everything, and ends with one line:
#     N passed, N failed
# Exits non-zero when a test failed, when a test project crashed or ran nothing, or when something cannot be installed.
#
#   ./test.sh [--quick]
#     --quick   minutes instead of tens of minutes: small trees, no fuzzing, and without the tests of Category Slow
set -uo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
cd "$root" || exit 1
. eng/debian.sh

quick=false
for argument in "$@"; do
    case $argument in
        --quick) quick=true ;;
        *) echo "test.sh: unknown option $argument; known: --quick" >&2; exit 2 ;;
    esac
done

passed=0 failed=0
finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}
# give_up MESSAGE   nothing more can be tested.
give_up() {
    echo "test.sh: $1" >&2
    failed=$((failed + 1))
    finish
}

umask 022 # What tests create must not depend on who calls.
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 LC_ALL=C.UTF-8
export HOME=${HOME:-/root}
$quick && export NATIVESYNC_QUICK=1
readonly results=artifacts/test-results
rm -rf $results
mkdir -p $results artifacts/tools

# --- What the tests need -------------------------------------------------------------------------------------------
[ "$(id -u)" -eq 0 ] || give_up "owners, devices, mounts and a private sshd need root: run it as root"
need_dotnet || give_up "no .NET SDK"
packages=(openssh-server openssh-client rsync acl attr xfsprogs btrfs-progs e2fsprogs libcap2-bin strace gcc libc6-dev procps passwd util-linux xz-utils
    tcsh fish zsh mandoc tmux openssl
    clang lld cmake make libssl-dev zlib1g-dev
    debootstrap tinyproxy microsocks squid iproute2 fdisk)
$quick || packages+=(linux-source-6.1 qemu-system-x86 seabios cpio)
need_packages "for the tests" "${packages[@]}" || give_up "a package that the tests need cannot be installed"

# The official SDKs of the cloud judge the simulator and our client; a Node from elsewhere than Debian is as good.
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    need_packages "for the SDK that judges the migration tool" nodejs npm || give_up "nodejs and npm cannot be installed"
fi
if ! cmp -s tests/NodeSdk/package-lock.json tests/NodeSdk/node_modules/.installed; then
    npm ci --prefix tests/NodeSdk --ignore-scripts --no-audit --no-fund --loglevel=error >$results/npm.log 2>&1 \
        || { tail -n 20 $results/npm.log; give_up "the SDKs of tests/NodeSdk cannot be installed by npm"; }
    cp tests/NodeSdk/package-lock.json tests/NodeSdk/node_modules/.installed
fi

cc -O1 -Wall -Werror -static -o artifacts/tools/oldkernel tests/tools/oldkernel.c || give_up "tests/tools/oldkernel.c does not compile"

# --- Build ---------------------------------------------------------------------------------------------------------
echo "== build"
if ! { dotnet restore NativeSync.sln --locked-mode --nologo -v q && dotnet build NativeSync.sln --no-restore --nologo -v q -clp:NoSummary; } >$results/build.log 2>&1; then
    grep -E '(error|warning) ' $results/build.log | sort -u | head -n 40 || tail -n 40 $results/build.log
    give_up "the solution does not build; see $results/build.log"
fi
./build.sh || give_up "the executable cannot be built"

# --- Tests ---------------------------------------------------------------------------------------------------------
# counter FILE NAME   an attribute of the Counters element of a .trx file; 0 when there is none.
counter() {
    local value
    value=$(grep -o '<Counters [^>]*' "$1" 2>/dev/null | head -n 1 | grep -o " $2=\"[0-9]*\"" | grep -o '[0-9]*')
    echo "${value:-0}"
}

# tests_of PROJECT NAME SECONDS FILTER   puts into "tests" what runs those tests of a project; what they say is in NAME.trx.
tests_of() {
    tests=(timeout -k 20 "$3" dotnet test "$1" --no-build --nologo -v q --filter "$4"
        --results-directory $results --logger "trx;LogFileName=$2.trx" --logger "console;verbosity=minimal")
}

# count_tests NAME SECONDS STATUS   adds the results to the totals; whatever is not plainly passed is a failure.
count_tests() {
    local name=$1 limit=$2 status=$3 file total executed good bad
    file=$results/$name.trx
    total=$(counter "$file" total)
    executed=$(counter "$file" executed)
    good=$(counter "$file" passed)
    bad=$((executed - good))
    if [ "$total" -gt "$executed" ]; then
        echo "test.sh: $name skipped $((total - executed)) tests; a missing prerequisite is a failure" >&2
        bad=$((bad + total - executed))
    fi
    if [ "$bad" -eq 0 ] && [ "$status" -eq 124 ]; then
        echo "test.sh: $name was stopped after $limit seconds" >&2
        bad=1
    elif [ "$bad" -eq 0 ] && [ "$status" -ne 0 ]; then
        echo "test.sh: $name ended with $status" >&2
        bad=1
    elif [ "$total" -eq 0 ]; then
        echo "test.sh: $name ran no test" >&2
        bad=1
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
}

# run_project PROJECT SECONDS
run_project() {
    local name filter="Category!=Boot"
    name=$(basename "$1" .csproj)
    $quick && filter='Category!=Slow'
    echo "== $name"
    tests_of "$1" "$name" "$2" "$filter"
    "${tests[@]}" </dev/null
    count_tests "$name" "$2" $?
}

for project in tests/*.Tests/*.csproj; do
    [[ $project == *EndToEnd* ]] || run_project "$project" 1200
done

# The servers that boot take a quarter of an hour, and everything else end to end goes one test at a time: beside each other. What
# either mounts is nothing to the other, which would keep it mounted in namespaces of its own.
end_to_end=tests/NativeSync.EndToEnd.Tests/NativeSync.EndToEnd.Tests.csproj
if $quick; then
    run_project $end_to_end 2700
else
    tests_of $end_to_end Boots 2700 "Category=Boot"
    nice -n 10 unshare --mount --propagation private "${tests[@]}" </dev/null >$results/boots.log 2>&1 &
    boots=$!
    trap 'kill $boots 2>/dev/null && wait $boots' EXIT
    run_project $end_to_end 2700
    echo "== servers that boot, beside it"
    wait $boots
    status=$?
    trap - EXIT
    cat $results/boots.log
    count_tests Boots 2700 $status
fi

if ! $quick; then
    fuzz=tests/NativeSync.Fuzz/NativeSync.Fuzz.csproj
    echo "== fuzzing for a minute"
    if [ ! -f $fuzz ]; then
        echo "test.sh: $fuzz is missing" >&2
        failed=$((failed + 1))
    elif timeout -k 20 300 dotnet run -c Release --project $fuzz -- --seconds 60 </dev/null; then
        passed=$((passed + 1))
    else
        echo "test.sh: the fuzz target ended with $?" >&2
        failed=$((failed + 1))
    fi
fi

finish

#!/usr/bin/env bash
# Adds every public member of Protocol and Engine that is not declared yet to its PublicAPI.Unshipped.txt, and removes
# declared ones that are gone. Review the difference: it is what callers of the library will see.
set -euo pipefail

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

for name in Protocol Engine; do
    project=src/$name/NativeSync.$name.csproj
    declared=src/$name/PublicAPI.Unshipped.txt
    log=$(mktemp)
    # An error of the analyzer must not stop the compiler from listing them all.
    dotnet build "$project" --no-incremental --nologo -v q -p:TreatWarningsAsErrors=false >"$log" 2>&1 || true
    added=$(sed -nE "s/.*RS0016: Symbol '(.*)' is not part of the declared public API.*/\1/p" "$log")
    removed=$(sed -nE "s/.*RS0017: Symbol '(.*)' is part of the declared API, but is either not public or could not be found.*/\1/p" "$log")
    rm -f "$log"
    {
        echo '#nullable enable'
        { grep -v '^#nullable' "$declared" | grep -vxF -f <(echo "$removed" | sed '/^$/d'; echo '/') || true; echo "$added"; } | sed '/^$/d' | LC_ALL=C sort -u
    } >"$declared.new"
    mv "$declared.new" "$declared"
    echo "$declared: $(sort -u <<<"$added" | grep -c . || true) added, $(sort -u <<<"$removed" | grep -c . || true) removed"
done

# Sourced by build.sh and test.sh: makes sure that Debian packages are there.

# need_packages WHY PACKAGE…   installs what is missing; says in one line what is wrong and what to do when it cannot.
need_packages() {
    local why=$1 package missing=()
    shift
    if ! command -v dpkg-query >/dev/null 2>&1; then
        echo "$0: this machine has no dpkg; install the equivalents of these packages by hand ($why): $*" >&2
        return 1
    fi
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "$0: missing packages ($why): ${missing[*]}; there is no apt-get here: install them by hand" >&2
        return 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        echo "$0: missing packages ($why): ${missing[*]}; run as root: apt-get install ${missing[*]}" >&2
        return 1
    fi
    echo "Installing Debian packages ($why): ${missing[*]}" >&2
    (
        # Services must not start: the tests bring their own.
        policy=/usr/sbin/policy-rc.d
        if [ ! -e $policy ]; then
            trap 'rm -f /usr/sbin/policy-rc.d' EXIT
            printf '#!/bin/sh\nexit 101\n' >$policy
            chmod 755 $policy
        fi
        export DEBIAN_FRONTEND=noninteractive
        log=$(mktemp)
        # The lists may be old or absent: refresh them once, and only when something is to be installed.
        # Another apt may be at work: wait for it.
        if ! { apt-get -o DPkg::Lock::Timeout=300 update -qq && apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
            tail -n 20 "$log" >&2
            rm -f "$log"
            echo "$0: could not install: ${missing[*]} ($why)" >&2
            exit 1
        fi
        rm -f "$log"
    )
}

# need_dotnet   the SDK is the one thing that nobody here installs.
need_dotnet() {
    if ! command -v dotnet >/dev/null 2>&1 || ! dotnet --version >/dev/null 2>&1; then
        echo "$0: no .NET SDK that fits global.json ($(grep -o '"version": *"[^"]*"' "$root/global.json")); install the .NET 10 SDK" >&2
        return 1
    fi
}

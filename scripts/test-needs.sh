#!/bin/sh
# Installs what the tests need besides Go. What is there already is left alone,
# so a second run takes no time. On Debian as root it installs; elsewhere it
# names what is missing, and the tests of that part are skipped. In CI nothing
# may be missing: there it fails instead.
set -eu
cd "$(dirname "$0")/.."

missing='' # what for, one a line
packages='' # Debian's names

# need PURPOSE PACKAGES PROBE...: the probe says whether it is there.
need() {
	purpose=$1 names=$2
	shift 2
	"$@" >/dev/null 2>&1 && return
	missing="$missing  $names: $purpose
"
	packages="$packages $names"
}

browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
c_guests() { command -v clang-16 && command -v wasm-ld-16 && dpkg -s wasi-libc libclang-rt-16-dev-wasm32; }

postgres() { ls /usr/lib/postgresql/*/bin/initdb || command -v initdb; }

need 'the race detector' 'gcc libc6-dev' command -v gcc
need 'guests written in C' 'clang-16 lld-16 wasi-libc libclang-rt-16-dev-wasm32' c_guests
need 'guests written in AssemblyScript' 'nodejs npm' command -v npm
need 'the store of several nodes' postgresql postgres
need 'what nodes share (the server that Debian starts is never used)' redis-server command -v redis-server
need 'counting what is flushed to the disk' strace command -v strace
need 'stories in a browser' 'chromium fonts-liberation' browser

if [ -n "$packages" ]; then
	if [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null; then
		echo "Installing for the tests:"
		printf %s "$missing"
		export DEBIAN_FRONTEND=noninteractive
		log=$(mktemp)
		# shellcheck disable=SC2086 # names are words
		if ! { apt-get -q update &&
			apt-get -q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 install --no-install-recommends $packages; } >"$log" 2>&1; then
			cat "$log" >&2
			echo "Debian's packages could not be installed; apt's own words are above." >&2
			exit 1
		fi
		rm -f "$log"
	else
		echo "The tests would also like (Debian's names):"
		printf %s "$missing"
		if [ "${CI:-}" = true ]; then
			echo "In CI every test runs: install these, or run as root on Debian." >&2
			exit 1
		fi
		echo "Tests of a missing part are skipped."
	fi
fi

# axe-core, which checks the console's pages, from its lock file into build/axe.
lock=e2e/testdata/axe/package-lock.json
if command -v npm >/dev/null && ! { [ -d build/axe/node_modules/axe-core ] && cmp -s "$lock" build/axe/package-lock.json; }; then
	mkdir -p build/axe
	cp e2e/testdata/axe/package.json "$lock" build/axe/
	if ! (cd build/axe && npm ci --ignore-scripts --no-audit --no-fund) >build/axe/log 2>&1; then
		cat build/axe/log >&2
		rm -rf build/axe
		echo "axe-core could not be installed; npm's own words are above." >&2
		exit 1
	fi
fi

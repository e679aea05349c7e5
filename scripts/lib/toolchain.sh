# Finds or makes a Rust compiler that can build std for wasm32 with panic=unwind. Sourced by setup.sh.
#
# worker-build --panic-unwind calls `cargo +nightly` and `rustc +nightly`. Small wrappers in $TOOLS/wrap stand
# first on the PATH of a build and run the compiler that was chosen here instead: a nightly with rust-src where
# rustup can have one, else Debian's compiler and sources (rustc-web, rust-web-src), unlocked by RUSTC_BOOTSTRAP.

WASM=wasm32-unknown-unknown
NIGHTLY=nightly-2026-05-20 # fetched when there is no nightly; one that is there already is taken if it is new enough
RUST_MINOR_MIN=95          # the oldest minor version of Rust that this was tried with
WRAP=$TOOLS/wrap
DEBIAN=$TOOLS/debian-rust

wasm_toolchain() {
  if wrappers_work; then return 0; fi
  case ${FOOTFALL_TOOLCHAIN:-} in
    debian) debian_toolchain ;;
    "") rustup_toolchain || debian_toolchain ;;
    *) toolchain_fits "$FOOTFALL_TOOLCHAIN" || die "toolchain $FOOTFALL_TOOLCHAIN lacks rust-src or is older than 1.$RUST_MINOR_MIN"
      write_wrappers "$FOOTFALL_TOOLCHAIN" ;;
  esac
  say "compiler of the Worker: $(cat "$WRAP/choice")"
}

# True when an earlier run chose a compiler that is still the right one and still there.
wrappers_work() {
  local choice rustc
  choice=$(cat "$WRAP/choice" 2>/dev/null) || return 1
  case $choice in
    debian\ *) [ "${FOOTFALL_TOOLCHAIN:-debian}" = debian ] && [ "$choice" = "debian $(debian_versions)" ] || return 1 ;;
    *) [ "${FOOTFALL_TOOLCHAIN:-${choice#rustup }}" = "${choice#rustup }" ] || return 1 ;;
  esac
  rustc=$(sed -n 's/^export RUSTC="\(.*\)"$/\1/p' "$WRAP/cargo")
  [ -x "$rustc" ] && [ -f "$(dirname "$rustc")/../lib/rustlib/src/rust/library/std/Cargo.toml" ]
}

rustup_toolchain() {
  local name reachable=yes
  # Wanted by clippy; small and quick where rustup's server can be reached, so it also tells whether it can.
  rustup target list --installed | grep -qx "$WASM" ||
    attempt "rustup target add $WASM" bounded 60 rustup target add "$WASM" || reachable=no
  for name in "$NIGHTLY" nightly; do
    toolchain_fits "$name" && write_wrappers "$name" && return 0
  done
  [ $reachable = yes ] || return 1
  if rustup run nightly rustc --version >/dev/null 2>&1; then
    attempt "rust-src for the installed nightly" bounded 120 rustup component add rust-src --toolchain nightly &&
      toolchain_fits nightly && write_wrappers nightly && return 0
  fi
  attempt "rustup toolchain $NIGHTLY" bounded 420 \
    rustup toolchain install "$NIGHTLY" --profile minimal --component rust-src --no-self-update || return 1
  toolchain_fits "$NIGHTLY" && write_wrappers "$NIGHTLY"
}

# The toolchain is installed, new enough, and has the sources of std.
toolchain_fits() {
  local rustc minor
  rustc=$(rustup which rustc --toolchain "$1" 2>/dev/null) || return 1
  [ -f "$(dirname "$rustc")/../lib/rustlib/src/rust/library/std/Cargo.toml" ] || return 1
  minor=$("$rustc" --version | cut -d. -f2)
  [ "$minor" -ge "$RUST_MINOR_MIN" ]
}

# write_wrappers TOOLCHAIN: for a toolchain of rustup.
write_wrappers() {
  local host_rustc
  host_rustc=$(rustup which rustc --toolchain "$1")
  make_wrappers "rustup $1" "$host_rustc" "$(rustup which cargo --toolchain "$1")" ":"
}

# make_wrappers CHOICE RUSTC CARGO EXTRA: `cargo`, `rustc` and `rustup` as worker-build will find them.
make_wrappers() {
  local choice=$1 rustc=$2 cargo=$3 extra=$4 new=$WRAP.$$
  rm -rf "$new"
  mkdir -p "$new"
  cat >"$new/cargo" <<SH
#!/bin/sh
# Made by Footfall's setup: cargo with the Worker's compiler, whatever toolchain is asked for.
case "\${1:-}" in +*) shift ;; esac
$extra
export RUSTC="$rustc"
exec "$cargo" "\$@"
SH
  cat >"$new/rustc" <<SH
#!/bin/sh
# Made by Footfall's setup: the Worker's compiler, whatever toolchain is asked for.
case "\${1:-}" in +*) shift ;; esac
$extra
exec "$rustc" "\$@"
SH
  cat >"$new/rustup" <<'SH'
#!/bin/sh
# Made by Footfall's setup: worker-build asks whether rust-src is there, and it is.
case "$1 ${2:-}" in
  "component list") echo "rust-src (installed)" ;;
esac
SH
  chmod +x "$new/cargo" "$new/rustc" "$new/rustup"
  case $choice in
    debian*) [ ! -x /usr/bin/cargo-clippy ] || ln -s /usr/bin/cargo-clippy "$new/cargo-clippy" ;; # goes with Debian's rustc
  esac
  printf '%s\n' "$choice" >"$new/choice"
  rm -rf "$WRAP"
  mv "$new" "$WRAP"
}

debian_toolchain() {
  have apt-get || die "no Rust compiler for the Worker: rustup could not get a nightly with rust-src, and there is no apt-get to fall back on"
  say "rustup cannot bring a nightly with rust-src; falling back on Debian's rustc-web and rust-web-src"
  apt_packages rustc-web rust-web-src
  [ "$(/usr/bin/rustc --version | cut -d. -f2)" -ge "$RUST_MINOR_MIN" ] ||
    die "Debian's rustc-web is $(/usr/bin/rustc --version), and 1.$RUST_MINOR_MIN or later is needed: enable the security archive of this Debian release"
  if [ "$(cat "$DEBIAN/stamp" 2>/dev/null)" != "$(debian_versions)" ]; then
    step "std for $WASM from Debian's sources" "std could not be built from Debian's rust-web-src" build_debian_sysroot
    debian_versions >"$DEBIAN/stamp"
  fi
  # clippy for wasm32 is a convenience: its absence fails nothing.
  dpkg -s rust-web-clippy >/dev/null 2>&1 || attempt "apt rust-web-clippy" apt_install rust-web-clippy || true
  make_wrappers "debian $(debian_versions)" "$DEBIAN/bin/rustc" "$(rustup which cargo)" \
    "export RUSTC_BOOTSTRAP=1 SYSROOT=\"$DEBIAN\""
}

debian_versions() { dpkg-query -W -f '${Version} ' rustc-web rust-web-src 2>/dev/null; }

# A sysroot of its own beside Debian's files: nothing is written under /usr.
build_debian_sysroot() {
  local host lld crate=$TOOLS/std-build
  host=$(/usr/bin/rustc -vV | sed -n 's/^host: //p')
  lld=$(dirname "$(rustup which rustc)")/../lib/rustlib/$host/bin/rust-lld
  [ -x "$lld" ] || { echo "the default rustup toolchain has no rust-lld at $lld"; return 1; }
  rm -rf "$DEBIAN" "$crate" &&
    mkdir -p "$DEBIAN/bin" "$DEBIAN/lib/rustlib/$host/bin" "$DEBIAN/lib/rustlib/$WASM/lib" "$crate/src" &&
    ln -s "/usr/lib/rustlib/$host/lib" "$DEBIAN/lib/rustlib/$host/lib" &&
    ln -s /usr/lib/rustlib/src "$DEBIAN/lib/rustlib/src" &&
    ln -s "$lld" "$DEBIAN/lib/rustlib/$host/bin/rust-lld" && # Debian ships no wasm linker
    printf '#!/bin/sh\nexec /usr/bin/rustc --sysroot "%s" "$@"\n' "$DEBIAN" >"$DEBIAN/bin/rustc" &&
    chmod +x "$DEBIAN/bin/rustc" &&
    printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n' >"$crate/Cargo.toml" &&
    : >"$crate/src/lib.rs" &&
    cd "$crate" &&
    env -u RUSTFLAGS -u CARGO_TARGET_DIR RUSTC="$DEBIAN/bin/rustc" RUSTC_BOOTSTRAP=1 "$(rustup which cargo)" \
      build --release -Zbuild-std=std,panic_abort --target "$WASM" &&
    rm -f "target/$WASM/release/deps/"libempty-*.rlib &&
    cp "target/$WASM/release/deps/"*.rlib "$DEBIAN/lib/rustlib/$WASM/lib/" &&
    cd "$TOOLS" &&
    rm -rf "$crate"
}

# apt_packages PACKAGE…: installs those that are not there.
apt_packages() {
  dpkg -s "$@" >/dev/null 2>&1 && return 0
  step "apt $*" "Debian package(s) $* could not be installed: this needs root and the Debian archive" apt_install "$@"
}

apt_install() {
  local sudo=
  [ "$(id -u)" = 0 ] || sudo="sudo -n"
  export DEBIAN_FRONTEND=noninteractive
  bounded 300 $sudo apt-get -o DPkg::Lock::Timeout=120 update &&
    bounded 900 $sudo apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@"
}

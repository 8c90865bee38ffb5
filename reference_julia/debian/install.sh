#!/bin/sh
# Put a Julia 1.5.3 under .julia/ of this project, from Debian's bullseye suite. Needs no root and changes
# nothing on the system. Does nothing where a Julia is at hand already, except check it.
set -eu

here=$(dirname "$(readlink -f "$0")")
julia_dir=$(dirname "$(dirname "$here")")/.julia
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
packages="julia julia-common libjulia1 libllvm9 libopenlibm3 libdsfmt-19937-1 libutf8proc2
    libpcre2-8-0 libpcre3 libgmp10 libmpfr6 libgfortran5 libquadmath0 libz3-4 libedit2 libbsd0 libtinfo6 libffi7
    libgit2-1.1 libssh2-1 libcurl3-gnutls libhttp-parser2.9 libmbedcrypto3 libmbedtls12 libmbedx509-0
    libunwind8" # bookworm's libunwind 1.6 kills this Julia at its first exception; bullseye's is 1.3

fail() {
    echo "make julia: $*" >&2
    exit 1
}

check() {
    "$1" --startup-file=no "$here/check.jl"
}

if command -v julia > /dev/null; then
    echo "The julia on the PATH, which the ladder uses, is $(command -v julia)."
    check julia || fail "it fails the check above. Mend it, or take it off the PATH and run this again."
    exit
fi
if [ -x "$julia_dir/bin/julia" ] && check "$julia_dir/bin/julia"; then
    exit
fi

elsewhere="Install Julia 1.5 or newer from its site, julialang.org, so that \`julia\` is on the PATH."
codename=$(. /etc/os-release 2> /dev/null && [ "$ID" = debian ] && echo "$VERSION_CODENAME") ||
    fail "this fetches Julia on Debian only. $elsewhere"
[ "$(dpkg --print-architecture)" = amd64 ] || fail "this fetches Julia on amd64 only. $elsewhere"
[ -r "$keyring" ] || fail "$keyring is missing; install debian-archive-keyring. Or: $elsewhere"

# The system's own mirror, asked of apt itself, which reads every form of source list.
mirror=$(apt-get indextargets --option APT::Get::IndexTargets::ReleaseInfo=false \
    --format '$(RELEASE) $(COMPONENT) $(SITE)' 'Created-By: Packages' |
    awk -v name="$codename" '($1 == name || $1 ~ /^(old)*stable$/) && $2 == "main" { print $3; exit }')
[ -n "$mirror" ] || fail "apt's sources name no mirror of Debian $codename. $elsewhere"

partial=$julia_dir.partial
trap 'rm -rf "$partial"' EXIT
trap 'exit 1' HUP INT TERM
rm -rf "$partial"
mkdir -p "$partial/apt/lists/partial" "$partial/apt/archives/partial" "$partial/debs"

# An apt of its own: the system's proxies stay in force, its sources, lists, cache, pins and hooks do not.
echo "deb [arch=amd64 signed-by=$keyring] $mirror bullseye main" > "$partial/apt/sources.list"
: > "$partial/apt/status"
cat > "$partial/apt/apt.conf" <<CONFIGURATION
Dir::Etc::SourceList "$partial/apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "$partial/apt";
Dir::State::Lists "$partial/apt/lists";
Dir::State::Status "$partial/apt/status";
Dir::Cache "$partial/apt";
Dir::Cache::Archives "$partial/apt/archives";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Default-Release "bullseye";
APT::Sandbox::User "root"; // apt's own user may not enter this folder; where apt is not root, no effect
Acquire::Languages "none";
Acquire::Retries "3";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
CONFIGURATION

echo "Fetching Julia 1.5.3 from Debian's bullseye suite at $mirror ..."
apt-get --config-file "$partial/apt/apt.conf" --quiet --quiet update --error-on=any ||
    fail "$mirror does not answer, or has no bullseye suite any more. $elsewhere"
(cd "$partial/debs" && apt-get --config-file "$partial/apt/apt.conf" --quiet --quiet download $packages) ||
    fail "the packages above could not be had from $mirror. Try again, or: $elsewhere"

for deb in "$partial"/debs/*.deb; do
    dpkg -x "$deb" "$partial"
done
rm -rf "$partial/apt" "$partial/debs"

mkdir "$partial/bin"
cat > "$partial/bin/julia" <<'WRAPPER'
#!/bin/sh
# Julia with the libraries unpacked beside it, which no other program sees.
root=$(dirname "$(dirname "$(readlink -f "$0")")")
libraries=$root/usr/lib/x86_64-linux-gnu
LD_LIBRARY_PATH=$libraries:$libraries/julia:$root/lib/x86_64-linux-gnu exec "$root/usr/bin/julia" "$@"
WRAPPER
chmod +x "$partial/bin/julia"

check "$partial/bin/julia" || fail "the Julia just unpacked fails the check above. $elsewhere"
rm -rf "$julia_dir"
mv "$partial" "$julia_dir"
echo "Julia is in $julia_dir."

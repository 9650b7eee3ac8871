#!/usr/bin/env bash
# What: a machine loses its power while the store writes: nothing acknowledged is lost, all still checks
# Takes: about 15 minutes
# Packages: qemu-system-x86 busybox-static e2fsprogs
# Targets: power-machine power-image power-guest
set -euo pipefail
. tests/soak/options.bash

usage() {
    cat <<'TEXT'
./dev soak power [--rounds 50] [--images 6] [--seed N]

A round boots a machine in QEMU (emulated; no KVM) on a disk that this test serves, lets the store
and its committer write in it, and kills it in the middle of a write. What the disk may then hold
(everything up to the last flush, and any part of the writes behind it, torn ones too) is made of
what was recorded: for the moment of the kill, and for others before it. Each of these images is
mounted and judged in another machine (tests/survival/power/guest_check.c); the next round goes on
with one of them, for 8 rounds.

Controls that must lose something acknowledged, or the test would prove nothing: the same with the
store's syncing off, and with a file system that never asks the disk to flush.

  --rounds N     power losses of the real thing; there is a control of each kind for 10 of them
  --images N     disks judged a round, 1 to 20
  --seed N       of everything random
  --keep FOLDER  where disks that failed go
TEXT
}

die() { echo "power: FAILED: $*"; exit 1; }

rounds=50 images=6 seed=$((RANDOM * 32768 + RANDOM)) keep=
while (($#)); do
    case $1 in
    --rounds) need_count "$@" && rounds=$2 && shift 2 ;;
    --images) need_count "$@" && images=$2 && shift 2 ;;
    --seed) need_number "$@" && seed=$2 && shift 2 ;;
    --keep) need_value "$@" && keep=$2 && shift 2 ;;
    --help) usage && exit 0 ;;
    *) misused "There is no option $1." ;;
    esac
done
((images <= 20)) || misused "--images needs at most 20."
echo "seed $seed"

here=$PWD
build=$TANDEM_BUILD/tests
folder=$TANDEM_SOAK_DIR
cd "$folder"
PATH=$PATH:/usr/sbin:/sbin

disk_megabytes=128
chain=8            # rounds on one disk
longest_cut=1000   # writes
longest=300        # seconds; a machine that takes longer hangs
modules=(virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk)

# ---- The machine ---------------------------------------------------------------------------------

# Debian's kernel for virtual machines: it has ext4 within, and virtio as modules.
fetch_kernel() {
    local package
    package=$(apt-cache depends linux-image-cloud-amd64 |
        sed -n 's/.*Depends: \(linux-image-[^ ]*\)/\1/p' | head -n 1)
    [[ $package ]] || die "apt does not know linux-image-cloud-amd64: apt-get update?"
    echo "Fetching $package"
    mkdir -p package
    (cd package && apt-get -q -o APT::Sandbox::User=root download "$package" >../download.log 2>&1) ||
        die "$package could not be fetched: $(tail -n 1 download.log)"
    dpkg-deb -x package/*.deb root
    rm -r package
    root=$folder/root
}

find_kernel() {
    local kernels=(/boot/vmlinuz-*-cloud-amd64)
    root=
    [[ -r ${kernels[-1]} ]] || fetch_kernel
    kernels=("$root"/boot/vmlinuz-*-cloud-amd64)
    kernel=${kernels[-1]}
    module_folder=$root/lib/modules/${kernel##*/vmlinuz-}/kernel/drivers
}

pack() { # FOLDER: as an archive for the kernel
    (cd "$1" && find . | busybox cpio -o -H newc 2>/dev/null)
}

make_initial_files() {
    local module library path
    mkdir -p initial/{bin,modules}
    cp "$(command -v busybox)" "$build/power-guest" initial/bin/
    cp "$here/tests/survival/power/init.sh" initial/init
    chmod +x initial/init
    for module in "${modules[@]}"; do
        path=$(find "$module_folder" -name "$module.ko*" | head -n 1)
        [[ $path ]] || continue # within the kernel
        cp "$path" initial/modules/
        echo "${path##*/}" >>initial/modules/order
    done
    while read -r library; do
        mkdir -p "initial${library%/*}"
        cp "$library" "initial$library"
    done < <(ldd "$build/power-guest" | grep -o '/[^ ]*')
    pack initial >initial.cpio
}

machine=(
    qemu-system-x86_64 -accel tcg -machine q35 -m 256 -smp 1 -nodefaults -no-user-config
    -display none -no-reboot -net none -serial "file:console.log"
    -chardev "stdio,id=lines,signal=off" -serial chardev:lines
)
command_line="console=ttyS0 loglevel=3 panic=-1 mitigations=off nokaslr no_timer_check random.trust_cpu=on FILESYSTEM=ext4"

# Boots on the disk `base`, to write as CLIENT, and takes its power during a write.
# run_machine BASE CLIENT CUT MOUNT OPTIONS
run_machine() {
    local status=0
    "$build/power-machine" "$1" socket events "$3" "$longest" -- "${machine[@]}" \
        -kernel "$kernel" -initrd initial.cpio \
        -append "$command_line MODE=write CLIENT=$2 MOUNT=$4 OPTIONS=$5" \
        -drive "if=virtio,format=raw,cache=writeback,file=nbd+unix:///?socket=$folder/socket" \
        2>machine.log || status=$?
    ((status == 0)) || die "the machine: $(tail -n 1 machine.log) $(tail -n 1 console.log)"
}

# Judges image-0 to image-COUNT by lines/0 to lines/COUNT. Sets `verdict`, an array.
check_images() { # COUNT
    local drives=() disk
    for ((disk = 0; disk < $1; disk++)); do
        drives+=(-drive "if=virtio,format=raw,cache=unsafe,file=image-$disk")
    done
    { cat initial.cpio && mkdir -p more && rm -rf more/lines && cp -r lines more/ && pack more; } \
        >check.cpio
    timeout --foreground -k 5 "$longest" "${machine[@]}" -kernel "$kernel" -initrd check.cpio \
        -append "$command_line MODE=check COUNT=$1" "${drives[@]}" </dev/null >verdicts 2>machine.log ||
        die "the machine that judges: $(tail -n 1 machine.log)"
    grep -q '^ready' verdicts || die "the machine that judges: $(tail -n 1 console.log)"
    mapfile -t verdict < <(grep '^image ' verdicts | tr -d '\r')
    ((${#verdict[@]} == $1)) || die "the machine judged ${#verdict[@]} of $1 disks"
}

new_disk() { # FILE
    rm -f "$1"
    truncate -s "${disk_megabytes}M" "$1"
    mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$1"
}

# ---- Rounds --------------------------------------------------------------------------------------

# One power loss on the disk `base`, judged in images made by seeds from SEED on. `history` are the
# lines of earlier rounds on this disk.
# lose_power SEED CLIENT MOUNT OPTIONS: sets `verdict` (array), `cut`
lose_power() {
    local disk when
    cut=$((1 + ($1 * 7919 + $2 * 104729) % longest_cut))
    run_machine base "$2" "$cut" "$3" "$4"
    rm -rf lines && mkdir lines
    for ((disk = 0; disk < images; disk++)); do
        when=any
        ((disk > 0)) || when=last
        "$build/power-image" base events $(($1 * 1000 + disk)) "$when" "image-$disk" tail >cut-"$disk" ||
            die "no image could be made"
        { cat history && echo "begun $2" && cat tail; } >"lines/$disk"
    done
    check_images "$images"
}

keep_failure() { # DISK
    [[ $keep ]] || return 0
    mkdir -p "$keep"
    cp base events "image-$1" "lines/$1" "$keep/"
}

judged=0 acknowledged=0 known=0
real_round() { # ROUND
    local disk=0 client=$((($1 - 1) % chain + 1)) next
    if ((client == 1)); then
        new_disk base
        : >history
        known=0
    fi
    lose_power $((seed + $1)) "$client" "" ""
    for ((disk = 0; disk < images; disk++)); do
        [[ ${verdict[disk]} == "image $disk fine"* ]] || {
            keep_failure "$disk"
            die "round $1, ${verdict[disk]} ($(<"cut-$disk"))"
        }
    done
    judged=$((judged + images))
    next=$(((seed + $1) % images))
    acknowledged=$((acknowledged + $(grep -c '^acked' lines/0) - known))
    mv "image-$next" base
    mv "lines/$next" history
    known=$(grep -c '^acked' history || true)
}

control_lost=0 control_judged=0
control_round() { # SEED MOUNT OPTIONS
    local line
    new_disk base
    : >history
    lose_power "$1" 1 "$2" "$3"
    for line in "${verdict[@]}"; do
        [[ $line != *" LOST"* ]] || control_lost=$((control_lost + 1))
    done
    control_judged=$((control_judged + images))
}

control() { # NAME MOUNT OPTIONS
    local round
    control_lost=0 control_judged=0
    for ((round = 1; round <= control_rounds; round++)); do
        control_round $((seed + 100000 + round)) "$2" "$3"
        echo "control $round of $control_rounds, $1: lost on $control_lost of $control_judged disks so far"
    done
    ((control_lost > 0)) || die "nothing is lost with $1, so this test would not see a loss (seed $seed)"
}

control_rounds=$(((rounds + 9) / 10 + 1))
for program in qemu-system-x86_64 busybox mkfs.ext4; do
    command -v "$program" >/dev/null || die "$program is not installed"
done
find_kernel
make_initial_files
control "the store's syncing off" "" --no-sync
lost=$control_lost of=$control_judged
control "a file system that flushes nothing" barrier=0 ""
for ((round = 1; round <= rounds; round++)); do
    real_round "$round"
    echo "round $round of $rounds: killed in write $cut; ${verdict[0]#image 0 }"
done
echo "power: passed: $rounds power losses, $judged disks judged, $acknowledged mutations acknowledged," \
    "none lost; controls lost on $lost of $of disks without syncing, $control_lost of $control_judged" \
    "without flushes; seed $seed"

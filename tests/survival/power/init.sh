#!/bin/busybox sh
# shellcheck shell=dash
# The first and only program of the machine that loses its power. The kernel's command line tells it
# by variables: MODE=write CLIENT= OPTIONS= MOUNT=, or MODE=check COUNT= and one disk for each.
bb=/bin/busybox
$bb mkdir -p /dev /proc /mnt
$bb mount -t devtmpfs none /dev
$bb mount -t proc none /proc
for module in $($bb cat /modules/order); do
    $bb insmod "/modules/$module" || echo "no $module"
done
# Lines for whoever runs the machine: unchanged, and not waiting for more.
$bb stty -F /dev/ttyS1 raw -echo
exec >/dev/ttyS1

if [ "$MODE" = write ]; then
    $bb mount -t "$FILESYSTEM" -o "noatime,$MOUNT" /dev/vda /mnt || echo "failed: mount"
    $bb mkdir -p /mnt/store
    # shellcheck disable=SC2086
    /bin/power-guest write /mnt/store "$CLIENT" $OPTIONS
    $bb poweroff -f # it could not write; whoever runs it expected to end it
fi

disk=0
for letter in a b c d e f g h i j k l m n o p q r s t; do
    [ "$disk" -lt "$COUNT" ] || break
    if $bb mount -t "$FILESYSTEM" -o noatime "/dev/vd$letter" /mnt; then
        $bb mkdir -p /mnt/store
        echo "image $disk $(/bin/power-guest check /mnt/store "/lines/$disk")"
        $bb umount /mnt
    else
        echo "image $disk DAMAGED: it cannot be mounted"
    fi
    disk=$((disk + 1))
done
echo ready
$bb poweroff -f

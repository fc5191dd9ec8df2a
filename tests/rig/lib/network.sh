# shellcheck shell=bash
# The engine's network: a namespace with one uplink, so that its bridges, its iptables rules and its
# published ports touch nothing of the machine's.

LINK=rig$NET
HOST_SIDE=10.77.$NET.1
ENGINE_SIDE=10.77.$NET.2

inside() { nsenter --net="/run/netns/$NAMESPACE" "$@"; }

# Both ends of the uplink carry the state folder as their alias: that is how a rig knows its own.
link_owner() { { ip link show "$LINK" 2>/dev/null || :; } | sed -n 's/^ *alias //p'; }
namespace_owner() { { inside ip link show eth0 2>/dev/null || :; } | sed -n 's/^ *alias //p'; }

# A restart can leave the name behind as a plain file, with no namespace mounted on it.
namespace_mounted() { [ "$(stat -f -c %T "/run/netns/$NAMESPACE" 2>/dev/null)" = nsfs ]; }

network_whole() { namespace_mounted && [ "$(namespace_owner)" = "$STATE" ] && [ "$(link_owner)" = "$STATE" ]; }

# One without a mark was left half made by an `up` that was killed; it is nobody else's.
link_is_foreign() { [[ $(link_owner) != @(""|"$STATE") ]]; }
namespace_is_foreign() { namespace_mounted && [[ $(namespace_owner) != @(""|"$STATE") ]]; }

rules() { # rules CHECK-OR-CHANGE: -C, -I or -D on each of ours
	iptables -w -t nat "$1" POSTROUTING -s "10.77.$NET.0/30" -j MASQUERADE &&
		iptables -w "$1" FORWARD -i "$LINK" -j ACCEPT &&
		iptables -w "$1" FORWARD -o "$LINK" -j ACCEPT
}

# A whole network is kept: containers that outlived a killed engine still live in it.
network_up() {
	if link_is_foreign; then fail "the uplink 10.77.$NET.0/30 belongs to $(link_owner); choose another with RIG_NET="; fi
	if namespace_is_foreign; then fail "the namespace $NAMESPACE belongs to $(namespace_owner); choose another with RIG_NS="; fi
	if ! network_whole; then
		network_down
		run "add the namespace $NAMESPACE" ip netns add "$NAMESPACE"
		run "add the uplink $LINK" ip link add "$LINK" type veth peer name eth0 netns "$NAMESPACE"
		run "set up the uplink $LINK" ip addr add "$HOST_SIDE/30" dev "$LINK"
		run "set up the uplink $LINK" ip link set "$LINK" mtu 1500 up
		run "set up the namespace" inside ip link set lo up
		run "set up the namespace" inside ip addr add "$ENGINE_SIDE/30" dev eth0
		run "set up the namespace" inside ip link set eth0 mtu 1500 up
		run "set up the namespace" inside ip route add default via "$HOST_SIDE"
		run "set up the namespace" inside sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
		# Last, because they declare the network whole.
		run "mark the uplink" inside ip link set eth0 alias "$STATE"
		run "mark the uplink" ip link set "$LINK" alias "$STATE"
	fi
	# Forwarding stays on after `down`: whether something else needs it by then cannot be known.
	echo 1 >/proc/sys/net/ipv4/ip_forward
	rules -C 2>/dev/null || { remove_rules; run "add the iptables rules" rules -I; }
}

remove_rules() {
	while iptables -w -t nat -D POSTROUTING -s "10.77.$NET.0/30" -j MASQUERADE 2>/dev/null; do :; done
	while iptables -w -D FORWARD -i "$LINK" -j ACCEPT 2>/dev/null; do :; done
	while iptables -w -D FORWARD -o "$LINK" -j ACCEPT 2>/dev/null; do :; done
}

network_down() {
	if [ -e "/run/netns/$NAMESPACE" ] && ! namespace_is_foreign; then
		run "delete the namespace $NAMESPACE" ip netns del "$NAMESPACE"
	fi
	link_is_foreign && return
	remove_rules
	# The namespace takes its end of the uplink along, a moment later; then there is nothing left to delete.
	ip link del "$LINK" 2>/dev/null || :
}

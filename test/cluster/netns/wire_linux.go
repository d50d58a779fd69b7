package netns

// inside is the device of a node that is wired to another.
const inside = "eth0"

// Wire joins the namespace called to with that called from by a pair of devices, device in the latter, and has who is in from, whose
// own address is source, send there what is for address and for the pods in podCIDR. The addresses are single ones and no
// bridge joins them, so all that nodes send to each other is forwarded by the one in the middle. Until Plug nobody answers.
func Wire(from, to, device, source, address, podCIDR string) error {
	return ips(
		[]string{"link", "add", device, "netns", from, "type", "veth", "peer", "name", inside, "netns", to},
		[]string{"-n", from, "link", "set", device, "up"},
		[]string{"-n", from, "route", "add", address + "/32", "dev", device, "src", source},
		[]string{"-n", from, "route", "add", podCIDR, "via", address, "dev", device, "onlink"},
	)
}

// Unwire removes what Wire has made, at once: that happens by itself only some time after the end of a namespace.
func Unwire(from, device string) error {
	return ip("-n", from, "link", "delete", device)
}

// Plug gives the namespace called name, which is wired, its address, and has it send all else to gateway.
func Plug(name, address, gateway string) error {
	return ips(
		[]string{"-n", name, "link", "set", inside, "up"},
		[]string{"-n", name, "addr", "add", address + "/32", "dev", inside},
		[]string{"-n", name, "route", "add", gateway + "/32", "dev", inside, "src", address},
		[]string{"-n", name, "route", "add", "default", "via", gateway, "dev", inside, "onlink", "src", address},
	)
}

package hosts

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// nobody is a hardware address that no host has.
const nobody = "02:00:00:00:00:fe"

// LAN is a network of hosts. Its methods are called by the test's goroutine; a
// command that fails, fails the test.
type LAN struct {
	t    testing.TB
	name string // prefix of all that belongs to it
	n    int
}

// New makes a network of n hosts, at most 99, that lasts until the test ends.
// The test is skipped where the machine does not allow that, and fails there if
// the environment has CI=true.
func New(t testing.TB, n int) *LAN {
	t.Helper()
	if reason := unavailable(); reason != "" {
		if os.Getenv("CI") == "true" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	l := &LAN{t: t, name: fmt.Sprintf("pd%d", os.Getpid()), n: n}
	t.Cleanup(l.remove)
	l.ip("netns", "add", l.bridge())
	l.ip("-n", l.bridge(), "link", "add", "br0", "type", "bridge")
	l.ip("-n", l.bridge(), "link", "set", "br0", "up")
	for i := 1; i <= n; i++ {
		l.plug(i)
	}
	return l
}

// unavailable says why there can be no hosts here; "" if there can.
func unavailable() string {
	switch _, err := exec.LookPath("ip"); {
	case runtime.GOOS != "linux":
		return "network namespaces are a part of Linux"
	case err != nil:
		return "there is no ip command (Debian package iproute2)"
	case os.Getuid() != 0:
		return "network namespaces need root"
	}
	probe := fmt.Sprintf("pd%d-probe", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", probe).CombinedOutput(); err != nil {
		return fmt.Sprintf("network namespaces cannot be made here: %v: %s", err, out)
	}
	exec.Command("ip", "netns", "del", probe).Run()
	return ""
}

// plug makes host i and connects it to the bridge.
func (l *LAN) plug(i int) {
	l.t.Helper()
	port := fmt.Sprintf("p%d", i)
	l.ip("netns", "add", l.host(i))
	l.ip("-n", l.bridge(), "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", l.host(i))
	l.ip("-n", l.bridge(), "link", "set", port, "master", "br0", "up")
	l.ip("-n", l.host(i), "link", "set", "lo", "up")
	l.ip("-n", l.host(i), "addr", "add", l.IP(i)+"/24", "dev", "eth0")
	l.ip("-n", l.host(i), "link", "set", "eth0", "up")
}

func (l *LAN) bridge() string    { return l.name + "-br" }
func (l *LAN) host(i int) string { return fmt.Sprintf("%s-%d", l.name, i) }

// IP returns the address of host i.
func (l *LAN) IP(i int) string { return fmt.Sprintf("10.83.0.%d", i) }

// Command returns a command that will run on host i. The process is the
// command's own: signals that are sent to it reach it.
func (l *LAN) Command(i int, name string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", l.host(i), name}, args...)...)
}

// Cut pulls the cable of host i. Nobody is told: bytes just stop.
func (l *LAN) Cut(i int) {
	l.t.Helper()
	l.ip("-n", l.bridge(), "link", "set", fmt.Sprintf("p%d", i), "down")
}

// Heal plugs the cable of host i in again.
func (l *LAN) Heal(i int) {
	l.t.Helper()
	l.ip("-n", l.bridge(), "link", "set", fmt.Sprintf("p%d", i), "up")
}

// Block loses everything that one host sends to another one; the way back
// works. The sender is not told: its packets go to a card that nobody has.
func (l *LAN) Block(from, to int) {
	l.t.Helper()
	l.ip("-n", l.host(from), "neigh", "replace", l.IP(to), "lladdr", nobody, "dev", "eth0", "nud", "permanent")
}

// Unblock ends Block.
func (l *LAN) Unblock(from, to int) {
	l.t.Helper()
	l.ip("-n", l.host(from), "neigh", "del", l.IP(to), "dev", "eth0")
}

// Split blocks everything between hosts of different groups, both ways.
func (l *LAN) Split(groups ...[]int) { l.t.Helper(); l.between(groups, l.Block) }

// Join ends a Split into the same groups.
func (l *LAN) Join(groups ...[]int) { l.t.Helper(); l.between(groups, l.Unblock) }

func (l *LAN) between(groups [][]int, do func(from, to int)) {
	l.t.Helper()
	for g, group := range groups {
		for _, other := range groups[g+1:] {
			for _, a := range group {
				for _, b := range other {
					do(a, b)
					do(b, a)
				}
			}
		}
	}
}

// remove deletes all namespaces and with them their cards. Processes that
// still run there keep theirs until they end.
func (l *LAN) remove() {
	var faults []error
	for _, ns := range l.namespaces() {
		if out, err := exec.Command("ip", "netns", "del", ns).CombinedOutput(); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w: %s", ns, err, out))
		}
	}
	if err := errors.Join(faults...); err != nil {
		l.t.Errorf("hosts are not removed: %v", err)
	}
}

// namespaces lists those of this network that exist.
func (l *LAN) namespaces() []string {
	out, err := exec.Command("ip", "netns", "list").Output()
	if err != nil {
		return nil
	}
	var mine []string
	for line := range strings.Lines(string(out)) {
		if name, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(name, l.name+"-") {
			mine = append(mine, name)
		}
	}
	return mine
}

func (l *LAN) ip(args ...string) {
	l.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		l.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

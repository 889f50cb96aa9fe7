package clusterd

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/harness"
	"github.com/pando-go/pando/clusterd/lease"
	"github.com/pando-go/pando/remote"
	"github.com/pando-go/pando/seedjoin/discovery"
)

// Config describes one node. Name, Listen and Seeds (or FoundAlone) are
// required; every other zero value is a good default.
type Config struct {
	// Name of the cluster: 1 to 64 letters, digits, '-', '_' or '.'. Nodes of
	// another name are refused.
	Name string
	// Listen is the host:port that the node binds. Port 0 picks a free one.
	Listen string
	// Advertise is the host:port at which others reach this node, and its
	// address in the cluster. Default: Listen. Required when Listen binds all
	// interfaces (0.0.0.0, :: or no host).
	Advertise string
	// Seeds are the contact points, the same list on every node, the first seed
	// at its head. This node may be one of them, under any spelling.
	Seeds []string
	// Symmetric lets every seed found, not the first alone, so that no one node
	// is needed to start a cluster: of the seeds that a majority answers the
	// lowest address founds. It must be the same on every node.
	Symmetric bool
	// Discovery finds the seeds in place of Seeds: in a file, in DNS, in
	// Kubernetes. Every node that it finds is a seed, as with Symmetric, and
	// Expect is required.
	Discovery discovery.Config
	// Expect is how many contact points a complete list of Discovery has, 1 to 64:
	// nothing is founded before a majority of them has answered. With fewer than
	// there are, two parts of the nodes could each found a cluster.
	Expect int
	// FoundAlone lets this node found a cluster without asking a majority of
	// the seeds. It can make a second cluster: an operator's word of last resort.
	FoundAlone bool
	// Roles, Zone and Version describe this node to placement and to people.
	Roles   []string
	Zone    string
	Version string
	// Meta is shown to all members, cannot change while the node runs, and may
	// hold 1 KiB of keys and values in all.
	Meta map[string]string
	// TLS encrypts the connections between nodes and proves their addresses;
	// TLSFiles is the same from files that may be replaced while the node runs.
	// See the fields of these names in remote.Config, and docs/security.md.
	TLS      *tls.Config
	TLSFiles remote.TLSFiles
	// JoinSecrets let only those in who know one of them; the first is the one
	// that this node proves. JoinSecretFile holds them one a line, and may be
	// replaced while the node runs. See remote.Config.Secrets.
	JoinSecrets    []string
	JoinSecretFile string
	// Plaintext must be true to listen beyond loopback without TLS.
	Plaintext bool
	// Expose lists the actors that other nodes may reach by name, such as
	// "billing" or "worker/*". Entities and actors without a chosen name need no
	// entry. Default none. See remote.Config.Expose and Node.Expose.
	Expose []string
	// Transport holds the limits and time-outs of connections. What this Config
	// says itself, on security, exposure, dialling and logging, is left out there.
	Transport remote.Config
	// Services are installed before the node joins, so no message finds them
	// missing.
	Services []Service
	// Gossip is how news is spread among the members: zero is gossip.ByDelegate,
	// the best under loss and dead members; docs/gossip.md compares them. It
	// should be the same on all nodes.
	Gossip gossip.Kind
	// GossipFanout is to how many members a node passes news on in one step.
	// Zero: 2.
	GossipFanout int
	// Settings must be equal on all nodes, key by key: whoever differs is refused
	// with the key and both values. Timing is compared without being listed here.
	Settings map[string]string
	// ReportIslands only tells, by IslandDetected, when another cluster of the
	// same name is found; Node.Yield is the operator's word then. By default the
	// later one of the two ends by itself once a majority of it has reached the
	// other, and its nodes join that one; what they had in memory is lost.
	ReportIslands bool
	// Downing tells which side of a cut goes on, and which stops. Nil is
	// downing.KeepMajority. It must be the same on every node: whoever has
	// another one is refused. A strategy that holds for a limited number of
	// members only, such as downing.StaticQuorum, keeps all others out. For
	// lease-majority see package lease.
	Downing downing.Strategy
	// MinMembers is how many nodes must have arrived before joining nodes become
	// Up and entities are placed. It counts for the start of a cluster only. Zero:
	// 1. The leader's counts; other values are told in the log.
	MinMembers int
	// MinByRole is the same for nodes that have a role. Default none.
	MinByRole map[string]int
	// Timing is a preset of all durations: engine.Fast, Lan or Wan. Zero: Lan.
	Timing engine.Timing
	// LeaveTimeout bounds Close, and how long running handlers of hosted actors
	// may take to return after a removal. Zero: 10 s.
	LeaveTimeout time.Duration
	// StopWhenRemoved ends the node with ErrRemoved when the cluster removes it.
	// By default it stops what it hosts and rejoins in the same process under a
	// new UID.
	StopWhenRemoved bool
	// Logger receives what an operator should know. Nil: slog.Default.
	Logger *slog.Logger

	// Harness is how package clustertest takes hold of the node. Leave it zero.
	Harness harness.Node
}

// metaLimit is the size of all keys and values of Meta together, in bytes.
const metaLimit = 1024

// validate reports every fault at once.
func (c *Config) validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

	if !validName(c.Name) {
		fault("Name %q: want 1 to 64 letters, digits, '-', '_' or '.'", c.Name)
	}
	if err := checkAddress(c.Listen, true); err != nil {
		fault("Listen %q: %w", c.Listen, err)
	} else if c.Advertise == "" && isUnspecified(c.Listen) {
		fault("Advertise: required, since Listen %q binds all interfaces; give the host:port at which others reach this node", c.Listen)
	}
	if c.Advertise != "" {
		if err := checkAddress(c.Advertise, false); err != nil {
			fault("Advertise %q: %w", c.Advertise, err)
		} else if isUnspecified(c.Advertise) {
			fault("Advertise %q: others cannot connect to it; give a host name or the address of one interface", c.Advertise)
		}
	}
	c.checkDiscovery(fault)
	if len(c.Seeds) == 0 && !c.FoundAlone && c.Discovery.Source == nil {
		fault("Seeds: want at least one host:port, the same list on every node with the first seed at its head (or FoundAlone)")
	}
	for _, s := range c.Seeds {
		if err := checkAddress(s, false); err != nil {
			fault("Seeds: %q: %w", s, err)
		}
	}
	if c.TLS == nil && c.TLSFiles == (remote.TLSFiles{}) && !c.Plaintext && !isLoopback(c.Listen) && checkAddress(c.Listen, true) == nil {
		fault("Listen %q reaches beyond this machine without TLS; set TLS or TLSFiles, or Plaintext if that is meant", c.Listen)
	}
	faults = append(faults, c.checkTransport())
	if n := metaSize(c.Meta); n > metaLimit {
		fault("Meta: %d bytes of keys and values, the limit is %d", n, metaLimit)
	}
	if c.GossipFanout < 0 {
		fault("GossipFanout %d: must not be negative", c.GossipFanout)
	}
	faults = append(faults, c.checkMembership())
	if c.LeaveTimeout < 0 {
		fault("LeaveTimeout %v: must not be negative", c.LeaveTimeout)
	}
	for i, s := range c.Services {
		if s == nil {
			fault("Services[%d] is nil", i)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("clusterd: config: %w", err)
	}
	return nil
}

// checkMembership reports what the engine would not take, or could never fulfil.
func (c *Config) checkMembership() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch d := c.Downing.(type) { // those with an argument; a program may bring a strategy of its own
	case downing.StaticQuorum, downing.KeepReferee:
		if _, err := downing.Parse(c.Downing.String()); err != nil {
			fault("Downing: %w", err)
		}
	case downing.LeaseMajority:
		fault("Downing: lease-majority needs its lease: lease.Majority{Store: …}")
	case lease.Majority:
		if d.Store == nil {
			fault("Downing: lease.Majority without a Store")
		}
		if least := cmp.Or(c.Timing, engine.Lan()).LeaseFor; d.Lease() < least {
			fault("Downing: a TTL of %v, want at least Timing.LeaseFor of %v", d.Lease(), least)
		}
	}
	if c.MinMembers < 0 {
		fault("MinMembers %d: must not be negative", c.MinMembers)
	}
	if l, ok := c.Downing.(downing.Limiter); ok && c.MinMembers > l.Limit() {
		fault("MinMembers %d: Downing %s allows %d members", c.MinMembers, l, l.Limit())
	}
	for _, role := range slices.Sorted(maps.Keys(c.MinByRole)) {
		if c.MinByRole[role] < 0 || role == "" {
			fault("MinByRole[%q] %d: want a role and no negative number", role, c.MinByRole[role])
		}
	}
	if _, err := gossip.ParseKind(c.Gossip.String()); err != nil {
		fault("Gossip: %w", err)
	}
	return errors.Join(faults...)
}

// checkTransport reports what remote.Listen would not take.
func (c *Config) checkTransport() error {
	t := c.Transport
	var faults []error
	if t.TLS != nil || t.TLSFiles != (remote.TLSFiles{}) || t.Secrets != nil || t.SecretFile != "" || t.Plaintext ||
		t.Expose != nil || t.Dial != nil || t.Logger != nil {
		faults = append(faults, errors.New("in Transport, TLS, TLSFiles, Secrets, SecretFile, Plaintext, Expose, Dial and Logger must be zero: they are set beside it"))
	}
	address := cmp.Or(c.Advertise, c.Listen)
	if checkAddress(address, false) != nil || isUnspecified(address) {
		address = "" // a fault of its own, or port 0: remote.Listen will know it
	}
	return errors.Join(append(faults, c.transport().Check(address))...)
}

// transport is what remote is to be told.
func (c *Config) transport() remote.Config {
	t := c.Transport
	t.TLS, t.TLSFiles, t.Plaintext = c.TLS, c.TLSFiles, c.Plaintext
	t.Secrets, t.SecretFile = c.JoinSecrets, c.JoinSecretFile
	t.Expose = c.Expose
	return t
}

// withDefaults returns a copy that shares nothing with the caller's.
func (c Config) withDefaults() Config {
	c.Seeds = slices.Clone(c.Seeds)
	c.Services = slices.Clone(c.Services)
	c.Settings = maps.Clone(c.Settings)
	c.MinByRole = maps.Clone(c.MinByRole)
	if c.Downing == nil {
		c.Downing = downing.KeepMajority{}
	}
	c.JoinSecrets, c.Expose = slices.Clone(c.JoinSecrets), slices.Clone(c.Expose)
	if c.Timing == (engine.Timing{}) {
		c.Timing = engine.Lan()
	}
	if c.LeaveTimeout == 0 {
		c.LeaveTimeout = 10 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// info is what the node publishes of itself; kinds come from its services.
func (c *Config) info(kinds []string) member.Info {
	info := member.Info{
		Roles:   sortedSet(c.Roles),
		Zone:    c.Zone,
		Version: c.Version,
		Kinds:   sortedSet(kinds),
	}
	for _, k := range slices.Sorted(maps.Keys(c.Meta)) {
		info.Meta = append(info.Meta, member.Pair{Key: k, Value: c.Meta[k]})
	}
	return info
}

func sortedSet(in []string) []string {
	out := slices.Clone(in)
	slices.Sort(out)
	return slices.Compact(out)
}

func metaSize(meta map[string]string) int {
	n := 0
	for k, v := range meta {
		n += len(k) + len(v)
	}
	return n
}

func validName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_', r == '.':
		default:
			return false
		}
	}
	return true
}

// checkAddress says what is wrong with a host:port. A bound address may leave
// out the host and use port 0.
func checkAddress(s string, bound bool) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return errors.New("want host:port, such as 127.0.0.1:7001")
	}
	p, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return fmt.Errorf("port %q: want a number from 0 to 65535", port)
	}
	if !bound && p == 0 {
		return errors.New("port 0 cannot be reached; give the real port")
	}
	if !bound && host == "" {
		return errors.New("the host is missing")
	}
	if strings.ContainsAny(host, " \t\r\n/#@") {
		return fmt.Errorf("host %q: want a host name or an IP address", host)
	}
	return nil
}

func isUnspecified(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	if host == "" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsUnspecified()
}

func isLoopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

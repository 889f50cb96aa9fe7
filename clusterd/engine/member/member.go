// Package member holds the identities of a cluster: nodes, their incarnations,
// their statuses and the cluster they belong to. It is pure and imports the
// standard library only.
package member

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
)

// Node is one incarnation of a cluster node: an address and a UID that grows
// with each start at that address. UID 0 means "whoever is there".
type Node struct {
	Address string // host:port, as advertised
	UID     uint64
}

// String returns address#uid with the UID in lower-case hexadecimal.
func (n Node) String() string { return fmt.Sprintf("%s#%x", n.Address, n.UID) }

// CompareAddress orders addresses by host, then by port as a number.
func CompareAddress(a, b string) int {
	ah, ap := split(a)
	bh, bp := split(b)
	if c := cmp.Compare(ah, bh); c != 0 {
		return c
	}
	if c := cmp.Compare(ap, bp); c != 0 {
		return c
	}
	return cmp.Compare(a, b)
}

func split(address string) (host string, port int) {
	h, p, err := net.SplitHostPort(address)
	if err != nil {
		return address, -1
	}
	n, err := strconv.Atoi(p)
	if err != nil {
		return h, -1
	}
	return h, n
}

// ClusterID names one founding of a cluster: 48 bits of milliseconds since
// 1970 of the founder's clock, then 80 random bits, so that IDs are ordered by
// time. The zero ClusterID means "no cluster".
type ClusterID [16]byte

// String returns 32 lower-case hexadecimal digits, "" for the zero ID.
func (c ClusterID) String() string {
	if c == (ClusterID{}) {
		return ""
	}
	return hex.EncodeToString(c[:])
}

// Identity tells clusters apart: the founding and, after an operator's forced
// recovery without a quorum, the branch. Foreign identities never merge.
type Identity struct {
	Cluster ClusterID
	Branch  uint64
}

// IsZero reports whether the identity names no cluster.
func (i Identity) IsZero() bool { return i.Cluster == ClusterID{} }

// Status is the place of a member in its life. Values grow with life; a status
// never moves back.
type Status uint8

// The statuses, in the order of a member's life.
const (
	Joining  Status = 1 + iota // known by gossip, not in a view yet
	WeaklyUp                   // as Joining, while no view can be decided for a while
	Up                         // a full member and voter
	Leaving                    // asked to leave; still a voter, handing over
	Exiting                    // drained; about to be removed
	Down                       // wanted out; about to be removed
	Removed                    // no longer a member; its UID never returns
)

// String returns the status in lower case, as the HTTP API and logs print it.
func (s Status) String() string {
	switch s {
	case Joining:
		return "joining"
	case WeaklyUp:
		return "weaklyup"
	case Up:
		return "up"
	case Leaving:
		return "leaving"
	case Exiting:
		return "exiting"
	case Down:
		return "down"
	case Removed:
		return "removed"
	}
	return fmt.Sprintf("status(%d)", uint8(s))
}

// Info is what a member tells of itself. It is immutable once published; the
// slices are sorted and free of duplicates.
type Info struct {
	Roles   []string
	Zone    string
	Version string   // of the application
	Kinds   []string // names of the entity kinds that the member hosts
	Meta    []Pair   // sorted by key; at most 1 KiB in all
}

// Pair is one entry of Info.Meta.
type Pair struct{ Key, Value string }

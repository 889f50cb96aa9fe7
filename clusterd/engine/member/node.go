package member

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Node is one incarnation of a cluster node: an address and a UID that grows
// with each start at that address. UID 0 means "whoever is there".
type Node struct {
	Address string // host:port, as advertised
	UID     uint64 // see NextUID
}

// String returns address#uid with the UID in lower-case hexadecimal.
func (n Node) String() string { return fmt.Sprintf("%s#%x", n.Address, n.UID) }

// IsZero reports whether the node names nobody.
func (n Node) IsZero() bool { return n == Node{} }

// Compare orders nodes by address as [CompareAddress] does, then by UID.
func (n Node) Compare(o Node) int {
	if c := CompareAddress(n.Address, o.Address); c != 0 {
		return c
	}
	return cmp.Compare(n.UID, o.UID)
}

const randomBits = 20

// NextUID returns the UID for a start at an address: the milliseconds of now
// since 1970, or one more than those of highest, the greatest UID known for
// the address, whichever is later, then 20 random bits. So UIDs grow even when
// the clock was set back, as long as the last one is remembered.
func NextUID(now time.Time, highest, random uint64) uint64 {
	ms := uint64(max(now.UnixMilli(), 1))
	if highest != 0 {
		ms = max(ms, highest>>randomBits+1)
	}
	return ms<<randomBits | random&(1<<randomBits-1)
}

// CompareAddress orders addresses by host, then by port as a number.
func CompareAddress(a, b string) int {
	if a == b {
		return 0
	}
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

// split returns port -1 for what is not host:port.
func split(address string) (host string, port int) {
	colon := strings.LastIndexByte(address, ':')
	if colon < 0 {
		return address, -1
	}
	n, err := strconv.Atoi(address[colon+1:])
	if err != nil {
		return address[:colon], -1
	}
	return address[:colon], n
}

// MaxAddress is the greatest length of an address in bytes.
const MaxAddress = 512

// Validate reports whether the node names one incarnation.
func (n Node) Validate() error {
	if n.Address == "" || len(n.Address) > MaxAddress {
		return fmt.Errorf("member: address of %d bytes, want 1 to %d", len(n.Address), MaxAddress)
	}
	if n.UID == 0 {
		return fmt.Errorf("member: %s has no UID", n.Address)
	}
	return nil
}

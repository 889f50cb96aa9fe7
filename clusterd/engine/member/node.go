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

// CompareAddress orders addresses by host, then by port as a number. A port
// that is no number comes before all that are.
//
// Every lookup in a sorted table comes down to this function, so two plain
// ports are compared as text: of two numbers without leading zeros the longer
// one is larger.
func CompareAddress(a, b string) int {
	first, most := 0, min(len(a), len(b))
	for first < most && a[first] == b[first] {
		first++
	}
	if first == most && len(a) == len(b) {
		return 0
	}
	if port := portAt(a, first); port > 0 && plain(a, port, first) && plain(b, port, first) {
		if len(a) != len(b) {
			return cmp.Compare(len(a), len(b))
		}
		return cmp.Compare(a[first], b[first])
	}
	return compareUnlike(a, b)
}

// portAt returns where the run of digits before i begins, 0 if no colon stands
// before that.
func portAt(address string, i int) int {
	for i > 0 && isDigit(address[i-1]) {
		i--
	}
	if i > 0 && address[i-1] == ':' {
		return i
	}
	return 0
}

// plain reports whether an address ends in a plain port that begins at port; up
// to from it is known to be of digits.
func plain(address string, port, from int) bool {
	digits := len(address) - port
	if digits == 0 || digits > longest || address[port] == '0' {
		return false
	}
	for i := from; i < len(address); i++ {
		if !isDigit(address[i]) {
			return false
		}
	}
	return true
}

// compareUnlike is CompareAddress for two addresses that may be of different hosts.
func compareUnlike(a, b string) int {
	ac, bc := plainPort(a), plainPort(b)
	if ac < 0 || bc < 0 {
		return compareOdd(a, b)
	}
	return strings.Compare(a[:ac], b[:bc])
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// longest is how many digits a plain port has at most.
const longest = 9

// plainPort returns where the colon before the port is, -1 unless that is a
// number as people write it.
func plainPort(address string) int {
	i := len(address)
	for i > 0 && isDigit(address[i-1]) {
		i--
	}
	if i == 0 || i == len(address) || len(address)-i > longest || address[i-1] != ':' || address[i] == '0' {
		return -1
	}
	return i - 1
}

// compareOdd is CompareAddress for any two addresses. Where host and port are
// equal as numbers the text decides, so that only equal addresses are equal.
func compareOdd(a, b string) int {
	ah, ap := split(a)
	bh, bp := split(b)
	return cmp.Or(strings.Compare(ah, bh), cmp.Compare(ap, bp), strings.Compare(a, b))
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

package member

import (
	"fmt"
	"slices"
)

// Info is what a member tells of itself. It is immutable once published; the
// slices are sorted and free of duplicates. The zero Info is good.
type Info struct {
	Roles   []string // names under which placement may choose the member
	Zone    string   // where copies should not be together; "" = one zone
	Version string   // of the application; "" = not told
	Kinds   []string // names of the entity kinds that the member hosts
	Meta    []Pair   // sorted by key; at most 1 KiB in all
}

// Has reports whether the member has a role; every member has the role "".
func (i *Info) Has(role string) bool {
	if role == "" {
		return true
	}
	_, ok := slices.BinarySearch(i.Roles, role)
	return ok
}

// Size is about how many bytes the info has in a message.
func (i *Info) Size() int {
	const head = 4 // of a field
	size := len(i.Zone) + len(i.Version) + 4*head
	for _, list := range [...][]string{i.Roles, i.Kinds} {
		for _, s := range list {
			size += len(s) + head
		}
	}
	for _, p := range i.Meta {
		size += len(p.Key) + len(p.Value) + 3*head
	}
	return size
}

// Pair is one entry of [Info.Meta].
type Pair struct {
	Key   string // unique within its Info
	Value string // may be empty
}

// The limits of what a member may tell of itself.
const (
	MaxMeta = 1 << 10 // bytes of all keys and values in Info.Meta
	MaxInfo = 8 << 10 // bytes of everything in an Info
)

// Validate reports whether the info is within its limits.
func (i *Info) Validate() error {
	meta := 0
	for _, p := range i.Meta {
		meta += len(p.Key) + len(p.Value)
	}
	if meta > MaxMeta {
		return fmt.Errorf("member: meta of %d bytes, want at most %d", meta, MaxMeta)
	}
	if n := len(i.appendBinary(nil)); n > MaxInfo {
		return fmt.Errorf("member: info of %d bytes, want at most %d", n, MaxInfo)
	}
	return nil
}

package downing

import (
	"cmp"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Leased is a [Strategy] for which a lease outside the cluster decides: the side
// whose leader holds it goes on, be it the smaller one.
type Leased interface {
	Strategy
	// Lease returns for how long the lease is held without being renewed.
	Lease() time.Duration
}

// LeaseMajority keeps the side that holds a lease which is kept outside the
// cluster. The side that has a majority, as in [KeepMajority], tries for it at
// once; the smaller one some time later, so that it goes on only where the
// majority is gone. It suits clusters of two, or of two sites, that have a store
// which both reach, and clusters that should survive the loss of a majority. All
// of a cluster needs that store: without it nothing hosted runs.
type LeaseMajority struct {
	// TTL is for how long the lease is held without being renewed; 0 = 5 s. A
	// longer one bridges longer failures of the store and delays the takeover
	// from a holder that is gone.
	TTL time.Duration
}

const defaultLease = 5 * time.Second

// Quorum implements [Strategy]: a majority. It tells who may try for the lease
// first; what is decided is for the holder.
func (LeaseMajority) Quorum(v *member.View, have func(member.Node) bool) bool {
	return count(v, have).majority()
}

// Lease implements [Leased].
func (s LeaseMajority) Lease() time.Duration { return cmp.Or(s.TTL, defaultLease) }

// String returns "lease-majority", and after a colon the TTL if there is one.
func (s LeaseMajority) String() string {
	if s.TTL == 0 {
		return "lease-majority"
	}
	return "lease-majority:" + s.TTL.String()
}

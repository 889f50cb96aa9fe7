package sharding

import (
	"cmp"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/sharding/internal/homes"
)

const (
	loadPeriod = 10 * time.Second // how often homes report how busy they are
	loadLeast  = 1000             // messages in a period; who has fewer does not report
)

// reportLoad tells the machine how many messages came for the slots of each kind
// since the last time.
func (s *service) reportLoad() {
	for kind := range s.router.kinds { // order: each kind has its own report
		if u := s.router.usage(kind); u.Total >= loadLeast {
			s.step(u)
		}
	}
}

// usage takes the counts of a kind and begins them anew.
func (r *router) usage(kind string) homes.Usage {
	u := homes.Usage{Kind: kind}
	for i := range r.stripes {
		st := &r.stripes[i]
		st.mu.RLock()
		for key, s := range st.seats { // order: sorted below
			if key.kind != kind {
				continue
			}
			if n := s.count.Swap(0); n > 0 {
				u.Total += uint64(n)
				u.Hot = append(u.Hot, homes.Load{Slot: key.slot, Messages: n})
			}
		}
		st.mu.RUnlock()
	}
	slices.SortFunc(u.Hot, func(a, b homes.Load) int {
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(a.Slot, b.Slot))
	})
	u.Hot = u.Hot[:min(len(u.Hot), homes.MaxHot)]
	return u
}

package sharding

import (
	"maps"
	"sync/atomic"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/sharding/internal/homes"
	"github.com/pando-go/pando/clusterd/slots"
)

// route is where a slot of a kind is, as far as this node knows. It is shared
// by the slots that came to be there together, and but for used it never
// changes, so a pointer to it tells whether anything is new.
type route struct {
	to    member.Node // zero: nobody knows
	epoch homes.Epoch
	since time.Time
	prev  *route       // the way that messages took before, without its own prev; nil = none
	used  *atomic.Bool // something was sent this way
}

// routes are those of all kinds. Any goroutine may read them; only the service's
// writes.
type routes struct {
	kinds atomic.Pointer[map[string]*routeTable] // replaced, never changed
}

type routeTable [slots.Count]atomic.Pointer[route]

func newRoutes() *routes {
	r := new(routes)
	r.kinds.Store(&map[string]*routeTable{})
	return r
}

// at returns the route of a slot; nil if nothing was ever known of it.
func (r *routes) at(kind string, slot uint16) *route {
	t := (*r.kinds.Load())[kind]
	if t == nil {
		return nil
	}
	return t[slot].Load()
}

// owner returns where a slot is; false if nobody knows.
func (r *routes) owner(kind string, slot uint16) (*route, bool) {
	way := r.at(kind, slot)
	return way, way != nil && way.to.Address != ""
}

// set notes a new way. Slots that had the same way share the new one.
func (r *routes) set(a homes.Route, now time.Time) {
	t := r.table(a.Kind)
	fresh := map[*route]*route{}
	for slot := range a.Slots.Slots() {
		old := t[slot].Load()
		way := fresh[old]
		if way == nil {
			way = &route{to: a.To, epoch: a.Epoch, since: now, used: new(atomic.Bool)}
			if old != nil {
				way.prev = &route{to: old.to, epoch: old.epoch, since: old.since, used: old.used}
			}
			fresh[old] = way
		}
		t[slot].Store(way)
	}
}

func (r *routes) table(kind string) *routeTable {
	kinds := *r.kinds.Load()
	if t := kinds[kind]; t != nil {
		return t
	}
	kinds = maps.Clone(kinds)
	t := new(routeTable)
	kinds[kind] = t
	r.kinds.Store(&kinds)
	return t
}

// clear forgets everything.
func (r *routes) clear() { r.kinds.Store(&map[string]*routeTable{}) }

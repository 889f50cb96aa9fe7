package sim

import (
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/core"
)

// Machine is what runs on a simulated node: a core.Core, or less in tests of
// the simulator itself. The simulator drives it as the clusterd shell does.
type Machine interface {
	Step(now time.Time, in core.Input) error
	Tick(now time.Time)
	Ready() core.Ready
	Snapshot() engine.Snapshot
	// Views returns the newest view that the machine knows decided and the
	// newest that it knows active; nil = none. Both are immutable.
	Views() (decided, active *View)
}

// View is a numbered view of a cluster, as far as the invariants look at it.
type View struct {
	Identity member.Identity
	Number   uint64
	Seats    []Seat // sorted by address
}

// Seat is one member of a View.
type Seat struct {
	member.Node
	Status   member.Status
	UpNumber uint64
}

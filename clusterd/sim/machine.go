package sim

import (
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/internal/core"
)

// Machine is what runs on a simulated node: a core.Core, or less in tests of
// the simulator itself. The simulator drives it as the clusterd shell does.
type Machine interface {
	Step(now time.Time, in core.Input) error
	Tick(now time.Time)
	Ready() core.Ready
	Snapshot() engine.Snapshot
	Outline() engine.Snapshot // without members
	InspectViews() engine.Inspection
	Lease() engine.Lease
}

// newCore runs the real thing.
func newCore(cfg core.Config) (Machine, error) { return core.New(cfg) }

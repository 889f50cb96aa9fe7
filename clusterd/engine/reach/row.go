package reach

import "github.com/pando-go/pando/clusterd/engine/member"

// Row tells whom one observer accuses of silence. Only the observer writes its
// row; the higher version replaces the lower. Rows are immutable.
type Row struct {
	Observer member.Node   // who says so
	Version  uint64        // grows with each change
	Accused  []member.Node // sorted; empty = it accuses nobody
}

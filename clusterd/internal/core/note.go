package core

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pando-go/pando/seedjoin"
)

// Note is a line for the operator, and why Ready has not returned.
type Note struct {
	Refused bool   // the cluster refused this node: surfaces as clusterd.RefusedError
	By      string // address; of several, joined by ", "
	Text    string
}

// note makes a line of what an operator should know.
func note(e seedjoin.Event) (Note, bool) {
	switch e := e.(type) {
	case seedjoin.Waiting:
		return Note{By: strings.Join(e.For, ", "), Text: e.Why}, true
	case seedjoin.Refused:
		return Note{Refused: true, By: e.By, Text: e.Text}, true
	case seedjoin.Replaced:
		return Note{By: e.By.Address, Text: fmt.Sprintf("%s took the place of %s, which is wanted down", e.By, e.Old)}, true
	case seedjoin.Lost:
		return Note{Text: e.Why}, true
	case seedjoin.Island:
		return Note{By: e.By.Address, Text: fmt.Sprintf(
			"another cluster of the same name lives: %s branch %d with %d members, beside this one with %d; %s",
			e.Other.Cluster, e.Other.Branch, e.Size, e.Own, e.Plan)}, true
	case seedjoin.Yielded:
		return Note{By: e.By.Address, Text: fmt.Sprintf("this cluster ends and its members join %s", e.To.Cluster)}, true
	case seedjoin.Differs:
		return Note{By: e.Node.Address, Text: "it is let in, though settings differ: " + e.Text}, true
	}
	return Note{}, false
}

const (
	repeatAfter = 30 * time.Second // before the same note is told again
	maxNotes    = 64               // remembered; the oldest makes room
)

// notes remembers what was told lately.
type notes []told

type told struct {
	note Note
	at   time.Time
}

func (ns *notes) isNew(now time.Time, n Note) bool {
	*ns = slices.DeleteFunc(*ns, func(t told) bool { return now.Sub(t.at) >= repeatAfter })
	if slices.ContainsFunc(*ns, func(t told) bool { return t.note == n }) {
		return false
	}
	if len(*ns) >= maxNotes {
		*ns = slices.Delete(*ns, 0, 1)
	}
	*ns = append(*ns, told{note: n, at: now})
	return true
}

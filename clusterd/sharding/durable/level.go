package durable

import "fmt"

// Level is how many members of a shard's group must have a change before
// anything that depends on it leaves the entity: its reply, and what it tells
// others. docs/durable-entities.md says what each level can lose.
type Level uint8

const (
	// Quorum, the default: more than half of the group have it on their disks,
	// and every later primary will have it.
	Quorum Level = iota
	// Async: the primary has put it into its log, and nobody has answered yet.
	// What was acknowledged in the last moments before a failure may be lost.
	Async
	// All: every member of the group has it on its disk. One member that is down
	// holds up all changes until it is back or has been replaced.
	All

	levels = int(All) + 1
)

// String is the level's name in lower case.
func (l Level) String() string {
	switch l {
	case Quorum:
		return "quorum"
	case Async:
		return "async"
	case All:
		return "all"
	}
	return fmt.Sprintf("level %d", uint8(l))
}

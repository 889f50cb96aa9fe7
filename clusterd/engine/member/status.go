package member

import "fmt"

// Status is the place of a member in its life. Values grow with life; a status
// never moves back.
type Status uint8

// The statuses, in the order of a member's life.
const (
	Joining  Status = 1 + iota // known by gossip, not in a view yet
	WeaklyUp                   // as Joining, while no view can be decided for a while
	Up                         // a full member and voter
	Leaving                    // asked to leave; still a voter, handing over
	Exiting                    // drained; about to be removed
	Down                       // wanted out; about to be removed
	Removed                    // no longer a member; its UID never returns
)

// String returns the status in lower case, as the HTTP API and logs print it.
func (s Status) String() string {
	switch s {
	case Joining:
		return "joining"
	case WeaklyUp:
		return "weaklyup"
	case Up:
		return "up"
	case Leaving:
		return "leaving"
	case Exiting:
		return "exiting"
	case Down:
		return "down"
	case Removed:
		return "removed"
	}
	return fmt.Sprintf("status(%d)", uint8(s))
}

// Votes reports whether a member of a view with this status is one of its
// voters.
func (s Status) Votes() bool { return s == Up || s == Leaving }

// Cause tells why a member is wanted out or was removed. Where two causes
// meet, the greater one stands.
type Cause uint8

// The causes. The zero Cause means that nobody wants the member out.
const (
	CauseLeft        Cause = 1 + iota // it asked to leave and was drained
	CauseOverdue                      // it asked to leave and had not drained by the leave deadline
	CauseUnreachable                  // downing removed it after the stable time
	CauseDown                         // an operator wanted it down
	CauseReplaced                     // a newer incarnation wants its address
)

// String returns the cause in lower case; "" for the zero Cause.
func (c Cause) String() string {
	switch c {
	case 0:
		return ""
	case CauseLeft:
		return "left"
	case CauseOverdue:
		return "overdue"
	case CauseUnreachable:
		return "unreachable"
	case CauseDown:
		return "down"
	case CauseReplaced:
		return "replaced"
	}
	return fmt.Sprintf("cause(%d)", uint8(c))
}

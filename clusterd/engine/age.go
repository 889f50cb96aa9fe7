package engine

import (
	"cmp"
	"slices"
)

// Age is the order in which members became Up: a lower upNumber is older. It is
// decided once with the view that made a member Up and never changes, so
// everybody agrees on who is oldest for as long as that member stays.

// Older reports whether m became Up before o. A member that was never Up is
// younger than all that were.
func (m Member) Older(o Member) bool { return m.rank() < o.rank() }

func (m Member) rank() uint64 { return m.UpNumber - 1 } // 0 wraps: the youngest

// ByAge returns the members that have been Up, oldest first.
func (s Snapshot) ByAge() []Member {
	list := slices.DeleteFunc(slices.Clone(s.Members), func(m Member) bool { return m.UpNumber == 0 })
	slices.SortFunc(list, func(a, b Member) int { return cmp.Compare(a.UpNumber, b.UpNumber) })
	return list
}

// Oldest returns the oldest Up or Leaving member with a role, reachable or not;
// "" = with any. It reports false if there is none.
func (s Snapshot) Oldest(role string) (oldest Member, ok bool) {
	for _, m := range s.Members {
		if m.Status.Votes() && m.Info.Has(role) && (!ok || m.Older(oldest)) {
			oldest, ok = m, true
		}
	}
	return oldest, ok
}

// LeaderOf returns the address of the leader among the members with a role;
// "" = there is none. LeaderOf("") is the leader.
func (s Snapshot) LeaderOf(role string) string {
	if role == "" {
		return s.Leader
	}
	for _, l := range s.RoleLeaders {
		if l.Role == role {
			return l.Leader
		}
	}
	return ""
}

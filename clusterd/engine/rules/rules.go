package rules

import (
	"errors"
	"fmt"
	"strings"
)

// Rule is one ingredient of the protocol. The constants are listed by [All].
type Rule uint8

// The rules, by the sections of the protocol page that they belong to. What is
// written behind each is what happens without it.
const (
	_ Rule = iota
	// V1: a view lists only those that it removes itself.
	V1Removed
	// V2: a new leader proposes without asking the voters what they know.
	V2Read
	// V2: a view that promises show is not finished before another is proposed.
	V2Finish
	// V3: a voter acknowledges terms that are lower than it promised.
	V3Promise
	// V3: a leader decides by its own acknowledgement alone.
	V3Quorum
	// V3: a quorum of whom the leader can reach is enough.
	V3Voters
	// V3: a view adds more members than the one before has voters.
	V3Size
	// V4: a view is active as soon as it is decided.
	V4All
	// V4: who removes somebody does not wait for the end of his lease.
	V4Wait
	// V4: who removes somebody waits for half as long as it must.
	V4Half
	// V4: the wait is left out though the removed was answered lately.
	V4Quiet
	// V4: the wait is left out though the view before was decided just now.
	V4Base
	// V4: the wait is left out though those who are removed could support each
	// other without anybody who was asked.
	V4Quorum
	// V5: users are shown views that are decided but not active.
	V5Active
	// L1: any heartbeat is an answer, whether it echoes a stamp or not.
	L1Echo
	// L2: a voter that has gone on to a newer view supports.
	L2Newer
	// L2: whom an acknowledged view removes is still answered.
	L2Removed
	// L3: the lease counts from when an answer arrived.
	L3Stamp
	// L3: a voter without a lease passes one on.
	L3Relay
	// L3: the quorum of a view that was acknowledged and is not known to be
	// decided is not asked for.
	L3Later
	// Finding 24: who gets the lease outside the cluster goes on although a
	// former holder may have decided what it does not know.
	LeaseNote
	// Finding 24: who gets the lease outside the cluster takes the silence of the
	// removed for the end of what they leaned on.
	LeaseWait
	// L4: who has said that it drained still has a lease.
	L4Drained
	// L5: who has a lease does not look at the clock before it begins something.
	L5Clock
	// Finding 1: one accuser makes a member unreachable.
	Accusers
	// SWIM: who is silent is accused though others reach it.
	Probes
	// Finding 17: tombstones are pruned by age, and no floor keeps the dead out.
	Floor
	// Finding 18: the UIDs of an address do not grow.
	Growing
	// S1: silence is taken for "no cluster".
	S1Silence
	// S2: a vote is given to every candidate that asks.
	S2Promise
	// S3: nobody invites the seeds.
	S3Invite
	// S4: who has no lease does not name its cluster.
	S4Names
	// S5: nobody gives up a cluster that lost its quorum in restarts.
	S5Void

	end
)

// about is what is known of a rule: its name in scripts and the invariant that
// breaks without it.
var about = [end]struct{ name, breaks, text string }{
	V1Removed: {"V1-removed", "status", "a view lists whom it and the views before it removed"},
	V2Read:    {"V2-read", "I2", "a new leader asks a quorum for the newest view before it proposes"},
	V2Finish:  {"V2-finish", "I2", "a view that somebody acknowledged is proposed again unchanged, first"},
	V3Promise: {"V3-promise", "I2", "a voter acknowledges no lower term than it promised"},
	V3Quorum:  {"V3-quorum", "I4", "a quorum of the last view's voters decides"},
	V3Voters:  {"V3-voters", "I4", "the voters of the last decided view are counted, reachable or not"},
	V3Size:    {"V3-size", "I4", "a view adds no more members than the one before has voters"},
	V4All:     {"V4-all", "active", "a view is active when all its voters have acknowledged it"},
	V4Wait:    {"V4-wait", "I3", "a removal is active when the leases of the removed have ended"},
	V4Half:    {"V4-half", "I3", "the wait is T_f·(1+ρ)/(1−ρ)"},
	V4Quiet:   {"V4-quiet", "I3", "the wait is left out only if all say that they answered none of the removed for as long"},
	V4Base:    {"V4-base", "I3", "the wait is left out only if the view before was decided as long ago"},
	V4Quorum:  {"V4-quorum", "I3", "the wait is left out only if those who answered nobody for as long are a quorum of the view before"},
	V5Active:  {"V5-active", "shown", "what is given away waits for the active view"},
	L1Echo:    {"L1-echo", "I3", "only an echo of one's own stamp is an answer"},
	L2Newer:   {"L2-newer", "I3", "who has gone on to a newer view supports nobody who has not"},
	L2Removed: {"L2-removed", "I3", "whom an acknowledged view removes is answered no more"},
	L3Stamp:   {"L3-stamp", "I3", "a lease counts from the holder's own send stamp"},
	L3Relay:   {"L3-relay", "I3", "only a voter with a lease passes it on, and no longer than it lasts"},
	L3Later:   {"L3-later", "I3", "a lease needs a quorum of the decided view and of what was acknowledged after it"},
	LeaseNote: {"lease-note", "I3", "a holder of the lease outside the cluster knows what former ones decided"},
	LeaseWait: {"lease-wait", "I3", "who got the lease outside waits as long as what was passed on from it before lasts"},
	L4Drained: {"L4-drained", "I3", "who has said that it drained holds no lease"},
	L5Clock:   {"L5-clock", "I3", "a lease is checked against the real clock before anything is begun"},
	Accusers:  {"accusers", "healthy", "min(3, 1 + heard) accusers make a member unreachable"},
	Probes:    {"probes", "healthy", "who is silent is looked for by others before it is accused"},
	Floor:     {"floor", "status", "tombstones last until a decided floor, which keeps older records out"},
	Growing:   {"growing", "healthy", "the UIDs of an address grow"},
	S1Silence: {"S1-silence", "one", "silence is not an answer: only a majority that said no founds"},
	S2Promise: {"S2-promise", "one", "who said no to one candidate tells others that it founds"},
	S3Invite:  {"S3-invite", "one", "the stewards of a cluster invite the seeds"},
	S4Names:   {"S4-names", "one", "a process without a lease names its cluster, which blocks founding"},
	S5Void:    {"S5-void", "I8", "the memory of a cluster that lost its quorum in restarts becomes void"},
}

// All returns every rule, in the order of the protocol page.
func All() []Rule {
	all := make([]Rule, 0, end-1)
	for r := Rule(1); r < end; r++ {
		all = append(all, r)
	}
	return all
}

// String returns the name of the rule, as scripts and commands spell it.
func (r Rule) String() string {
	if r == 0 || r >= end {
		return fmt.Sprintf("rule(%d)", uint8(r))
	}
	return about[r].name
}

// Text returns what the rule says.
func (r Rule) Text() string { return about[r].text }

// Breaks returns the name of the invariant that does not hold without the rule.
func (r Rule) Breaks() string { return about[r].breaks }

// Set is what is taken out. The zero Set takes out nothing.
type Set struct{ bits uint64 }

// Of returns the set of some rules.
func Of(list ...Rule) (s Set) {
	for _, r := range list {
		s.bits |= 1 << r
	}
	return s
}

// Has reports whether a rule is taken out.
func (s Set) Has(r Rule) bool { return s.bits&(1<<r) != 0 }

// String returns the names of what is taken out, "" for nothing.
func (s Set) String() string {
	var names []string
	for _, r := range All() {
		if s.Has(r) {
			names = append(names, r.String())
		}
	}
	return strings.Join(names, " ")
}

// ErrUnknown is returned by [Parse] for a name that no rule has.
var ErrUnknown = errors.New("rules: no such rule")

// Parse returns the set of rules with these names, separated by blanks.
func Parse(names string) (Set, error) {
	var s Set
	for _, name := range strings.Fields(names) {
		r := named(name)
		if r == 0 {
			return Set{}, fmt.Errorf("%w: %s", ErrUnknown, name)
		}
		s.bits |= 1 << r
	}
	return s, nil
}

func named(name string) Rule {
	for _, r := range All() {
		if r.String() == name {
			return r
		}
	}
	return 0
}

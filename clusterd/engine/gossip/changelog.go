package gossip

import "slices"

// changelog remembers what changed lately, so that news can be told without a
// comparison. What it has forgotten is left to anti-entropy.
type changelog struct {
	seq     uint64   // of the last change
	changes []change // the newest last
}

type change struct {
	address string
	row     bool
}

const maxChanges = 512

func (l *changelog) note(address string, row bool) {
	if len(l.changes) >= maxChanges {
		l.changes = append(l.changes[:0], l.changes[maxChanges/2:]...)
	}
	l.seq++
	l.changes = append(l.changes, change{address, row})
}

// since returns what changed after the change numbered seq, oldest first, each
// once.
func (l *changelog) since(seq uint64) []change {
	fresh := min(l.seq-min(seq, l.seq), uint64(len(l.changes)))
	var latest []change
	seen := make(map[change]bool, fresh)
	for _, c := range slices.Backward(l.changes[uint64(len(l.changes))-fresh:]) {
		if !seen[c] {
			seen[c] = true
			latest = append(latest, c)
		}
	}
	slices.Reverse(latest)
	return latest
}

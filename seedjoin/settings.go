package seedjoin

import (
	"fmt"
	"strings"
)

// Setting is one configuration key. Whoever lets a joiner in compares what both
// have of it. The rule travels with the joiner's, so that a key which only a
// newer release knows is judged as that release means it.
type Setting struct {
	Key, Value string
	Rule       Rule // of two rules for one key the stricter holds
}

// Rule tells what a difference in a [Setting] means.
type Rule uint8

// The rules, the strictest first.
const (
	MustMatch Rule = iota // both must have the key, with equal values; what the protocol's safety rests on
	MayMiss               // the values must be equal if both have the key; for keys that a new release brings
	MayDiffer             // a difference is told to the operator and keeps nobody out
)

// difference is a key in which a joiner and the cluster differ.
type difference struct {
	rule    Rule
	text    string
	missing bool // one of them does not have the key
}

// differences lists, key by key, where a joiner's settings differ from the
// cluster's. Both are sorted by key.
func differences(joiner, cluster []Setting) []difference {
	var diffs []difference
	for len(joiner) > 0 || len(cluster) > 0 {
		switch {
		case len(cluster) == 0 || len(joiner) > 0 && joiner[0].Key < cluster[0].Key:
			diffs = append(diffs, difference{joiner[0].Rule, fmt.Sprintf("%s is %q here and not set in the cluster", joiner[0].Key, joiner[0].Value), true})
			joiner = joiner[1:]
		case len(joiner) == 0 || cluster[0].Key < joiner[0].Key:
			diffs = append(diffs, difference{cluster[0].Rule, fmt.Sprintf("%s is not set here and %q in the cluster", cluster[0].Key, cluster[0].Value), true})
			cluster = cluster[1:]
		default:
			if joiner[0].Value != cluster[0].Value {
				diffs = append(diffs, difference{min(joiner[0].Rule, cluster[0].Rule), fmt.Sprintf("%s is %q here and %q in the cluster", joiner[0].Key, joiner[0].Value, cluster[0].Value), false})
			}
			joiner, cluster = joiner[1:], cluster[1:]
		}
	}
	return diffs
}

// faulty reports whether the difference keeps a joiner out.
func (d difference) faulty() bool { return d.rule == MustMatch || d.rule == MayMiss && !d.missing }

// compare splits the differences into those that keep a joiner out and those
// that are only told; "" = none.
func compare(joiner, cluster []Setting) (faults, notes string) {
	var f, n []string
	for _, d := range differences(joiner, cluster) {
		switch {
		case d.faulty():
			f = append(f, d.text)
		case d.rule == MayDiffer:
			n = append(n, d.text)
		}
	}
	return strings.Join(f, "; "), strings.Join(n, "; ")
}

// Package rules names the ingredients of the protocol that a simulator may take
// out, one at a time, to prove that its invariants would see them missing.
//
// An engine and a join machine carry a [Set] of what is taken out in their
// configuration. The zero Set takes nothing out, and clusterd has no way to
// configure another: this is for the simulator alone.
//
//	if !e.cfg.Without.Has(rules.V2Read) {
//		// ask the voters what they know before proposing
//	}
//
// Each rule has stories in clusterd/sim/testdata/rules that break the invariant
// [Rule.Breaks] names once the rule is out, and break nothing while it is in.
//
// A Set is a value: copy it, compare it, share it.
package rules

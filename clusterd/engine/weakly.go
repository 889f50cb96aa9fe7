package engine

import "github.com/pando-go/pando/clusterd/engine/member"

// weaken marks joiners who are fit but have waited long because no view could
// be decided: an unreachable member keeps the last one from becoming active, or
// this side of a cut has no quorum. WeaklyUp is a fact and no decision: it says
// "you are heard, be patient" and gives neither a vote nor a slot. So whoever
// takes itself for the leader may say it, lease or not, on both sides of a cut.
func (e *Engine) weaken() {
	patience := e.cfg.Timing.WeaklyUp
	if patience <= 0 || e.verdict.leader != e.self || !e.busy() || e.views.decided.Shutdown ||
		e.now.Sub(e.views.changed) < patience {
		return
	}
	var waiting []*member.Record
	for r := range e.table.Records() {
		if e.joining(r) && r.Wanted == 0 && !r.Own.Leaving && e.fit(r) && e.now.Sub(e.roster.find(r.Node).since) >= patience {
			waiting = append(waiting, r)
		}
	}
	if !e.views.decided.Open && !e.met(e.views.decided.Members, waiting) {
		return
	}
	for _, r := range waiting {
		if !r.Weakly {
			weak := *r
			weak.Weakly = true
			e.merge(&weak)
		}
	}
}

package durable

import (
	"context"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/sharding/durable/internal/durablepb"
	"github.com/pando-go/pando/clusterd/sharding/internal/groups"
)

// The table tells where shards are. Each primary makes its own row known to all,
// when it changes and from time to time; of two rows the one with the higher epoch
// holds, and in one epoch the one of the later configuration. It is only a hint:
// who acts upon an old row is sent on, and a primary is one by its lease alone.

// spreadEvery is after how long a primary tells its rows again.
const spreadEvery = 2 * time.Second

// newer reports whether a row replaces another one.
func newer(a, b groups.Row) bool {
	return a.Epoch > b.Epoch || a.Epoch == b.Epoch && (a.Index > b.Index || a.Index == b.Index && b.Primary == 0 && a.Primary != 0)
}

// learn takes over rows, and makes known those that are this node's own.
func (sh *shell) learn(rows []groups.Row, own bool) {
	var changed []groups.Row
	sh.mu.Lock()
	for _, r := range rows {
		if int(r.Shard) < len(sh.rows) && newer(r, sh.rows[r.Shard]) {
			sh.rows[r.Shard] = r
			changed = append(changed, r)
		}
	}
	sh.mu.Unlock()
	for _, r := range changed {
		sh.direct(int(r.Shard))
	}
	if own && len(changed) > 0 {
		sh.tellRows(changed)
	}
}

func (sh *shell) learnRows(in *durablepb.Rows) {
	rows := make([]groups.Row, 0, len(in.GetRows()))
	for _, r := range in.GetRows() {
		if len(r.GetReplicas())+len(r.GetLearners()) > 64 {
			continue
		}
		rows = append(rows, groups.Row{
			Shard: r.GetShard(), Epoch: r.GetEpoch(), Index: r.GetIndex(), Primary: r.GetPrimary(),
			Replicas: r.GetReplicas(), Learners: r.GetLearners(),
		})
	}
	sh.learn(rows, false)
}

// tellRows makes rows known to all members.
func (sh *shell) tellRows(rows []groups.Row) {
	out := &durablepb.Rows{}
	for _, r := range rows {
		out.Rows = append(out.Rows, &durablepb.Row{
			Shard: r.Shard, Epoch: r.Epoch, Index: r.Index, Primary: r.Primary, Replicas: r.Replicas, Learners: r.Learners,
		})
	}
	for _, m := range sh.crowd.members {
		sh.post(m, &durablepb.Packet{Body: &durablepb.Packet_Rows{Rows: out}})
	}
}

// spread tells this node's own rows again from time to time, since those who missed
// them have nobody else to ask.
func (sh *shell) spread(now time.Time) {
	if now.Before(sh.pilot.spread) {
		return
	}
	sh.pilot.spread = now.Add(spreadEvery)
	sh.spreadAll()
}

func (sh *shell) spreadAll() {
	var own []groups.Row
	sh.mu.Lock()
	for shard := range sh.lead { // order: the receiver's table has none
		own = append(own, sh.rows[shard])
	}
	sh.mu.Unlock()
	if len(own) > 0 {
		sh.tellRows(own)
	}
}

// direct sends a shard's messages to its primary: by what its group says, if there
// is a replica here, and by the table, whichever is newer.
func (sh *shell) direct(shard int) {
	l := &sh.locals[shard]
	if l.run != 0 {
		return // it is here
	}
	sh.mu.Lock()
	epoch, id := sh.rows[shard].Epoch, sh.rows[shard].Primary
	sh.mu.Unlock()
	if l.role.Term > epoch || l.role.Term == epoch && l.role.Primary != 0 {
		id = l.role.Primary
	}
	to := ""
	if id != sh.self {
		to = sh.address(id)
	}
	sh.svc.router.lead(shard, to, nil)
}

func (sh *shell) directAll() {
	for shard := range sh.locals {
		sh.direct(shard)
	}
}

// row is what users are told. Any goroutine.
func (sh *shell) row(shard int) Row {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r := sh.rows[shard]
	out := Row{Shard: shard, First: sh.first(shard), Last: sh.first(shard) + uint16(sh.span()-1), Epoch: r.Epoch}
	out.Primary = sh.names[r.Primary]
	for _, id := range r.Replicas {
		if a := sh.names[id]; a != "" && id != r.Primary {
			out.Replicas = append(out.Replicas, a)
		}
	}
	slices.Sort(out.Replicas)
	if w := sh.wishes[shard]; w != 0 && w != r.Primary {
		out.To = sh.names[w]
	}
	return out
}

func (sh *shell) table() []Row {
	rows := make([]Row, sh.svc.cfg.Shards)
	for i := range rows {
		rows[i] = sh.row(i)
	}
	return rows
}

// transfer is Transfer. Any goroutine.
func (sh *shell) transfer(ctx context.Context, shard int, to string) error {
	for {
		if sh.row(shard).Primary == to {
			return nil
		}
		done := make(chan error, 1)
		sh.put(moving{shard, to, done})
		select {
		case err := <-done:
			if err != nil {
				return err
			}
		case <-sh.ended:
			return ErrStopped
		}
		if err := sh.await(ctx, shard, to); err != nil {
			return err
		}
	}
}

// transferPoll is how often transfer looks at the table.
const transferPoll = 5 * time.Millisecond

// await waits for a new primary for a while.
func (sh *shell) await(ctx context.Context, shard int, to string) error {
	timer := time.NewTicker(transferPoll)
	defer timer.Stop()
	for end := time.Now().Add(sh.svc.timing.Retry); time.Now().Before(end); {
		select {
		case <-timer.C:
			if sh.row(shard).Primary == to {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-sh.ended:
			return ErrStopped
		}
	}
	return nil
}

// move passes a wish on to whoever plans.
func (sh *shell) move(now time.Time, in moving) error {
	issuer, ok := sh.crowd.issuer()
	for _, h := range sh.crowd.hosts {
		switch {
		case h.node.Address != in.to || h.leaving || !ok:
		case h.standby:
			return ErrStandby
		case issuer.id == sh.self:
			sh.pilot.pin(in.shard, h.id)
			sh.steer(now)
			return nil
		default:
			sh.post(issuer.node, &durablepb.Packet{Body: &durablepb.Packet_Move{Move: &durablepb.Move{Shard: uint32(in.shard), To: h.id}}})
			return nil
		}
	}
	return ErrNoReplica
}
